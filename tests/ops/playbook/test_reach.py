"""No run acts on more targets than its playbook may: counted when they are known, in any process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import ExitCode, LimitReachedError
from lambdaops.core.playbook.book import CONTINUE, Action, Input, Json, Kind, Limits, Playbook, Step, Undo
from lambdaops.core.playbook.records import Outcome, PlaybookOpened, PlaybookResumed, StepBegan
from tests.ops.playbook.books import book, closed, held, killed_at, ship, undoable
from tests.sim.playing import PlayRig

if TYPE_CHECKING:
    from collections.abc import Sequence

TWO = Limits(targets=2)


def told(name: str, of: str) -> Step:
    """A step whose target an earlier one tells."""
    return Step(name, Action("ship", {"name": f"${{{{ steps.{of}.outputs.value }}}}"}))


BOOK = book(ship("a"), told("b", "a"), told("c", "b"), ship("d"), limits=TWO)
"""Acts on a, then on what that gave, then on what this gave: the third is one too many."""


def acted(rig: PlayRig) -> list[Json]:
    """What was acted on, in order."""
    return [given["name"] for key, given in rig.commands.given if not key.endswith("~undo")]


def test_a_target_that_only_an_earlier_step_tells_counts_when_it_is_known() -> None:
    rig = PlayRig()
    assert rig.run(BOOK).exit_code is ExitCode.HELD
    assert acted(rig) == ["a", "of a"]
    code, reason = held(rig)
    further = f'lambdaops playbook resume {rig.replayed().id} --override-limits "WHY" reaches further'
    assert code == 6
    assert reason == f"step c would act on of b: book may act on 2 targets, and that would be 3; {further}"
    assert [one.step for one in rig.journal if isinstance(one, StepBegan)] == ["a", "b"], "the step was not begun"


def test_resuming_changes_nothing_unless_the_glass_is_broken_and_that_stays_on_record() -> None:
    rig = PlayRig()
    rig.commands.script = {"d": [6]}
    for _ in range(2):
        assert (rig.resume(BOOK) if rig.journal else rig.run(BOOK)).exit_code is ExitCode.HELD
    assert acted(rig) == ["a", "of a"]
    assert rig.resume(BOOK, override="it burns").exit_code is ExitCode.HELD
    assert acted(rig) == ["a", "of a", "of b", "d"]
    assert [one.overrides for one in rig.journal if isinstance(one, PlaybookResumed)] == [(), ("limits: it burns",)]
    assert rig.resume(BOOK).exit_code is ExitCode.DONE, "it was broken for the whole run"


def test_the_same_command_breaks_it_as_well() -> None:
    rig = PlayRig()
    rig.run(BOOK)
    assert rig.run(BOOK, override="it burns").exit_code is ExitCode.DONE
    assert sum(isinstance(one, PlaybookOpened) for one in rig.journal) == 1


def test_one_that_was_begun_with_an_override_is_resumed_with_it() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": [6]}
    assert rig.run(BOOK, override="it burns").exit_code is ExitCode.HELD
    assert rig.resume(BOOK).exit_code is ExitCode.DONE


def test_a_target_counts_once_however_often_it_is_acted_on() -> None:
    rig = PlayRig()
    rig.commands.script = {"c": [8]}
    rig.commands.outputs = {"a": {"value": "a"}, "b": {"value": "a"}}
    assert rig.run(BOOK).exit_code is ExitCode.AWS
    assert rig.resume(BOOK).exit_code is ExitCode.DONE
    assert acted(rig) == ["a", "a", "a", "a", "d"]


def test_what_changes_nothing_does_not_count() -> None:
    rig = PlayRig()
    looks = [Step(f"l{number}", Action("look", {"name": f"n{number}"})) for number in range(3)]
    assert rig.run(book(*looks, ship("a"), limits=Limits(targets=1))).exit_code is ExitCode.DONE


def test_what_is_not_to_be_done_does_not_count() -> None:
    rig = PlayRig()
    go = Input("go", Kind.BOOLEAN, required=False, default=False)
    steps = book(ship("a"), ship("b", condition="${{ inputs.go }}"), limits=Limits(targets=1), inputs=(go,))
    assert rig.run(steps).exit_code is ExitCode.DONE
    with pytest.raises(LimitReachedError):
        rig.run(steps, {"go": True})


def test_a_plan_refuses_what_is_known_to_be_too_much_and_not_what_may_turn_out_to_be_the_same() -> None:
    rig = PlayRig()
    rig.commands.outputs = {"a": {"value": "a"}, "b": {"value": "a"}}
    same = book(ship("a"), told("b", "a"), told("c", "b"), limits=Limits(targets=1))
    assert rig.run(same).exit_code is ExitCode.DONE
    with pytest.raises(LimitReachedError):
        rig.run(book(ship("a"), ship("b"), ship("c"), told("d", "a"), limits=TWO))


def test_nothing_keeps_a_run_from_taking_back() -> None:
    rig = PlayRig()
    rig.commands.script = {"c": [6]}
    elsewhere = Undo("unship", {"name": "${{ outputs.value }} elsewhere"})
    steps = book(ship("a", undo=elsewhere), undoable("b"), Step("c", Action("assert", {"that": False})), limits=TWO)
    rig.run(steps)
    assert rig.commands.given[-1] == ("a~undo", {"name": "of a elsewhere"})
    assert closed(rig)[0] is Outcome.UNDONE


def test_one_that_is_held_by_its_limit_can_be_cancelled_and_takes_back() -> None:
    rig = PlayRig()
    steps = book(undoable("a"), told("b", "a"), told("c", "b"), limits=TWO)
    assert rig.run(steps).exit_code is ExitCode.HELD
    rig.cancel()
    assert rig.resume(steps).exit_code is ExitCode.PARTIAL
    assert closed(rig)[0] is Outcome.CANCELLED
    assert rig.story() == ["done a", "done b", "undone a"]


@pytest.mark.parametrize("on_failure", [CONTINUE, "d"])
def test_what_goes_on_after_a_failure_does_not_go_past_the_limit(on_failure: str) -> None:
    """The limit holds the run; it does not fail the step."""
    rig = PlayRig()
    third = Step("c", told("c", "b").action, on_failure=on_failure)
    assert rig.run(book(ship("a"), told("b", "a"), third, ship("d"), limits=TWO)).exit_code is ExitCode.HELD
    assert acted(rig) == ["a", "of a"]


def test_secret_targets_are_told_apart_without_being_told() -> None:
    rig = PlayRig()
    secrets = (Input("one", secret=True), Input("two", secret=True))
    calls = [Step(name, Action("invoke", {"target": f"${{{{ inputs.{name} }}}}"})) for name in ("one", "two")]
    steps = book(*calls, limits=Limits(targets=1), inputs=secrets)
    assert rig.run(steps, {"one": "alpha:live", "two": "omega:live"}).exit_code is ExitCode.HELD
    assert len(rig.invoked) == 1
    assert "alpha" not in rig.lines()
    assert "omega" not in rig.lines()


@pytest.mark.parametrize("before", [True, False])
def test_killed_around_any_record_it_is_held_at_the_same_step(before: bool) -> None:
    def rig_for() -> PlayRig:
        rig = PlayRig()
        rig.journals.open(rig.prepared(BOOK).arn)
        return rig

    count = _records(rig_for(), BOOK)
    for number in range(1, count + 1):
        rig = rig_for()
        killed_at(rig, number, BOOK, before=before)
        assert rig.run(BOOK).exit_code is ExitCode.HELD
        assert "step c would act on of b" in held(rig)[1], number
        assert _once(acted(rig)) == ["a", "of a"], number
        assert rig.run(BOOK, override="it burns").exit_code is ExitCode.DONE
        assert rig.commands.effects == dict.fromkeys("abcd", 1), number


def _records(rig: PlayRig, steps: Playbook) -> int:
    rig.run(steps)
    return len(rig.journal)


def _once(values: Sequence[Json]) -> list[Json]:
    return [value for number, value in enumerate(values) if value not in values[:number]]
