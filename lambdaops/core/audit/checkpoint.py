"""A checkpoint: how long every journal was at a moment, and the hash of its last record, kept where nobody rewrites it.

Rules this file guarantees: a checkpoint is one line of canonical JSON, so its bytes are its content; it names its
number and the hash of the bytes of the one before, so none can be left out or exchanged; a signature covers every other
byte; what cannot be read exactly as it was written is no checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

FIRST = "0" * 64
"""``prev`` of checkpoint 1, and the head of a journal without records."""

LAYOUT = 1
_NAME = re.compile(r"checkpoint-([0-9]{12})\.json")
_KEYS = {"lambdaops_checkpoint", "number", "prev", "at", "host", "run", "tool", "journals", "signature"}
_HASH = re.compile(r"[0-9a-f]{64}")
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class BadCheckpointError(ValueError):
    """Bytes that are no checkpoint; the text says why."""


@dataclass(frozen=True, slots=True)
class Head:
    """A journal as it was: so many records, and the hash of the last."""

    arn: str
    count: int
    head: str


@dataclass(frozen=True, slots=True)
class Signature:
    """Who vouches for a checkpoint: ``key`` names the public key, ``value`` is hexadecimal."""

    algorithm: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All chains at one moment; ``prev`` is the SHA-256 of the bytes of the checkpoint before."""

    number: int
    prev: str
    at: datetime
    heads: tuple[Head, ...]
    host: str = ""
    run: str = ""
    tool: str = ""
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A checkpoint that is in its place."""

    number: int
    digest: str
    where: str
    checkpoint: Checkpoint

    @property
    def records(self) -> int:
        """How many records it anchors."""
        return sum(one.count for one in self.checkpoint.heads)


def name_of(number: int) -> str:
    """What the file or the last part of the object's key is called: in the order of names, they are in order."""
    return f"checkpoint-{number:012}.json"


def number_of(name: str) -> int | None:
    """The number in a name; None when it is no checkpoint's."""
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else None


def digest(data: bytes) -> str:
    """What the next checkpoint says of these bytes."""
    return hashlib.sha256(data).hexdigest()


def signed_bytes(checkpoint: Checkpoint) -> bytes:
    """What a signature is made of: everything but itself."""
    return _JSON.encode(_record(checkpoint, None)).encode("utf-8", "replace")


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """The content of the object."""
    return _JSON.encode(_record(checkpoint, checkpoint.signature)).encode("utf-8", "replace") + b"\n"


def _record(checkpoint: Checkpoint, signature: Signature | None) -> dict[str, object]:
    return {
        "lambdaops_checkpoint": LAYOUT,
        "number": checkpoint.number,
        "prev": checkpoint.prev,
        "at": checkpoint.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "host": checkpoint.host,
        "run": checkpoint.run,
        "tool": checkpoint.tool,
        "journals": [{"arn": one.arn, "count": one.count, "head": one.head} for one in checkpoint.heads],
        "signature": None
        if signature is None
        else {"algorithm": signature.algorithm, "key": signature.key, "value": signature.value},
    }


def from_bytes(data: bytes) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        BadCheckpointError: it is not exactly what :func:`to_bytes` writes.
    """
    try:
        record = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise BadCheckpointError(f"it is not JSON ({error})") from None
    if not isinstance(record, dict) or record.get("lambdaops_checkpoint") != LAYOUT or record.keys() != _KEYS:
        raise BadCheckpointError("it is not a checkpoint, or one of another version")
    try:
        made = record["signature"]
        checkpoint = Checkpoint(
            number=record["number"],
            prev=record["prev"],
            at=datetime.fromisoformat(record["at"]),
            heads=tuple(Head(one["arn"], one["count"], one["head"]) for one in record["journals"]),
            host=record["host"],
            run=record["run"],
            tool=record["tool"],
            signature=None if made is None else Signature(made["algorithm"], made["key"], made["value"]),
        )
        exact = _is_sound(checkpoint) and to_bytes(checkpoint) == data
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadCheckpointError(f"it lacks something, or has something else in its place ({error})") from None
    if not exact:
        raise BadCheckpointError("it is not in the form it was written")
    return checkpoint


def _is_sound(checkpoint: Checkpoint) -> bool:
    texts = [checkpoint.host, checkpoint.run, checkpoint.tool, *(one.arn for one in checkpoint.heads)]
    if (made := checkpoint.signature) is not None:
        texts += [made.algorithm, made.key, made.value]
        bytes.fromhex(made.value)
    hashes = [checkpoint.prev, *(one.head for one in checkpoint.heads)]
    arns = [one.arn for one in checkpoint.heads]
    return (
        all(isinstance(text, str) for text in texts)
        and all(_HASH.fullmatch(one) for one in hashes)
        and all(type(one.count) is int and one.count >= 0 for one in checkpoint.heads)
        and type(checkpoint.number) is int
        and checkpoint.number > 0
        and arns == sorted(set(arns))
    )
