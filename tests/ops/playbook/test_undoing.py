"""What was done is taken back when a later step fails."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from lambdaops.core.errors import (
    ExitCode,
    PlaybookEditedError,
)
from lambdaops.core.playbook.book import Action, Input, Json, Kind, Playbook, Retry, Step, Undo
from lambdaops.core.playbook.records import Outcome, PlaybookUndoing
from tests.ops.playbook.books import book, closed, held, killed_at, ship, undoable
from tests.sim.journal import Crash
from tests.sim.playing import PlayRig


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


@pytest.mark.parametrize("then", [2, 3])
def test_what_an_earlier_attempt_did_is_taken_back_although_the_last_did_nothing(then: int) -> None:
    """A second attempt that is refused says nothing of the first."""
    rig = PlayRig()
    rig.commands.script = {"a": [8, then]}
    rig.run(book(undoable("a", retry=Retry(2, timedelta(seconds=1)))))
    assert rig.story() == ["failed a", "failed a", "undone a"]


@pytest.mark.parametrize("then", [2, 3])
def test_what_a_process_that_died_did_is_taken_back_although_the_next_was_refused(then: int) -> None:
    rig = PlayRig()
    rig.commands.script = {"a": ["die-after"]}
    with pytest.raises(Crash):
        rig.run(book(undoable("a")))
    rig.commands.done.clear()  # it does not recognise what it did
    rig.commands.script["a"] = [then]
    rig.run(book(undoable("a")))
    assert rig.story() == ["failed a", "undone a"]


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
    undo = Undo("unship", {"name": "${{ steps.a.outputs.value }}"})
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


# -- what is taken back sees what it gave, and says whether there is anything ------------------------------------------

NAMES = Input("names", Kind.LIST, required=False, default=["x", "y", "z", "later"])


def each(condition: Json = True, given: Json = "${{ item }} ${{ outputs.value }}", **more: object) -> Playbook:
    """One step for each of four names, each taken back with what it gave, and one after them."""
    undo = Undo("unship", {"name": given}, condition)
    step = Step("a", Action("ship", {"name": "${{ item }}"}), each="${{ inputs.names }}", undo=undo)
    return book(step, ship("b"), inputs=(NAMES,), **more)


def undone(rig: PlayRig) -> list[tuple[str, Json]]:
    """What was taken back, and what that was given."""
    return [(key, given["name"]) for key, given in rig.commands.given if key.endswith("~undo")]


def test_the_items_that_were_done_are_taken_back_the_newest_first_each_with_what_it_gave() -> None:
    """The third of four failed half-way: it is taken back as well, and the fourth was never begun."""
    rig = PlayRig()
    rig.commands.script = {"a[2]": ["partly"]}
    assert rig.run(each(given="${{ item }}")).exit_code is ExitCode.PARTIAL
    assert rig.story() == ["done a[0]", "done a[1]", "failed a[2]", "undone a[2]", "undone a[1]", "undone a[0]"]
    assert undone(rig) == [("a[2]~undo", "z"), ("a[1]~undo", "y"), ("a[0]~undo", "x")]


def test_an_item_that_failed_without_effect_is_not_taken_back() -> None:
    rig = PlayRig()
    rig.commands.script = {"a[2]": [3]}
    assert rig.run(each()).exit_code is ExitCode.PARTIAL
    assert undone(rig) == [("a[1]~undo", "y of a[1]"), ("a[0]~undo", "x of a[0]")]


@pytest.mark.parametrize("value", [3, 0.5, True, ["p", 1], {"k": [None]}, "${{ item }}"])
def test_what_a_step_gave_keeps_its_type(value: Json) -> None:
    rig = PlayRig()
    rig.commands.script = {"b": [6]}
    rig.commands.outputs = {"a": {"value": value}}
    undo = Undo("assert", {"that": "${{ outputs.value == `" + _json(value) + "` }}", "message": "another"})
    rig.run(book(ship("a", undo=undo), ship("b")))
    assert rig.story()[-1] == "undone a"


def _json(value: Json) -> str:
    return json.dumps(value)


def test_what_changed_nothing_is_not_taken_back_and_that_is_on_record() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": [6]}
    rig.commands.outputs = {"a[1]": {"value": False}, "a[2]": {"value": None}, "a[3]": {"value": ""}}
    assert rig.run(each("${{ outputs.value }}")).exit_code is ExitCode.PARTIAL
    assert rig.story()[-4:] == ["unskipped a[3]", "unskipped a[2]", "unskipped a[1]", "undone a[0]"]
    assert undone(rig) == [("a[0]~undo", "x of a[0]")]
    tried = rig.replayed().undone["a[1]"]
    assert tried.end is not None
    assert tried.end.message == "there is nothing to take back"
    assert closed(rig) == (Outcome.UNDONE, "step b failed: failed with 6; what was done before is taken back")


def test_a_run_of_which_nothing_is_to_be_taken_back_is_held_and_goes_on() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": [6]}
    steps = each("${{ outputs.value == 'moved' }}")
    assert rig.run(steps).exit_code is ExitCode.HELD
    assert held(rig) == (6, "step b failed: failed with 6")
    assert not [one for one in rig.journal if isinstance(one, PlaybookUndoing)]
    assert rig.resume(steps).exit_code is ExitCode.DONE
    assert undone(rig) == []


def test_one_that_is_cancelled_takes_back_what_changed_something() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": ["wait"]}
    rig.commands.outputs = {"a[0]": {"value": False}, "a[2]": {"value": False}}
    rig.clock.after(20, rig.cancel)
    assert rig.run(each("${{ outputs.value }}")).exit_code is ExitCode.PARTIAL
    assert [key for key, _ in undone(rig)] == ["a[3]~undo", "a[1]~undo"]
    assert closed(rig)[0] is Outcome.CANCELLED


def test_a_cancelled_run_of_which_nothing_is_to_be_taken_back_is_over() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": ["wait"]}
    rig.clock.after(20, rig.cancel)
    rig.run(each("${{ outputs.value == 'moved' }}"))
    assert closed(rig)[0] is Outcome.CANCELLED
    assert undone(rig) == []


@pytest.mark.parametrize("condition", ["${{ outputs.value }}", "${{ steps.a.outputs.value }}"])
def test_of_a_step_whose_end_nobody_knows_it_is_not_guessed_whether_there_is_anything(condition: str) -> None:
    """Its process died, and somebody cancelled the run: what the step gave is not on record."""
    rig = PlayRig()
    rig.commands.script = {"a": ["die-after"]}
    undo = Undo("unship", {"name": "a"}, condition)
    steps = book(undoable("z"), ship("a", undo=undo), ship("b"))
    with pytest.raises(Crash):
        rig.run(steps)
    rig.cancel()
    for _ in range(2):
        assert rig.resume(steps).exit_code is ExitCode.HELD
        _, reason = held(rig)
        assert "a could not be taken back: what it gave is not on record" in reason
        assert "--no-compensate" in reason
    assert undone(rig) == [("z~undo", "z")], "it keeps nothing else from being taken back"


def test_one_whose_end_nobody_knows_is_taken_back_where_that_asks_for_nothing_of_it() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": ["die-after"]}
    undo = Undo("unship", {"name": "a"}, "${{ run.id }}")
    steps = book(ship("a", undo=undo), ship("b"))
    with pytest.raises(Crash):
        rig.run(steps)
    rig.cancel()
    rig.resume(steps)
    assert undone(rig) == [("a~undo", "a")]


def test_it_is_not_guessed_either_where_what_it_gave_was_too_large() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": [6]}
    rig.commands.outputs = {"a": {"value": "x" * 40_000}}
    rig.run(book(ship("a", undo=Undo("unship", {"name": "a"}, "${{ outputs.value }}")), ship("b")))
    assert "a could not be taken back: outputs.value was too large and is not on record" in held(rig)[1]
    assert undone(rig) == []


def test_a_condition_that_cannot_be_answered_holds_the_run_until_the_playbook_is_put_right() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": [6]}
    rig.commands.outputs = {"a": {"value": 7}}
    wrong = Undo("unship", {"name": "a"}, "${{ length(outputs.value) }}")
    right = replace(wrong, condition="${{ outputs.value }}")
    steps = book(undoable("z"), ship("a", undo=wrong), ship("b"))
    assert rig.run(steps).exit_code is ExitCode.HELD
    assert rig.story()[-2:] == ["unfailed a", "undone z"]
    edited = replace(steps, steps=(undoable("z"), ship("a", undo=right), ship("b")), digest="d2")
    with pytest.raises(PlaybookEditedError):
        rig.resume(edited)
    assert rig.resume(edited, edited=True).exit_code is ExitCode.PARTIAL
    assert undone(rig) == [("z~undo", "z"), ("a~undo", "a")]


@pytest.mark.parametrize("before", [True, False])
def test_killed_around_any_record_each_item_is_taken_back_once_as_it_was(before: bool) -> None:
    """The third of four fails, of the first nothing is to be taken back; on resuming all is as it would have been."""
    steps = each("${{ outputs.value != 'nothing' }}", "${{ outputs.value }}")
    wanted = [("a[2]~undo", "half of it"), ("a[1]~undo", "of a[1]")]

    def rig_for() -> PlayRig:
        rig = PlayRig()
        rig.commands.script = {"a[2]": ["partly"]}
        rig.commands.outputs = {"a[0]": {"value": "nothing"}}
        rig.journals.open(rig.prepared(steps).arn)
        return rig

    rig = rig_for()
    rig.run(steps)
    assert (len(rig.journal), undone(rig)) == (14, wanted)
    for number in range(1, 15):
        rig = rig_for()
        killed_at(rig, number, steps, before=before)
        if rig.journal and not rig.replayed().open:
            assert number == 14
        elif (number, before) in ((7, True), (7, False), (8, True)):  # before it is taken back it is tried once more
            assert rig.run(steps).exit_code is ExitCode.DONE
            continue
        else:
            assert rig.run(steps).exit_code is ExitCode.PARTIAL
        assert rig.commands.effects == {"a[0]": 1, "a[1]": 1, "a[2]": 1, "a[2]~undo": 1, "a[1]~undo": 1}, number
        assert list(dict.fromkeys(undone(rig))) == wanted, number
        assert rig.story()[3:] == ["undone a[2]", "undone a[1]", "unskipped a[0]"], number
