"""Steering real releases from other processes: requests through the journal, leases, and taking over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.wire.conftest import until

if TYPE_CHECKING:
    import subprocess

    from tests.wire.conftest import Function, Shell
    from tests.wire.proxy import Wire

JSON = ("--output", "json")
LONG = ("--strategy", "10%:5m,50%:5m,100%:5m", "--look-every", "60s", "--yes", *JSON)
GATED = ("--strategy", "10%:1s,hold:5m:rollback,100%:1s", "--look-every", "1s", "--yes", *JSON)


def begun(function: Function, shell: Shell, *options: str) -> subprocess.Popen[str]:
    process = shell.start("release", function.target, "--to", "2", *options)
    until(lambda: function.alias() == ("1", {"2": 0.1}))
    return process


def ended(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=30)
    return process.returncode


def test_pause_promote_and_abort_reach_a_process_that_waits_for_its_next_look(
    function: Function, shell: Shell, wire: Wire
) -> None:
    process = begun(function, shell, *LONG)
    paused = shell("pause", function.target, "--for", "5m", "--reason", "wait for ada", *JSON)
    assert (paused.code, paused.data["phase"], paused.data["reason"]) == (0, "paused", "paused: wait for ada")
    longer = shell("pause", function.target, "--reason", "wait for bo")
    assert (longer.code, longer.out) == (0, f"{function.target} paused: wait for bo\n")
    gone_on = shell("promote", function.target, "--yes", *JSON)
    assert (gone_on.code, gone_on.data["phase"]) == (0, "baking stage 2")
    assert function.alias() == ("1", {"2": 0.5})
    full = shell("promote", function.target, "--full", "--yes", *JSON)
    assert (full.code, full.data["phase"]) == (0, "baking stage 3")
    assert function.alias() == ("2", {})
    began = time.monotonic()
    back = shell("abort", function.target, "--reason", "wrong build", *JSON)
    assert time.monotonic() - began < 10
    assert (back.code, back.data["phase"]) == (0, "rolled back")
    assert ended(process) == 4
    assert function.alias() == ("1", {})
    shown = shell("audit", "show", function.target).out
    assert "asked to pause" in shown
    assert "wait for ada" in shown
    assert shell("audit", "verify", function.target).code == 0


def test_a_manual_gate_is_opened_from_another_shell(function: Function, shell: Shell, wire: Wire) -> None:
    process = begun(function, shell, *GATED)
    until(lambda: "waiting for approval" in shell("status", function.target).out)
    assert function.alias() == ("1", {"2": 0.1})
    assert shell("resume", function.target, "--yes", *JSON).code == 0
    assert ended(process) == 0
    assert function.alias() == ("2", {})


def test_one_driver_and_who_it_is(function: Function, shell: Shell, wire: Wire) -> None:
    process = begun(function, shell, *LONG)
    second = shell("release", function.target, "--to", "2", *LONG)
    assert second.code == 7
    assert f"pid {process.pid}" in second.envelope["errors"][0]["message"]
    assert "abort" in second.envelope["errors"][0]["hint"]
    status = shell("status", function.target, *JSON).data
    assert f"pid {process.pid}" in status["driver"]
    assert status["stranded"] is False
    process.kill()
    process.communicate(timeout=10)
    status = shell("status", function.target, *JSON).data
    assert "died" in status["driver"]
    assert status["stranded"] is True
    every = shell("status", "--all", *JSON)
    assert every.code == 6
    (mine,) = [row for row in every.data["aliases"] if row["target"] == function.target]
    assert mine["standing"] == "abandoned"
    nobody = shell("promote", function.target, "--yes", *JSON)
    assert (nobody.code, nobody.envelope["errors"][0]["code"]) == (6, "no-driver")
    other = shell("release", function.target, "--to", "2", "--yes", *JSON)
    assert (other.code, other.envelope["errors"][0]["code"]) == (3, "plan-differs")
    back = shell("abort", function.target, *JSON)
    assert (back.code, function.alias()) == (0, ("1", {}))


def test_resume_takes_over_and_goes_on(function: Function, shell: Shell, wire: Wire) -> None:
    process = begun(function, shell, "--strategy", "10%:2s,100%:1s", "--look-every", "1s", "--yes", *JSON)
    process.kill()
    process.communicate(timeout=10)
    ran = shell("resume", function.target, "--reason", "taking over", "--yes", *JSON)
    assert (ran.code, ran.data["outcome"]) == (0, "promoted")
    assert function.alias() == ("2", {})


@pytest.mark.parametrize("words", [("promote", "--yes"), ("pause",), ("resume", "--yes"), ("abort",)])
def test_a_dry_run_asks_for_nothing(function: Function, shell: Shell, wire: Wire, words: tuple[str, ...]) -> None:
    process = begun(function, shell, *LONG)
    before = len(wire.writes)
    said = shell(words[0], function.target, *words[1:], "--dry-run", *JSON)
    assert (said.code, said.data["dry_run"]) == (0, True)
    time.sleep(1)
    assert len(wire.writes) == before
    assert "asked to" not in shell("audit", "show", function.target).out
    process.kill()
    process.communicate(timeout=10)


@pytest.mark.parametrize("command", ["promote", "pause", "resume", "abort"])
def test_nothing_to_steer(shell: Shell, command: str) -> None:
    ran = shell(command, "nosuch:live", *JSON)
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (3, "not-found")
