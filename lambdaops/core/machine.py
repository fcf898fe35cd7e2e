"""The release as a state machine: ``decide(plan, state, observation) -> (state, action)``.

Rules this file guarantees:

* total and level-triggered: any state and any observation give an answer, and asking again after a crash is safe;
* at most one mutation a tick, and only ever towards the stable version, the candidate, or the split a stage demands;
* an alias that is not what we last wrote is never overwritten: the release holds (drift);
* FAIL reverts at once; INCONCLUSIVE and ERROR wait, bounded by the plan's patience; PASS must last the whole bake;
* the stage at 100 % bakes too, and failing it reverts;
* a state changes when it is decided; a stage is entered only when its write landed (``SetRouting.then``);
* times are compared only with times of the same observation's clock; a clock that went back restarts the wait.

Every decision carries its reason as text, used verbatim by terminal, journal and summary.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, assert_never

from lambdaops.core.duration import format_duration
from lambdaops.core.errors import ExitCode
from lambdaops.core.gates import Verdict, worst
from lambdaops.core.model import Routing, percent
from lambdaops.core.plan import OnInconclusive
from lambdaops.core.states import (
    Action,
    Baking,
    Cause,
    Done,
    Held,
    Observation,
    Outcome,
    Ready,
    Reverting,
    SetRouting,
    Signal,
    State,
    Stop,
    Wait,
)

if TYPE_CHECKING:
    from lambdaops.core.plan import Plan

# A read that still shows the alias as before our own write; Lambda settles within seconds.
SETTLE = timedelta(seconds=60)
_BACKOFF = (1, 2, 4, 8, 15)


def decide(plan: Plan, state: State, ob: Observation) -> tuple[State, Action]:
    """One tick."""
    match state:
        case Done(_, reason) | Held(reason, _, _):
            return state, Stop(reason)
        case Ready():
            return _ready(plan, replace(state, since=min(state.since, ob.now)), ob)
        case Baking():
            return _bake(plan, _rebase(state, ob.now), ob)
        case Reverting():
            return _revert(plan, replace(state, since=min(state.since, ob.now)), ob)
        case _:
            assert_never(state)


def landed(then: State, at: datetime) -> State:
    """The state once a write has landed: a bake counts from when the routing was in place, not from the decision."""
    if isinstance(then, Baking):
        return replace(then, entered_at=at, good_since=at, signal_at=at)
    return then


def resumed(state: State, now: datetime) -> State:
    """Where a release goes on when a process takes it up again.

    Patience starts anew: nobody was looking. After a hold the whole bake starts anew as well: nothing proves that the
    time in between was good. A crash keeps its bake; the alarms' own time stamps cover the gap.
    """
    match state:
        case Held(at=at):
            again = resumed(at, now)
            return replace(again, good_since=None) if isinstance(again, Baking) else again
        case Ready():
            return replace(state, since=now)
        case Baking():
            return replace(_rebase(state, now), signal_at=now)
        case Reverting():
            return replace(state, since=now, attempts=0)
        case Done():
            return state
        case _:
            assert_never(state)


def same(one: State, other: State) -> bool:
    """Whether two states differ in nothing a restarted process needs: the time of the last pass does not count."""
    if isinstance(one, Baking) and isinstance(other, Baking):
        return replace(one, signal_at=other.signal_at) == other
    return one == other


def exit_code(state: State) -> ExitCode:
    """What the shell is told about a release that stopped in this state."""
    match state:
        case Done(outcome, _):
            return _OUTCOME_EXIT[outcome]
        case Held(_, cause, _):
            return _CAUSE_EXIT[cause]
        case _:
            return ExitCode.INTERNAL


_OUTCOME_EXIT = {
    Outcome.PROMOTED: ExitCode.DONE,
    Outcome.ROLLED_BACK: ExitCode.ROLLED_BACK,
    Outcome.REFUSED: ExitCode.BLOCKED,
    Outcome.SUPERSEDED: ExitCode.CONFLICT,
}
_CAUSE_EXIT = {
    Cause.DRIFT: ExitCode.CONFLICT,
    Cause.INCONCLUSIVE: ExitCode.HELD,
    Cause.INTERRUPTED: ExitCode.INTERRUPTED,
    Cause.STUCK: ExitCode.ROLLBACK_INCOMPLETE,
}


def _rebase(state: Baking, now: datetime) -> Baking:
    """Pull times from the future back to now, so that a clock set back delays a bake by one bake at most."""
    return replace(
        state,
        entered_at=min(state.entered_at, now),
        good_since=None if state.good_since is None else min(state.good_since, now),
        signal_at=min(state.signal_at, now),
    )


def _ready(plan: Plan, state: Ready, ob: Observation) -> tuple[State, Action]:
    if ob.signal is Signal.HOLD:
        return _hold(Cause.INTERRUPTED, _asked("held", ob), state)
    # A write whose answer was lost may have landed: until a read says otherwise, only a rollback is safe.
    unsure = ob.alias is None and ob.unsettled and not (ob.fault and ob.fault.permanent)
    if ob.signal is Signal.ROLLBACK:
        reason = _asked("stopped before the first write", ob)
        return _begin_revert(plan, reason, ob) if unsure else _stop(Outcome.REFUSED, reason)
    if ob.fault and ob.fault.permanent and not ob.fault.conflict:
        return _stop(Outcome.REFUSED, f"the alias could not be written: {ob.fault.message}")
    if ob.alias is not None and ob.alias != plan.baseline:
        return _hold(Cause.DRIFT, _drift(plan.baseline, ob.alias), state)
    if ob.fault and ob.fault.conflict:
        return _hold(Cause.DRIFT, ob.fault.message, state)
    verdict, reason = _verdict(ob)
    if verdict is Verdict.FAIL:
        return _begin_revert(plan, reason, ob) if unsure else _stop(Outcome.REFUSED, reason)
    if verdict is Verdict.ERROR:
        if ob.now >= state.since + plan.patience:
            waited = f"{reason}; waited {format_duration(plan.patience)}"
            return _begin_revert(plan, waited, ob) if unsure else _stop(Outcome.REFUSED, waited)
        return state, Wait(_next(ob.now, plan, state.since + plan.patience), reason)
    return state, _enter(plan, 0, ob.now)


def _bake(plan: Plan, state: Baking, ob: Observation) -> tuple[State, Action]:
    demanded = plan.routing_at(state.stage)
    if ob.signal is Signal.ROLLBACK:
        return _begin_revert(plan, _asked("asked to roll back", ob), ob)
    verdict, reason = _verdict(ob)
    moving = None
    if ob.alias is not None and ob.alias != demanded:
        after, action = _off_course(plan, state, ob, demanded, ob.alias)
        if isinstance(action, Stop):
            return after, action
        moving = after, action
    if ob.signal is Signal.HOLD:
        return _hold(Cause.INTERRUPTED, _asked("held", ob), state)
    if verdict is Verdict.FAIL:
        return _begin_revert(plan, reason, ob)
    if moving is not None:
        return moving
    if ob.fault and ob.fault.conflict:
        return _hold(Cause.DRIFT, ob.fault.message, state)
    if ob.fault and ob.fault.permanent:
        return _begin_revert(plan, f"the alias could not be written: {ob.fault.message}", ob)
    match verdict:
        case Verdict.INCONCLUSIVE | Verdict.ERROR:
            # Not knowing for a moment does not undo a bake (the alarms' time stamps cover it); having no data does.
            good = state.good_since if verdict is Verdict.ERROR else None
            return _undecided(plan, replace(state, good_since=good), ob, reason)
        case Verdict.PASS:
            good_since = state.good_since or ob.now
            ends = good_since + plan.stages[state.stage].bake
            if ob.now < ends:
                baking = replace(state, good_since=good_since, signal_at=ob.now)
                return baking, Wait(_next(ob.now, plan, ends), f"baking, {reason}")
            if state.stage + 1 == len(plan.stages):
                return _stop(Outcome.PROMOTED, f"every stage stayed good, {reason}")
            # The time of the last pass stays: patience also bounds how long a refused write is tried again.
            return state, _enter(plan, state.stage + 1, ob.now)
        case _:
            assert_never(verdict)


def _undecided(plan: Plan, state: Baking, ob: Observation, reason: str) -> tuple[State, Action]:
    deadline = state.signal_at + plan.patience
    if ob.now < deadline:
        return state, Wait(_next(ob.now, plan, deadline), reason)
    waited = f"{reason}; waited {format_duration(plan.patience)}"
    match plan.on_inconclusive:
        case OnInconclusive.ROLLBACK:
            return _begin_revert(plan, waited, ob)
        case OnInconclusive.HOLD:
            return _hold(Cause.INCONCLUSIVE, waited, state)
        case _:
            assert_never(plan.on_inconclusive)


def _off_course(plan: Plan, state: Baking, ob: Observation, demanded: Routing, alias: Routing) -> tuple[State, Action]:
    """The alias is not what this stage demands: a late read, AWS at work, a rollback by somebody, or drift."""
    settled_by = state.entered_at + SETTLE
    if ob.stale and ob.now < settled_by:
        return state, Wait(_next(ob.now, plan, ob.now + timedelta(seconds=1)), "the write is not visible yet")
    if alias == plan.baseline:
        return _stop(Outcome.SUPERSEDED, f"somebody else returned all traffic to {plan.stable}")
    if plan.provisioned and _moved_by_aws(plan, demanded, alias) and ob.now < state.signal_at + plan.patience:
        return replace(state, good_since=None), Wait(
            _next(ob.now, plan, state.signal_at + plan.patience),
            f"AWS is moving provisioned concurrency: {alias}",
        )
    return _hold(Cause.DRIFT, _drift(demanded, alias), state)


def _moved_by_aws(plan: Plan, demanded: Routing, alias: Routing) -> bool:
    """Whether the routing is one AWS itself makes while it moves provisioned concurrency to a new version.

    It keeps the primary and puts weights of the old version beside it, then clears them (terraform-provider-aws
    pull request 48116). Only our own two versions can appear.
    """
    versions = {plan.stable, plan.candidate}
    return demanded.additional is None and alias.primary in versions and alias.additional in versions


def _begin_revert(plan: Plan, reason: str, ob: Observation) -> tuple[State, Action]:
    reverting = Reverting(reason, ob.now)
    return reverting, SetRouting(plan.baseline, reason, reverting)


def _revert(plan: Plan, state: Reverting, ob: Observation) -> tuple[State, Action]:
    if ob.alias == plan.baseline and not ob.stale:
        return _stop(Outcome.ROLLED_BACK, state.reason)
    versions = {plan.stable, plan.candidate}
    if ob.alias is not None and not {ob.alias.primary, ob.alias.additional or plan.stable} <= versions:
        return _hold(Cause.DRIFT, f"while rolling back ({state.reason}): {_drift(plan.baseline, ob.alias)}", state)
    if ob.fault:
        if ob.fault.permanent and not ob.fault.conflict:
            return _hold(Cause.STUCK, f"{state.reason}; the rollback was refused: {ob.fault.message}", state)
        if ob.now >= state.since + plan.revert_within:
            waited = format_duration(plan.revert_within)
            return _hold(Cause.STUCK, f"{state.reason}; not rolled back after {waited}: {ob.fault.message}", state)
        # A stale RevisionId is read anew and written at once; if that is refused as well, it backs off like the rest.
        step = state.attempts - (1 if ob.fault.conflict else 0)
        pause = timedelta(seconds=_BACKOFF[min(step, len(_BACKOFF) - 1)] if step >= 0 else 0)
        again = replace(state, attempts=state.attempts + 1)
        return again, Wait(ob.now + pause, f"trying to roll back again: {ob.fault.message}")
    if plan.provisioned and ob.alias is not None and ob.alias.primary == plan.stable and not plan.owns(ob.alias):
        # Our write has landed, and AWS puts weights beside it while it moves: writing again would not end that.
        deadline = state.since + plan.revert_within
        if ob.now >= deadline:
            waited = f"AWS has not moved provisioned concurrency back after {format_duration(plan.revert_within)}"
            return _hold(Cause.STUCK, f"{state.reason}; {waited}: {ob.alias}", state)
        return state, Wait(_next(ob.now, plan, deadline), f"AWS is moving provisioned concurrency back: {ob.alias}")
    return state, SetRouting(plan.baseline, state.reason, state)


def _enter(plan: Plan, stage: int, now: datetime) -> SetRouting:
    reason = f"stage {stage + 1}/{len(plan.stages)}: {percent(plan.stages[stage].weight)} to {plan.candidate}"
    return SetRouting(plan.routing_at(stage), reason, Baking(stage, now, now, now))


def _verdict(ob: Observation) -> tuple[Verdict, str]:
    """The worst of the gates and of our own sight: an alias we cannot read or write is an error, never a pass."""
    gates = worst(ob.gates)
    if gates[0] is Verdict.FAIL:
        return gates
    if ob.alias is None:
        return Verdict.ERROR, f"the alias could not be read: {ob.blind}"
    if ob.fault:
        return Verdict.ERROR, f"the alias could not be written: {ob.fault.message}"
    return gates


def _next(now: datetime, plan: Plan, until: datetime) -> datetime:
    return min(until, now + plan.look_every)


def _asked(what: str, ob: Observation) -> str:
    return f"{what}: {ob.signal_reason}" if ob.signal_reason else what


def _drift(expected: Routing, found: Routing) -> str:
    return f"the alias was changed by somebody else: expected {expected}, found {found}"


def _hold(cause: Cause, reason: str, at: Ready | Baking | Reverting) -> tuple[State, Action]:
    return Held(reason, cause, at), Stop(reason)


def _stop(outcome: Outcome, reason: str) -> tuple[State, Action]:
    return Done(outcome, reason), Stop(reason)
