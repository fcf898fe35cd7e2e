"""Each command calls exactly what its policy allows: nothing beyond it, and nothing is granted that is not used."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.wire.conftest import answering, planned, until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.wire.conftest import Function, Shell
    from tests.wire.proxy import Wire

PERMISSIONS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "permissions.json").read_text("utf-8"))
FAST = ("--strategy", "50%:1s,100%:1s", "--look-every", "1s", "--yes")
SLOW = ("--strategy", "50%:3s,100%:60s", "--look-every", "1s", "--yes")
# What these tests' commands have no file to say.
NOT_HERE = {
    "notify has an sns channel",
    "notify has an eventbridge channel",
    "lambdaops.yaml says the account",
    "the errors of a candidate that was taken back are told",
}


def granted(command: str, *given: str) -> set[str]:
    """The calls of a command here; ``given`` are conditions that hold although they usually do not."""
    rows = [row for name in PERMISSIONS["commands"][command] for row in PERMISSIONS["sets"][name]]
    return {row["call"] for row in rows if row["call"] and row.get("when") not in NOT_HERE - {*given}}


@pytest.fixture
def alarm(function: Function) -> str:
    name = function.alarm()
    function.wait_for(name, "OK")
    return name


@contextmanager
def driven(function: Function, shell: Shell, alarm: str) -> Iterator[subprocess.Popen[str]]:
    """A release in its first stage, whose own calls go past the wire."""
    direct = replace(shell, variables={"AWS_ENDPOINT_URL": shell.server.endpoint})
    process = direct.start("release", function.target, "--to", "2", "--alarm", alarm, *SLOW)
    try:
        until(lambda: function.alias()[1] == {"2": 0.5})
        yield process
    finally:
        process.kill()
        process.communicate()


def test_plan(function: Function, shell: Shell, wire: Wire, alarm: str) -> None:
    assert shell("plan", function.target, "--to", "2", "--alarm", alarm).code == 0
    assert set(wire.calls) == granted("plan")


def test_release(function: Function, shell: Shell, wire: Wire, alarm: str) -> None:
    assert shell("release", function.target, "--to", "2", "--alarm", alarm, *FAST).code == 0
    assert set(wire.calls) == granted("release")
    assert set(wire.calls) <= planned("release", to="2", read_logs=False)


def test_a_release_that_is_taken_back(function: Function, shell: Shell, wire: Wire, alarm: str) -> None:
    process = shell.start("release", function.target, "--to", "2", "--alarm", alarm, *SLOW)
    until(lambda: function.alias()[1] == {"2": 0.5})
    function.clients("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="broken")
    process.communicate(timeout=60)
    assert process.returncode == 4
    assert set(wire.calls) == granted("release", "the errors of a candidate that was taken back are told")
    assert set(wire.calls) <= planned("release", to="2")


def test_release_of_code(function: Function, shell: Shell, wire: Wire, alarm: str, tmp_path: Path) -> None:
    package = tmp_path / "code.zip"
    package.write_bytes(answering("three"))
    ran = shell("release", function.target, "--zip", str(package), "--alarm", alarm, *FAST)
    assert ran.code == 0, ran.err
    assert set(wire.calls) == granted("release --zip")


def test_publish(function: Function, shell: Shell, wire: Wire, tmp_path: Path) -> None:
    package = tmp_path / "code.zip"
    package.write_bytes(answering("three"))
    assert shell("publish", function.name, "--zip", str(package), "--yes").code == 0
    assert set(wire.calls) == granted("publish")
    wire.calls.clear()
    assert shell("publish", function.name, "--latest", "--yes").code == 0
    assert set(wire.calls) <= planned("publish", latest=True)


@pytest.mark.parametrize("words", [(), ("--to", "1")], ids=["by itself", "to a version"])
def test_rollback(function: Function, shell: Shell, wire: Wire, words: tuple[str, ...]) -> None:
    function.point("1", {"2": 0.5})
    assert shell("rollback", function.target, *words).code == 0
    assert set(wire.calls) == granted("rollback")


def test_looks(function: Function, shell: Shell, wire: Wire, alarm: str) -> None:
    assert shell("release", function.target, "--to", "2", "--alarm", alarm, *FAST).code == 0
    for command, words in {
        "status": ("status", function.target),
        "versions": ("versions", function.target),
        "status --all": ("status", "--all"),
        "init": ("init", "--dry-run"),
        "history": ("history", function.target),
        "audit": ("audit", "verify"),
    }.items():
        wire.calls.clear()
        ran = shell(*words)
        assert ran.code == 0, ran.err
        assert set(wire.calls) == granted(command), command


@pytest.mark.parametrize("words", [("pause",), ("promote", "--yes")], ids=lambda words: words[0])
def test_steering_asks_aws_only_who_asks(
    function: Function, shell: Shell, wire: Wire, alarm: str, words: tuple[str, ...]
) -> None:
    with driven(function, shell, alarm):
        ran = shell(words[0], function.target, *words[1:])
    assert ran.code == 0, ran.err
    assert set(wire.calls) == granted(words[0])


@pytest.mark.parametrize("words", [("resume", "--yes"), ("abort",)], ids=lambda words: words[0])
def test_steering_a_release_that_nobody_drives(
    function: Function, shell: Shell, wire: Wire, alarm: str, words: tuple[str, ...]
) -> None:
    with driven(function, shell, alarm):
        pass
    process = shell.start(words[0], function.target, *words[1:])
    if words[0] == "resume":
        until(lambda: function.alias() == ("2", {}))
        process.terminate()
    process.communicate(timeout=60)
    assert function.alias() == ("1", {})
    assert set(wire.calls) == granted(words[0])


def test_halt_and_unhalt(function: Function, shell: Shell, wire: Wire, alarm: str) -> None:
    queue = function.clients("sqs").create_queue(QueueName=f"{function.name}-queue")["QueueUrl"]
    mapping = function.clients("lambda").create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:eu-central-1:000000000000:{function.name}-queue", FunctionName=function.name
    )["UUID"]
    assert shell("halt", function.name, "--yes").code == 0  # what is left unsaid is what else invokes it
    assert set(wire.calls) <= planned("halt")
    wire.calls.clear()
    assert shell("unhalt", function.name, "--yes").code == 0
    assert set(wire.calls) <= planned("unhalt")
    wire.calls.clear()
    # Not of an alias: each alias is asked for.
    assert shell("halt", function.name, "--dry-run").code == 0
    assert shell("halt", function.name, "--all-invocations", "--yes").code == 0
    assert set(wire.calls) == granted("halt")
    wire.calls.clear()
    assert shell("unhalt", function.name, "--stop-alarm", alarm, "--watch", "1s", "--yes").code == 0
    assert set(wire.calls) == granted("unhalt") - {"PutFunctionConcurrency"}
    function.clients("lambda").delete_event_source_mapping(UUID=mapping)
    function.clients("sqs").delete_queue(QueueUrl=queue)
