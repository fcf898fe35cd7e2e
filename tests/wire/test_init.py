"""Everything an account has, on the wire: a first configuration file, split aliases, and versions to complete."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import yaml

from lambdaops.aws.inventory import AwsInventory
from lambdaops.aws.session import Session
from lambdaops.cli import complete
from lambdaops.core.model import Routing
from lambdaops.core.reports import Standing
from lambdaops.ops.scan import scan
from lambdaops.store.files import FileJournals
from tests.cli.test_complete import Tab
from tests.wire.proxy import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from lambdaops.core.notices import Notice
    from tests.wire.conftest import Function, Shell
    from tests.wire.proxy import Wire


class Still:
    """A clock that does not wait, and a sink that tells nobody."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, _: object) -> None:
        return None

    def interrupt(self) -> None:
        return None

    def emit(self, notice: Notice) -> None:
        return None


@pytest.fixture
def inventory(shell: Shell) -> AwsInventory:
    return AwsInventory(Session(variables=shell.environment()))


def test_init_finds_function_alias_and_alarms(function: Function, shell: Shell, wire: Wire, tmp_path: Path) -> None:
    function.alarm("errors")
    function.clients("lambda").create_alias(FunctionName=function.name, Name="beta", FunctionVersion="2")
    function.clients("cloudwatch").put_composite_alarm(
        AlarmName=f"{function.name}-health", AlarmRule=f'ALARM("{function.name}-errors")'
    )
    elsewhere = [
        {"Name": "FunctionName", "Value": function.name},
        {"Name": "Resource", "Value": f"{function.name}:beta"},
    ]
    function.alarm("beta", Dimensions=elsewhere)
    out = tmp_path / "lambdaops.yaml"

    ran = shell("init", "--env", "prod", "--out", str(out))

    assert ran.code == 0, ran.err
    written = yaml.safe_load(out.read_text())
    assert written["functions"][function.name] == {
        "alias": "live",
        "alarms": [f"{function.name}-errors", f"{function.name}-health"],
    }
    assert written["environments"] == {"prod": {"account": "000000000000", "region": "eu-central-1", "confirm": "ask"}}
    assert f"- {function.name}-beta: measures beta" in out.read_text()
    assert "its other aliases: beta" in out.read_text()
    assert wire.writes == []
    assert function.alias() == ("1", {})


@pytest.mark.parametrize("call", ["ListFunctions", "DescribeAlarms", "GetCallerIdentity"])
def test_init_without_a_permission_writes_nothing(shell: Shell, wire: Wire, tmp_path: Path, call: str) -> None:
    wire.answers[call] = Answer(403, "AccessDeniedException", "User is not authorized to perform this")
    ran = shell("init", "--out", str(tmp_path / "a.yaml"), "--output", "json")
    assert ran.code == 8
    (error,) = ran.envelope["errors"]
    assert error["code"] == "access-denied"
    assert f":{call}" in error["hint"]
    assert not (tmp_path / "a.yaml").exists()


def test_a_scan_finds_what_is_split(function: Function, inventory: AwsInventory, wire: Wire, tmp_path: Path) -> None:
    function.point("1", {"2": 0.25})
    # The first calls are throttled: the client tries again.
    wire.answers["ListAliases"] = Answer(429, "TooManyRequestsException", times=2)
    found = scan(inventory, FileJournals(tmp_path), Still(), Still())
    (mine,) = [item for item in found if item.target == function.target]
    assert (mine.arn, mine.routing) == (f"{function.arn}:live", Routing("1", "2", 2_500))
    assert mine.standing is Standing.UNACCOUNTED
    assert wire.writes == []


def test_versions_are_completed_from_aws(function: Function, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    # A busy machine may take longer to start Python than people want to wait.
    monkeypatch.setattr(complete, "_AWS_SECONDS", 30.0)
    tab = Tab(
        shell.home.parent, {name: value for name, value in shell.environment().items() if name.startswith("AWS_")}
    )
    assert tab(f"lambdaops release {function.target} --to ") == ["2", "1"]
    assert tab("lambdaops release nosuch:live --to ") == []
