"""Runs of playbooks: how they stand, and what is asked of one.

Rules this file guarantees: it needs the journals and no AWS but a name for who asks; a request is on record before
anybody acts on it; whoever began a run does not approve it, unless its playbook says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import (
    UNREADABLE_JOURNAL,
    BlockedError,
    NotFoundError,
    NothingOpenError,
    UnheededError,
)
from lambdaops.core.playbook.records import (
    ApprovalAsked,
    Outcome,
    PlaybookClosed,
    PlaybookSignalled,
    StepBegan,
    Wish,
)
from lambdaops.core.playbook.reports import RunRow, StepRow
from lambdaops.core.playbook.run import Run, phase, runs
from lambdaops.core.playbook.tags import same_step
from lambdaops.ops.recorder import Recorder, actor_of
from lambdaops.ports import Journal, Lease

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.core.playbook.run import Tried
    from lambdaops.ports import Journals, Ports

_LISTEN_EVERY = timedelta(milliseconds=200)
_HEED_WITHIN = timedelta(seconds=45)
PLAYBOOK = ":playbook:"


@dataclass(frozen=True)
class FoundRun:
    """A run, its journal, and who drives it."""

    arn: str
    journal: Journal
    run: Run
    lease: Lease | None

    @classmethod
    def of(cls, journals: Journals, arn: str, journal: Journal, run: Run) -> FoundRun:
        """A run of this journal, which is kept under ``arn``; of one that is over nobody asks who drives it."""
        return cls(arn, journal, run, journals.driver(f"{arn}@{run.id}") if run.open else None)

    @property
    def live(self) -> bool:
        """Whether a process is at work on it."""
        return self.lease is not None and self.lease.live


def known(journals: Journals, text: str = "", limit: int = 20) -> tuple[RunRow, ...]:
    """The runs of one playbook or of one id, newest first; else those that are not over.

    Raises:
        NotFoundError: a playbook or run that the journals know nothing of.
        InvalidFileError: its journal cannot be read.
    """
    found = [row(one.run, one.lease) for one in _all(journals, text) if text or one.run.open]
    if text and not found:
        raise NotFoundError(
            f"no journal knows a run or a playbook {text}",
            hint="lambdaops playbook status shows the runs that are not over.",
        )
    newest = sorted(found, key=lambda one: one.started, reverse=True)
    return tuple(newest[:limit] if limit else newest)


def find(journals: Journals, text: str) -> FoundRun:
    """The open run of this id, or the only one of this playbook.

    Raises:
        NothingOpenError: there is none, or more than one.
    """
    found = [one for one in _all(journals, text) if one.run.open]
    if not found:
        raise NothingOpenError(
            f"no run {text} is open", hint="lambdaops playbook status shows those that are not over.", target=text
        )
    if len(found) > 1:
        ids = ", ".join(one.run.id for one in found)
        raise NothingOpenError(f"{text} has {len(found)} open runs: {ids}", hint="Name one of them.", target=text)
    return found[0]


def ended_for(journals: Journals, playbook: str, actor_run: str) -> Run | None:
    """The last run of a playbook that was driven for this step of another, if it is over."""
    ours = [one.run for one in _all(journals, playbook) if same_step(actor_run, one.run.last.actor.run)]
    return ours[-1] if ours and not ours[-1].open else None


def answer(ports: Ports, found: FoundRun, wish: Wish, reason: str) -> Run:
    """Approve or reject the step that waits.

    Raises:
        BlockedError: no step waits, it is too late, or it is not for us to say.
        JournalUnwritableError: it could not be recorded.
    """
    run, now = found.run, ports.clock.now()
    asked = run.waits.event if run.waits is not None else None
    if not isinstance(asked, ApprovalAsked):
        raise BlockedError(f"run {run.id} waits for nobody", hint=f"lambdaops playbook status {run.id}", target=run.id)
    if asked.until <= now:
        raise BlockedError(
            f"step {asked.step} of run {run.id} waited until {asked.until:%FT%TZ}: it is too late",
            hint=f"lambdaops playbook resume {run.id} asks again.",
            target=run.id,
        )
    actor = actor_of(ports)
    if wish is Wish.APPROVE and not asked.self_ and actor.arn == run.opened.actor.arn:
        raise BlockedError(
            f"run {run.id} was begun by {actor.arn}, and somebody else must approve it",
            hint="Ask a colleague; a reject counts whoever says it.",
            target=run.id,
        )
    recorder = Recorder(ports, found.journal, found.arn, run.id, actor)
    recorder.record(PlaybookSignalled(wish, reason, asked.step, run.plan))
    return _again(found)


def cancel(ports: Ports, found: FoundRun, reason: str) -> Run:
    """Ask a run to end, and wait until its process has heeded that.

    One that nobody drives is left open, as asked: what was done is still to be taken back, and whoever takes the run up
    does that and ends it.

    Raises:
        UnheededError: there is a process, and it does not listen.
        JournalUnwritableError: it could not be recorded.
    """
    recorder = Recorder(ports, found.journal, found.arn, found.run.id, actor_of(ports))
    if found.run.cancelled is None:
        recorder.record(PlaybookSignalled(Wish.CANCEL, reason))
    if not found.live:
        return _again(found)
    left = _HEED_WITHIN
    while left > timedelta():
        run = _again(found)
        if not run.open or run.held is not None or run.undoing is not None:
            return run
        ports.clock.sleep(_LISTEN_EVERY)
        left -= _LISTEN_EVERY
    raise UnheededError(
        f"the request is in the journal, and the process that drives {found.run.id} has not heeded it within "
        f"{int(_HEED_WITHIN.total_seconds())} s: a step that cannot be stopped is being done",
        hint=f"It ends once that step is done. Look again: lambdaops playbook status {found.run.id}.",
        target=found.run.id,
    )


def drop(ports: Ports, found: FoundRun, reason: str) -> Run:
    """End a run that nobody drives, and take nothing back.

    Raises:
        PlaybookInProgressError: a live process drives it.
        JournalUnwritableError: it could not be recorded.
    """
    recorder = Recorder(ports, found.journal, found.arn, found.run.id, actor_of(ports))
    with ports.journals.drive(f"{found.arn}@{found.run.id}", found.run.id):
        why = "ended by a person, and nothing was taken back" + (f": {reason}" if reason else "")
        recorder.record(PlaybookClosed(Outcome.CANCELLED, why))
    return _again(found)


def row(run: Run, lease: Lease | None = None) -> RunRow:
    """A run as it is told; ``lease`` is that of its process."""
    said = run.said
    region, account = run.opened.target.split(":")[3:5]
    live = run.open and lease is not None and lease.live
    end = run.closed or (run.held if not live else None)
    waits = run.waits.event if run.waits is not None and run.open else None
    asked = waits if isinstance(waits, ApprovalAsked) else None
    return RunRow(
        run.id,
        said.name,
        phase(run, live=live),
        run.opened.at,
        run.last.at if run.closed is not None else None,
        end.reason if end is not None else "",
        said.reason,
        said.ticket,
        run.opened.actor.arn,
        said.environment,
        account,
        region,
        run.plan,
        said.inputs,
        tuple(_steps(run, asked.step if asked is not None else "")),
        driver=f"pid {lease.pid} on {lease.host}" if live and lease is not None and lease.pid else "",
        waits=f"{asked.step}: {asked.message}" if asked is not None else "",
        until=asked.until if asked is not None else None,
        next_step=_next_step(run, asked, live=live),
    )


def _steps(run: Run, waiting: str) -> Iterator[StepRow]:
    for undo, all_ in ((False, run.tried), (True, run.undone)):
        for key, tried in all_.items():
            end = tried.end
            yield StepRow(
                key,
                end.status.value if end is not None else "waiting" if key == waiting else "unknown",
                tried.attempt,
                tried.began.at if tried.began is not None else None,
                tried.ended.at if tried.ended is not None else None,
                _what(tried),
                end.message if end is not None else "",
                end.code if end is not None else 0,
                undo,
            )


def _what(tried: Tried) -> str:
    return tried.began.event.what if tried.began is not None and isinstance(tried.began.event, StepBegan) else ""


def _next_step(run: Run, asked: ApprovalAsked | None, *, live: bool) -> str:
    if not run.open:
        return ""
    if live:
        return f"lambdaops playbook {'approve' if asked is not None else 'cancel'} {run.id}"
    if run.cancelled is not None:
        return f"lambdaops playbook resume {run.id} takes back what was done, and ends it"
    return f"lambdaops playbook resume {run.id} goes on, lambdaops playbook cancel {run.id} ends it"


def _all(journals: Journals, text: str) -> Iterator[FoundRun]:
    for arn in journals.targets():
        name = arn.rpartition(PLAYBOOK)[2]
        if PLAYBOOK not in arn:
            continue
        journal = journals.open(arn)
        try:
            found = runs(journal.each())
        except UNREADABLE_JOURNAL:
            if text in (arn, name):
                raise
            continue
        for run in found:
            if not text or text in (run.id, name, arn):
                yield FoundRun.of(journals, arn, journal, run)


def _again(found: FoundRun) -> Run:
    return next(one for one in runs(found.journal.each()) if one.id == found.run.id)
