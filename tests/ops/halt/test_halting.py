"""Halting: what polls is disabled and remembered, whatever was there before, and however often it is run."""

from __future__ import annotations

import pytest

from lambdaops.core.errors import (
    AccessDeniedError,
    ConfirmationMissingError,
    ConflictError,
    CredentialsExpiredError,
    JournalUnwritableError,
    NotFoundError,
    UnreachableError,
)
from lambdaops.core.halt.callers import Caller
from lambdaops.core.halt.records import HaltDone, HaltFailed, HaltIntent, HaltOpened, Reserved
from lambdaops.core.notices import Progress, Warned
from lambdaops.ops.halt import halting
from tests.ops.halt.rig import HaltRig
from tests.sim.levers import QUEUE


def test_everything_that_polls_is_disabled_and_remembered_first() -> None:
    rig = HaltRig()
    found = rig.halt(reason="charges twice", ticket="INC-1")
    assert rig.levers.states == {"u-queue": "Disabled", "u-stream": "Disabled", "u-table": "Disabled"}
    assert rig.levers.writes == [("u-queue", False), ("u-stream", False)]
    assert rig.kinds() == ["halt", "halt-intent", "halt-done", "halt-intent", "halt-done", "halted"]
    opened = rig.journal.entries[0].event
    assert isinstance(opened, HaltOpened)
    assert [(one.uuid, one.state, one.polls) for one in opened.mappings] == [
        ("u-queue", "Enabled", True),
        ("u-stream", "Enabled", True),
        ("u-table", "Disabled", False),
    ]
    assert (opened.reason, opened.ticket, opened.reserved) == ("charges twice", "INC-1", None)
    done = [entry.event for entry in rig.journal.entries if isinstance(entry.event, HaltDone)]
    assert [(one.intent, one.request_id) for one in done] == [(2, "req-1"), (4, "req-2")]
    assert [(one.uuid, one.name, one.qualifier) for one in found.halted] == [
        ("u-queue", "orders-queue", "live"),
        ("u-stream", "clicks", "live"),
    ]
    assert [one.uuid for one in found.before] == ["u-table"]
    assert found.changed
    assert not found.left


def test_a_dry_run_writes_nothing_and_says_the_same() -> None:
    rig = HaltRig()
    would = halting.rehearse(rig.ports, "orders", halting.Request())
    assert (rig.levers.writes, rig.journal.entries, rig.questions) == ([], [], [])
    assert [one.uuid for one in would.halted] == ["u-queue", "u-stream"]
    assert (would.changed, would.dry_run, would.halt) == (False, True, "")
    rig.halt()
    again = halting.rehearse(rig.ports, "orders", halting.Request())
    assert [one.uuid for one in again.halted] == ["u-queue", "u-stream"]
    assert again.halt


def test_it_asks_and_does_nothing_unless_somebody_agrees() -> None:
    rig = HaltRig(refuses=True)
    with pytest.raises(ConfirmationMissingError):
        rig.halt()
    assert (rig.levers.writes, rig.journal.entries) == ([], [])
    assert rig.questions == ["Halt orders: disable orders-queue, clicks?"]


def test_halting_twice_changes_nothing_and_forgets_nothing() -> None:
    rig = HaltRig()
    first = rig.halt()
    records = len(rig.journal.entries)
    second = rig.halt()
    assert (second.halt, second.halted, second.changed) == (first.halt, first.halted, False)
    assert len(rig.journal.entries) == records
    assert rig.unhalt().over
    assert rig.levers.states == {"u-queue": "Enabled", "u-stream": "Enabled", "u-table": "Disabled"}


def test_what_somebody_enabled_again_is_disabled_again_and_still_comes_back() -> None:
    rig = HaltRig()
    rig.halt()
    rig.levers.somebody_turns("u-queue", "Enabled")
    assert rig.halt().changed
    assert rig.levers.states["u-queue"] == "Disabled"
    assert rig.open is not None
    assert rig.open.mappings["u-queue"].state == "Enabled"
    assert rig.unhalt().over
    assert rig.levers.states["u-queue"] == "Enabled"


