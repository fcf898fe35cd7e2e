"""A release anchors the audit log where the configuration says so, and never fails for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.rig import Cli

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = ("release", "orders:live", "--to", "2", "--compare", "none", "--alarm", "errors", "--yes")


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    cli = Cli(tmp_path)
    cli.world.alarm("errors")
    return cli


def configured(cli: Cli, tmp_path: Path, checkpoint: str) -> None:
    path = tmp_path / "lambdaops.yaml"
    path.write_text(f"version: 1\ncheckpoint: {checkpoint}\n")
    cli.variables["LAMBDAOPS_CONFIG"] = str(path)


def test_every_release_is_anchored(cli: Cli, tmp_path: Path) -> None:
    configured(cli, tmp_path, f"{{to: {tmp_path / 'anchors'}}}")
    ran = cli(*RELEASE)
    assert ran.code == 0, ran.err
    assert "checkpoint 1 of the audit log" in ran.err
    assert cli("rollback", "orders:live").code == 0
    assert cli(*RELEASE).code == 0
    assert len(list((tmp_path / "anchors").iterdir())) == 2
    verified = cli("audit", "verify", "--against", str(tmp_path / "anchors"))
    assert verified.code == 0, verified.out


def test_one_that_was_taken_back_too(cli: Cli, tmp_path: Path) -> None:
    configured(cli, tmp_path, f"{{to: {tmp_path / 'anchors'}}}")
    cli.world.clock.after(30, lambda: cli.world.breach("errors"))
    assert cli(*RELEASE).code == 4
    assert len(list((tmp_path / "anchors").iterdir())) == 1


def test_it_is_signed(cli: Cli, tmp_path: Path) -> None:
    key = tmp_path / "audit.pem"
    assert cli("audit", "keygen", str(key)).code == 0
    configured(cli, tmp_path, f"{{to: {tmp_path / 'anchors'}, sign-with: {key}}}")
    assert cli(*RELEASE).code == 0
    words = ("audit", "verify", "--against", str(tmp_path / "anchors"), "--public-key", f"{key}.pub")
    assert cli(*words).code == 0


@pytest.mark.parametrize(
    "checkpoint", ["{to: FILE/anchors}", "{to: anchors, sign-with: nowhere.pem}", "{to: 's3://', retain-days: 3}"]
)
def test_one_that_cannot_be_written_changes_nothing(cli: Cli, tmp_path: Path, checkpoint: str) -> None:
    (tmp_path / "FILE").write_text("in the way")
    configured(cli, tmp_path, checkpoint)
    ran = cli(*RELEASE)
    assert ran.code == 0, ran.err
    assert "NO CHECKPOINT: " in ran.err


def test_without_a_word_of_it_there_is_none(cli: Cli) -> None:
    assert "checkpoint" not in cli(*RELEASE).err.lower()


def test_two_keys_are_a_mistake(cli: Cli, tmp_path: Path) -> None:
    configured(cli, tmp_path, "{to: anchors, sign-with: a.pem, kms: alias/audit}")
    ran = cli(*RELEASE)
    assert ran.code == 2
    assert "exclude each other" in ran.err
