"""A team's store in a real table: machines that know of each other by nothing else."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.sandbox import server as sandbox
from tests.wire.conftest import Shell, until
from tests.wire.proxy import Answer
from tests.wire.test_iam import granted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lambdaops.sandbox.server import Server
    from tests.wire.conftest import Clients, Function
    from tests.wire.proxy import Wire

TABLE = "lambdaops-team"
STORE = f"dynamodb://{TABLE}"
SLOW = ("--strategy", "10%:60s,50%:60s,100%:1s", "--look-every", "1s", "--yes")
FAST = ("--strategy", "50%:1s,100%:1s", "--look-every", "1s", "--yes")


@pytest.fixture(scope="module")
def table(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The table, made by our own command."""
    variables = {**sandbox.environment(server), "LAMBDAOPS_HOME": str(tmp_path_factory.mktemp("home"))}
    words = [sys.executable, "-m", "lambdaops", "store", "init", STORE, "--yes"]
    done = subprocess.run(words, env=variables, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return TABLE


@pytest.fixture
def machine(shell: Shell, table: str, tmp_path: Path) -> Iterator[Callable[[str], Shell]]:
    """Machines with homes of their own, and nothing in common but the table."""
    made: list[Shell] = []

    def make(name: str) -> Shell:
        made.append(replace(shell, home=tmp_path / name, variables={"LAMBDAOPS_STORE": STORE}, started=[]))
        return made[-1]

    yield make
    for one in made:
        for process in one.started:
            with process:
                process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=90)
    return process.returncode, err


def records(shell: Shell, function: Function) -> list[dict[str, Any]]:
    ran = shell("audit", "show", function.target, "--output", "json")
    assert ran.code == 0, ran.err
    return list(ran.data["records"])


def test_a_release_is_seen_steered_and_read_from_another_machine(
    function: Function, machine: Callable[[str], Shell]
) -> None:
    here, there = machine("here"), machine("there")
    process = here.start("release", function.target, "--to", "2", "--compare", "none", *SLOW)
    until(lambda: function.alias()[1] == {"2": 0.1}, within=60)

    shown = there("status", function.target, "--output", "json")
    assert shown.code == 0, shown.err
    assert f"pid {process.pid} on " in shown.data["driver"]

    second = there("release", function.target, "--to", "2", "--compare", "none", *SLOW)
    assert second.code == 7, second.err
    assert f"pid {process.pid} on " in second.err

    promoted = there("promote", function.target, "--full", "--yes", "--reason", "from there")
    assert promoted.code == 0, promoted.err
    assert ended(process)[0] == 0
    assert function.alias() == ("2", {})

    kinds = [record["kind"] for record in records(there, function)]
    assert kinds[-1] == "closed"
    assert "signal" in kinds
    assert there("history", function.target).out.count("promoted") >= 1
    assert there("audit", "verify", function.target).code == 0
    assert not (here.home / "journal").exists()


def test_one_whose_machine_is_gone_is_taken_up(function: Function, machine: Callable[[str], Shell]) -> None:
    here, there = machine("here"), machine("there")
    process = here.start(
        "release", function.target, "--to", "2", "--compare", "none", *FAST[:1], "50%:60s,100%:1s", *FAST[2:]
    )
    until(lambda: function.alias()[1] == {"2": 0.5}, within=60)
    process.send_signal(signal.SIGKILL)
    ended(process)

    resumed = there.start("resume", function.target, "--yes")
    until(lambda: any(record["kind"] == "resumed" for record in records(there, function)), within=60)
    assert there("promote", function.target, "--full", "--yes").code == 0
    code, err = ended(resumed)
    assert code == 0, err
    assert function.alias() == ("2", {})
    assert there("audit", "verify", function.target).code == 0


def test_a_rollback_elsewhere_ends_a_release(function: Function, machine: Callable[[str], Shell]) -> None:
    here, there = machine("here"), machine("there")
    process = here.start("release", function.target, "--to", "2", "--compare", "none", *SLOW)
    until(lambda: function.alias()[1] == {"2": 0.1}, within=60)
    assert there("rollback", function.target).code == 0
    assert ended(process)[0] in (4, 7)
    assert function.alias() == ("1", {})


