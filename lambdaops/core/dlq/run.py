"""A redrive as its journal tells it: how far it is, what is unresolved, what somebody asked for.

Rules this file guarantees: folding reads nothing but entries, one at a time, and keeps what is unresolved only, so that
a run of a million messages needs no more memory than one of a thousand. The ids that what was sent has now are kept
as far as a fixed amount of memory goes, and until the run is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from lambdaops.core.dlq.plan import RedrivePlan
from lambdaops.core.dlq.recent import Recent
from lambdaops.core.dlq.records import (
    Ending,
    RedriveClosed,
    RedriveHeard,
    RedriveHeld,
    RedriveOpened,
    RedriveResumed,
    RedriveSignalled,
    RedriveStage,
    RedriveStep,
    Sending,
    Sent,
    Stopped,
    Wish,
)
from lambdaops.core.errors import ExitCode
from lambdaops.core.events import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass
class Run:
    """One redrive, folded from its entries.

    Attributes:
        id: the run's id; ``opened`` its first entry, ``last`` its newest.
        plan: what it does.
        stage: the stage it is in, from 0; ``watched`` when that is over and was being watched.
        batches: how many batches were begun.
        sending: batches without a known end, and when they were begun; of those of a process that died, what was not
            sent by another batch since.
        sent: messages that were sent; ``quarantined`` of those to the quarantine queue.
        undeleted: ids that were sent and are still in the queue.
        unsure: batches whose send was repeated because its answer was lost.
        doubts: ids that may have been sent to a FIFO queue although their batch ended, and since when at the earliest.
        new: the newest ids that what was sent has now; None when there are none, and when the run is over.
        held, closed: how it stopped, or ended.
        paused: whether it is.
        asked: what somebody asked for and nobody heeded yet.
    """

    id: str
    opened: Entry
    plan: RedrivePlan
    last: Entry
    stage: int = 0
    watched: bool = False
    batches: int = 0
    sending: dict[int, tuple[Sending, datetime]] = field(default_factory=dict)
    sent: int = 0
    quarantined: int = 0
    undeleted: set[str] = field(default_factory=set)
    unsure: int = 0
    doubts: dict[str, datetime] = field(default_factory=dict)
    new: Recent | None = None
    held: RedriveHeld | None = None
    closed: RedriveClosed | None = None
    paused: bool = False
    asked: list[Entry] = field(default_factory=list)
    _lost: set[int] = field(default_factory=set)

    @property
    def open(self) -> bool:
        """Whether it may still move messages."""
        return self.closed is None

    @property
    def moved(self) -> int:
        """Messages that were sent and deleted, as far as the journal knows."""
        return self.sent - len(self.undeleted)

    def take(self, entry: Entry) -> None:
        """Fold one more entry of this run."""
        self.last = entry
        match entry.event:
            case RedriveStep(began=began, ended=ended):
                for sending in began:
                    self.sending[sending.batch] = (sending, entry.at)
                    self.batches = max(self.batches, sending.batch)
                for end in ended:
                    self._end(end)
            case RedriveStage(stage=stage, watched=watched):
                self.stage, self.watched = stage - 1, watched
            case RedriveResumed():
                self.held, self.paused, self.asked = None, False, []
                self._lost = set(self.sending)
            case RedriveSignalled():
                self.asked.append(entry)
            case RedriveHeard(wish=wish, answers=answers):
                self.paused = wish is Wish.PAUSE
                self.asked = [one for one in self.asked if (one.seq or 0) > answers]
            case RedriveHeld() as held:
                self.held, self.asked = held, []
            case RedriveClosed() as closed:
                self.closed, self.asked, self.new = closed, [], None
            case _:
                pass

    def _end(self, end: Sent) -> None:
        if end.new:
            self.new = self.new or Recent()
            for name in end.new:
                self.new.add(name)
        known = self.sending.pop(end.batch, None)
        self._lost.discard(end.batch)
        if known is None:
            return
        sending, at = known
        failed = {failure.id for failure in end.failures}
        if not sending.to:  # only a deletion
            self.undeleted -= set(sending.ids) - failed
            return
        gone = set(sending.ids) - {failure.id for failure in end.failures if not failure.sent}
        self._find(gone)
        sent = len(gone)
        self.sent += sent
        self.quarantined += sent if sending.to == self.plan.quarantine else 0
        self.undeleted |= {failure.id for failure in end.failures if failure.sent}
        self.unsure += end.unsure
        if sending.fifo:
            for failure in end.failures:
                if failure.unsure:
                    self.doubts.setdefault(failure.id, at)

    def _find(self, gone: set[str]) -> None:
        """Take messages that were sent now out of the batches of a process that died: they are not to count twice."""
        for name in gone & self.doubts.keys():
            del self.doubts[name]
        for number in tuple(self._lost):
            sending, at = self.sending[number]
            if gone.isdisjoint(sending.ids):
                continue
            left = tuple(name for name in sending.ids if name not in gone)
            if left:
                self.sending[number] = (replace(sending, ids=left), at)
            else:
                del self.sending[number]
                self._lost.discard(number)


def runs(entries: Iterable[Entry]) -> tuple[Run, ...]:
    """Every redrive in these entries, oldest first."""
    found: dict[str, Run] = {}
    for entry in entries:
        if isinstance(entry.event, RedriveOpened):
            found[entry.release] = Run(entry.release, entry, entry.event.plan, entry)
        elif entry.release in found:
            found[entry.release].take(entry)
    return tuple(found.values())


def open_run(entries: Iterable[Entry]) -> Run | None:
    """The redrive that was begun last, if it is not over."""
    last = next(reversed(runs(entries)), None)
    return last if last is not None and last.open else None


def phase(run: Run, *, live: bool) -> str:
    """One word or two for how it stands; ``live`` when a process is at work on it."""
    if run.closed is not None:
        return run.closed.ending.value
    if run.held is not None and not live:
        return f"held ({run.held.cause.value})"
    if run.paused:
        return "paused"
    if not live:
        return "abandoned"
    return f"watching stage {run.stage + 1}" if run.watched else f"stage {run.stage + 1}"


def exit_code(run: Run) -> ExitCode:
    """What its process ends with."""
    if run.closed is not None:
        return ExitCode.DONE if run.closed.ending is Ending.MOVED else ExitCode.PARTIAL
    match run.held.cause if run.held is not None else Stopped.INTERRUPTED:
        case Stopped.INTERRUPTED:
            return ExitCode.INTERRUPTED
        case Stopped.FAILED:
            return ExitCode.AWS
        case Stopped.ALARM | Stopped.REENTRY:
            return ExitCode.HELD
