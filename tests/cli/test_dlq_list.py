"""``dlq list`` as it is typed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.dlq.paths import AliasVersions, AsyncSettings, Published
from lambdaops.core.errors import AccessDeniedError
from tests.cli.rig import Cli
from tests.ops.dlq.post import arn

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
version: 1
defaults: {alias: live}
environments:
  dev: {account: "444455556666", region: eu-central-1}
  prod: {account: "111122223333", region: us-east-1, profile: prod}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    cli = Cli(tmp_path / "home", directory=tmp_path)
    cli.post.write("orders-failed", 4)
    cli.failures.pointed = (AliasVersions("beta", ("1",)), AliasVersions("live", ("1",)))
    cli.failures.configured = (AsyncSettings("live", arn("orders-failed")),)
    cli.failures.ages = {arn("orders-failed"): timedelta(hours=30)}
    return cli


def test_paths_losses_and_the_next_step(cli: Cli) -> None:
    ran = cli("dlq", "list", "orders")
    assert (ran.code, ran.err) == (0, "")
    assert "asynchronous  live     any       + destination  orders-failed  4        1d6h    <=2d18h" in ran.out
    assert "x asynchronous through beta, version 1: an event that fails 3 times, or waits 6h, is lost" in ran.out
    assert "x 3 paths, 1 of them loses events" in ran.out
    assert ran.out.endswith("next: lambdaops dlq inspect orders-failed shows what is there\n")


def test_a_pipeline_may_ask_to_fail(cli: Cli) -> None:
    assert cli("dlq", "list", "orders", "--fail-on-lost").code == 6
    ran = cli("dlq", "list", "orders:live", "--fail-on-lost", "--output", "json")
    assert (ran.code, ran.envelope["status"]) == (0, "success")
    (path,) = ran.envelope["data"]["paths"]
    assert (path["to"], path["means"], path["lost"]) == (arn("orders-failed"), "destination", "")
    assert (path["depth"]["messages"], path["depth"]["oldest"]) == (4, 30 * 60 * 60 * 1000)
    ran = cli("dlq", "list", "orders", "--fail-on-lost", "--output", "json")
    assert (ran.code, ran.envelope["status"]) == (6, "held")


def test_a_function_has_all_its_paths_although_the_file_says_an_alias(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lambdaops.yaml").write_text(CONFIG, "utf-8")
    ran = cli("dlq", "list", "orders", "--env", "prod")
    assert "beta" in ran.out
    assert "dlq inspect orders-failed --env prod" in ran.out
    assert set(cli.reached) == {("us-east-1", "prod")}
    assert cli("dlq", "list", "orders", "--env", "prod", "--region", "eu-central-1").code == 2


def test_an_arn_of_an_alias_says_the_region(cli: Cli) -> None:
    assert cli("dlq", "list", "arn:aws:lambda:us-west-2:111122223333:function:orders:live").code == 0
    assert set(cli.reached) == {("us-west-2", None)}


@pytest.mark.parametrize(
    ("words", "code", "slug"),
    [
        (("nosuch",), 3, "not-found"),
        (("orders:nosuch",), 3, "not-found"),
        (("orders:7",), 2, "invalid-target"),
        (("no such",), 2, "invalid-target"),
        ((), 2, "usage"),
        (("orders", "--env", "nosuch"), 2, "usage"),
    ],
)
def test_what_cannot_be_listed(cli: Cli, words: tuple[str, ...], code: int, slug: str) -> None:
    ran = cli("dlq", "list", *words, "--output", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (code, slug)


def test_aws_s_refusal_is_the_error(cli: Cli) -> None:
    cli.failures.errors["settings"] = AccessDeniedError("could not list the event invoke configs: denied", hint="Ask.")
    ran = cli("dlq", "list", "orders")
    assert (ran.code, ran.out) == (8, "")
    assert "denied" in ran.err


def test_a_function_without_anything(cli: Cli) -> None:
    cli.failures.versions, cli.failures.pointed = (Published("$LATEST"),), ()
    ran = cli("dlq", "list", "orders")
    assert "x 1 path, it loses events" in ran.out
