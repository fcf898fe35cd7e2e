"""Ctrl-C, signals, closed terminals and readers that went away, in each phase of a release."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.events import Landed, Signalled
from lambdaops.core.replay import open_release
from lambdaops.store.files import FileJournals
from tests.wire.conftest import until
from tests.wire.proxy import PASSED, Answer
from tests.wire.terminals import CTRL_C, CTRL_D, terminal

if TYPE_CHECKING:
    from lambdaops.core.events import Entry
    from tests.wire.conftest import Function, Shell
    from tests.wire.proxy import Wire

STABLE: tuple[str, dict[str, float]] = ("1", {})
SPLIT = ("1", {"2": 0.1})
LONG = ("--strategy", "10%:60s,100%:60s", "--look-every", "1s", "--yes", "--output", "json")
PLAIN = (*LONG[:4], "--yes")
FAST = ("--strategy", "10%:1s,100%:1s", "--look-every", "1s", "--yes")


def entries(shell: Shell, function: Function) -> tuple[Entry, ...]:
    return FileJournals(shell.home).open(f"{function.arn}:live").read().entries


def asked(shell: Shell, function: Function) -> list[tuple[str, str]]:
    """What was asked of the release, and by what, as the journal tells it."""
    found = [entry.event for entry in entries(shell, function)]
    return [(event.signal.value, event.reason) for event in found if isinstance(event, Signalled)]


# -- without a terminal ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "words", "code", "alias", "reason"),
    [
        (signal.SIGINT, ("--on-interrupt", "hold"), 130, SPLIT, ("hold", "Ctrl-C")),
        (signal.SIGTERM, (), 4, STABLE, ("rollback", "SIGTERM")),
        (signal.SIGTERM, ("--on-interrupt", "rollback"), 4, STABLE, ("rollback", "SIGTERM")),
        (signal.SIGHUP, (), 4, STABLE, ("rollback", "the terminal went away (SIGHUP)")),
        (signal.SIGHUP, ("--on-interrupt", "hold"), 130, SPLIT, ("hold", "the terminal went away (SIGHUP)")),
    ],
)
def test_a_signal_while_baking_is_answered_and_journaled(
    function: Function,
    shell: Shell,
    number: signal.Signals,
    words: tuple[str, ...],
    code: int,
    alias: object,
    reason: tuple[str, str],
) -> None:
    process = shell.start("release", function.target, "--to", "2", *words, *LONG)
    until(lambda: function.alias() == SPLIT)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code, err
    assert json.loads(out)["exit_code"] == code
    assert function.alias() == alias
    assert asked(shell, function) == [reason]
    assert (open_release(entries(shell, function)) is None) == (code == 4)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGHUP, -1)])
def test_before_anything_is_written_a_signal_just_ends_it(
    function: Function, shell: Shell, wire: Wire, number: signal.Signals, code: int
) -> None:
    wire.answers["ListEventSourceMappings"] = Answer(PASSED, "", delay=3)
    process = shell.start("release", function.target, "--to", "2", *LONG)
    until(lambda: "ListEventSourceMappings" in wire.calls)
    process.send_signal(number)
    _, err = process.communicate(timeout=2.5)
    assert process.returncode == code
    assert "Traceback" not in err
    assert wire.writes == []
    assert not shell.home.exists()


@pytest.mark.parametrize(
    ("words", "code", "alias", "writes"),
    [((), 4, STABLE, 2), (("--on-interrupt", "hold"), 130, SPLIT, 1)],
)
def test_a_write_in_flight_is_waited_for(
    function: Function, shell: Shell, wire: Wire, words: tuple[str, ...], code: int, alias: object, writes: int
) -> None:
    wire.answers["UpdateAlias"] = Answer(PASSED, "", delay=2, times=1)
    process = shell.start("release", function.target, "--to", "2", *words, *LONG)
    until(lambda: function.alias() == SPLIT)  # it took effect, and the answer is still on its way
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code, err
    assert function.alias() == alias
    assert wire.writes == ["UpdateAlias"] * writes
    landed = [entry.event for entry in entries(shell, function) if isinstance(entry.event, Landed)]
    assert len(landed) == writes
    assert not any(event.reconciled for event in landed), "its answer was thrown away"


def going_back(function: Function, wire: Wire, alarm: str, delay: float) -> None:
    """The alarm fires, and the write back is under way for so many seconds."""
    until(lambda: function.alias() == SPLIT)
    wire.answers["UpdateAlias"] = Answer(PASSED, "", delay=delay)
    function.clients("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="drill")
    until(lambda: wire.writes == ["UpdateAlias"] * 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_stops_an_automatic_rollback(
    function: Function, shell: Shell, wire: Wire, number: signal.Signals
) -> None:
    alarm = function.alarm()
    function.wait_for(alarm, "OK")
    hold = ("--on-interrupt", "hold", "--alarm", alarm)
    process = shell.start("release", function.target, "--to", "2", *hold, *LONG)
    going_back(function, wire, alarm, delay=2)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 4, err
    assert function.alias() == STABLE
    assert open_release(entries(shell, function)) is None


def test_the_same_signal_again_leaves_at_once(function: Function, shell: Shell, wire: Wire) -> None:
    process = shell.start("release", function.target, "--to", "2", *LONG)
    until(lambda: function.alias() == SPLIT)
    wire.answers["UpdateAlias"] = Answer(500, "ServiceException", delay=4)
    process.send_signal(signal.SIGTERM)
    until(lambda: wire.writes == ["UpdateAlias"] * 2)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=2)
    assert (process.returncode, out) == (130, "")
    assert "left at once; the alias stays as it is" in err
    assert function.alias() == SPLIT
    wire.answers.clear()
    assert open_release(entries(shell, function)) is not None
    again = shell("release", function.target, "--to", "2", *LONG)
    assert again.code == 4, "what was asked for is still to be done"
    assert function.alias() == STABLE
    assert shell("audit", "verify").code == 0


def test_sigint_and_then_sigterm_is_how_ci_asks_and_not_impatience(
    function: Function, shell: Shell, wire: Wire
) -> None:
    process = shell.start("release", function.target, "--to", "2", *LONG)
    until(lambda: function.alias() == SPLIT)
    wire.answers["UpdateAlias"] = Answer(PASSED, "", delay=2)
    process.send_signal(signal.SIGINT)
    until(lambda: wire.writes == ["UpdateAlias"] * 2)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 4, err
    assert function.alias() == STABLE


def test_hang_ups_come_twice_and_the_rollback_goes_on(function: Function, shell: Shell, wire: Wire) -> None:
    process = shell.start("release", function.target, "--to", "2", *LONG)
    until(lambda: function.alias() == SPLIT)
    wire.answers["UpdateAlias"] = Answer(PASSED, "", delay=1)
    for _ in range(3):
        process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 4, err
    assert function.alias() == STABLE
    assert len(asked(shell, function)) == 1


def test_nohup_lets_it_go_on(function: Function, shell: Shell) -> None:
    process = subprocess.Popen(
        ["nohup", sys.executable, "-m", "lambdaops", "release", function.target, "--to", "2", *FAST],
        env=shell.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: function.alias() == SPLIT)
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert function.alias() == ("2", {})
    assert asked(shell, function) == []


# -- readers that go away ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("closed", "output"),
    [
        ("stdout", "text"),
        ("stdout", "json"),
        ("stdout", "jsonl"),
        ("stderr", "text"),
        ("both", "json"),
        *(
            pytest.param(*pair, marks=pytest.mark.exhaustive)
            for pair in (("stderr", "json"), ("stderr", "jsonl"), ("both", "text"), ("both", "jsonl"))
        ),
    ],
)
def test_a_reader_that_goes_away_stops_nothing(function: Function, shell: Shell, closed: str, output: str) -> None:
    process = shell.start("release", function.target, "--to", "2", *FAST, "--output", output)
    assert process.stdout is not None
    assert process.stderr is not None
    until(lambda: function.alias() == SPLIT)
    for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
        if closed in (name, "both"):
            stream.close()
    until(lambda: process.poll() is not None)
    told = "" if process.stderr.closed else process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    assert process.returncode == 0, told
    assert "Traceback" not in told
    assert "BrokenPipe" not in told
    assert function.alias() == ("2", {})


def test_a_reader_that_goes_away_does_not_stop_going_back(function: Function, shell: Shell) -> None:
    """A CI job is cancelled: its log is closed, and then comes the signal, twice."""
    process = shell.start("release", function.target, "--to", "2", *LONG)
    assert process.stdout is not None
    assert process.stderr is not None
    until(lambda: function.alias() == SPLIT)
    process.stdout.close()
    process.stderr.close()
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    assert process.returncode == 4
    assert function.alias() == STABLE


def test_leaving_at_once_needs_no_reader(function: Function, shell: Shell, wire: Wire) -> None:
    process = shell.start("release", function.target, "--to", "2", *LONG)
    assert process.stdout is not None
    assert process.stderr is not None
    until(lambda: function.alias() == SPLIT)
    wire.answers["UpdateAlias"] = Answer(500, "ServiceException", delay=4)
    process.stdout.close()
    process.stderr.close()
    process.send_signal(signal.SIGTERM)
    until(lambda: wire.writes == ["UpdateAlias"] * 2)
    process.send_signal(signal.SIGTERM)
    process.wait(2)
    assert process.returncode == 130


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["release", "rollback"])
def test_streams_that_were_never_open(function: Function, shell: Shell, command: str, closed: str) -> None:
    """The next file to be opened takes the number of the one that is closed: here, the journal stderr's."""
    words = [command, function.target, *(("--to", "2", *FAST) if command == "release" else ())]
    if command == "rollback":
        function.point(*SPLIT)
    script = f'exec "$0" -m lambdaops "$@" {closed}'
    process = subprocess.run(
        ["sh", "-c", script, sys.executable, *words],
        env=shell.environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "Traceback" not in process.stderr
    assert function.alias() == (("2", {}) if command == "release" else STABLE)
    assert shell("audit", "verify").code == 0
    assert entries(shell, function)


# -- on a terminal -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "code", "says"),
    [(CTRL_C, 130, "interrupted"), (CTRL_D, 3, "not confirmed"), (b"n\n", 3, "not confirmed"), (b"\n", 3, "Answer y")],
)
def test_anything_but_yes_at_the_question_changes_nothing(
    function: Function, shell: Shell, wire: Wire, keys: bytes, code: int, says: str
) -> None:
    with terminal(shell, "release", function.target, "--to", "2", *PLAIN[:4]) as person:
        person.sees("[y/N]")
        person.type(keys)
        assert person.ended() == code, person.shown
        assert says in person.shown
    assert wire.writes == []
    assert not shell.home.exists()


