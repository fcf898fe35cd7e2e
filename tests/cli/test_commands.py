"""Every command through ``main(argv, env)``: what it says, in which form, and its exit code."""

from __future__ import annotations

import io
import json
import signal
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.cli.commands import tree
from lambdaops.core.errors import AccessDeniedError, ExitCode, ThrottledError
from lambdaops.core.model import AlarmState, Routing
from tests.cli.rig import Cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYS = {"lambdaops_result_version", "command", "status", "exit_code", "data", "errors"}
ERROR_KEYS = {"code", "message", "hint", "target", "request_id"}
RELEASE = ("release", "orders:live", "--to", "2", "--alarm", "errors", "--yes")


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    cli = Cli(tmp_path / "home")
    cli.world.alarm("errors")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield cli
    for number, handler in handlers.items():
        signal.signal(number, handler)


def breach_during(cli: Cli) -> None:
    cli.world.clock.after(30, lambda: cli.world.breach("errors"))


def deny_rollback(cli: Cli) -> None:
    def deny() -> None:
        cli.world.breach("errors")
        cli.world.fail("set_routing", AccessDeniedError("no"), times=99)

    cli.world.clock.after(30, deny)


def silence(cli: Cli) -> None:
    cli.world.turn("errors", AlarmState.INSUFFICIENT_DATA)


def drift(cli: Cli) -> None:
    cli.world.clock.after(30, lambda: cli.world.repoint_alias(Routing("3")))


def already_alarm(cli: Cli) -> None:
    cli.world.breach("errors")


def throttle(cli: Cli) -> None:
    cli.world.fail("get_alias", ThrottledError("slow down"), times=99)


def nothing(_: Cli) -> None:
    """All is well."""


CASES: list[tuple[Any, tuple[str, ...], ExitCode, str, str]] = [
    (nothing, RELEASE, ExitCode.DONE, "success", "2"),
    (nothing, ("release", "orders"), ExitCode.USAGE, "error", "1"),
    (already_alarm, RELEASE, ExitCode.BLOCKED, "blocked", "1"),
    (breach_during, RELEASE, ExitCode.ROLLED_BACK, "reverted", "1"),
    (deny_rollback, RELEASE, ExitCode.ROLLBACK_INCOMPLETE, "error", "1"),
    (silence, (*RELEASE, "--on-inconclusive", "hold", "--patience", "1m"), ExitCode.HELD, "held", "1"),
    (drift, RELEASE, ExitCode.CONFLICT, "error", "3"),
    (throttle, RELEASE, ExitCode.AWS, "error", "1"),
]


@pytest.mark.parametrize(("arrange", "argv", "code", "status", "primary"), CASES)
def test_each_exit_code_and_its_envelope(
    cli: Cli, arrange: Any, argv: tuple[str, ...], code: ExitCode, status: str, primary: str
) -> None:
    arrange(cli)
    ran = cli(*argv, "--output", "json")
    envelope = ran.envelope
    assert ran.code == code
    assert envelope.keys() == KEYS
    assert (envelope["exit_code"], envelope["status"], envelope["command"]) == (code, status, "release")
    assert all(error.keys() == ERROR_KEYS for error in envelope["errors"])
    assert cli.world.routing.primary == primary


def test_jsonl_streams_and_ends_with_the_envelope(cli: Cli) -> None:
    ran = cli(*RELEASE, "--output", "jsonl")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert lines[-1].keys() == KEYS
    assert {"planned", "opened", "intent", "done", "closed"} <= {line["event"] for line in lines[:-1]}
    assert ran.err == ""


def test_text_keeps_data_on_stdout_and_everything_else_on_stderr(cli: Cli) -> None:
    ran = cli(*RELEASE)
    assert ran.out.startswith("orders:live 1 -> 2: promoted")
    assert "set orders:live to 1 90 % + 2 10 %" in ran.err
    assert "\x1b" not in ran.out + ran.err


def test_an_error_in_text_says_what_why_and_next(cli: Cli) -> None:
    ran = cli("rollback", "orders:live")
    assert ran.out == ""
    assert ran.err.startswith("error: orders:live sends all traffic to 1")
    assert "next: Say it: lambdaops rollback orders:live --to VERSION" in ran.err


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("yes\n", 0), ("\n", 3), ("n\n", 3), ("", 3)])
def test_on_a_terminal_a_release_asks(cli: Cli, answer: str, code: int) -> None:
    cli.tty, cli.answer = True, answer
    ran = cli("release", "orders:live", "--to", "2", "--alarm", "errors")
    assert ran.code == code
    assert "Release orders:live from version 1 to 2? [y/N]" in ran.err
    assert bool(cli.world.writes) is (code == 0)


