"""Redrive: from the look before to the last record.

Rules this file guarantees: everything that can be found out before the first message moves is; one process moves
messages of a queue at a time; a run that is open is taken up as it was planned or not at all; whatever ends the work,
what is in hand is given back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.dlq.desk import Desk
from lambdaops.core.dlq.fate import Fates
from lambdaops.core.dlq.ledger import Ledger
from lambdaops.core.dlq.letter import Queue
from lambdaops.core.dlq.plan import DEFAULT_WATCH, LONGEST_WATCH, RedrivePlan
from lambdaops.core.dlq.records import RedriveOpened, RedriveResumed, Stopped
from lambdaops.core.dlq.reports import Told
from lambdaops.core.dlq.route import ToFunction, ToQueue
from lambdaops.core.dlq.run import Run, exit_code, open_run, runs
from lambdaops.core.duration import format_duration
from lambdaops.core.errors import (
    AwsError,
    BlockedError,
    ExitCode,
    LambdaOpsError,
    NotFoundError,
    PartlyDoneError,
    PlanDiffersError,
    RedriveHeldError,
    RedriveInProgressError,
    RejectedError,
)
from lambdaops.core.model import AlarmReading, Finding, Level
from lambdaops.core.playbook.tags import same_step
from lambdaops.ops.dlq.crew import Crew
from lambdaops.ops.dlq.hands import Hands
from lambdaops.ops.dlq.shift import Shift
from lambdaops.ops.dlq.worker import Worker
from lambdaops.ops.recorder import Recorder, actor_of, new_run
from lambdaops.ops.steady import Steady
from lambdaops.ops.stop_alarms import StopAlarms, found_before
from lambdaops.ports import Journal
from lambdaops.ports.queues import DeadLetterPorts

if TYPE_CHECKING:
    from lambdaops.ports import Drive

_TICK = timedelta(milliseconds=100)
_DISMISS_WITHIN = timedelta(seconds=30)
_THREE_TRIES = timedelta(minutes=3, seconds=30)
_MARGIN = timedelta(seconds=10)
_MOST_SOURCES = 5
_TO_THE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        plan: everything but what is found out: where the queue is, how much is in it, and since when.
        fates: decides about letters, given the completed plan, where they go and the queue's sources.
        to: ``--to`` as it was understood, a queue by any name.
        reason, ticket: why.
        resend: send what is in doubt again.
        watch: how long stages are watched; None: as long as messages take to come back.
    """

    plan: RedrivePlan
    fates: Callable[[RedrivePlan, ToQueue | ToFunction | None, tuple[str, ...]], Fates]
    to: ToQueue | ToFunction | None = None
    reason: str = ""
    ticket: str = ""
    resend: bool = False
    watch: timedelta | None = None


@dataclass(frozen=True)
class Prepared:
    """What was found out before: the completed plan, the queue, a run that is open, and other queues by their ARN."""

    plan: RedrivePlan
    queue: Queue
    sources: tuple[str, ...]
    journal: Journal
    alarms: tuple[AlarmReading, ...]
    findings: tuple[Finding, ...]
    unfinished: Run | None = None
    places: dict[str, Queue] = field(default_factory=dict)


@dataclass(frozen=True)
class Redriven:
    """How a run ended."""

    run: Run
    told: Told = field(default_factory=lambda: Told((), {}, 0))
    error: LambdaOpsError | None = None
    resumed: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """What the command ends with."""
        return exit_code(self.run)


def ended_before(ports: DeadLetterPorts, queue: Queue) -> Redriven | None:
    """The last redrive that was driven for the step we are (``ports.run``), if it is over.

    Raises:
        JournalTamperedError, InvalidFileError: the journal cannot be used.
    """
    journal = ports.journals.open(queue.arn)
    driven = {
        entry.release
        for entry in journal.each()
        if same_step(ports.run, entry.actor.run) and isinstance(entry.event, RedriveOpened | RedriveResumed)
    }
    ours = [one for one in runs(journal.each()) if one.id in driven] if driven else []
    return Redriven(ours[-1], resumed=True) if ours and not ours[-1].open else None


def prepare(ports: DeadLetterPorts, queue: Queue, request: Request) -> Prepared:
    """Find out whether it can begin; changes nothing.

    Raises:
        NotFoundError, AwsError: the queue or a destination is not there, or cannot be read.
        PlanDiffersError: another redrive of this queue is open.
    """
    journal = ports.journals.open(queue.arn)
    unfinished = open_run(journal.each())
    before = _snapshot(queue.at, ports.clock.now())
    places = Places(ports)
    sources = _sources(ports, queue, request)
    plan = replace(request.plan, queue=queue.arn, total=queue.total, before=before)
    if request.watch is None:
        plan = replace(plan, watch=_watch(places, request, sources))
    if unfinished is not None:
        if unfinished.plan.wish() != plan.wish():
            raise _differs(queue, unfinished)
        plan = unfinished.plan
    if unfinished is None or not unfinished.plan.native:
        _require_no_task(ports, queue)
    findings = _places(places, queue, plan)
    alarms = ports.alarms.read_alarms(plan.stop_alarms)
    findings += [*found_before(plan.stop_alarms, alarms, "the redrive"), *_expiry(queue, plan)]
    return Prepared(plan, queue, sources, journal, alarms, tuple(findings), unfinished, places.known)