def test_ctrl_c_on_a_terminal_holds_and_says_how_to_go_on(function: Function, shell: Shell) -> None:
    with terminal(shell, "release", function.target, "--to", "2", *PLAIN[:4]) as person:
        person.sees("[y/N]")
        person.type(b"y\n")
        until(lambda: function.alias() == SPLIT)
        person.type(CTRL_C)
        assert person.ended() == 130, person.shown
        assert f"lambdaops rollback {function.target}" in person.shown
    assert function.alias() == SPLIT
    assert asked(shell, function) == [("hold", "Ctrl-C")]
    assert open_release(entries(shell, function)) is not None


def test_ctrl_c_on_a_terminal_goes_back_if_that_was_asked_for(function: Function, shell: Shell) -> None:
    with terminal(shell, "release", function.target, "--to", "2", "--on-interrupt", "rollback", *PLAIN) as person:
        until(lambda: function.alias() == SPLIT)
        person.type(CTRL_C)
        assert person.ended() == 4, person.shown
    assert function.alias() == STABLE


def test_ctrl_c_on_a_terminal_does_not_stop_an_automatic_rollback(function: Function, shell: Shell, wire: Wire) -> None:
    alarm = function.alarm()
    function.wait_for(alarm, "OK")
    with terminal(shell, "release", function.target, "--to", "2", "--alarm", alarm, *PLAIN) as person:
        going_back(function, wire, alarm, delay=2)
        person.type(CTRL_C)
        assert person.ended() == 4, person.shown
    assert function.alias() == STABLE


