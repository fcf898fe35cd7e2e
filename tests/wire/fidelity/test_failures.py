"""corrections/failures: what becomes of asynchronous events that fail. Shapes as AWS gave them
(test_lambda_destinations).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.conftest import FAILING, until, zipped
from tests.wire.fidelity.test_queues import arn, make, receive, refused

if TYPE_CHECKING:
    from tests.wire.conftest import Function

EVENT = b'{ "id": 1 ,  "raise_error": true }'


def dead_letter(function: Function, url: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def arrived() -> bool:
        found.extend(receive(function.clients("sqs"), url))
        return bool(found)

    until(arrived)
    return found[0]


def test_a_dead_letter_queue_gets_the_event_itself(function: Function) -> None:
    client, url = function.clients("lambda"), make(function.clients("sqs"))
    client.update_function_configuration(
        FunctionName=function.name, DeadLetterConfig={"TargetArn": arn(function.clients("sqs"), url)}
    )
    version = function.publish(FAILING)
    # It is frozen into the version: what is set later does not hold for it.
    client.update_function_configuration(FunctionName=function.name, DeadLetterConfig={"TargetArn": ""})
    function.settle()
    client.put_function_event_invoke_config(FunctionName=function.name, Qualifier=version, MaximumRetryAttempts=0)
    answer = client.invoke(FunctionName=function.name, Qualifier=version, InvocationType="Event", Payload=EVENT)
    assert answer["StatusCode"] == 202
    letter = dead_letter(function, url)
    assert letter["Body"] == EVENT.decode()
    assert letter["MessageAttributes"] == {
        "RequestID": {"DataType": "String", "StringValue": answer["ResponseMetadata"]["RequestId"]},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "no"},
    }
    assert letter["Attributes"]["AWSTraceHeader"].startswith("Root=1-")
    assert "DeadLetterQueueSourceArn" not in letter["Attributes"]


@pytest.mark.parametrize("retries", [0, 2])
def test_a_destination_gets_an_envelope(function: Function, retries: int) -> None:
    client, url = function.clients("lambda"), make(function.clients("sqs"))
    version = function.publish(FAILING)
    function.point(version)
    destination = {"OnFailure": {"Destination": arn(function.clients("sqs"), url)}}
    settings = {"MaximumRetryAttempts": retries, "DestinationConfig": destination}
    client.put_function_event_invoke_config(FunctionName=function.name, Qualifier="live", **settings)
    answer = client.invoke(FunctionName=function.target, InvocationType="Event", Payload=EVENT)
    envelope = json.loads(dead_letter(function, url)["Body"])
    request = answer["ResponseMetadata"]["RequestId"]
    assert envelope.pop("timestamp").endswith("Z")
    assert (
        envelope.pop("responsePayload").items()
        >= {"errorMessage": "no", "errorType": "ValueError", "requestId": request}.items()
    )
    assert envelope == {
        "version": "1.0",
        "requestContext": {
            "requestId": request,
            "functionArn": f"{function.arn}:live",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": retries + 1,
        },
        "requestPayload": json.loads(EVENT),
        "responseContext": {"statusCode": 200, "executedVersion": version, "functionError": "Unhandled"},
    }


def test_every_try_runs_under_the_request_id_that_the_caller_was_told(function: Function) -> None:
    url = make(function.clients("sqs"))
    body = "def handler(event, context):\n    raise ValueError(context.aws_request_id)\n"
    function.publish(zipped(body))
    client = function.clients("lambda")
    destination = {"OnFailure": {"Destination": arn(function.clients("sqs"), url)}}
    client.put_function_event_invoke_config(
        FunctionName=function.name, MaximumRetryAttempts=1, DestinationConfig=destination
    )
    answer = client.invoke(FunctionName=function.name, InvocationType="Event", Payload=b"{}")
    envelope = json.loads(dead_letter(function, url)["Body"])
    assert envelope["responsePayload"]["errorMessage"] == answer["ResponseMetadata"]["RequestId"]
    assert envelope["requestContext"]["functionArn"] == f"{function.arn}:$LATEST"
    assert envelope["requestContext"]["approximateInvokeCount"] == 2


def test_the_trace_of_the_request_goes_along(function: Function) -> None:
    url = make(function.clients("sqs"))
    function.publish(FAILING)
    client = function.clients("lambda")
    client.put_function_event_invoke_config(
        FunctionName=function.name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn(function.clients("sqs"), url)}},
    )
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793"

    def add(params: dict[str, Any], **_: object) -> None:
        params["headers"]["X-Amzn-Trace-Id"] = trace

    client.meta.events.register("before-call.lambda.Invoke", add)
    try:
        client.invoke(FunctionName=function.name, InvocationType="Event", Payload=b"{}")
    finally:
        client.meta.events.unregister("before-call.lambda.Invoke", add)
    assert dead_letter(function, url)["Attributes"]["AWSTraceHeader"] == trace


def test_an_event_that_lambda_takes_not(function: Function) -> None:
    client = function.clients("lambda")
    most = 1024 * 1024
    wanted: dict[str, Any] = {"FunctionName": function.name, "InvocationType": "Event"}
    assert client.invoke(**wanted, Payload=b'"' + b"x" * (most - 2) + b'"')["StatusCode"] == 202
    code, said = refused(client.invoke, **wanted, Payload=b'"' + b"x" * (most - 1) + b'"')
    assert (code, said) == (
        "RequestTooLargeException",
        "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
    )
    with pytest.raises(ClientError, match="InvalidRequestContentException"):
        client.invoke(**wanted, Payload=b"{bad")
