"""Runs of playbooks in a simulated account: the ways through one, and what stops it."""

from __future__ import annotations

import json
import shlex
from dataclasses import fields, replace
from datetime import timedelta

import pytest

from lambdaops.core.errors import (
    BlockedError,
    ExitCode,
    LimitReachedError,
    NothingOpenError,
    PlaybookEditedError,
    PlaybookInProgressError,
    UnreachableError,
)
from lambdaops.core.model import AlarmState
from lambdaops.core.playbook.book import CONTINUE, Action, Input, Json, Kind, Limits, Playbook, Retry, Step
from lambdaops.core.playbook.plan import Place
from lambdaops.core.playbook.records import Outcome, PlaybookClosed, PlaybookHeld, StepBegan, StepEnded, Wish
from lambdaops.core.states import Signal
from lambdaops.ops.playbook.prepare import planned
from lambdaops.ops.playbook.start import take_up
from lambdaops.ports.playbooks import Answer
from tests.sim.journal import Crash
from tests.sim.playing import ADA, BOB, PlayRig

CTRL_C = (Signal.HOLD, "Ctrl-C")


def ship(name: str, **more: object) -> Step:
    return Step(name, Action("ship", {"name": name}), **more)  # type: ignore[arg-type]


def undoable(name: str, **more: object) -> Step:
    return ship(name, undo=Action("unship", {"name": name}), **more)


def book(*steps: Step, **more: object) -> Playbook:
    return Playbook("book", steps, digest="d1", **more)  # type: ignore[arg-type]


def closed(rig: PlayRig) -> tuple[Outcome, str]:
    run = rig.replayed()
    assert run.closed is not None, run.held
    return run.closed.outcome, run.closed.reason


def held(rig: PlayRig) -> tuple[int, str]:
    run = rig.replayed()
    assert run.held is not None, run.closed
    return run.held.code, run.held.reason


# -- ways through -----------------------------------------------------------------------------------------------------


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


# -- retries and waits -------------------------------------------------------------------------------------------------


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


def test_a_wait_between_tries_lasts_as_long_as_looks_at_alarms_take() -> None:
    """A look may take longer than what is left of the wait."""
    rig = PlayRig(states={"fire": AlarmState.OK}, slow_looks=timedelta(seconds=2))
    rig.commands.script = {"a": [8]}
    one = book(ship("a", retry=Retry(2, timedelta(seconds=11))), Step("b", Action("wait-for", {"time": "11s"})))
    assert rig.run(one, stop_alarms=("fire",)).exit_code is ExitCode.DONE


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


# -- alarms and people that stop it ------------------------------------------------------------------------------------


def test_no_run_begins_while_an_alarm_that_stops_it_objects() -> None:
    for states in ({"fire": AlarmState.ALARM}, {}):
        rig = PlayRig(states=states)
        with pytest.raises(BlockedError):
            rig.run(book(ship("a")), stop_alarms=("fire",))
        assert rig.journal == []


def test_an_alarm_stops_the_run_between_steps_and_resuming_goes_on_once_it_is_quiet() -> None:
    rig = PlayRig(states={"fire": AlarmState.OK})
    rig.commands.script = {"a": ["slow"]}
    rig.clock.after(5, lambda: rig.states.update(fire=AlarmState.ALARM))
    steps = book(ship("a"), undoable("b"))
    assert rig.run(steps, stop_alarms=("fire",)).exit_code is ExitCode.HELD
    assert rig.story() == ["done a"]
    assert "alarm fire is in ALARM" in held(rig)[1]
    assert rig.resume(steps, stop_alarms=("fire",)).exit_code is ExitCode.HELD, "it still objects"
    rig.states["fire"] = AlarmState.OK
    assert rig.resume(steps).exit_code is ExitCode.DONE
    assert rig.story() == ["done a", "done b"]


def test_an_alarm_stops_a_step_that_can_be_and_its_end_is_looked_for_later() -> None:
    rig = PlayRig(states={"fire": AlarmState.OK})
    rig.commands.script = {"a": ["wait"]}
    rig.clock.after(25, lambda: rig.states.update(fire=AlarmState.ALARM))
    assert rig.run(book(ship("a")), stop_alarms=("fire",)).exit_code is ExitCode.HELD
    assert rig.story() == []
    rig.states["fire"] = AlarmState.OK
    assert rig.resume(book(ship("a"))).exit_code is ExitCode.DONE
    assert rig.commands.calls == [("a", False), ("a", True)]


