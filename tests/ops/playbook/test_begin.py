"""Whether a run may begin, or go on: the same plan, limits, one process."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lambdaops.core.errors import (
    ExitCode,
    LimitReachedError,
    PlaybookEditedError,
    PlaybookInProgressError,
)
from lambdaops.core.playbook.book import Action, Input, Limits, Step
from lambdaops.core.playbook.plan import Place
from lambdaops.ops.playbook.prepare import planned
from tests.ops.playbook.books import book, ship
from tests.sim.playing import PlayRig


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
