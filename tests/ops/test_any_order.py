"""Operators, AWS, strangers, time and death in any order, against the real driver: Hypothesis chooses what comes next.

The driver runs in a thread of its own that goes on only while the test waits: one of the two runs at any moment, so
that everything is as repeatable as without threads, and anything can happen wherever the driver waits or calls AWS.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lambdaops.core.errors import (
    AccessDeniedError,
    AwsError,
    AwsFaultError,
    CredentialsExpiredError,
    LambdaOpsError,
    NothingOpenError,
    RollbackIncompleteError,
    RollbackTargetUnknownError,
    ThrottledError,
    UnreachableError,
)
from lambdaops.core.events import Intent, Landed, Signalled
from lambdaops.core.model import Actor, AlarmState, Provisioned, Routing
from lambdaops.core.plan import ManualGate, OnInconclusive, OnTimeout, Plan, Stage
from lambdaops.core.replay import open_release, releases
from lambdaops.core.states import Signal
from lambdaops.ops import release as op
from lambdaops.ops import steer
from tests.sim.clock import SimClock
from tests.sim.journal import Crash
from tests.sim.rig import STAGES, TARGET, Rig, plan_of
from tests.sim.world import ARN, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambdaops.core.model import Alias

ADA = Actor("arn:aws:sts::111122223333:assumed-role/oncall/ada", "ada-laptop")
STABLE, NEW = Routing("1"), Routing("2")
STRANGERS = [Routing("3"), Routing("1", "3", 500), Routing("1", "2", 7_700), NEW, STABLE]
FAULTS = [ThrottledError("429"), UnreachableError("reset"), AwsFaultError("500"), AccessDeniedError("no")]
WITHIN = timedelta(seconds=1)
"""How soon a request to go back is heeded."""
SLACK = timedelta(minutes=1)


class SteppedClock(SimClock):
    """Who sleeps in the driver's thread waits for the test; who sleeps in the test lets the driver go on meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.driver: threading.Thread | None = None
        self.wake_at: datetime | None = None
        self.dies = False
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)

    def sleep(self, duration: timedelta) -> None:
        if threading.current_thread() is not self.driver:
            self.pass_time(duration)
            return
        self.wake_at = self.now() + duration
        self._stopped.release()
        self._go.acquire()
        if self.dies:
            raise Crash

    def start(self, body: Callable[[], None]) -> None:
        """A new driver; returns when it waits for the first time, or has ended."""

        def run() -> None:
            try:
                body()
            finally:
                self.driver = None
                self._stopped.release()

        self.dies, self.wake_at = False, None
        self.driver = threading.Thread(target=run, daemon=True)
        self.driver.start()
        self._stopped.acquire()

    def pass_time(self, duration: timedelta) -> None:
        """Let time pass, and the driver do what it does in that time."""
        until = self.now() + duration
        while self.driver is not None and self.wake_at is not None and self.wake_at <= until:
            self.advance(max(self.wake_at - self.now(), timedelta()))
            self._step()
        if self.now() < until:
            self.advance(until - self.now())

    def kill(self) -> None:
        """The driver's process dies where it is."""
        self.dies = True
        self._step()

    def _step(self) -> None:
        self._go.release()
        self._stopped.acquire()


class WatchedWorld(World):
    """Tells the test of every write of ours that takes effect, and over what."""

    on_write: Callable[[Routing, Routing], None]
    written_at: datetime | None = None

    def waiting(self) -> int:
        """How many calls are still to fail."""
        return sum(one.times for queue in self._failures.values() for one in queue)

    def repoint_alias(self, routing: Routing) -> None:
        self._old, self.written_at = self._alias(), self.clock.now()
        super().repoint_alias(routing)

    def set_routing(self, function: str, alias: str, routing: Routing, revision: str) -> Alias:
        before, writes = self.routing, len(self.writes)
        try:
            return super().set_routing(function, alias, routing, revision)
        finally:
            if len(self.writes) > writes:
                self.written_at = self.clock.now()
                self.on_write(before, routing)