def _sources(ports: DeadLetterPorts, queue: Queue, request: Request) -> tuple[str, ...]:
    """The queues whose dead letters these are; who says where everything goes can do without."""
    try:
        return ports.queues.sources(queue)
    except RejectedError:  # not every SQS beside AWS's own can say it
        if request.to is None:
            raise
        return ()


def _snapshot(at: datetime, now: datetime) -> datetime:
    """The moment at which the run begins, by SQS's clock: what was sent later is not part of it.

    SQS tells whole seconds (``at`` is the end of the one that it told), and SentTimestamp has milliseconds. Our own
    clock tells the rest if it agrees; otherwise the second that has begun belongs to the run.
    """
    return now if at - _TO_THE_SECOND <= now < at else at


def require_clear(prepared: Prepared) -> None:
    """Refuse what must not begin.

    Raises:
        BlockedError: with every finding.
    """
    blocks = [finding for finding in prepared.findings if finding.level is Level.BLOCK]
    if blocks:
        name = prepared.queue.name
        raise BlockedError(
            f"redrive of {name} is blocked by {len(blocks)} finding{'s' if len(blocks) > 1 else ''}: nothing was moved",
            hint=blocks[0].hint,
            target=name,
            findings=prepared.findings,
        )


def redrive(ports: DeadLetterPorts, prepared: Prepared, request: Request) -> Redriven:
    """Move what was asked for, as planned; a run that is open is taken up.

    Raises:
        RedriveInProgressError: another process is at it.
        JournalUnwritableError, AwsError: nothing was moved, or what was is on record.
    """
    unfinished = prepared.unfinished
    name = unfinished.id if unfinished else new_run("d", ports.clock.now())
    actor = actor_of(ports)
    with ports.journals.drive(prepared.queue.arn, name) as drive:
        ports.signals.listen()
        shift = begin(Recorder(ports, prepared.journal, prepared.queue.arn, name, actor), prepared, request, drive)
        fates = request.fates(shift.desk.run.plan, request.to, prepared.sources)
        return _work(shift, _crew(shift, prepared, fates), resumed=unfinished is not None)


def begin(recorder: Recorder[DeadLetterPorts], prepared: Prepared, request: Request, drive: Drive) -> Shift:
    """Open the run, or take it up; its desk as the journal tells it."""
    if prepared.unfinished is None:
        begun = recorder.record(RedriveOpened(prepared.plan, request.reason, request.ticket, recorder.ports.tool))
    else:
        begun = recorder.record(RedriveResumed(request.resend))
    *earlier, run = runs(prepared.journal.each())
    steady = Steady(recorder.ports.clock)
    desk = Desk(Ledger(run, earlier, request.resend), steady.now())
    alarms = StopAlarms(recorder.ports.alarms, desk.run.plan.stop_alarms, prepared.alarms)
    return Shift(recorder, desk, drive, prepared.queue.url, alarms, steady, heard=begun.seq or 0)


def _crew(shift: Shift, prepared: Prepared, fates: Fates) -> Crew:
    ports = shift.recorder.ports

    def hands() -> Hands:
        return Hands(ports.queues, ports.invocations, ports.streams, prepared.queue, ports.clock.sleep, prepared.places)

    return Crew(tuple(Worker(number, fates, shift.steady.now) for number in range(prepared.plan.workers)), hands)


def _work(shift: Shift, crew: Crew, *, resumed: bool) -> Redriven:
    crew.start()
    try:
        while crew.there:
            crew.tell(shift.serve(crew.said(_TICK)))
    except BaseException:
        crew.dismiss(_DISMISS_WITHIN)
        raise
    shift.tell(shift.steady.now(), must=True)
    entry = shift.end()
    desk = shift.desk
    desk.run.take(entry)
    ledger = desk.ledger
    told = Told(tuple(ledger.told), dict(ledger.places), ledger.unsure)
    return Redriven(desk.run, told, _error(desk), resumed)