@pytest.mark.parametrize(("seconds", "code"), [(45, ExitCode.DONE), (90, ExitCode.HELD)])
def test_an_alarm_that_cannot_be_read_objects_after_a_minute(seconds: int, code: ExitCode) -> None:
    rig = PlayRig(states={"fire": AlarmState.OK})
    rig.clock.after(5, lambda: setattr(rig, "blind", UnreachableError("reset")))
    rig.clock.after(5 + seconds, lambda: setattr(rig, "blind", None))
    wait = Step("a", Action("wait-for", {"time": "3m"}))
    assert rig.run(book(wait), stop_alarms=("fire",)).exit_code is code


def test_alarms_are_looked_at_every_ten_seconds_at_most() -> None:
    rig = PlayRig(states={"fire": AlarmState.OK})
    rig.run(book(Step("a", Action("wait-for", {"time": "1m"}))), stop_alarms=("fire",))
    assert rig.looks <= 8


def test_an_alarm_keeps_nothing_from_being_taken_back() -> None:
    rig = PlayRig(states={"fire": AlarmState.OK})
    rig.commands.script = {"b": ["slow", 6]}
    rig.commands.script["b"] = [6]
    rig.commands.script["a~undo"] = ["slow"]
    rig.clock.after(0, lambda: rig.states.update(fire=AlarmState.OK))

    def burn(_: object) -> None:
        if "unship" in str(_):
            rig.states["fire"] = AlarmState.ALARM

    rig.on_notice = burn
    assert rig.run(book(undoable("a"), ship("b")), stop_alarms=("fire",)).exit_code is ExitCode.PARTIAL
    assert rig.story() == ["done a", "failed b", "undone a"]


def test_a_person_stops_the_run_at_a_boundary() -> None:
    rig = PlayRig(asked=CTRL_C)
    assert rig.run(book(ship("a"))).exit_code is ExitCode.INTERRUPTED
    assert rig.commands.calls == []
    rig.asked = None
    assert rig.run(book(ship("a"))).exit_code is ExitCode.DONE, "the same command takes it up"
    assert rig.kinds().count("playbook-opened") == 1


def test_a_person_stops_a_step_that_can_be() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": ["wait"]}
    rig.clock.after(10, lambda: setattr(rig, "asked", CTRL_C))
    assert rig.run(book(undoable("a"))).exit_code is ExitCode.INTERRUPTED
    assert rig.story() == [], "whether it was done is for the next to see"
    rig.asked = None
    assert rig.resume(book(undoable("a"))).exit_code is ExitCode.DONE
    assert rig.commands.calls == [("a", False), ("a", True)]


def test_a_person_stops_the_taking_back_which_is_resumed() -> None:
    rig = PlayRig()
    rig.commands.script = {"c": [6], "b~undo": ["wait"]}
    rig.clock.after(10, lambda: setattr(rig, "asked", CTRL_C))
    steps = book(undoable("a"), undoable("b"), ship("c"))
    assert rig.run(steps).exit_code is ExitCode.INTERRUPTED
    rig.asked = None
    assert rig.resume(steps).exit_code is ExitCode.PARTIAL
    assert rig.story() == ["done a", "done b", "failed c", "undone b", "undone a"]
    assert closed(rig)[0] is Outcome.UNDONE


# -- approvals ---------------------------------------------------------------------------------------------------------

APPROVE = Step("ok", Action("approve", {"message": "Ship it?", "within": "10m"}))


def test_somebody_elses_yes_goes_on() -> None:
    rig = PlayRig()
    rig.clock.after(60, lambda: rig.answer(Wish.APPROVE))
    assert rig.run(book(APPROVE, ship("a"))).exit_code is ExitCode.DONE
    found = rig.replayed().tried["ok"].outputs
    assert found == {"approved_by": BOB, "reason": "looked at it"}


def test_who_began_it_may_not_approve_unless_the_playbook_says_so() -> None:
    rig = PlayRig()

    def mine() -> None:
        with pytest.raises(BlockedError):
            rig.answer(Wish.APPROVE, ADA)

    rig.clock.after(60, mine)
    assert rig.run(book(APPROVE)).exit_code is ExitCode.HELD
    assert held(rig)[1] == "step ok failed: nobody approved it in time"
    rig = PlayRig()
    rig.clock.after(60, lambda: rig.answer(Wish.APPROVE, ADA))
    mine_too = Step("ok", Action("approve", {"message": "Ship it?", "self": True}))
    assert rig.run(book(mine_too)).exit_code is ExitCode.DONE