def test_what_was_disabled_before_is_halted_again_but_never_started() -> None:
    rig = HaltRig()
    rig.halt()
    rig.levers.somebody_turns("u-table", "Enabled")
    assert [one.uuid for one in rig.halt().halted] == ["u-queue", "u-stream", "u-table"]
    assert rig.levers.states["u-table"] == "Disabled"
    started = rig.unhalt()
    assert rig.levers.states == {"u-queue": "Enabled", "u-stream": "Enabled", "u-table": "Disabled"}
    assert [one.uuid for one in started.left] == ["u-table"]
    assert "disabled before the halt" in started.left[0].why


def test_only_what_is_named_and_more_later() -> None:
    rig = HaltRig()
    found = rig.halt("orders-queue")
    assert rig.levers.states["u-stream"] == "Enabled"
    assert [one.by for one in found.not_stopped] == [rig.levers.there["u-stream"].source]
    assert rig.open is not None
    assert set(rig.open.mappings) == {"u-queue"}
    later = rig.halt()
    assert later.halt == found.halt
    assert set(rig.open.mappings) == {"u-queue", "u-stream", "u-table"}
    assert rig.unhalt().over
    assert rig.levers.states["u-queue"] == "Enabled"


@pytest.mark.parametrize("name", ["orders-queue", QUEUE, "u-queue"])
def test_a_source_by_name_arn_or_uuid(name: str) -> None:
    rig = HaltRig()
    rig.halt(name)
    assert rig.levers.writes == [("u-queue", False)]


def test_a_source_that_is_not_there() -> None:
    rig = HaltRig()
    with pytest.raises(NotFoundError, match="no event source orders-que") as caught:
        rig.halt("orders-que")
    assert "carts, clicks, orders-queue" in caught.value.hint
    assert not rig.levers.writes


def test_a_function_without_event_sources() -> None:
    rig = HaltRig()
    rig.levers.there = {}
    rig.levers.policy = (Caller("sns.amazonaws.com", "live", "arn:aws:sns:eu-central-1:111122223333:orders"),)
    found = rig.halt()
    assert (found.halt, found.halted, found.changed) == ("", (), False)
    assert "unsubscribe" in found.not_stopped[0].next
    assert "--all-invocations" in found.not_stopped[0].next
    assert not rig.journal.entries


# -- nothing runs ----------------------------------------------------------------------------------------------------


def test_nothing_runs_once_nothing_polls() -> None:
    rig = HaltRig()
    rig.levers.reserved = 7
    found = rig.halt(all_invocations=True)
    assert rig.levers.writes == [("u-queue", False), ("u-stream", False), ("reserved", 0)]
    assert found.reserved is not None
    assert (found.reserved.before, found.reserved.now, found.not_stopped) == (7, 0, ())
    assert any(isinstance(one, Warned) and "ARE LOST" in one.message for one in rig.notices)
    opened = rig.journal.entries[0].event
    assert isinstance(opened, HaltOpened)
    assert opened.reserved == Reserved(7)
    rig.halt(all_invocations=True)  # sees the 0, and remembers the 7
    rig.unhalt()
    assert rig.levers.reserved == 7
    assert rig.levers.writes[3:] == [("reserved", 7), ("u-queue", True), ("u-stream", True)]


def test_without_a_reservation_before_there_is_none_after() -> None:
    rig = HaltRig()
    rig.halt(all_invocations=True)
    assert rig.levers.reserved == 0
    rig.unhalt()
    assert rig.levers.reserved is None


def test_a_reservation_of_0_before_stays() -> None:
    rig = HaltRig()
    rig.levers.reserved = 0
    rig.halt(all_invocations=True)
    rig.unhalt()
    assert rig.levers.reserved == 0
    assert ("reserved", 0) not in rig.levers.writes


