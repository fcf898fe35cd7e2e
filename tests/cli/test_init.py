"""``init`` through main: where it looks, what it writes, and that it replaces nothing unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from lambdaops.core.errors import AccessDeniedError, RegionMissingError
from lambdaops.core.model import Routing
from lambdaops.ports import AlarmLink
from tests.cli.rig import Cli
from tests.sim.inventory import SimInventory

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = """\
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: orders
      AutoPublishAlias: live
      DeploymentPreference: {Type: Linear10PercentEvery1Minute, Alarms: [orders-errors]}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    account = SimInventory(
        {"orders": {"live": Routing("1"), "beta": Routing("2")}, "carts": {}},
        (AlarmLink("orders-errors", "orders"), AlarmLink("orders-health", "orders", "live")),
    )
    return Cli(tmp_path, account=account)


def test_from_the_account(cli: Cli) -> None:
    ran = cli("init", "--env", "prod")
    assert ran.code == 0, ran.err
    assert yaml.safe_load((cli.home / "lambdaops.yaml").read_text()) == {
        "version": 1,
        "defaults": {"strategy": "canary"},
        "functions": {"orders": {"alias": "live", "alarms": ["orders-errors", "orders-health"]}},
        "environments": {"prod": {"account": "111122223333", "region": "eu-central-1", "confirm": "ask"}},
    }
    assert "orders    live   -         orders-errors, orders-health" in ran.out
    assert "carts     left out: has no alias" in ran.out
    assert "wrote lambdaops.yaml: 1 function from account 111122223333 in eu-central-1, 1 left out" in ran.out
    assert "lambdaops config check" in ran.out
    assert "looking at the aliases of 2 functions" in ran.err


def test_from_a_template_without_aws(cli: Cli) -> None:
    (cli.home / "t.yaml").write_text(TEMPLATE)
    cli.account.errors = {"": AccessDeniedError("no"), "alarms": AccessDeniedError("no")}
    ran = cli("init", "--template", "t.yaml", "--out", "other.yaml")
    assert ran.code == 0, ran.err
    written = yaml.safe_load((cli.home / "other.yaml").read_text())
    assert written["functions"] == {
        "orders": {"alias": "live", "strategy": "Linear10PercentEvery1Minute", "alarms": ["orders-errors"]}
    }
    assert "environments" not in written
    assert cli.world.calls == []


def test_a_dry_run_prints_the_file_and_writes_nothing(cli: Cli) -> None:
    ran = cli("init", "--dry-run")
    assert ran.code == 0
    assert set(yaml.safe_load(ran.out)["functions"]) == {"orders"}
    assert "would write lambdaops.yaml" in ran.err
    assert list(cli.home.iterdir()) == []


def test_a_dry_run_does_not_mind_a_file(cli: Cli) -> None:
    (cli.home / "lambdaops.yaml").write_text("mine")
    assert cli("init", "--dry-run").code == 0
    assert (cli.home / "lambdaops.yaml").read_text() == "mine"


def test_a_file_is_not_replaced_and_nothing_is_asked_of_aws(cli: Cli) -> None:
    (cli.home / "lambdaops.yaml").write_text("mine")
    ran = cli("init")
    assert ran.code == 2
    assert "exists already" in ran.err
    assert (cli.home / "lambdaops.yaml").read_text() == "mine"
    assert (cli.account.asked, cli.world.calls) == ([], [])


def test_force_replaces_it(cli: Cli) -> None:
    (cli.home / "lambdaops.yaml").write_text("mine")
    assert cli("init", "--force").code == 0
    assert (cli.home / "lambdaops.yaml").read_text().startswith("# How these functions are released.")


def test_for_machines(cli: Cli) -> None:
    ran = cli("init", "--output", "json")
    data = ran.envelope["data"]
    assert ran.envelope["command"] == "init"
    assert (data["path"], data["written"]) == ("lambdaops.yaml", True)
    assert [target["function"] for target in data["found"]["targets"]] == ["orders"]
    assert data["file"] == (cli.home / "lambdaops.yaml").read_text()


def test_a_dry_run_for_machines_is_one_envelope(cli: Cli) -> None:
    ran = cli("init", "--dry-run", "--output", "json")
    assert ran.envelope["data"]["written"] is False
    assert "would write" not in ran.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--from-account", "--template", "t.yaml"), "exclude each other"),
        (("--env", "a b"), "cannot be the name of an environment"),
        (("--env", ""), "cannot be the name of an environment"),
        (("--env", "no\nway"), "cannot be the name of an environment"),
        (("--template", "gone.yaml"), "cannot be read: No such file"),
        (("--template", "."), "cannot be read: Is a directory"),
        (("--out", "no/such/directory/a.yaml"), "cannot be written: No such file"),
        (("--out", "."), "exists already"),
    ],
)
def test_mistakes(cli: Cli, words: tuple[str, ...], says: str) -> None:
    ran = cli("init", *words)
    assert ran.code == 2
    assert says in ran.err
    assert "next:" in ran.err
    assert list(cli.home.iterdir()) == []


def test_a_broken_template_names_line_and_column(cli: Cli) -> None:
    (cli.home / "t.yaml").write_text("Resources:\n  A: x\n")
    ran = cli("init", "--template", "t.yaml")
    assert ran.code == 2
    assert "t.yaml:2:6: resource A must be a mapping" in ran.err
    assert not (cli.home / "lambdaops.yaml").exists()


@pytest.mark.parametrize("what", ["", "alarms", "orders"])
def test_aws_says_no(cli: Cli, what: str) -> None:
    cli.account.routings = {"orders": {"live": Routing("1")}}
    cli.account.errors = {what: AccessDeniedError("no", hint="The caller needs it.", target=what)}
    ran = cli("init")
    assert ran.code == 8
    assert "The caller needs it." in ran.err
    assert not (cli.home / "lambdaops.yaml").exists()


def test_no_region(cli: Cli) -> None:
    cli.account.errors = {"region": RegionMissingError("no AWS region is set", hint="Give --region.")}
    assert cli("init").code == 8


def test_an_account_without_functions(tmp_path: Path) -> None:
    ran = Cli(tmp_path)("init")
    assert ran.code == 0
    assert "aws lambda create-alias" in ran.out
    assert yaml.safe_load((tmp_path / "lambdaops.yaml").read_text())["functions"] == {}