def test_a_no_counts_whoever_says_it() -> None:
    rig = PlayRig()
    rig.clock.after(60, lambda: rig.answer(Wish.REJECT, ADA, "not today"))
    assert rig.run(book(undoable("a"), APPROVE)).exit_code is ExitCode.PARTIAL
    assert closed(rig)[1].startswith(f"step ok failed: rejected by {ADA}: not today")


def test_an_approval_ends_and_is_asked_for_once_more_by_resuming() -> None:
    rig = PlayRig()
    began = rig.clock.now()
    assert rig.run(book(APPROVE, ship("a"))).exit_code is ExitCode.HELD
    assert rig.clock.now() - began == timedelta(minutes=10)
    with pytest.raises(BlockedError):
        rig.answer(Wish.APPROVE)
    rig.clock.after(60, lambda: rig.answer(Wish.APPROVE))
    assert rig.resume(book(APPROVE, ship("a"))).exit_code is ExitCode.DONE


@pytest.mark.parametrize(("yes", "approved", "code"), [
    (True, True, ExitCode.DONE), (False, True, ExitCode.HELD), (True, False, ExitCode.HELD),
])  # fmt: skip
def test_yes_approves_only_where_the_playbook_lets_it(yes: bool, approved: bool, code: ExitCode) -> None:
    rig = PlayRig()
    step = Step("ok", Action("approve", {"message": "?", "yes": yes, "within": "1m"}))
    assert rig.run(book(step), approved=approved).exit_code is code


@pytest.mark.parametrize("before", [True, False])
def test_an_approval_survives_the_process_that_waited_for_it(before: bool) -> None:
    """Given while nobody waits, or after the next process has begun to."""
    rig = PlayRig()

    def die() -> None:
        raise Crash

    rig.clock.after(60, die)
    steps = book(APPROVE, ship("a"))
    with pytest.raises(Crash):
        rig.run(steps)
    if before:
        rig.answer(Wish.APPROVE)
    else:
        rig.clock.after(60, lambda: rig.answer(Wish.APPROVE))
    assert rig.run(steps).exit_code is ExitCode.DONE
    assert rig.kinds().count("approval") == 1


def test_an_approval_of_another_plan_does_not_count() -> None:
    rig = PlayRig()
    rig.clock.after(60, lambda: setattr(rig, "asked", CTRL_C))
    steps = book(APPROVE, ship("a"))
    assert rig.run(steps).exit_code is ExitCode.INTERRUPTED
    rig.answer(Wish.APPROVE)
    rig.asked = None
    ended = rig.resume(replace(steps, digest="d2"), edited=True)
    assert ended.exit_code is ExitCode.HELD, "what was approved was another playbook"


def test_how_long_an_approval_may_take_is_checked_before_it_is_asked_for() -> None:
    rig = PlayRig()
    step = Step("ok", Action("approve", {"message": "?", "within": "${{ inputs.long }}"}))
    assert rig.run(book(step, inputs=(Input("long"),)), {"long": "a while"}).exit_code is ExitCode.HELD
    assert "'a while' is not a duration" in held(rig)[1]


# -- taking back -------------------------------------------------------------------------------------------------------


def test_what_was_done_is_taken_back_the_newest_first() -> None:
    rig = PlayRig()
    rig.commands.script = {"d": [6]}
    ended = rig.run(book(undoable("a"), undoable("b", condition=False), undoable("c"), ship("d"), ship("e")))
    assert rig.story() == ["done a", "skipped b", "done c", "failed d", "undone c", "undone a"]
    assert ended.exit_code is ExitCode.PARTIAL
    assert closed(rig) == (Outcome.UNDONE, "step d failed: failed with 6; what was done before is taken back")


@pytest.mark.parametrize(
    ("codes", "undone"),
    [
        ([6], True),
        (["partly"], True),
        ([8], True),  # AWS did not answer: it may have happened
        ([2], False),
        ([3], False),
        ([4], False),
    ],
)
def test_what_failed_itself_is_taken_back_unless_it_left_everything_as_it_was(
    codes: list[int | str], undone: bool
) -> None:
    rig = PlayRig()
    rig.commands.script = {"b": codes}
    rig.run(book(undoable("a"), undoable("b")))
    assert ("undone b" in rig.story()) is undone
    assert "undone a" in rig.story()


