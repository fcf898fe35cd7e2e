"""corrections/invocations: an alias sends each request to a version by chance, in proportion to its weights."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from tests.wire.conftest import FAILING, answering, until, zipped

if TYPE_CHECKING:
    from tests.wire.conftest import Function


def test_a_split_is_honoured_and_the_executed_version_is_the_one_that_ran(function: Function) -> None:
    function.point("1", {"2": 0.3})
    ran: Counter[str] = Counter()
    for _ in range(200):
        answer = function.clients("lambda").invoke(FunctionName=function.name, Qualifier="live", Payload=b"{}")
        assert json.loads(answer["Payload"].read()) == {"1": "one", "2": "two"}[answer["ExecutedVersion"]]
        ran[answer["ExecutedVersion"]] += 1
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
