"""``audit checkpoint`` and ``audit verify --against`` as somebody at a shell meets them: what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.rig import Cli

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    cli = Cli(tmp_path)
    assert cli("rollback", "orders:live", "--to", "2").code == 0
    return cli


def test_where_no_checkpoint_is_the_command_that_makes_one_is_named(cli: Cli, tmp_path: Path) -> None:
    ran = cli("audit", "verify", "--against", "anchors")
    assert ran.code == 2
    assert f"lambdaops audit checkpoint --to {tmp_path / 'anchors'} makes one" in ran.err


def test_one_that_is_unsigned_is_not_called_a_break_in(cli: Cli) -> None:
    assert cli("audit", "keygen", "key.pem").code == 0
    assert cli("audit", "checkpoint", "--to", "anchors").code == 0
    ran = cli("audit", "verify", "--against", "anchors", "--public-key", "key.pem.pub")
    assert ran.code == 2
    assert "is unsigned" in ran.err
    assert "without --sign-with" in ran.err
    assert "nobody should" not in ran.err


def test_the_extra_that_signing_needs_is_in_the_help(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    """A bracket is a style to what writes help."""
    cli("audit", "checkpoint", "--help")
    assert "lambdaops[sign]" in capsys.readouterr().out


def test_a_release_that_is_not_in_the_journal(cli: Cli) -> None:
    ran = cli("history", "orders:live", "r-nope", "--explain")
    assert ran.code == 3
    assert "lambdaops history orders:live lists them" in ran.err


def test_an_export_into_a_directory_that_is_not_there(cli: Cli) -> None:
    ran = cli("audit", "export", "--to", "nowhere/all.jsonl")
    assert ran.code == 2
    assert "in a directory that is there" in ran.err