def test_a_rollback_never_asks(cli: Cli) -> None:
    cli.world.repoint_alias(Routing("1", "2", 500))
    cli.tty = True
    ran = cli("rollback", "orders:live")
    assert (ran.code, cli.world.routing) == (0, Routing("1"))
    assert ran.out == "returned orders:live from 1 95 % + 2 5 % to 1 (the primary version of a weighted alias)\n"


def test_dry_runs_write_neither_aws_nor_journal(cli: Cli, tmp_path: Path) -> None:
    for argv in (RELEASE, ("rollback", "orders:live", "--to", "2")):
        ran = cli(*argv, "--dry-run", "--output", "json")
        assert ran.code == 0
    assert cli.world.writes == []
    assert not (tmp_path / "home").exists()


def test_plan_shows_times_writes_and_findings(cli: Cli) -> None:
    ran = cli("plan", "orders:live", "--to", "2", "--strategy", "5%:2m,100%:10m", "--alarm", "errors")
    assert ran.code == 0
    assert "1 95 % + 2 5 %" in ran.out
    assert "after 12m" in ran.out
    blocked = cli("plan", "orders:live", "--to", "9", "--output", "json")
    assert (blocked.code, blocked.envelope["data"]["blocked"]) == (3, True)


def test_what_was_done_can_be_looked_at(cli: Cli) -> None:
    cli(*RELEASE, "--reason", "tax line", "--ticket", "SHOP-1")
    cli("rollback", "orders:live", "--reason", "too slow")
    history = cli("history", "orders:live").out
    assert "tax line" not in history.splitlines()[1]
    assert "too slow" in history
    assert "SHOP-1" in history
    versions = cli("versions", "orders:live", "--output", "json").envelope["data"]["versions"]
    assert [row["live_share"] for row in versions] == [0, 0, 10_000]
    assert "at rest" in cli("status", "orders:live").out
    assert cli("audit", "verify").code == 0
    assert len(cli("audit", "show", "orders:live", "--output", "json").envelope["data"]["records"]) > 10
    assert "orders:live" in cli("audit", "list").out


def test_an_edited_journal_is_found_and_a_rollback_still_works(cli: Cli, tmp_path: Path) -> None:
    cli(*RELEASE)
    (journal,) = (tmp_path / "home").rglob("live.jsonl")
    journal.write_text(journal.read_text("utf-8")[:-9] + '0000000"}\n', "utf-8")
    ran = cli("audit", "verify", "orders:live", "--output", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (2, "journal-tampered")
    assert cli(*RELEASE[:3], "3", "--yes").code == 2
    back = cli("rollback", "orders:live", "--to", "1")
    assert (back.code, cli.world.routing) == (0, Routing("1"))
    assert "NOT JOURNALED" in back.err


def test_the_journal_holds_no_payload_and_no_code(cli: Cli, tmp_path: Path) -> None:
    archive = tmp_path / "build.zip"
    archive.write_bytes(_zip("SECRET = 'hunter2'"))
    assert cli("publish", "orders", "--zip", str(archive), "--yes", "--reason", "CHG-1").code == 0
    text = "".join(path.read_text("utf-8") for path in (tmp_path / "home").rglob("*.jsonl"))
    assert "CHG-1" in text
    assert "hunter2" not in text


@pytest.mark.parametrize("argv", [("nosuch",), ("release",), ("release", "a:b", "--output", "xml"), ("--nosuch",)])
def test_a_command_line_that_cannot_be_read_exits_2(cli: Cli, argv: tuple[str, ...]) -> None:
    ran = cli(*argv)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert "--help" in ran.err


def _zip(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", source)
    return packed.getvalue()


def test_no_two_threads_share_what_typer_keeps_arguments_in() -> None:
    """Shared by threads, a rollback of one alias rolled back another's, and said so there."""
    with ThreadPoolExecutor(1) as other:
        theirs = other.submit(tree, "rollback").result()
    assert tree("rollback").commands["rollback"].callback is not theirs.commands["rollback"].callback