def test_ctrl_c_twice_leaves_at_once_and_the_terminal_usable(function: Function, shell: Shell, wire: Wire) -> None:
    with terminal(shell, "release", function.target, "--to", "2", "--on-interrupt", "rollback", *PLAIN) as person:
        until(lambda: function.alias() == SPLIT)
        wire.answers["UpdateAlias"] = Answer(500, "ServiceException", delay=4)
        person.type(CTRL_C)
        until(lambda: wire.writes == ["UpdateAlias"] * 2)
        person.type(CTRL_C)
        assert person.ended(within=2) == 130
        assert "left at once" in person.shown
        assert "\x1b[?25l" not in person.shown, "the cursor was hidden"
    assert function.alias() == SPLIT


@pytest.mark.parametrize(("words", "alias"), [((), STABLE), (("--on-interrupt", "hold"), SPLIT)])
def test_a_terminal_that_goes_away_leaves_nothing_undriven(
    function: Function, shell: Shell, words: tuple[str, ...], alias: object
) -> None:
    """The window is closed, or the connection lost: nobody is there to go on, so traffic goes back."""
    with terminal(shell, "release", function.target, "--to", "2", *words, *PLAIN) as person:
        until(lambda: function.alias() == SPLIT)
        person.go_away()
        assert person.ended() == (4 if alias == STABLE else 130)
    assert function.alias() == alias
    ((signalled, reason),) = asked(shell, function)
    assert (signalled, reason) == ("hold" if words else "rollback", "the terminal went away (SIGHUP)")
