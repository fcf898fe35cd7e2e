"""A letter as a line of a file: everything that is needed to put it back, or to see where it came from.

Rules this file guarantees: what was written is read back equal, whatever is in the body and the attributes; a line that
is not certainly a letter is refused with what is wrong about it, never read in part.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lambdaops.core.dlq.letter import Attribute, Letter

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = 1
_KEYS: Final = (
    "v",
    "queue",
    "id",
    "body",
    "attributes",
    "group",
    "deduplication",
    "sequence",
    "trace",
    "source",
    "sent",
    "receives",
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class NotALetterError(ValueError):
    """A line that cannot be read as a letter; says why, and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Dumped:
    """A letter out of a file, and the ARN of the queue that it was in; its receipt handle is empty."""

    letter: Letter
    queue: str


def line_of(letter: Letter, queue: str) -> str:
    """The letter as one line, without the line break; ``queue`` is the ARN of where it is."""
    data = {
        "v": FORMAT,
        "queue": queue,
        "id": letter.id,
        "body": letter.body,
        "attributes": {name: _written(one) for name, one in letter.attributes.items()},
        "group": letter.group,
        "deduplication": letter.deduplication,
        "sequence": letter.sequence,
        "trace": letter.trace,
        "source": letter.source,
        "sent": letter.sent.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "receives": letter.receives,
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half a character, which SQS itself never lets through
        return json.dumps(data, separators=(",", ":"))
    return text


def read_line(text: str) -> Dumped:
    """Read a line back.

    Raises:
        NotALetterError: why it is none.
    """
    try:
        said = json.loads(text, object_pairs_hook=_once)
    except NotALetterError:
        raise
    except json.JSONDecodeError as error:
        raise NotALetterError(f"no JSON at column {error.colno}") from None
    except (ValueError, RecursionError):
        raise NotALetterError("no JSON that could be read") from None
    if not isinstance(said, dict):
        raise NotALetterError("no JSON object")
    if unknown := [name for name in said if name not in _KEYS]:
        raise NotALetterError(f"{unknown[0]!r} is nothing that a letter has: it has {', '.join(_KEYS)}")
    if said.get("v") != FORMAT or isinstance(said["v"], bool):
        raise NotALetterError(f'"v" is not {FORMAT}: another version wrote this, or another program')
    letter = Letter(
        id=_text(said, "id"),
        handle="",
        body=_text(said, "body", empty=True),
        attributes=_attributes(said.get("attributes")),
        sent=_moment(said.get("sent")),
        receives=_count(said.get("receives")),
        group=_optional(said, "group"),
        deduplication=_optional(said, "deduplication"),
        sequence=_optional(said, "sequence"),
        trace=_optional(said, "trace"),
        source=_optional(said, "source"),
    )
    return Dumped(letter, _text(said, "queue"))


def _written(attribute: Attribute) -> dict[str, str]:
    if isinstance(attribute.value, bytes):
        return {"type": attribute.type, "base64": base64.b64encode(attribute.value).decode("ascii")}
    return {"type": attribute.type, "value": attribute.value}


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise NotALetterError(f"{name!r} is there twice")
        found[name] = value
    return found


def _text(said: Mapping[str, object], name: str, *, empty: bool = False) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not (value or empty):
        raise NotALetterError(f'"{name}" is missing' if name not in said else f'"{name}" is not a text')
    return value


def _optional(said: Mapping[str, object], name: str) -> str | None:
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise NotALetterError(f'"{name}" is neither a text nor null')
    return value


def _attributes(said: object) -> dict[str, Attribute]:
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise NotALetterError('"attributes" is not an object')
    return {name: _attribute(name, value) for name, value in said.items()}


def _attribute(name: str, said: object) -> Attribute:
    if not isinstance(said, dict) or not isinstance(said.get("type"), str):
        raise NotALetterError(f"attribute {name!r} has no type")
    kind = said["type"]
    if said.keys() == {"type", "value"} and isinstance(said["value"], str):
        return Attribute(kind, said["value"])
    if said.keys() == {"type", "base64"} and isinstance(said["base64"], str):
        try:
            return Attribute(kind, base64.b64decode(said["base64"], validate=True))
        except (binascii.Error, ValueError):
            raise NotALetterError(f"attribute {name!r} is not base64") from None
    raise NotALetterError(f'attribute {name!r} has neither a "value" nor a "base64" alone, as text')


def _moment(said: object) -> datetime:
    """A time; what somebody wrote by hand may have none, and then counts as old."""
    if said is None:
        return _EPOCH
    try:
        found = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise NotALetterError('"sent" is not a time like 2026-11-01T08:00:00.000Z')
    return found


def _count(said: object) -> int:
    if said is None:
        return 0
    if not isinstance(said, int) or isinstance(said, bool) or said < 0:
        raise NotALetterError('"receives" is not a count')
    return said
