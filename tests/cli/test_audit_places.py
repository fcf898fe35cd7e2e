"""Where audit commands read, and what they refuse to look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import ExitCode
from tests.cli.rig import Cli

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = ("release", "orders:live", "--to", "2", "--compare", "none", "--alarm", "errors", "--yes")
CONFIG = """\
version: 1
environments:
  dev: {account: "111122223333", region: eu-central-1, store: files}
  prod: {account: "444455556666", region: eu-central-1, store: "dynamodb://team"}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    cli = Cli(tmp_path)
    cli.world.alarm("errors")
    return cli


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "list"),
        ("audit", "show", "orders:live"),
        ("audit", "search"),
        ("audit", "tail"),
        ("audit", "export"),
        ("audit", "verify"),
        ("audit", "checkpoint", "--to", "anchors"),
        ("audit", "report", "x.html"),
        ("history", "orders:live"),
        ("dlq", "status"),
    ],
    ids=" ".join,
)
def test_the_environment_says_where(cli: Cli, tmp_path: Path, words: tuple[str, ...]) -> None:
    assert cli(*RELEASE).code == 0
    path = tmp_path / "lambdaops.yaml"
    path.write_text(CONFIG)
    where = ("--config", str(path))
    assert cli(*words, *where, "--env", "dev").code == 0
    open_ = cli(*words, *where)
    assert open_.code == 2
    assert "keeps the journals of dev, prod elsewhere" in open_.err
    assert cli(*words, *where, "--env", "nosuch").code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--outcome", "rolledback"), "nothing ends with 'rolledback'"),
        (("--since", "2026-11-02", "--until", "2026-11-01"), "--until is not after --since"),
        (("--kind", "opend"), "there is no kind of record 'opend'"),
    ],
)
def test_what_nothing_can_fit_is_a_mistake(cli: Cli, words: tuple[str, ...], said: str) -> None:
    assert cli(*RELEASE).code == 0
    ran = cli("audit", "search", *words)
    assert ran.code is ExitCode.USAGE
    assert said in ran.err


@pytest.mark.parametrize("outcome", ["superseded", "rolled-back-by-hand", "Rolled back by hand"])
def test_a_release_that_a_rollback_ended(cli: Cli, outcome: str) -> None:
    cli.world.clock.after(90, lambda: rolled_back(cli))
    cli(*RELEASE)
    found = cli("audit", "search", "--outcome", outcome, "--output", "json").envelope["data"]["records"]
    kinds = {record["kind"] for record in found}
    assert ("opened" in kinds) == (outcome == "superseded")
    assert ("rollback" in kinds) == (outcome != "superseded")


def rolled_back(cli: Cli) -> None:
    assert Cli(cli.home, cli.world)("rollback", "orders:live").code == 0
