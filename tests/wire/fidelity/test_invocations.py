"""corrections/invocations: an alias sends each request to a version by chance, in proportion to its weights."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.wire.conftest import FAILING, answering, until, zipped
from tests.wire.fidelity.test_metrics import queue_for, total

if TYPE_CHECKING:
    from tests.wire.conftest import Function


def test_a_split_is_honoured_and_the_executed_version_is_the_one_that_ran(function: Function) -> None:
    function.point("1", {"2": 0.3})

    def invoke(_: int) -> str:
        answer = function.clients("lambda").invoke(FunctionName=function.name, Qualifier="live", Payload=b"{}")
        assert json.loads(answer["Payload"].read()) == {"1": "one", "2": "two"}[answer["ExecutedVersion"]]
        return str(answer["ExecutedVersion"])

    with ThreadPoolExecutor(4) as several:
        ran = Counter(several.map(invoke, range(200)))
    # Six standard deviations of a binomial around 60: once in a billion runs by chance.
    assert 21 <= ran["2"] <= 99


def test_without_weights_the_primary_runs(function: Function) -> None:
    function.point("2")
    for _ in range(10):
        answer = function.clients("lambda").invoke(FunctionName=function.name, Qualifier="live")
        assert answer["ExecutedVersion"] == "2"


def test_an_event_source_mapping_on_the_alias_runs_the_aliased_version(function: Function) -> None:
    bad = function.publish(FAILING)
    good = function.publish(zipped("def handler(event, context):\n    return None\n"))
    function.point(bad, {good: 1.0})
    queues = function.clients("sqs")
    url = queues.create_queue(QueueName=function.name, Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    function.clients("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName=function.target)
    queues.send_message(QueueUrl=url, MessageBody="x")

    def empty() -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return all(int(found[name]) == 0 for name in names)

    until(empty)


def test_a_version_can_still_be_called_by_number(function: Function) -> None:
    assert function.publish(answering("three")) == "3"
    answer = function.clients("lambda").invoke(FunctionName=function.name, Qualifier="3")
    assert (answer["ExecutedVersion"], answer["Payload"].read()) == ("3", b'"three"')


def test_asynchronous_invocations_are_split_too(function: Function) -> None:
    function.point("1", {"2": 0.5})
    for _ in range(40):
        function.clients("lambda").invoke(
            FunctionName=function.name, Qualifier="live", InvocationType="Event", Payload=b"{}"
        )
    where = {"FunctionName": function.name, "Resource": function.target}

    def ran(version: str) -> float:
        return total(function, "Invocations", **where, ExecutedVersion=version)

    until(lambda: ran("1") + ran("2") == 40)
    assert 1 <= ran("2") <= 39  # one in a trillion runs by chance


def test_a_queue_s_batches_are_split_too(function: Function) -> None:
    function.point("1", {"2": 0.5})
    url = queue_for(function, FunctionName=function.target, BatchSize=1)
    for _ in range(3):
        entries = [{"Id": str(number), "MessageBody": "x"} for number in range(10)]
        function.clients("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    where = {"FunctionName": function.name, "Resource": function.target}

    def ran(version: str) -> float:
        return total(function, "Invocations", **where, ExecutedVersion=version)

    until(lambda: ran("1") + ran("2") == 30)
    assert 1 <= ran("2") <= 29  # one in a billion runs by chance


def test_the_code_sees_the_alias_it_was_called_through(function: Function) -> None:
    version = function.publish(
        zipped("def handler(event, context):\n    return [context.invoked_function_arn, context.function_version]\n")
    )
    function.point("1", {version: 1.0})
    answer = function.clients("lambda").invoke(FunctionName=function.name, Qualifier="live")
    assert json.loads(answer["Payload"].read()) == [f"{function.arn}:live", version]
    answer = function.clients("lambda").invoke(FunctionName=function.name, Qualifier=version)
    assert json.loads(answer["Payload"].read()) == [f"{function.arn}:{version}", version]


def test_reserved_concurrency_stops_an_alias_too(function: Function) -> None:
    functions = function.clients("lambda")
    functions.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    with pytest.raises(functions.exceptions.TooManyRequestsException) as caught:
        functions.invoke(FunctionName=function.name, Qualifier="live")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert caught.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"  # as recorded on AWS
    functions.delete_function_concurrency(FunctionName=function.name)
    assert functions.invoke(FunctionName=function.name, Qualifier="live")["ExecutedVersion"] == "1"
