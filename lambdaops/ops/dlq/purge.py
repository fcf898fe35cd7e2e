"""Delete what is in a queue: into a file first, letter by letter, or with SQS's own purge.

Rules this file guarantees: with a file, a letter is deleted only when it is on the medium, by the receipt handle of the
very receive that wrote it, so that what arrives meanwhile is either kept in the file or still in the queue.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from lambdaops.core.dlq.dumped import line_of
from lambdaops.core.dlq.file_reports import PurgeReport
from lambdaops.core.dlq.letter import Queue
from lambdaops.core.dlq.records import Change, QueueChanged, QueueChanging
from lambdaops.core.errors import PlaybookHeldError
from lambdaops.core.playbook.tags import same_step
from lambdaops.ops.dlq.holding import Holding
from lambdaops.ops.recorder import Recorder, actor_of, new_run
from lambdaops.ports.queues import DeadLetterPorts, Pages

if TYPE_CHECKING:
    from lambdaops.core.dlq.letter import Letter
    from lambdaops.core.events import Entry

_HIDDEN: Final = timedelta(seconds=30)
_TRIES: Final = 3
_NOTHING_KEPT: Final = "nothing is kept"
_NOT_ALL: Final = ", stopped before the end"
_SPARE: Final = 100
"""SQS's counts are approximate: so many letters more than it counted, and a tenth, still belong to what was there."""


def purged_before(ports: DeadLetterPorts, queue: Queue) -> PurgeReport | None:
    """What was purged for the step we are (``ports.run``); None if nothing was, or not to its end.

    Raises:
        PlaybookHeldError: SQS was asked to purge the queue, and whether it did is not known: what came since would go
            with it.
        JournalTamperedError, InvalidFileError: the journal cannot be used.
    """
    begun: Entry | None = None
    for entry in ports.journals.open(queue.arn).each():
        if not same_step(ports.run, entry.actor.run):
            continue
        match entry.event:
            case QueueChanging(change=Change.PURGE):
                begun = entry
            case QueueChanged(change=Change.PURGE, done=done, failed=failed, detail=detail) if not _cut(detail):
                file = detail if begun is not None and getattr(begun.event, "detail", "") != _NOTHING_KEPT else ""
                return PurgeReport(queue.arn, file, done, failed, run=entry.release)
    if begun is not None and getattr(begun.event, "detail", "") == _NOTHING_KEPT:
        raise PlaybookHeldError(
            f"whether SQS purged {queue.name} is not known, and a second purge would delete what came since",
            hint=f"Look at it: lambdaops dlq inspect {queue.name}. Who resumes the run after that purges once more.",
            target=queue.name,
        )
    return None


def purge(ports: DeadLetterPorts, queue: Queue, pages: Pages | None, reason: str = "", ticket: str = "") -> PurgeReport:
    """Delete everything that is there now; without ``pages`` nothing is kept.

    Raises:
        ConfirmationMissingError: nobody agreed.
        RedriveInProgressError: somebody moves letters out of this queue.
        JournalUnwritableError: it cannot be recorded, so nothing was deleted.
        InvalidFileError: the file cannot be written; what could not be written was not deleted.
        ConflictError: without a file: SQS purged it less than a minute ago.
        NotFoundError, AwsError: SQS's word on it; what was deleted until then is in the file.
    """
    ports.ask.confirm(question(queue, pages))
    run = new_run("d", ports.clock.now())
    recorder = Recorder(ports, ports.journals.open(queue.arn), queue.arn, run, actor_of(ports))
    with ports.journals.drive(queue.arn, run) as lease:
        detail = pages.name if pages else _NOTHING_KEPT
        recorder.record(QueueChanging(Change.PURGE, queue.total, detail, reason, ticket, ports.tool))
        if pages is None:
            ports.queues.purge(queue)
            recorder.record(QueueChanged(Change.PURGE, queue.total, detail="by SQS itself, within a minute"))
            return PurgeReport(queue.arn, "", queue.total, run=run)
        work = _Purge(ports, queue, pages, lease.beat)
        try:
            work.run()
        finally:
            told = pages.name if work.finished else f"{pages.name}{_NOT_ALL}"
            recorder.record_if_possible(QueueChanged(Change.PURGE, work.deleted, len(work.undeleted), told))
    return PurgeReport(queue.arn, pages.name, work.deleted, len(work.undeleted), work.bounded, work.interrupted, run)


def _cut(detail: str) -> bool:
    """Whether a purge stopped before its end."""
    return detail.endswith(_NOT_ALL)


def question(queue: Queue, pages: Pages | None) -> str:
    """What is asked before."""
    if pages is not None:
        return f"Delete about {queue.total} letters of {queue.name}, each once it is in {pages.name}?"
    return (
        f"Delete about {queue.total} letters of {queue.name} FOR GOOD, without keeping them, and with them what "
        "arrives within the next minute?"
    )


@dataclass
class _Purge:
    """Receive, write, keep, delete; over and over."""

    ports: DeadLetterPorts
    queue: Queue
    pages: Pages
    beat: Callable[[], None]
    deleted: int = 0
    undeleted: set[str] = field(default_factory=set)
    bounded: bool = False
    interrupted: bool = False
    finished: bool = False
    _written: set[str] = field(default_factory=set)

    def run(self) -> None:
        most = self.queue.total + self.queue.total // 10 + _SPARE
        self.pages.open()
        try:
            with Holding(self.ports, self.queue, sys.maxsize, _HIDDEN) as holding:
                for batch in holding.batches():
                    self._take(batch, holding)
                    self.beat()
                    if self.deleted >= most:
                        self.bounded = True
                        break
                self.interrupted = holding.interrupted
            self.pages.finish()
            self.finished = not self.interrupted
        finally:
            self.pages.close()

    def _take(self, batch: tuple[Letter, ...], holding: Holding) -> None:
        # What is as new as this purge, by SQS's own clock, is not what somebody wanted to be rid of: it stays held,
        # so that it is not received over and over, and is given back at the end.
        old = [one for one in batch if one.sent < self.queue.at]
        new = [one for one in old if one.id not in self._written]
        if new:
            self.pages.write([line_of(one, self.queue.arn) for one in new])
            self.pages.keep()
            self._written.update(one.id for one in new)
        left = old
        for _ in range(_TRIES):
            if not left:
                return
            done = self.ports.queues.delete(self.queue, left)
            for gone in done.taken:
                del holding.held[gone]
                self.undeleted.discard(gone)
            self.deleted += len(done.taken)
            left = [one for one in left if one.id not in done.taken]
        self.undeleted.update(one.id for one in left)
