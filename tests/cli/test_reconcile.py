"""The journal of a release beside what CloudTrail says, through the command."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.audit.reconcile import Change
from lambdaops.core.errors import AccessDeniedError
from lambdaops.core.events import Landed
from lambdaops.core.model import Routing
from lambdaops.store.files import FileJournals
from tests.cli.rig import Cli
from tests.cli.test_contract import valid
from tests.sim.world import ARN

if TYPE_CHECKING:
    from pathlib import Path

    from lambdaops.core.events import Entry

EVE = "arn:aws:iam::111122223333:user/eve"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """A release was promoted, and CloudTrail has seen it."""
    cli = Cli(tmp_path)
    cli.world.alarm("errors")
    assert cli("release", "orders:live", "--to", "2", "--compare", "none", "--alarm", "errors", "--yes").code == 0
    cli.trail.changes += [seen(entry, entry.event) for entry in entries(cli) if isinstance(entry.event, Landed)]
    return cli


def seen(entry: Entry, event: Landed) -> Change:
    by, agent = entry.actor.arn, "lambdaops/0.1.0 md/x"
    return Change(entry.at, event.request_id, "e", by, agent, "update", event.routing)


def entries(cli: Cli) -> tuple[Entry, ...]:
    return FileJournals(cli.home).open(f"{ARN}:live").read().entries


def test_every_write_is_in_both(cli: Cli) -> None:
    ran = cli("audit", "reconcile", "orders:live")
    assert ran.code == 0, ran.err
    assert ran.out.count(" matched  ") == len(cli.trail.changes) >= 2
    assert ran.out.count(" of r-") == len(cli.trail.changes)
    envelope = valid(cli("audit", "reconcile", "orders:live", "--output", "json"))
    assert {line["standing"] for line in envelope["data"]["lines"]} == {"matched"}


def test_a_stranger_s_change_is_a_conflict(cli: Cli) -> None:
    at = cli.world.clock.now() - timedelta(minutes=1)
    cli.trail.changes.append(Change(at, "req-x", "e-x", EVE, "aws-cli/2.30 Python/3.13", "update", Routing("1")))
    ran = cli("audit", "reconcile", "orders:live")
    assert ran.code == 7
    line = next(line for line in ran.out.splitlines() if EVE in line)
    assert "not through us" in line
    assert "aws-cli/2.30 " in line
    assert "Python" not in line
    assert "was changed 1 times by others" in ran.err
    assert valid(cli("audit", "reconcile", "orders:live", "--output", "json"))["exit_code"] == 7


def test_a_write_that_cloudtrail_does_not_show(cli: Cli) -> None:
    del cli.trail.changes[0]
    cli.world.clock.advance(timedelta(hours=1))
    ran = cli("audit", "reconcile", "orders:live")
    assert ran.code == 2
    assert "not in CloudTrail" in ran.out
    assert "tells of 1 writes that CloudTrail does not show" in ran.err
    assert "keeps no trail" not in ran.err


def test_a_trail_that_shows_nothing_at_all_is_doubted_first(cli: Cli) -> None:
    cli.trail.changes.clear()
    cli.world.clock.advance(timedelta(hours=1))
    ran = cli("audit", "reconcile", "orders:live")
    assert ran.code == 2
    assert "the sandbox, keeps no trail" in ran.err


def test_what_cloudtrail_may_not_have_yet_is_no_objection(cli: Cli) -> None:
    cli.trail.changes.pop()
    ran = cli("audit", "reconcile", "orders:live")
    assert ran.code == 0
    assert "not in CloudTrail yet" in ran.out


def test_nothing_within_the_days_that_were_asked_for(cli: Cli) -> None:
    cli.world.clock.advance(timedelta(days=3))
    ran = cli("audit", "reconcile", "orders:live", "--days", "2")
    assert ran.code == 0
    assert "nothing changed it, says CloudTrail" in ran.out


def test_without_the_permission(cli: Cli) -> None:
    cli.trail.error = AccessDeniedError("could not look at CloudTrail's events: no", hint="Ask for it.")
    assert cli("audit", "reconcile", "orders:live").code == 8


@pytest.mark.parametrize("words", [("--days", "0"), ("--days", "91"), ("--days", "x")])
def test_days_that_there_are_not(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli("audit", "reconcile", "orders:live", *words).code == 2


def test_a_journal_that_there_is_not(cli: Cli) -> None:
    assert cli("audit", "reconcile", "invoices:live").code == 3
