"""The machine: tables of every state and kind of observation, and what holds for all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.errors import ExitCode
from lambdaops.core.gates import GateResult, Verdict, acquitted, unfinished, worst
from lambdaops.core.lifecycle import exit_code, landed, place, resumed, same
from lambdaops.core.machine import decide
from lambdaops.core.model import Routing
from lambdaops.core.objections import SETTLE
from lambdaops.core.plan import OnInconclusive, Plan, Stage
from lambdaops.core.states import (
    Action,
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
    SetRouting,
    Signal,
    State,
    Stop,
    Wait,
)
from tests.core.machine_values import NOON, moments, plans, resting_states, situations, states
from tests.examples import times

MINUTE = timedelta(minutes=1)
PLAN = Plan(
    "1",
    "2",
    (Stage(1_000, MINUTE), Stage(5_000, MINUTE), Stage(10_000, MINUTE)),
    "custom",
    look_every=timedelta(seconds=10),
    patience=timedelta(minutes=3),
)
HOLDING = replace(PLAN, on_inconclusive=OnInconclusive.HOLD)
PROVISIONED = replace(PLAN, provisioned=True)
STABLE, TENTH, HALF, NEW = Routing("1"), Routing("1", "2", 1_000), Routing("1", "2", 5_000), Routing("2")
FOREIGN = Routing("3")
PASS, INCONCLUSIVE, ERROR, FAIL = Verdict
BUSY = Fault("slow down")
LOST = Fault("no answer")
DENIED = Fault("not allowed", permanent=True)
STALE = Fault("the alias was changed since it was read", conflict=True)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def ob(
    alias: Routing | None,
    seconds: float = 0,
    verdict: Verdict = PASS,
    signal: Signal | None = None,
    fault: Fault | None = None,
    *,
    stale: bool = False,
    unsettled: bool = False,
) -> Observation:
    gates = (GateResult("errors", verdict, f"errors: {verdict.name}"),)
    return Observation(at(seconds), alias, gates, signal, "ada", fault, stale, "timeout", unsettled)


def shown(state: State, action: Action) -> str:
    """A decision in a few words, so that the tables below can be read."""
    match action:
        case SetRouting(routing, _, then):
            return f"write {routing} then {type(then).__name__}"
        case Wait(until):
            return f"wait until {(until - NOON) / timedelta(seconds=1):g}"
        case Stop():
            match state:
                case Done(outcome, _):
                    return outcome.value
                case Held(_, cause, _):
                    return f"held: {cause.value}"
                case _:
                    return f"stop in {type(state).__name__}"
        case _:
            assert_never(action)


GO = f"write {TENTH} then Baking"
NEXT = f"write {HALF} then Baking"
FULL = f"write {NEW} then Baking"
BACK = f"write {STABLE} then Reverting"

# -- ready ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "expected", "reason"),
    [
        (ob(STABLE), GO, "stage 1/3: 10 % to 2"),
        # data often comes only with traffic; without it the first stage waits
        (ob(STABLE, verdict=INCONCLUSIVE), GO, "stage 1/3: 10 % to 2"),
        (ob(STABLE, verdict=FAIL), "refused", "errors: FAIL"),
        (ob(STABLE, verdict=ERROR), "wait until 10", "errors: ERROR"),
        (ob(STABLE, 179, ERROR), "wait until 180", "errors: ERROR"),
        (ob(STABLE, 180, ERROR), "refused", "errors: ERROR; waited 3m"),
        (ob(None), "wait until 10", "the alias could not be read: timeout"),
        (ob(None, verdict=FAIL), "refused", "errors: FAIL"),
        (ob(None, 180), "refused", "the alias could not be read: timeout; waited 3m"),
        # signals
        (ob(STABLE, signal=Signal.HOLD), "held: interrupted", "held: ada"),
        (ob(STABLE, signal=Signal.ROLLBACK), "refused", "stopped before the first write: ada"),
        (ob(None, signal=Signal.HOLD), "held: interrupted", "held: ada"),
        (ob(None, signal=Signal.ROLLBACK), "refused", "stopped before the first write: ada"),
        # drift
        (ob(FOREIGN), "held: drift", "the alias was changed by somebody else: expected 1, found 3"),
        (ob(TENTH), "held: drift", "the alias was changed by somebody else: expected 1, found 1 90 % + 2 10 %"),
        (ob(FOREIGN, verdict=FAIL), "held: drift", "the alias was changed by somebody else: expected 1, found 3"),
        # the first write was refused
        (ob(STABLE, fault=DENIED), "refused", "the alias could not be written: not allowed"),
        (ob(None, fault=DENIED, unsettled=True), "refused", "the alias could not be written: not allowed"),
        (ob(STABLE, fault=STALE), "held: drift", "the alias was changed since it was read"),
        (ob(STABLE, fault=BUSY, unsettled=True), "wait until 10", "the alias could not be written: slow down"),
        (ob(STABLE, 180, fault=BUSY), "refused", "the alias could not be written: slow down; waited 3m"),
        (ob(STABLE, unsettled=True), GO, "stage 1/3: 10 % to 2"),
        # its answer was lost and nothing can be read: it may have landed, so only going back is safe
        (ob(None, fault=LOST, unsettled=True), "wait until 10", "the alias could not be read: timeout"),
        (ob(None, 60, unsettled=True), "wait until 70", "the alias could not be read: timeout"),
        (ob(None, 180, unsettled=True), BACK, "the alias could not be read: timeout; waited 3m"),
        (ob(None, verdict=FAIL, unsettled=True), BACK, "errors: FAIL"),
        (ob(None, signal=Signal.ROLLBACK, unsettled=True), BACK, "stopped before the first write: ada"),
        (
            ob(None, fault=DENIED, signal=Signal.ROLLBACK, unsettled=True),
            "refused",
            "stopped before the first write: ada",
        ),
        (ob(None, signal=Signal.HOLD, unsettled=True), "held: interrupted", "held: ada"),
    ],
)
def test_ready(seen: Observation, expected: str, reason: str) -> None:
    state, action = decide(PLAN, Ready(NOON), seen)
    assert (shown(state, action), action.reason) == (expected, reason)


# -- baking --------------------------------------------------------------------------------------------------------

FIRST = Baking(0, NOON, NOON, NOON)
UNSURE = Baking(0, NOON, None, NOON)
LAST = Baking(2, NOON, NOON, NOON)
ASKED_BACK = "asked to roll back: ada"
DRIFT = "the alias was changed by somebody else: expected 1 90 % + 2 10 %, found "


@pytest.mark.parametrize(
    ("state", "seen", "expected", "reason"),
    [
        # a pass must last the whole bake
        (FIRST, ob(TENTH), "wait until 10", "baking, 1 of 1 gates pass"),
        (FIRST, ob(TENTH, 55), "wait until 60", "baking, 1 of 1 gates pass"),
        (FIRST, ob(TENTH, 59.999), "wait until 60", "baking, 1 of 1 gates pass"),
        (FIRST, ob(TENTH, 60), NEXT, "stage 2/3: 50 % to 2"),
        (Baking(1, NOON, NOON, NOON), ob(HALF, 60), FULL, "stage 3/3: 100 % to 2"),
        (LAST, ob(NEW, 59), "wait until 60", "baking, 1 of 1 gates pass"),
        (LAST, ob(NEW, 60), "promoted", "every stage stayed good, 1 of 1 gates pass"),
        (UNSURE, ob(TENTH, 60), "wait until 70", "baking, 1 of 1 gates pass"),
        # an objection reverts at once, at any stage and at any age
        (FIRST, ob(TENTH, 5, FAIL), BACK, "errors: FAIL"),
        (FIRST, ob(TENTH, 60, FAIL), BACK, "errors: FAIL"),
        (LAST, ob(NEW, 60, FAIL), BACK, "errors: FAIL"),
        (FIRST, ob(None, 5, FAIL), BACK, "errors: FAIL"),
        (FIRST, ob(TENTH, 5, FAIL, fault=BUSY), BACK, "errors: FAIL"),
        (FIRST, ob(TENTH, 5, FAIL, fault=STALE), BACK, "errors: FAIL"),
        (FIRST, ob(TENTH, 5, FAIL, fault=DENIED), BACK, "errors: FAIL"),
        # not knowing waits, bounded by patience
        (FIRST, ob(TENTH, 60, INCONCLUSIVE), "wait until 70", "errors: INCONCLUSIVE"),
        (FIRST, ob(TENTH, 175, INCONCLUSIVE), "wait until 180", "errors: INCONCLUSIVE"),
        (FIRST, ob(TENTH, 180, INCONCLUSIVE), BACK, "errors: INCONCLUSIVE; waited 3m"),
        (FIRST, ob(TENTH, 60, ERROR), "wait until 70", "errors: ERROR"),
        (FIRST, ob(TENTH, 180, ERROR), BACK, "errors: ERROR; waited 3m"),
        (FIRST, ob(None, 60), "wait until 70", "the alias could not be read: timeout"),
        (FIRST, ob(None, 180), BACK, "the alias could not be read: timeout; waited 3m"),
        (LAST, ob(NEW, 60, INCONCLUSIVE), "wait until 70", "errors: INCONCLUSIVE"),
        # the next stage's write was refused
        (FIRST, ob(TENTH, 60, fault=BUSY), "wait until 70", "the alias could not be written: slow down"),
        (FIRST, ob(TENTH, 180, fault=BUSY), BACK, "the alias could not be written: slow down; waited 3m"),
        (FIRST, ob(TENTH, 60, fault=DENIED), BACK, "the alias could not be written: not allowed"),
        (FIRST, ob(TENTH, 60, fault=STALE), "held: drift", "the alias was changed since it was read"),
        (FIRST, ob(None, 60, fault=STALE), "held: drift", "the alias was changed since it was read"),
        # signals
        (FIRST, ob(TENTH, 5, signal=Signal.HOLD), "held: interrupted", "held: ada"),
        (FIRST, ob(None, 5, signal=Signal.HOLD), "held: interrupted", "held: ada"),
        (FIRST, ob(TENTH, 5, signal=Signal.ROLLBACK), BACK, ASKED_BACK),
        (FIRST, ob(None, 5, signal=Signal.ROLLBACK), BACK, ASKED_BACK),
        (FIRST, ob(HALF, 5, signal=Signal.ROLLBACK), BACK, ASKED_BACK),
        (FIRST, ob(FOREIGN, 5, signal=Signal.ROLLBACK, stale=True), BACK, ASKED_BACK),
        # but not over what somebody else has put there since
        (
            FIRST,
            ob(FOREIGN, 5, signal=Signal.ROLLBACK),
            "held: drift",
            f"while rolling back ({ASKED_BACK}): " + DRIFT.replace("1 90 % + 2 10 %", "1") + "3",
        ),
        (LAST, ob(NEW, 5, signal=Signal.ROLLBACK), BACK, ASKED_BACK),
        (FIRST, ob(FOREIGN, 5, signal=Signal.HOLD), "held: drift", DRIFT + "3"),
        # drift is never overwritten, whatever the gates say
        (FIRST, ob(FOREIGN, 5), "held: drift", DRIFT + "3"),
        (FIRST, ob(FOREIGN, 5, FAIL), "held: drift", DRIFT + "3"),
        (FIRST, ob(HALF, 5), "held: drift", DRIFT + "1 50 % + 2 50 %"),
        (FIRST, ob(NEW, 5), "held: drift", DRIFT + "2"),
        (FIRST, ob(Routing("2", "1", 1_000), 5), "held: drift", DRIFT + "2 90 % + 1 10 %"),
        (FIRST, ob(FOREIGN, 5, fault=STALE), "held: drift", DRIFT + "3"),
        # somebody else's rollback wins
        (FIRST, ob(STABLE, 5), "superseded", "somebody else returned all traffic to 1"),
        (FIRST, ob(STABLE, 5, FAIL), "superseded", "somebody else returned all traffic to 1"),
        (LAST, ob(STABLE, 5, signal=Signal.HOLD), "superseded", "somebody else returned all traffic to 1"),
        # a late read is neither drift nor a rollback, for a minute
        (FIRST, ob(STABLE, 5, stale=True), "wait until 6", "the write is not visible yet"),
        (FIRST, ob(STABLE, 59.5, stale=True), "wait until 60.5", "the write is not visible yet"),
        (FIRST, ob(STABLE, 60, stale=True), "superseded", "somebody else returned all traffic to 1"),
        (LAST, ob(HALF, 5, stale=True), "wait until 6", "the write is not visible yet"),
        (LAST, ob(HALF, 5, FAIL, stale=True), BACK, "errors: FAIL"),
        (LAST, ob(HALF, 5, signal=Signal.HOLD, stale=True), "held: interrupted", "held: ada"),
    ],
)
def test_baking(state: Baking, seen: Observation, expected: str, reason: str) -> None:
    after, action = decide(PLAN, state, seen)
    assert (shown(after, action), action.reason) == (expected, reason)


def test_the_policy_may_hold_instead_of_reverting() -> None:
    for seen in (ob(TENTH, 180, INCONCLUSIVE), ob(TENTH, 180, ERROR), ob(None, 180), ob(TENTH, 180, fault=BUSY)):
        assert shown(*decide(HOLDING, FIRST, seen)) == "held: inconclusive"
    assert shown(*decide(HOLDING, FIRST, ob(TENTH, 180, FAIL))) == BACK, "the policy is not for objections"


def test_having_no_data_restarts_the_bake_and_not_seeing_for_a_moment_does_not() -> None:
    no_data, _ = decide(PLAN, FIRST, ob(TENTH, 30, INCONCLUSIVE))
    blind, _ = decide(PLAN, FIRST, ob(TENTH, 30, ERROR))
    assert shown(*decide(PLAN, no_data, ob(TENTH, 60))) == "wait until 70"
    assert shown(*decide(PLAN, blind, ob(TENTH, 60))) == NEXT


def test_every_pass_starts_patience_anew() -> None:
    state: State = FIRST
    long = replace(PLAN, stages=(Stage(1_000, timedelta(hours=1)), Stage(10_000, MINUTE)))
    state, _ = decide(long, state, ob(TENTH, 170))
    assert shown(*decide(long, state, ob(TENTH, 340, INCONCLUSIVE))) == "wait until 350"
    assert shown(*decide(long, state, ob(TENTH, 350, INCONCLUSIVE))) == BACK


def test_not_knowing_does_not_start_patience_anew() -> None:
    state: State = FIRST
    for seconds in range(10, 180, 10):
        state, action = decide(PLAN, state, ob(TENTH, seconds, INCONCLUSIVE))
        assert isinstance(action, Wait)
    assert shown(*decide(PLAN, state, ob(TENTH, 180, INCONCLUSIVE))) == BACK


@pytest.mark.parametrize("alias", [Routing("2", "1", 4_000), Routing("1", "2", 4_000)])
def test_aws_may_move_provisioned_concurrency_at_full_traffic(alias: Routing) -> None:
    moving, action = decide(PROVISIONED, LAST, ob(alias, 30))
    assert shown(moving, action) == "wait until 40"
    assert "AWS is moving provisioned concurrency" in action.reason
    assert shown(*decide(PROVISIONED, moving, ob(NEW, 60))) == "wait until 70", "the bake starts when it is over"
    assert shown(*decide(PROVISIONED, LAST, ob(alias, 180))) == "held: drift", "not for ever"
    assert shown(*decide(PROVISIONED, LAST, ob(alias, 30, FAIL))) == BACK
    assert shown(*decide(PROVISIONED, LAST, ob(alias, 30, signal=Signal.HOLD))) == "held: interrupted"
    assert shown(*decide(PROVISIONED, LAST, ob(alias, 30, signal=Signal.ROLLBACK))) == BACK
    assert shown(*decide(PLAN, LAST, ob(alias, 30))) == "held: drift", "only where the alias has it"


@pytest.mark.parametrize(
    ("state", "alias"),
    [
        (FIRST, Routing("2", "1", 4_000)),
        (LAST, Routing("2", "3", 4_000)),
        (LAST, Routing("3", "2", 1)),
        (LAST, FOREIGN),
    ],
)
def test_what_aws_would_not_do_is_drift_with_provisioned_concurrency_as_well(state: Baking, alias: Routing) -> None:
    assert shown(*decide(PROVISIONED, state, ob(alias, 30))) == "held: drift"


# -- reverting -----------------------------------------------------------------------------------------------------

REVERTING = Reverting("errors: FAIL", NOON)


def tried(times: int) -> Reverting:
    return replace(REVERTING, attempts=times)


@pytest.mark.parametrize(
    ("state", "seen", "expected", "reason"),
    [
        (REVERTING, ob(TENTH), BACK, "errors: FAIL"),
        (REVERTING, ob(NEW), BACK, "errors: FAIL"),
        (REVERTING, ob(Routing("2", "1", 5_000)), BACK, "errors: FAIL"),
        (REVERTING, ob(None), BACK, "errors: FAIL"),
        (REVERTING, ob(STABLE), "rolled back", "errors: FAIL"),
        (REVERTING, ob(STABLE, 9_999), "rolled back", "errors: FAIL"),
        (REVERTING, ob(STABLE, fault=LOST), "rolled back", "errors: FAIL"),
        (REVERTING, ob(STABLE, fault=DENIED), "rolled back", "errors: FAIL"),
        # a read from before our write proves nothing
        (REVERTING, ob(STABLE, stale=True), BACK, "errors: FAIL"),
        # nobody stops it
        (REVERTING, ob(TENTH, signal=Signal.HOLD), BACK, "errors: FAIL"),
        (REVERTING, ob(TENTH, verdict=PASS), BACK, "errors: FAIL"),
        # it tries again, more slowly each time
        (tried(0), ob(TENTH, fault=BUSY), "wait until 1", "trying to roll back again: slow down"),
        (tried(1), ob(TENTH, fault=BUSY), "wait until 2", "trying to roll back again: slow down"),
        (tried(2), ob(TENTH, fault=LOST), "wait until 4", "trying to roll back again: no answer"),
        (tried(3), ob(TENTH, fault=BUSY), "wait until 8", "trying to roll back again: slow down"),
        (tried(4), ob(None, fault=BUSY), "wait until 15", "trying to roll back again: slow down"),
        (tried(99), ob(TENTH, fault=BUSY), "wait until 15", "trying to roll back again: slow down"),
        # a stale revision is read anew at once, the first time
        (tried(0), ob(TENTH, fault=STALE), "wait until 0", f"trying to roll back again: {STALE.message}"),
        (tried(1), ob(None, fault=STALE), "wait until 1", f"trying to roll back again: {STALE.message}"),
        (tried(99), ob(TENTH, fault=STALE), "wait until 15", f"trying to roll back again: {STALE.message}"),
        # until nobody believes in it any more
        (tried(9), ob(TENTH, 299, fault=BUSY), "wait until 314", "trying to roll back again: slow down"),
        (
            tried(9),
            ob(TENTH, 300, fault=BUSY),
            "held: stuck",
            "errors: FAIL; not rolled back after 5m: slow down",
        ),
        (
            tried(9),
            ob(None, 300, fault=STALE),
            "held: stuck",
            f"errors: FAIL; not rolled back after 5m: {STALE.message}",
        ),
        (tried(0), ob(TENTH, fault=DENIED), "held: stuck", "errors: FAIL; the rollback was refused: not allowed"),
        (tried(0), ob(None, fault=DENIED), "held: stuck", "errors: FAIL; the rollback was refused: not allowed"),
        # somebody released something else meanwhile
        (
            REVERTING,
            ob(FOREIGN),
            "held: drift",
            "while rolling back (errors: FAIL): the alias was changed by somebody else: expected 1, found 3",
        ),
        (
            REVERTING,
            ob(Routing("1", "3", 100)),
            "held: drift",
            "while rolling back (errors: FAIL): " + DRIFT.replace("1 90 % + 2 10 %", "1") + "1 99 % + 3 1 %",
        ),
    ],
)
def test_reverting(state: Reverting, seen: Observation, expected: str, reason: str) -> None:
    after, action = decide(PLAN, state, seen)
    assert (shown(after, action), action.reason) == (expected, reason)


def test_a_rollback_that_nobody_can_see_is_written_twice_at_most_and_comes_to_an_end() -> None:
    """An alias that may be written and not read: without an end, it would be written as fast as AWS answers."""
    blind = ob(None)
    _, first = decide(PLAN, REVERTING, blind)
    assert isinstance(first, SetRouting)
    state: State = first.then
    for now in (0, 1, 3, 7, 15, 299):
        state, action = decide(PLAN, state, replace(blind, now=at(now)))
        assert isinstance(action, Wait)
    assert isinstance(state, Reverting)
    assert decide(PLAN, state, replace(blind, now=at(299), unsettled=True))[1] == SetRouting(
        PLAN.baseline, "errors: FAIL", replace(state, attempts=state.attempts + 1)
    )
    assert shown(*decide(PLAN, state, ob(STABLE, 299))) == "rolled back"
    assert shown(*decide(PLAN, state, replace(blind, now=at(300)))) == "held: stuck"


def test_every_refused_rollback_is_counted() -> None:
    after, _ = decide(PLAN, tried(2), ob(TENTH, fault=BUSY))
    assert after == tried(3)


def test_aws_moving_provisioned_concurrency_back_is_waited_for_not_fought() -> None:
    moving = Routing("1", "2", 4_000)
    assert shown(*decide(PROVISIONED, REVERTING, ob(moving, 30))) == "wait until 40"
    assert shown(*decide(PROVISIONED, REVERTING, ob(moving, 300))) == "held: stuck"
    for ours in (TENTH, NEW, Routing("2", "1", 4_000)):
        assert shown(*decide(PROVISIONED, REVERTING, ob(ours, 30))) == BACK, f"{ours} does not go away by itself"
    assert shown(*decide(PLAN, REVERTING, ob(moving, 30))) == BACK


# -- over ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state", [Done(Outcome.PROMOTED, "why"), Held("why", Cause.DRIFT, FIRST), Held("why", Cause.STUCK, REVERTING)]
)
@pytest.mark.parametrize("seen", [ob(TENTH), ob(FOREIGN, verdict=FAIL), ob(None, signal=Signal.ROLLBACK, fault=BUSY)])
def test_what_is_over_stays_over(state: State, seen: Observation) -> None:
    assert decide(PLAN, state, seen) == (state, Stop("why"))


# -- clocks --------------------------------------------------------------------------------------------------------


def test_a_clock_that_went_back_restarts_the_bake_and_no_more() -> None:
    state: State = Baking(0, at(3_600), at(3_600), at(3_600))
    state, action = decide(PLAN, state, ob(TENTH, 0))
    assert shown(state, action) == "wait until 10"
    assert shown(*decide(PLAN, state, ob(TENTH, 60))) == NEXT


@pytest.mark.parametrize(
    ("state", "alias", "fault"),
    [
        (Ready(at(3_600)), STABLE, BUSY),
        (Baking(0, at(3_600), at(3_600), at(3_600)), TENTH, BUSY),
        (Reverting("x", at(3_600)), TENTH, BUSY),
    ],
)
def test_a_clock_that_went_back_does_not_lengthen_patience(state: State, alias: Routing, fault: Fault) -> None:
    state, action = decide(PLAN, state, ob(alias, 0, fault=fault))
    assert isinstance(action, Wait)
    after, _ = decide(PLAN, state, ob(alias, 300, fault=fault))
    assert not isinstance(after, Ready | Baking), "patience counts from the earlier time"


# -- landed, resumed, same, exit codes -----------------------------------------------------------------------------


def test_a_bake_counts_from_when_its_routing_was_in_place() -> None:
    assert landed(FIRST, at(7)) == Baking(0, at(7), at(7), at(7))
    assert landed(REVERTING, at(7)) is REVERTING


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (Ready(NOON), Ready(at(500))),
        # a crash keeps its bake: the alarms' own time stamps cover the gap
        (Baking(1, NOON, at(5), at(9)), Baking(1, at(500), at(5), at(500))),
        (Baking(1, NOON, None, at(9)), Baking(1, at(500), None, at(500))),
        (Baking(1, at(900), at(900), at(900)), Baking(1, at(500), at(500), at(500))),
        (Reverting("x", NOON, 9), Reverting("x", at(500), 0)),
        # a hold does not: nothing proves that the time in between was good
        (Held("x", Cause.INTERRUPTED, Baking(1, NOON, at(5), at(9))), Baking(1, at(500), None, at(500))),
        (Held("x", Cause.INTERRUPTED, Ready(NOON)), Ready(at(500))),
        (Held("x", Cause.STUCK, Reverting("x", NOON, 9)), Reverting("x", at(500), 0)),
        (Done(Outcome.PROMOTED, "x"), Done(Outcome.PROMOTED, "x")),
    ],
)
def test_resumed(state: State, after: State) -> None:
    assert resumed(state, at(500)) == after


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (FIRST, replace(FIRST, signal_at=at(50)), True),
        (FIRST, replace(FIRST, good_since=None), False),
        (FIRST, replace(FIRST, stage=1), False),
        (FIRST, replace(FIRST, entered_at=at(50)), False),
        (REVERTING, tried(1), False),
        (REVERTING, Reverting("errors: FAIL", NOON), True),
        (FIRST, REVERTING, False),
        (Held("x", Cause.DRIFT, FIRST), Held("x", Cause.DRIFT, FIRST), True),
        (Held("x", Cause.DRIFT, FIRST), Held("y", Cause.DRIFT, FIRST), False),
    ],
)
def test_only_the_time_of_the_last_pass_does_not_count(one: State, other: State, *, alike: bool) -> None:
    assert same(one, other) is alike
    assert same(other, one) is alike


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (Done(Outcome.PROMOTED, ""), 0),
        (Done(Outcome.REFUSED, ""), 3),
        (Done(Outcome.ROLLED_BACK, ""), 4),
        (Done(Outcome.SUPERSEDED, ""), 7),
        (Held("", Cause.STUCK, REVERTING), 5),
        (Held("", Cause.INCONCLUSIVE, FIRST), 6),
        (Held("", Cause.DRIFT, FIRST), 7),
        (Held("", Cause.INTERRUPTED, FIRST), 130),
        (Held("", Cause.PAUSED, FIRST), 6),
        (Held("", Cause.DENIED, FIRST), 8),
        (FIRST, 1),
        (Ready(NOON), 1),
        (REVERTING, 1),
    ],
)
def test_every_end_has_its_exit_code(state: State, code: int) -> None:
    assert int(exit_code(state)) == code


@given(plans.flatmap(states))
def test_any_state_has_an_exit_code(state: State) -> None:
    assert isinstance(exit_code(state), ExitCode)
    assert exit_code(state) is ExitCode.DONE or state != Done(Outcome.PROMOTED, "")


# -- what always holds ---------------------------------------------------------------------------------------------

Situation = tuple[Plan, State, Observation]
many = times(2.5)


def steered(state: State, seen: Observation) -> bool:
    """Whether a person has a hand in it: what they ask for outranks the rest of a bake."""
    return isinstance(state, Paused | Awaiting | Promoting) or seen.signal in (Signal.PROMOTE, Signal.PROMOTE_FULL)


@many
@given(situations())
def test_any_state_and_any_observation_give_one_decision_with_a_reason(situation: Situation) -> None:
    plan, state, seen = situation
    after, action = decide(plan, state, seen)
    assert isinstance(action, SetRouting | Wait | Stop)
    assert isinstance(after, Done | Held) == isinstance(action, Stop)
    assert isinstance(action.reason, str)
    assert decide(plan, state, seen) == (after, action), "the same input gives the same output"


@many
@given(situations())
def test_only_the_routings_of_the_plan_are_ever_written(situation: Situation) -> None:
    plan, state, seen = situation
    _, action = decide(plan, state, seen)
    if not isinstance(action, SetRouting):
        return
    assert plan.owns(action.routing)
    match action.then:
        case Baking(stage=stage):
            assert action.routing == plan.routing_at(stage)
            where = place(state)
            assert isinstance(where, Ready | Baking)
            before = -1 if isinstance(where, Ready) else where.stage
            if steered(state, seen):
                assert stage > before, "nobody is sent back by going on"
            else:
                assert stage == before + 1, "stages are taken one by one"
        case Reverting():
            assert action.routing == plan.baseline
        case _:
            raise AssertionError(f"a write leads to {action.then}")


@many
@given(situations())
def test_forward_needs_an_alias_that_was_read_and_gates_that_do_not_object(situation: Situation) -> None:
    plan, state, seen = situation
    _, action = decide(plan, state, seen)
    if isinstance(action, SetRouting) and isinstance(action.then, Baking):
        where = place(state)
        assert isinstance(where, Ready | Baking)
        assert seen.alias == (plan.baseline if isinstance(where, Ready) else plan.routing_at(where.stage))
        assert seen.fault is None
        assert seen.signal not in (Signal.HOLD, Signal.PAUSE, Signal.ROLLBACK)
        verdict = worst(seen.gates)[0]
        if steered(state, seen):
            assert verdict is not FAIL, "a person outranks a gate that cannot tell, never one that objects"
        elif plan.on_inconclusive is OnInconclusive.PROMOTE:
            assert verdict in (PASS, INCONCLUSIVE)
        else:
            assert verdict in ((PASS, INCONCLUSIVE) if isinstance(where, Ready) else (PASS,))
            assert isinstance(where, Ready) or not unfinished(seen.gates) or acquitted(seen.gates)


@many
@given(situations())
def test_no_bake_is_cut_short_but_by_a_person_or_a_judge_who_is_sure(situation: Situation) -> None:
    plan, state, seen = situation
    _, action = decide(plan, state, seen)
    if not isinstance(action, SetRouting) or not isinstance(action.then, Baking) or not isinstance(state, Baking):
        return
    if steered(state, seen) or plan.on_inconclusive is OnInconclusive.PROMOTE:
        return
    sure = plan.adaptive and acquitted(seen.gates)
    assert sure or seen.now >= (state.good_since or seen.now) + plan.stages[state.stage].bake


@many
@given(situations())
def test_the_judge_never_ends_the_last_stage_early(situation: Situation) -> None:
    plan, state, seen = situation
    after, _ = decide(plan, state, seen)
    if isinstance(after, Done) and after.outcome is Outcome.PROMOTED and isinstance(state, Baking):
        if steered(state, seen) or plan.on_inconclusive is OnInconclusive.PROMOTE:
            return
        assert not unfinished(seen.gates)
        assert seen.now >= (state.good_since or seen.now) + plan.stages[-1].bake


@many
@given(situations())
def test_a_wait_ends_soon_and_not_in_the_past(situation: Situation) -> None:
    plan, state, seen = situation
    _, action = decide(plan, state, seen)
    if not isinstance(action, Wait):
        return
    assert action.until <= seen.now + max(plan.look_every, timedelta(seconds=15))
    if seen.fault and seen.fault.conflict and isinstance(state, Reverting):
        assert action.until >= seen.now, "a stale revision is read anew at once"
    else:
        assert action.until > seen.now


@many
@given(situations())
def test_drift_is_never_overwritten(situation: Situation) -> None:
    plan, state, seen = situation
    _, action = decide(plan, state, seen)
    if seen.stale or seen.alias is None or seen.alias.versions <= {plan.stable, plan.candidate}:
        return  # a late read shows what our own write replaced, so strangers in it are not there any more
    assert not isinstance(action, SetRouting)


@many
@given(situations())
def test_a_promotion_was_seen_at_full_traffic_with_every_gate_passing(situation: Situation) -> None:
    plan, state, seen = situation
    after, _ = decide(plan, state, seen)
    if isinstance(after, Done) and after.outcome is Outcome.PROMOTED and not isinstance(state, Done):
        where = place(state)
        assert isinstance(where, Baking)
        assert seen.alias == Routing(plan.candidate)
        assert where.stage == len(plan.stages) - 1
        if steered(state, seen):
            assert worst(seen.gates)[0] is not FAIL
            return
        assert worst(seen.gates)[0] is PASS
        bake = plan.stages[-1].bake
        assert not bake or (where.good_since is not None and seen.now >= where.good_since + bake)


@many
@given(situations())
def test_a_rollback_is_done_only_when_it_was_seen(situation: Situation) -> None:
    plan, state, seen = situation
    after, _ = decide(plan, state, seen)
    if isinstance(after, Done) and after.outcome is Outcome.ROLLED_BACK and not isinstance(state, Done):
        assert seen.alias == plan.baseline
        assert not seen.stale


@many
@given(situations())
def test_a_release_that_may_have_written_is_never_called_refused(situation: Situation) -> None:
    plan, state, seen = situation
    after, _ = decide(plan, state, seen)
    if isinstance(after, Done) and after.outcome is Outcome.REFUSED and not isinstance(state, Done):
        assert isinstance(place(state), Ready)
        denied = seen.fault is not None and seen.fault.permanent
        assert seen.alias is not None or not seen.unsettled or denied


@many
@given(situations(), st.sampled_from([PASS, INCONCLUSIVE, ERROR]))
def test_an_objection_while_our_routing_is_on_the_alias_always_goes_back(situation: Situation, other: Verdict) -> None:
    plan, state, seen = situation
    where = place(state)
    if not isinstance(where, Baking) or isinstance(state, Held):
        return
    gates = (GateResult("a", other, "a: why"), GateResult("b", FAIL, "b: FAIL"))
    clear = replace(seen, alias=plan.routing_at(where.stage), gates=gates)
    if seen.signal in (Signal.HOLD, Signal.ROLLBACK):
        clear = replace(clear, signal=None)
    after, action = decide(plan, state, clear)
    assert isinstance(after, Reverting)
    assert isinstance(action, SetRouting)
    assert action.routing == plan.baseline
    assert action.reason == "b: FAIL"


@many
@given(situations())
def test_waiting_without_a_verdict_ends(situation: Situation) -> None:
    """Told the same again and again, every state comes to a write or a stop within its bounds."""
    plan, state, seen = situation
    state = resumed(state, seen.now)
    if worst(seen.gates)[0] is PASS and seen.alias is not None and seen.fault is None:
        return
    limit = seen.now + max(plan.patience, plan.revert_within, SETTLE) + max(s.bake for s in plan.stages) + MINUTE
    if isinstance(state, Paused | Awaiting):
        limit += state.lasts if isinstance(state, Paused) else state.within
    where = place(state)
    gate = plan.stages[where.stage].gate if isinstance(where, Baking) else None
    if gate is not None and not isinstance(state, Awaiting):
        limit += gate.within  # patience that promotes ends at the manual gate, which has a time of its own
    if seen.signal is Signal.PAUSE:
        seen = replace(seen, signal=None)  # asked again and again, a pause has no end
    plan = replace(plan, look_every=max(plan.look_every, MINUTE))
    while True:
        state, action = decide(plan, state, seen)
        if not isinstance(action, Wait):
            return
        assert seen.now <= limit
        seen = replace(seen, now=max(action.until, seen.now + timedelta(seconds=1)))


@given(plans, st.data(), moments)
def test_a_resumed_state_is_never_later_than_now_and_never_held(plan: Plan, data: st.DataObject, now: datetime) -> None:
    state = data.draw(resting_states(plan))
    again = resumed(Held("why", Cause.INTERRUPTED, state), now)
    assert type(again) is type(state)
    match again:
        case Baking(entered_at=entered, good_since=good, signal_at=signal):
            assert entered <= now
            assert good is None
            assert signal == now
        case Ready(since=since) | Reverting(since=since) | Awaiting(since=since):
            assert since == now
        case _:
            raise AssertionError(again)
