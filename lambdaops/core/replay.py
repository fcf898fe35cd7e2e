"""Journal entries folded into state: what a release was doing, which write is unresolved, what was stable.

Rules this file guarantees: replay reads nothing but entries; the state it gives is the one the driver had when it
wrote the last entry; a write that began and never ended stays visible as ``pending``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lambdaops.core.events import (
    Closed,
    Decided,
    Entry,
    Failed,
    Intent,
    Judged,
    Landed,
    Observed,
    Opened,
    Resumed,
    RolledBack,
    Signalled,
)
from lambdaops.core.gates import Verdict, worst
from lambdaops.core.judging import Sums, entered, folded
from lambdaops.core.lifecycle import place, settled
from lambdaops.core.model import AlarmReading, Routing
from lambdaops.core.plan import Plan
from lambdaops.core.states import (
    Awaiting,
    Baking,
    Done,
    Held,
    Outcome,
    Paused,
    Promoting,
    Ready,
    Reverting,
    Signal,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Release:
    """One release as its entries tell it.

    ``revision`` is the alias's RevisionId as last seen by us, ``replaced`` the one our last write replaced; ``pending``
    is a write without a known end; ``writes`` counts the writes begun; ``asked`` are requests without an answer yet;
    ``undone`` is the record of somebody's rollback since, which ends the release whatever its process still says;
    ``sums`` is what the judge has seen.
    """

    id: str
    opened: Entry
    plan: Plan
    state: State
    alarms: tuple[AlarmReading, ...]
    revision: str
    replaced: str
    pending: Intent | None
    last: Entry
    writes: int = 0
    landed: bool = False
    closed: Closed | None = None
    asked: tuple[Entry, ...] = ()
    undone: Entry | None = None
    sums: Sums = field(default_factory=Sums)

    @property
    def open(self) -> bool:
        """Whether it may still move the alias."""
        return self.over is None

    @property
    def over(self) -> Entry | None:
        """The record that ended it: its own last one, or else the rollback that somebody made."""
        return self.last if self.closed is not None else self.undone

    @property
    def outcome(self) -> str:
        """How it ended, in one word or two; while it is open, what it does."""
        return Outcome.SUPERSEDED.value if self.closed is None and self.undone is not None else phase(self.state)


def advance(release: Release, entry: Entry) -> Release:
    """Fold one more entry of the same release, or a rollback of its alias."""
    if isinstance(entry.event, RolledBack):
        return replace(release, undone=release.undone or entry)
    now = replace(release, last=entry)
    match entry.event:
        case Observed(alarms=alarms, gates=gates):
            # An empty look (the alarms could not be read) does not replace the last one that was seen. Neither does one
            # that objected: a process that dies before it acts must see the same objection again, a flap included.
            objected = worst(gates)[0] is Verdict.FAIL
            return now if objected or not alarms else replace(now, alarms=alarms)
        case Judged(at=at, length=length, rows=rows):
            stage = place(now.state)
            counts = isinstance(stage, Baking) and at >= stage.entered_at
            return replace(now, sums=folded(now.sums, now.plan.comparisons, at, length, rows, counts=counts))
        case Decided(state=state, answers=None):
            return replace(now, state=state)
        case Decided(state=state, answers=int() as answered):
            return replace(now, state=state, asked=tuple(entry for entry in now.asked if _after(entry, answered)))
        case Resumed(state=state):
            # What nobody heard is out of date when somebody else takes over; but going back never is.
            return replace(now, state=state, asked=tuple(entry for entry in now.asked if wants_rollback(entry)))
        case Signalled():
            return replace(now, asked=(*now.asked, entry))
        case Intent() as intent:
            return replace(now, pending=intent, writes=max(now.writes, intent.op))
        case Landed(op=op, revision=revision):
            if now.pending is None or now.pending.op != op:
                return replace(now, revision=revision)
            return replace(
                now,
                state=settled(now.state, now.pending.then, entry.at),
                replaced=now.pending.revision,
                revision=revision,
                pending=None,
                landed=True,
                sums=entered(now.sums),
            )
        case Closed() as closed:
            return replace(now, closed=closed, pending=None)
        case Failed(op=op, settled=True):
            return replace(now, pending=None) if now.pending is not None and now.pending.op == op else now
        case Failed():
            # The answer may have been lost on the way: only a read settles a write, so it stays pending.
            return now
        case _:
            return now


def wants_rollback(entry: Entry) -> bool:
    """Whether the entry asks for a rollback."""
    return isinstance(entry.event, Signalled) and entry.event.signal is Signal.ROLLBACK


def _after(entry: Entry, seq: int) -> bool:
    return entry.seq is not None and entry.seq > seq


def releases(entries: Iterable[Entry]) -> tuple[Release, ...]:
    """Every release in these entries, oldest first."""
    found: dict[str, Release] = {}
    for entry in entries:
        event = entry.event
        if isinstance(event, Opened):
            found[entry.release] = Release(
                id=entry.release,
                opened=entry,
                plan=event.plan,
                state=Ready(entry.at),
                alarms=event.alarms,
                revision=event.revision,
                replaced="",
                pending=None,
                last=entry,
            )
        elif isinstance(event, RolledBack):
            found |= {name: advance(release, entry) for name, release in found.items() if release.open}
        elif entry.release in found:
            found[entry.release] = advance(found[entry.release], entry)
    return tuple(found.values())


def open_release(entries: Iterable[Entry]) -> Release | None:
    """The release that was begun last, if it is not over and nobody rolled the alias back since."""
    last = next(reversed(releases(entries)), None)
    return last if last is not None and last.open else None


def tells_now(entries: Sequence[Entry]) -> bool:
    """Whether the end of a journal is enough to tell what :func:`open_release` and :func:`choose_rollback` tell.

    Both go by the release that was begun last, and by the last one that moved traffic or the last rollback: what
    stands before these changes neither.
    """
    known = releases(entries)
    moved = {release.id for release in known if release.landed or release.pending}
    return bool(known) and any(
        isinstance(entry.event, RolledBack) or (isinstance(entry.event, Opened) and entry.release in moved)
        for entry in entries
    )


@dataclass(frozen=True, slots=True)
class RollbackChoice:
    """The version a rollback goes to and where that is known from."""

    version: str
    basis: str


def choose_rollback(entries: Sequence[Entry], routing: Routing) -> RollbackChoice | None:
    """The stable version for this alias as it stands, or None when nothing known fits it.

    The journal counts only if it speaks of the routing that is there: a newer release made elsewhere, or a hand edit,
    must not be undone by going back to what an old entry called stable.
    """
    for stable, candidate, basis in _known_good(entries):
        if routing.versions <= {stable, candidate}:
            return RollbackChoice(stable, basis)
    if routing.additional is not None:
        return RollbackChoice(routing.primary, "the primary version of a weighted alias")
    return None


def _known_good(entries: Sequence[Entry]) -> Iterable[tuple[str, str, str]]:
    """The newest statement the journal makes about what is stable: (stable, what it replaced, basis)."""
    known = releases(entries)
    moved = {release.id for release in known if release.landed or release.pending}
    if known and known[-1].open and known[-1].id not in moved:
        # It is about to move the alias: going back means staying where it would have begun.
        yield known[-1].plan.stable, known[-1].plan.stable, f"stable in release {known[-1].id}"
    for entry in reversed(entries):
        event = entry.event
        if isinstance(event, RolledBack):
            # Going back twice must not go back further: after a rollback the version it chose is the stable one.
            yield (
                event.after.primary,
                event.before.additional or event.before.primary,
                f"rolled back at {entry.at:%F %T}",
            )
            return
        if isinstance(event, Opened) and entry.release in moved:
            yield event.plan.stable, event.plan.candidate, f"stable in release {entry.release}"
            return


def live_versions(entries: Iterable[Entry]) -> dict[str, Entry]:
    """For each version that ever took all the traffic: the entry that put it there last."""
    since: dict[str, Entry] = {}
    for entry in entries:
        match entry.event:
            case Landed(routing=Routing(primary=primary, additional=None)):
                since[primary] = entry
            case RolledBack(after=after):
                since[after.primary] = entry
            case _:
                pass
    return since


def phase(state: State) -> str:
    """One word for a state, for lists and summaries."""
    match state:
        case Done(outcome, _):
            return outcome.value
        case Held(_, cause, _):
            return f"held ({cause.value})"
        case Baking(stage=stage):
            return f"baking stage {stage + 1}"
        case Ready():
            return "ready"
        case Paused():
            return "paused"
        case Awaiting(at=at):
            return f"waiting for approval after stage {at.stage + 1}"
        case Promoting():
            return "going on"
        case Reverting():
            return "rolling back"
