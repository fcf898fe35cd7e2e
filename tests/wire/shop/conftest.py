"""A shop for each file, on a server of its own: the files run side by side, and mostly wait for their customers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.sandbox import server as sandbox
from lambdaops.sandbox import shop, traffic
from lambdaops.sandbox.builds import FUNCTIONS, zip_build
from lambdaops.sandbox.server import Server
from tests.wire.conftest import Clients

if TYPE_CHECKING:
    from collections.abc import Iterator

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
