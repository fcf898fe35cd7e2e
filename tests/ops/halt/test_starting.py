"""Starting again: exactly what the halt stopped, in stages, and what somebody changed since is left."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lambdaops.core.errors import (
    AccessDeniedError,
    BlockedError,
    ConfirmationMissingError,
    FunctionBusyError,
    JournalUnwritableError,
    NotFoundError,
    RejectedError,
    UnreachableError,
)
from lambdaops.core.halt.records import HaltOpened, Unhalted, UnhaltHeld
from lambdaops.core.model import AlarmState
from lambdaops.ops.halt import starting
from tests.ops.halt.rig import HaltRig
from tests.sim.world import ARN

MINUTE = timedelta(minutes=1)


def halted(**more: object) -> HaltRig:
    rig = HaltRig()
    rig.world.alarm("errors")
    rig.halt(**more)
    rig.levers.writes.clear()
    return rig


def test_nothing_halted_is_nothing_to_do() -> None:
    rig = HaltRig()
    found = rig.unhalt()
    assert (found.halt, found.over, found.changed, rig.questions) == ("", True, False, [])
    assert not rig.journal.entries


def test_what_was_stopped_polls_again_and_the_halt_is_over() -> None:
    rig = halted()
    found = rig.unhalt(reason="fixed")
    assert rig.levers.states == {"u-queue": "Enabled", "u-stream": "Enabled", "u-table": "Disabled"}
    assert [one.uuid for one in found.restored] == ["u-queue", "u-stream"]
    assert (found.over, found.left, rig.open) == (True, (), None)
    last = rig.journal.entries[-1].event
    assert last == Unhalted(2, over=True)
    assert not rig.unhalt().changed


def test_a_dry_run_writes_nothing() -> None:
    rig = halted()
    records = len(rig.journal.entries)
    would = starting.rehearse(rig.ports, "orders", starting.Request())
    assert [one.uuid for one in would.restored] == ["u-queue", "u-stream"]
    assert (rig.levers.writes, len(rig.journal.entries), would.dry_run) == ([], records, True)


def test_it_asks() -> None:
    rig = halted()
    rig.refuses = True
    with pytest.raises(ConfirmationMissingError):
        rig.unhalt(stages=(1, 0))
    assert rig.questions[-1] == "Start orders again: enable orders-queue, clicks, in 2 stages?"
    assert not rig.levers.writes


def test_only_what_is_named_and_the_rest_later() -> None:
    rig = halted()
    found = rig.unhalt("clicks")
    assert rig.levers.states == {"u-queue": "Disabled", "u-stream": "Enabled", "u-table": "Disabled"}
    assert (found.over, [one.uuid for one in found.halted]) == (False, ["u-queue"])
    rest = rig.unhalt()
    assert (rest.over, [one.uuid for one in rest.restored]) == (True, ["u-queue"])
    with pytest.raises(NotFoundError, match="no event source nothing"):
        halted().unhalt("nothing")


# -- what somebody changed since -------------------------------------------------------------------------------------


def test_what_was_deleted_is_told_and_the_rest_restored() -> None:
    rig = halted()
    rig.levers.delete("u-queue")
    found = rig.unhalt()
    assert [(one.uuid, one.why) for one in found.left] == [("u-queue", "it was deleted since")]
    assert (rig.levers.states["u-stream"], found.over) == ("Enabled", True)


def test_what_somebody_enabled_is_told_and_not_written() -> None:
    rig = halted()
    rig.levers.somebody_turns("u-queue", "Enabled")
    found = rig.unhalt()
    assert [(one.uuid, one.why) for one in found.left] == [("u-queue", "somebody enabled it since")]
    assert rig.levers.writes == [("u-stream", True)]


def test_reserved_concurrency_that_somebody_set_is_his() -> None:
    rig = halted(all_invocations=True)
    rig.levers.reserved = 3
    found = rig.unhalt()
    assert rig.levers.reserved == 3
    assert "is 3, not the 0 that we wrote" in found.left[0].why
    assert rig.levers.states["u-queue"] == "Enabled"


def test_what_we_never_disabled_is_not_enabled() -> None:
    rig = HaltRig()
    rig.levers.fail("turn", AccessDeniedError("no"))
    rig.halt()
    rig.levers.somebody_turns("u-queue", "Disabled")
    found = rig.unhalt()
    assert rig.levers.states["u-queue"] == "Disabled"
    assert [one.uuid for one in found.left] == ["u-queue"]


def test_what_somebody_disables_while_we_wait_is_his() -> None:
    rig = halted()
    rig.levers.takes = 30
    rig.world.clock.after(12, lambda: rig.levers.somebody_turns("u-queue", "Disabled"))
    found = rig.unhalt()
    assert rig.levers.writes.count(("u-queue", True)) == 1
    assert (found.failed, found.over) == (True, False)


# -- reserved concurrency --------------------------------------------------------------------------------------------


def test_what_polls_for_a_function_that_must_not_run_is_refused() -> None:
    rig = halted(all_invocations=True)
    with pytest.raises(BlockedError, match="up its tries"):
        rig.unhalt("clicks")
    assert not rig.levers.writes
    assert not rig.unhalt("clicks", all_invocations=True).left
    assert rig.levers.writes == [("reserved", None), ("u-stream", True)]


def test_a_halt_whose_reservation_was_not_asked_for_stays_open() -> None:
    rig = halted(all_invocations=True)
    rig.levers.reserved = 3  # so that what is polled can run
    assert not rig.unhalt("clicks", "orders-queue").over
    assert "is 3, not the 0" in rig.unhalt().left[0].why


def test_when_reserved_concurrency_cannot_be_given_back_nothing_polls() -> None:
    rig = HaltRig()
    rig.levers.reserved = 7
    rig.halt(all_invocations=True)
    rig.levers.writes.clear()
    rig.levers.fail("reserve", RejectedError("the account has none left"))
    found = rig.unhalt()
    assert (found.failed, found.over, rig.levers.writes) == (True, False, [])
    assert rig.unhalt().over
    assert rig.levers.reserved == 7


def test_a_lost_answer_about_reserved_concurrency() -> None:
    rig = halted(all_invocations=True)
    rig.levers.fail("reserve", UnreachableError("reset"), after=True)
    assert rig.unhalt().over
    assert [one for one in rig.levers.writes if one[0] == "reserved"] == [("reserved", None)]


# -- stages and alarms -----------------------------------------------------------------------------------------------


def test_stages_wait_for_each_other() -> None:
    rig = halted()
    began = rig.world.clock.now()
    rig.world.clock.after(40, lambda: seen.append(rig.levers.states["u-stream"]))
    seen: list[str] = []
    assert rig.unhalt(stages=(1, 0), watch=MINUTE).over
    assert seen == ["Disabled"]
    assert timedelta(seconds=60) < rig.world.clock.now() - began < timedelta(seconds=80)
    assert rig.kinds().count("unhalt-stage") == 2


def test_a_clock_that_is_set_back_prolongs_no_watch() -> None:
    rig = halted()
    rig.world.clock.after(40, lambda: rig.world.clock.step_back(3_600))
    slept = len(rig.world.clock.slept)
    assert rig.unhalt(stages=(1, 0), watch=MINUTE).over
    assert sum(rig.world.clock.slept[slept:], timedelta()) < timedelta(seconds=80)


def test_an_alarm_stops_again_what_was_started() -> None:
    rig = halted(all_invocations=True)
    rig.world.clock.after(30, lambda: rig.world.breach("errors"))
    found = rig.unhalt(stages=(1, 0), watch=MINUTE, stop_alarms=("errors",))
    assert rig.levers.states == {"u-queue": "Disabled", "u-stream": "Disabled", "u-table": "Disabled"}
    assert rig.levers.reserved == 0
    assert "errors: ALARM" in found.held
    assert (found.over, found.restored, len(found.halted)) == (False, (), 2)
    assert isinstance(rig.journal.entries[-1].event, UnhaltHeld)
    rig.world.turn("errors", AlarmState.OK)
    assert rig.unhalt(stop_alarms=("errors",)).over
    assert rig.levers.states["u-stream"] == "Enabled"
    assert rig.levers.reserved is None


def test_an_alarm_stops_nothing_that_an_earlier_unhalt_started() -> None:
    rig = halted()
    rig.unhalt("clicks")
    rig.world.clock.after(10, lambda: rig.world.breach("errors"))
    assert rig.unhalt(stop_alarms=("errors",)).held
    assert rig.levers.states == {"u-queue": "Disabled", "u-stream": "Enabled", "u-table": "Disabled"}


def test_the_last_stage_is_watched_when_an_alarm_could_object() -> None:
    rig = halted()
    rig.world.clock.after(30, lambda: rig.world.flap("errors"))
    found = rig.unhalt(stop_alarms=("errors",), watch=MINUTE)
    assert "left OK and came back" in found.held
    assert rig.levers.states["u-queue"] == "Disabled"


def test_an_alarm_that_cannot_be_read_for_a_minute_objects() -> None:
    rig = halted()
    rig.world.clock.after(20, lambda: rig.world.fail("read_alarms", UnreachableError("timeout"), times=10_000))
    found = rig.unhalt(stop_alarms=("errors",), watch=5 * MINUTE)
    assert "cannot be read" in found.held
    assert rig.levers.states["u-queue"] == "Disabled"


@pytest.mark.parametrize("state", [AlarmState.ALARM, None])
def test_an_alarm_that_would_stop_it_at_once_blocks(state: AlarmState | None) -> None:
    rig = halted()
    if state is None:
        rig.world.delete_alarm("errors")
    else:
        rig.world.turn("errors", state)
    with pytest.raises(BlockedError):
        rig.unhalt(stop_alarms=("errors",))
    assert not rig.levers.writes


def test_what_cannot_be_stopped_again_is_told() -> None:
    rig = halted()

    def denied() -> None:
        rig.world.breach("errors")
        rig.levers.fail("turn", AccessDeniedError("no"))

    rig.world.clock.after(30, denied)
    found = rig.unhalt(stop_alarms=("errors",))
    assert found.held
    assert [one.why for one in found.left] == ["no"]


# -- others ----------------------------------------------------------------------------------------------------------


def test_a_halt_while_it_is_started_wins() -> None:
    rig = halted()
    again: list[bool] = []

    def somebody_halts() -> None:
        other = HaltRig(rig.world, rig.journals)
        other.levers = rig.levers
        other.journal.append(rig.world.clock.now(), rig.open.id, rig.journal.entries[0].actor, HaltOpened(()))  # type: ignore[union-attr]
        again.append(True)

    rig.world.clock.after(30, somebody_halts)
    found = rig.unhalt(stages=(1, 0), watch=MINUTE)
    assert (found.off, found.over, again) == (True, False, [True])
    assert rig.levers.states["u-stream"] == "Disabled"
    assert "unhalted" not in rig.kinds()
    assert not rig.halt().left
    assert rig.levers.states["u-queue"] == "Disabled"
    assert rig.unhalt().over


def test_two_at_once_are_refused() -> None:
    rig = halted()
    rig.journals.busy = True
    with pytest.raises(FunctionBusyError):
        rig.unhalt()
    assert not rig.levers.writes


def test_without_a_journal_nothing_starts() -> None:
    rig = halted()
    rig.journal.broken = "the disk is full"
    with pytest.raises(JournalUnwritableError):
        rig.unhalt()
    assert not rig.levers.writes


def test_a_denied_mapping_stays_halted_and_the_rest_starts() -> None:
    rig = halted()
    rig.levers.fail("turn", AccessDeniedError("no"))
    found = rig.unhalt()
    assert (found.failed, found.over, [one.uuid for one in found.halted]) == (True, False, ["u-queue"])
    assert rig.levers.states["u-stream"] == "Enabled"
    assert rig.unhalt().over


def test_a_new_halt_remembers_anew() -> None:
    rig = halted()
    rig.unhalt()
    rig.levers.somebody_turns("u-stream", "Disabled")
    rig.levers.somebody_turns("u-table", "Enabled")
    rig.halt()
    rig.unhalt()
    assert rig.levers.states == {"u-queue": "Enabled", "u-stream": "Disabled", "u-table": "Enabled"}
    assert rig.journals.open(ARN) is rig.journal
