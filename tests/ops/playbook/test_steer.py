"""How runs stand, and what is asked of one: as people see it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import (
    BlockedError,
    ExitCode,
    JournalTamperedError,
    NotFoundError,
    NothingOpenError,
    PlaybookInProgressError,
    UnheededError,
)
from lambdaops.core.playbook.book import Action, Input, Playbook, Step
from lambdaops.core.playbook.records import Outcome, Wish
from lambdaops.core.playbook.tags import TAG
from lambdaops.ops.playbook import runs as steer
from tests.ops.playbook.books import CTRL_C, book, closed, ship, undoable
from tests.sim.journal import Crash
from tests.sim.playing import ADA, PlayRig

if TYPE_CHECKING:
    from lambdaops.core.playbook.reports import RunRow

APPROVE = Step("ok", Action("approve", {"message": "Ship it?", "within": "10m"}))


def row(rig: PlayRig, text: str = "book") -> RunRow:
    return steer.known(rig.journals, text)[0]


def held(rig: PlayRig, playbook: Playbook) -> str:
    rig.commands.script = {step.id: [6] for step in playbook.steps}
    return rig.run(playbook).run.id


def test_how_a_run_is_told() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": [6]}
    steps = book(undoable("a"), ship("b"), ship("c"), inputs=(Input("n"), Input("t", secret=True)))
    rig.run(steps, {"n": "1", "t": "hunter2"}, reason="it burns", ticket="OPS-1")
    told = row(rig)
    assert (told.playbook, told.phase, told.why, told.ticket, told.actor) == (
        "book",
        "undone",
        "it burns",
        "OPS-1",
        ADA,
    )
    assert (told.account, told.region, told.environment) == ("111122223333", "eu-central-1", "prod")
    assert told.inputs == '{"n": "1", "t": "***"}'
    assert [(one.step, one.status, one.undo, one.code) for one in told.steps] == [
        ("a", "done", False, 0),
        ("b", "failed", False, 6),
        ("a", "done", True, 0),
    ]
    assert told.ended is not None
    assert told.next_step == ""


def test_a_run_that_died_waits_for_whoever_takes_it_up() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": ["die-before"]}
    with pytest.raises(Crash):
        rig.run(book(ship("a")))
    told = row(rig)
    assert (told.phase, told.steps[0].status, told.ended) == ("abandoned", "unknown", None)
    assert "playbook resume" in told.next_step
    rig.cancel()
    assert row(rig).next_step.endswith("takes back what was done, and ends it")


def test_what_waits_for_somebody_is_told_while_it_does() -> None:
    rig, seen = PlayRig(), list["RunRow"]()
    rig.clock.after(60, lambda: seen.append(row(rig)))
    rig.clock.after(90, lambda: rig.answer(Wish.APPROVE))
    rig.run(book(APPROVE))
    (told,) = seen
    assert (told.phase, told.waits) == ("waiting for approval", "ok: Ship it?")
    assert told.until is not None
    assert told.until - told.started == timedelta(minutes=10)
    assert told.next_step == f"lambdaops playbook approve {told.run}"
    assert told.driver == "pid 4711 on laptop"
    assert row(rig).waits == ""


def test_runs_are_shown_newest_first_and_open_ones_if_none_is_named() -> None:
    rig = PlayRig()
    for _ in range(3):
        rig.run(book(ship("a")))
        rig.clock.advance(timedelta(minutes=1))
    last = held(rig, book(ship("a")))
    assert [one.run for one in steer.known(rig.journals)] == [last]
    assert row(rig).run == last
    assert len(steer.known(rig.journals, "book", 2)) == 2
    assert len(steer.known(rig.journals, "book", 0)) == 4
    assert [one.run for one in steer.known(rig.journals, last)] == [last]
    with pytest.raises(NotFoundError):
        steer.known(rig.journals, "nope")


def test_a_journal_that_cannot_be_read_hides_no_other_and_is_told_of_when_it_is_meant() -> None:
    rig = PlayRig()
    held(rig, book(ship("a")))
    rig.journals.open("arn:aws:lambda:eu-central-1:111122223333:playbook:bad").tampered = True
    rig.journals.open("arn:aws:lambda:eu-central-1:111122223333:function:orders:live").tampered = True
    assert len(steer.known(rig.journals)) == 1
    with pytest.raises(JournalTamperedError):
        steer.known(rig.journals, "bad")


def test_one_open_run_is_meant_by_the_name_of_its_playbook() -> None:
    rig = PlayRig()
    steps = book(ship("a"), inputs=(Input("n"),))
    rig.commands.script = {"a": [6, 6]}
    first = rig.run(steps, {"n": "1"}).run.id
    assert steer.find(rig.journals, "book").run.id == first
    second = rig.run(steps, {"n": "2"}).run.id
    with pytest.raises(NothingOpenError, match="2 open runs"):
        steer.find(rig.journals, "book")
    assert steer.find(rig.journals, second).run.id == second
    with pytest.raises(NothingOpenError):
        steer.find(rig.journals, "o-nope")


def test_whoever_cancels_waits_until_that_is_heeded() -> None:
    """The process that drives it stands still meanwhile, as both have one clock: it heeds the request afterwards."""
    rig = PlayRig()
    rig.commands.script = {"a": ["slow"]}
    refused: list[UnheededError] = []

    def cancel() -> None:
        with pytest.raises(UnheededError) as caught:
            steer.cancel(rig.steering, rig.found(), "enough")
        refused.append(caught.value)

    rig.clock.after(5, cancel)
    assert rig.run(book(undoable("a"), ship("b"))).exit_code is ExitCode.PARTIAL
    assert "has not heeded it within 45 s" in refused[0].message
    assert refused[0].exit_code is ExitCode.HELD
    assert rig.story() == ["done a", "undone a"]
    assert rig.kinds().count("playbook-signal") == 1


def test_asking_twice_is_asking_once() -> None:
    rig = PlayRig()
    held(rig, book(ship("a")))
    rig.cancel()
    rig.cancel()
    assert rig.kinds().count("playbook-signal") == 1


def test_a_run_is_dropped_as_it_is_unless_somebody_drives_it() -> None:
    rig = PlayRig(asked=CTRL_C)
    rig.run(book(undoable("a")))
    found = rig.found()
    with rig.journals.drive(f"{found.arn}@{found.run.id}"), pytest.raises(PlaybookInProgressError):
        steer.drop(rig.steering, found, "no")
    steer.drop(rig.steering, found, "no use")
    assert closed(rig) == (Outcome.CANCELLED, "ended by a person, and nothing was taken back: no use")


def test_nobody_answers_what_was_not_asked() -> None:
    rig = PlayRig()
    held(rig, book(ship("a")))
    for wish in (Wish.APPROVE, Wish.REJECT):
        with pytest.raises(BlockedError, match="waits for nobody"):
            rig.answer(wish)


def test_the_run_that_was_begun_for_a_step_of_another_is_found_once_it_is_over() -> None:
    rig = PlayRig()
    playbook = book(ship("a"))
    rig.acting_for = f"{TAG}o-1/inner"
    ended = rig.run(playbook)
    assert steer.ended_for(rig.journals, "book", f"{TAG}o-1/inner") == ended.run
    assert steer.ended_for(rig.journals, "book", f"{TAG}o-1/other") is None
    assert steer.ended_for(rig.journals, "book", "") is None
    held(rig, playbook)
    assert steer.ended_for(rig.journals, "book", f"{TAG}o-1/inner") is None, "the newest is not over"
