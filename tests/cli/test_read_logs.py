"""A rollback tells what the candidate logged: in text, in JSON, on the summary page; unless told not to."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from lambdaops.ports.logs import LogRead
from tests.cli.rig import Cli
from tests.cli.test_contract import VALIDATOR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RELEASE = ("release", "orders:live", "--to", "2", "--alarm", "errors", "--yes")


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    cli = Cli(tmp_path / "home")
    cli.home.mkdir()
    cli.world.alarm("errors")
    cli.world.clock.after(30, lambda: cli.world.breach("errors"))
    cli.world.logged = LogRead(("[ERROR] ValueError: no <order> 4711\x1b[31m",) * 12 + ("[ERROR] KeyError: 'total'",))
    yield cli
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_in_text(cli: Cli) -> None:
    ran = cli(*RELEASE)
    assert ran.code == 4
    first, *rest = ran.out.splitlines()
    assert first.startswith("orders:live 1 -> 2: rolled back: errors: ALARM")
    assert rest == [
        "version 2 logged in /aws/lambda/orders:",
        "  12 x ValueError: no <order> <n>?[31m",
        "   1 x KeyError: 'total'",
    ]


def test_in_json(cli: Cli) -> None:
    envelope = cli(*RELEASE, "--output", "json").envelope
    VALIDATOR.validate(envelope)
    logged = envelope["data"]["logged"]
    assert (logged["group"], logged["note"]) == ("/aws/lambda/orders", "")
    assert logged["errors"][1] == {"count": 1, "message": "KeyError: 'total'"}


def test_on_the_summary_page(cli: Cli, tmp_path: Path) -> None:
    page = tmp_path / "summary.md"
    page.touch()
    cli.variables |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    assert cli(*RELEASE).code == 4
    assert "12 x ValueError: no &lt;order&gt; &lt;n&gt;" in page.read_text("utf-8")


def test_a_log_that_cannot_be_read_changes_nothing_else(cli: Cli) -> None:
    cli.world.logged = LogRead(trouble="could not read /aws/lambda/orders: not authorized")
    ran = cli(*RELEASE)
    assert ran.code == 4
    assert ran.out.endswith(
        "version 2 logged no error that was found in /aws/lambda/orders "
        "(could not read /aws/lambda/orders: not authorized)\n"
    )


@pytest.mark.parametrize("where", ["flag", "file"])
def test_it_can_be_left(cli: Cli, where: str) -> None:
    if where == "file":
        (cli.home / "lambdaops.yaml").write_text("version: 1\ndefaults: {read-logs: false}\n", "utf-8")
    ran = cli(*RELEASE, *(["--no-read-logs"] if where == "flag" else []), "--output", "json")
    assert ran.code == 4
    assert "logged" not in ran.envelope["data"]
    assert "errors" not in cli.world.calls


def test_a_release_that_is_taken_up_tells_it_too(cli: Cli) -> None:
    cli.world.clock.after(10, lambda: signal.raise_signal(signal.SIGINT))
    assert cli(*RELEASE, "--on-interrupt", "hold").code == 130
    ran = cli("resume", "orders:live", "--yes")
    assert ran.code == 4
    assert "12 x ValueError" in ran.out
