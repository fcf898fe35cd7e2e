"""A playbook whose process dies at any record of any journal, and is resumed: every effect once, the journal whole."""

from __future__ import annotations

import os
import signal
import zipfile
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.dlq.records import QueueChanged, RedriveOpened
from lambdaops.core.events import Opened, Published, RolledBack
from lambdaops.core.model import Routing
from lambdaops.core.playbook.records import Outcome, Status
from lambdaops.core.playbook.run import runs
from tests.cli.plays import SHIP, SHIPPED, Play

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST = 60


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield Play(tmp_path)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def resumed(play: Play, name: str, *words: str) -> int:
    """Resume until it is over or held; how often."""
    ran = None
    for count in range(1, 4):
        ran = play("resume", name, "--yes", *words)
        assert ran.code in (0, 6, 9), ran.err
        if not play.last(name).open:
            return count
    raise AssertionError(ran)


def kinds(play: Play, kind: type) -> int:
    return sum(isinstance(entry.event, kind) for entry in play.entries())


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("number", range(1, 27))
def test_a_release_a_redrive_and_a_call(play: Play, number: int, before: bool) -> None:
    play.write("ship", SHIP)
    died = play.dies(number, "playbook", "run", "ship", *SHIPPED, "--yes", before=before)
    if not died:
        assert number > 20, "the table is longer than the run"
    elif not play.entries("ship"):
        assert play("run", "ship", *SHIPPED, "--yes").code == 0
    elif play.last("ship").open:
        resumed(play, "ship", "--repeat")
    run = play.last("ship")
    assert run.closed is not None
    assert run.closed.outcome is Outcome.DONE
    assert {tried.status for tried in run.tried.values()} == {Status.DONE}
    assert play.cli.world.routing == Routing("2")
    assert play.cli.world.writes == [Routing("1", "2", 1000), Routing("2")]
    assert kinds(play, Opened) == 1
    assert kinds(play, RedriveOpened) == 1
    assert len(play.post.sqs.boxes["orders"].messages) == 6
    assert not play.post.sqs.boxes["orders-dlq"].messages
    assert len(play.cli.answers.invoked) in (1, 2)  # --repeat says that it may be called twice
    assert play.cli("audit", "verify").code == 0


UNDONE = """\
  - id: ship
    uses: release
    with: {target: "orders:live", to: "2", alarm: errors, strategy: "10%:1m,100%:1m"}
    compensate: {uses: rollback, with: {target: "orders:live"}}
  - id: wrong
    uses: assert
    with: {that: false, message: nothing is as it should be}
"""


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("number", range(1, 20))
def test_what_takes_a_step_back_survives_too(play: Play, number: int, before: bool) -> None:
    play.steps("undone", UNDONE)
    if play.dies(number, "playbook", "run", "undone", "--yes", before=before) and (
        not play.entries("undone") or play.last("undone").open
    ):
        if play.entries("undone"):
            resumed(play, "undone")
        else:
            assert play("run", "undone", "--yes").code == 9
    run = play.last("undone")
    assert run.closed is not None
    assert run.closed.outcome is Outcome.UNDONE
    assert {key: tried.status for key, tried in run.undone.items()} == {"ship": Status.DONE}
    assert play.cli.world.routing == Routing("1")
    assert play.cli.world.writes == [Routing("1", "2", 1000), Routing("2"), Routing("1")]
    assert kinds(play, Opened) == 1
    assert kinds(play, RolledBack) <= 2  # a second one finds nothing to do, and says so
    assert play.cli("audit", "verify").code == 0


def killed_everywhere(play: Play, name: str) -> Iterator[int]:
    """Kill at each record until a run comes to its end undisturbed; after each kill the run is resumed."""
    for number in range(1, MOST):
        for before in (True, False):
            count = len(play.entries(name))
            died = play.dies(number, "playbook", "run", name, "--yes", before=before)
            if died and len(play.entries(name)) > count and play.last(name).open:
                resumed(play, name)
            if not died:
                return
            yield number
    raise AssertionError("it never came to its end")


