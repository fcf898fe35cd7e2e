"""Approvals: whose counts, until when, and after what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lambdaops.core.errors import (
    BlockedError,
    ExitCode,
)
from lambdaops.core.playbook.book import Action, Input, Step
from lambdaops.core.playbook.records import Wish
from tests.ops.playbook.books import CTRL_C, book, closed, held, ship, undoable
from tests.sim.journal import Crash
from tests.sim.playing import ADA, BOB, PlayRig

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


def test_an_approval_that_was_asked_for_another_step_is_asked_for_anew() -> None:
    """The step was renamed while it waited."""
    rig = PlayRig()
    rig.clock.after(60, lambda: setattr(rig, "asked", CTRL_C))
    assert rig.run(book(APPROVE)).exit_code is ExitCode.INTERRUPTED
    rig.asked = None
    rig.clock.after(60, lambda: rig.answer(Wish.APPROVE))
    renamed = replace(book(replace(APPROVE, id="sure")), digest="d2")
    assert rig.resume(renamed, edited=True).exit_code is ExitCode.DONE
    assert rig.kinds().count("approval") == 2


def test_an_approval_whose_time_is_over_while_nobody_waits_is_asked_for_anew() -> None:
    rig = PlayRig()
    rig.clock.after(60, lambda: setattr(rig, "asked", CTRL_C))
    rig.run(book(APPROVE))
    rig.clock.advance(timedelta(hours=1))
    rig.asked = None
    rig.clock.after(60, lambda: rig.answer(Wish.APPROVE))
    assert rig.resume(book(APPROVE)).exit_code is ExitCode.DONE
    assert rig.kinds().count("approval") == 2
