"""Send the letters of a file to a queue, each once.

Rules this file guarantees: nothing is sent before every line was checked; the ids of a batch are in the journal before
it is sent, so that the same command again sends what is left, and nothing that is on record as sent; in a FIFO queue a
letter that was not taken stops its group and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from lambdaops.core.dlq.file_reports import LoadReport
from lambdaops.core.dlq.letter import Outgoing, Queue
from lambdaops.core.dlq.packing import pack, problem, rounds
from lambdaops.core.dlq.records import Change, Failure, LoadStep, QueueChanged, QueueChanging
from lambdaops.core.dlq.remembered import REMEMBERED, surely_remembered
from lambdaops.core.errors import AwsError, NotFoundError
from lambdaops.core.notices import Progress
from lambdaops.core.playbook.tags import same_step
from lambdaops.ops.dlq.cargo import Cargo, check_fit
from lambdaops.ops.recorder import Recorder, actor_of, new_run
from lambdaops.ports.queues import DeadLetterPorts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lambdaops.core.dlq.dumped import Dumped
    from lambdaops.core.events import Entry

_WINDOW: Final = 500
_TELL: Final = timedelta(seconds=5)
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far this file came in this queue before.

    Attributes:
        run: its run; ``began`` when it began.
        sent: the ids that were sent.
        doubtful: those that may have been sent, and since when at the earliest.
    """

    run: str = ""
    began: datetime | None = None
    sent: frozenset[str] = frozenset()
    doubtful: Mapping[str, datetime] = field(default_factory=dict)


def so_far(entries: Iterable[Entry], cargo: Cargo) -> Progressed:
    """What the queue's journal says of this file, by what is in it."""
    found: Progressed = Progressed()
    sent: set[str] = set()
    doubts: dict[str, datetime] = {}
    pending: dict[str, datetime] = {}
    for entry in entries:
        event = entry.event
        if isinstance(event, QueueChanging) and event.change is Change.LOAD and event.detail.endswith(cargo.digest):
            # What a process had in hand when it died may have been sent, and be so for longer than another try of it.
            doubts, pending = {**pending, **doubts}, {}
            if entry.release != found.run:  # loaded anew on purpose
                found, sent, doubts = Progressed(entry.release, entry.at), set(), {}
        elif isinstance(event, LoadStep) and entry.release == found.run:
            taken = pending.keys() - {one.id for one in event.failures}
            sent |= taken
            for name in taken & doubts.keys():
                del doubts[name]
            pending = dict.fromkeys(event.ids, entry.at)
    return Progressed(found.run, found.began, frozenset(sent), {**pending, **doubts})


def _begun_for(run: str, entries: Iterable[Entry], cargo: Cargo) -> bool:
    """Whether the step of a playbook that we are (``run``) began to load this file before."""
    return any(
        isinstance(one.event, QueueChanging) and one.event.detail.endswith(cargo.digest)
        for one in entries
        if same_step(run, one.actor.run)
    )


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """A file that was checked, the queue it goes to, and how far it came before."""

    cargo: Cargo
    queue: Queue
    before: Progressed
    again: bool = False
    resend: bool = False

    @property
    def left(self) -> int:
        """How many are to be sent."""
        return self.cargo.letters - len(self.before.sent)


def plan_load(
    ports: DeadLetterPorts, cargo: Cargo, queue: Queue, *, again: bool = False, resend: bool = False
) -> LoadPlan:
    """Hold the file to the queue, and see what was sent before; nothing is written.

    Args:
        ports: the world.
        cargo: the checked file.
        queue: where its letters go.
        again: send everything, whatever is on record; a step of a playbook that is done once more goes on all the same.
        resend: send what may have been sent already to a FIFO queue.

    Raises:
        InvalidFileError: letters that this queue would not take.
        JournalTamperedError: the queue's journal was edited.
    """
    now = ports.clock.now()
    check_fit(
        cargo, lambda found: problem(_outgoing(found, cargo, queue, now), fifo=queue.fifo, largest=queue.max_bytes)
    )
    journal = ports.journals.open(queue.arn)
    again = again and not _begun_for(ports.run, journal.each(), cargo)
    before = Progressed() if again else so_far(journal.each(), cargo)
    return LoadPlan(cargo, queue, before, again, resend)


def load(ports: DeadLetterPorts, plan: LoadPlan, reason: str = "", ticket: str = "") -> LoadReport:
    """Send what is left.

    Raises:
        ConfirmationMissingError: nobody agreed.
        RedriveInProgressError: somebody works on this queue.
        JournalUnwritableError: a batch cannot be recorded; it was not sent.
        InvalidFileError: the file changed meanwhile.
        NotFoundError, AwsError: SQS's word on it; the same command again sends what is left.
    """
    cargo, queue, before = plan.cargo, plan.queue, plan.before
    if not plan.left:
        return LoadReport(queue.arn, cargo.lines.name, cargo.letters, 0, len(before.sent), run=before.run)
    ports.ask.confirm(f"Send {plan.left} letters of {cargo.lines.name} to {queue.name}?")
    began = ports.clock.now()
    run = before.run or new_run("l", began)
    recorder = Recorder(ports, ports.journals.open(queue.arn), queue.arn, run, actor_of(ports))
    ports.signals.listen()
    with ports.journals.drive(queue.arn, run) as lease:
        detail = f"{cargo.lines.name}, sha256 {cargo.digest}"
        recorder.record(QueueChanging(Change.LOAD, plan.left, detail, reason, ticket, ports.tool))
        work = _Load(ports, plan, recorder, before.began or began, lease.beat)
        work.run()
        recorder.record(QueueChanged(Change.LOAD, work.sent, work.failed + work.held_back))
    return LoadReport(
        queue.arn,
        cargo.lines.name,
        cargo.letters,
        work.sent,
        len(before.sent),
        tuple(work.failures[:_SHOWN]),
        work.failed,
        work.held_back,
        len(before.doubtful),
        work.left_in_doubt,
        work.interrupted,
        run,
    )


