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
from tests.wire.conftest import Clients, until
from tests.wire.test_iam import granted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.conftest import Function, Shell
    from tests.wire.proxy import Wire

_numbers = itertools.count(1)
NOTIFY = ("notify has an sns channel", "notify has an eventbridge channel")
JSON = ("--output", "json")
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


def test_a_message_of_a_person_arrives_everywhere(place: Place, shell: Shell, wire: Wire) -> None:
    words = ("<!channel> payments are down", "--level", "urgent", "--target", "payments:live", "--id", "i-1")
    ran = shell("notify", "send", *words, *JSON)
    assert (ran.code, ran.err) == (0, "")
    assert [channel["told"] for channel in ran.data["channels"]] == [True, True, True]
    (event,) = place.received(place.from_bus, 1)
    assert (event["source"], event["detail-type"]) == ("lambdaops", "lambdaops.message.urgent")
    (from_topic,) = place.received(place.from_topic, 1)
    assert from_topic == event["detail"]
    assert (from_topic["id"], from_topic["subject"]) == ("i-1", "payments:live")
    assert from_topic["data"]["text"] == "<!channel> payments are down"
    ((_, posted),) = place.hook.posts
    assert "&lt;!channel&gt; payments are down" in posted["text"]
    assert "<!" not in json.dumps(posted)
    assert set(wire.calls) == granted("notify send", *NOTIFY)


def test_a_message_that_some_do_not_take(place: Place, shell: Shell) -> None:
    place.hook.answers[:] = [Answer(404, b"no_service")]
    ran = shell("notify", "send", "hello", *JSON)
    assert ran.code == 9
    assert [channel["told"] for channel in ran.data["channels"]] == [False, True, True]
    assert "sEcReT" not in ran.out + ran.err


# -- releases ------------------------------------------------------------------------------------------------------


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("lambdaops.release.") for event in events]


def test_a_release_and_its_rollback_are_told_everywhere(place: Place, shell: Shell, function: Function) -> None:
    alarm = function.alarm()
    function.wait_for(alarm, "OK")
    ran = shell("release", function.target, "--to", "2", "--alarm", alarm, "--yes", "--reason", "CHG-1", *JSON)
    assert ran.code == 0, ran.err
    assert "told" not in ran.err
    assert shell("rollback", function.target, "--reason", "checkout errors", "--ticket", "INC-7", *JSON).code == 0
    assert function.alias() == ("1", {})
    events = place.received(place.from_topic, 3)
    assert sorted(types(events)) == ["promoted", "rolled-back", "started"]
    by_type = dict(zip(types(events), events, strict=True))
    data = by_type["promoted"]["data"]
    assert (data["target"], data["stable"], data["candidate"]) == (function.target, "1", "2")
    assert (data["reason"], data["account"]) == ("CHG-1", ACCOUNT)
    back = by_type["rolled-back"]["data"]
    assert (back["reason"], back["ticket"], back["stable"]) == ("checkout errors", "INC-7", "1")
    assert len({event["id"] for event in events}) == 3
    on_bus = place.received(place.from_bus, 3)
    assert sorted(event["detail"]["id"] for event in on_bus) == sorted(event["id"] for event in events)
    assert [post["text"].partition(" ")[2].partition(":")[0] for _, post in place.hook.posts] == [
        "release started",
        "promoted",
        "rolled back",
    ]


def test_a_rollback_during_a_release_is_told_once(place: Place, shell: Shell, function: Function) -> None:
    driven = shell.start("release", function.target, "--to", "2", "--strategy", "50%:5m,100%:5m", "--yes", *JSON)
    until(lambda: function.alias() == ("1", {"2": 0.5}))
    assert shell("rollback", function.target, "--reason", "now", *JSON).code == 0
    driven.communicate(timeout=30)
    assert driven.returncode == 7
    events = place.received(place.from_topic, 3, within=3)
    assert types(events) == ["started", "rolled-back"]
    assert events[1]["data"]["reason"] == "now"


def test_channels_that_are_dead_slow_or_lie_change_nothing_of_a_release(
    place: Place, shell: Shell, function: Function
) -> None:
    place.write(file(topic=place.topic + "x", bus=place.bus))
    place.hook.answers[:] = [Answer(hangs=True)]
    words = ("release", function.target, "--to", "2", "--strategy", "all-at-once", "--bake", "1s", "--yes", *JSON)
    began = time.monotonic()
    ran = shell(*words)
    assert time.monotonic() - began < 12
    assert (ran.code, ran.data["outcome"]) == (0, "promoted")
    assert function.alias() == ("2", {})
    assert "not told that" in ran.err or "not told within" in ran.err
    assert "does not exist" in ran.err
    assert "sEcReT" not in ran.out + ran.err
    assert types([event["detail"] for event in place.received(place.from_bus, 2)]) == ["started", "promoted"]


def test_a_variable_that_is_not_set_is_said_before_the_release_begins(
    place: Place, shell: Shell, function: Function
) -> None:
    shell.variables["HOOK"] = ""
    ran = shell("release", function.target, "--to", "2", "--strategy", "all-at-once", "--bake", "1s", "--yes")
    assert ran.code == 0
    warned = ran.err.index("nobody will be told by slack (HOOK): the variable HOOK is not set")
    assert warned < ran.err.index("all-at-once")
    assert ran.err.count("HOOK is not set") == 1
    assert len(place.received(place.from_topic, 2)) == 2
