"""A rollback when everything around it is broken: traffic first, then as much of the bookkeeping as there is."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambdaops.cli.main import main
from lambdaops.core.events import RolledBack
from lambdaops.sandbox import server as sandbox
from lambdaops.store.files import FileJournals
from tests.wire.bench import SkippingClock, WireEnv, WireSession, without_pauses
from tests.wire.conftest import Ran, until
from tests.wire.homes import BROKEN, TROUBLES, BrokenDisk, Trouble, journal_of
from tests.wire.proxy import Answer

if TYPE_CHECKING:
    from tests.wire.conftest import Function, Shell
    from tests.wire.proxy import Wire

FOUR = ["GetAlias", "UpdateAlias", "GetAlias", "GetCallerIdentity"]
"""All that a rollback asks of AWS; the last after traffic is safe."""
SPLIT = ("1", {"2": 0.3})
STABLE: tuple[str, dict[str, float]] = ("1", {})
PLAN = ("--strategy", "10%:60s,100%:60s", "--look-every", "1s", "--yes", "--output", "json")


def back(shell: Shell, function: Function, *words: str) -> Ran:
    return shell("rollback", function.target, *words, "--output", "json", within=30)


def done(ran: Ran, function: Function) -> None:
    """One envelope, success, and traffic on the stable version."""
    assert ran.code == 0, ran.out + ran.err
    assert (ran.envelope["exit_code"], ran.data["after"], ran.data["changed"]) == (0, "1", True)
    assert function.alias() == STABLE
    assert "Traceback" not in ran.err


# -- the home ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_a_broken_home_costs_the_record_and_nothing_else(
    function: Function, shell: Shell, wire: Wire, trouble: Trouble
) -> None:
    function.point(*SPLIT)
    with trouble.broken(shell.home, function.name):
        process = shell.start("rollback", function.target, "--output", "json")
        until(lambda: function.alias() == STABLE, within=8)  # the lock is waited for longer than that, but afterwards
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert wire.calls == FOUR
    assert json.loads(out)["exit_code"] == 0
    assert "warning: NOT JOURNALED: " in err
    assert trouble.says in err
    assert "rolled back from 1 70 % + 2 30 % to 1" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("operation", "number"), BROKEN, ids=lambda value: errno.errorcode.get(value, value))
def test_a_refusing_disk_costs_the_record_and_nothing_else(
    function: Function, shell: Shell, wire: Wire, operation: str, number: int
) -> None:
    """Machines that let nobody mount meet these too."""
    assert back(shell, function, "--to", "2").code == 0  # so that there is a journal to read, and to go back by
    del wire.calls[:]
    disk = BrokenDisk(operation, number)
    code, out, err = here(shell, "rollback", function.target, disk=disk, to="1")
    assert (code, json.loads(out)["data"]["after"]) == (0, "1"), out
    assert disk.met
    assert wire.calls == FOUR
    assert function.alias() == STABLE
    assert "NOT JOURNALED" in err
    assert os.strerror(number) in err


def here(shell: Shell, *words: str, disk: BrokenDisk | None = None, to: str | None = None) -> tuple[int, str, str]:
    """A command in this process, on a disk of the test's own; its waiting takes no time."""
    out, err = io.StringIO(), io.StringIO()
    variables = {"LAMBDAOPS_HOME": str(shell.home), "NO_COLOR": "1"}
    env = WireEnv(variables, io.StringIO(), out, err, shell.home.parent, SkippingClock())
    env.files = FileJournals(shell.home, disk=disk, wait=timedelta(seconds=1))
    env.session = WireSession(
        variables={**sandbox.environment(shell.server), "AWS_ENDPOINT_URL": shell.wire.endpoint, **shell.variables}
    )
    more = ("--to", to) if to else ()
    with without_pauses():
        code = main([*words, *more, "--output", "json"], env)
    return code, out.getvalue(), err.getvalue()


def test_a_home_that_is_not_there_is_made(function: Function, shell: Shell, tmp_path: Path) -> None:
    function.point(*SPLIT)
    shell.variables.update(LAMBDAOPS_HOME="", HOME=str(tmp_path / "no" / "home"), XDG_STATE_HOME="")
    done(back(shell, function), function)
    (journal,) = (tmp_path / "no" / "home").rglob("live.jsonl")
    assert journal.stat().st_mode & 0o777 == 0o600
    assert journal.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("where", ["first", "middle", "last", "gone"])
def test_an_edited_journal_is_not_believed(function: Function, shell: Shell, wire: Wire, where: str) -> None:
    """It claims that version 3 was stable; what the alias itself says does not depend on it."""
    process = shell.start("release", function.target, "--to", "2", *PLAN)
    until(lambda: function.alias() == ("1", {"2": 0.1}))
    process.kill()
    process.communicate()
    path = journal_of(shell.home, function.name)
    lines = path.read_text().splitlines(keepends=True)
    number = {"first": 0, "middle": 1, "last": len(lines) - 1, "gone": 1}[where]
    lines[number] = "" if where == "gone" else lines[number].replace('"1"', '"3"', 1)
    path.write_text("".join(lines))
    edited = path.read_bytes()
    del wire.calls[:]
    ran = back(shell, function)
    done(ran, function)
    assert wire.calls == FOUR
    assert "the journal is not used" in ran.err
    assert ran.data["basis"] == "the primary version of a weighted alias"
    if where == "last":
        assert "NOT JOURNALED" in ran.err
        assert path.read_bytes() == edited, "evidence was written over"
    assert shell("audit", "verify", function.target).code == 2


