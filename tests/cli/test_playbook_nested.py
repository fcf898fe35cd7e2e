"""Playbooks that run playbooks: what goes back takes what it began along."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.model import Routing
from lambdaops.core.playbook.records import Outcome, Status
from tests.cli.plays import Play

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INNER = """\
  - {id: good, uses: assert, with: {that: "${{ inputs.good }}"}}
  - {id: ship, uses: release, with: {target: "orders:live", to: "2", alarm: errors, strategy: "100%:1m"}}
outputs: {changed: "${{ steps.ship.outputs.changed }}", stable: "${{ steps.ship.outputs.stable }}"}
"""
OUTER = """\
  - id: each
    uses: run-playbook
    for-each: [true, false]
    with: {playbook: inner, inputs: {good: "${{ item }}"}}
    compensate:
      if: ${{ inputs.together && outputs.outputs.changed }}
      uses: rollback
      with: {target: "orders:live", to: "${{ outputs.outputs.stable }}"}
"""
TOGETHER = "inputs: {together: {type: boolean, default: true}}\n"


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    play = Play(tmp_path)
    play.steps("inner", INNER, "inputs: {good: {type: boolean}}\n")
    play.steps("outer", OUTER, TOGETHER)
    yield play
    for number, handler in handlers.items():
        signal.signal(number, handler)


def outcome(play: Play, name: str) -> Outcome | None:
    closed = play.last(name).closed
    return closed.outcome if closed is not None else None


def test_a_run_that_goes_back_ends_what_it_began(play: Play) -> None:
    """The second is held, as it would be by itself; then the first goes back, and nothing is left open."""
    ran = play("run", "outer", "--yes")
    assert ran.code == 9, ran.err
    assert "stays open" not in ran.err
    assert (outcome(play, "outer"), outcome(play, "inner")) == (Outcome.UNDONE, Outcome.CANCELLED)
    assert play.cli.world.routing == Routing("1")
    assert play("status").out == "no run of a playbook is open\n"
    run = play.last("outer").id
    told = play.cli("audit", "show", "inner", "--output", "json").out
    assert f"run {run}, which began it, goes back" in told
    assert f"playbook:{run}/each[1]~undo" in told, "the records say which step it was"
    assert play.cli("audit", "verify").code == 0


def test_a_run_that_is_held_leaves_it_open_and_one_that_is_cancelled_ends_it(play: Play) -> None:
    assert play("run", "outer", "--input", "together=false", "--yes").code == 6
    assert (outcome(play, "outer"), outcome(play, "inner")) == (None, None)
    assert play("cancel", "outer", "--yes").code == 0
    assert (outcome(play, "outer"), outcome(play, "inner")) == (Outcome.CANCELLED, Outcome.CANCELLED)
    assert play.cli.world.routing == Routing("2"), "nothing was to be taken back"


def test_what_somebody_took_over_is_left_to_them(play: Play) -> None:
    assert play("run", "outer", "--input", "together=false", "--yes").code == 6
    assert play("resume", "inner", "--yes").code == 6
    assert play("cancel", "outer", "--yes").code == 0
    assert (outcome(play, "outer"), outcome(play, "inner")) == (Outcome.CANCELLED, None)


def test_what_cannot_be_ended_is_told_and_keeps_nothing_from_being_taken_back(play: Play) -> None:
    """A secret of it is not on record."""
    play.steps("inner", INNER, "inputs: {good: {type: boolean}, pin: {secret: true}}\n")
    play.steps("outer", OUTER.replace('"${{ item }}"}}', '"${{ item }}", pin: s3cret-s3cret}}'), TOGETHER)
    ran = play("run", "outer", "--yes")
    assert ran.code == 9, ran.err
    assert (outcome(play, "outer"), outcome(play, "inner")) == (Outcome.UNDONE, None)
    assert play.cli.world.routing == Routing("1")
    assert f"run {play.last('inner').id} of inner, which step each[1] began, stays open" in ran.err
    assert f"lambdaops playbook cancel {play.last('inner').id}" in ran.err


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("number", range(1, 31))
def test_killed_at_any_record_it_is_ended_once(play: Play, number: int, before: bool) -> None:
    died = play.dies(number, "playbook", "run", "outer", "--yes", before=before)
    assert died or number > 27, "the table is longer than the run"
    for _ in range(3):
        if not play.entries("outer"):
            play("run", "outer", "--yes")
        elif play.last("outer").open:
            play("resume", "outer", "--yes")
    assert (outcome(play, "outer"), outcome(play, "inner")) == (Outcome.UNDONE, Outcome.CANCELLED)
    assert play.last("outer").undone["each[1]"].status is Status.SKIPPED
    assert play.cli.world.routing == Routing("1")
    assert [type(one.event).__name__ for one in play.entries("inner")].count("PlaybookSignalled") == 1
    assert play.cli("audit", "verify").code == 0


def test_an_input_of_nothing_is_left_to_the_playbook_that_is_run(play: Play) -> None:
    play.steps(
        "says",
        '  - {id: said, uses: note, with: {message: "${{ inputs.what }} and ${{ inputs.more }}"}}\n',
        "inputs: {what: {default: this}, more: {}}\n",
    )
    play.steps(
        "asks",
        "  - id: inside\n    uses: run-playbook\n"
        '    with: {playbook: says, inputs: {what: "${{ inputs.what }}", more: that}}\n',
        "inputs: {what: {default: null}}\n",
    )
    assert 'playbook run says --inputs \'{"more": "that"}\'' in play("plan", "asks").out
    ran = play("run", "asks", "--yes")
    assert (ran.code, "this and that" in ran.err) == (0, True), ran.err
    assert "mine and that" in play("run", "asks", "--input", "what=mine", "--yes").err


def test_progressive_release_needs_no_strategy(play: Play) -> None:
    """As its example is written: what is not said is left to release-newest, and by that to lambdaops.yaml."""
    (play.here / "lambdaops.yaml").write_text('version: 1\ndefaults: {strategy: "100%:1m"}\n', "utf-8")
    said = ("--input", "targets=orders:live", "--input", "alarms=errors", "--input", "settle=0s")
    ran = play("run", "progressive-release", *said, "--yes")
    assert ran.code == 0, ran.err
    assert play.cli.world.routing == Routing("3")
