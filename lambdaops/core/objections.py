"""What takes a release off its way in every phase: a rollback asked for, drift, a failing gate, refused writes.

Rules this file guarantees: a rollback that somebody asks for outranks everything but an alias that is not ours to
write; drift is never overwritten, not even by a rollback; a failing gate reverts whatever else the release waits for.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from lambdaops.core.duration import format_duration
from lambdaops.core.gates import Verdict, worst
from lambdaops.core.plan import OnInconclusive
from lambdaops.core.states import (
    Baking,
    Cause,
    Decision,
    Done,
    Held,
    Outcome,
    Ready,
    Reverting,
    SetRouting,
    Signal,
    Stop,
    Wait,
)

if TYPE_CHECKING:
    from datetime import datetime

    from lambdaops.core.model import Routing
    from lambdaops.core.plan import Plan
    from lambdaops.core.states import Awaiting, Observation

# A read that still shows the alias as before our own write; Lambda settles within seconds.
SETTLE = timedelta(seconds=60)


def objection(plan: Plan, at: Ready | Baking, ob: Observation, stay: Ready | Baking | Awaiting) -> Decision | None:
    """What ends the way forward now, or None; ``stay`` is where a hold would go on from."""
    return _before(plan, at, ob, stay) if isinstance(at, Ready) else _during(plan, at, ob, stay)


def _before(plan: Plan, at: Ready, ob: Observation, stay: Ready | Baking | Awaiting) -> Decision | None:
    """Nothing was written yet, as far as is known."""
    if ob.undone and ob.alias == plan.baseline:
        return stop(Outcome.SUPERSEDED, f"somebody else rolled back to {plan.stable}")
    if ob.signal is Signal.HOLD:
        return hold(Cause.INTERRUPTED, asked("held", ob), stay)
    unsure = may_have_landed(ob)
    if ob.signal is Signal.ROLLBACK:
        reason = asked("stopped before the first write", ob)
        return begin_revert(plan, reason, ob) if unsure else stop(Outcome.REFUSED, reason)
    if ob.locked_out:
        reason = _locked_out(ob)
        return hold(Cause.DENIED, reason, at) if unsure or ob.unsettled else stop(Outcome.REFUSED, reason)
    if ob.fault and ob.fault.permanent and not ob.fault.conflict:
        return stop(Outcome.REFUSED, f"the alias could not be written: {ob.fault.message}")
    if ob.alias is not None and ob.alias != plan.baseline:
        return hold(Cause.DRIFT, drift(plan.baseline, ob.alias), at)
    if ob.fault and ob.fault.conflict:
        return hold(Cause.DRIFT, ob.fault.message, at)
    if ob.overtaken:
        return hold(Cause.DRIFT, f"somebody else wrote the alias while our write was on its way: {ob.alias}", at)
    verdict, reason = sight(ob)
    if verdict is Verdict.FAIL:
        return begin_revert(plan, reason, ob) if unsure else stop(Outcome.REFUSED, reason)
    return None


def _during(plan: Plan, at: Baking, ob: Observation, stay: Ready | Baking | Awaiting) -> Decision | None:
    """The alias holds the routing of a stage, as far as is known."""
    if ob.signal is Signal.ROLLBACK:
        reason = asked("asked to roll back", ob)
        return not_ours(plan, Reverting(reason, ob.now), ob) or begin_revert(plan, reason, ob)
    strayed = _off_course(plan, at, ob)
    if strayed is not None and isinstance(strayed[1], Stop):
        return strayed
    if ob.signal is Signal.HOLD:
        return hold(Cause.INTERRUPTED, asked("held", ob), stay)
    verdict, reason = sight(ob)
    if verdict is Verdict.FAIL:
        return begin_revert(plan, reason, ob)
    if strayed is not None:
        return None
    if ob.fault and ob.fault.conflict:
        return hold(Cause.DRIFT, ob.fault.message, at)
    if ob.locked_out:
        return hold(Cause.DENIED, _locked_out(ob), stay)
    if ob.fault and ob.fault.permanent:
        return begin_revert(plan, f"the alias could not be written: {ob.fault.message}", ob)
    return None


def moving(plan: Plan, at: Ready | Baking, ob: Observation) -> tuple[Baking, Wait] | None:
    """The alias is on its way by itself, from a late read or by AWS's own hand: wait for it."""
    strayed = _off_course(plan, at, ob) if isinstance(at, Baking) else None
    match strayed:
        case (Baking() as state, Wait() as wait):
            return state, wait
        case _:
            return None


