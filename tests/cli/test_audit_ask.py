"""What an auditor asks for, through the command line, of journals that real commands wrote."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.core.model import Actor
from lambdaops.store.files import FileJournals
from tests.cli.rig import Cli
from tests.sim.disk import SteadyDisk
from tests.store.records import ARN, EVENTS, NOON, OTHER

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = ("release", "orders:live", "--to", "3", "--alarm", "errors", "--yes")


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """One release that was promoted for SHOP-1, then one that was rolled back by hand for SHOP-2."""
    cli = Cli(tmp_path / "home")
    cli.world.alarm("errors")
    assert cli(*RELEASE, "--ticket", "SHOP-1", "--reason", "=1+1").code == 0
    assert cli("rollback", "orders:live", "--ticket", "SHOP-2", "--reason", "too slow").code == 0
    return cli


def records(cli: Cli, *words: str) -> list[dict[str, Any]]:
    ran = cli("audit", "search", *words, "--output", "json")
    assert ran.code == 0, ran.err
    found: list[dict[str, Any]] = ran.envelope["data"]["records"]
    return found


def test_each_condition_narrows_and_all_must_hold(cli: Cli) -> None:
    every = records(cli)
    by_hand = records(cli, "--ticket", "shop-2")
    promoted = records(cli, "--outcome", "promoted")
    assert len(every) == len(by_hand) + len(promoted)
    assert [one["kind"] for one in by_hand] == ["rollback"]
    assert {one["ticket"] for one in promoted} == {"SHOP-1"}
    assert records(cli, "--outcome", "rolled-back-by-hand") == by_hand
    assert records(cli, "--ticket", "SHOP-2", "--outcome", "promoted") == []
    assert records(cli, "--kind", "closed")[0]["outcome"] == "promoted"
    release = promoted[0]["release"]
    assert records(cli, "--release", release) == promoted
    arn = every[0]["actor"]["arn"]
    assert records(cli, "--actor", arn[-8:].upper()) == every
    assert records(cli, "--actor", "laptop") == every
    assert records(cli, "--actor", "nobody") == []
    for name in ("orders", "orders:live", every[0]["target"]):
        assert records(cli, "--function", name) == every


def test_a_name_that_no_journal_goes_by_is_told(cli: Cli, tmp_path: Path) -> None:
    """Nothing found would read as nothing done."""
    page, lines = tmp_path / "page.html", tmp_path / "lines.jsonl"
    arn = "arn:aws:lambda:eu-central-1:111122223333:function:orders:live"
    for typo, near in (
        ("ordrs", "Did you mean orders or orders:live?"),
        ("Orders:live", "Did you mean orders:live or orders?"),
        (arn.replace("orders", "order"), "Did you mean orders:live or orders?"),
        ("payments", ""),
    ):
        for words in (
            ("audit", "search", "--function", typo),
            ("audit", "export", "--function", typo),
            ("audit", "export", "--function", typo, "--to", str(lines)),
            ("audit", "report", str(page), "--function", typo),
            ("audit", "tail", typo),
        ):
            ran = cli(*words)
            assert (ran.code, ran.out) == (3, "")
            assert f"there is no journal of {typo} here" in ran.err
            assert near in ran.err
            assert ("Did you mean" in ran.err) == bool(near)
    assert not page.exists()
    assert not lines.exists()
    # A journal that has nothing of what else is asked for is an answer.
    assert cli("audit", "search", "--function", "orders", "--ticket", "NONE").code == 0
    ran = cli("audit", "search", "--function", "ordrs", "--output", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (3, "not-found")


def test_every_record_says_from_which_run_and_commit_and_with_which_tool(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "home")
    cli.world.alarm("errors")
    commit = "8c1e2f3a9b7d4c5e6f708192a3b4c5d6e7f80912"
    cli.variables = {"CI_JOB_URL": "https://gitlab.example/acme/orders/-/jobs/7", "CI_COMMIT_SHA": commit}
    assert cli(*RELEASE).code == 0
    cli.variables = {}
    assert cli("rollback", "orders:live").code == 0

    *released, by_hand = [one["actor"] for one in records(cli)]
    for actor in released:
        assert actor["run"] == "gitlab:https://gitlab.example/acme/orders/-/jobs/7"
        assert (actor["commit"], actor["tool"]) == (commit, "lambdaops test")
    assert (by_hand["run"], by_hand["commit"], by_hand["tool"]) == ("", "", "lambdaops test")
    assert len(records(cli, "--actor", commit[:7])) == len(released)
    assert {
        (row["commit"], row["tool"]) for row in csv.DictReader(io.StringIO(cli("audit", "search", "--csv").out))
    } == {
        (commit, "lambdaops test"),
        ("", "lambdaops test"),
    }
    shown = cli("audit", "show", "orders:live").out.partition("\n\n")[2].splitlines()
    assert len(shown) == 3, "the head, the release, the rollback"
    assert all(word in shown[1] for word in (commit, "lambdaops test", "jobs/7", released[0]["arn"]))


def test_time_is_half_open_and_a_date_means_all_of_it(cli: Cli) -> None:
    every = records(cli)
    at = [one["at"] for one in every]
    assert records(cli, "--since", at[3]) == [one for one in every if one["at"] >= at[3]]
    assert records(cli, "--until", at[3]) == [one for one in every if one["at"] < at[3]]
    day = at[0][:10]
    assert records(cli, "--since", day, "--until", day) == every
    assert records(cli, "--since", "1d") == every
    assert records(cli, "--until", "1d") == []
    assert cli("audit", "search", "--since", "yesterday").code == 2
    assert cli("audit", "search", "--since", "2026-13-01").code == 2
    assert cli("audit", "search", "--kind", "nonsense").code == 2


def test_csv_is_read_back_and_holds_no_formula(cli: Cli) -> None:
    ran = cli("audit", "search", "--csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert len(rows) == len(records(cli))
    assert rows[0]["kind"] == "opened"
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    assert cli("audit", "search", "--csv", "--output", "json").code == 2


def test_a_cell_that_a_spreadsheet_would_compute_is_text(cli: Cli) -> None:
    cli("release", "orders:live", "--to", "2", "--alarm", "errors", "--yes", "--ticket", "=HYPERLINK(1)")
    assert {row["ticket"] for row in csv.DictReader(io.StringIO(cli("audit", "search", "--csv").out))} == {
        "SHOP-1",
        "SHOP-2",
        "'=HYPERLINK(1)",
    }


def test_a_journal_that_was_edited_is_no_answer(cli: Cli) -> None:
    (path,) = (cli.home / "journal").rglob("live.jsonl")
    path.write_text(path.read_text("utf-8").replace("SHOP-1", "SHOP-9", 1), "utf-8")
    for command in ("search", "export"):
        assert cli("audit", command).code == 2


def test_tail_shows_the_newest_and_follow_what_comes(cli: Cli) -> None:
    assert len(cli("audit", "tail", "-n", "3").out.splitlines()) == 3
    assert cli("audit", "tail", "-n", "0").out == "no record yet\n"
    last = cli("audit", "tail", "orders:live", "-n", "1").out
    assert "orders:live" in last
    assert "too slow" in last

    def appended(arn: str) -> None:
        journals = FileJournals(cli.home, disk=SteadyDisk())
        journals.open(arn).append(NOON, "r-9", Actor("arn:aws:iam::1:user/eve", "host"), EVENTS[1])

    def pressed() -> None:
        raise KeyboardInterrupt

    cli.world.clock.after(2, lambda: appended(ARN))
    cli.world.clock.after(4, lambda: appended(OTHER))  # a journal that was not there when it began
    cli.world.clock.after(9, pressed)
    ran = cli("audit", "tail", "--follow", "-n", "1", "--output", "jsonl")
    *told, envelope = [json.loads(line) for line in ran.out.splitlines()]
    assert [(one["target"], one["release"]) for one in told[1:]] == [(ARN, "r-9"), (OTHER, "r-9")]
    assert told[0]["kind"] == "rollback"
    assert (ran.code, envelope["data"]) == (0, {"followed": 3})
    assert cli("audit", "tail", "--follow", "--output", "json").code == 2