def test_a_publication(play: Play) -> None:
    with zipfile.ZipFile(play.here / "code.zip", "w") as archive:
        archive.writestr("app.py", "def handler(event, context): return 3\n")
    play.steps("build", f"  - {{id: build, uses: publish, with: {{function: orders, zip: {play.here}/code.zip}}}}\n")
    assert list(killed_everywhere(play, "build"))[-1] >= 5
    assert set(play.cli.world.versions) == {"1", "2", "3", "4"}
    run = play.last("build")
    assert run.tried["build"].outputs["version"] == "4"


def test_a_publication_is_told_as_it_was(play: Play) -> None:
    with zipfile.ZipFile(play.here / "code.zip", "w") as archive:
        archive.writestr("app.py", "def handler(event, context): return 3\n")
    play.steps("build", f"  - {{id: build, uses: publish, with: {{function: orders, zip: {play.here}/code.zip}}}}\n")
    assert play.dies(5, "playbook", "run", "build", "--yes")
    assert kinds(play, Published) == 1
    resumed(play, "build")
    assert play.last("build").tried["build"].outputs["new"] is True
    assert kinds(play, Published) == 1


@pytest.mark.parametrize("again", ["", ", again: true"])
def test_a_load(play: Play, again: str) -> None:
    assert play.cli("dlq", "dump", "orders-dlq", str(play.here / "kept.jsonl"), "--yes").code == 0
    file = play.here / "kept.jsonl"
    play.steps("fill", f"  - {{id: fill, uses: dlq.load, with: {{file: {file}, to: orders{again}}}}}\n")
    for number in range(1, 8):
        for before in (True, False):
            play.post.sqs.boxes["orders"].messages.clear()
            journal = play.cli.home / "journal"
            for path in journal.rglob("orders.jsonl"):
                path.unlink()  # so that each time it is loaded for the first time
            count = len(play.entries("fill"))
            died = play.dies(number, "playbook", "run", "fill", "--yes", before=before)
            if died and len(play.entries("fill")) == count:
                assert play("run", "fill", "--yes").code == 0
            elif died and play.last("fill").open:
                resumed(play, "fill")
            run = play.last("fill")
            assert run.tried["fill"].status is Status.DONE
            sent = sorted(one.body for one in play.post.sqs.boxes["orders"].messages)
            # A batch without a known end is sent again: rather twice than not at all.
            assert len(set(sent)) == 6
            assert len(sent) in (6, 12), (number, before)
            assert len(sent) == 6 or (number, before) in ((5, True), (4, False)), (number, before)


def test_a_dump_is_not_written_over_by_a_smaller_one(play: Play) -> None:
    play.steps("keep", "  - {id: keep, uses: dlq.dump, with: {queue: orders-dlq, file: kept.jsonl}}\n")
    assert play.dies(3, "playbook", "run", "keep", "--yes")
    file = play.here / "kept.jsonl"
    before = file.read_bytes()
    play.post.sqs.boxes["orders-dlq"].messages.clear()
    resumed(play, "keep")
    assert file.read_bytes() == before
    assert play.last("keep").tried["keep"].outputs["letters"] == 6


def test_a_dump_never_takes_somebody_else_s_file(play: Play) -> None:
    """Killed before it looked whether the file is there."""
    file = play.here / "kept.jsonl"
    file.write_text("mine\n", "utf-8")
    os.utime(file, (0, 0))
    play.steps("keep", "  - {id: keep, uses: dlq.dump, with: {queue: orders-dlq, file: kept.jsonl}}\n")
    assert play.dies(2, "playbook", "run", "keep", "--yes", before=False)
    ran = play("resume", "keep", "--yes")
    assert ran.code == 6
    assert "is there already" in ran.err
    assert file.read_text("utf-8") == "mine\n"