@pytest.mark.parametrize("first", ["partly", "die-after", 8])
@pytest.mark.parametrize("then", [2, 3])
def test_what_an_earlier_attempt_did_is_taken_back_although_the_last_did_nothing(first: int | str, then: int) -> None:
    """A second attempt that is refused says nothing of the first."""
    rig = PlayRig()
    rig.commands.script = {"b": [first, then], "c": []}
    steps = book(ship("a"), undoable("b", on_failure=CONTINUE, retry=Retry(2, timedelta(seconds=1))), ship("c"))
    if first == "die-after":
        rig.commands.script["b"] = [first]
        with pytest.raises(Crash):
            rig.run(steps)
        rig.commands.effects.clear()  # it does not recognise what it did
        rig.commands.script["b"] = [then]
    if first == "partly":
        steps = book(undoable("b"), ship("c"))
        rig.clock.after(0, lambda: None)
        rig.commands.script["b"] = ["wait", then]
        rig.clock.after(5, lambda: setattr(rig, "asked", CTRL_C))
        rig.run(steps)
        rig.asked = None
        rig.commands.script["b"] = [then]
    rig.commands.script["c"] = [6]
    rig.run(steps)
    assert "undone b" in rig.story(), rig.story()


def test_what_cannot_be_taken_back_does_not_keep_the_others_and_is_tried_again_by_resuming() -> None:
    rig = PlayRig()
    rig.commands.script = {"c": [6], "b~undo": [8]}
    steps = book(undoable("a"), undoable("b"), ship("c"))
    assert rig.run(steps).exit_code is ExitCode.AWS
    assert held(rig) == (8, "b could not be taken back: failed with 8")
    assert rig.resume(steps).exit_code is ExitCode.PARTIAL
    assert rig.story() == ["done a", "done b", "failed c", "unfailed b", "undone a", "undone b"]


def test_what_takes_back_sees_what_the_step_gave() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": [6]}
    undo = Action("unship", {"name": "${{ steps.a.outputs.value }}"})
    rig.run(book(Step("a", Action("ship", {"name": "a"}), undo=undo), ship("b")))
    assert rig.commands.given[-1] == ("a~undo", {"name": "of a"})


@pytest.mark.parametrize("how", ["die-before", "die-after"])
def test_a_killed_compensation_is_gone_on_with(how: str) -> None:
    rig = PlayRig()
    rig.commands.script = {"c": [6], "b~undo": [how]}
    steps = book(undoable("a"), undoable("b"), ship("c"))
    with pytest.raises(Crash):
        rig.run(steps)
    assert rig.run(steps).exit_code is ExitCode.PARTIAL
    assert rig.commands.effects["b~undo"] == rig.commands.effects["a~undo"] == 1
    assert rig.story() == ["done a", "done b", "failed c", "undone b", "undone a"]


# -- cancelling --------------------------------------------------------------------------------------------------------


def test_cancelling_takes_back_what_was_done() -> None:
    rig = PlayRig()
    rig.clock.after(60, rig.cancel)
    wait = Step("b", Action("wait-for", {"time": "5m"}))
    began = rig.clock.now()
    assert rig.run(book(undoable("a"), wait, ship("c"))).exit_code is ExitCode.PARTIAL
    assert closed(rig) == (Outcome.CANCELLED, "cancelled: enough; what was done before is taken back")
    assert rig.story() == ["done a", "failed b", "undone a"]
    assert rig.clock.now() - began < timedelta(minutes=2), "a wait does not go on for a run that was cancelled"


def test_a_command_that_can_be_stopped_is_when_its_run_is_cancelled() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": ["wait"]}
    rig.clock.after(60, rig.cancel)
    assert rig.run(book(undoable("a"), ship("c"))).exit_code is ExitCode.PARTIAL
    assert rig.story() == ["failed a", "undone a"]


def test_cancelling_a_run_that_waits_for_approval() -> None:
    rig = PlayRig()
    rig.clock.after(60, rig.cancel)
    assert rig.run(book(APPROVE)).exit_code is ExitCode.PARTIAL
    assert closed(rig) == (Outcome.CANCELLED, "cancelled: enough")


