"""Failure paths: every page is read, and AWS's ways to say "none" are told from numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY, Stubber

from lambdaops.aws.failures import AwsFailurePaths
from lambdaops.core.dlq.paths import AliasVersions, AsyncSettings, AsyncTraffic, Mapped, Published
from lambdaops.core.errors import AccessDeniedError, NotFoundError, UnreachableError

if TYPE_CHECKING:
    from lambdaops.aws.session import Session
    from tests.sim.clock import SimClock

FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:orders"
DLQ = "arn:aws:sqs:eu-central-1:111122223333:orders-dlq"
OTHER = "arn:aws:sqs:eu-central-1:111122223333:orders-failed"
ABROAD = "arn:aws:sqs:us-east-1:111122223333:orders-dlq"
ID = "d665005a-433f-4752-a1f5-f9a28461dbe"
FIRST = {"FunctionName": "orders", "MaxItems": 50}
SECOND = {**FIRST, "Marker": "m"}


@pytest.fixture
def paths(session: Session, clock: SimClock) -> AwsFailurePaths:
    return AwsFailurePaths(session, clock)


def test_versions_and_their_dead_letter_queues(paths: AwsFailurePaths, calls: Stubber) -> None:
    ten = {"Version": "10", "DeadLetterConfig": {"TargetArn": DLQ}}
    calls.add_response(
        "list_versions_by_function", {"Versions": [{"Version": "$LATEST"}, ten], "NextMarker": "m"}, FIRST
    )
    calls.add_response("list_versions_by_function", {"Versions": [{"Version": "9", "DeadLetterConfig": {}}]}, SECOND)
    assert paths.published("orders") == (Published("$LATEST"), Published("9"), Published("10", DLQ))


def test_aliases_and_the_versions_they_send_traffic_to(paths: AwsFailurePaths, calls: Stubber) -> None:
    split = {
        "AliasArn": f"{FUNCTION}:live",
        "FunctionVersion": "9",
        "RevisionId": "r",
        "RoutingConfig": {"AdditionalVersionWeights": {"10": 0.1}},
    }
    plain = {"AliasArn": f"{FUNCTION}:beta", "FunctionVersion": "$LATEST", "RevisionId": "r"}
    calls.add_response("list_aliases", {"Aliases": [split], "NextMarker": "m"}, FIRST)
    calls.add_response("list_aliases", {"Aliases": [plain]}, SECOND)
    assert paths.aliases("orders") == (AliasVersions("beta", ("$LATEST",)), AliasVersions("live", ("9", "10")))


def test_settings_of_function_version_and_alias(paths: AwsFailurePaths, calls: Stubber) -> None:
    alias = {
        "FunctionArn": f"{FUNCTION}:live",
        "MaximumRetryAttempts": 0,
        "MaximumEventAgeInSeconds": 60,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": DLQ}},
    }
    own = {"FunctionArn": f"{FUNCTION}:$LATEST", "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}}}
    calls.add_response(
        "list_function_event_invoke_configs", {"FunctionEventInvokeConfigs": [alias], "NextMarker": "m"}, FIRST
    )
    calls.add_response("list_function_event_invoke_configs", {"FunctionEventInvokeConfigs": [own]}, SECOND)
    assert paths.settings("orders") == (
        AsyncSettings("$LATEST", "", 2, timedelta(hours=6)),
        AsyncSettings("live", DLQ, 0, timedelta(minutes=1)),
    )


def test_event_sources(paths: AwsFailurePaths, calls: Stubber) -> None:
    queue = {"UUID": ID + "1", "EventSourceArn": OTHER, "FunctionArn": f"{FUNCTION}:live", "State": "Enabled"}
    for_ever = {
        "UUID": ID + "2",
        "EventSourceArn": "arn:aws:kinesis:eu-central-1:111122223333:stream/clicks",
        "FunctionArn": FUNCTION,
        "State": "Disabled",
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": -1,
        "DestinationConfig": {"OnFailure": {}},
    }
    limited = {
        **for_ever,
        "UUID": ID + "3",
        "MaximumRetryAttempts": 0,
        "MaximumRecordAgeInSeconds": 3600,
        "BisectBatchOnFunctionError": True,
        "DestinationConfig": {"OnFailure": {"Destination": DLQ}},
    }
    kafka = {
        "UUID": ID + "4",
        "FunctionArn": FUNCTION,
        "SelfManagedEventSource": {"Endpoints": {"KAFKA": ["a:1", "b:1"]}},
    }
    calls.add_response(
        "list_event_source_mappings", {"EventSourceMappings": [limited, queue], "NextMarker": "m"}, FIRST
    )
    calls.add_response("list_event_source_mappings", {"EventSourceMappings": [for_ever, kafka]}, SECOND)
    stream = for_ever["EventSourceArn"]
    assert paths.mapped("orders", ["live"]) == (
        Mapped(ID + "4", "a:1,b:1"),
        Mapped(ID + "2", str(stream), "", enabled=False),
        Mapped(ID + "3", str(stream), "", False, DLQ, 0, timedelta(hours=1), bisects=True),
        Mapped(ID + "1", OTHER, "live"),
    )


def test_where_no_mapping_of_an_alias_is_listed_each_alias_is_asked_for(paths: AwsFailurePaths, calls: Stubber) -> None:
    own = {"UUID": ID + "1", "FunctionArn": FUNCTION, "EventSourceArn": OTHER, "State": "Enabled"}
    hidden = {"UUID": ID + "2", "FunctionArn": f"{FUNCTION}:live", "EventSourceArn": OTHER, "State": "Enabled"}
    for name, answer in (("orders", [own]), ("orders:live", [own, hidden]), ("orders:beta", [])):
        calls.add_response(
            "list_event_source_mappings", {"EventSourceMappings": answer}, {"FunctionName": name, "MaxItems": 50}
        )
    assert paths.mapped("orders", ["live", "beta"]) == (Mapped(ID + "1", OTHER), Mapped(ID + "2", OTHER, "live"))


def test_a_function_that_is_not_there(paths: AwsFailurePaths, calls: Stubber) -> None:
    calls.add_client_error("list_versions_by_function", "ResourceNotFoundException", "Function not found: orders", 404)
    with pytest.raises(NotFoundError, match="could not list the versions of orders"):
        paths.published("orders")


def result(name: str, *values: float, status: str = "Complete") -> dict[str, Any]:
    return {"Id": name, "StatusCode": status, "Values": list(values), "Timestamps": []}


def test_the_newest_age_of_each_queue_of_the_region(
    paths: AwsFailurePaths, alarm_calls: Stubber, clock: SimClock
) -> None:
    query = {
        "Id": "q0",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/SQS",
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [{"Name": "QueueName", "Value": "orders-dlq"}],
            },
            "Period": 60,
            "Stat": "Maximum",
        },
        "ReturnData": True,
    }
    asked = {
        "MetricDataQueries": [query, ANY],
        "StartTime": clock.now() - timedelta(minutes=15),
        "EndTime": clock.now() + timedelta(minutes=1),
        "ScanBy": "TimestampDescending",
    }
    first = {"MetricDataResults": [result("q0", 90.0, 30.0), result("q1")], "NextToken": "t"}
    second = {"MetricDataResults": [result("q0", 1.0)]}
    alarm_calls.add_response("get_metric_data", first, asked)
    alarm_calls.add_response("get_metric_data", second, {**asked, "NextToken": "t"})
    assert paths.oldest([DLQ, DLQ, ABROAD, OTHER]) == {DLQ: timedelta(seconds=90)}


def test_nothing_is_asked_about_no_queue(paths: AwsFailurePaths, alarm_calls: Stubber) -> None:
    assert paths.oldest([ABROAD]) == {}


@pytest.mark.parametrize(("status", "cls"), [("Forbidden", AccessDeniedError), ("InternalError", UnreachableError)])
def test_an_age_that_cloudwatch_does_not_tell(
    paths: AwsFailurePaths, alarm_calls: Stubber, status: str, cls: type[Exception]
) -> None:
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": [result("q0", status=status)]})
    with pytest.raises(cls, match="could not read how old messages are"):
        paths.oldest([DLQ])


def test_what_lambda_counted_of_asynchronous_events(
    paths: AwsFailurePaths, alarm_calls: Stubber, clock: SimClock
) -> None:
    names = ("received", "dropped", "dead_letter_errors", "destination_errors")
    metrics = ("AsyncEventsReceived", "AsyncEventsDropped", "DeadLetterErrors", "DestinationDeliveryFailures")
    asked = {
        "MetricDataQueries": [
            {
                "Id": name,
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Lambda",
                        "MetricName": metric,
                        "Dimensions": [{"Name": "FunctionName", "Value": "orders"}],
                    },
                    "Period": 86400,
                    "Stat": "Sum",
                },
                "ReturnData": True,
            }
            for name, metric in zip(names, metrics, strict=True)
        ],
        "StartTime": clock.now() - timedelta(days=7),
        "EndTime": clock.now() + timedelta(minutes=1),
        "ScanBy": "TimestampDescending",
    }
    answer = {"MetricDataResults": [result("received", 5.0, 7.0), result("dropped"), result("destination_errors", 2.0)]}
    alarm_calls.add_response("get_metric_data", answer, asked)
    assert paths.traffic("orders", timedelta(days=7)) == AsyncTraffic(12, 0, 0, 2)
