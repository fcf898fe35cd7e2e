"""Driving a release is one process's right among all machines that share a table."""

from __future__ import annotations

import json
import os
import socket
from datetime import timedelta

import pytest

from lambdaops.core.errors import JournalUnwritableError, RedriveInProgressError, ReleaseInProgressError
from lambdaops.ports import SILENT_AFTER, Lease
from lambdaops.store.table import TableJournals
from tests.sim.clock import SimClock
from tests.sim.table import SimTable, lost, throttled
from tests.store.records import ARN, NOON

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders-dlq"


def on(table: SimTable, clock: SimClock | None = None) -> TableJournals:
    """A machine."""
    return TableJournals(table, clock or SimClock(NOON))


def test_the_right_is_taken_renewed_and_given_back() -> None:
    table, clock = SimTable(), SimClock(NOON)
    with on(table, clock).drive(ARN, "r-7") as drive:
        lease = on(table).driver(ARN)
        assert lease == Lease(os.getpid(), socket.gethostname(), NOON, "r-7", NOON, live=True)
        clock.sleep(timedelta(seconds=5))
        drive.beat()
        lease = on(table).driver(ARN)
        assert lease is not None
        assert lease.beat == NOON + timedelta(seconds=5)
    assert on(table).driver(ARN) is None
    assert table.notes == {}


def test_renewing_is_one_call_every_four_seconds() -> None:
    table, clock = SimTable(), SimClock(NOON)
    with on(table, clock).drive(ARN) as drive:
        table.calls.clear()
        for _ in range(24):
            clock.sleep(timedelta(seconds=0.5))
            drive.beat()
        assert table.calls == ["replace_note"] * 3


def test_a_live_driver_refuses_another_within_a_beat() -> None:
    table, here, there = SimTable(), SimClock(NOON), SimClock(NOON + timedelta(hours=3))
    with on(table, here).drive(ARN, "r-7") as drive:

        def live() -> None:
            here.sleep(timedelta(seconds=4))
            drive.beat()

        there.after(2, live)
        with pytest.raises(ReleaseInProgressError) as caught, on(table, there).drive(ARN, "r-8"):
            pytest.fail("two drive one release")
        assert caught.value.message == (
            "a release of orders:live is being driven already: "
            f"by pid {os.getpid()} on {socket.gethostname()} since 2026-08-01T12:00:00Z, release r-7"
        )
        assert sum(there.slept, timedelta()) <= timedelta(seconds=3)
        drive.beat()
    assert table.notes == {}


@pytest.mark.parametrize("hours", [-3, 0, 3])
def test_one_that_died_is_taken_over_from_whatever_the_clocks_say(hours: int) -> None:
    table = SimTable()
    on(table).drive(ARN, "r-7").__enter__()
    there = SimClock(NOON + timedelta(hours=hours))
    with on(table, there).drive(ARN, "r-7"):
        assert sum(there.slept, timedelta()) == SILENT_AFTER
        assert json.loads(table.notes[ARN])["since"] == (NOON + timedelta(hours=hours)).isoformat()


def test_of_two_who_take_over_one_gets_it() -> None:
    table = SimTable()
    on(table).drive(ARN, "r-7").__enter__()
    first, second = SimClock(NOON), SimClock(NOON)

    def sooner() -> None:
        on(table, first).drive(ARN, "r-8").__enter__()

    second.after(SILENT_AFTER.total_seconds(), sooner)
    with pytest.raises(ReleaseInProgressError, match="release r-8"), on(table, second).drive(ARN, "r-9"):
        pytest.fail("two drive one release")


def test_of_two_who_begin_at_once_one_gets_it() -> None:
    class Race(SimTable):
        def note(self, key: str) -> str | None:
            found = super().note(key)
            if self.calls.count("note") == 1:
                on(self).drive(key, "r-1").__enter__()
            return found

    with pytest.raises(ReleaseInProgressError, match="release r-1"), on(Race()).drive(ARN, "r-2"):
        pytest.fail("two drive one release")


def test_one_that_was_taken_over_from_stops_and_leaves_the_note_alone() -> None:
    table, clock = SimTable(), SimClock(NOON)
    silent = on(table, clock).drive(ARN, "r-7")
    with silent:
        on(table, SimClock(NOON)).drive(ARN, "r-8").__enter__()
        clock.sleep(timedelta(minutes=1))
        with pytest.raises(ReleaseInProgressError, match="release r-8"):
            silent.beat()
    assert json.loads(table.notes[ARN])["release"] == "r-8"


def test_a_table_that_does_not_answer_is_asked_again() -> None:
    table, clock = SimTable(), SimClock(NOON)
    with on(table, clock).drive(ARN, "r-7") as drive:
        table.fail("replace_note", throttled())
        clock.sleep(timedelta(seconds=5))
        drive.beat()
        clock.sleep(timedelta(seconds=5))
        drive.beat()
        assert json.loads(table.notes[ARN])["beat"] == (NOON + timedelta(seconds=10)).isoformat()


def test_an_answer_that_was_lost_does_not_lose_the_right() -> None:
    table, clock = SimTable(), SimClock(NOON)
    with on(table, clock).drive(ARN, "r-7") as drive:
        table.fail("replace_note", lost(), after=True)
        for _ in range(3):
            clock.sleep(timedelta(seconds=5))
            drive.beat()
        assert json.loads(table.notes[ARN])["beat"] == (NOON + timedelta(seconds=15)).isoformat()
    assert table.notes == {}


def test_a_try_that_finds_the_note_of_the_one_before_it_has_the_right() -> None:
    """botocore repeats a write whose answer was lost, and is refused by what the first one wrote."""

    class Once(SimTable):
        def replace_note(self, key: str, old: str | None, new: str | None) -> bool:
            done = super().replace_note(key, old, new)
            return done and self.calls.count("replace_note") > 1

    with on(Once()).drive(ARN, "r-7"):
        pass


def test_without_the_table_nobody_drives() -> None:
    table = SimTable()
    table.fail("note", throttled())
    with pytest.raises(JournalUnwritableError, match="the right to drive orders:live cannot be taken"):
        on(table).drive(ARN).__enter__()


def test_an_unreadable_note_counts_as_held_until_it_has_not_changed_for_long() -> None:
    table, clock = SimTable(notes={ARN: "{"}), SimClock(NOON)
    lease = on(table).driver(ARN)
    assert lease is not None
    assert not lease.live
    with on(table, clock).drive(ARN):
        assert sum(clock.slept, timedelta()) == SILENT_AFTER


def test_a_queue_has_a_word_of_its_own() -> None:
    table, clock = SimTable(), SimClock(NOON)
    on(table).drive(QUEUE, "d-7").__enter__()
    clock.after(1, lambda: table.notes.update({QUEUE: table.notes[QUEUE] + " "}))
    with pytest.raises(RedriveInProgressError, match="messages of orders-dlq are being moved already"):
        on(table, clock).drive(QUEUE).__enter__()
