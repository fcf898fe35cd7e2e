"""Redrives of this machine: how they stand, and what is asked of one that runs.

Rules this file guarantees: it needs the journals and no AWS but a name for who asks; a request is on record before
anybody acts on it, and answered in the journal as well; a run whose process is gone can be ended here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.dlq.records import Ending, RedriveClosed, RedriveHeard, RedriveHeld, RedriveSignalled, Tally, Wish
from lambdaops.core.dlq.reports import RunRow
from lambdaops.core.dlq.run import Run, open_run, phase, runs
from lambdaops.core.errors import (
    UNREADABLE_JOURNAL,
    NobodyDrivesError,
    NotFoundError,
    NothingOpenError,
    UnheededError,
)
from lambdaops.ops.recorder import Recorder, actor_if_known
from lambdaops.ports import Journal, Lease

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.core.events import Entry
    from lambdaops.ports import Journals
    from lambdaops.ports.queues import DeadLetterPorts

_LISTEN_EVERY = timedelta(milliseconds=100)
_HEED_WITHIN = timedelta(seconds=45)


@dataclass(frozen=True)
class FoundRun:
    """A run, its journal, and who drives it."""

    arn: str
    journal: Journal
    run: Run
    lease: Lease | None

    @property
    def live(self) -> bool:
        """Whether a process is at work on it."""
        return self.lease is not None and self.lease.live and self.lease.release == self.run.id


def known(journals: Journals, text: str = "") -> tuple[RunRow, ...]:
    """The redrives of this machine, newest first: of one queue, one of one id, or all that are not over.

    Raises:
        NotFoundError: a queue or run that this machine knows nothing of.
        InvalidFileError: its journal cannot be read.
    """
    rows = []
    for arn in _queues(journals):
        try:
            found = runs(journals.open(arn).each())
        except UNREADABLE_JOURNAL:
            if text in (arn, _name(arn)):
                raise
            continue
        lease = journals.driver(arn)
        wanted = [run for run in found if text in (arn, _name(arn), run.id) or (not text and run.open)]
        rows += [row(run, lease) for run in wanted]
    if text and not rows:
        raise NotFoundError(
            f"this machine knows no redrive {text}", hint="lambdaops dlq status shows those that are not over."
        )
    return tuple(sorted(rows, key=lambda one: one.started, reverse=True))


def find(journals: Journals, text: str) -> FoundRun:
    """The open run of this id, or of this queue.

    Raises:
        NothingOpenError: there is none.
        InvalidFileError: its journal cannot be read.
    """
    for arn in _queues(journals):
        if text.startswith("arn:") and text != arn:
            continue
        journal = journals.open(arn)
        run = open_run(journal.each())
        if run is not None and text in (run.id, arn, _name(arn)):
            return FoundRun(arn, journal, run, journals.driver(arn))
    raise NothingOpenError(
        f"no redrive {text} is open on this machine",
        hint="lambdaops dlq status shows those that are not over; lambdaops history QUEUE all.",
        target=text,
    )


def ask(ports: DeadLetterPorts, found: FoundRun, wish: Wish, reason: str) -> Run:
    """Ask the process that drives the run, and wait until it has heeded that; end one that nobody drives.

    Raises:
        NobodyDrivesError: no process is there to heed it.
        UnheededError: there is one, and it does not listen.
        RedriveInProgressError: somebody took it up in this moment.
        JournalUnwritableError: the request could not be recorded.
    """
    recorder = Recorder(ports, found.journal, found.arn, found.run.id, actor_if_known(ports))
    if not found.live:
        if wish is Wish.CANCEL:
            return _end(ports, recorder, found, reason)
        raise NobodyDrivesError(
            f"redrive {found.run.id} of {_name(found.arn)} is open, but no process drives it",
            hint=f"lambdaops dlq resume {found.run.id} takes it up here; lambdaops dlq cancel {found.run.id} ends it.",
            target=found.run.id,
        )
    seq = recorder.record(RedriveSignalled(wish, reason)).seq or 0
    left, heard = _HEED_WITHIN, seq
    while left > timedelta():
        for entry in found.journal.since(heard):
            heard = entry.seq or heard
            if entry.release == found.run.id and _answers(entry, seq):
                return _again(found)
        ports.clock.sleep(_LISTEN_EVERY)
        left -= _LISTEN_EVERY
    raise UnheededError(
        f"{wish.value} of {found.run.id} is in the journal, but its process has not taken it up within "
        f"{int(_HEED_WITHIN.total_seconds())} s: it may be stopped or asleep",
        hint="End that process: what it has in hand comes back by itself, and nothing is lost.",
        target=found.run.id,
    )


def row(run: Run, lease: Lease | None) -> RunRow:
    """A run as it is told."""
    live = lease is not None and lease.live and lease.release == run.id
    end = run.closed or run.held
    opened = run.opened.event
    told = {"reason": getattr(opened, "reason", ""), "ticket": getattr(opened, "ticket", "")}
    return RunRow(
        run=run.id,
        queue=run.plan.queue,
        phase=phase(run, live=live),
        started=run.opened.at,
        ended=run.last.at if run.closed else None,
        total=run.plan.total,
        moved=end.tally.moved if end is not None and not live else run.moved,
        tally=end.tally if end is not None and not live else None,
        reason=end.reason if end is not None and not live else "",
        why=told["reason"],
        actor=run.opened.actor.arn,
        ticket=told["ticket"],
        driver=_driver(lease) if run.open and live else "",
        next_step=_next_step(run, live=live),
    )


def history(entries: Sequence[Entry]) -> tuple[RunRow, ...]:
    """Every redrive of one queue, newest first."""
    return tuple(row(run, None) for run in reversed(runs(entries)))


def _end(ports: DeadLetterPorts, recorder: Recorder[DeadLetterPorts], found: FoundRun, reason: str) -> Run:
    with ports.journals.drive(found.arn, found.run.id):
        run = _again(found)
        tally = run.held.tally if run.held is not None else Tally(moved=run.moved, undeleted=len(run.undeleted))
        why = "ended by a person; no process was at work on it" + (f": {reason}" if reason else "")
        recorder.record(RedriveClosed(Ending.CANCELLED, why, tally))
    return _again(found)


def _again(found: FoundRun) -> Run:
    return next(one for one in runs(found.journal.each()) if one.id == found.run.id)


def _answers(entry: Entry, seq: int) -> bool:
    match entry.event:
        case RedriveHeard(answers=answered):
            return answered >= seq
        case RedriveHeld() | RedriveClosed():
            return True
        case _:
            return False


def _driver(lease: Lease | None) -> str:
    return f"pid {lease.pid} on {lease.host}" if lease is not None and lease.pid else ""


def _next_step(run: Run, *, live: bool) -> str:
    if run.closed is not None:
        return ""
    if live:
        resume = "resume" if run.paused else "pause"
        return f"lambdaops dlq {resume} or cancel {run.id}"
    return f"lambdaops dlq resume {run.id} goes on, lambdaops dlq cancel {run.id} ends it"


def _queues(journals: Journals) -> list[str]:
    return [arn for arn in journals.targets() if ":sqs:" in arn]


def _name(arn: str) -> str:
    return arn.rpartition(":")[2]