def test_provisioned_concurrency_forbids_0_and_everything_else_is_stopped() -> None:
    rig = HaltRig()
    rig.levers.provisioned = 5
    found = rig.halt(all_invocations=True)
    assert rig.levers.states["u-queue"] == "Disabled"
    (left,) = found.left
    assert (left.uuid, left.why) == ("", "could not reserve: more is provisioned. Delete it first.")
    assert rig.kinds()[-2:] == ["halt-failed", "halted"]
    assert rig.unhalt().over
    assert rig.levers.reserved is None


def test_without_being_asked_reserved_concurrency_is_left_alone() -> None:
    rig = HaltRig()
    rig.halt()
    assert rig.levers.reserved is None
    assert "reserve" not in rig.levers.calls


# -- while AWS is busy, or says no -----------------------------------------------------------------------------------


def test_a_mapping_that_changes_is_waited_for() -> None:
    rig = HaltRig()
    rig.levers.somebody_turns("u-queue", "Updating")
    rig.world.clock.after(20, lambda: rig.levers.somebody_turns("u-queue", "Enabled"))
    found = rig.halt()
    assert not found.left
    assert rig.levers.states["u-queue"] == "Disabled"
    assert any(isinstance(one, Progress) and "orders-queue (Updating)" in one.message for one in rig.notices)


def test_a_refusal_while_it_changes_is_tried_again_under_one_intent() -> None:
    rig = HaltRig()
    rig.levers.fail("turn", ConflictError("in use"), times=4)
    assert not rig.halt("orders-queue").left
    assert rig.kinds() == ["halt", "halt-intent", "halt-done", "halted"]


def test_a_lost_answer_is_looked_for() -> None:
    rig = HaltRig()
    rig.levers.fail("turn", UnreachableError("reset"), after=True)
    assert not rig.halt("orders-queue").left
    assert rig.levers.writes == [("u-queue", False)]
    (done,) = [entry.event for entry in rig.journal.entries if isinstance(entry.event, HaltDone)]
    assert done.reconciled


def test_a_lost_answer_about_reserved_concurrency_is_looked_for() -> None:
    rig = HaltRig()
    rig.levers.fail("reserve", UnreachableError("reset"), after=True)
    rig.halt(all_invocations=True)
    assert [one for one in rig.levers.writes if one[0] == "reserved"] == [("reserved", 0)]


def test_one_that_never_becomes_disabled_is_told_in_bounded_time() -> None:
    rig = HaltRig()
    rig.levers.takes = 100_000
    began = rig.world.clock.now()
    found = rig.halt()
    assert (rig.world.clock.now() - began).total_seconds() < 400
    assert [one.uuid for one in found.left] == ["u-queue", "u-stream"]
    assert "not disabled after 5m, but Disabling" in found.left[0].why


def test_a_denied_mapping_keeps_no_other_one_running() -> None:
    rig = HaltRig()
    rig.levers.fail("turn", AccessDeniedError("no", request_id="req-x"))
    found = rig.halt()
    assert rig.levers.states == {"u-queue": "Enabled", "u-stream": "Disabled", "u-table": "Disabled"}
    assert [(one.uuid, one.why) for one in found.left] == [("u-queue", "no")]
    (failed,) = [entry.event for entry in rig.journal.entries if isinstance(entry.event, HaltFailed)]
    assert (failed.code, failed.request_id) == ("access-denied", "req-x")
    again = rig.halt()
    assert (again.left, rig.levers.states["u-queue"]) == ((), "Disabled")


def test_credentials_that_end_end_it_at_once() -> None:
    rig = HaltRig()
    rig.levers.fail("turn", CredentialsExpiredError("expired"), times=99)
    with pytest.raises(CredentialsExpiredError):
        rig.halt()
    assert rig.levers.calls.count("turn") == 1
    rig.levers.heal()
    assert not rig.halt().left


