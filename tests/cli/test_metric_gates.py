"""Gates on metrics and what is only observed, by flag and in ``lambdaops.yaml``."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.aimed import DEV, PROD, Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = f"""\
version: 1
defaults: {{alias: live, compare: "errors,throttles", observe: throttles}}
functions:
  orders:
    metrics:
      - name: backlog
        namespace: AWS/SQS
        metric: Age
        stat: Maximum
        dimensions: {{QueueName: "{{function}}-{{environment}}"}}
        fails-when: "> 300"
        for: 3
      - {{name: share, expression: "100 * [A B Sum] / [A C Sum]", fails-when: "> 2.5", period: 5m, observe: true}}
environments:
  dev: {{account: "{DEV}", region: eu-central-1, profile: dev}}
  prod: {{account: "{PROD}", region: eu-central-1, profile: prod}}
"""
AGE = "[AWS/SQS Age Maximum QueueName=q]"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    site = Site.at(tmp_path, FILE)
    for world in (site.dev, site.prod):
        world.measured = {name: lambda _: 1.0 for name in ("backlog", "share", "own")}
        world.traffic.rate = 1_000
    yield site
    for number, handler in handlers.items():
        signal.signal(number, handler)


def plan_of(site: Site, *words: str) -> dict[str, Any]:
    ran = site("plan", "orders", "--env", "dev", "--to", "2", *words, "--output", "json")
    plan: dict[str, Any] = ran.envelope["data"]["plan"]
    return plan


def shown(plan: dict[str, Any]) -> list[tuple[object, ...]]:
    keys = ("name", "expression", "beyond", "threshold", "periods", "period", "acts")
    return [tuple(gate[key] for key in keys) for gate in plan["metrics"]]


def test_what_the_file_says(site: Site) -> None:
    plan = plan_of(site)
    assert shown(plan) == [
        ("backlog", "[AWS/SQS Age Maximum QueueName={function}-dev]", ">", "300", 3, 60_000, True),
        ("share", "100 * [A B Sum] / [A C Sum]", ">", "2.5", 1, 300_000, False),
    ]
    assert [(one["measure"], one["acts"]) for one in plan["comparisons"]] == [("errors", True), ("throttles", False)]


def test_the_command_line_stands_before_it(site: Site) -> None:
    plan = plan_of(site, "--metric", f"own: {AGE} < 5", "--period", "5m", "--observe", "errors,own")
    assert shown(plan) == [("own", AGE, "<", "5", 1, 300_000, False)]
    assert [(one["measure"], one["acts"]) for one in plan["comparisons"]] == [("errors", False), ("throttles", True)]
    assert not any(one["acts"] for one in plan_of(site, "--observe", "all")["comparisons"])


def test_those_that_act_share_alpha(site: Site) -> None:
    assert [one["alpha"] for one in plan_of(site, "--observe", "errors")["comparisons"]] == [100, 100]
    assert [one["alpha"] for one in plan_of(site, "--compare", "errors,latency:1s", "--observe", "own,errors",
                                            "--metric", f"own: {AGE} < 5")["comparisons"]] == [100, 100]  # fmt: skip


def test_a_plan_shows_them(site: Site) -> None:
    text = site("plan", "orders", "--env", "dev", "--to", "2").out
    assert "metric   backlog: [AWS/SQS Age Maximum QueueName={function}-dev] > 300 for 3 every 1m\n" in text
    assert "metric   share: 100 * [A B Sum] / [A C Sum] > 2.5 every 5m (observed only)\n" in text
    assert "metric backlog: " in text
    settings = site("config", "show", "orders", "--env", "dev").out
    assert "backlog: [AWS/SQS Age Maximum" in settings


def test_a_release_by_them(site: Site) -> None:
    ran = site("release", "orders", "--env", "dev", "--to", "2", "--compare", "none", "--observe", "share", "--yes")
    assert ran.code == 0
    assert "gates: backlog, share" in ran.err
    assert site.dev.watched[0].metrics[0].dimensions == (("QueueName", "orders-dev"),)


def test_one_that_objects_is_told_on_the_way(site: Site) -> None:
    begins = site.dev.clock.now()
    site.dev.measured["backlog"] = lambda at: 1.0 if (at - begins).total_seconds() < 120 else 301.0
    ran = site("release", "orders", "--env", "dev", "--to", "2", "--yes")
    assert ran.code == 4
    assert "gate backlog FAIL: 301, 301, 301 is > 300, since " in ran.err
    assert "backlog: 301, 301, 301 is > 300" in ran.out
    assert "is > 300" in site("history", "orders:live", "--explain").out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--metric", "backlog"), "is not a metric with a threshold"),
        (("--metric", f"a: {AGE} > x"), "is not a threshold"),
        (("--metric", f"a: {AGE} > 5", "--metric", f"a: {AGE} > 6"), "two gates are called 'a'"),
        (("--metric", f"errors: {AGE} > 5"), "two gates are called 'errors'"),
        (("--observe", "latency:1s"), "'latency:1s' cannot be observed"),
        (("--observe", ""), "cannot be observed"),
        (("--observe", "all", "--compare", "none", "--metric", "a:"), "is not a metric"),
    ],
)
def test_words_that_cannot_be_understood(site: Site, words: tuple[str, ...], says: str) -> None:
    ran = site("plan", "orders", "--env", "dev", "--to", "2", *words, "--output", "json")
    assert ran.code == 2
    assert says in ran.envelope["errors"][0]["message"]
    assert ran.envelope["errors"][0]["hint"]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ('{name: a, fails-when: "> 1"}', "a metric has a namespace, a metric and a stat"),
        ('{name: a, namespace: A, metric: B, fails-when: "> 1"}', "a metric has a namespace, a metric and a stat"),
        ('{name: a, namespace: A, metric: B, stat: Summ, fails-when: "> 1"}', "Did you mean Sum?"),
        ('{name: a, stat: Sum, expression: "[A B Sum]", fails-when: "> 1"}', "exclude each other"),
        ('{name: a, expression: "[A B Sum] + x", fails-when: "> 1"}', "stands for no metric"),
        ('{name: a, expression: "[A B Sum]", fails-when: "1"}', "is not a threshold"),
        ('{name: a, expression: "[A B Sum]"}', "fails-when is missing"),
        ('{name: "a:b", expression: "[A B Sum]", fails-when: "> 1"}', "cannot be the name of a gate"),
        ('{name: a, expression: "[A B Sum]", fails-when: "> 1", for: 0}', "greater than or equal to 1"),
        ('{name: a, expression: "[A B Sum]", fails-when: "> 1", period: 7s}', "is not a period of CloudWatch's"),
        ('{name: a, expression: "[A B Sum]", fails-when: "> 1", fro: 3}', "nothing is called 'fro'"),
    ],
)
def test_mistakes_of_the_file_stand_where_they_are(site: Site, entry: str, says: str) -> None:
    site.write(f"version: 1\nfunctions:\n  orders:\n    metrics:\n      - {entry}\n")
    ran = site("config", "check")
    assert ran.code == 2
    assert says in ran.err
    assert "lambdaops.yaml:5:" in ran.err or "lambdaops.yaml:4:" in ran.err


def test_an_environment_that_is_not_named_cannot_be_filled_in(site: Site) -> None:
    site.write('version: 1\nfunctions: {orders: {metrics: [{name: a, expression: "[A B Sum E={environment}]", '
               'fails-when: "> 1"}]}}\n')  # fmt: skip
    ran = site("plan", "orders:live", "--to", "2")
    assert ran.code == 2
    assert "names the environment" in ran.err
