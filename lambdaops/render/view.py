"""A release as somebody watching sees it: one pure fold of notices, which every renderer only formats.

Rules this file guarantees: the view is a value; folding looks at no clock; a record of another release changes nothing
but the list of events; *set weight* is what the plan demands now, *actual weight* what the alias was last seen to hold.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from lambdaops.core.events import Closed, Decided, Entry, Intent, Landed, Observed, Opened, Resumed
from lambdaops.core.gates import GateResult
from lambdaops.core.lifecycle import place, settled
from lambdaops.core.model import FULL, Routing
from lambdaops.core.notices import Looked, Notice, Planned, Progress, Redriving, Warned
from lambdaops.core.plan import NEW_VERSION, ManualGate, Plan, Stage
from lambdaops.core.replay import phase
from lambdaops.core.states import (
    Awaiting,
    Baking,
    Done,
    Held,
    Outcome,
    Paused,
    Promoting,
    Ready,
    Reverting,
    State,
)
from lambdaops.render import say

MOST_EVENTS = 6
_MOST_WARNINGS = 20


class StageState(enum.Enum):
    """Where a stage is in the life of its release."""

    DONE = "done"
    CURRENT = "now"
    TODO = "to do"
    REVERTED = "reverted"


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage; ``weight`` in basis points."""

    weight: int
    bake: timedelta
    state: StageState


@dataclass(frozen=True, slots=True)
class Bake:
    """How far the current stage's bake is; ``good_since`` is None while the gates are not all passing."""

    length: timedelta
    good_since: datetime | None

    @property
    def ends(self) -> datetime | None:
        """When the stage is over if nothing objects."""
        return None if self.good_since is None else self.good_since + self.length


@dataclass(frozen=True, slots=True)
class Told:
    """One line of what happened."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """Everything that was told so far.

    ``actual`` is the alias as last observed (None: not yet); ``blind`` says that the last look could not read it.
    ``reached`` is the highest stage that was entered, -1 before the first. ``pending`` is a write without a known end.
    ``looked`` is the reason of the last look. ``told`` are the lines that the last notice added.
    """

    target: str = ""
    release: str = ""
    plan: Plan | None = None
    state: State | None = None
    pending: Intent | None = None
    reached: int = -1
    actual: Routing | None = None
    blind: bool = False
    gates: tuple[GateResult, ...] = ()
    looked: str = ""
    next_look: datetime | None = None
    told: tuple[Told, ...] = ()
    events: tuple[Told, ...] = ()
    warnings: tuple[Told, ...] = ()

    @property
    def stable(self) -> str:
        """The version traffic came from."""
        return self.plan.stable if self.plan else "?"

    @property
    def candidate(self) -> str:
        """The version traffic goes to."""
        return self.plan.candidate if self.plan else "?"

    @property
    def strategy(self) -> str:
        """The plan's strategy as it was asked for."""
        return self.plan.strategy if self.plan else ""

    @property
    def phase(self) -> str:
        """One word for where the release is."""
        return phase(self.state) if self.state is not None else "not begun"

    @property
    def reason(self) -> str:
        """Why it is there."""
        match self.state:
            case Reverting(reason=reason) | Held(reason=reason) | Done(reason=reason) | Paused(reason=reason):
                return reason
            case _:
                return self.looked

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, once it has."""
        return self.state.outcome if isinstance(self.state, Done) else None

    @property
    def stage(self) -> int | None:
        """The index of the stage that bakes, waits for a person, or is held."""
        state = place(self.state) if self.state is not None else None
        return state.stage if isinstance(state, Baking) else None

    @property
    def stages(self) -> tuple[StageView, ...]:
        """Every stage of the plan with its state."""
        stages = self.plan.stages if self.plan else ()
        return tuple(StageView(stage.weight, stage.bake, self._stage_state(at)) for at, stage in enumerate(stages))

    def _stage_state(self, at: int) -> StageState:
        if at > self.reached:
            return StageState.TODO
        match self.state:
            case Done(outcome=Outcome.ROLLED_BACK):
                return StageState.REVERTED
            case Reverting() | Held(at=Reverting()) | Done(outcome=Outcome.SUPERSEDED):
                # Decided is not done: a stage is called reverted once the alias was seen without the candidate.
                if self.actual_weight == 0:
                    return StageState.REVERTED
                return StageState.CURRENT if at == self.reached else StageState.DONE
            case _:
                return StageState.CURRENT if at == self.stage else StageState.DONE

    @property
    def set_weight(self) -> int | None:
        """The candidate's share that the plan demands now, in basis points; None when it demands nothing any more."""
        if self.plan is None:
            return None
        if self.pending is not None and isinstance(self.state, Ready | Baking | Promoting):
            return self.pending.desired.share(self.plan.candidate)
        match place(self.state) if self.state is not None else None:
            case Baking(stage=at):
                stage = self._planned(at)
                return stage.weight if stage else None
            case Done(outcome=Outcome.PROMOTED):
                return FULL
            case Done(outcome=Outcome.SUPERSEDED) | None:
                return None
            case _:
                return 0

    @property
    def actual_weight(self) -> int | None:
        """The candidate's share that the alias was last seen to hold, in basis points."""
        return self.actual.share(self.plan.candidate) if self.actual is not None and self.plan is not None else None

    @property
    def bake(self) -> Bake | None:
        """The bake of the current stage; None when nothing bakes."""
        match self.state:
            case Baking(stage=at, good_since=good_since) | Paused(at=Baking(stage=at, good_since=good_since)):
                stage = self._planned(at)
                return Bake(stage.bake, good_since) if stage else None
            case _:
                return None

    @property
    def manual_gate(self) -> ManualGate | None:
        """The manual gate of the current stage, if it has one."""
        stage = self._planned(self.stage) if self.stage is not None else None
        return stage.gate if stage is not None else None

    def _planned(self, at: int) -> Stage | None:
        """The stage of this index; None where the plan we were told is not the one that is run."""
        return self.plan.stages[at] if self.plan is not None and 0 <= at < len(self.plan.stages) else None

    @property
    def gives_up_at(self) -> datetime | None:
        """When patience, a pause or a manual gate ends, while the release waits for a verdict or a person."""
        match self.state:
            case Baking(good_since=None, signal_at=signal_at) if self.plan is not None:
                return _after(signal_at, self.plan.patience)
            case Paused(since=since, lasts=lasts):
                return _after(since, lasts)
            case Awaiting(since=since, within=within):
                return _after(since, within)
            case _:
                return None