def test_a_cancelled_run_that_nobody_drives_is_ended_by_resuming() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": ["die-before"]}
    steps = book(undoable("a"), undoable("b"), ship("c"))
    with pytest.raises(Crash):
        rig.run(steps)
    rig.cancel()
    assert rig.replayed().open
    assert rig.resume(steps).exit_code is ExitCode.PARTIAL
    assert rig.story() == ["done a", "undone b", "undone a"], "what may have been done is taken back, too"


def test_cancelling_while_it_is_taken_back_changes_nothing() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": [6], "a~undo": ["slow"]}
    rig.clock.after(30, rig.cancel)
    rig.run(book(undoable("a"), ship("b")))
    assert closed(rig)[0] is Outcome.UNDONE


def test_a_request_that_comes_in_the_very_moment_a_run_is_taken_up_is_heeded() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": [6]}
    steps = book(ship("a"))
    rig.run(steps)
    rig.on_notice = lambda notice: rig.cancel() if "taking up" in str(notice) else None
    rig.resume(steps)
    assert closed(rig)[0] is Outcome.CANCELLED


def test_a_run_that_is_over_is_neither_taken_up_nor_cancelled() -> None:
    rig = PlayRig()
    steps = book(ship("a"))
    done = rig.run(steps).run.id
    for act in (rig.cancel, lambda: take_up(rig.ports, planned(rig.ports, rig.request(steps)), done)):
        with pytest.raises(NothingOpenError):
            act()


# -- whether it may begin, or go on ------------------------------------------------------------------------------------


def test_the_same_command_again_takes_up_what_is_not_over_and_begins_anew_after_that() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": [6]}
    for expected in (ExitCode.HELD, ExitCode.DONE, ExitCode.DONE):
        assert rig.run(book(ship("a"))).exit_code is expected
    assert rig.kinds().count("playbook-opened") == 2


def test_other_inputs_are_another_run() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": [6]}
    one = book(ship("a"), inputs=(Input("n"),))
    rig.run(one, {"n": "1"})
    rig.run(one, {"n": "2"})
    assert rig.kinds().count("playbook-opened") == 2
    assert [one.open for one in [rig.replayed()]] == [False]


def test_one_process_at_a_time() -> None:
    rig = PlayRig()

    def again() -> None:
        with pytest.raises(PlaybookInProgressError):
            rig.run(steps)
        with pytest.raises(PlaybookInProgressError):
            rig.resume(steps)

    rig.clock.after(30, again)
    steps = book(Step("a", Action("wait-for", {"time": "1m"})))
    assert rig.run(steps).exit_code is ExitCode.DONE


def test_an_edited_playbook_and_other_inputs_are_refused_unless_that_is_wanted() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": [6]}
    steps = book(ship("a"), ship("b"), inputs=(Input("n", required=False, default="1"),))
    rig.run(steps)
    for other, said in ((replace(steps, digest="d2"), {}), (steps, {"n": "2"})):
        with pytest.raises(PlaybookEditedError):
            rig.resume(other, said)
    assert rig.kinds().count("playbook-resumed") == 0
    assert rig.resume(replace(steps, digest="d2"), edited=True).exit_code is ExitCode.DONE
    assert rig.story() == ["done a", "failed b", "done b"]


def test_another_place_is_another_plan() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": [6]}
    rig.run(book(ship("a")))
    for place in (Place("999999999999", "eu-central-1", "prod"), Place("111122223333", "eu-west-1", "prod"),
                  Place("111122223333", "eu-central-1", "dev")):  # fmt: skip
        prepared = planned(rig.ports, rig.request(book(ship("a")), place=place))
        assert prepared.plan.hash != rig.replayed().plan


def test_a_run_is_held_to_the_plan_that_was_looked_at() -> None:
    rig = PlayRig()
    wanted = planned(rig.ports, rig.request(book(ship("a")))).plan.hash
    with pytest.raises(PlaybookEditedError):
        rig.run(replace(book(ship("a")), digest="d2"), plan=wanted)
    assert rig.run(book(ship("a")), plan=wanted).exit_code is ExitCode.DONE


def test_no_more_targets_than_the_playbook_may_reach() -> None:
    rig = PlayRig()
    steps = book(ship("a"), ship("b"), limits=Limits(targets=1))
    with pytest.raises(LimitReachedError):
        rig.run(steps)
    assert rig.journal == []
    assert rig.run(steps, override="it burns").exit_code is ExitCode.DONE
    assert rig.run(book(ship("a"), ship("a2"), limits=Limits(targets=2))).exit_code is ExitCode.DONE