def test_after_a_promotion_a_broken_journal_asks_for_the_version(function: Function, shell: Shell, wire: Wire) -> None:
    """Only the journal knew; guessing would be worse than asking."""
    function.point("2")
    path = journal_of(shell.home, function.name)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\n")
    ran = back(shell, function)
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (3, "rollback-target-unknown")
    assert "--to VERSION" in ran.envelope["errors"][0]["hint"]
    assert (wire.writes, function.alias()) == ([], ("2", {}))
    ran = back(shell, function, "--to", "1")
    done(ran, function)
    assert "NOT JOURNALED" in ran.err


@pytest.mark.parametrize("kind", ["junk", "directory", "pipe", "loop", "wrong"])
def test_a_broken_configuration_file_does_not_stand_in_the_way(
    function: Function, shell: Shell, wire: Wire, tmp_path: Path, kind: str
) -> None:
    function.point(*SPLIT)
    path = tmp_path / "lambdaops.yaml"
    match kind:
        case "junk":
            path.write_bytes(b"\x00\xff\xfe\x80 {{{ : - \n" * 100)
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path)
        case _:
            path.write_text("version: 99\nfunctions: [1, 2\n")
    ran = shell_in(tmp_path, shell, "rollback", function.target, "--output", "json")
    done(ran, function)
    assert wire.calls == FOUR


def shell_in(directory: Path, shell: Shell, *words: str) -> Ran:
    process = subprocess.run(
        [sys.executable, "-m", "lambdaops", *words],
        cwd=directory,
        env={**shell.environment(), "PYTHONPATH": str(Path.cwd())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return Ran(process.returncode, process.stdout, process.stderr)


def test_a_working_directory_that_was_deleted_does_not_stand_in_the_way(
    function: Function, shell: Shell, wire: Wire, tmp_path: Path
) -> None:
    """A CI workspace that was cleaned up under the shell."""
    function.point(*SPLIT)
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'rmdir "$PWD" && exec "$0" -m lambdaops rollback "$1" --output json'
    process = subprocess.run(
        ["sh", "-c", script, sys.executable, function.target],
        cwd=gone,
        env={**shell.environment(), "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    done(Ran(process.returncode, process.stdout, process.stderr), function)
    assert wire.calls == FOUR


# -- AWS ---------------------------------------------------------------------------------------------------------------


def test_a_rollback_needs_nothing_of_cloudwatch(function: Function, shell: Shell, wire: Wire) -> None:
    function.point(*SPLIT)
    wire.answers["DescribeAlarms"] = Answer(403, "AccessDeniedException")
    done(back(shell, function), function)
    assert wire.calls == FOUR


def test_without_a_name_from_sts_the_record_says_so(function: Function, shell: Shell, wire: Wire) -> None:
    function.point(*SPLIT)
    wire.answers["GetCallerIdentity"] = Answer(403, "AccessDeniedException")
    ran = back(shell, function)
    done(ran, function)
    assert wire.calls == FOUR
    assert "warning: the caller's identity is unknown" in ran.err
    (entry,) = FileJournals(shell.home).open(f"{function.arn}:live").read().entries
    assert (entry.actor.arn, type(entry.event)) == ("unknown (access-denied)", RolledBack)


@pytest.mark.parametrize("times", [1, 2, 4])
@pytest.mark.parametrize("call", ["GetAlias", "UpdateAlias"])
def test_a_throttled_account_delays_a_rollback(
    function: Function, shell: Shell, wire: Wire, call: str, times: int
) -> None:
    function.point(*SPLIT)
    wire.answers[call] = Answer(429, "TooManyRequestsException", times=times)
    code, out, _ = here(shell, "rollback", function.target)
    assert (code, json.loads(out)["data"]["after"]) == (0, "1")
    assert wire.calls.count(call) == times + FOUR.count(call)
    assert function.alias() == STABLE


@pytest.mark.parametrize(
    ("call", "expected", "step", "alias"),
    [
        ("GetAlias", 8, "again", SPLIT),  # nothing was begun
        ("UpdateAlias", 5, "Act now: lambdaops rollback {} --to 1, or in the console", SPLIT),
    ],
)
def test_an_account_throttled_for_good_is_said_with_the_next_step(
    function: Function, shell: Shell, wire: Wire, call: str, expected: int, step: str, alias: object
) -> None:
    function.point(*SPLIT)
    wire.answers[call] = Answer(429, "TooManyRequestsException")
    code, out, _ = here(shell, "rollback", function.target)
    envelope = json.loads(out)
    assert (code, envelope["exit_code"]) == (expected, expected)
    assert step.format(function.target) in envelope["errors"][0]["hint"]
    assert function.alias() == alias
    assert wire.calls.count(call) > 5


# -- a release that is at work -----------------------------------------------------------------------------------------


def test_a_stopped_driver_does_not_stand_in_the_way(function: Function, shell: Shell, wire: Wire) -> None:
    """It still has the right to drive; and when it wakes up, it gives in."""
    process = shell.start("release", function.target, "--to", "2", *PLAN)
    until(lambda: function.alias() == ("1", {"2": 0.1}))
    time.sleep(0.5)
    process.send_signal(signal.SIGSTOP)
    del wire.calls[:]
    try:
        ran = back(shell, function)
    finally:
        process.send_signal(signal.SIGCONT)
    done(ran, function)
    assert wire.calls[:4] == FOUR
    out, err = process.communicate(timeout=20)
    assert process.returncode == 7, err
    assert json.loads(out)["data"]["outcome"] == "superseded"
    assert function.alias() == STABLE
    assert shell("audit", "verify").code == 0


def test_a_hung_holder_of_the_drive_does_not_stand_in_the_way(function: Function, shell: Shell, wire: Wire) -> None:
    function.point(*SPLIT)
    with FileJournals(shell.home).drive(f"{function.arn}:live", "r-1"):
        done(back(shell, function), function)
    assert wire.calls == FOUR
