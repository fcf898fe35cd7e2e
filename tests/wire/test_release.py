"""The commands as a user runs them, against the sandbox, watched on the wire."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.wire.conftest import FAILING, answering, until
from tests.wire.proxy import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wire.conftest import Function, Shell
    from tests.wire.proxy import Wire

FAST = ("--strategy", "10%:1s,50%:1s,100%:1s", "--look-every", "1s", "--yes", "--output", "json")
LONG = ("--strategy", "10%:60s,100%:60s", "--look-every", "1s", "--yes", "--output", "json")


def test_a_release_promotes_and_a_rollback_returns(function: Function, shell: Shell, wire: Wire) -> None:
    alarm = function.alarm()
    function.wait_for(alarm, "OK")
    ran = shell("release", function.target, "--to", "2", "--alarm", alarm, *FAST)
    assert (ran.code, ran.data["outcome"]) == (0, "promoted")
    assert function.alias() == ("2", {})
    assert wire.writes == ["UpdateAlias"] * 3
    again = shell("release", function.target, "--to", "2", *FAST)
    assert (again.code, again.data["changed"]) == (0, False)
    back = shell("rollback", function.target, "--output", "json")
    assert (back.code, back.data["after"]) == (0, "1")
    assert function.alias() == ("1", {})
    once_more = shell("rollback", function.target, "--output", "json")
    assert (once_more.code, once_more.data["changed"]) == (0, False)
    assert shell("audit", "verify", function.target).code == 0


def test_a_failing_candidate_is_taken_back_by_its_alarm(function: Function, shell: Shell) -> None:
    version = function.publish(FAILING)
    alarm = function.alarm()
    function.wait_for(alarm, "OK")
    command = ("release", function.target, "--to", version, "--alarm", alarm, "--strategy", "50%:60s,100%:60s")
    process = shell.start(*command, "--look-every", "1s", "--yes", "--output", "json")
    deadline = time.monotonic() + 40
    while process.poll() is None and time.monotonic() < deadline:
        function.clients("lambda").invoke(FunctionName=function.name, Qualifier="live", Payload=b"{}")
        time.sleep(0.1)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 4, err
    assert f"{alarm}: ALARM" in out
    assert function.alias() == ("1", {})


def test_rollback_is_two_calls_until_safe_and_one_to_prove_it(function: Function, shell: Shell, wire: Wire) -> None:
    function.point("1", {"2": 0.3})
    assert shell("rollback", function.target).code == 0
    assert wire.calls == ["GetAlias", "UpdateAlias", "GetAlias", "GetCallerIdentity"]
    assert function.alias() == ("1", {})


def test_a_look_at_a_hundred_alarms_is_one_call(function: Function, shell: Shell, wire: Wire) -> None:
    names = [function.alarm(f"a{number}") for number in range(100)]
    for name in names:
        function.wait_for(name, "OK")
    alarms = [word for name in names for word in ("--alarm", name)]
    ran = shell(
        "release", function.target, "--to", "2", *alarms, "--strategy", "all-at-once", "--bake", "2s", *FAST[2:]
    )
    assert ran.code == 0
    ticks = wire.calls.count("GetAlias") - 1  # the first is before preflight
    assert wire.calls.count("DescribeAlarms") == ticks + 1  # and preflight's own


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "{target}", "--to", "2"),
        ("release", "{target}", "--to", "2", "--dry-run"),
        ("release", "{target}", "--zip", "{zip}", "--dry-run"),
        ("rollback", "{target}", "--to", "2", "--dry-run"),
        ("publish", "{name}", "--zip", "{zip}", "--dry-run"),
        ("status", "{target}"),
        ("versions", "{target}"),
    ],
)
def test_what_only_looks_writes_nothing(
    function: Function, shell: Shell, wire: Wire, tmp_path: Path, words: tuple[str, ...]
) -> None:
    archive = tmp_path / "new.zip"
    archive.write_bytes(answering("three"))
    before = function.alias(), len(function.clients("lambda").list_versions_by_function(FunctionName=function.name))
    names = {"target": function.target, "name": function.name, "zip": str(archive)}
    ran = shell(*(word.format(**names) for word in words), "--output", "json")
    assert ran.code == 0, ran.err
    assert wire.calls
    assert wire.writes == []
    assert not shell.home.exists(), "a journal was begun"
    after = function.alias(), len(function.clients("lambda").list_versions_by_function(FunctionName=function.name))
    assert after == before


def test_publish_is_idempotent_and_says_so(function: Function, shell: Shell, tmp_path: Path) -> None:
    archive = tmp_path / "new.zip"
    archive.write_bytes(answering("three"))
    first = shell("publish", function.name, "--zip", str(archive), "--yes", "--output", "json")
    second = shell("publish", function.name, "--zip", str(archive), "--yes", "--output", "json")
    assert (first.data["version"], first.data["new"]) == ("3", True)
    assert (second.data["version"], second.data["new"]) == ("3", False)
    assert "by root" in first.data["description"] or "by arn" in first.data["description"]


def test_a_change_of_configuration_alone_is_published(function: Function, shell: Shell, tmp_path: Path) -> None:
    archive = tmp_path / "two.zip"
    archive.write_bytes(answering("two"))
    function.clients("lambda").update_function_configuration(FunctionName=function.name, MemorySize=256)
    ran = shell("publish", function.name, "--zip", str(archive), "--yes", "--output", "json")
    assert (ran.data["version"], ran.data["new"]) == ("3", True)


def test_ctrl_c_without_a_terminal_rolls_back(function: Function, shell: Shell) -> None:
    process = shell.start("release", function.target, "--to", "2", *LONG)
    until(lambda: function.alias() == ("1", {"2": 0.1}))
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 4
    assert "Ctrl-C" in out
    assert function.alias() == ("1", {})


def test_on_interrupt_hold_leaves_the_split_and_the_same_command_goes_on(function: Function, shell: Shell) -> None:
    process = shell.start("release", function.target, "--to", "2", "--on-interrupt", "hold", *LONG)
    until(lambda: function.alias() == ("1", {"2": 0.1}))
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert f"lambdaops rollback {function.target}" in out
    assert function.alias() == ("1", {"2": 0.1})
    back = shell("rollback", function.target)
    assert back.code == 0
    assert function.alias() == ("1", {})


def test_a_killed_release_is_taken_up_by_the_same_command(function: Function, shell: Shell, wire: Wire) -> None:
    slow = ("--strategy", "10%:3s,100%:1s", "--look-every", "1s", "--yes", "--output", "json")
    process = shell.start("release", function.target, "--to", "2", *slow)
    until(lambda: function.alias() == ("1", {"2": 0.1}))
    process.kill()
    process.communicate()
    ran = shell("release", function.target, "--to", "2", *slow)
    assert (ran.code, ran.data["outcome"]) == (0, "promoted")
    assert wire.writes == ["UpdateAlias"] * 2
    assert shell("audit", "verify").code == 0


def test_a_second_release_of_a_live_one_is_refused(function: Function, shell: Shell) -> None:
    process = shell.start("release", function.target, "--to", "2", *LONG)
    until(lambda: function.alias() == ("1", {"2": 0.1}))
    second = shell("release", function.target, "--to", "2", *LONG)
    assert second.code == 7
    assert second.envelope["errors"][0]["code"] == "release-in-progress"
    back = shell("rollback", function.target, "--reason", "now")
    assert back.code == 0
    process.communicate(timeout=20)
    assert process.returncode == 7
    assert function.alias() == ("1", {})


def test_drift_is_named_and_left_alone(function: Function, shell: Shell) -> None:
    version = function.publish(answering("three"))
    process = shell.start("release", function.target, "--to", "2", *LONG)
    until(lambda: function.alias() == ("1", {"2": 0.1}))
    function.point(version)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 7
    assert "expected 1 90 % + 2 10 %, found 3" in out
    assert function.alias() == (version, {})


def test_a_write_that_took_effect_but_whose_answer_was_lost_is_not_repeated_blindly(
    function: Function, shell: Shell, wire: Wire
) -> None:
    """botocore repeats the call after the 500, and the repetition meets a stale revision: 412."""
    wire.answers["UpdateAlias"] = Answer(500, "ServiceException", times=1, after=True)
    ran = shell("release", function.target, "--to", "2", *FAST)
    assert (ran.code, ran.data["outcome"]) == (0, "promoted")
    assert function.alias() == ("2", {})