def test_no_more_runs_within_the_hour_than_it_may_have() -> None:
    rig = PlayRig()
    steps = book(ship("a"), limits=Limits(runs_per_hour=2))
    rig.run(steps)
    rig.clock.advance(timedelta(minutes=30))
    rig.run(steps)
    with pytest.raises(LimitReachedError) as caught:
        rig.run(steps)
    assert "04:00:00 UTC" in caught.value.hint
    rig.run(steps, override="it burns")
    rig.clock.advance(timedelta(minutes=59))
    with pytest.raises(LimitReachedError):
        rig.run(steps)
    rig.clock.advance(timedelta(minutes=2))
    rig.run(steps)


def test_a_run_that_goes_on_is_not_counted_once_more() -> None:
    rig = PlayRig()
    steps = book(ship("a"), limits=Limits(targets=1, runs_per_hour=1))
    rig.commands.script = {"a": [6]}
    rig.run(steps)
    assert rig.run(steps).exit_code is ExitCode.DONE


# -- calls of functions, and of AWS ------------------------------------------------------------------------------------


def invoke(**given: Json) -> Playbook:
    return book(Step("a", Action("invoke", {"target": "orders:live", "payload": {"n": 1}, **given})))


def test_a_function_is_called_and_what_was_selected_is_kept() -> None:
    rig = PlayRig(answers=[Answer("r", "7", "", "", {"token": "t0ken", "ok": [1, 2]})])
    assert rig.run(invoke(select="ok[0]")).exit_code is ExitCode.DONE
    assert rig.invoked == [b'{"n": 1}']
    assert rig.replayed().tried["a"].outputs["selected"] == 1
    assert "t0ken" not in rig.lines() and '"n"' not in rig.lines()  # noqa: PT018


def test_a_function_that_failed_fails_the_step() -> None:
    rig = PlayRig(answers=[Answer("r", "7", "Unhandled", "KeyError", None)])
    assert rig.run(invoke()).exit_code is ExitCode.HELD


def test_a_call_that_may_have_been_made_is_not_made_again_without_a_person() -> None:
    rig = PlayRig(answers=["die"])
    with pytest.raises(Crash):
        rig.run(invoke())
    assert rig.run(invoke()).exit_code is ExitCode.HELD
    assert "invoke may happen twice" in held(rig)[1]
    assert len(rig.invoked) == 1
    assert rig.resume(invoke(), repeat=True).exit_code is ExitCode.DONE
    assert len(rig.invoked) == 2


def test_a_call_that_may_be_repeated_is() -> None:
    rig = PlayRig(answers=["die"])
    with pytest.raises(Crash):
        rig.run(invoke(repeatable=True))
    assert rig.run(invoke(repeatable=True)).exit_code is ExitCode.DONE


@pytest.mark.parametrize(("repeatable", "calls"), [(False, 1), (True, 2)])
def test_a_call_whose_answer_was_lost_is_tried_again_only_if_it_may_be(repeatable: bool, calls: int) -> None:
    rig = PlayRig(answers=[UnreachableError("reset")])
    (step,) = invoke(repeatable=repeatable).steps
    rig.run(book(replace(step, retry=Retry(3, timedelta(seconds=1)))))
    assert len(rig.invoked) == calls
    if not repeatable:
        assert "may happen twice" in held(rig)[1]


def test_a_selection_that_cannot_be_made_does_not_undo_the_call() -> None:
    rig = PlayRig()
    (step,) = invoke(select="sort(ok)").steps
    rig.run(book(replace(step, undo=Action("unship", {"name": "a"}))))
    assert rig.story() == ["failed a", "undone a"]


def test_a_question_to_aws_keeps_no_variables_and_reads_only() -> None:
    rig = PlayRig()
    good = Action("aws", {"service": "lambda", "call": "GetFunctionConfiguration", "parameters": {"FunctionName": "f"}})
    rig.run(book(Step("a", good)))
    assert rig.replayed().tried["a"].outputs == {"answer": {"N": 3, "Nested": [{"Kept": 2}]}}
    rig.run(replace(book(Step("a", Action("aws", {"service": "lambda", "call": "UpdateAlias"}))), digest="d3"))
    assert rig.asked_of_aws == [("lambda", "GetFunctionConfiguration")]


