"""A release told as notices, in the order the driver tells them, built from core values alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lambdaops.core.events import Closed, Decided, Entry, Event, Failed, Intent, Landed, Observed, Opened, Signalled
from lambdaops.core.gates import GateResult, Verdict
from lambdaops.core.lifecycle import landed
from lambdaops.core.model import Actor, Finding, Routing, Target
from lambdaops.core.notices import Looked, Notice, Planned, Progress, Warned
from lambdaops.core.plan import Plan, Stage
from lambdaops.core.states import Baking, Cause, Done, Held, Outcome, Ready, Reverting, Signal, State
from lambdaops.render.view import ReleaseView, fold

START = datetime(2026, 11, 23, 14, 41, 7, tzinfo=UTC)
ARN = "arn:aws:lambda:eu-central-1:111122223333:function:orders:live"
RUN = "r-20261123-144107-5999"
ACTOR = Actor("arn:aws:sts::111122223333:assumed-role/Deploy/maria", "laptop")
TARGET = Target("orders", "live")
CANARY = (Stage(1_000, timedelta(minutes=5)), Stage(10_000, timedelta(minutes=5)))
LADDER = (Stage(1_000, timedelta(minutes=5)), Stage(5_000, timedelta(minutes=5)), Stage(10_000, timedelta(minutes=5)))


def plan_of(
    stages: tuple[Stage, ...] = CANARY,
    strategy: str = "canary",
    alarms: tuple[str, ...] = ("orders-errors",),
    ignored: tuple[str, ...] = (),
) -> Plan:
    return Plan("41", "42", stages, strategy, alarms, ignored)


def passing(*names: str) -> tuple[GateResult, ...]:
    return tuple(GateResult(name, Verdict.PASS, f"{name}: OK") for name in names or ("orders-errors",))


@dataclass
class Script:
    """Grows by verbs; ``now`` moves with :meth:`later`."""

    plan: Plan = field(default_factory=plan_of)
    now: datetime = START
    run: str = RUN
    notices: list[Notice] = field(default_factory=list)
    state: State = field(default_factory=lambda: Ready(START))
    alias: Routing | None = None
    gates: tuple[GateResult, ...] = ()
    op: int = 0

    def __post_init__(self) -> None:
        self.alias = self.plan.baseline
        self.gates = passing(*self.plan.alarms) if self.plan.alarms else ()

    @property
    def view(self) -> ReleaseView:
        view = ReleaseView()
        for notice in self.notices:
            view = fold(view, notice)
        return view

    def later(self, seconds: float) -> Script:
        self.now += timedelta(seconds=seconds)
        return self

    def tell(self, event: Event, *, release: str | None = None) -> Script:
        self.notices.append(Entry(len(self.notices) + 1, self.now, ARN, release or self.run, ACTOR, event))
        return self

    def planned(self, *findings: Finding) -> Script:
        self.notices.append(Planned(self.now, TARGET, self.plan, findings))
        return self

    def opened(self, reason: str = "") -> Script:
        return self.tell(Opened(self.plan, "rev-1", (), reason)).observed()

    def begun(self, reason: str = "") -> Script:
        return self.planned().opened(reason)

    def observed(self, *gates: GateResult) -> Script:
        self.gates = gates or self.gates
        return self.tell(Observed(self.alias, (), self.gates))

    def intent(self, routing: Routing, reason: str, then: State) -> Script:
        self.op += 1
        return self.tell(Intent(self.op, self.alias, routing, "rev", reason, then))

    def enter(self, stage: int, *, reconciled: bool = False) -> Script:
        """The write of a stage, and that it landed."""
        baking = Baking(stage, self.now, self.now, self.now)
        self.intent(self.plan.routing_at(stage), f"stage {stage + 1}/{len(self.plan.stages)}", baking)
        return self.land(self.plan.routing_at(stage), baking, reconciled=reconciled)

    def land(self, routing: Routing, then: State, *, reconciled: bool = False) -> Script:
        self.alias, self.state = routing, landed(then, self.now)
        return self.tell(Landed(self.op, routing, f"rev-{self.op}", reconciled))

    def failed(self, code: str, message: str, request_id: str = "") -> Script:
        return self.tell(Failed(self.op, code, message, request_id))

    def look(self, reason: str = "baking, 1 of 1 gates pass", every: float = 10) -> Script:
        until = self.now + timedelta(seconds=every)
        self.notices.append(Looked(self.now, self.alias, self.gates, self.state, reason, until))
        return self

    def decided(self, state: State, reason: str) -> Script:
        self.state = state
        return self.tell(Decided(state, reason))

    def revert(self, reason: str) -> Script:
        """The decision to go back and the intent; it has not landed yet."""
        self.decided(Reverting(reason, self.now), reason)
        return self.intent(self.plan.baseline, reason, self.state)

    def reverted(self, reason: str) -> Script:
        self.revert(reason).later(0.4).land(self.plan.baseline, self.state)
        return self.close(Outcome.ROLLED_BACK, reason)

    def close(self, outcome: Outcome, reason: str) -> Script:
        return self.decided(Done(outcome, reason), reason).tell(Closed(outcome, reason))

    def hold(self, cause: Cause, reason: str) -> Script:
        at = self.state
        assert isinstance(at, Ready | Baking | Reverting)
        return self.decided(Held(reason, cause, at), reason)

    def signal(self, signal: Signal, reason: str) -> Script:
        return self.tell(Signalled(signal, reason))

    def warn(self, message: str, hint: str = "") -> Script:
        self.notices.append(Warned(self.now, message, hint))
        return self

    def say(self, message: str) -> Script:
        self.notices.append(Progress(self.now, message))
        return self


def alarm(script: Script) -> GateResult:
    """An alarm that went off two seconds ago."""
    since = script.now - timedelta(seconds=2)
    return GateResult("orders-errors", Verdict.FAIL, f"orders-errors: ALARM since {since:%H:%M:%S} (was OK before)")


def promoted() -> Script:
    script = Script().begun("CHG-1201").later(1).enter(0)
    for _ in range(30):
        script.look().later(10)
    script.enter(1)
    for _ in range(30):
        script.look().later(10)
    return script.close(Outcome.PROMOTED, "every stage stayed good, 1 of 1 gates pass")


def failing() -> Script:
    """Mid-way through the second of three stages an alarm goes off; the way back is not there yet."""
    script = Script(plan_of(LADDER, "canary", ("orders-errors", "orders-latency")))
    script.begun().later(1).enter(0).look("baking, 2 of 2 gates pass")
    script.later(300).enter(1).look("baking, 2 of 2 gates pass").later(11)
    gate = alarm(script)
    script.observed(gate, *passing("orders-latency")).later(0.2)
    return script.revert(gate.reason)


def rolled_back() -> Script:
    script = Script().begun().later(1).enter(0).look().later(11)
    gate = alarm(script)
    return script.observed(gate).later(0.3).reverted(gate.reason)


def drift() -> Script:
    script = Script().begun().later(1).enter(0).look().later(10)
    script.alias = Routing("43")
    reason = "the alias was changed by somebody else: expected 41 90 % + 42 10 %, found 43"
    return script.observed().hold(Cause.DRIFT, reason)


def stuck() -> Script:
    """The rollback is refused again and again."""
    script = Script().begun().later(1).enter(0).look().later(11)
    gate = alarm(script)
    script.observed(gate).revert(gate.reason).failed("throttled", "AWS throttles UpdateAlias", "req-1")
    script.look("trying to roll back again: AWS throttles UpdateAlias", every=1).later(300)
    return script.hold(Cause.STUCK, f"{gate.reason}; not rolled back after 5m: AWS throttles UpdateAlias")
