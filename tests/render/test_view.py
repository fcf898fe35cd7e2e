from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lambdaops.core.events import Closed, Resumed
from lambdaops.core.gates import GateResult, Verdict
from lambdaops.core.model import Routing
from lambdaops.core.plan import NEW_VERSION
from lambdaops.core.states import Baking, Cause, Outcome, Paused, Ready, Reverting
from lambdaops.render.view import MOST_EVENTS, ReleaseView, StageState, fold
from tests.render.script import START, Script, drift, failing, promoted, rolled_back, stuck

DONE, NOW, TODO, REVERTED = StageState.DONE, StageState.CURRENT, StageState.TODO, StageState.REVERTED


def states(view: ReleaseView) -> list[StageState]:
    return [stage.state for stage in view.stages]


def test_a_release_that_has_only_been_planned() -> None:
    view = Script().planned().view
    assert (view.target, view.stable, view.candidate, view.strategy) == ("orders:live", "41", "42", "canary")
    assert (view.release, view.phase, view.set_weight, view.actual_weight) == ("", "not begun", None, None)
    assert states(view) == [TODO, TODO]


def test_a_write_on_its_way_is_demanded_but_not_seen() -> None:
    script = Script().begun().look("orders-errors: cannot be read")
    assert (script.view.set_weight, script.view.actual_weight) == (0, 0)
    assert script.view.next_look is not None
    script.intent(script.plan.routing_at(0), "stage 1/2", Baking(0, script.now, script.now, script.now))
    assert (script.view.set_weight, script.view.actual_weight) == (1_000, 0)
    assert states(script.view) == [TODO, TODO]
    assert script.view.next_look is None, "a look that is being acted on is not the next one"


def test_a_bake_counts_from_when_the_write_landed() -> None:
    script = Script().begun()
    baking = Baking(0, script.now, script.now, script.now)
    script.intent(script.plan.routing_at(0), "stage 1/2", baking).later(3).land(script.plan.routing_at(0), baking)
    bake = script.view.bake
    assert bake is not None
    assert bake.ends == START + timedelta(minutes=5, seconds=3)
    assert (script.view.stage, script.view.phase) == (0, "baking stage 1")
    assert (script.view.set_weight, script.view.actual_weight) == (1_000, 1_000)
    assert states(script.view) == [NOW, TODO]


def test_waiting_for_a_verdict_ends_with_patience() -> None:
    script = Script().begun().later(1).enter(0)
    assert isinstance(script.state, Baking)
    assert script.view.gives_up_at is None
    script.state = replace(script.state, good_since=None)
    view = script.look("orders-errors: INSUFFICIENT_DATA").view
    assert view.bake is not None
    assert view.bake.ends is None
    assert view.gives_up_at == script.now + script.plan.patience
    assert view.reason == "orders-errors: INSUFFICIENT_DATA"


def test_a_pause_beyond_the_calendar_never_ends() -> None:
    endless = Paused("", Ready(START), START.replace(year=9999), timedelta(days=400))
    assert ReleaseView(state=endless).gives_up_at is None
    assert ReleaseView(state=replace(endless, lasts=timedelta(hours=1))).gives_up_at is not None


def test_promoted() -> None:
    view = promoted().view
    assert (view.outcome, view.phase, view.next_look) == (Outcome.PROMOTED, "promoted", None)
    assert states(view) == [DONE, DONE]
    assert (view.set_weight, view.actual_weight) == (10_000, 10_000)


def test_a_stage_is_reverted_once_the_alias_was_seen_without_the_candidate() -> None:
    script = failing()
    view = script.view
    assert states(view) == [DONE, NOW, TODO]
    assert (view.set_weight, view.actual_weight) == (0, 5_000)
    assert view.reason.startswith("orders-errors: ALARM since")
    assert states(script.land(script.plan.baseline, script.state).view) == [REVERTED, REVERTED, TODO]


def test_rolled_back() -> None:
    view = rolled_back().view
    assert view.outcome is Outcome.ROLLED_BACK
    assert states(view) == [REVERTED, TODO]
    assert (view.set_weight, view.actual_weight) == (0, 0)


def test_a_rollback_that_did_not_land_is_not_called_reverted() -> None:
    view = stuck().view
    assert view.phase == "held (stuck)"
    assert states(view) == [NOW, TODO]
    assert (view.set_weight, view.actual_weight) == (0, 1_000)


