"""Environments on real sessions: accounts and regions kept apart, freezes, and going back whatever the file looks like.

The sandbox takes a twelve-digit access key for the account, so a profile is an account as on AWS.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.wire.conftest import Clients, Function, Shell, answering, make_function, until
from tests.wire.proxy import Answer, Wire

if TYPE_CHECKING:
    from lambdaops.sandbox.server import Server
    from tests.wire.conftest import Ran

PROD, DEV, ELSEWHERE = "000000000000", "444455556666", "999988887777"
JSON = ("--output", "json")
FILE = """\
version: 1
defaults: {{alias: live, alarms: ["{{function}}-*"], strategy: quick, look-every: 1s}}
strategies: {{quick: "50%:1s,100%:1s"}}
functions: {{{function}: {{}}}}
environments:
  prod: {{account: "{prod}", region: eu-central-1, profile: prod, freeze: {freeze}}}
  dev: {{account: "{dev}", region: eu-central-1, profile: dev}}
"""
PROFILES = "".join(
    f"[profile {name}]\naws_access_key_id = {account}\naws_secret_access_key = sandbox\n"
    for name, account in (("prod", PROD), ("dev", DEV))
)


def around_now() -> str:
    now = datetime.now(UTC)
    start, end = (f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M}" for hours in (-1, 1))
    return f"[{{name: audit, from: {start}, to: {end}, timezone: UTC}}]"


@dataclass(frozen=True)
class Setting:
    """A function in prod, and a directory with the file that speaks of it."""

    function: Function
    shell: Shell
    wire: Wire
    directory: Path

    def write(self, text: str = FILE, *, prod: str = PROD, freeze: str = "[]") -> None:
        content = text.format(function=self.function.name, prod=prod, dev=DEV, freeze=freeze)
        (self.directory / "lambdaops.yaml").write_text(content, "utf-8")

    def __call__(self, command: str, *words: str) -> Ran:
        """A command on the function in prod; only its own calls are on the wire."""
        self.wire.calls.clear()
        return self.shell(command, self.function.name, "--env", "prod", *words, *JSON)


@pytest.fixture
def prod(shell: Shell, wire: Wire, function: Function, tmp_path: Path) -> Setting:
    (tmp_path / "aws").write_text(PROFILES, "utf-8")
    shell.variables |= {
        "LAMBDAOPS_CONFIG": str(tmp_path / "lambdaops.yaml"),
        "AWS_CONFIG_FILE": str(tmp_path / "aws"),
    }
    return Setting(function, shell, wire, tmp_path)


@pytest.fixture
def package(tmp_path: Path) -> str:
    path = tmp_path / "code.zip"
    path.write_bytes(answering("three"))
    return str(path)


def test_credentials_of_another_account_write_nothing(prod: Setting, package: str) -> None:
    prod.write(prod=ELSEWHERE)
    prod.function.point("1", {"2": 0.5})
    for words, asked in (
        (("release", "--to", "2", "--yes"), "GetCallerIdentity"),
        (("publish", "--zip", package, "--yes"), "GetCallerIdentity"),
        (("rollback",), "GetAlias"),
    ):
        ran = prod(*words)
        assert (ran.code, ran.envelope["errors"][0]["code"]) == (3, "wrong-account")
        assert PROD in ran.envelope["errors"][0]["message"]
        assert ELSEWHERE in ran.envelope["errors"][0]["message"]
        assert prod.wire.calls == [asked]
    assert prod.function.alias() == ("1", {"2": 0.5})
    assert not prod.shell.home.exists()


def test_from_the_plan_to_the_way_back(prod: Setting) -> None:
    prod.write()
    prod.function.wait_for(prod.function.alarm(), "OK")
    planned = prod("plan", "--to", "2").data
    assert planned["plan"]["alarms"] == [f"{prod.function.name}-errors"]
    assert (planned["environment"], prod.wire.writes) == ("prod", [])
    ran = prod("release", "--to", "2", "--yes")
    assert (ran.code, ran.data["environment"], prod.function.alias()) == (0, "prod", ("2", {})), ran.err
    assert prod.wire.calls.count("GetCallerIdentity") == 1
    assert prod("versions").code == 0
    back = prod("rollback")
    assert (back.code, back.data["environment"], prod.function.alias()) == (0, "prod", ("1", {}))


def test_a_run_of_a_playbook_asks_once_whose_credentials_these_are(prod: Setting) -> None:
    prod.write()
    book = prod.directory / "say.yaml"
    book.write_text("version: 1\nname: say\nsteps:\n  - {id: it, uses: note, with: {message: here}}\n", "utf-8")
    prod.wire.calls.clear()
    ran = prod.shell("playbook", "run", str(book), "--env", "prod", "--yes", *JSON)
    assert (ran.code, ran.data["environment"]) == (0, "prod"), ran.err
    assert prod.wire.calls == ["GetCallerIdentity"]


def test_a_freeze(prod: Setting, package: str) -> None:
    prod.write(FILE.replace('alarms: ["{{function}}-*"], ', ""), freeze=around_now())
    for words in (("--to", "2"), ("--zip", package)):
        ran = prod("release", *words, "--yes")
        assert (ran.code, ran.envelope["errors"][0]["code"], prod.wire.writes) == (3, "blocked", [])
        assert "releases are frozen until" in ran.envelope["errors"][0]["message"]
    ran = prod("release", "--to", "2", "--yes", "--override-freeze", "checkout is down")
    assert (ran.code, prod.function.alias()) == (0, ("2", {}))
    (journal,) = prod.shell.home.rglob("live.jsonl")
    records = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    (opening,) = [record for record in records if record["kind"] == "opened"]
    assert opening["data"]["overrides"][0].startswith("freeze audit until ")
    assert opening["data"]["overrides"][0].endswith(": checkout is down")
    assert (prod("rollback").code, prod.function.alias()) == (0, ("1", {}))


def test_a_rollback_past_a_broken_file_and_without_sts(prod: Setting) -> None:
    prod.write("version: 1\nfunctions: [")
    prod.function.point("1", {"2": 0.5})
    ran = prod.shell("rollback", prod.function.target, "--env", "prod", "--profile", "prod")
    assert (ran.code, prod.function.alias()) == (0, ("1", {}))
    assert "GOING ON WITHOUT THE CONFIGURATION" in ran.err
    prod.write()
    prod.function.point("1", {"2": 0.5})
    prod.wire.answers["GetCallerIdentity"] = Answer(403, "AccessDeniedException", "no")
    ran = prod("rollback")
    assert (ran.code, prod.function.alias()) == (0, ("1", {}))


def test_two_environments_with_a_function_of_the_same_name(prod: Setting, server: Server) -> None:
    prod.write(FILE.replace("50%:1s,100%:1s", "50%:5m,100%:1s").replace('alarms: ["{{function}}-*"], ', ""))
    name, shell = prod.function.name, prod.shell
    dev = make_function(Clients(server, DEV), name)
    for environment, where in (("prod", prod.function), ("dev", dev)):
        process = shell.start("release", name, "--env", environment, "--to", "2", "--yes", *JSON)
        until(lambda where=where: where.alias() == ("1", {"2": 0.5}))  # type: ignore[misc]
        process.kill()
        process.communicate(timeout=10)
    for command in ("abort", "rollback"):
        both = shell(command, name, *JSON)
        assert (both.code, both.envelope["errors"][0]["code"]) == (2, "usage")
    assert shell("abort", name, "--env", "dev", *JSON).code == 0
    assert (dev.alias(), prod.function.alias()) == (("1", {}), ("1", {"2": 0.5}))
    # dev's is over: what is still open is prod's alone, and dev finds nothing to steer.
    assert shell("abort", name, "--env", "dev", *JSON).code == 3
    assert prod("abort").code == 0
    assert prod.function.alias() == ("1", {})
    assert {path.parts[-4] for path in shell.home.rglob("live.jsonl")} == {PROD, DEV}
