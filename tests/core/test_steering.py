"""What people may ask of a release, in every phase: pause, go on, go to 100 %, hold, roll back; and manual gates."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.comparison import Comparison, Measure
from lambdaops.core.errors import InvalidStagesError
from lambdaops.core.gates import Verdict
from lambdaops.core.lifecycle import resumed, same, settled
from lambdaops.core.machine import decide
from lambdaops.core.model import Routing
from lambdaops.core.plan import ManualGate, OnInconclusive, OnTimeout, Plan, Stage, differences, resolve_strategy
from lambdaops.core.states import (
    Awaiting,
    Baking,
    Cause,
    Done,
    Fault,
    Held,
    Observation,
    Outcome,
    Paused,
    Promoting,
    Ready,
    Reverting,
    Signal,
    State,
    Wait,
)
from tests.core.machine_values import NOON, moving_states, plans
from tests.core.test_machine import BACK, FULL, GO, MINUTE, NEW, NEXT, PLAN, STABLE, TENTH, at, ob, shown

FAIL, PASS, ERROR, INCONCLUSIVE = Verdict.FAIL, Verdict.PASS, Verdict.ERROR, Verdict.INCONCLUSIVE
FIRST = Baking(0, NOON, NOON, NOON)
LAST = Baking(2, NOON, NOON, NOON)
PAUSED = Paused("paused: ada", FIRST, NOON, timedelta(minutes=30))
GATED = replace(
    PLAN,
    stages=(Stage(1_000, MINUTE, ManualGate(timedelta(minutes=20))), *PLAN.stages[1:]),
)
WAITING = Awaiting(FIRST, at(60), timedelta(minutes=20))
GOING = Promoting("asked to go on now: ada", 1, FIRST, NOON)
BUSY = Fault("slow down")
DENIED = Fault("not allowed", permanent=True)


@pytest.mark.parametrize(
    ("state", "seen", "expected"),
    [
        # going on now
        (Ready(NOON), ob(STABLE, verdict=ERROR, signal=Signal.PROMOTE), GO),
        (Ready(NOON), ob(STABLE, signal=Signal.PROMOTE_FULL), FULL),
        (FIRST, ob(TENTH, 5, signal=Signal.PROMOTE), NEXT),
        (FIRST, ob(TENTH, 5, INCONCLUSIVE, Signal.PROMOTE), NEXT),
        (FIRST, ob(TENTH, 5, signal=Signal.PROMOTE_FULL), FULL),
        (LAST, ob(NEW, 5, signal=Signal.PROMOTE), "promoted"),
        (LAST, ob(NEW, 5, signal=Signal.PROMOTE_FULL), "promoted"),
        # but not past an objection, a drift, or somebody's rollback
        (FIRST, ob(TENTH, 5, FAIL, Signal.PROMOTE), BACK),
        (FIRST, ob(Routing("3"), 5, signal=Signal.PROMOTE), "held: drift"),
        (FIRST, ob(STABLE, 5, signal=Signal.PROMOTE_FULL), "superseded"),
        # an alias that cannot be read or written is tried again, within patience
        (FIRST, ob(None, 5, signal=Signal.PROMOTE), "wait until 15"),
        (GOING, ob(TENTH, 5, fault=BUSY), "wait until 15"),
        (GOING, ob(TENTH, 15), NEXT),
        (GOING, ob(TENTH, 180, fault=BUSY), BACK),
        (GOING, ob(TENTH, 5, fault=DENIED), BACK),
        (GOING, ob(TENTH, 5, FAIL), BACK),
        (GOING, ob(TENTH, 5, signal=Signal.PROMOTE_FULL), FULL),
        (GOING, ob(TENTH, 5, signal=Signal.PAUSE), "wait until 15"),
        (GOING, ob(TENTH, 5, signal=Signal.ROLLBACK), BACK),
        # paused: watched on
        (FIRST, ob(TENTH, 5, signal=Signal.PAUSE), "wait until 15"),
        (PAUSED, ob(TENTH, 100), "wait until 110"),
        (PAUSED, ob(TENTH, 100, INCONCLUSIVE), "wait until 110"),
        (PAUSED, ob(TENTH, 100, FAIL), BACK),
        (PAUSED, ob(TENTH, 100, signal=Signal.ROLLBACK), BACK),
        (PAUSED, ob(TENTH, 100, signal=Signal.HOLD), "held: interrupted"),
        (PAUSED, ob(TENTH, 100, signal=Signal.PROMOTE), NEXT),
        (PAUSED, ob(TENTH, 100, signal=Signal.RESUME), NEXT),  # its bake was over meanwhile, and good
        (PAUSED, ob(TENTH, 30, signal=Signal.RESUME), "wait until 40"),
        (PAUSED, ob(Routing("3"), 100), "held: drift"),
        (PAUSED, ob(STABLE, 100), "superseded"),
        (PAUSED, ob(TENTH, 1_800), "held: paused"),
        (PAUSED, ob(TENTH, 1_799, signal=Signal.PAUSE), "wait until 1809"),
        # nothing is paused: nothing to go on with
        (FIRST, ob(TENTH, 5, signal=Signal.RESUME), "wait until 15"),
        (Reverting("x", NOON), ob(TENTH, 5, signal=Signal.PROMOTE), BACK),
        (Reverting("x", NOON), ob(TENTH, 5, signal=Signal.PAUSE), BACK),
    ],
)
def test_asked_for(state: State, seen: Observation, expected: str) -> None:
    after, action = decide(PLAN, state, seen)
    assert shown(after, action) == expected


@pytest.mark.parametrize(
    ("then", "seen", "expected"),
    [
        (OnTimeout.ROLLBACK, ob(TENTH, 70), "wait until 80"),
        (OnTimeout.ROLLBACK, ob(TENTH, 70, signal=Signal.PROMOTE), NEXT),
        (OnTimeout.ROLLBACK, ob(TENTH, 70, signal=Signal.RESUME), NEXT),
        (OnTimeout.ROLLBACK, ob(TENTH, 70, signal=Signal.PROMOTE_FULL), FULL),
        (OnTimeout.ROLLBACK, ob(TENTH, 70, FAIL), BACK),
        (OnTimeout.PROMOTE, ob(TENTH, 70, FAIL, Signal.PROMOTE), BACK),
        (OnTimeout.ROLLBACK, ob(TENTH, 1_260), BACK),
        (OnTimeout.HOLD, ob(TENTH, 1_260), "held: paused"),
        (OnTimeout.PROMOTE, ob(TENTH, 1_260), NEXT),
        (OnTimeout.PROMOTE, ob(TENTH, 1_260, INCONCLUSIVE), BACK),  # no data is never success
        (OnTimeout.PROMOTE, ob(TENTH, 1_259, signal=Signal.PAUSE), "wait until 1269"),
        (OnTimeout.PROMOTE, ob(TENTH, 1_260, signal=Signal.ROLLBACK), BACK),
    ],
)
def test_a_manual_gate(then: OnTimeout, seen: Observation, expected: str) -> None:
    gate = ManualGate(timedelta(minutes=20), then)
    plan = replace(GATED, stages=(replace(GATED.stages[0], gate=gate), *GATED.stages[1:]))
    assert shown(*decide(plan, WAITING, seen)) == expected


def test_a_stage_that_stayed_good_waits_at_its_manual_gate_and_not_before() -> None:
    early, _ = decide(GATED, FIRST, ob(TENTH, 59))
    assert isinstance(early, Baking)
    after, action = decide(GATED, FIRST, ob(TENTH, 60))
    assert same(after, Awaiting(FIRST, at(60), timedelta(minutes=20)))
    assert isinstance(action, Wait)
    assert action.reason == "waits for approval, at most 20m, then: rollback"


def test_an_approval_is_not_asked_for_twice() -> None:
    """What was approved goes on although the write is refused first (flagger issues 1141 and 1248)."""
    state, _ = decide(GATED, WAITING, ob(TENTH, 70, signal=Signal.PROMOTE))
    assert isinstance(state, Promoting)
    state, _ = decide(GATED, state, ob(TENTH, 71, fault=BUSY))
    assert shown(*decide(GATED, state, ob(TENTH, 81))) == NEXT


@given(plans.flatmap(lambda plan: st.tuples(st.just(plan), moving_states(plan))), st.sampled_from(Verdict))
def test_a_rollback_that_somebody_asks_for_outranks_everything(case: tuple[Plan, State], verdict: Verdict) -> None:
    plan, state = case
    alias = Routing("1", "2", 5_000)
    seen = Observation(NOON, alias, ob(alias, verdict=verdict).gates, Signal.ROLLBACK, "ada")
    after, _ = decide(plan, state, seen)
    assert (
        isinstance(after, Reverting)
        or (isinstance(after, Done) and after.outcome is Outcome.REFUSED)
        or (
            # AWS may be at work on provisioned concurrency, or the time to go back is over: never forward
            isinstance(after, Held) and isinstance(after.at, Reverting)
        )
    )


def test_credentials_that_are_gone_hold_at_once_and_a_rollback_says_it_is_stuck() -> None:
    gone = replace(ob(None, 5), locked_out=True, blind="the token has expired")
    after, _ = decide(PLAN, FIRST, gone)
    assert isinstance(after, Held)
    assert (after.cause, after.at) == (Cause.DENIED, FIRST)
    assert "the token has expired" in after.reason
    assert shown(*decide(PLAN, Ready(NOON), gone)) == "refused"
    assert shown(*decide(PLAN, Ready(NOON), replace(gone, unsettled=True))) == "held: denied"
    assert shown(*decide(PLAN, Reverting("x", NOON), replace(gone, fault=DENIED))) == "held: stuck"


def test_a_stage_ends_within_its_bake_and_the_patience_however_often_its_bake_restarts() -> None:
    plan = replace(PLAN, on_inconclusive=OnInconclusive.HOLD)
    state: State = FIRST
    for second in range(0, 600, 10):
        verdict = PASS if second % 50 else INCONCLUSIVE  # never good for a whole minute
        state, _ = decide(plan, state, ob(TENTH, second, verdict))
        if isinstance(state, Held):
            assert state.cause is Cause.INCONCLUSIVE
            assert timedelta(seconds=second) <= plan.stages[0].bake + plan.patience + timedelta(seconds=10)
            return
    raise AssertionError("it waits for ever")


def test_the_limit_is_the_sum_of_all_waits() -> None:
    assert PLAN.limit == PLAN.patience + sum((MINUTE + PLAN.patience for _ in PLAN.stages), timedelta())
    assert GATED.limit == PLAN.limit + timedelta(minutes=20)


def test_a_pause_survives_a_crash_and_a_write_that_had_landed() -> None:
    again = resumed(PAUSED, at(500))
    assert again == Paused("paused: ada", Baking(0, at(500), NOON, at(500)), at(500), timedelta(minutes=30))
    late = settled(PAUSED, Baking(1, NOON, NOON, NOON), at(7))
    assert late == replace(PAUSED, at=Baking(1, at(7), at(7), at(7)))
    assert isinstance(settled(Reverting("x", NOON), Baking(1, NOON, NOON, NOON), at(7)), Reverting)
    assert same(PAUSED, replace(PAUSED, at=replace(FIRST, signal_at=at(9))))
    assert not same(PAUSED, replace(PAUSED, since=at(9)))


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("10%:5m,hold,100%:10m", ManualGate(timedelta(hours=1), OnTimeout.ROLLBACK)),
        ("10%:5m,hold:30m,100%:10m", ManualGate(timedelta(minutes=30), OnTimeout.ROLLBACK)),
        ("10%:5m, hold:30m:promote ,100%:10m", ManualGate(timedelta(minutes=30), OnTimeout.PROMOTE)),
        ("10%:5m,hold:2h:hold,100%:10m", ManualGate(timedelta(hours=2), OnTimeout.HOLD)),
    ],
)
def test_a_hold_in_a_strategy(text: str, gate: ManualGate) -> None:
    stages = resolve_strategy(text)
    assert [stage.gate for stage in stages] == [gate, None]
    assert resolve_strategy(",".join(map(str, stages))) == stages, "what is printed can be given again"


@pytest.mark.parametrize(
    "text", ["10%:5m,hold:1h", "10%:5m,hold,hold,100%:5m", "10%:5m,hold:1h:explode,100%:5m", "10%:5m,holdup,100%:5m"]
)
def test_a_hold_that_makes_no_sense(text: str) -> None:
    with pytest.raises(InvalidStagesError):
        resolve_strategy(text)


def test_plans_that_differ_say_in_what() -> None:
    other = replace(PLAN, alarms=("errors",), patience=timedelta(minutes=9), stable="7", provisioned=True)
    assert differences(PLAN, PLAN) == ()
    assert differences(other, PLAN) == ("alarms none, now errors", "patience 3m, now 9m")
    assert differences(replace(PLAN, on_inconclusive=OnInconclusive.HOLD), PLAN) == (
        "on_inconclusive rollback, now hold",
    )
    assert differences(replace(PLAN, stages=PLAN.stages[1:]), PLAN)[0].startswith(
        "stages 10%:1m,50%:1m,100%:1m, now 50%"
    )


ERRORS, SLOW = Comparison(Measure.ERRORS), Comparison(Measure.LATENCY, timedelta(milliseconds=800))


@pytest.mark.parametrize(
    ("planned", "asked", "insists", "found"),
    [
        # what preflight fills in, and what it lets go of where nobody insisted, is no difference
        ((replace(ERRORS, dispersion=250, budget=7),), (ERRORS,), True, ""),
        ((replace(ERRORS, min_requests=0),), (ERRORS,), False, ""),
        ((), (ERRORS,), False, ""),
        # everything that was said is
        ((), (ERRORS,), True, "compare none, now errors at most 1.5 x (alpha 0.01, 20 requests)"),
        ((ERRORS,), (), False, "compare errors at most 1.5 x (alpha 0.01), now none"),
        ((ERRORS,), (ERRORS, SLOW), True, "latency:800ms at most 1.5 x"),
        ((SLOW,), (ERRORS,), False, "compare latency:800ms at most 1.5 x (alpha 0.01), now errors"),
        ((ERRORS,), (replace(ERRORS, tolerance=300),), False, "now errors at most 3 x"),
        ((ERRORS,), (replace(ERRORS, alpha=500),), False, "now errors at most 1.5 x (alpha 0.05)"),
        (
            (ERRORS,),
            (replace(ERRORS, min_requests=50),),
            True,
            "20 requests), now errors at most 1.5 x (alpha 0.01, 50",
        ),
        ((ERRORS,), (replace(ERRORS, acts=False),), False, "(observed only)"),
    ],
)
def test_a_judge_that_is_asked_otherwise_is_another_plan(
    planned: tuple[Comparison, ...], asked: tuple[Comparison, ...], found: str, *, insists: bool
) -> None:
    before, now = replace(PLAN, comparisons=planned), replace(PLAN, comparisons=asked)
    said = "; ".join(differences(now, before, insists=insists))
    assert found in said
    assert bool(said) is bool(found)


def test_where_all_traffic_moves_at_once_there_is_nothing_to_compare() -> None:
    planned = replace(PLAN, stages=PLAN.stages[-1:])
    assert differences(replace(planned, comparisons=(ERRORS,)), planned, insists=True) == ()