def test_a_rollback_does_without_the_table(function: Function, machine: Callable[[str], Shell], wire: Wire) -> None:
    """A split alias tells its stable version by itself."""
    function.point("1", {"2": 0.5})
    for operation in ("Query", "PutItem"):
        wire.answers[operation] = Answer(400, "AccessDeniedException", times=99)
    ran = machine("here")("rollback", function.target)
    assert ran.code == 0, ran.err
    assert function.alias() == ("1", {})
    assert "the journal is not used" in ran.err
    assert "NOT JOURNALED" in ran.err


def test_without_the_table_nothing_begins(function: Function, machine: Callable[[str], Shell], wire: Wire) -> None:
    wire.answers["PutItem"] = Answer(400, "AccessDeniedException", times=99)
    ran = machine("here")("release", function.target, "--to", "2", "--compare", "none", *FAST)
    assert ran.code == 3, ran.err
    assert "cannot be taken" in ran.err
    assert function.alias() == ("1", {})


WORKER = """
import sys
from datetime import UTC, datetime
from lambdaops.aws.session import Session
from lambdaops.aws.tables import DynamoTable
from lambdaops.cli.clock import SystemClock
from lambdaops.store.table import TableJournals
from tests.store.records import ACTOR, intent
table, arn, name, count = sys.argv[1:]
journal = TableJournals(DynamoTable(Session(), table), SystemClock()).open(arn)
for number in range(1, int(count) + 1):
    print(journal.append(datetime.now(UTC), name, ACTOR, intent(number)).seq)
"""


def test_eight_processes_make_one_chain(server: Server, table: str, machine: Callable[[str], Shell]) -> None:
    arn = "arn:aws:lambda:eu-central-1:000000000000:function:crowd:live"
    shell = machine("here")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, table, arn, f"p{number}", "50"],
            env={**shell.environment(), "AWS_ENDPOINT_URL": server.endpoint},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    told = [int(line) for process in processes for line in process.communicate(timeout=120)[0].split()]
    assert sorted(told) == list(range(1, 401))
    ran = shell("audit", "verify", arn, "--output", "json")
    assert ran.code == 0, ran.err
    shown = shell("audit", "show", arn, "--output", "json").data["records"]
    for number in range(8):
        assert [one["op"] for one in shown if one["release"] == f"p{number}"] == list(range(1, 51))


def test_making_the_table_again_changes_nothing(machine: Callable[[str], Shell], wire: Wire) -> None:
    ran = machine("here")("store", "init", STORE, "--output", "json")
    assert ran.code == 0, ran.err
    assert (ran.data["steps"], ran.data["changed"]) == ([], False)
    assert set(wire.calls) == {"DescribeTable", "DescribeContinuousBackups"}


def test_a_table_of_its_own_account(server: Server, shell: Shell, wire: Wire, clients: Clients) -> None:
    would = shell("store", "init", "dynamodb://another-team", "--dry-run", "--output", "json")
    assert would.code == 0, would.err
    assert would.data["steps"] == ["create", "keep backups"]
    assert set(wire.calls) == {"DescribeTable"}
    made = shell("store", "init", "dynamodb://another-team", "--yes")
    assert made.code == 0, made.err
    assert set(wire.calls) == granted("store init") - {"UpdateTable", "GetCallerIdentity"}
    described = clients("dynamodb").describe_table(TableName="another-team")["Table"]
    assert described["DeletionProtectionEnabled"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_local_history_is_copied_and_goes_on(
    function: Function, shell: Shell, machine: Callable[[str], Shell], wire: Wire
) -> None:
    local = replace(shell, variables={"LAMBDAOPS_STORE": "files"})
    assert local("release", function.target, "--to", "2", "--compare", "none", *FAST).code == 0
    head = local("audit", "verify", function.target, "--output", "json").data["journals"][0]["head"]
    wire.calls.clear()
    would = local("store", "copy", STORE, "--dry-run", "--output", "json")
    assert would.code == 0, would.err
    assert set(wire.calls) == {"Query"}
    wire.calls.clear()
    assert local("store", "copy", STORE, "--yes").code == 0
    assert set(wire.calls) <= granted("store copy") | {"TransactWriteItems"}
    again = local("store", "copy", STORE, "--yes", "--output", "json")
    assert again.data["changed"] is False

    team = machine("there")
    assert team("audit", "verify", function.target, "--output", "json").data["journals"][0]["head"] == head
    back = team("rollback", function.target)
    assert back.code == 0, back.err
    assert function.alias() == ("1", {}), "the journal knows what was stable before the promotion"
    refused = local("store", "copy", STORE, "--yes")
    assert refused.code == 3, refused.err
    assert "is not the one of this machine" in refused.err