def _off_course(plan: Plan, state: Baking, ob: Observation) -> Decision | None:
    """The alias is not what this stage demands: a late read, AWS at work, a rollback by somebody, or drift."""
    demanded, alias = plan.routing_at(state.stage), ob.alias
    if alias is None or alias == demanded:
        return None
    if ob.stale and ob.now < state.entered_at + SETTLE:
        return state, Wait(next_look(plan, ob.now, ob.now + timedelta(seconds=1)), "the write is not visible yet")
    if alias == plan.baseline:
        return stop(Outcome.SUPERSEDED, f"somebody else returned all traffic to {plan.stable}")
    until = state.signal_at + plan.patience
    if plan.provisioned and _moved_by_aws(plan, demanded, alias) and ob.now < until:
        return replace(state, good_since=None), Wait(
            next_look(plan, ob.now, until), f"AWS is moving provisioned concurrency: {alias}"
        )
    return hold(Cause.DRIFT, drift(demanded, alias), state)


def _moved_by_aws(plan: Plan, demanded: Routing, alias: Routing) -> bool:
    """Whether the routing is one AWS itself makes while it moves provisioned concurrency to a new version.

    It keeps the primary and puts weights of the old version beside it, then clears them (terraform-provider-aws
    pull request 48116). Only our own two versions can appear.
    """
    versions = {plan.stable, plan.candidate}
    return demanded.additional is None and alias.primary in versions and alias.additional in versions


def give_up(plan: Plan, at: Ready | Baking, ob: Observation, why: str) -> Decision:
    """Waiting is over without a usable verdict: what the plan says happens then."""
    if isinstance(at, Ready):
        return begin_revert(plan, why, ob) if may_have_landed(ob) else stop(Outcome.REFUSED, why)
    match plan.on_inconclusive:
        case OnInconclusive.ROLLBACK:
            return begin_revert(plan, why, ob)
        case OnInconclusive.HOLD | OnInconclusive.PROMOTE:
            return hold(Cause.INCONCLUSIVE, why, at)
        case _:
            assert_never(plan.on_inconclusive)


def may_have_landed(ob: Observation) -> bool:
    """A write whose answer was lost may have landed: until a read says otherwise, only a rollback is safe."""
    return ob.alias is None and ob.unsettled and not (ob.fault and ob.fault.permanent)


def sight(ob: Observation) -> tuple[Verdict, str]:
    """The worst of the gates and of our own sight: an alias we cannot read or write is an error, never a pass."""
    gates = worst(ob.gates)
    if gates[0] is Verdict.FAIL:
        return gates
    if ob.alias is None:
        return Verdict.ERROR, f"the alias could not be read: {ob.blind}"
    if ob.fault:
        return Verdict.ERROR, f"the alias could not be written: {ob.fault.message}"
    return gates


def next_look(plan: Plan, now: datetime, until: datetime) -> datetime:
    """When to look again: at ``until``, or earlier because gates are looked at often."""
    return min(until, now + plan.look_every)


def asked(what: str, ob: Observation) -> str:
    """What somebody asked for, with who and why."""
    return f"{what}: {ob.signal_reason}" if ob.signal_reason else what


def waited(why: str, how_long: timedelta) -> str:
    """A reason to give up."""
    return f"{why}; waited {format_duration(how_long)}"


def drift(expected: Routing, found: Routing) -> str:
    """Both sides of a drift."""
    return f"the alias was changed by somebody else: expected {expected}, found {found}"


def _locked_out(ob: Observation) -> str:
    why = ob.fault.message if ob.fault else ob.blind
    return f"AWS takes these credentials no more, so nothing can be read or written: {why}"


def not_ours(plan: Plan, state: Reverting, ob: Observation) -> Decision | None:
    """Whoever put another version on the alias since must not have it undone by going back: the release holds."""
    if ob.alias is None or ob.stale or ob.alias.versions <= {plan.stable, plan.candidate}:
        return None
    return hold(Cause.DRIFT, f"while rolling back ({state.reason}): {drift(plan.baseline, ob.alias)}", state)


def begin_revert(plan: Plan, reason: str, ob: Observation) -> Decision:
    """Decide to go back, and write it."""
    reverting = Reverting(reason, ob.now)
    return reverting, SetRouting(plan.baseline, reason, reverting)


def hold(cause: Cause, reason: str, at: Ready | Baking | Awaiting | Reverting) -> Decision:
    """Stop where it is, for a person."""
    return Held(reason, cause, at), Stop(reason)


def stop(outcome: Outcome, reason: str) -> Decision:
    """Over."""
    return Done(outcome, reason), Stop(reason)