@pytest.mark.parametrize(
    ("that", "code"),
    [
        ("${{ steps.a.outputs.value == 'of a' }}", ExitCode.DONE),
        ("${{ steps.a.outputs.value == 'x' }}", ExitCode.HELD),
        ("${{ steps.a.outputs.none }}", ExitCode.HELD),
        ("text", ExitCode.DONE),
        ("", ExitCode.HELD),
        (0, ExitCode.DONE),
    ],
)
def test_an_assertion(that: Json, code: ExitCode) -> None:
    rig = PlayRig()
    assert rig.run(book(ship("a"), Step("b", Action("assert", {"that": that})))).exit_code is code


# -- outputs and secrets -----------------------------------------------------------------------------------------------


def test_what_a_run_gives_is_null_where_it_cannot_be_told() -> None:
    rig = PlayRig()
    outputs: dict[str, Json] = {"a": "${{ steps.a.outputs.value }}", "b": "${{ steps.a.outputs.none }}", "c": 5}
    rig.run(book(ship("a"), outputs=outputs))
    (end,) = (one for one in rig.journal if isinstance(one, PlaybookClosed))
    assert end.outputs == '{"a":"of a","b":null,"c":5}'


def test_of_outputs_that_are_too_large_the_largest_are_left_out() -> None:
    rig = PlayRig()
    rig.commands.outputs = {"a": {"large": "x" * 40_000, "small": 1}}
    rig.run(book(ship("a")))
    assert rig.replayed().tried["a"].outputs == {"left_out": ["large"], "name": "a", "small": 1, "value": "of a"}


def test_no_record_grows_with_what_a_step_says() -> None:
    rig = PlayRig()
    rig.commands.outputs = {"a": {"value": "x" * 30_000}}
    many = " ".join(["${{ steps.a.outputs.value }}"] * 30)
    rig.run(book(ship("a"), Step("b", Action("note", {"message": many}))))
    assert max(map(len, rig.lines().split("\n"))) < 100_000


@pytest.mark.parametrize("secret", ["hunter2", "it's", 'quo"te', "back\\slash", "pässword", "a b", "1", ",", ":", "}"])
def test_a_secret_is_in_no_record_and_leaves_records_readable(secret: str) -> None:
    """Wherever a function, a command or AWS gives it back."""
    token = Input("token", secret=True)
    rig = PlayRig(answers=[Answer("r", "7", "", "", {"said": f"got {secret}", secret: [secret]})])
    rig.commands.outputs = {"b": {"value": f"x{secret}y", "n": 1}}
    call = Step("a", Action("invoke", {"target": "f:live", "payload": "${{ inputs.token }}", "select": "@"}))
    steps = book(
        call,
        ship("b"),
        Step("c", Action("ship", {"name": "${{ inputs.token }}", "more": {"t": "${{ inputs.token }}"}})),
        Step("d", Action("note", {"message": "${{ inputs.token }} ${{ to_string(inputs) }}"})),
        Step("e", Action("assert", {"that": False, "message": "not ${{ inputs.token }}"})),
        inputs=(token,),
        outputs={"t": "${{ inputs.token }}"},
    )
    rig.run(steps, {"token": secret})
    run = rig.replayed()
    assert [run.tried[key].status is not None for key in "abcde"] == [True] * 5
    assert rig.commands.given[-1][1]["name"] == secret, "what does the work sees it"
    if len(secret) > 1:
        forms = (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
        told = [text for one in rig.journal for text in _texts(one)]
        assert not [text for text in told for form in forms if form in text]
        assert not [text for text in told if len(shlex.quote(secret)) > len(secret) + 2 and shlex.quote(secret) in text]


def test_a_secret_number_is_masked_as_a_number_too() -> None:
    rig = PlayRig()
    rig.commands.outputs = {"a": {"value": 4711, "list": [{"n": 4711}, True, None]}}
    rig.run(book(ship("a"), inputs=(Input("pin", Kind.INTEGER, secret=True),)), {"pin": 4711})
    assert "4711" not in rig.lines()
    assert rig.replayed().tried["a"].outputs["list"] == [{"n": "***"}, True, None]


def _texts(event: object) -> list[str]:
    return [value for one in fields(event) if isinstance(value := getattr(event, one.name), str)]  # type: ignore[arg-type]


def test_a_step_that_was_held_says_so_to_whoever_asks() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": [5]}
    ended = rig.run(book(ship("a")))
    assert ended.exit_code is ExitCode.ROLLBACK_INCOMPLETE
    assert isinstance(rig.journal[-1], PlaybookHeld)
    assert ended.error is not None
