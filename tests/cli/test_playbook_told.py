"""Whom a run of a playbook tells that it needs somebody, on the simulated account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambdaops.core.notes import Urgency
from tests.cli.plays import Play

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
version: 1
notify:
  - {slack: {url-from-env: EVERYTHING}}
  - {slack: {url-from-env: PROMOTED}, on: [promoted]}
"""
FAILS = "  - {id: wrong, uses: assert, with: {that: false, message: it is not so}}\n"
WAITS = '  - {id: go, uses: approve, with: {message: "release 42", within: 1s}}\n'


@pytest.fixture
def play(tmp_path: Path) -> Play:
    play = Play(tmp_path)
    (tmp_path / "lambdaops.yaml").write_text(FILE, "utf-8")
    return play


def told(play: Play) -> list[tuple[str, str, Urgency]]:
    return [(channel, f"{note.title} {note.text}", note.level) for channel, note in play.cli.channels.notes]


def test_a_run_that_is_held_tells_whoever_wants_to_know_what_is_held(play: Play) -> None:
    play.steps("odd", FAILS)
    ran = play("run", "odd", "--yes", "--output", "json")
    run = ran.envelope["data"]["run"]
    said = f"playbook odd is held: step wrong failed: it is not so. Next: lambdaops playbook resume {run}, or cancel"
    assert told(play) == [("slack (EVERYTHING)", said, Urgency.URGENT)]


def test_each_record_is_told_once_under_its_own_id(play: Play) -> None:
    play.steps("odd", FAILS)
    for _ in range(2):
        assert play("run", "odd", "--yes").code == 6
    assert len({note.id for _, note in play.cli.channels.notes}) == len(play.cli.channels.notes) == 2


def test_a_step_that_waits_for_somebody_tells_so(play: Play) -> None:
    play.steps("ask", WAITS)
    assert play("run", "ask", "--yes").code == 6
    first, second = told(play)
    assert "playbook ask waits for approval of go until " in first[1]
    assert ": release 42. Next: lambdaops playbook approve o-" in first[1]
    assert (first[2], second[2]) == (Urgency.WARNING, Urgency.URGENT)


def test_a_run_that_did_what_it_was_to_do_tells_nobody(play: Play) -> None:
    play.steps("fine", "  - {id: say, uses: note, with: {message: hello}}\n")
    assert play("run", "fine", "--yes").code == 0
    assert told(play) == []


def test_one_that_went_on_after_a_failure_tells(play: Play) -> None:
    play.steps("partly", FAILS.replace("}}\n", "}, on-failure: continue}\n"))
    assert play("run", "partly", "--yes").code == 9
    assert [(text.partition(":")[0], level) for _, text, level in told(play)] == [
        ("playbook partly ended as partly", Urgency.WARNING)
    ]


def test_of_a_run_within_another_the_outer_one_tells(play: Play) -> None:
    play.steps("odd", FAILS)
    play.steps("outer", "  - {id: inside, uses: run-playbook, with: {playbook: odd}}\n")
    assert play("run", "outer", "--yes").code == 6
    assert [text.partition(" is held")[0] for _, text, _ in told(play)] == ["playbook outer"]


def test_a_channel_that_takes_nothing_changes_nothing_else(play: Play) -> None:
    play.steps("odd", FAILS)
    play.cli.channels.deaf = {"slack (EVERYTHING)"}
    ran = play("run", "odd", "--yes")
    assert ran.code == 6
    assert "not told that playbook odd is held" in ran.err