def _outgoing(found: Dumped, cargo: Cargo, queue: Queue, began: datetime) -> Outgoing:
    """The letter as it is sent.

    A FIFO queue's deduplication id is kept, unless that would lose a letter: another of the file has the same, or SQS
    may still remember the first sending. Then it is the letter's own id. It must be the same when a load is taken up,
    so it goes by when the load first began.
    """
    letter = found.letter
    kept = letter.deduplication
    if kept is not None and (cargo.deduplications[kept] > 1 or letter.sent > began - REMEMBERED):
        kept = None
    return Outgoing(
        letter.id,
        letter.body,
        letter.attributes,
        group=letter.group or (letter.id if queue.fifo else None),
        deduplication=(kept or letter.id) if queue.fifo else None,
        trace=letter.trace,
    )


@dataclass
class _Load:
    """Read, record, send; over and over."""

    ports: DeadLetterPorts
    plan: LoadPlan
    recorder: Recorder[DeadLetterPorts]
    began: datetime
    beat: Callable[[], None]
    sent: int = 0
    failed: int = 0
    held_back: int = 0
    left_in_doubt: bool = False
    interrupted: bool = False
    failures: list[Failure] = field(default_factory=list)
    _stopped: set[str] = field(default_factory=set)
    _refused: tuple[Failure, ...] = ()

    def run(self) -> None:
        told = self.ports.clock.now()
        for batch in self._batches():
            if self.ports.signals.pending() is not None:
                self.interrupted = True
                break
            if ready := self._ready(batch):
                self._send(ready)
            self.beat()
            if self.ports.clock.now() - told >= _TELL:
                told = self.ports.clock.now()
                self.ports.sink.emit(Progress(told, f"{self.sent} letters sent to {self.plan.queue.name} so far"))
        self._note(LoadStep((), self._refused))

    def _note(self, step: LoadStep) -> None:
        """Write a step durably; nobody is told of each, of which there are thousands."""
        recorder = self.recorder
        recorder.journal.append(self.ports.clock.now(), recorder.run, recorder.actor, step)

    def _send(self, batch: Sequence[Outgoing]) -> None:
        self._note(LoadStep(tuple(one.id for one in batch), self._refused))
        self._refused = ()
        try:
            done = self.ports.queues.send(self.plan.queue, batch)
        except (AwsError, NotFoundError) as error:
            if not (isinstance(error, AwsError) and error.ambiguous):
                # Certainly not sent; an ambiguous end stays open in the journal: whoever takes this up is in doubt.
                self._note(LoadStep((), tuple(Failure(one.id, error.code) for one in batch)))
            raise
        self.sent += len(done.taken)
        self._refused = tuple(Failure(one.id, one.code) for one in done.refused)
        self.failures += self._refused
        self.failed += len(self._refused)
        if self.plan.queue.fifo:
            refused = {one.id for one in self._refused}
            self._stopped.update(one.group for one in batch if one.id in refused and one.group is not None)

    def _batches(self) -> Iterator[tuple[Outgoing, ...]]:
        """What is to be sent, in order; of a FIFO queue no batch has two letters of one group."""
        window: list[Outgoing] = []
        for found in self.plan.cargo.read():
            letter = found.letter
            if letter.id in self.plan.before.sent:
                continue
            window.append(_outgoing(found, self.plan.cargo, self.plan.queue, self.began))
            if len(window) == _WINDOW:
                yield from self._packed(window)
                window = []
        yield from self._packed(window)

    def _packed(self, window: list[Outgoing]) -> Iterator[tuple[Outgoing, ...]]:
        for one in rounds(window) if self.plan.queue.fifo else (window,):
            yield from pack(one)

    def _ready(self, batch: Sequence[Outgoing]) -> list[Outgoing]:
        """What of a batch can be sent: nothing that a FIFO queue might get twice, and nothing behind that in its group.

        What the queue still remembers is sent again, and delivered once.
        """
        now, ready = self.ports.clock.now(), []
        for one in batch:
            if one.group is not None and one.group in self._stopped:
                self.held_back += 1
            elif self._in_doubt(one.id, now):
                self.left_in_doubt = True
                self._stopped.add(one.group or one.id)
            else:
                ready.append(one)
        return ready

    def _in_doubt(self, name: str, now: datetime) -> bool:
        at = self.plan.before.doubtful.get(name)
        return at is not None and self.plan.queue.fifo and not self.plan.resend and not surely_remembered(at, now)
