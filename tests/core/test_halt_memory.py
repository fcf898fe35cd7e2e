"""What a journal remembers of a halt: the first word counts, and what one unhalt started is its own."""

from __future__ import annotations

from datetime import UTC, datetime

from lambdaops.core.events import Entry, Event
from lambdaops.core.halt.history import halt_rows
from lambdaops.core.halt.memory import Halt, open_halt, tells
from lambdaops.core.halt.records import (
    HaltDone,
    HaltFailed,
    HaltIntent,
    HaltOpened,
    Remembered,
    Reserved,
    Turn,
    Unhalted,
    UnhaltHeld,
    UnhaltOpened,
)
from lambdaops.core.model import Actor

AT = datetime(2026, 11, 23, 3, tzinfo=UTC)
OFF, ON = Turn("u", on=False), Turn("u", on=True)


def entries(*events: Event, run: str = "h-1", first: int = 1) -> tuple[Entry, ...]:
    return tuple(Entry(first + at, AT, "arn", run, Actor("a", "h"), event) for at, event in enumerate(events))


def folded(*events: Event) -> Halt:
    halt = open_halt(entries(*events))
    assert halt is not None
    return halt


def opened(state: str = "Enabled", reserved: int | None = 7, uuid: str = "u") -> HaltOpened:
    return HaltOpened((Remembered(uuid, "q", "live", state, state == "Enabled"),), Reserved(reserved))


def starts() -> UnhaltOpened:
    return UnhaltOpened((), (0,), AT - AT, ())


def test_the_first_word_about_what_was_there_counts() -> None:
    halt = folded(opened(), opened("Disabled", 0), opened("Disabled", None, "v"))
    assert halt.mappings["u"].state == "Enabled"
    assert halt.reserved == Reserved(7)
    assert set(halt.mappings) == {"u", "v"}


def test_a_reservation_that_a_later_halt_takes_in() -> None:
    assert folded(HaltOpened(()), HaltOpened((), Reserved(None))).reserved == Reserved(None)


def test_what_is_stopped_is_what_we_disabled_last() -> None:
    done = folded(opened(), HaltIntent(OFF), HaltDone(2, OFF))
    assert [one.uuid for one in done.stopped] == ["u"]
    assert done.disabled == {"u"}
    assert not done.pending
    assert folded(opened(), HaltIntent(OFF)).pending == {2: OFF}
    assert folded(opened(), HaltIntent(OFF), HaltFailed(2, OFF, "c", "m")).stopped == ()
    assert folded(opened(), HaltDone(2, OFF), HaltDone(3, ON)).stopped == ()
    assert folded(opened("Disabled"), HaltDone(2, OFF)).stopped == ()
    assert folded(opened(), HaltDone(2, Turn("", on=False, reserved=0))).throttled


def test_what_an_unhalt_that_died_had_started_belongs_to_the_next_one() -> None:
    assert folded(opened(), starts(), HaltDone(3, ON), starts()).attempt == {"u"}


def test_what_an_unhalt_that_ended_had_started_does_not() -> None:
    for ended in (Unhalted(1, over=False), UnhaltHeld("alarm")):
        assert folded(opened(), starts(), HaltDone(3, ON), ended, starts()).attempt == set()
    assert folded(opened(), starts(), HaltDone(3, ON), HaltOpened(()), starts()).attempt == set()
    # A halt finds that a write of a dead unhalt took effect: no unhalt is at work.
    assert folded(opened(), starts(), HaltOpened(()), HaltDone(3, ON), starts()).attempt == set()


def test_a_halt_is_over_when_its_unhalt_says_so_and_the_next_begins_anew() -> None:
    first = entries(opened(), Unhalted(0, over=False), Unhalted(1, over=True))
    assert open_halt(first[:2]) is not None
    assert open_halt(first) is None
    second = (*first, *entries(opened("Disabled"), run="h-2", first=4))
    halt = open_halt(second)
    assert halt is not None
    assert (halt.id, halt.mappings["u"].state) == ("h-2", "Disabled")


def test_the_end_of_a_journal_that_tells() -> None:
    whole = entries(opened(), HaltIntent(OFF), Unhalted(1, over=True), HaltOpened(()))
    assert [tells(whole[at:]) for at in range(5)] == [True, True, True, True, False]
    assert not tells(entries(Unhalted(1, over=False)))


def test_a_halt_in_the_history() -> None:
    rows = halt_rows(
        (
            *entries(opened(), HaltOpened((), None, "second"), UnhaltHeld("alarm"), Unhalted(1, over=True)),
            *entries(HaltOpened((), Reserved(None), "why", "T-1"), UnhaltHeld("errors: ALARM"), run="h-2"),
        )
    )
    assert [(one.release, one.outcome, one.candidate, one.ended) for one in rows] == [
        ("h-1", "unhalted", "q, everything", AT),
        ("h-2", "unhalt held", "everything", None),
    ]
    assert [(one.reason, one.ticket) for one in rows] == [("second", ""), ("errors: ALARM", "T-1")]
