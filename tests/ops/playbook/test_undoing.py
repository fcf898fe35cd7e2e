"""What was done is taken back when a later step fails."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lambdaops.core.errors import (
    ExitCode,
)
from lambdaops.core.playbook.book import Action, Retry, Step
from lambdaops.core.playbook.records import Outcome
from tests.ops.playbook.books import book, closed, held, ship, undoable
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
