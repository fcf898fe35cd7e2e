"""``config check|show|schema``: mistakes with their places, what holds and which line says so; nothing of AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from lambdaops.core.errors import ExitCode
from lambdaops.core.model import Routing
from tests.cli.aimed import CONFIG, Site

if TYPE_CHECKING:
    from pathlib import Path

FULL = """\
version: 1
defaults: {alias: live, alarms: ["{function}-*"], patience: 20m}
strategies: {careful: "5%:10m,hold:1h:rollback,100%:30m"}
functions:
  orders: {strategy: careful, reason: required, ignore-alarms: []}
environments:
  dev: {account: "444455556666", region: eu-central-1}
  prod:
    account: "111122223333"
    region: eu-central-1
    confirm: type-target
    functions: {orders: {bake: 7m, alarms: ["{function}-{environment}"]}}
    freeze:
      - {name: weekend, from: Fri 16:00, to: Mon 07:00, timezone: Europe/Berlin}
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.at(tmp_path, FULL)


def shown(site: Site, *words: str) -> dict[str, tuple[str, str]]:
    ran = site("config", "show", *words, "--output", "json")
    assert ran.code == 0, ran
    return {row["key"]: (row["value"], row["origin"]) for row in ran.envelope["data"]["settings"]}


def test_a_file_without_mistakes_is_told_in_a_line(site: Site) -> None:
    ran = site("config", "check")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == ("lambdaops.yaml has no mistakes: environments dev, prod, functions orders, strategies careful\n")


def test_every_mistake_is_told_at_its_place(site: Site) -> None:
    site.write(FULL.replace("patience", "patiense").replace("Europe", "Eurpe").replace("7m", "soon"))
    ran = site("config", "check")
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    for place in ("lambdaops.yaml:2:51:", "lambdaops.yaml:12:32:", "lambdaops.yaml:14:67:"):
        assert place in ran.err
    assert "Did you mean patience?" in ran.err
    assert "Traceback" not in ran.err


def test_the_file_may_be_named_in_three_ways(site: Site) -> None:
    site.path.rename(site.path.with_name("other.yaml"))
    assert site("config", "check").code == ExitCode.USAGE
    assert site("config", "check", "other.yaml").code == 0
    assert site("config", "show", "--config", "other.yaml").code == 0
    site.cli.variables["LAMBDAOPS_CONFIG"] = "other.yaml"
    assert site("config", "check").code == 0


def test_where_there_is_no_file_it_says_how_to_come_by_one(site: Site) -> None:
    site.path.unlink()
    for words in (("check",), ("show", "orders")):
        ran = site("config", *words)
        assert ran.code == ExitCode.USAGE
        assert "lambdaops init" in ran.err


def test_what_holds_says_its_line_or_that_it_is_built_in(site: Site) -> None:
    assert shown(site, "orders", "--env", "prod") == {
        "account": ("111122223333", "environments.prod.account (lambdaops.yaml:9)"),
        "region": ("eu-central-1", "environments.prod.region (lambdaops.yaml:10)"),
        "confirm": ("type-target", "environments.prod.confirm (lambdaops.yaml:11)"),
        "freeze": ("weekend (Fri 16:00 to Mon 07:00 Europe/Berlin)", "environments.prod.freeze (lambdaops.yaml:13)"),
        "store": ("files", "built-in default"),
        "alias": ("live", "defaults.alias (lambdaops.yaml:2)"),
        "strategy": ("careful (5%:10m,hold:1h:rollback,100%:30m)", "functions.orders.strategy (lambdaops.yaml:5)"),
        "bake": ("7m", "environments.prod.functions.orders.bake (lambdaops.yaml:12)"),
        "alarms": ("orders-prod", "environments.prod.functions.orders.alarms (lambdaops.yaml:12)"),
        "ignore-alarms": ("none", "functions.orders.ignore-alarms (lambdaops.yaml:5)"),
        "look-every": ("10s", "built-in default"),
        "patience": ("20m", "defaults.patience (lambdaops.yaml:2)"),
        "on-inconclusive": ("rollback", "built-in default"),
        "compare": ("errors", "built-in default"),
        "tolerance": ("1.5", "built-in default"),
        "alpha": ("0.01", "built-in default"),
        "min-requests": ("20", "built-in default"),
        "period": ("1m", "built-in default"),
        "reason": ("required", "functions.orders.reason (lambdaops.yaml:5)"),
    }


def test_without_an_environment_or_target_it_shows_what_holds_everywhere(site: Site) -> None:
    rows = shown(site)
    assert "account" not in rows
    assert rows["alarms"] == ("{function}-*", "defaults.alarms (lambdaops.yaml:2)")
    assert rows["confirm"] == ("ask", "built-in default")


def test_where_journals_are_kept_is_shown(site: Site) -> None:
    site.write(
        "version: 1\nstore: dynamodb://team\ncheckpoint: {to: s3://audit-log/lambdaops}\nenvironments:\n"
        '  prod: {account: "111122223333", region: eu-central-1, store: "dynamodb://prod?region=us-east-1"}\n'
        '  test: {account: "222233334444", region: eu-central-1}\n'
        '  here: {account: "333344445555", region: eu-central-1, store: files}\n'
    )
    assert shown(site, "--env", "prod")["store"] == (
        "dynamodb://prod?region=us-east-1",
        "environments.prod.store (lambdaops.yaml:5)",
    )
    assert shown(site, "--env", "test")["store"] == ("dynamodb://team", "store (lambdaops.yaml:2)")
    assert shown(site, "--env", "test")["checkpoint"] == (
        "s3://audit-log/lambdaops",
        "checkpoint (lambdaops.yaml:3)",
    )
    assert shown(site, "--env", "here")["store"] == ("files", "environments.here.store (lambdaops.yaml:7)")
    site.cli.variables["LAMBDAOPS_STORE"] = "dynamodb://mine"
    assert shown(site, "--env", "test")["store"] == ("dynamodb://mine", "LAMBDAOPS_STORE")


def test_what_is_shown_is_what_a_plan_does(site: Site) -> None:
    """The same resolver: an alarm that the file names is the one that a plan watches."""
    site.write(CONFIG)
    assert shown(site, "orders", "--env", "prod")["alarms"][0] == "errors"
    plan = site("plan", "orders", "--env", "prod", "--to", "2", "--output", "json").envelope["data"]["plan"]
    assert plan["alarms"] == ["errors"]


def test_an_environment_that_is_not_there(site: Site) -> None:
    ran = site("config", "show", "orders", "--env", "prd")
    assert ran.code == ExitCode.USAGE
    assert "Did you mean prod?" in ran.err


def test_the_schema_is_printed_as_it_is(site: Site) -> None:
    found = json.loads(site("config", "schema").out)
    Draft202012Validator.check_schema(found)
    assert site("config", "schema", "--output", "json").envelope["data"]["schema"] == found


def test_nothing_of_it_calls_aws_or_writes(site: Site) -> None:
    before = sorted(site.path.parent.rglob("*"))
    for words in (("check",), ("show", "orders", "--env", "prod"), ("schema",)):
        assert site("config", *words).code == 0
    assert (site.calls, site.cli.reached, site.prod.routing) == ([], [], Routing("1"))
    assert sorted(site.path.parent.rglob("*")) == before
