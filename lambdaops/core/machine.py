"""The release as a state machine: ``decide(plan, state, observation) -> (state, action)``.

Rules this file guarantees:

* total and level-triggered: any state and any observation give an answer, and asking again after a crash is safe;
* at most one mutation a tick, and only ever towards the stable version, the candidate, or the split a stage demands;
* an alias that is not what we last wrote is never overwritten: the release holds (drift);
* FAIL reverts at once, in every phase; INCONCLUSIVE and ERROR wait, bounded by the plan's patience; PASS must last the
  whole bake;
* no wait is without an end: a stage is over or given up after its bake and the plan's patience, a pause and a manual
  gate after the time they were given (``Plan.limit`` is the sum);
* the stage at 100 % bakes too, and failing it reverts;
* a state changes when it is decided; a stage is entered only when its write landed (``SetRouting.then``);
* a person may cut a bake short, never a failing gate, a drift or a rollback;
* times are compared only with times of the same observation's clock; a clock that went back restarts the wait.

Every decision carries its reason as text, used verbatim by terminal, journal and summary.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, assert_never

from lambdaops.core.duration import format_duration
from lambdaops.core.gates import Verdict, acquitted, unfinished
from lambdaops.core.lifecycle import afresh, rebased, rebased_bake
from lambdaops.core.model import percent
from lambdaops.core.objections import (
    asked,
    begin_revert,
    give_up,
    hold,
    moving,
    next_look,
    not_ours,
    objection,
    sight,
    stop,
    waited,
)
from lambdaops.core.plan import PAUSE_LIMIT, OnInconclusive, OnTimeout
from lambdaops.core.states import (
    Awaiting,
    Baking,
    Cause,
    Decision,
    Done,
    Held,
    Observation,
    Outcome,
    Paused,
    Promoting,
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

_BACKOFF = (1, 2, 4, 8, 15)


def decide(plan: Plan, state: State, ob: Observation) -> Decision:
    """One tick."""
    match state:
        case Done(_, reason) | Held(reason, _, _):
            return state, Stop(reason)
        case Ready():
            return _ready(plan, replace(state, since=min(state.since, ob.now)), ob)
        case Baking():
            return _bake(plan, rebased_bake(state, ob.now), ob)
        case Paused():
            return _paused(plan, replace(state, at=rebased(state.at, ob.now), since=min(state.since, ob.now)), ob)
        case Awaiting():
            return _awaiting(
                plan, replace(state, at=rebased_bake(state.at, ob.now), since=min(state.since, ob.now)), ob
            )
        case Promoting():
            return _promoting(plan, replace(state, at=rebased(state.at, ob.now), since=min(state.since, ob.now)), ob)
        case Reverting():
            return _revert(plan, replace(state, since=min(state.since, ob.now)), ob)
        case _:
            assert_never(state)


def _ready(plan: Plan, state: Ready, ob: Observation) -> Decision:
    found = objection(plan, state, ob, state) or _steered(plan, state, ob)
    if found is not None:
        return found
    verdict, reason = sight(ob)
    if verdict is Verdict.ERROR:
        deadline = state.since + plan.patience
        if ob.now >= deadline:
            return give_up(plan, state, ob, waited(reason, plan.patience))
        return state, Wait(next_look(plan, ob.now, deadline), reason)
    return state, _enter(plan, 0, ob.now)


def _bake(plan: Plan, state: Baking, ob: Observation) -> Decision:
    found = objection(plan, state, ob, state) or _steered(plan, state, ob) or moving(plan, state, ob)
    if found is not None:
        return found
    verdict, reason = sight(ob)
    stage = plan.stages[state.stage]
    overdue = state.entered_at + stage.bake + plan.patience
    state = _baked(state, verdict, ob.now)
    if verdict is not Verdict.PASS or state.good_since is None:
        if ob.now >= min(state.signal_at + plan.patience, overdue):
            if verdict is Verdict.INCONCLUSIVE and plan.on_inconclusive is OnInconclusive.PROMOTE:
                return _on(plan, state, ob, waited(reason, plan.patience))
            return give_up(plan, state, ob, waited(reason, plan.patience))
        return state, Wait(next_look(plan, ob.now, min(state.signal_at + plan.patience, overdue)), reason)
    ends = state.good_since + stage.bake
    early = plan.adaptive and state.stage + 1 < len(plan.stages) and acquitted(ob.gates)
    if ob.now < ends and not early:
        if ob.now >= overdue:
            most = format_duration(stage.bake + plan.patience)
            return give_up(plan, state, ob, f"not good for {format_duration(stage.bake)} at a time within {most}")
        passed = replace(state, signal_at=ob.now)
        return passed, Wait(next_look(plan, ob.now, min(ends, overdue)), f"baking, {reason}")
    missing = unfinished(ob.gates)
    if missing:
        if ob.now < overdue:
            return replace(state, signal_at=ob.now), Wait(next_look(plan, ob.now, overdue), f"not enough: {missing}")
        if plan.on_inconclusive is not OnInconclusive.PROMOTE:
            return give_up(plan, state, ob, waited(f"not enough: {missing}", plan.patience))
    return _on(plan, state, ob, "the judge is sure already" if early and ob.now < ends else "")


def _on(plan: Plan, state: Baking, ob: Observation, why: str) -> Decision:
    """The stage is over, and good."""
    stage = plan.stages[state.stage]
    if stage.gate is not None:
        return _awaiting(plan, Awaiting(state, ob.now, stage.gate.within), ob)
    if state.stage + 1 == len(plan.stages):
        return stop(Outcome.PROMOTED, why or f"every stage stayed good, {sight(ob)[1]}")
    # The time of the last pass stays: patience also bounds how long a refused write is tried again.
    return state, _enter(plan, state.stage + 1, ob.now, f", {why}" if why else "")


def _baked(state: Baking, verdict: Verdict, now: datetime) -> Baking:
    """The bake after one more look.

    Not knowing for a moment does not undo it (the alarms' time stamps cover that); having no data does.
    """
    match verdict:
        case Verdict.PASS:
            return replace(state, good_since=state.good_since or now)
        case Verdict.INCONCLUSIVE:
            return replace(state, good_since=None)
        case _:
            return state


# -- what people ask for -------------------------------------------------------------------------------------------


def _steered(plan: Plan, state: Ready | Baking, ob: Observation) -> Decision | None:
    match ob.signal:
        case Signal.PAUSE:
            return _paused(plan, _pause(state, ob), replace(ob, signal=None))
        case Signal.PROMOTE | Signal.PROMOTE_FULL:
            return _promote(plan, state, ob)
        case _:
            return None


def _pause(at: Ready | Baking, ob: Observation) -> Paused:
    return Paused(asked("paused", ob), at, ob.now, ob.lasts or PAUSE_LIMIT)


def _promote(plan: Plan, at: Ready | Baking, ob: Observation) -> Decision:
    stage = 0 if isinstance(at, Ready) else at.stage + 1
    if ob.signal is Signal.PROMOTE_FULL:
        stage = max(stage, len(plan.stages) - 1)
    what = "asked to go to 100 % now" if ob.signal is Signal.PROMOTE_FULL else "asked to go on now"
    return _promoting(plan, Promoting(asked(what, ob), stage, at, ob.now), replace(ob, signal=None))


def _paused(plan: Plan, state: Paused, ob: Observation) -> Decision:
    found = objection(plan, state.at, ob, state.at)
    if found is not None:
        return found
    match ob.signal:
        case Signal.RESUME:
            return decide(plan, afresh(state.at, ob.now), replace(ob, signal=None))
        case Signal.PROMOTE | Signal.PROMOTE_FULL:
            return _promote(plan, state.at, ob)
        case Signal.PAUSE:
            state = _pause(state.at, ob)
        case _:
            pass
    ends = state.since + state.lasts
    if ob.now >= ends:
        reason = f"{state.reason}; nobody went on within {format_duration(state.lasts)}"
        return hold(Cause.PAUSED, reason, state.at)
    at = state.at if isinstance(state.at, Ready) else _watched(plan, state.at, ob)
    return replace(state, at=at), Wait(next_look(plan, ob.now, ends), state.reason)


def _watched(plan: Plan, at: Baking, ob: Observation) -> Baking:
    """A stage that waits for a person, after one more look."""
    on_its_way = moving(plan, at, ob)
    if on_its_way is not None:
        return on_its_way[0]
    verdict, _ = sight(ob)
    seen = _baked(at, verdict, ob.now)
    return replace(seen, signal_at=ob.now) if verdict is Verdict.PASS else seen


def _awaiting(plan: Plan, state: Awaiting, ob: Observation) -> Decision:
    found = objection(plan, state.at, ob, state)
    if found is not None:
        return found
    match ob.signal:
        case Signal.RESUME:
            return _promote(plan, state.at, replace(ob, signal=Signal.PROMOTE))
        case Signal.PROMOTE | Signal.PROMOTE_FULL:
            return _promote(plan, state.at, ob)
        case Signal.PAUSE:
            state = replace(state, since=ob.now, within=ob.lasts or PAUSE_LIMIT)
        case _:
            pass
    ends = state.since + state.within
    gate = plan.stages[state.at.stage].gate
    then = gate.then if gate else OnTimeout.HOLD
    if ob.now < ends:
        reason = f"waits for approval, at most {format_duration(state.within)}, then: {then.value}"
        return replace(state, at=_watched(plan, state.at, ob)), Wait(next_look(plan, ob.now, ends), reason)
    nobody = f"nobody approved within {format_duration(state.within)}"
    match then:
        case OnTimeout.ROLLBACK:
            return begin_revert(plan, nobody, ob)
        case OnTimeout.HOLD:
            return hold(Cause.PAUSED, nobody, state)
        case OnTimeout.PROMOTE:
            verdict, reason = sight(ob)
            if verdict is not Verdict.PASS:
                return give_up(plan, state.at, ob, f"{nobody}, and {reason}")
            return _promoting(plan, Promoting(nobody, state.at.stage + 1, state.at, ob.now), replace(ob, signal=None))
        case _:
            assert_never(then)


def _promoting(plan: Plan, state: Promoting, ob: Observation) -> Decision:
    found = objection(plan, state.at, ob, state.at)
    if found is not None:
        return found
    match ob.signal:
        case Signal.PAUSE:
            return _paused(plan, _pause(state.at, ob), replace(ob, signal=None))
        case Signal.PROMOTE_FULL:
            state = replace(state, stage=max(state.stage, len(plan.stages) - 1))
        case _:
            pass
    deadline = state.since + plan.patience
    on_its_way = moving(plan, state.at, ob)
    # A gate that cannot tell does not stop a person; an alias that cannot be read or written does.
    if on_its_way is not None or ob.alias is None or ob.fault:
        at, reason = (on_its_way[0], on_its_way[1].reason) if on_its_way else (state.at, sight(ob)[1])
        if ob.now >= deadline:
            return give_up(plan, at, ob, waited(f"{state.reason}; {reason}", plan.patience))
        return replace(state, at=at), Wait(next_look(plan, ob.now, deadline), reason)
    if state.stage == len(plan.stages):
        return stop(Outcome.PROMOTED, f"{state.reason}; the last bake was cut short")
    return state, _enter(plan, state.stage, ob.now, f", {state.reason}")


# -- going back ----------------------------------------------------------------------------------------------------


def _revert(plan: Plan, state: Reverting, ob: Observation) -> Decision:
    if ob.alias == plan.baseline and not ob.stale:
        return stop(Outcome.ROLLED_BACK, state.reason)
    foreign = not_ours(plan, state, ob)
    if foreign is not None:
        return foreign
    if ob.fault:
        if ob.fault.permanent and not ob.fault.conflict:
            return hold(Cause.STUCK, f"{state.reason}; the rollback was refused: {ob.fault.message}", state)
        if ob.now >= state.since + plan.revert_within:
            took = format_duration(plan.revert_within)
            return hold(Cause.STUCK, f"{state.reason}; not rolled back after {took}: {ob.fault.message}", state)
        # A stale RevisionId is read anew and written at once; if that is refused as well, it backs off like the rest.
        step = state.attempts - (1 if ob.fault.conflict else 0)
        pause = timedelta(seconds=_BACKOFF[min(step, len(_BACKOFF) - 1)] if step >= 0 else 0)
        again = replace(state, attempts=state.attempts + 1)
        return again, Wait(ob.now + pause, f"trying to roll back again: {ob.fault.message}")
    if plan.provisioned and ob.alias is not None and ob.alias.primary == plan.stable and not plan.owns(ob.alias):
        # Our write has landed, and AWS puts weights beside it while it moves: writing again would not end that.
        deadline = state.since + plan.revert_within
        if ob.now >= deadline:
            took = f"AWS has not moved provisioned concurrency back after {format_duration(plan.revert_within)}"
            return hold(Cause.STUCK, f"{state.reason}; {took}: {ob.alias}", state)
        return state, Wait(next_look(plan, ob.now, deadline), f"AWS is moving provisioned concurrency back: {ob.alias}")
    if ob.alias is None and state.attempts and not ob.unsettled:
        # Our write was taken, and nobody can see it: writing again would not end that.
        if ob.now >= state.since + plan.revert_within:
            took = format_duration(plan.revert_within)
            unproven = f"taken back, but not proven within {took}: the alias could not be read: {ob.blind}"
            return hold(Cause.STUCK, f"{state.reason}; {unproven}", state)
        pause = timedelta(seconds=_BACKOFF[min(state.attempts, len(_BACKOFF)) - 1])
        again = replace(state, attempts=state.attempts + 1)
        return again, Wait(ob.now + pause, f"taken back; the alias could not be read: {ob.blind}")
    written = replace(state, attempts=state.attempts + 1) if ob.alias is None else state
    return state, SetRouting(plan.baseline, state.reason, written)


def _enter(plan: Plan, stage: int, now: datetime, why: str = "") -> SetRouting:
    reason = f"stage {stage + 1}/{len(plan.stages)}: {percent(plan.stages[stage].weight)} to {plan.candidate}{why}"
    return SetRouting(plan.routing_at(stage), reason, Baking(stage, now, now, now))