def test_a_look_that_fails_is_looked_again() -> None:
    rig = HaltRig()

    def blind(notice: object) -> None:
        if isinstance(notice, Progress):  # it waits
            rig.on_notice = None
            rig.levers.fail("mappings", UnreachableError("timeout"), times=3)

    rig.on_notice = blind
    assert not rig.halt().left


def test_policies_that_cannot_be_read_hold_nobody_up() -> None:
    rig = HaltRig()
    rig.levers.fail("callers", AccessDeniedError("not allowed to"))
    found = rig.halt()
    assert (found.unknown, rig.levers.states["u-queue"]) == ("not allowed to", "Disabled")


def test_a_mapping_deleted_meanwhile_is_gone() -> None:
    rig = HaltRig()
    rig.world.clock.after(1.5, lambda: rig.levers.delete("u-stream"))
    assert not rig.halt().left


def test_a_mapping_that_is_gone_when_it_is_written_has_an_end_in_the_journal() -> None:
    rig = HaltRig()
    rig.levers.fail("turn", NotFoundError("no such mapping"))
    assert not rig.halt("orders-queue").left
    assert rig.kinds() == ["halt", "halt-intent", "halt-failed", "halted"]


def test_one_that_somebody_enables_while_we_wait_is_disabled_again() -> None:
    rig = HaltRig()
    rig.levers.takes = 30
    rig.world.clock.after(5, lambda: rig.levers.somebody_turns("u-queue", "Enabled"))
    assert not rig.halt().left
    assert rig.levers.writes.count(("u-queue", False)) == 2
    assert rig.levers.states["u-queue"] == "Disabled"


# -- the journal -----------------------------------------------------------------------------------------------------


def test_without_a_memory_nothing_is_stopped() -> None:
    rig = HaltRig()
    rig.journal.broken = "the disk is full"
    with pytest.raises(JournalUnwritableError):
        rig.halt()
    assert not rig.levers.writes


def test_with_a_memory_it_goes_on_without_a_journal_and_says_so() -> None:
    rig = HaltRig()

    def fill(_: object) -> None:
        rig.journal.broken = "the disk is full"

    rig.on_notice = fill
    found = rig.halt()
    assert not found.left
    assert rig.levers.states["u-queue"] == "Disabled"
    assert any(isinstance(one, Warned) and "NOT JOURNALED" in one.message for one in rig.notices)


def test_a_mapping_that_is_made_while_another_process_yields_is_remembered_too() -> None:
    rig = HaltRig()
    rig.journals.busy = True
    rig.world.clock.after(2, lambda: rig.levers.polls(QUEUE, "u-new"))
    assert not rig.halt().left
    assert rig.levers.states["u-new"] == "Disabled"
    rig.journals.busy = False
    assert rig.unhalt().over
    assert rig.levers.states["u-new"] == "Enabled"


def test_an_intent_is_on_disk_before_its_call() -> None:
    rig = HaltRig()
    seen: list[str] = []
    original = rig.levers.turn

    def turn(uuid: str, *, on: bool) -> str:
        last = rig.journal.entries[-1].event
        assert isinstance(last, HaltIntent)
        assert (last.turn.uuid, last.turn.on) == (uuid, on)
        seen.append(uuid)
        return original(uuid, on=on)

    rig.levers.turn = turn  # type: ignore[method-assign]
    rig.halt()
    rig.unhalt()
    assert seen == ["u-queue", "u-stream", "u-queue", "u-stream"]


def test_it_goes_on_beside_a_process_that_does_not_answer() -> None:
    rig = HaltRig()
    rig.journals.busy = True
    assert not rig.halt().left
    assert rig.levers.states["u-queue"] == "Disabled"
    assert any(isinstance(one, Warned) and "beside another process" in one.message for one in rig.notices)
