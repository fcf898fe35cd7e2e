"""What a CI system around a command gets: groups and annotations, a summary page, outputs; and what it cannot break."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import AccessDeniedError, ThrottledError
from lambdaops.core.model import AlarmState, Routing
from tests.cli.rig import Cli, Ran

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RELEASE = ("release", "orders:live", "--to", "2", "--alarm", "errors", "--yes")


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    cli = Cli(tmp_path / "home")
    cli.world.alarm("errors")
    cli.variables = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield cli
    for number, handler in handlers.items():
        signal.signal(number, handler)


def summary(cli: Cli) -> str:
    return Path(cli.variables["GITHUB_STEP_SUMMARY"]).read_text("utf-8")


def outputs(cli: Cli) -> dict[str, str]:
    lines = Path(cli.variables["GITHUB_OUTPUT"]).read_text("utf-8").split("\n")
    return dict(line.split("=", 1) for line in lines if line)


def groups(ran: Ran) -> list[str]:
    return [line for line in ran.err.splitlines() if line.startswith(("::group::", "::endgroup::"))]


def remarks(ran: Ran) -> list[str]:
    return [line for line in (ran.err + ran.out).splitlines() if line.startswith(("::error", "::warning", "::notice"))]


def breach(cli: Cli) -> None:
    cli.world.clock.after(30, lambda: cli.world.breach("errors"))


def deny_rollback(cli: Cli) -> None:
    def deny() -> None:
        cli.world.breach("errors")
        cli.world.fail("set_routing", AccessDeniedError("no"), times=99)

    cli.world.clock.after(30, deny)


def drift(cli: Cli) -> None:
    cli.world.clock.after(30, lambda: cli.world.repoint_alias(Routing("3")))


def silence(cli: Cli) -> None:
    cli.world.turn("errors", AlarmState.INSUFFICIENT_DATA)


def terminate(cli: Cli) -> None:
    cli.world.clock.after(30, lambda: os.kill(os.getpid(), signal.SIGTERM))


def cancel(cli: Cli) -> None:
    """As GitHub does: SIGINT, and 7.5 seconds later SIGTERM."""
    cli.world.clock.after(30, lambda: os.kill(os.getpid(), signal.SIGINT))


def nothing(_: Cli) -> None:
    """All is well."""


@pytest.mark.parametrize(
    ("arrange", "argv", "code", "outcome", "level"),
    [
        (nothing, RELEASE, 0, "promoted", "notice"),
        (breach, RELEASE, 4, "rolled back", "error"),
        (terminate, RELEASE, 4, "rolled back", "error"),
        (cancel, RELEASE, 4, "rolled back", "error"),
        (deny_rollback, RELEASE, 5, "held (stuck)", "error"),
        (silence, (*RELEASE, "--on-inconclusive", "hold", "--patience", "1m"), 6, "held (inconclusive)", "error"),
        (drift, RELEASE, 7, "held (drift)", "error"),
    ],
)
def test_every_end_of_a_release(
    cli: Cli, arrange: Callable[[Cli], None], argv: tuple[str, ...], code: int, outcome: str, level: str
) -> None:
    arrange(cli)
    ran = cli(*argv)
    assert ran.code == code
    told = outputs(cli)
    assert list(told) == ["outcome", "release", "stable", "candidate", "exit_code", "changed"]
    assert (told["outcome"], told["exit_code"], told["stable"], told["candidate"]) == (outcome, str(code), "1", "2")
    assert told["changed"] == "true"
    assert told["release"]
    assert f"lambdaops release orders:live: {outcome}" in summary(cli)
    assert len(groups(ran)) % 2 == 0
    (last,) = [line for line in remarks(ran) if outcome in line]
    assert last.startswith(f"::{level} title=lambdaops orders%3Alive::")
    assert len([line for line in remarks(ran) if not line.startswith("::warning")]) == 1


@pytest.mark.parametrize("output", ["text", "json", "jsonl"])
def test_page_and_outputs_do_not_depend_on_the_form(cli: Cli, output: str) -> None:
    breach(cli)
    ran = cli(*RELEASE, "--output", output)
    assert ran.code == 4
    assert outputs(cli)["outcome"] == "rolled back"
    assert "<td>taken back</td>" in summary(cli)
    if output != "text":
        assert ran.envelope["exit_code"] == 4
        assert not any(line.startswith("::") for line in ran.out.splitlines())


@pytest.mark.parametrize(
    ("arrange", "argv", "code", "outcome"),
    [
        (lambda cli: cli.world.breach("errors"), RELEASE, 3, "blocked"),
        (lambda cli: cli.world.fail("get_alias", ThrottledError("slow down"), times=99), RELEASE, 8, "error"),
        (nothing, ("release", "orders"), 2, "error"),
        (nothing, ("release", "orders:live", "--nonsense"), 2, "error"),
        (nothing, ("publish", "orders", "--zip", "missing.zip", "--yes"), 2, "error"),
        (nothing, ("release", "orders:live", "--to", "2"), 3, "blocked"),
        (nothing, ("rollback", "orders:live"), 3, "blocked"),
    ],
)
def test_an_error_before_anything_began(
    cli: Cli, arrange: Callable[[Cli], None], argv: tuple[str, ...], code: int, outcome: str
) -> None:
    arrange(cli)
    ran = cli(*argv)
    assert ran.code == code
    assert (outputs(cli)["outcome"], outputs(cli)["exit_code"], outputs(cli)["changed"]) == (
        outcome,
        str(code),
        "false",
    )
    assert summary(cli).startswith("<h3>🚫" if code != 8 else "<h3>❌")
    assert any(line.startswith("::error title=lambdaops ") for line in remarks(ran))


def test_a_rollback(cli: Cli) -> None:
    assert cli(*RELEASE).code == 0
    ran = cli("rollback", "orders:live", "--reason", "checkout errors")
    assert ran.code == 0
    told = outputs(cli)
    assert (told["stable"], told["changed"], told["exit_code"]) == ("1", "true", "0")
    assert "checkout errors" in summary(cli)
    assert summary(cli).count("<h3>") == 2


def test_a_dry_run_shows_the_plan(cli: Cli) -> None:
    assert cli("plan", "orders:live", "--to", "2", "--alarm", "errors").code == 0
    assert "<pre>" in summary(cli)


def test_a_look_leaves_no_page(cli: Cli) -> None:
    assert cli("status", "orders:live").code == 0
    assert not Path(cli.variables["GITHUB_STEP_SUMMARY"]).exists()
    assert not Path(cli.variables["GITHUB_OUTPUT"]).exists()


def test_the_error_of_a_look_is_annotated(cli: Cli) -> None:
    cli.world.fail("get_alias", AccessDeniedError("no", hint="Ask for lambda:GetAlias."))
    ran = cli("status", "orders:live")
    assert remarks(ran) == ["::error title=lambdaops access-denied::no. Next: Ask for lambda:GetAlias."]


def test_a_defect_still_leaves_a_page(cli: Cli) -> None:
    def break_down() -> None:
        raise ZeroDivisionError

    cli.world.clock.after(30, break_down)
    with pytest.raises(ZeroDivisionError):
        cli(*RELEASE)
    assert outputs(cli)["exit_code"] == "1"
    assert "internal error" in summary(cli)
    assert "<td>not over</td>" in summary(cli)


def test_a_pipe_that_breaks_within_a_command_is_no_success(cli: Cli) -> None:
    """Only of the reader of our own output it is: a socket's must not end a release with 0."""

    def break_down() -> None:
        raise BrokenPipeError

    cli.world.clock.after(30, break_down)
    with pytest.raises(RuntimeError, match="a pipe broke within the command"):
        cli(*RELEASE)
    assert outputs(cli)["exit_code"] == "1"


