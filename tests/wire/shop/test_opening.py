"""The shop over real boto3: what it is made of, and what opening and resetting it leave alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import SandboxUnavailableError
from lambdaops.sandbox import shop
from lambdaops.sandbox.builds import FUNCTIONS
from tests.wire.shop.conftest import NOBODY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wire.shop.conftest import Place

pytestmark = pytest.mark.undisturbed


def test_it_opens_with_all_that_there_is_to_release(place: Place) -> None:
    opened = place.open()
    assert opened.functions == FUNCTIONS
    assert set(opened.alarms) == set(place.alarms())
    assert (opened.builds / "orders-broken.zip").is_file()
    for name in FUNCTIONS:
        alias = place.alias(name)
        assert (opened.alias, alias["FunctionVersion"]) == ("live", "1")
        assert not (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights")
    made = place.inventory()
    redrive = json.loads(made["queues"][0]["RedrivePolicy"])
    assert int(redrive["maxReceiveCount"]) == 3
    assert redrive["deadLetterTargetArn"].endswith(":invoices-dlq")
    assert made["targets"][0]["Arn"].endswith(":function:nightly:live")
    (settings,) = place.clients("lambda").list_function_event_invoke_configs(FunctionName="orders")[
        "FunctionEventInvokeConfigs"
    ]
    assert settings["FunctionArn"].endswith(":function:orders:live")
    assert settings["DestinationConfig"]["OnFailure"]["Destination"].endswith(":orders-failed")
    roles = {place.clients("lambda").get_function(FunctionName=n)["Configuration"]["Role"] for n in FUNCTIONS}
    assert roles <= set(made["roles"])


def test_opening_an_open_shop_changes_nothing(place: Place) -> None:
    first = place.open()
    before = place.inventory()
    assert place.open() == first
    assert place.inventory() == before


def test_opening_leaves_alone_what_a_release_and_its_operator_did(place: Place) -> None:
    """What an operator set would be lost if it were merely put again with the same name."""
    candidate = place.publish("good")
    place.point("1", {candidate: 0.1})
    place.clients("cloudwatch").put_metric_alarm(
        AlarmName="orders-errors",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=50,
        ComparisonOperator="GreaterThanThreshold",
    )
    queues, url = place.clients("sqs"), place.clients("sqs").get_queue_url(QueueName="invoices")["QueueUrl"]
    queues.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "30"})
    place.clients("events").put_rule(Name="nightly", ScheduleExpression="cron(0 4 * * ? *)")
    before = place.inventory()
    place.open()
    assert place.inventory() == before


def test_a_shop_that_was_left_half_made_is_completed(place: Place) -> None:
    place.publish("good")
    whole = place.inventory()
    mapping = whole["mappings"][0]
    place.clients("lambda").delete_event_source_mapping(UUID=mapping)
    place.clients("lambda").delete_alias(FunctionName="orders", Name="live")
    place.clients("lambda").delete_function(FunctionName="nightly")
    place.clients("events").remove_targets(Rule="nightly", Ids=["nightly"])
    place.clients("cloudwatch").delete_alarms(AlarmNames=["orders-health"])
    place.clients("cloudwatch").delete_alarms(AlarmNames=["orders-latency"])
    place.open()
    again = place.inventory()
    assert again["alarms"].keys() == whole["alarms"].keys()
    assert again["targets"] == whole["targets"]
    assert len(again["mappings"]) == 1
    assert again["mappings"] != [mapping]
    assert again["versions"]["orders"] == whole["versions"]["orders"], "nothing is published anew"
    assert {alias["FunctionVersion"] for alias in again["aliases"].values()} == {"1"}


def test_reset_throws_away_what_a_release_left(place: Place) -> None:
    place.point(place.publish("good"))
    shop.reset(place.server.endpoint, place.variables, place.directory)
    assert place.alias("orders")["FunctionVersion"] == "1"
    assert len(place.inventory()["versions"]["orders"]) == 2  # $LATEST and 1


def test_the_callers_own_aws_settings_take_no_part(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "config"
    settings.write_text(f"[default]\nendpoint_url = {NOBODY}\nregion = us-east-1\n", "utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(settings))
    monkeypatch.setenv("AWS_PROFILE", "nobody-has-this-profile")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, NOBODY)
    shop.reset(place.server.endpoint, place.variables, place.directory)
    assert place.alias("orders")["AliasArn"].startswith("arn:aws:lambda:eu-central-1:000000000000:")


def test_a_server_that_is_gone_is_said_plainly(place: Place, tmp_path: Path) -> None:
    for attempt in (shop.open_shop, shop.reset):
        with pytest.raises(SandboxUnavailableError, match="the shop at"):
            attempt(NOBODY, place.variables, tmp_path)