plans = st.builds(
    plan_of,
    stages=st.sampled_from(
        [
            STAGES,
            (Stage(1_000, timedelta(seconds=60), ManualGate(timedelta(minutes=3), OnTimeout.HOLD)), *STAGES[1:]),
            (Stage(1_000, timedelta(seconds=20), ManualGate(timedelta(minutes=2), OnTimeout.PROMOTE)), STAGES[2]),
            (Stage(1_000, timedelta(seconds=20), ManualGate(timedelta(minutes=2))), STAGES[2]),
            STAGES[2:],
        ]
    ),
    on_inconclusive=st.sampled_from(OnInconclusive),
)
few = st.integers(1, 4)


class AnyOrder(RuleBasedStateMachine):
    """What may happen, and what holds whatever happens."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = SteppedClock()
        self.world = WatchedWorld(clock=self.clock)
        self.world.on_write = self._written
        self.rig = Rig(self.world)
        self.world.alarm("errors")
        self.journal = self.rig.journal
        self.plan: Plan = plan_of()
        self.ended: object = None
        self.back_at: datetime | None = None
        self.disturbed = False
        self.calling_back = False
        self.allowed_until = self.clock.now()

    @property
    def live(self) -> bool:
        return self.clock.driver is not None

    @property
    def open(self) -> bool:
        return open_release(self.journal.entries) is not None

    @property
    def baseline(self) -> Routing:
        """Where the last release goes back to; what was stable is whatever a stranger had put there before it."""
        known = releases(self.journal.entries)
        return known[-1].plan.baseline if known else STABLE

    @property
    def ours(self) -> frozenset[str]:
        return self.baseline.versions | NEW.versions

    def _written(self, before: Routing, after: Routing) -> None:
        """A write of ours took effect; whosever thread that happens in, the test fails for it."""
        if not before.versions <= self.ours and not self.calling_back:
            self.ended = AssertionError(f"wrote {after} over a stranger's {before}")
        if self.back_at is not None and not self.calling_back and after != self.baseline:
            self.ended = AssertionError(f"wrote {after} after somebody had asked to go back")

    # -- people --------------------------------------------------------------------------------------------------------

    @initialize(plan=plans, provisioned=st.booleans())
    def account(self, plan: Plan, *, provisioned: bool) -> None:
        self.plan = plan
        if provisioned:
            self.world.concurrency = Provisioned("READY", 5, 5)
        self.begin()

    @precondition(lambda self: not self.live)
    @rule()
    def begin(self) -> None:
        """The command, or the same command again; somebody sees to it that there is something to release."""
        if not self.open and self.world.routing == NEW:
            self.world.repoint_alias(STABLE)
        self._drive(lambda: op.release(self.rig.ports, op.Request(TARGET, self.plan)))

    @precondition(lambda self: not self.live and self.open)
    @rule()
    def resume(self) -> None:
        def taken_up() -> None:
            ports = self.rig.ports
            steer.resume(ports, TARGET, steer.find(ports, TARGET, f"{ARN}:live"), "taking over")

        self._drive(taken_up)

    def _drive(self, body: Callable[[], object]) -> None:
        def run() -> None:
            try:
                body()
            except (LambdaOpsError, Crash):
                pass
            except BaseException as error:  # noqa: BLE001 -- a defect: told where the test sees it
                self.ended = error
            finally:
                self.rig.journals.busy = False

        self.rig.asked, self.back_at = None, None
        unheard = open_release(self.journal.entries)
        if unheard is not None and any(
            isinstance(one.event, Signalled) and one.event.signal is Signal.ROLLBACK for one in unheard.asked
        ):
            self.back_at = self.clock.now()
        self._allow(self.plan.limit + self.plan.revert_within)
        self.clock.start(run)

    def _allow(self, more: timedelta) -> None:
        """However long it may take from now on at most."""
        self.allowed_until = max(self.allowed_until, self.clock.now()) + more

    @precondition(lambda self: self.live and self.open)
    @rule(
        signals=st.lists(st.sampled_from([*Signal, Signal.ROLLBACK, Signal.ROLLBACK]), min_size=1, max_size=3),
        lasts=st.sampled_from([None, 30, 400]),
        then=st.sampled_from([0, 1.2, 12]),
        pressed=st.booleans(),
    )
    def ask(self, signals: list[Signal], lasts: int | None, then: float, *, pressed: bool) -> None:
        """Other processes write requests into the journal, or somebody presses Ctrl-C; then some time passes."""
        for signal in signals:
            if pressed and self.rig.listening and signal in (Signal.HOLD, Signal.ROLLBACK):
                if self.rig.asked is None or self.rig.asked[0] is not Signal.ROLLBACK:  # as cli.signals keeps it
                    self.rig.asked = (signal, "the terminal")
                self._asked_for(signal)
            elif not self.journal.broken:
                wanted = Signalled(signal, "because", None if lasts is None else timedelta(seconds=lasts))
                self.journal.append(self.clock.now(), self.journal.entries[-1].release, ADA, wanted)
                self._asked_for(signal)
        self.clock.pass_time(timedelta(seconds=then))

    def _asked_for(self, signal: Signal) -> None:
        if signal is Signal.ROLLBACK and self.back_at is None:
            self.back_at, self.disturbed = self.clock.now(), self._troubled()
        self._allow(timedelta(hours=1) + self.plan.limit)

    @rule(how=st.sampled_from(["rollback", "rollback --to", "abort"]))
    def go_back(self, how: str) -> None:
        """A command from another shell."""
        self.calling_back = True
        late, troubled, baseline = self.world.lag, self._troubled(), self.baseline
        with suppress(RollbackTargetUnknownError, RollbackIncompleteError, AwsError, NothingOpenError):
            if how != "abort":
                done = self.rig.rollback("1" if how == "rollback --to" else None)
                assert late or self.world.routing == done.after
            elif not self.journal.broken:
                ports = self.rig.ports
                steer.abort(ports, TARGET, steer.find(ports, TARGET, f"{ARN}:live"), "enough", "")
                assert troubled or self.world.routing == baseline
        self.calling_back = False

    # -- AWS, strangers, machines --------------------------------------------------------------------------------------

    def _troubled(self) -> bool:
        """Whether something is in the way of going back at once."""
        known = releases(self.journal.entries)
        foreign = not known or not known[-1].plan.owns(self.world.routing) or self.world.on_call is not None
        return foreign or bool(self.world.waiting()) or bool(self.journal.broken) or self.world.lag > 0

    @rule(what=st.sampled_from([*AlarmState, AlarmState.OK, "flap"]))
    def alarm(self, what: AlarmState | str) -> None:
        if isinstance(what, AlarmState):
            self.world.turn("errors", what)
        else:
            self.world.flap("errors")

    @rule(
        call=st.sampled_from(["get_alias", "set_routing", "read_alarms"]),
        error=st.sampled_from([*FAULTS, CredentialsExpiredError("expired")]),
        times=few,
        after=st.booleans(),
    )
    def fail(self, call: str, error: LambdaOpsError, times: int, *, after: bool) -> None:
        self.disturbed = True
        self.world.fail(call, error, times, after=after)

    @rule(full=st.booleans())
    def disk(self, *, full: bool) -> None:
        """It is full, or it is well again, and AWS as well."""
        self.disturbed |= full
        self.journal.broken = "no space left" if full else ""
        if not full:
            self.world.heal()

    @rule(routing=st.sampled_from(STRANGERS), before_a_write=st.booleans(), then=st.sampled_from([0, 12, 70]))
    def stranger(self, routing: Routing, then: float, *, before_a_write: bool) -> None:
        """A console or an IaC tool writes the alias, now or just before AWS sees our next write; then time passes."""
        self.disturbed = True
        if before_a_write:
            self.world.before_call("set_routing", lambda: self.world.repoint_alias(routing))
        else:
            self.world.repoint_alias(routing)
        self.clock.pass_time(timedelta(seconds=then))

    @precondition(lambda self: self.world.concurrency is not None and self.world.routing == NEW)
    @rule(weight=st.integers(1, 9_999))
    def aws_moves_provisioned_concurrency(self, weight: int) -> None:
        self.disturbed = True
        self.world.repoint_alias(Routing("2", "1", weight))
        self.clock.after(100, lambda: self.world.repoint_alias(NEW) if self.world.routing.primary == "2" else None)

    @precondition(lambda self: self.world.written_at is not None and self.clock.now() < self.world.written_at + WITHIN)
    @rule(reads=few)
    def late_reads(self, reads: int) -> None:
        """The next reads still show the alias as before the last write, for some seconds."""
        self.disturbed = True
        self.world.lag = reads
        self.clock.after(3, lambda: setattr(self.world, "lag", 0))

    @precondition(lambda self: self.live)
    @rule(
        appends=st.integers(0, 6),
        before=st.booleans(),
        wait=st.integers(1, 120),
        unheard=st.sampled_from([None, Signal.ROLLBACK, Signal.PROMOTE]),
        again=st.booleans(),
    )
    def death(self, appends: int, wait: int, unheard: Signal | None, *, before: bool, again: bool) -> None:
        """The driver's process dies, around one of its next appends or before it hears a last request.

        The command may then be given again.
        """
        if appends:
            self.journal.crash_at, self.journal.crash_before = self.journal.appends + appends, before
            self.clock.pass_time(timedelta(seconds=wait))
            self.journal.crash_at = None
        else:
            if unheard is not None:
                self.ask([unheard], None, 0, pressed=False)
            self.clock.kill()
        if not self.live:
            self.back_at = None  # nobody is there to heed it, until somebody takes over
            if again:
                self.begin()
                self.clock.pass_time(WITHIN)

    @rule(seconds=st.sampled_from([0.3, 1, 5, 10, 30, 70]))
    def time_passes(self, seconds: float) -> None:
        self.clock.pass_time(timedelta(seconds=seconds))

    # -- what holds ----------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_unexpected_was_raised(self) -> None:
        if isinstance(self.ended, BaseException):
            raise self.ended

    @invariant()
    def a_request_to_go_back_is_heeded_within_a_second(self) -> None:
        if self.back_at is None or self.disturbed or self.clock.now() < self.back_at + WITHIN:
            return
        assert self.world.routing == self.baseline

    @invariant()
    def every_write_was_announced(self) -> None:
        """By an intent before it, or by the command that took traffic back: that one writes whole versions only."""
        intents = {entry.event.desired for entry in self.journal.entries if isinstance(entry.event, Intent)}
        assert all(write in intents or write.additional is None for write in self.world.writes)

    @invariant()
    def what_landed_was_begun(self) -> None:
        begun = {(one.release, one.event.op) for one in self.journal.entries if isinstance(one.event, Intent)}
        landed = {(one.release, one.event.op) for one in self.journal.entries if isinstance(one.event, Landed)}
        assert landed <= begun

    @invariant()
    def no_release_waits_longer_than_its_plan_says(self) -> None:
        assert not self.live or self.clock.now() <= self.allowed_until + SLACK

    def teardown(self) -> None:
        """When AWS and the disk are well again, one command makes everything safe, whatever happened before."""
        self.world.heal()
        self.world.on_call = None
        self.world.lag = 0
        self.journal.broken = ""
        self.calling_back = True
        self.rig.rollback("1")
        self.clock.pass_time(timedelta(seconds=15))
        assert self.world.routing == STABLE
        assert not self.live, "a release went on after a rollback"
        # One that began from a stranger's version was not ended by going to another version, if the disk was full then.
        assert not self.open or self.baseline != STABLE
        releases(self.journal.entries)
        self.nothing_unexpected_was_raised()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(stateful_step_count=25, suppress_health_check=list(HealthCheck))
pytestmark = pytest.mark.timeout(600)  # to shrink what it found takes longer than to find it
