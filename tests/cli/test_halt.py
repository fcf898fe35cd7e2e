"""``halt`` and ``unhalt`` through ``main(argv, env)``: what they say, their exit codes, and what they heed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import AccessDeniedError
from lambdaops.core.halt.callers import Caller
from tests.cli.aimed import PROD, Site
from tests.cli.rig import Cli
from tests.sim.levers import QUEUE, STREAM, TABLE, SimLevers
from tests.sim.world import ARN

if TYPE_CHECKING:
    from pathlib import Path

RULE = "arn:aws:events:eu-central-1:111122223333:rule/nightly"
STOPPED = {"u-queue": "Disabled", "u-stream": "Disabled", "u-table": "Disabled"}
AS_BEFORE = {"u-queue": "Enabled", "u-stream": "Enabled", "u-table": "Disabled"}


def furnished(levers: SimLevers) -> None:
    levers.polls(QUEUE, "u-queue")
    levers.polls(STREAM, "u-stream", "")
    levers.polls(TABLE, "u-table", state="Disabled")
    levers.policy = (Caller("events.amazonaws.com", "live", RULE),)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    cli = Cli(tmp_path / "home")
    cli.world.alarm("errors")
    furnished(cli.levers)
    return cli


def test_stopped_and_started(cli: Cli) -> None:
    ran = cli("halt", "orders", "--yes", "--reason", "charges twice")
    assert ran.code == 0
    assert cli.levers.states == STOPPED
    for said in ("orders is halted (h-", "orders-queue", "STILL RUNS IT", "disable-rule --name nightly", "in flight"):
        assert said in ran.out
    assert "lambdaops unhalt orders" in ran.out
    assert "disabled orders-queue to :live" in ran.err
    ran = cli("unhalt", "orders", "--yes")
    assert ran.code == 0
    assert cli.levers.states == AS_BEFORE
    assert "is over" in ran.out
    ran = cli("unhalt", "orders", "--yes")
    assert (ran.code, "nothing to do" in ran.out) == (0, True)


def test_what_a_playbook_reads(cli: Cli) -> None:
    found = cli("halt", "orders", "--yes", "--output", "json").envelope["data"]
    queue = {"source": QUEUE, "uuid": "u-queue", "qualifier": "live"}
    stream = {"source": STREAM, "uuid": "u-stream", "qualifier": ""}
    assert found["halted"] == [queue, stream]
    assert found["before"] == [{"source": TABLE, "uuid": "u-table", "qualifier": "live"}]
    assert (found["function"], found["left"], found["reserved"], found["changed"]) == ("orders", [], None, True)
    assert found["not_stopped"][0]["by"] == f"events.amazonaws.com {RULE}"
    assert found["next"][0] == "lambdaops unhalt orders"
    again = cli("halt", "orders", "--yes", "--output", "json").envelope["data"]
    assert again == {**found, "changed": False}
    started = cli("unhalt", "orders", "--yes", "--output", "json").envelope["data"]
    assert (started["restored"], started["halt"], started["over"]) == ([queue, stream], found["halt"], True)
    assert (started["left"], started["halted"], started["changed"], started["next"]) == ([], [], True, [])


def test_reserved_concurrency_is_told(cli: Cli) -> None:
    cli.levers.reserved = 7
    ran = cli("halt", "orders", "--all-invocations", "--yes", "--output", "json")
    assert ran.envelope["data"]["reserved"] == {"before": 7, "now": 0}
    assert ran.envelope["data"]["not_stopped"] == []
    assert "NOTHING OF orders WILL RUN" in ran.err
    ran = cli("unhalt", "orders", "--yes", "--output", "json")
    assert ran.envelope["data"]["reserved"] == {"before": 7, "now": 7}


@pytest.mark.parametrize("command", ["halt", "unhalt"])
def test_a_dry_run_writes_nothing(cli: Cli, command: str) -> None:
    if command == "unhalt":
        assert cli("halt", "orders", "--yes").code == 0
        cli.levers.writes.clear()
    before = sorted((path, path.read_bytes()) for path in cli.home.rglob("*.jsonl"))
    ran = cli(command, "orders", "--dry-run", "--output", "json")
    assert (ran.code, ran.envelope["data"]["changed"], ran.envelope["data"]["dry_run"]) == (0, False, True)
    assert cli.levers.writes == []
    assert sorted((path, path.read_bytes()) for path in cli.home.rglob("*.jsonl")) == before
    assert "nothing was written" in cli(command, "orders", "--dry-run").out


@pytest.mark.parametrize("command", ["halt", "unhalt"])
def test_it_asks_on_a_terminal_and_wants_yes_elsewhere(cli: Cli, command: str) -> None:
    if command == "unhalt":
        assert cli("halt", "orders", "--yes").code == 0
        cli.levers.writes.clear()
    assert cli(command, "orders").code == 3
    cli.tty, cli.answer = True, "n\n"
    assert cli(command, "orders").code == 3
    assert cli.levers.writes == []
    cli.answer = "y\n"
    assert cli(command, "orders").code == 0
    assert cli.levers.writes


def test_what_could_not_be_stopped_is_exit_9(cli: Cli) -> None:
    cli.levers.fail("turn", AccessDeniedError("no"))
    ran = cli("halt", "orders", "--yes", "--output", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (9, "partly-done")
    assert ran.envelope["data"]["left"] == [{"source": QUEUE, "uuid": "u-queue", "qualifier": "live", "why": "no"}]
    assert ran.envelope["data"]["next"][0] == "lambdaops halt orders"
    assert cli.levers.states["u-stream"] == "Disabled"


def test_what_somebody_changed_is_exit_7(cli: Cli) -> None:
    assert cli("halt", "orders", "--yes").code == 0
    cli.levers.delete("u-queue")
    ran = cli("unhalt", "orders", "--yes", "--output", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (7, "halt-drift")
    assert ran.envelope["data"]["left"][0]["why"] == "it was deleted since"
    assert cli.levers.states["u-stream"] == "Enabled"


def test_an_alarm_is_exit_6_and_it_can_be_run_again(cli: Cli) -> None:
    assert cli("halt", "orders", "--yes").code == 0
    words = ("unhalt", "orders", "--stages", "1,all", "--watch", "2m", "--stop-alarm", "errors", "--yes")
    cli.world.clock.after(60, lambda: cli.world.breach("errors"))
    ran = cli(*words, "--output", "json")
    assert (ran.code, ran.envelope["status"], ran.envelope["errors"][0]["code"]) == (6, "held", "unhalt-held")
    assert ran.envelope["data"]["next"] == ["lambdaops unhalt orders"]
    assert cli.levers.states == STOPPED
    assert cli(*words).code == 3  # it is still in ALARM
    assert cli("history", "orders").out.count("unhalt held") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("halt", "orders:live"),
        ("halt", ""),
        ("unhalt", "orders", "--stages", "1,1,all"),
        ("unhalt", "orders", "--stages", "1"),
        ("unhalt", "orders", "--watch", "soon"),
    ],
    ids=str,
)
def test_what_cannot_be_understood_is_exit_2(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli(*words, "--yes").code == 2
    assert cli.levers.calls == []


def test_a_source_or_a_function_that_is_not_there(cli: Cli) -> None:
    ran = cli("halt", "orders", "--source", "nothing", "--yes")
    assert (ran.code, "no event source nothing" in ran.err, "orders-queue" in ran.err) == (3, True, True)
    assert cli("halt", "nobody", "--yes").code == 3


# -- what was done shows ---------------------------------------------------------------------------------------------


def test_status_history_and_audit_tell_of_it(cli: Cli) -> None:
    assert "halted" not in cli("status", "orders:live").out
    assert cli("halt", "orders", "--yes", "--reason", "charges twice", "--ticket", "INC-1").code == 0
    calls = len(cli.levers.calls)
    said = cli("status", "orders:live").out
    assert "halted    since 2026-11-23 03:00:00 UTC by oncall/ada; lambdaops unhalt orders starts it again" in said
    assert len(cli.levers.calls) == calls
    history = cli("history", "orders").out
    for word in ("orders-queue, clicks", "halted", "charges twice", "INC-1"):
        assert word in history
    shown = cli("audit", "show", ARN).out
    for word in ("halt-intent", "about to disable orders-queue to :live", "halted: 2 event sources disabled"):
        assert word in shown
    assert "INC-1" in cli("audit", "search", "--outcome", "halted", "--ticket", "inc-1").out
    assert cli("unhalt", "orders", "--yes").code == 0
    assert "halted" not in cli("status", "orders:live").out
    assert "unhalted" in cli("history", "orders").out
    assert cli("audit", "search", "--outcome", "unhalted", "--output", "json").envelope["data"]["records"]
    assert cli("audit", "verify").code == 0
    page = cli.home / "report.html"
    assert cli("audit", "report", str(page)).code == 0
    assert "orders: orders-queue, clicks, unhalted" in page.read_text("utf-8")
    exported = cli("audit", "export", "--format", "ocsf").out
    assert '"operation":"halt-done"' in exported.replace(" ", "")


def test_status_bears_a_journal_of_the_function_that_cannot_be_read(cli: Cli) -> None:
    assert cli("halt", "orders", "--yes").code == 0
    (path,) = cli.home.rglob("@function.jsonl")
    path.write_text(path.read_text("utf-8").replace("orders-queue", "0rders-queue"), "utf-8")
    ran = cli("status", "orders:live")
    assert (ran.code, "halted    not known" in ran.out) == (0, True)
    assert cli("halt", "orders", "--yes").code == 2


# -- lambdaops.yaml --------------------------------------------------------------------------------------------------

REQUIRED = """\
version: 1
defaults: {alias: live, reason: required}
functions: {orders: {}}
environments:
  prod:
    account: "111122223333"
    region: eu-central-1
    profile: prod
    freeze: [{name: always, from: "2026-01-01T00:00", to: "2027-01-01T00:00", timezone: UTC}]
