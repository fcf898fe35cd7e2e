"""``audit report`` through the command: a file, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.rig import Cli
from tests.cli.test_contract import valid

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    cli = Cli(tmp_path)
    words = ("release", "orders:live", "--to", "2", "--compare", "none", "--yes", "--reason", "tax <b>line</b>")
    assert cli(*words).code == 0
    return cli


def test_a_file_for_people_and_numbers_for_machines(cli: Cli, tmp_path: Path) -> None:
    ran = cli("audit", "report", "now.html")
    assert ran.code == 0, ran.err
    assert ran.out == f"1 changes, 1 of them promotions: {tmp_path / 'now.html'}\n"
    text = (tmp_path / "now.html").read_text("utf-8")
    assert "tax &lt;b&gt;line&lt;/b&gt;" in text
    assert "<svg" in text
    data = valid(cli("audit", "report", "now.html", "--output", "json"))["data"]
    assert (data["promotions"], data["failure_rate"], len(data["changes"])) == (1, 0.0, 1)
    assert [path.name for path in tmp_path.iterdir() if "html" in path.name] == ["now.html"]


@pytest.mark.parametrize("name", ["orders", "orders:live"])
def test_one_function(cli: Cli, name: str) -> None:
    data = valid(cli("audit", "report", "x.html", "--function", name, "--output", "json"))["data"]
    assert len(data["changes"]) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("x.html", "--from", "2026-12-01", "--to", "2026-11-01"),
        ("x.html", "--from", "soon"),
        ("nowhere/x.html",),
        (".",),
        (),
    ],
)
def test_mistakes(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli("audit", "report", *words).code == 2


def test_a_damaged_journal_gives_no_report(cli: Cli, tmp_path: Path) -> None:
    (journal,) = tmp_path.rglob("live.jsonl")
    journal.write_bytes(journal.read_bytes().replace(b"tax", b"fax"))
    (tmp_path / "old.html").write_text("old")
    ran = cli("audit", "report", "old.html")
    assert ran.code == 2
    assert "was changed" in ran.err
    assert (tmp_path / "old.html").read_text() == "old"


def test_a_directory_is_not_replaced(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "dir.html").mkdir()
    assert cli("audit", "report", "dir.html").code == 2
    assert (tmp_path / "dir.html").is_dir()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".dir")]
