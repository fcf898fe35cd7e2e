"""The shop on a server of its own: seeding, its customers, its queue and its alarms, over real boto3."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.core.errors import SandboxUnavailableError
from lambdaops.sandbox import events, leftovers, process, shop, traffic
from lambdaops.sandbox import server as sandbox
from lambdaops.sandbox.builds import FUNCTIONS, zip_build
from lambdaops.sandbox.server import Server
from tests.wire.conftest import Clients, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.undisturbed

NOBODY = "http://127.0.0.1:1"


@dataclass
class Place:
    """A seeded server and clients to look at it with."""

    server: Server
    directory: Path
    clients: Clients

    @property
    def variables(self) -> dict[str, str]:
        return sandbox.environment(self.server)

    def open(self) -> shop.Shop:
        return shop.open_shop(self.server.endpoint, self.variables, self.directory)

    def inventory(self) -> dict[str, Any]:
        """All that the shop is made of, with what would betray a second write."""
        shop_queues = ("invoices", "invoices-dlq", "orders-failed")
        functions, queues, schedules = (self.clients(name) for name in ("lambda", "sqs", "events"))
        urls = [queues.get_queue_url(QueueName=name)["QueueUrl"] for name in shop_queues]
        settings = ["RedrivePolicy", "VisibilityTimeout", "LastModifiedTimestamp"]
        attributes = [queues.get_queue_attributes(QueueUrl=url, AttributeNames=settings) for url in urls]
        return {
            "aliases": {name: self.alias(name) for name in FUNCTIONS},
            "versions": {
                name: [
                    (version["Version"], version["CodeSha256"], version["RevisionId"])
                    for version in functions.list_versions_by_function(FunctionName=name)["Versions"]
                ]
                for name in FUNCTIONS
            },
            "queues": [answer.get("Attributes") for answer in attributes],
            "mappings": [found["UUID"] for found in functions.list_event_source_mappings()["EventSourceMappings"]],
            "rules": schedules.list_rules()["Rules"],
            "targets": schedules.list_targets_by_rule(Rule="nightly")["Targets"],
            "alarms": self.alarms(),
            "roles": [role["Arn"] for role in self.clients("iam").list_roles()["Roles"]],
        }

    def alias(self, name: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.clients("lambda").get_alias(FunctionName=name, Name="live")
        del answer["ResponseMetadata"]
        return answer

    def alarms(self) -> dict[str, dict[str, Any]]:
        answer = self.clients("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        states = ("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp")
        return {
            alarm["AlarmName"]: {name: value for name, value in alarm.items() if name not in states}
            for alarm in (*answer["MetricAlarms"], *answer["CompositeAlarms"])
        }

    def state_of(self, name: str) -> str:
        answer = self.clients("cloudwatch").describe_alarms(
            AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        return str([*answer["MetricAlarms"], *answer["CompositeAlarms"]][0]["StateValue"])

    def visited(self) -> bool:
        """Whether customers came since the opening day."""
        through_alias = [{"Name": "Resource", "Value": "orders:live"}]
        found = self.clients("cloudwatch").list_metrics(Namespace="AWS/Lambda", Dimensions=through_alias)
        return bool(found["Metrics"])

    def publish(self, build: str) -> str:
        functions = self.clients("lambda")
        functions.update_function_code(FunctionName="orders", ZipFile=zip_build("orders", build))
        shop._wait_active(functions, "orders")
        version: str = functions.publish_version(FunctionName="orders")["Version"]
        return version

    def point(self, version: str, weights: dict[str, float] | None = None) -> None:
        self.clients("lambda").update_alias(
            FunctionName="orders",
            Name="live",
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights or {}},
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("shop")
    running = sandbox.start(directory)
    try:
        yield Place(running, directory, Clients(running))
    finally:
        traffic.stop(directory)
        sandbox.stop(running)


@pytest.fixture(autouse=True)
def _as_new(place: Place) -> Iterator[None]:
    """Each test finds the shop on its opening day, without customers."""
    shop.reset(place.server.endpoint, place.variables, place.directory)
    yield
    traffic.stop(place.directory)


# -- opening --------------------------------------------------------------------------------------------------------


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


# -- customers ------------------------------------------------------------------------------------------------------


@dataclass
class Street:
    """Starts customers as processes of the test, and ends those that a failed test left behind."""

    children: list[subprocess.Popen[str]]

    def __call__(self, variables: dict[str, str], *words: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-m", traffic.MODULE, *words],
            env={**os.environ, **variables},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.children.append(child)
        return child


@pytest.fixture
def customers() -> Iterator[Street]:
    street = Street([])
    yield street
    for child in street.children:
        child.kill()
        child.communicate()


def counts_in(line: str) -> dict[str, int]:
    return {name: int(number) for name, number in re.findall(r"([a-z ]+?) (\d+)(?:, |\n|$)", line)}


def test_version_1_answers_every_shape(place: Place) -> None:
    chance = random.Random(1)
    for _ in range(60):
        answer = place.clients("lambda").invoke(
            FunctionName="orders", Qualifier="live", Payload=json.dumps(events.order(chance)).encode()
        )
        assert "FunctionError" not in answer
        assert json.loads(answer["Payload"].read())["statusCode"] == 200


def test_customers_come_no_faster_than_asked_for_and_each_is_counted(place: Place, customers: Street) -> None:
    _, line = customers(place.variables, "--rate", "20", "--for", "5").communicate(timeout=30)
    counts = counts_in(line)
    assert 10 <= counts["sent"] <= 101, "a busy machine may be late, and the pace has tests of its own"
    assert counts["ok"] + counts["unanswered"] == counts["sent"], "on a busy machine the last are still waiting"
    assert counts["ok"] > 0
    assert counts["invoices"] + counts["lost invoices"] == (counts["sent"] + counts["dropped"]) // 10


def test_customers_survive_a_shop_that_closes_and_opens_again(place: Place, customers: Street) -> None:
    child = customers(place.variables, "--rate", "20")
    until(place.visited)
    shop.reset(place.server.endpoint, place.variables, place.directory)
    until(place.visited)
    assert child.poll() is None
    child.send_signal(signal.SIGTERM)
    _, line = child.communicate(timeout=10)
    assert child.returncode == 0
    assert counts_in(line)["ok"] > 0


def test_customers_survive_a_server_that_is_not_there(place: Place, customers: Street) -> None:
    child = customers({**place.variables, "AWS_ENDPOINT_URL": NOBODY}, "--rate", "20", "--for", "1")
    _, line = child.communicate(timeout=30)
    counts = counts_in(line)
    assert child.returncode == 0
    assert counts["unreachable"] == counts["sent"] > 15
    assert counts["ok"] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_customers_leave_promptly_even_when_nobody_answers(
    place: Place, customers: Street, number: signal.Signals
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        child = customers({**place.variables, "AWS_ENDPOINT_URL": endpoint}, "--rate", "20")
        silent.settimeout(10)
        waiting, _ = silent.accept()
        with waiting:
            told = time.monotonic()
            child.send_signal(number)
            _, line = child.communicate(timeout=10)
    assert child.returncode == 0
    assert time.monotonic() - told < 4
    assert counts_in(line)["unanswered"] >= 1


def test_detached_customers_run_until_they_are_stopped(place: Place) -> None:
    pid = traffic.start(place.variables, place.directory, 20)
    assert process.running(pid, traffic.MODULE)
    assert os.getsid(pid) == pid
    until(place.visited)
    second = traffic.start(place.variables, place.directory, 20)
    assert not process.running(pid, traffic.MODULE), "the second ones come in place of the first"
    traffic.stop(place.directory)
    traffic.stop(place.directory)
    assert not process.running(second, traffic.MODULE)
    assert (place.directory / "traffic.log").read_text("utf-8").startswith("sent "), "the first ones said goodbye"


# -- the queue ------------------------------------------------------------------------------------------------------


def test_invoices_are_booked_and_malformed_ones_end_in_the_dead_letter_queue(place: Place) -> None:
    queues = place.clients("sqs")
    url, dead = (queues.get_queue_url(QueueName=name)["QueueUrl"] for name in ("invoices", "invoices-dlq"))
    good = [f'{{"number": "i-{number}", "amount_cents": 100}}' for number in range(8)]
    torn = ['{"number": "torn-1"', '{"number": "torn-2"']
    for body in (*good, *torn):
        queues.send_message(QueueUrl=url, MessageBody=body)

    def sizes(queue: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    left = leftovers.invoices()  # from before
    until(lambda: (sizes(url), sizes(dead)) == (0, len(left) + 2), within=60)
    received = queues.receive_message(QueueUrl=dead, MaxNumberOfMessages=10)["Messages"]
    assert sorted(message["Body"] for message in received) == sorted((*left, *torn))
    assert place.state_of("invoices-errors") != "ALARM", "a malformed invoice is reported, it is no error"


# -- alarms ---------------------------------------------------------------------------------------------------------


def test_a_good_build_trips_nothing_and_a_broken_one_is_noticed_at_a_tenth(place: Place) -> None:
    good, broken = place.publish("good"), place.publish("broken")
    traffic.start(place.variables, place.directory, 20)
    place.point("1", {good: 0.5})
    until(lambda: place.state_of("orders-errors") == "OK", within=20)
    place.point(good)
    watched = time.monotonic()
    while time.monotonic() - watched < 12:  # a whole period and then some
        assert place.state_of("orders-errors") == "OK"
        time.sleep(0.5)

    place.point(good, {broken: 0.1})
    until(lambda: place.state_of("orders-errors") == "ALARM", within=30)
    until(lambda: place.state_of("orders-health") == "ALARM", within=5)
    place.point(good)
    until(lambda: place.state_of("orders-health") == "OK", within=40)


def test_a_slow_build_is_noticed_by_its_latency_and_not_by_its_errors(place: Place) -> None:
    slow = place.publish("slow")
    traffic.start(place.variables, place.directory, 20)
    until(lambda: place.state_of("orders-latency") == "OK", within=20)
    place.point(slow)
    until(lambda: place.state_of("orders-latency") == "ALARM", within=50)
    assert place.state_of("orders-health") == "ALARM"
    assert place.state_of("orders-errors") == "OK"