"""


def test_halting_needs_no_reason_and_heeds_no_freeze_and_starting_needs_a_reason(tmp_path: Path) -> None:
    site = Site.at(tmp_path, REQUIRED)
    furnished(site.cli.levers)
    assert site("halt", "orders", "--env", "prod", "--yes").code == 0
    ran = site("unhalt", "orders", "--env", "prod", "--yes")
    assert (ran.code, "requires a reason" in ran.err) == (2, True)
    assert site.cli.levers.states == STOPPED
    assert site("unhalt", "orders", "--env", "prod", "--yes", "--reason", "fixed").code == 0
    assert site.cli.levers.states == AS_BEFORE


def test_credentials_of_another_account_than_the_pinned_one_are_refused(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    furnished(site.cli.levers)
    site.prod.account = "999999999999"
    for command in ("halt", "unhalt"):
        ran = site(command, "orders", "--env", "prod", "--yes", "--output", "json")
        assert (ran.code, ran.envelope["errors"][0]["code"]) == (3, "wrong-account")
    assert site.cli.levers.calls == []
    site.prod.account = PROD
    found = site("halt", "orders", "--env", "prod", "--yes", "--output", "json").envelope["data"]
    assert (found["environment"], found["next"][0]) == ("prod", "lambdaops unhalt orders --env prod")
    assert site("halt", "orders", "--yes").code == 2  # which environment?
