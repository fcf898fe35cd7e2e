"""``dlq list`` against the sandbox: what it finds, and that it only looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.wire.conftest import FAILING, until
from tests.wire.fidelity.test_queues import arn, make, source_of
from tests.wire.test_iam import granted

if TYPE_CHECKING:
    from tests.wire.conftest import Function, Shell
    from tests.wire.proxy import Wire


def test_every_path_of_a_function(function: Function, shell: Shell, wire: Wire) -> None:
    client, sqs = function.clients("lambda"), function.clients("sqs")
    failed, dead = make(sqs), make(sqs)
    source = source_of(sqs, dead, receives=2)
    function.point(function.publish(FAILING))
    mapping = client.create_event_source_mapping(EventSourceArn=arn(sqs, source), FunctionName=function.target)["UUID"]
    try:
        lost = shell("dlq", "list", function.target, "--output", "json")
        client.invoke(FunctionName=function.target, InvocationType="Event", Payload=b"{}")
        ran = shell("dlq", "list", function.target, "--fail-on-lost", "--output", "json")
        assert (lost.code, ran.code) == (0, 6)
        (asynchronous, queue) = ran.data["paths"]
        assert "fails 3 times" in asynchronous["lost"]
        assert (queue["means"], queue["to"], queue["lost"]) == ("redrive policy", arn(sqs, dead), "")
        client.put_function_event_invoke_config(
            FunctionName=function.name,
            Qualifier="live",
            MaximumRetryAttempts=0,
            DestinationConfig={"OnFailure": {"Destination": arn(sqs, failed)}},
        )
        client.invoke(FunctionName=function.target, InvocationType="Event", Payload=b"{}")
        until(lambda: waiting(sqs, failed) == 1)
        wire.calls.clear()
        ran = shell("dlq", "list", function.name, "--fail-on-lost", "--output", "json")
        assert ran.code == 0, ran.err
        assert set(wire.calls) == granted("dlq list")
        found = {(path["means"], path["to"]): path for path in ran.data["paths"]}
        depth = found["destination", arn(sqs, failed)]["depth"]
        assert (depth["messages"], depth["oldest"] < 60_000) == (1, True)
        assert waiting(sqs, failed) == 1
        text = shell("dlq", "list", function.name)
        assert f"next: lambdaops dlq inspect {failed.rpartition('/')[2]} shows what is there" in text.out
    finally:
        client.delete_event_source_mapping(UUID=mapping)


def waiting(sqs: Any, url: str) -> int:
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(asked["Attributes"]["ApproximateNumberOfMessages"])
