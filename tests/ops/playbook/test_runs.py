"""Runs of playbooks in a simulated account: the ways through one, retries, waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lambdaops.core.errors import (
    ExitCode,
    UnreachableError,
)
from lambdaops.core.model import AlarmState
from lambdaops.core.playbook.book import CONTINUE, Action, Input, Json, Kind, Retry, Step
from lambdaops.core.playbook.records import Outcome, StepBegan, StepEnded
from tests.ops.playbook.books import book, closed, held, ship
from tests.sim.playing import PlayRig


def test_steps_are_done_in_order_and_see_what_came_before() -> None:
    rig = PlayRig()
    second = Step("b", Action("ship", {"name": "${{ steps.a.outputs.value }}", "count": "${{ inputs.n }}"}))
    ended = rig.run(book(ship("a"), second, inputs=(Input("n", Kind.INTEGER),)), {"n": 3})
    assert (ended.exit_code, ended.error) == (ExitCode.DONE, None)
    assert rig.commands.given == [("a", {"name": "a"}), ("b", {"name": "of a", "count": 3})]
    assert rig.kinds() == [
        "playbook-opened", "step", "step-ended", "step", "step-ended", "playbook-closed",
    ]  # fmt: skip
    assert [one.what for one in rig.journal if isinstance(one, StepBegan)] == ["ship a", "ship 'of a' --count 3"]
    assert ended.run == rig.replayed()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (True, "done b"),
        (False, "skipped b"),
        ("${{ inputs.go }}", "done b"),
        ("${{ !(inputs.go) }}", "skipped b"),
        ("${{ inputs.nothing }}", "skipped b"),
        ("${{ steps.a.status == 'done' }}", "done b"),
        ("${{ steps.a.outputs.value == 'else' }}", "skipped b"),
        ("${{ run.failed }}", "skipped b"),
        ("${{ run.environment == 'prod' && run.account == '111122223333' }}", "done b"),
        ("${{ length(inputs.go) > `1` }}", "failed b"),  # a boolean has no length
    ],
)
def test_a_step_is_done_if_its_condition_says_so(condition: Json, expected: str) -> None:
    rig = PlayRig()
    go = Input("go", Kind.BOOLEAN, required=False, default=True)
    rig.run(book(ship("a"), ship("b", condition=condition), inputs=(go, Input("nothing", required=False))))
    assert rig.story() == ["done a", expected]


def test_what_was_skipped_is_not_done_later_although_its_condition_came_true() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": [6]}
    steps = (ship("a", condition="${{ run.failed }}"), ship("b"))
    assert rig.run(book(*steps)).exit_code is ExitCode.HELD
    assert rig.resume(book(*steps)).exit_code is ExitCode.DONE
    assert rig.story() == ["skipped a", "failed b", "done b"]


def test_a_step_that_fails_may_lead_elsewhere() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": [6]}
    ended = rig.run(book(ship("a", on_failure="c"), ship("b", end=True), ship("c")))
    assert rig.story() == ["failed a", "done c"]
    assert closed(rig) == (Outcome.PARTLY, "it came to its end, and a failed")
    assert ended.exit_code is ExitCode.PARTIAL
    assert ended.error is not None


def test_a_step_that_ends_the_run_keeps_later_steps_from_being_done() -> None:
    rig = PlayRig()
    assert rig.run(book(ship("a", on_failure="c"), ship("b", end=True), ship("c"))).exit_code is ExitCode.DONE
    assert rig.story() == ["done a", "done b"]


def test_going_on_after_a_failure_ends_as_partly_done() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": [8]}
    ended = rig.run(book(ship("a", on_failure=CONTINUE), ship("b", condition="${{ run.failed }}")))
    assert rig.story() == ["failed a", "done b"]
    assert ended.exit_code is ExitCode.PARTIAL


def test_a_step_for_each_item_is_done_once_for_each() -> None:
    rig = PlayRig()
    each = Step("a", Action("ship", {"name": "${{ item }}"}), each="${{ inputs.names }}")
    after = Step("b", Action("note", {"message": "${{ join(',', steps.a.outputs[].name) }} ${{ steps.a.status }}"}))
    rig.run(book(each, after, inputs=(Input("names", Kind.LIST),)), {"names": "x,y"})
    assert rig.story() == ["done a[0]", "done a[1]", "done b"]
    (note,) = (one.message for one in rig.journal if isinstance(one, StepEnded) and one.step == "b")
    assert note == "x,y done"


def test_a_step_for_each_item_ends_the_run_only_after_its_last_item() -> None:
    rig = PlayRig()
    each = Step("a", Action("ship", {"name": "${{ item }}"}), each=["x", "y"], end=True)
    rig.run(book(each, ship("b")))
    assert rig.story() == ["done a[0]", "done a[1]"]
    assert closed(rig)[0] is Outcome.DONE


def test_what_a_step_gave_is_data_whatever_is_in_it() -> None:
    rig = PlayRig()
    rig.commands.outputs = {"a": {"value": "${{ inputs.n }} $${{"}}
    rig.run(
        book(ship("a"), Step("b", Action("ship", {"name": "${{ steps.a.outputs.value }}"})), inputs=(Input("n"),)),
        {"n": "${{ run.id }}"},
    )
    assert rig.commands.given[1] == ("b", {"name": "${{ inputs.n }} $${{"})


def test_an_expression_that_gives_nothing_fails_its_step_before_it_begins() -> None:
    rig = PlayRig()
    steps = (ship("a"), Step("b", Action("ship", {"name": "${{ steps.a.outputs.none }}"})))
    ended = rig.run(book(*steps))
    assert ended.exit_code is ExitCode.HELD
    assert [key for key, _ in rig.commands.calls] == ["a"]
    assert held(rig) == (6, "step b failed: steps.a.outputs.none gives nothing")
    assert ended.run == rig.replayed()
    rig.commands.outputs = {}
    assert rig.resume(book(*steps)).exit_code is ExitCode.HELD, "and again when it is taken up"


def test_a_parameter_whose_input_says_nothing_is_left_to_the_step() -> None:
    rig = PlayRig()
    one = Step("a", Action("wait-for", {"alarms": "${{ inputs.alarms }}"}))
    ended = rig.run(book(one, inputs=(Input("alarms", Kind.LIST, required=False),)))
    assert ended.exit_code is ExitCode.HELD
    assert "wait-for takes" in held(rig)[1]


def test_a_step_is_tried_again_after_a_wait_where_that_may_help() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": [8, 8]}
    began = rig.clock.now()
    ended = rig.run(book(ship("a", retry=Retry(3, timedelta(seconds=20)))))
    assert ended.exit_code is ExitCode.DONE
    assert rig.story() == ["failed a", "failed a", "done a"]
    assert rig.clock.now() - began == timedelta(seconds=40)
    assert [one.attempt for one in rig.journal if isinstance(one, StepBegan)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("step", "code", "tries"),
    [
        (ship("a"), 8, 3),  # AWS gave no answer
        (ship("a"), 6, 1),  # what changes something is not repeated for another reason
        (ship("a"), 2, 1),
        (Step("a", Action("look", {"name": "x"})), 6, 3),  # what only looks is
        (Step("a", Action("look", {"name": "x"})), 2, 1),  # but not what was asked for wrongly
    ],
)
def test_how_often_a_step_is_tried(step: Step, code: int, tries: int) -> None:
    rig = PlayRig()
    rig.commands.script = {"a": [code] * 9}
    rig.run(book(replace(step, retry=Retry(3, timedelta(seconds=1)))))
    assert len(rig.commands.calls) == tries


def test_whoever_takes_a_run_up_gets_as_many_tries_again() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": [8] * 5}
    one = book(ship("a", retry=Retry(3, timedelta(seconds=1))))
    assert rig.run(one).exit_code is ExitCode.AWS
    assert rig.resume(one).exit_code is ExitCode.DONE
    assert len(rig.commands.calls) == 6


def test_a_step_whose_time_is_over_is_asked_to_stop_and_failed() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": ["wait"]}
    began = rig.clock.now()
    rig.run(book(ship("a", timeout=timedelta(seconds=30))))
    assert rig.clock.now() - began == timedelta(seconds=30)
    assert held(rig) == (6, "step a failed: its time was over: stopped: the step's time is over")


def test_a_wait_for_alarms_lasts_until_they_have_been_ok_for_long_enough() -> None:
    rig = PlayRig(states={"fire": AlarmState.ALARM})
    rig.clock.after(60, lambda: rig.states.update(fire=AlarmState.OK))
    rig.clock.after(80, lambda: rig.states.update(fire=AlarmState.INSUFFICIENT_DATA))
    rig.clock.after(100, lambda: rig.states.update(fire=AlarmState.OK))
    step = Step("a", Action("wait-for", {"alarms": ["fire"], "for": "30s", "within": "5m"}))
    began = rig.clock.now()
    assert rig.run(book(step)).exit_code is ExitCode.DONE
    assert timedelta(seconds=130) <= rig.clock.now() - began <= timedelta(seconds=140)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"alarms": "fire", "within": "20s"}, "step a failed: fire is ALARM after 20s"),
        ({"queue": "dlq", "at-most": 3, "within": "20s"}, "step a failed: dlq has 5 messages after 20s"),
        ({"alarms": ["none"]}, "step a failed: there is no alarm none"),
    ],
)
def test_a_wait_ends(given: dict[str, Json], reason: str) -> None:
    rig = PlayRig(states={"fire": AlarmState.ALARM}, in_queue=5)
    rig.run(book(Step("a", Action("wait-for", given))))
    assert held(rig)[1] == reason


def test_a_wait_bears_with_an_alarm_that_cannot_be_read_for_a_moment() -> None:
    rig = PlayRig(states={"fire": AlarmState.OK}, blind=UnreachableError("reset"))
    rig.clock.after(12, lambda: setattr(rig, "blind", None))
    assert rig.run(book(Step("a", Action("wait-for", {"alarms": "fire"})))).exit_code is ExitCode.DONE


def test_a_wait_that_sees_nothing_at_all_fails_as_aws_did() -> None:
    rig = PlayRig(blind=UnreachableError("reset"))
    assert rig.run(book(Step("a", Action("wait-for", {"alarms": "fire", "within": "30s"})))).exit_code is ExitCode.AWS


@pytest.mark.parametrize(
    ("states", "fail", "code"),
    [
        ({"a": AlarmState.OK, "b": AlarmState.OK}, True, ExitCode.DONE),
        ({"a": AlarmState.OK, "b": AlarmState.ALARM}, True, ExitCode.HELD),
        ({"a": AlarmState.OK, "b": AlarmState.INSUFFICIENT_DATA}, True, ExitCode.HELD),
        ({"a": AlarmState.OK}, True, ExitCode.HELD),
        ({"a": AlarmState.OK}, False, ExitCode.DONE),
    ],
)
def test_a_check_fails_for_whatever_is_not_ok(states: dict[str, AlarmState], fail: bool, code: ExitCode) -> None:
    rig = PlayRig(states=states)
    assert rig.run(book(Step("a", Action("check", {"alarms": ["a", "b"], "fail": fail})))).exit_code is code


def test_a_condition_is_asked_once_before_the_first_attempt() -> None:
    """The failure of the step itself, or of a later one, does not make it skipped when it is tried again."""
    rig = PlayRig()
    rig.commands.script = {"a": [8]}
    rig.run(book(ship("a", condition="${{ !(run.failed) }}", retry=Retry(2, timedelta(seconds=1)))))
    assert rig.story() == ["failed a", "done a"]


def test_a_step_that_was_done_late_is_done() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": ["slow"]}
    assert rig.run(book(ship("a", timeout=timedelta(seconds=30)))).exit_code is ExitCode.DONE
    end = rig.replayed().tried["a"].end
    assert end is not None
    assert (end.code, end.message) == (0, "it is done")
