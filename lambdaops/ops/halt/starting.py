"""Start again what a halt stopped: exactly that, in stages, and stopped again when an alarm objects.

Rules this file guarantees: only what the halt disabled is enabled; reserved concurrency comes back before the first
mapping polls; what somebody changed since is told and left; somebody who halts the function again is heard before every
write.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from lambdaops.core.duration import format_duration
from lambdaops.core.errors import BlockedError
from lambdaops.core.halt.mappings import Mapping, named
from lambdaops.core.halt.memory import RESERVED, Halt
from lambdaops.core.halt.plan import Left, UnhaltPlan, plan_unhalt, staged
from lambdaops.core.halt.records import HaltOpened, Unhalted, UnhaltHeld, UnhaltOpened, UnhaltStage
from lambdaops.core.halt.reports import ReservedReport, UnhaltReport, source_of
from lambdaops.core.notices import Progress
from lambdaops.ops.halt.halting import Look, told
from lambdaops.ops.halt.turning import LOOK_EVERY, Hand
from lambdaops.ops.recorder import Recorder, actor_of
from lambdaops.ops.steady import Steady
from lambdaops.ops.stop_alarms import StopAlarms, require_quiet
from lambdaops.ports.halting import HaltPorts


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        sources: names, ARNs or UUIDs; none for all.
        all_invocations: give reserved concurrency back although sources are named.
        stages: how many mappings poll again when each stage is over, 0 for all.
        watch: how long each stage is watched.
        stop_alarms: what stops it again.
        reason, ticket: why.
    """

    sources: tuple[str, ...] = ()
    all_invocations: bool = False
    stages: tuple[int, ...] = (0,)
    watch: timedelta = timedelta(minutes=1)
    stop_alarms: tuple[str, ...] = ()
    reason: str = ""
    ticket: str = ""


def rehearse(ports: HaltPorts, function: str, request: Request) -> UnhaltReport:
    """What starting again would do; writes nothing.

    Raises:
        NotFoundError, AwsError, JournalTamperedError, InvalidFileError: as for a halt.
        BlockedError: as :func:`unhalt`.
    """
    look = Look.at(ports, function)
    if look.halt is None:
        return UnhaltReport(function, "", dry_run=True)
    plan = _plan(look, look.halt, request)
    now = look.concurrency.reserved
    return UnhaltReport(
        function,
        look.halt.id,
        tuple(source_of(one) for one in plan.start),
        _left(plan),
        tuple(source_of(one) for one in look.halt.stopped if all(one.uuid != it.uuid for it in plan.start)),
        ReservedReport(look.halt.reserved.executions, now) if look.halt.reserved is not None else None,
        over=plan.last,
        dry_run=True,
    )


def unhalt(ports: HaltPorts, function: str, request: Request) -> UnhaltReport:
    """Start again what the open halt stopped.

    Raises:
        ConfirmationMissingError: nobody agreed.
        BlockedError: an alarm is missing or in ALARM; or sources would poll for a function that must not run.
        FunctionBusyError: another process halts it or starts it.
        JournalUnwritableError, NotFoundError, AwsError, JournalTamperedError, InvalidFileError.
    """
    ports = replace(ports, clock=Steady(ports.clock))
    look = Look.at(ports, function)
    if look.halt is None:
        return UnhaltReport(function, "")
    plan = _plan(look, look.halt, request)
    readings = require_quiet(ports.alarms, request.stop_alarms, "everything again", function)
    ports.ask.confirm(_question(function, plan, request))
    actor = actor_of(ports)
    with ports.journals.drive(look.concurrency.arn, look.halt.id) as drive:
        look = Look.at(ports, function)
        if look.halt is None:  # somebody else was faster
            return UnhaltReport(function, "")
        recorder = Recorder(ports, look.journal, look.concurrency.arn, look.halt.id, actor)
        hand = Hand(recorder, function, look.halt, drive)
        hand.settle(look.seen, look.concurrency.reserved)
        plan = _plan(look, look.halt, request)
        opened = UnhaltOpened(
            request.sources,
            request.stages,
            request.watch,
            request.stop_alarms,
            request.reason,
            request.ticket,
            ports.tool,
        )
        hand.record(opened)
        # From what was looked at on: a halt that was recorded between the look and our record counts.
        hand.calls_off = partial(_halted_since, look)
        return _Start(ports, request, look, plan, hand, StopAlarms(ports.alarms, request.stop_alarms, readings)).run()


def _halted_since(look: Look) -> bool:
    return any(isinstance(one.event, HaltOpened) for one in look.journal.since(look.last))


