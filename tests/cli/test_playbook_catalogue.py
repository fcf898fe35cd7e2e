"""The catalogue of steps is what the commands are: their options, their calls of AWS, what they reply."""

from __future__ import annotations

import json
import signal
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.cli.playbook.catalogue import Catalogue, command_of
from lambdaops.core.playbook.builtin import ALLOWED_CALLS
from lambdaops.core.playbook.commands import COMMANDS, NEVER
from lambdaops.core.playbook.plan import writes
from tests.cli.plays import SHIP, Play

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.core.playbook.book import Json

PERMISSIONS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "permissions.json").read_text("utf-8"))
# A step may be given any option: what the command calls with one of them counts too.
ROWS = {
    "release": ["release", "release --zip"],
    "status": ["status", "status --all"],
    "prune": ["prune", "prune --delete"],
    "audit.verify": ["audit verify --against"],
    "audit.report": [],
    "run-playbook": ["playbook run"],
}
WHO = "sts:GetCallerIdentity"
# Of a team's store and of checkpoints of one's own, which the configuration decides.
NOT_COUNTED = {"dynamodb"}


def called_by(name: str) -> set[str]:
    """``service:Call`` of what docs/permissions.json says of a command."""
    return {call for row in ROWS.get(name, [" ".join(COMMANDS[name].words)]) for call in called_by_row(row)}


def called_by_row(command: str) -> set[str]:
    """The same, of a command with certain options."""
    rows = [row for set_ in PERMISSIONS["commands"][command] for row in PERMISSIONS["sets"][set_]]
    # A call without a permission needs none: it is GetCallerIdentity. A permission without a call is one that AWS
    # asks for on our behalf (S3 and ECR for code).
    rows += [{**row, "call": "Invoke"} for row in rows if row["action"] == "lambda:InvokeFunction"]
    return {f"{(row['action'] or 'sts:').partition(':')[0]}:{row['call']}" for row in rows if row["call"]}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_calls_are_those_of_the_permissions(name: str) -> None:
    said = {call for call in COMMANDS[name].calls if call.partition(":")[0] not in NOT_COUNTED}
    assert said == called_by(name)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_spared_would_be_called_and_goes_by_options_there_are(name: str) -> None:
    use = Catalogue()[name]
    for one in use.spared:
        assert set(one.calls) <= set(use.calls)
        assert {*one.given, *one.lacking, *([one.off] if one.off else [])} <= set(use.parameters)
        assert one.given or one.lacking or one.off


@pytest.mark.parametrize(
    ("name", "given", "calls"),
    [
        ("release", {"to": "2"}, "release"),
        ("release", {"zip": "code.zip"}, "release --zip"),
        ("prune", {}, "prune"),
        ("prune", {"delete": True}, "prune --delete"),
        ("prune", {"delete": False}, "prune"),
        ("status", {"target": "orders:live"}, "status"),
        ("status", {"all": True}, "status --all"),
    ],
)
def test_the_calls_with_some_options_are_those_of_their_own_permissions(
    name: str, given: dict[str, Json], calls: str
) -> None:
    """GetCallerIdentity apart, which some commands make only where an account is pinned."""
    assert set(Catalogue()[name].calls_with(given)) - {WHO} == called_by_row(calls) - {WHO}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_is_there_and_takes_what_is_said_of_it(name: str) -> None:
    command, made = COMMANDS[name], command_of(COMMANDS[name].words)
    options = {word.removeprefix("--") for one in made.params for word in one.opts}
    assert set(command.without) <= options
    assert set(command.mappings) <= options
    assert set(command.called) <= {one.name for one in made.params}
    use = Catalogue()[name]
    assert not set(use.parameters) & (NEVER | set(command.without))
    assert not command.subject or command.subject in use.parameters
    assert use.about
    assert all(parameter.about or not parameter.option for parameter in use.parameters.values())


def test_every_option_that_a_step_never_gives_is_one() -> None:
    known = {
        word.removeprefix("--")
        for name in COMMANDS
        for one in command_of(COMMANDS[name].words).params
        for word in one.opts
    }
    assert known >= NEVER - {"help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_changes_something_never_asks(name: str) -> None:
    """It has --yes, which a step gives, or it asks nobody."""
    options = {word for one in command_of(COMMANDS[name].words).params for word in one.opts}
    silent = {"rollback", "pause", "abort", "audit.checkpoint", "audit.report", "notify"}
    assert not COMMANDS[name].changes or "--yes" in options or name in silent


def test_only_what_reads_may_be_asked_of_aws() -> None:
    calls = [f"{service}:{call}" for service, names in ALLOWED_CALLS.items() for call in names]
    assert not [call for call in calls if writes(call)]


# -- what they reply ---------------------------------------------------------------------------------------------------

REPLIES: dict[str, tuple[str, ...]] = {
    "release": ("release", "orders:live", "--to", "2", "--alarm", "errors", "--yes"),
    "rollback": ("rollback", "orders:live", "--to", "3"),
    "publish": ("publish", "orders", "--zip", "code.zip", "--yes"),
    "status": ("status", "orders:live"),
    "versions": ("versions", "orders:live"),
    "dlq.list": ("dlq", "list", "orders"),
    "dlq.inspect": ("dlq", "inspect", "orders-dlq", "--yes"),
    "dlq.dump": ("dlq", "dump", "orders-dlq", "more.jsonl", "--yes"),
    "dlq.load": ("dlq", "load", "kept.jsonl", "--to", "orders", "--yes"),
    "dlq.redrive": ("dlq", "redrive", "orders-dlq", "--workers", "1", "--yes"),
    "dlq.purge": ("dlq", "purge", "orders-dlq", "--yes"),
    "audit.verify": ("audit", "verify", "--against", "anchors"),
    "audit.checkpoint": ("audit", "checkpoint", "--to", "anchors"),
    "audit.report": ("audit", "report", "report.html"),
    "run-playbook": ("playbook", "run", "ship", "--inputs", '{"target": "orders:live", "to": "2"}', "--yes"),
}
FILES = ("code.zip", "more.jsonl", "kept.jsonl", "anchors", "report.html")
# Told only where there is something of it to tell.
SOMETIMES = {"release": {"logged"}, "status": {"aliases"}}


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    play = Play(tmp_path)
    play.write("ship", SHIP)
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("app.py", "def handler(event, context): return 3\n")
    assert play.cli("dlq", "dump", "orders-dlq", str(tmp_path / "kept.jsonl"), "--yes").code == 0
    play.cli.world.clock.advance(timedelta(minutes=1))
    assert play.cli("rollback", "orders:live", "--to", "3").code == 0
    assert play.cli("rollback", "orders:live", "--to", "1").code == 0
    assert play.cli("audit", "checkpoint", "--to", str(tmp_path / "anchors")).code == 0
    yield play
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("name", REPLIES)
def test_the_outputs_are_what_the_command_replies(play: Play, name: str) -> None:
    words = [str(play.here / word) if word in FILES else word for word in REPLIES[name]]
    ran = play.cli(*words, "--output", "json")
    assert ran.code == 0, ran.err + ran.out
    replied = set(ran.envelope["data"]) - {"is"}  # what kind of report it is
    said = set(COMMANDS[name].outputs)
    assert said - replied <= SOMETIMES.get(name, set())
    missing = replied - said
    assert not missing, f"{name} gives more: {sorted(missing)}"