def test_a_purge(play: Play) -> None:
    play.steps("empty", "  - {id: empty, uses: dlq.purge, with: {queue: orders-dlq, dump: gone.jsonl}}\n")
    assert play.dies(5, "playbook", "run", "empty", "--yes")
    assert kinds(play, QueueChanged) == 1
    play.post.sqs.put("orders-dlq", "newer")
    resumed(play, "empty")
    outputs = play.last("empty").tried["empty"].outputs
    assert (outputs["deleted"], outputs["file"]) == (6, str(play.here / "gone.jsonl"))
    assert [one.body for one in play.post.sqs.boxes["orders-dlq"].messages] == ["newer"]


def test_a_purge_that_was_cut_off_goes_on_in_another_file(play: Play) -> None:
    play.steps("empty", "  - {id: empty, uses: dlq.purge, with: {queue: orders-dlq, dump: gone.jsonl}}\n")
    assert play.dies(4, "playbook", "run", "empty", "--yes")  # all is deleted, and nobody wrote so
    first = (play.here / "gone.jsonl").read_text("utf-8")
    assert first.count("\n") == 6
    resumed(play, "empty")
    assert play.last("empty").tried["empty"].outputs["file"] == str(play.here / "gone-2.jsonl")
    assert (play.here / "gone.jsonl").read_text("utf-8") == first


def test_a_purge_by_sqs_that_may_have_been_is_a_person_s_to_repeat(play: Play) -> None:
    play.steps("empty", "  - {id: empty, uses: dlq.purge, with: {queue: orders-dlq, no-dump: true}}\n")
    assert play.dies(4, "playbook", "run", "empty", "--yes")
    play.post.sqs.boxes["orders-dlq"].messages.clear()
    play.post.sqs.put("orders-dlq", "newer")
    ran = play("resume", "empty", "--yes")
    assert ran.code == 6
    assert "whether SQS purged orders-dlq is not known" in ran.err
    assert len(play.post.sqs.boxes["orders-dlq"].messages) == 1


INNER = """\
  - {id: back, uses: rollback, with: {target: "orders:live", to: "3"}}
  - {id: said, uses: note, with: {message: done inside}}
"""


def test_a_playbook_in_a_playbook(play: Play) -> None:
    play.steps("inner", INNER)
    play.steps("outer", "  - {id: inside, uses: run-playbook, with: {playbook: inner}}\n")
    before = 0
    for _ in killed_everywhere(play, "outer"):
        found = len([one for one in play.entries("inner") if type(one.event).__name__ == "PlaybookOpened"])
        assert found - before <= 1, "the inner one was begun twice for one step"
        before = found
        assert all(not run.open for name in ("inner", "outer") for run in runs(play.entries(name)))


MOVES = """\
  - id: ship
    uses: release
    with: {target: "orders:live", to: "${{ inputs.to }}", alarm: errors, strategy: "100%:1m"}
outputs: {changed: "${{ steps.ship.outputs.changed }}", stable: "${{ steps.ship.outputs.stable }}"}
"""
EACH = """\
  - id: each
    uses: run-playbook
    for-each: ["2", "2"]
    with: {playbook: moves, inputs: {to: "${{ item }}"}}
    compensate:
      if: ${{ outputs.outputs.changed }}
      uses: rollback
      with: {target: "orders:live", to: "${{ outputs.outputs.stable }}"}
  - {id: wrong, uses: assert, with: {that: false}}
"""


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("number", range(1, 29))
def test_each_that_moved_something_goes_back_to_where_it_was(play: Play, number: int, before: bool) -> None:
    """Of two the second finds nothing to move: only the first goes back, once, to where it came from."""
    play.steps("moves", MOVES, "inputs: {to: {type: version}}\n")
    play.steps("outer", EACH)
    died = play.dies(number, "playbook", "run", "outer", "--yes", before=before)
    assert died or number > 26, "the table is longer than the run"
    if not play.entries("outer"):
        assert play("run", "outer", "--yes").code == 9
    elif play.last("outer").open:
        resumed(play, "outer")
    run = play.last("outer")
    assert run.closed is not None
    assert run.closed.outcome is Outcome.UNDONE
    ends = {key: tried.status for key, tried in run.undone.items()}
    assert ends == {"each[1]": Status.SKIPPED, "each[0]": Status.DONE}
    assert play.cli.world.writes == [Routing("2"), Routing("1")]
    assert kinds(play, Opened) == 1
    assert play.cli("audit", "verify").code == 0


