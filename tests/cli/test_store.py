"""``store init`` and ``store copy``: what a shell is told before anything of AWS is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.rig import Cli

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("command", ["init", "copy"])
def test_without_a_store_the_command_itself_is_the_next_step(tmp_path: Path, command: str) -> None:
    ran = Cli(tmp_path)("store", command)
    assert ran.code == 2
    assert f"lambdaops store {command} dynamodb://TABLE" in ran.err


def test_a_home_that_is_not_there_is_not_one_without_journals(tmp_path: Path) -> None:
    ran = Cli(tmp_path)("store", "copy", "dynamodb://team", "--from", "nowhere", "--dry-run")
    assert ran.code == 2
    assert "nowhere is no directory" in ran.err
