"""Channels for real: a topic and a bus with queues behind them, and a webhook; told by the commands themselves."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.notify.server import Answer, serving
from tests.notify.server import Server as WebhookServer
from tests.wire.conftest import Clients
from tests.wire.test_iam import granted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.conftest import Shell
    from tests.wire.proxy import Wire

_numbers = itertools.count(1)
NOTIFY = ("notify has an sns channel", "notify has an eventbridge channel")
ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Place:
    """A topic, a bus, the queues behind them, a webhook, and the file that names all three."""

    clients: Clients
    topic: str
    bus: str
    from_topic: str
    from_bus: str
    hook: WebhookServer
    path: Path

    def write(self, text: str) -> None:
        self.path.write_text(text, "utf-8")

    def received(self, queue: str, count: int, within: float = 10.0) -> list[dict[str, Any]]:
        """The bodies of as many messages as are waited for."""
        found: list[dict[str, Any]] = []
        ends = time.monotonic() + within
        while len(found) < count and time.monotonic() < ends:
            answer = self.clients("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                found.append(json.loads(message["Body"]))
                self.clients("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found


def file(place: Place | None = None, topic: str = "", bus: str = "", on: str = "") -> str:
    topic, bus = (place.topic, place.bus) if place else (topic, bus)
    said = f", on: [{on}]" if on else ""
    return (
        "version: 1\ndefaults: {alias: live, strategy: '50%:1s,100%:1s', look-every: 1s}\nnotify:\n"
        f"  - {{slack: {{url-from-env: HOOK}}{said}}}\n"
        f'  - {{sns: {{topic: "{topic}"}}{said}}}\n'
        f"  - {{eventbridge: {{bus: {bus}}}{said}}}\n"
    )


@pytest.fixture
def place(clients: Clients, shell: Shell, tmp_path: Path) -> Iterator[Place]:
    name = f"told{next(_numbers)}"
    sqs, sns, events = clients("sqs"), clients("sns"), clients("events")
    queues = [sqs.create_queue(QueueName=f"{name}-{kind}")["QueueUrl"] for kind in ("topic", "bus")]
    arns = [f"arn:aws:sqs:eu-central-1:{ACCOUNT}:{name}-{kind}" for kind in ("topic", "bus")]
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arns[0], Attributes={"RawMessageDelivery": "true"})
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"source": ["lambdaops"]}))
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "queue", "Arn": arns[1]}])
    path = tmp_path / "lambdaops.yaml"
    path.write_text(file(topic=topic, bus=name), "utf-8")
    with serving() as hook:
        shell.variables |= {"LAMBDAOPS_CONFIG": str(path), "HOOK": hook.url}
        yield Place(clients, topic, name, queues[0], queues[1], hook, path)


def test_a_test_message_arrives_everywhere(place: Place, shell: Shell, wire: Wire) -> None:
    ran = shell("notify", "test", "--output", "json")
    assert (ran.code, ran.err) == (0, "")
    assert [channel["told"] for channel in ran.data["channels"]] == [True, True, True]
    (event,) = place.received(place.from_bus, 1)
    assert (event["source"], event["detail-type"]) == ("lambdaops", "lambdaops.release.test")
    (from_topic,) = place.received(place.from_topic, 1)
    assert from_topic == event["detail"]
    assert (from_topic["specversion"], from_topic["type"]) == ("1.0", "lambdaops.release.test")
    ((_, posted),) = place.hook.posts
    assert "test message" in posted["text"]
    assert set(wire.calls) == granted("notify test", *NOTIFY)


def test_what_is_not_there_is_named_and_the_rest_is_told(place: Place, shell: Shell) -> None:
    place.write(file(topic=place.topic + "x", bus="nobody"))
    ran = shell("notify", "test", "--output", "json", within=40)
    assert ran.code == 8
    slack, sns, _ = ran.data["channels"]
    assert slack == {"channel": "slack (HOOK)", "told": True, "problem": ""}
    assert "does not exist" in sns["problem"]
    assert place.hook.url not in ran.out + ran.err


def test_a_webhook_that_refuses(place: Place, shell: Shell) -> None:
    place.hook.answers[:] = [Answer(404, b"no_service")]
    ran = shell("notify", "test")
    assert ran.code == 8
    assert "slack (HOOK): it answered 404: no_service" in ran.err
    assert "sEcReT" not in ran.out + ran.err
    assert len(place.received(place.from_topic, 1)) == 1
