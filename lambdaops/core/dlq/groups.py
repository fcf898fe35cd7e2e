"""Letters that were looked at, in groups: by error, function, kind and age.

Rules this file guarantees: what is kept of a letter is what is counted, never its body, attributes or error message;
every letter is in exactly one group.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from lambdaops.core.dlq.dead import Kind
from lambdaops.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lambdaops.core.dlq.dead import Dead
    from lambdaops.core.dlq.letter import Letter


class By(enum.StrEnum):
    """What letters are grouped by."""

    ERROR = "error"
    FUNCTION = "function"
    KIND = "kind"
    AGE = "age"


USUAL: Final = (By.ERROR, By.FUNCTION, By.AGE)
NOT_SAID: Final = "(not said)"

_AGES: Final = (
    (timedelta(hours=1), "under 1h"),
    (timedelta(hours=6), "1h-6h"),
    (timedelta(days=1), "6h-1d"),
    (timedelta(days=3), "1d-3d"),
    (timedelta(days=7), "3d-7d"),
    (timedelta.max, "7d-14d"),  # SQS keeps nothing longer
)
AGES: Final = tuple(name for _, name in _AGES)
"""The names of the ages, youngest first."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One letter of a sample, without anything of its content; ``where`` is the function, or what else gave it up."""

    id: str
    kind: Kind
    where: str
    error: str
    sent: datetime
    receives: int
    size: int


@dataclass(frozen=True, slots=True)
class Group:
    """Letters that have these in common, by the names of what they were grouped by; ``example`` is the oldest's id."""

    names: tuple[str, ...]
    count: int
    oldest: datetime
    newest: datetime
    example: str


def parse_by(text: str) -> tuple[By, ...]:
    """Read ``--group-by``: names, with commas in between.

    Raises:
        UsageError: another name, or the same one twice.
    """
    names = [name.strip() for name in text.split(",")]
    known = {one.value: one for one in By}
    hint = f"Name any of {', '.join(known)}, with commas in between."
    if wrong := [name for name in names if name not in known]:
        raise UsageError(f"letters cannot be grouped by {wrong[0]!r}", hint=hint)
    if len(set(names)) != len(names):
        raise UsageError(f"{text!r} names something twice", hint=hint)
    return tuple(known[name] for name in names)


def seen(letter: Letter, dead: Dead) -> Seen:
    """What is kept of a letter."""
    return Seen(
        letter.id,
        dead.kind,
        _where(dead),
        dead.error or NOT_SAID,
        letter.sent,
        letter.receives,
        len(letter.body.encode("utf-8", "surrogatepass")),
    )


def group(sample: Iterable[Seen], by: Sequence[By], now: datetime) -> tuple[Group, ...]:
    """The groups, largest first, then oldest first."""
    found: dict[tuple[str, ...], list[Seen]] = defaultdict(list)
    for one in sample:
        found[tuple(_name(one, what, now) for what in by)].append(one)
    groups = []
    for names, members in found.items():
        oldest = min(members, key=lambda one: (one.sent, one.id))
        groups.append(Group(names, len(members), oldest.sent, max(one.sent for one in members), oldest.id))
    return tuple(sorted(groups, key=lambda one: (-one.count, one.oldest, one.names)))


def ages(sample: Iterable[Seen], now: datetime) -> tuple[tuple[str, int], ...]:
    """How many letters are how old, youngest first, with ages in between that none has."""
    counts = dict.fromkeys(AGES, 0)
    for one in sample:
        counts[age(now - one.sent)] += 1
    return tuple(counts.items())


def age(old: timedelta) -> str:
    """The name of an age; a clock that is behind SQS's makes nobody younger than new."""
    return next(name for limit, name in _AGES if old < limit)


def _name(one: Seen, what: By, now: datetime) -> str:
    match what:
        case By.ERROR:
            return one.error
        case By.FUNCTION:
            return one.where
        case By.KIND:
            return one.kind.value
        case By.AGE:
            return age(now - one.sent)


def _where(dead: Dead) -> str:
    """The function by the alias it was invoked by; else the queue, topic or target that gave the letter up."""
    name = dead.function.rpartition(":")[2]
    if name:
        return f"{name}:{dead.qualifier}" if dead.qualifier else name
    if dead.origin:
        service = dead.origin.split(":")[2] if dead.origin.startswith("arn:") else ""
        what = {"sqs": "queue ", "sns": "topic "}.get(service, "")
        return what + (dead.origin.rpartition(":")[2] if what else dead.origin)
    return NOT_SAID