def _after(since: datetime, span: timedelta) -> datetime | None:
    """The end of a span; None where no calendar has it, and so nobody waits for it."""
    try:
        return since + span
    except OverflowError:
        return None


def fold(view: ReleaseView, notice: Notice) -> ReleaseView:
    """The view after one more notice."""
    told = tuple(Told(notice.at, text) for text in say.lines(view, notice))
    after = _apply(view, notice)
    # A warning and a plan have places of their own.
    events = view.events if isinstance(notice, Warned | Planned) else (*view.events, *told)
    warnings = (*view.warnings, Told(notice.at, notice.message)) if isinstance(notice, Warned) else view.warnings
    return replace(after, told=told, events=events[-MOST_EVENTS:], warnings=warnings[-_MOST_WARNINGS:])


def _apply(view: ReleaseView, notice: Notice) -> ReleaseView:
    match notice:
        case Planned(target=target, plan=plan):
            return replace(view, target=str(target), plan=plan)
        case Looked():
            return _in_state(
                replace(
                    view,
                    actual=notice.alias if notice.alias is not None else view.actual,
                    blind=notice.alias is None,
                    gates=notice.gates or view.gates,
                    looked=notice.reason,
                ),
                notice.state,
                notice.next_look,
            )
        case Progress() | Warned() | Redriving():
            return view
        case Entry():
            return _record(view, notice)
        case _:
            assert_never(notice)


def _record(view: ReleaseView, entry: Entry) -> ReleaseView:
    """A record of the release we follow; one that begins or is taken up becomes the one we follow."""
    target, event = say.short(entry.target), entry.event
    match event:
        case Opened(plan=plan):
            begun = ReleaseView(target, entry.release, plan, Ready(entry.at))
            return replace(begun, events=view.events, warnings=view.warnings)
        case Resumed(state=state) if view.release in ("", entry.release):
            plan_known = view.plan is not None and view.plan.candidate != NEW_VERSION
            taken_up = replace(view, target=target, release=entry.release, plan=view.plan if plan_known else None)
            return _in_state(taken_up, state)
        case _ if view.release != entry.release:
            return view
        case Observed(alias=alias, gates=gates):
            seen = alias if alias is not None else view.actual
            return replace(view, actual=seen, blind=alias is None, gates=gates or view.gates)
        case Decided(state=state):
            return _in_state(view, state)
        case Intent():
            return replace(view, pending=event, next_look=None)
        case Landed(routing=routing):
            return _landed(replace(view, actual=routing, blind=False), event, entry.at)
        case Closed(outcome=outcome, reason=reason):
            return _in_state(replace(view, pending=None), Done(outcome, reason))
        case _:
            return view


def _landed(view: ReleaseView, event: Landed, at: datetime) -> ReleaseView:
    pending = view.pending
    if pending is None or pending.op != event.op:
        return view
    reached = pending.then.stage if isinstance(pending.then, Baking) else -1
    done = replace(view, pending=None, reached=max(view.reached, reached))
    return _in_state(done, settled(view.state, pending.then, at) if view.state is not None else pending.then)


def _in_state(view: ReleaseView, state: State, next_look: datetime | None = None) -> ReleaseView:
    """In a new state the next look that was announced before it is no longer true."""
    where = place(state)
    reached = max(view.reached, where.stage) if isinstance(where, Baking) else view.reached
    return replace(view, state=state, reached=reached, next_look=next_look)
