"""Halt a function: disable what polls for it, and where that is asked for let nothing run any more.

Rules this file guarantees: what is there is in the journal before the first write; mappings are disabled before
reserved concurrency is 0, because what a mapping polls meanwhile would only use up its tries; one source that cannot be
stopped keeps no other one running; halting twice forgets nothing.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import AwsError, FunctionBusyError, NotFoundError
from lambdaops.core.halt.callers import NotStopped, not_stopped
from lambdaops.core.halt.mappings import Mapping, named
from lambdaops.core.halt.memory import Halt, open_halt
from lambdaops.core.halt.plan import HaltPlan, Left, plan_halt
from lambdaops.core.halt.records import Halted, HaltOpened
from lambdaops.core.halt.reports import HaltReport, ReservedReport, source_of
from lambdaops.core.notices import Progress, Warned
from lambdaops.ops.halt.turning import Hand
from lambdaops.ops.recorder import Recorder, actor_if_known, new_run
from lambdaops.ops.steady import Steady
from lambdaops.ports import Journal
from lambdaops.ports.halting import Concurrency

if TYPE_CHECKING:
    from lambdaops.ports import Drive
    from lambdaops.ports.halting import HaltPorts

ALL_INVOCATIONS = (
    "NOTHING OF {function} WILL RUN: synchronous callers get 429; asynchronous events (SNS, EventBridge, S3) are tried "
    "until they are too old, then go to the dead-letter queue or destination, or ARE LOST where there is none"
)
_YIELD_WITHIN, _YIELD_EVERY = timedelta(seconds=5), timedelta(milliseconds=500)


@dataclass(frozen=True)
class Request:
    """What is asked for: ``sources`` are names, ARNs or UUIDs, none for all."""

    sources: tuple[str, ...] = ()
    all_invocations: bool = False
    reason: str = ""
    ticket: str = ""


@dataclass(frozen=True)
class Look:
    """A function as it is, and what its journal says of a halt; ``last`` is the number of its newest record."""

    function: str
    concurrency: Concurrency
    seen: tuple[Mapping, ...]
    journal: Journal
    last: int
    halt: Halt | None

    @classmethod
    def at(cls, ports: HaltPorts, function: str) -> Look:
        """Read everything.

        Raises:
            NotFoundError, AwsError: AWS's word on it.
            JournalTamperedError, InvalidFileError: the journal cannot be used.
        """
        concurrency = ports.levers.concurrency(function)
        journal = ports.journals.open(concurrency.arn)
        entries = journal.read().entries
        last = entries[-1].seq or 0 if entries else 0
        return cls(function, concurrency, ports.levers.mappings(function), journal, last, open_halt(entries))

    def plan(self, request: Request) -> HaltPlan:
        """What halting has to do.

        Raises:
            NotFoundError: there is no such source.
        """
        return plan_halt(
            self.halt,
            self.seen,
            named(self.seen, request.sources, self.function),
            throttle=request.all_invocations,
            reserved=self.concurrency.reserved,
        )


def rehearse(ports: HaltPorts, function: str, request: Request) -> HaltReport:
    """How it stands, and what halting would do; writes nothing.

    Raises:
        NotFoundError, AwsError, JournalTamperedError, InvalidFileError: as :meth:`Look.at`.
    """
    look = Look.at(ports, function)
    plan = look.plan(request)
    held = look.halt.disabled if look.halt is not None else frozenset[str]()
    halted = [one for one in look.seen if one in plan.stop or one.uuid in held]
    callers, unknown = _callers(ports, function)
    now = look.concurrency.reserved
    reserved = _reserved(look.halt, plan, now)
    return HaltReport(
        function,
        look.halt.id if look.halt is not None else "",
        tuple(source_of(one) for one in halted),
        tuple(source_of(one) for one in plan.before if one.uuid not in held),
        (),
        () if request.all_invocations or now == 0 else (*_others(look.seen, halted), *callers),
        unknown,
        reserved,
        changed=False,
        dry_run=True,
    )


def halt(ports: HaltPorts, function: str, request: Request) -> HaltReport:
    """Stop it; the halt that is open is taken up.

    Raises:
        ConfirmationMissingError: nobody agreed.
        JournalUnwritableError: what is there cannot be recorded, so nothing was stopped.
        NotFoundError, AwsError, JournalTamperedError, InvalidFileError: as :meth:`Look.at`.
    """
    ports = replace(ports, clock=Steady(ports.clock))
    look = Look.at(ports, function)
    plan = look.plan(request)
    if plan.nothing and _settled(ports, look):
        return _report(ports, look, plan, request, (), changed=False)
    if plan.throttle:
        ports.sink.emit(Warned(ports.clock.now(), ALL_INVOCATIONS.format(function=function)))
    ports.ask.confirm(_question(function, plan))
    arn = look.concurrency.arn
    run = look.halt.id if look.halt is not None else new_run("h", ports.clock.now())
    recorder = Recorder(ports, look.journal, arn, run, actor_if_known(ports))
    opened = HaltOpened(plan.fresh, plan.reserved, request.reason, request.ticket, ports.tool)
    recorder.record(opened)
    with ExitStack() as held:
        drive = _drive(ports, held, arn, run)
        look = Look.at(ports, function)  # whoever had the right may have changed more
        assert look.halt is not None  # noqa: S101 -- it was just recorded
        hand = Hand(recorder, function, look.halt, drive, stopping=True)
        hand.settle(look.seen, look.concurrency.reserved)
        plan = look.plan(request)
        if plan.fresh:  # made since
            more = HaltOpened(plan.fresh, plan.reserved, request.reason, request.ticket, ports.tool)
            hand.halt.take(recorder.record(more))
        left = hand.turn(plan.stop, on=False)
        refused = hand.reserve(0, on=False) if plan.throttle else ""
        left += (Left("", "", "", refused),) if refused else ()
        hand.record(Halted(len(hand.halt.stopped), hand.halt.throttled, told(left)))
    return _report(ports, look, plan, request, left, changed=hand.changed)


def told(left: tuple[Left, ...]) -> tuple[str, ...]:
    """What is left, as it stands in a record."""
    return tuple(f"{one.uuid or 'reserved concurrency'}: {one.why}" for one in left)


def _settled(ports: HaltPorts, look: Look) -> bool:
    """Whether nobody left anything half done, or is about to start the function."""
    if look.halt is None:
        return True
    lease = ports.journals.driver(look.concurrency.arn)
    busy = look.halt.unhalting and lease is not None and lease.live
    return look.halt.ended and not look.halt.pending and not busy


def _question(function: str, plan: HaltPlan) -> str:
    parts = [f"disable {', '.join(f'{one.name}' for one in plan.stop)}"] if plan.stop else []
    parts += ["let NOTHING of it run (reserved concurrency 0)"] if plan.throttle else []
    return f"Halt {function}: {' and '.join(parts) or 'end what was begun'}?"


def _drive(ports: HaltPorts, held: ExitStack, arn: str, run: str) -> Drive | None:
    """The right to change what starts the function; whoever has it has heard of us, and gives it back in a moment."""
    until = ports.clock.now() + _YIELD_WITHIN
    while True:
        drive = ports.journals.drive(arn, run)
        try:
            return held.enter_context(drive)
        except FunctionBusyError as error:
            if ports.clock.now() >= until:
                # Stopping twice does no harm; waiting for one who does not answer does.
                ports.sink.emit(Warned(ports.clock.now(), f"going on beside another process: {error.message}"))
                return None
            ports.clock.sleep(_YIELD_EVERY)


def _report(
    ports: HaltPorts, look: Look, plan: HaltPlan, request: Request, left: tuple[Left, ...], *, changed: bool
) -> HaltReport:
    halt = look.halt
    held = halt.disabled if halt is not None else frozenset[str]()
    failed = {one.uuid for one in left}
    # What was disabled before the halt and is disabled by it again is held too, although no unhalt enables it.
    stopped = held | {one.uuid for one in plan.stop}
    halted = [one for one in look.seen if one.uuid in stopped - failed]
    before = [one for one in plan.before if one.uuid not in stopped]
    now = 0 if halt is not None and halt.throttled else look.concurrency.reserved
    callers, unknown = ((), "") if now == 0 else _callers(ports, look.function)
    return HaltReport(
        look.function,
        halt.id if halt is not None else "",
        tuple(source_of(one) for one in halted),
        tuple(source_of(one) for one in before),
        left,
        () if now == 0 else (*_others(look.seen, halted), *callers),
        unknown,
        _reserved(halt, plan, now) if request.all_invocations or (halt is not None and halt.reserved) else None,
        changed,
    )


def _reserved(halt: Halt | None, plan: HaltPlan, now: int | None) -> ReservedReport | None:
    before = halt.reserved if halt is not None and halt.reserved is not None else plan.reserved
    return ReservedReport(before.executions, now) if before is not None else None


def _others(seen: tuple[Mapping, ...], halted: list[Mapping]) -> tuple[NotStopped, ...]:
    """Mappings that poll and were not meant, or could not be stopped."""
    return tuple(
        NotStopped(one.source, one.qualifier, f"lambdaops halt, with --source {one.name}")
        for one in seen
        if one.polls and one not in halted
    )


def _callers(ports: HaltPorts, function: str) -> tuple[tuple[NotStopped, ...], str]:
    """What else invokes it; or why that is not known, which holds nobody up."""
    try:
        return tuple(not_stopped(one, function) for one in ports.levers.callers(function)), ""
    except (AwsError, NotFoundError) as error:
        ports.sink.emit(Progress(ports.clock.now(), f"what else invokes {function} is not known: {error.message}"))
        return (), error.message
