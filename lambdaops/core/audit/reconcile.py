"""What the journal says was done to an alias, beside what CloudTrail says was done to it.

A write of ours is known by AWS's request id, which both have. One whose answer was lost has none in the journal: it is
known by the routing it wrote, between its intent and the read that showed it.

Rules this file guarantees: every change of the alias in the time that was asked for is either one of ours or reported
as somebody else's; every write of ours that CloudTrail does not show is reported; no change counts for two writes.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.events import Entry, Intent, Landed, RolledBack
from lambdaops.core.model import Routing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# "CloudTrail typically delivers events within an average of about 5 minutes of an API call. This time is not
# guaranteed": CloudTrail user guide, "How CloudTrail works". Event history may take up to 15 minutes.
LATE = timedelta(minutes=15)
# CloudTrail's times are whole seconds of AWS's clock; ours may be off by what AWS still takes a signature for.
_OFF = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Change:
    """What CloudTrail tells of a call that changed the alias; ``routing`` is None where it does not tell that.

    ``by`` is the ARN of who called, ``agent`` the tool as it names itself, ``kind`` update, create or delete.
    """

    at: datetime
    request_id: str
    event_id: str
    by: str
    agent: str
    kind: str
    routing: Routing | None


class Standing(enum.Enum):
    """How a write of ours, or a change of the alias, stands."""

    MATCHED = "matched"
    """It is in both."""
    NOT_YET = "not yet"
    """CloudTrail does not show it, and may still."""
    MISSING = "missing"
    """The journal says that it was done, and CloudTrail does not show it."""
    FOREIGN = "foreign"
    """It did not come through us."""


@dataclass(frozen=True, slots=True)
class Line:
    """One write or change: when, by whom, what it made of the alias, and its record (``seq``, ``release``) if ours."""

    standing: Standing
    at: datetime
    by: str
    routing: Routing | None
    kind: str
    request_id: str
    seq: int | None = None
    release: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What both say of an alias between two times, oldest first."""

    target: str
    since: datetime
    until: datetime
    lines: tuple[Line, ...]

    def count(self, standing: Standing) -> int:
        """How many writes or changes stand so."""
        return sum(line.standing is standing for line in self.lines)


@dataclass(frozen=True, slots=True)
class _Write:
    """A write of ours that the journal says took effect: not before ``since``, not after ``at``."""

    entry: Entry
    since: datetime
    at: datetime
    routing: Routing
    request_id: str

    def is_it(self, change: Change) -> bool:
        """Whether a change is this write: by its id, or for want of one by what it wrote and when."""
        if self.request_id:
            return change.request_id == self.request_id
        return change.routing == self.routing and self.since - _OFF <= change.at <= self.at + _OFF


def reconcile(
    entries: Iterable[Entry], changes: Sequence[Change], since: datetime, until: datetime
) -> tuple[Line, ...]:
    """Match writes and changes, oldest first.

    Args:
        entries: of the alias's journal, from some time before ``since``.
        changes: of the alias, from CloudTrail.
        since: what of both is looked at begins here.
        until: where it ends; about now.
    """
    left = [change for change in sorted(changes, key=lambda one: one.at) if since <= change.at <= until]
    writes = [write for write in _writes(entries) if since <= write.at <= until]
    lines = []
    # Those with an id first: what is known by its routing must not take a change that is another's for sure.
    for write in sorted(writes, key=lambda one: (not one.request_id, one.at)):
        found = next((change for change in left if write.is_it(change)), None)
        if found is not None:
            left.remove(found)
        standing = Standing.MATCHED if found is not None else _unseen(write, until)
        request_id = found.request_id if found is not None else write.request_id
        entry = write.entry
        lines.append(
            Line(standing, write.at, entry.actor.arn, write.routing, "update", request_id, entry.seq, entry.release)
        )
    lines += [
        Line(Standing.FOREIGN, one.at, one.by, one.routing, one.kind, one.request_id, agent=one.agent) for one in left
    ]
    return tuple(sorted(lines, key=lambda line: line.at))


def _unseen(write: _Write, until: datetime) -> Standing:
    return Standing.NOT_YET if until - write.at < LATE else Standing.MISSING


def _writes(entries: Iterable[Entry]) -> Iterable[_Write]:
    begun: dict[tuple[str, int], datetime] = {}
    for entry in entries:
        match entry.event:
            case Intent(op=op):
                begun[entry.release, op] = entry.at
            case Landed(op=op, routing=routing, request_id=request_id):
                yield _Write(entry, begun.get((entry.release, op), entry.at), entry.at, routing, request_id)
            case RolledBack(after=after, request_id=request_id):
                yield _Write(entry, entry.at - _OFF, entry.at, after, request_id)
            case _:
                pass