def test_whatever_ends_it_the_group_is_closed(cli: Cli) -> None:
    def leave() -> None:
        raise KeyboardInterrupt

    cli.world.clock.after(30, leave)
    ran = cli(*RELEASE)
    assert ran.code == 130
    assert [line[:10] for line in groups(ran)] == ["::group::s", "::endgroup"]
    assert outputs(cli)["exit_code"] == "130"
    assert "interrupted" in summary(cli)


def test_what_was_there_before_stays(cli: Cli) -> None:
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        Path(cli.variables[name]).write_bytes(b"before=\xff")
    cli(*RELEASE)
    assert Path(cli.variables["GITHUB_STEP_SUMMARY"]).read_bytes().startswith(b"before=\xff\n\n<h3>")
    assert Path(cli.variables["GITHUB_OUTPUT"]).read_bytes().startswith(b"before=\xff\n\noutcome=promoted\n")


def folder(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def full(path: Path) -> None:
    path.symlink_to("/dev/full")


def loop(path: Path) -> None:
    path.symlink_to(path)


def below_a_file(path: Path) -> None:
    path.parent.joinpath("file").touch()
    path.symlink_to(path.parent / "file" / "below")


def no_room(path: Path) -> None:
    path.write_bytes(b"x" * (1024 * 1024 - 100))


@pytest.mark.parametrize("name", ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"])
@pytest.mark.parametrize("spoil", [folder, pipe, full, loop, below_a_file, no_room])
def test_a_file_that_cannot_be_written_changes_no_exit_code(cli: Cli, name: str, spoil: Callable[[Path], None]) -> None:
    if spoil is no_room and name == "GITHUB_OUTPUT":
        pytest.skip("its limit is GitHub's to enforce")
    spoil(Path(cli.variables[name]))
    breach(cli)
    ran = cli(*RELEASE, "--compare", "none")
    assert ran.code == 4
    (warning,) = [line for line in remarks(ran) if line.startswith("::warning")]
    assert warning.startswith(f"::warning title=lambdaops::{name} cannot be written: ")
    assert len(warning) > len(f"::warning title=lambdaops::{name} cannot be written: ")


def test_a_page_uses_what_is_left_of_a_step_s_room(cli: Cli) -> None:
    path = Path(cli.variables["GITHUB_STEP_SUMMARY"])
    path.write_bytes(b"x" * (1024 * 1024 - 1_200))
    assert cli(*RELEASE).code == 0
    assert 1024 * 1024 - 1_200 < path.stat().st_size <= 1024 * 1024
    assert path.read_text("utf-8").endswith("did not fit: the job's log has it.</em></p>\n")


@pytest.mark.parametrize("path", ["", "\0", "x" * 5_000])
def test_a_path_that_is_none(cli: Cli, path: str) -> None:
    cli.variables |= {"GITHUB_STEP_SUMMARY": path, "GITHUB_OUTPUT": path}
    assert cli(*RELEASE).code == 0


HOSTILE = "x\n::error::pwned\n##[error]pwned\r::add-mask::1\n| a |\n\n# <script>alert(1)</script>"


@pytest.mark.parametrize("output", ["text", "json", "jsonl"])
def test_a_hostile_reason_stays_a_reason(cli: Cli, output: str) -> None:
    ran = cli(*RELEASE, "--reason", HOSTILE, "--ticket", HOSTILE, "--output", output)
    for text in (ran.out, ran.err):
        for line in io.StringIO(text, newline=None):
            assert not line.lstrip().startswith(("::error", "::add-mask"))
            assert "##[" not in line
    assert "<script" not in summary(cli)
    assert len(outputs(cli)) == 6


def test_a_hostile_record_stays_a_record(cli: Cli) -> None:
    cli(*RELEASE, "--reason", "##[error]pwned")
    shown = cli("audit", "show", "orders:live").out
    assert "[error]pwned" in shown
    assert "##[" not in shown


def test_a_hostile_error_stays_an_error(cli: Cli) -> None:
    cli.world.fail("get_alias", AccessDeniedError(HOSTILE, hint=HOSTILE, target=HOSTILE, request_id=HOSTILE))
    ran = cli(*RELEASE)
    assert [line.partition(" ")[0] for line in remarks(ran)] == ["::error"]
    assert "##[" not in ran.err
    assert len(outputs(cli)) == 6


# -- elsewhere -----------------------------------------------------------------------------------------------------


def test_gitlab_gets_sections_and_nothing_else(cli: Cli) -> None:
    cli.variables = {"GITLAB_CI": "true"}
    breach(cli)
    ran = cli(*RELEASE)
    assert ran.code == 4
    assert ran.err.count("section_start:") == ran.err.count("section_end:") == 1
    assert "::" not in ran.err


@pytest.mark.parametrize("variables", [{}, {"GITHUB_ACTIONS": "false"}, {"GITHUB_ACTIONS": ""}, {"CI": "true"}])
def test_a_plain_log_elsewhere(cli: Cli, variables: dict[str, str]) -> None:
    kept = {name: value for name, value in cli.variables.items() if name != "GITHUB_ACTIONS"}
    cli.variables = {**kept, **variables}
    ran = cli(*RELEASE)
    assert ran.code == 0
    assert "::" not in ran.err
    assert "section_" not in ran.err
    assert not Path(kept["GITHUB_STEP_SUMMARY"]).exists()
