"""What a look at a queue found, for people and machines alike. No body, unless somebody asked for one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from lambdaops.core.dlq.dead import Dead, Kind
from lambdaops.core.dlq.groups import By, Group
from lambdaops.core.dlq.masked import masked

if TYPE_CHECKING:
    from lambdaops.core.dlq.letter import Letter


@dataclass(frozen=True, slots=True)
class AgeCount:
    """How many letters are of an age."""

    age: str
    count: int


@dataclass(frozen=True, slots=True)
class ShownAttribute:
    """An attribute of a letter that is shown; ``value`` is what it is, or in words what it is like."""

    name: str
    type: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """One whole letter, with its values (``open``) or without; ``body`` is text, ``shape`` its JSON without values."""

    id: str
    kind: Kind
    function: str
    qualifier: str
    version: str
    error: str
    message: str = field(repr=False)
    origin: str
    request: str
    attempts: int
    sent: datetime
    receives: int
    size: int
    group: str | None
    deduplication: str | None
    trace: str | None = field(repr=False)
    source: str | None
    attributes: tuple[ShownAttribute, ...]
    body: str = field(repr=False)
    open: bool


@dataclass(frozen=True, slots=True)
class Inspection:
    """A queue, and a sample of what is in it.

    Attributes:
        queue: its ARN.
        at: when, by SQS's clock.
        waiting: approximate number of letters to be received; ``hidden`` in flight, ``delayed`` not yet.
        looked: how many were looked at.
        complete: whether that was every letter there was.
        by: what they are grouped by.
        groups: largest first.
        ages: youngest first.
        oldest: when the oldest of them was sent; ``expires`` when SQS deletes it.
        retention: how long the queue keeps a letter.
        dead_letters: the queue's own dead-letter queue, or empty; letters go there after ``max_receives``.
        left: how many receives the letter with most of them has left before that; None without a redrive policy.
        still_hidden: how many could not be given back, and come back by themselves at ``hidden_until``.
        interrupted: whether somebody stopped it.
        letter: the one that was asked for.
    """

    queue: str
    at: datetime
    waiting: int
    hidden: int
    delayed: int
    looked: int
    complete: bool
    by: tuple[By, ...]
    groups: tuple[Group, ...]
    ages: tuple[AgeCount, ...]
    oldest: datetime | None
    expires: datetime | None
    retention: timedelta
    dead_letters: str
    max_receives: int
    left: int | None
    still_hidden: int = 0
    hidden_until: datetime | None = None
    interrupted: bool = False
    letter: Shown | None = None


def shown(letter: Letter, dead: Dead, *, values: bool) -> Shown:
    """A letter as it is shown; without ``values`` neither body nor error message nor anybody's attributes are in it."""
    said_by_aws = _SAID_BY_AWS.get(dead.kind, frozenset())
    return Shown(
        id=letter.id,
        kind=dead.kind,
        function=dead.function,
        qualifier=dead.qualifier,
        version=dead.version,
        error=dead.error,
        message=dead.message if values else _length(dead.message),
        origin=dead.origin,
        request=dead.request,
        attempts=dead.attempts,
        sent=letter.sent,
        receives=letter.receives,
        size=len(letter.body.encode("utf-8", "surrogatepass")),
        group=letter.group if values or letter.group is None else _length(letter.group),
        deduplication=letter.deduplication if values or letter.deduplication is None else _length(letter.deduplication),
        trace=letter.trace,
        source=letter.source,
        attributes=tuple(
            ShownAttribute(name, one.type, _value(one.value) if values or name in said_by_aws else _length(one.value))
            for name, one in sorted(letter.attributes.items())
        ),
        body=letter.body if values else indented(masked(letter.body)),
        open=values,
    )


# What AWS itself attaches; not the error messages, which quote what they are about.
_SAID_BY_AWS: Final = {
    Kind.FUNCTION: frozenset({"RequestID", "ErrorCode"}),
    Kind.RULE: frozenset({"RULE_ARN", "TARGET_ARN", "ERROR_CODE", "EXHAUSTED_RETRY_CONDITION", "RETRY_ATTEMPTS"}),
}


def indented(shape: object) -> str:
    """A shape as text, in lines."""
    return shape if isinstance(shape, str) else json.dumps(shape, indent=2, ensure_ascii=False)


def _value(value: str | bytes) -> str:
    return value.hex(" ") if isinstance(value, bytes) else value


def _length(value: str | bytes) -> str:
    if not value:
        return ""
    return f"({len(value)} bytes)" if isinstance(value, bytes) else f"(text of length {len(value)})"