def test_a_call_is_not_repeated_unless_a_person_says_so(play: Play) -> None:
    play.steps("try", '  - {id: call, uses: invoke, with: {target: "orders:live"}}\n')
    assert play.dies(3, "playbook", "run", "try", "--yes")
    ran = play("resume", "try", "--yes")
    assert ran.code == 6
    assert "may happen twice" in ran.err
    assert "--repeat" in ran.err
    assert len(play.cli.answers.invoked) == 1
    assert play("resume", "try", "--yes", "--repeat").code == 0
    assert len(play.cli.answers.invoked) == 2


@pytest.mark.parametrize("command", ["promote", "pause"])
def test_a_request_is_made_once(play: Play, command: str) -> None:
    play.steps("push", f'  - {{id: push, uses: {command}, with: {{target: "orders:live"}}}}\n')
    died: list[bool] = []
    aborted: list[int] = []
    # Another shell asks, while the release bakes: the request is on record, and its process is gone.
    play.cli.world.clock.after(30, lambda: died.append(play.dies(4, "playbook", "run", "push", "--yes")))
    release = ("release", "orders:live", "--to", "2", "--alarm", "errors", "--strategy", "10%:5m,100%:1m", "--yes")
    if command == "pause":
        play.cli.world.clock.after(400, lambda: aborted.append(play.cli("abort", "orders:live").code))
    ran = play.cli(*release)
    assert died == [True]
    assert ran.code == (0 if command == "promote" else 4), ran.err
    asked = [one for one in play.entries() if type(one.event).__name__ == "Signalled"]
    assert len([one for one in asked if "playbook:" in one.actor.run]) == 1
    resumed(play, "push")
    asked = [one for one in play.entries() if type(one.event).__name__ == "Signalled"]
    assert len([one for one in asked if "playbook:" in one.actor.run]) == 1
    assert play.last("push").tried["push"].end is not None


def test_an_abort_that_was_carried_out_is_recognised(play: Play) -> None:
    play.steps("stop", '  - {id: stop, uses: abort, with: {target: "orders:live"}}\n')
    died: list[bool] = []
    play.cli.world.clock.after(30, lambda: died.append(play.dies(4, "playbook", "run", "stop", "--yes")))
    ran = play.cli("release", "orders:live", "--to", "2", "--alarm", "errors", "--strategy", "10%:5m,100%:1m", "--yes")
    assert died == [True]
    assert ran.code in (4, 7), ran.err
    assert play.cli.world.routing == Routing("1")
    resumed(play, "stop")
    run = play.last("stop")
    assert run.tried["stop"].status is Status.DONE
    assert play.cli.world.writes[-1] == Routing("1")


def test_a_second_attempt_is_not_ended_by_what_the_first_one_did(play: Play) -> None:
    """The release failed, the run was resumed, and the process died before anything began anew."""
    play.steps("ship", UNDONE.partition("    compensate")[0])
    play.cli.world.clock.after(30, lambda: play.cli.world.breach("errors"))
    assert play("run", "ship", "--yes").code == 6
    assert play.cli.world.routing == Routing("1")
    play.cli.world.alarm("errors")
    assert play.dies(2, "playbook", "resume", "ship", "--yes", before=False)  # the step is on record as begun
    assert resumed(play, "ship") == 1
    assert play.last("ship").closed is not None
    assert play.cli.world.routing == Routing("2")
    assert kinds(play, Opened) == 2
