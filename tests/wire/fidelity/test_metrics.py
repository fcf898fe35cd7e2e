"""corrections/metrics: AWS/Lambda on exactly the three dimension sets of the Lambda developer guide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.conftest import FAILING, until, zipped

if TYPE_CHECKING:
    from tests.wire.conftest import Function


def total(function: Function, metric: str, **dimensions: str) -> float:
    """The sum of a metric on exactly these dimensions."""
    now = datetime.now(UTC)
    answer = function.clients("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in answer["Datapoints"]))


def sets(function: Function, metric: str) -> list[set[str]]:
    listed = function.clients("cloudwatch").list_metrics(
        Namespace="AWS/Lambda", MetricName=metric, Dimensions=[{"Name": "FunctionName", "Value": function.name}]
    )
    return [{dimension["Name"] for dimension in found["Dimensions"]} for found in listed["Metrics"]]


def test_an_invocation_through_an_alias_counts_on_three_sets(function: Function) -> None:
    function.point(function.publish(FAILING))
    for _ in range(3):
        function.clients("lambda").invoke(FunctionName=function.name, Qualifier="live")
    name, target = function.name, function.target
    for metric in ("Invocations", "Errors"):
        assert total(function, metric, FunctionName=name) == 3
        assert total(function, metric, FunctionName=name, Resource=target) == 3
        assert total(function, metric, FunctionName=name, Resource=target, ExecutedVersion="3") == 3
        assert sorted(map(len, sets(function, metric))) == [1, 2, 3]
    assert total(function, "Throttles", FunctionName=name) == 0
    assert total(function, "Duration", FunctionName=name) > 0


def test_an_invocation_by_number_has_no_executed_version(function: Function) -> None:
    """ "ExecutedVersion ... applies to alias invocations only": smoke tests by number stay out of the comparison."""
    function.clients("lambda").invoke(FunctionName=function.name, Qualifier="2")
    assert sorted(map(len, sets(function, "Invocations"))) == [1, 2]


def test_success_publishes_errors_of_zero(function: Function) -> None:
    function.clients("lambda").invoke(FunctionName=function.name, Qualifier="live")
    assert sorted(map(len, sets(function, "Errors"))) == [1, 2, 3]
    assert total(function, "Errors", FunctionName=function.name) == 0


def test_a_throttled_request_is_neither_an_invocation_nor_an_error(function: Function) -> None:
    functions = function.clients("lambda")
    functions.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="Rate"):
        functions.invoke(FunctionName=function.name, Qualifier="live")
    assert total(function, "Throttles", FunctionName=function.name, Resource=function.target) == 1
    assert total(function, "Invocations", FunctionName=function.name) == 0
    assert total(function, "Errors", FunctionName=function.name) == 0


def queue_for(function: Function, **mapping: Any) -> str:
    """A queue whose messages a function of the test's own gets; its URL."""
    queues = function.clients("sqs")
    url: str = queues.create_queue(QueueName=function.name, Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    function.clients("lambda").create_event_source_mapping(EventSourceArn=arn, **mapping)
    return url


def test_a_queue_s_batches_count_too(function: Function) -> None:
    function.point("1", {function.publish(FAILING): 1.0})
    url = queue_for(function, FunctionName=function.target, BatchSize=10)
    function.clients("sqs").send_message(QueueUrl=url, MessageBody="x")
    resource = {"FunctionName": function.name, "Resource": function.target}
    for where in ({**resource, "ExecutedVersion": "3"}, resource, {"FunctionName": function.name}):
        until(lambda where=where: total(function, "Errors", **where) == 1)  # type: ignore[misc]
        assert total(function, "Invocations", **where) == 1
    assert total(function, "Invocations", **resource, ExecutedVersion="1") == 0


def test_every_retry_of_an_asynchronous_invocation_counts(function: Function) -> None:
    function.point(function.publish(FAILING))
    functions = function.clients("lambda")
    functions.put_function_event_invoke_config(FunctionName=function.name, MaximumRetryAttempts=1)
    functions.invoke(FunctionName=function.name, Qualifier="live", InvocationType="Event", Payload=b"{}")
    until(lambda: total(function, "Errors", FunctionName=function.name, Resource=function.target) >= 2)
    assert total(function, "Invocations", FunctionName=function.name) == total(
        function, "Errors", FunctionName=function.name
    )


def test_a_version_and_the_function_itself_are_resources_of_their_own(function: Function) -> None:
    functions, name = function.clients("lambda"), function.name
    functions.invoke(FunctionName=name)
    for _ in range(2):
        functions.invoke(FunctionName=name, Qualifier="2")
    for _ in range(4):
        functions.invoke(FunctionName=name, Qualifier="live")
    assert total(function, "Invocations", FunctionName=name) == 7
    assert total(function, "Invocations", FunctionName=name, Resource=name) == 1
    assert total(function, "Invocations", FunctionName=name, Resource=f"{name}:2") == 2
    assert total(function, "Invocations", FunctionName=name, Resource=f"{name}:live") == 4


def counted(function: Function, stat: str) -> list[float]:
    """The values of a statistic of Duration in one wide period."""
    now = datetime.now(UTC)
    metric = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Duration",
        "Dimensions": [{"Name": "FunctionName", "Value": function.name}],
    }
    answer = function.clients("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": stat}}],
        StartTime=now - timedelta(hours=2),
        EndTime=now + timedelta(hours=2),
    )
    (result,) = answer["MetricDataResults"]
    return [round(value, 3) for value in result["Values"]]


@pytest.mark.parametrize(
    ("stat", "part"),
    [("TC(0:)", 1), ("TC(:0)", 0), ("TC(60000:)", 0), ("TC(:60000)", 1), ("tc(0:60000)", 1)],
)
def test_a_trimmed_count_is_the_number_of_values_between_its_bounds(function: Function, stat: str, part: int) -> None:
    """ "TC(0.005:0.030)" counts the values above 0.005 and at most 0.030: CloudWatch, Statistics definitions."""
    for _ in range(3):
        function.clients("lambda").invoke(FunctionName=function.name, Qualifier="live")
    assert sum(counted(function, stat)) == 3 * part
    rank = stat.upper().replace("TC", "PR")
    assert set(counted(function, rank)) == {100.0 * part}


SLOW_TO_START = zipped("import time\ntime.sleep(1.5)\n\ndef handler(event, context):\n    time.sleep(0.2)\n")


def test_a_cold_start_is_no_duration(function: Function) -> None:
    """ "the amount of time that your function code spends processing an event": the start of Python is none of it."""
    function.point(function.publish(SLOW_TO_START))
    function.clients("lambda").invoke(FunctionName=function.name, Qualifier="live")
    assert 200 <= total(function, "Duration", FunctionName=function.name) < 1_500
    function.clients("lambda").invoke(FunctionName=function.name, Qualifier="live")
    assert 400 <= total(function, "Duration", FunctionName=function.name) < 1_700