def _plan(look: Look, halt: Halt, request: Request) -> UnhaltPlan:
    """What is to be done.

    Raises:
        NotFoundError: no such source.
        BlockedError: its messages would only be throttled.
    """
    give = not request.sources or request.all_invocations
    wanted = named(tuple(halt.mappings.values()), request.sources, look.function)
    plan = plan_unhalt(halt, look.seen, wanted, give=give, reserved=look.concurrency.reserved)
    if plan.start and not give and halt.throttled and look.concurrency.reserved == 0:
        raise BlockedError(
            f"nothing of {look.function} may run (reserved concurrency 0, by this halt): what is polled would only use "
            "up its tries",
            hint="Add --all-invocations, or start everything: leave --source out.",
            target=look.function,
        )
    return plan


def _question(function: str, plan: UnhaltPlan, request: Request) -> str:
    parts = [f"enable {', '.join(one.name for one in plan.start)}"] if plan.start else []
    if plan.give is not None:
        was = plan.give.executions
        parts.insert(0, f"set reserved concurrency to {was}" if was is not None else "let all of it run again")
    stages = len(staged(plan.start, request.stages))
    inside = f", in {stages} stages" if stages > 1 else ""
    return f"Start {function} again: {' and '.join(parts) or 'end the halt'}{inside}?"


def _left(plan: UnhaltPlan) -> tuple[Left, ...]:
    return (*plan.drift, *((Left("", "", "", plan.reserved_drift),) if plan.reserved_drift else ()))


@dataclass
class _Start:
    """One unhalt at work."""

    ports: HaltPorts
    request: Request
    look: Look
    plan: UnhaltPlan
    hand: Hand
    alarms: StopAlarms
    failed: list[Left] = field(default_factory=list)

    def run(self) -> UnhaltReport:
        """Reserved concurrency, then stage by stage."""
        hand, plan = self.hand, self.plan
        if plan.give is not None and not hand.hear():
            why = hand.reserve(plan.give.executions, on=True)
            if why:  # without it, what is polled would only use up its tries
                self.failed.append(Left("", "", "", why))
                return self._end()
        stages = staged(plan.start, self.request.stages)
        done = 0
        for number, stage in enumerate(stages, 1):
            self.failed += hand.turn(stage, on=True)
            if hand.hear():
                break
            done += len(stage)
            hand.record(UnhaltStage(number, done, len(plan.start)))
            # The last stage is watched only if something could come of it.
            if number < len(stages) or self.request.stop_alarms:
                why = self._watch(done)
                if why:
                    return self._back(why)
            if hand.hear():
                break
        return self._end()

    def _watch(self, done: int) -> str:
        """Look at the alarms until the watch is over; what objects, or nothing."""
        ports = self.ports
        until = ports.clock.now() + self.request.watch
        watching = f"{done} of {len(self.plan.start)} poll again; watching for {format_duration(self.request.watch)}"
        ports.sink.emit(Progress(ports.clock.now(), watching))
        while True:
            why = self.alarms.objection(ports.clock.now())
            if why or self.hand.off or ports.clock.now() >= until:
                return why
            self.hand.pause(min(LOOK_EVERY, until - ports.clock.now()))

    def _back(self, why: str) -> UnhaltReport:
        """Stop again what this unhalt started, and leave the halt open."""
        hand, ports = self.hand, self.ports
        ports.sink.emit(Progress(ports.clock.now(), f"stopping it again: {why}"))
        known, attempt = hand.halt.mappings, hand.halt.attempt
        again = [
            Mapping(uuid, known[uuid].source, known[uuid].qualifier, "Enabled") for uuid in known if uuid in attempt
        ]
        throttle = RESERVED in attempt
        self.failed += hand.turn(again, on=False)
        if throttle:
            refused = hand.reserve(0, on=False)
            self.failed += [Left("", "", "", refused)] if refused else []
        hand.record(UnhaltHeld(why))
        return self._report(held=why, over=False)

    def _end(self) -> UnhaltReport:
        hand = self.hand
        left = (*_left(self.plan), *self.failed)
        over = self.plan.last and not self.failed and not hand.off
        if not hand.off:
            restored = sum(hand.halt.turned.get(one.uuid) is True for one in self.plan.start)
            hand.record(Unhalted(restored, over, told(left)))
        return self._report(over=over)

    def _report(self, *, over: bool, held: str = "") -> UnhaltReport:
        halt = self.hand.halt
        restored = [one for one in self.plan.start if halt.turned.get(one.uuid) is True]
        reserved = None
        if halt.reserved is not None:
            given = halt.turned.get(RESERVED) is True
            now = halt.reserved.executions if given else self.look.concurrency.reserved
            reserved = ReservedReport(halt.reserved.executions, 0 if halt.throttled and held else now)
        return UnhaltReport(
            self.hand.function,
            halt.id,
            tuple(source_of(one) for one in restored),
            (*_left(self.plan), *self.failed),
            tuple(source_of(one) for one in halt.stopped) if not over else (),
            reserved,
            held,
            bool(self.failed),
            self.hand.off,
            over,
            self.hand.changed,
        )