def _error(desk: Desk) -> LambdaOpsError | None:
    plan, tally = desk.run.plan, desk.ledger.tally()
    again = f"lambdaops dlq resume {desk.run.id}"
    if desk.cause in (Stopped.ALARM, Stopped.REENTRY):
        return RedriveHeldError(
            f"redrive of {plan.name} stopped after {tally.moved} messages: {desk.stopping}",
            hint=f"When that is put right: {again}",
            target=plan.name,
        )
    if desk.cause is Stopped.FAILED:
        code, hint = desk.fault or ("", "")
        return AwsError(
            f"redrive of {plan.name} stopped after {tally.moved} messages ({code}): {desk.stopping}",
            hint=f"{hint + ' Then: ' if hint else 'When that is put right: '}{again}",
            target=plan.name,
        )
    if desk.cause is None and (tally.kept or desk.cancelled):
        return PartlyDoneError(
            f"{tally.moved} messages of {plan.name} were moved, {tally.kept} that were asked for were not"
            if not desk.cancelled
            else f"redrive of {plan.name} was ended after {tally.moved} messages: {desk.stopping}",
            hint="The report says which and why; they are still in the queue."
            if tally.kept
            else f"lambdaops dlq redrive {plan.name} moves the rest.",
            target=plan.name,
        )
    return None


# -- what is found out before ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """Queues beside the dead-letter queue, each looked up once."""

    ports: DeadLetterPorts
    known: dict[str, Queue] = field(default_factory=dict)

    def find(self, arn: str) -> Queue:
        """The queue.

        Raises:
            NotFoundError, AwsError: it is not there, or cannot be read.
        """
        if arn not in self.known:
            self.known[arn] = self.ports.queues.find(arn)
        return self.known[arn]


def _watch(places: Places, request: Request, sources: tuple[str, ...]) -> timedelta:
    """As long as a message that fails again takes to come back: its queue's visibility, so often as it is received.

    A function that is invoked asynchronously is tried three times within about three minutes (Lambda guide, *How Lambda
    handles errors and retries with asynchronous invocation*).
    """
    if isinstance(request.to, ToFunction):
        return _THREE_TRIES
    longest = timedelta()
    for arn in (request.to.arn,) if request.to is not None else sources[:_MOST_SOURCES]:
        try:
            queue = places.find(arn)
        except NotFoundError:
            continue
        longest = max(longest, queue.visibility * max(1, queue.max_receives) + _MARGIN)
    return min(longest, LONGEST_WATCH) if longest else DEFAULT_WATCH


def _differs(queue: Queue, unfinished: Run) -> PlanDiffersError:
    return PlanDiffersError(
        f"redrive {unfinished.id} of {queue.name} is open and was planned otherwise than it is asked for now",
        hint=f"lambdaops dlq resume {unfinished.id} goes on as planned; lambdaops dlq cancel {unfinished.id} ends it.",
        target=queue.name,
    )


def _places(places: Places, queue: Queue, plan: RedrivePlan) -> list[Finding]:
    found = []
    for option, arn in (("--to", plan.to), ("--quarantine", plan.quarantine)):
        if ":sqs:" not in arn:
            continue
        where = places.find(arn)
        if where.arn == queue.arn:
            found.append(
                Finding(Level.BLOCK, "destination", f"{option} {where.name} is the queue itself", "Name another queue.")
            )
        elif where.fifo != queue.fifo:
            kinds = ("a FIFO queue", "a standard queue") if queue.fifo else ("a standard queue", "a FIFO queue")
            found.append(
                Finding(
                    Level.BLOCK,
                    "destination",
                    f"{queue.name} is {kinds[0]} and {option} {where.name} is {kinds[1]}: groups would be lost",
                    "Name a queue of the same type.",
                )
            )
    return found


def _require_no_task(ports: DeadLetterPorts, queue: Queue) -> None:
    """Refuse while a native move is under way.

    Raises:
        RedriveInProgressError: SQS itself moves messages out of this queue.
        AwsError: it could not be asked.
    """
    try:
        recent = ports.moves.recent(queue.arn)
    except RejectedError:  # no queue that SQS itself would move messages out of
        return
    running = [move for move in recent if move.state in ("RUNNING", "CANCELLING")]
    if running:
        raise RedriveInProgressError(
            f"SQS itself is moving messages out of {queue.name} since {running[0].started:%FT%TZ}, "
            f"{running[0].moved} so far",
            hint="Wait until it is through, or end it: aws sqs list-message-move-tasks, cancel-message-move-task.",
            target=queue.name,
        )


def _expiry(queue: Queue, plan: RedrivePlan) -> list[Finding]:
    """Messages are deleted when they are older than the queue's retention, whatever we do."""
    if plan.at_least < queue.retention / 2:
        return []
    return [
        Finding(
            Level.WARN,
            "retention",
            f"it takes at least {format_duration(plan.at_least)}, and {queue.name} keeps messages for "
            f"{format_duration(queue.retention)} from when they were first sent: the oldest may expire meanwhile",
            "Raise the rate, or the queue's MessageRetentionPeriod.",
        )
    ]