def test_drift_keeps_what_was_demanded_and_what_was_found() -> None:
    view = drift().view
    assert (view.set_weight, view.actual_weight, view.actual) == (1_000, 0, Routing("43"))
    assert (view.phase, view.next_look) == ("held (drift)", None)
    assert states(view) == [NOW, TODO]


def test_superseded_demands_nothing() -> None:
    script = Script().begun().later(1).enter(0).later(10)
    script.alias = script.plan.baseline
    view = script.observed().close(Outcome.SUPERSEDED, "somebody else returned all traffic to 41").view
    assert view.set_weight is None
    assert states(view) == [REVERTED, TODO]


def test_an_alias_that_cannot_be_read_keeps_its_last_weight() -> None:
    script = Script().begun().later(1).enter(0)
    script.alias = None
    for view in (script.look("the alias could not be read: timeout").view, script.observed().view):
        assert (view.actual_weight, view.blind) == (1_000, True)


def test_a_forward_write_found_after_the_decision_to_go_back_does_not_undo_it() -> None:
    script = Script().begun()
    baking = Baking(0, script.now, script.now, script.now)
    script.intent(script.plan.routing_at(0), "stage 1/2", baking).failed("unreachable", "timeout")
    script.decided(Reverting("gate", script.now), "gate").land(script.plan.routing_at(0), baking, reconciled=True)
    assert script.view.phase == "rolling back"
    assert states(script.view) == [NOW, TODO]


def test_the_failing_gates_stay_visible_while_going_back() -> None:
    script = failing()
    script.gates = ()
    assert script.look("trying to roll back again: throttled").view.gates[0].verdict is Verdict.FAIL


def test_a_record_of_another_release_changes_only_the_events() -> None:
    script = Script().begun().later(1).enter(0)
    before = script.view
    after = script.tell(Closed(Outcome.SUPERSEDED, "given up"), release="r-old").view
    assert after.events[-1].text == "r-old: superseded: given up"
    assert replace(after, events=before.events, told=before.told) == before


def test_a_release_taken_up_goes_on_from_its_state() -> None:
    script = Script()
    baking = Baking(1, START, START, START)
    script.planned().tell(Resumed(baking)).later(1)
    script.alias, script.state = script.plan.routing_at(1), baking
    view = script.look().view
    assert (view.release, view.stage) == (script.run, 1)
    assert states(view) == [DONE, NOW]
    assert (view.set_weight, view.actual_weight) == (10_000, 10_000)


def test_a_release_taken_up_without_a_plan_claims_nothing_about_stages() -> None:
    for script in (Script(), Script(replace(Script().plan, candidate=NEW_VERSION)).planned()):
        script.tell(Resumed(Baking(1, START, START, START)))
        view = script.look().view
        assert (view.plan, view.stages, view.bake, view.set_weight) == (None, (), None, None)
        assert view.phase == "baking stage 2" or isinstance(view.state, Ready)


def test_a_second_release_starts_from_nothing() -> None:
    script = stuck()
    script.run, script.op = "r-2", 0
    view = script.opened().view
    assert (view.release, view.pending, view.reached) == ("r-2", None, -1)
    assert view.events[-2:] != ()


def test_warnings_and_the_last_events_are_kept() -> None:
    script = promoted().warn("NOT JOURNALED: disk full")
    assert [told.text for told in script.view.warnings] == ["NOT JOURNALED: disk full"]
    for number in range(20):
        script.say(f"step {number}")
    assert [told.text for told in script.view.events] == [f"step {n}" for n in range(20 - MOST_EVENTS, 20)]


@pytest.mark.parametrize("cause", list(Cause))
def test_held_before_the_first_write(cause: Cause) -> None:
    view = Script().begun().hold(cause, "why").view
    assert (view.set_weight, view.stage, view.reason) == (0, None, "why")


def test_folding_is_pure() -> None:
    script = rolled_back()
    view = ReleaseView()
    for notice in script.notices:
        assert fold(view, notice) == fold(view, notice)
        view = fold(view, notice)
    assert view == script.view


def test_an_ignored_gate_is_told_once() -> None:
    script = Script().begun().later(1).enter(0)
    gate = GateResult("orders-errors", Verdict.FAIL, "orders-errors: ALARM (ignored)", acts=False)
    script.gates = (gate,)
    script.look()
    assert [told.text for told in script.view.told] == ["gate orders-errors FAIL: ALARM (ignored)"]
    assert script.look().view.told == ()
