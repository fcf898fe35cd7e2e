"""Killed before or after any record, and run again: everything ends as if nobody had been killed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.errors import AwsError, AwsFaultError, ConflictError, ThrottledError, UnreachableError
from tests.examples import times
from tests.ops.halt.rig import HaltRig
from tests.sim.journal import Crash

if TYPE_CHECKING:
    from collections.abc import Callable

STOPPED = {"u-queue": "Disabled", "u-stream": "Disabled", "u-table": "Disabled"}
AS_BEFORE = {"u-queue": "Enabled", "u-stream": "Enabled", "u-table": "Disabled"}
RECORDS = {"halt": 8, "unhalt": 10}


def run(rig: HaltRig, command: Callable[[], object]) -> None:
    """The command, given again while AWS cannot even be read."""
    for _ in range(30):
        try:
            command()
        except AwsError:
            rig.world.clock.advance(timedelta(seconds=5))
        else:
            return
    raise AssertionError("AWS never came back")


def survive(rig: HaltRig, command: Callable[[], object], crashes: list[tuple[int, bool]]) -> None:
    for after, before in crashes:
        rig.journal.crash_at, rig.journal.crash_before = rig.journal.appends + after, before
        try:
            run(rig, command)
        except Crash:
            rig.journals.busy = False  # the operating system frees a dead process's lock
    rig.journal.crash_at = None
    run(rig, command)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, RECORDS["halt"] + 1))
def test_a_halt_killed_at_any_record_is_completed(at: int, before: bool) -> None:
    rig = HaltRig()
    rig.levers.reserved = 7
    survive(rig, lambda: rig.halt(all_invocations=True), [(at, before)])
    assert rig.levers.states == STOPPED
    assert rig.levers.reserved == 0
    assert rig.open is not None
    assert not rig.open.pending
    assert rig.unhalt().left == ()
    assert rig.levers.states == AS_BEFORE
    assert rig.levers.reserved == 7


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, RECORDS["unhalt"] + 1))
def test_an_unhalt_killed_at_any_record_is_completed(at: int, before: bool) -> None:
    rig = HaltRig()
    rig.levers.reserved = 7
    rig.halt(all_invocations=True)
    survive(rig, lambda: rig.unhalt(stages=(1, 0)), [(at, before)])
    assert (rig.levers.states, rig.levers.reserved, rig.open) == (AS_BEFORE, 7, None)
    # Every write once: what a dead process had written is seen, not written again.
    assert sum(on is True for _, on in rig.levers.writes) <= 3


def test_the_numbers_above_are_the_records_there_are() -> None:
    rig = HaltRig()
    rig.halt(all_invocations=True)
    assert len(rig.journal.entries) == RECORDS["halt"]
    rig.unhalt(stages=(1, 0))
    assert len(rig.journal.entries) == RECORDS["halt"] + RECORDS["unhalt"]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 8))
def test_killed_while_it_stops_again_what_an_alarm_objected_to(at: int, before: bool) -> None:
    rig = HaltRig()
    rig.world.alarm("errors")
    rig.halt()
    rig.world.clock.after(30, lambda: rig.world.breach("errors"))

    def kill(notice: object) -> None:
        if "stopping it again" in getattr(notice, "message", ""):
            rig.journal.crash_at, rig.journal.crash_before = rig.journal.appends + at, before

    rig.on_notice = kill
    try:
        rig.unhalt(stop_alarms=("errors",))
    except Crash:
        rig.journals.busy = False
    rig.journal.crash_at = None
    rig.on_notice = None
    rig.halt()
    assert rig.levers.states == STOPPED
    rig.unhalt()
    assert rig.levers.states == AS_BEFORE


troubles = st.lists(
    st.tuples(st.integers(0, 90), st.sampled_from(["lost", "5xx", "throttled", "busy", "blind", "slow"])), max_size=6
)


@times(3)
@given(
    troubles,
    st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=3),
    st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=3),
    st.sampled_from([None, 0, 7]),
    st.booleans(),
)
def test_whatever_happens_it_ends_as_it_was(
    trouble: list[tuple[int, str]],
    halting: list[tuple[int, bool]],
    starting: list[tuple[int, bool]],
    reserved: int | None,
    everything: bool,
) -> None:
    rig = HaltRig()
    rig.levers.reserved = reserved
    levers = rig.levers
    what = {
        "lost": lambda: levers.fail("turn", UnreachableError("reset"), after=True),
        "5xx": lambda: levers.fail("turn", AwsFaultError("500")),
        "throttled": lambda: levers.fail("reserve", ThrottledError("429"), times=2),
        "busy": lambda: levers.fail("turn", ConflictError("in use"), times=3),
        "blind": lambda: levers.fail("mappings", UnreachableError("timeout"), times=2),
        "slow": lambda: setattr(levers, "takes", 20),
    }
    for seconds, name in trouble:
        rig.world.clock.after(seconds, what[name])
    survive(rig, lambda: rig.halt(all_invocations=everything), halting)
    assert levers.states == STOPPED
    assert levers.reserved == (0 if everything else reserved)
    survive(rig, lambda: rig.unhalt(stages=(1, 0)), starting)
    assert (levers.states, levers.reserved, rig.open) == (AS_BEFORE, reserved, None)
