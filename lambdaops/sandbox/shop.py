"""The shop: three functions with their alias, a queue with its dead-letter queue, a schedule, and alarms.

Opening a shop that is open changes nothing.
"""

from __future__ import annotations

import json
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambdaops.core.errors import SandboxUnavailableError
from lambdaops.sandbox.builds import FUNCTIONS, write_builds, zip_build

if TYPE_CHECKING:
    from collections.abc import Mapping

ALIAS = "live"
_ROLE = "arn:aws:iam::{account}:role/{name}"
_ACTIVE_SECONDS = 20.0
# AWS publishes Lambda's metrics once a minute; here alarms look at ten seconds, so that a demo fits into two minutes.
_PERIOD = 10


@dataclass(frozen=True, slots=True)
class Shop:
    """What there is to release."""

    functions: tuple[str, ...]
    alias: str
    alarms: tuple[str, ...]
    builds: Path


def open_shop(endpoint: str, variables: Mapping[str, str], directory: Path) -> Shop:
    """Make everything that is not there yet."""
    import boto3

    session = boto3.session.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
    )

    def client(service: str) -> Any:  # noqa: ANN401 -- seven services
        return session.client(service, endpoint_url=endpoint)  # type: ignore[call-overload]

    functions = client("lambda")
    account = client("sts").get_caller_identity()["Account"]
    for name in FUNCTIONS:
        _function(functions, name, _ROLE.format(account=account, name=name))
    _queue(client("sqs"), functions)
    _schedule(client("events"), functions)
    alarms = _alarms(client("cloudwatch"))
    return Shop(FUNCTIONS, ALIAS, alarms, write_builds(directory / "builds"))


def reset(endpoint: str, variables: Mapping[str, str], directory: Path) -> Shop:
    """Throw everything away and open again."""
    request = urllib.request.Request(f"{endpoint}/_ministack/reset", method="POST")  # noqa: S310 -- loopback
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        return open_shop(endpoint, variables, directory)


def _function(functions: Any, name: str, role: str) -> None:  # noqa: ANN401
    try:
        functions.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": zip_build(name, "v1")},
            Timeout=5,
            MemorySize=128,
        )
    except functions.exceptions.ResourceConflictException:
        return
    _wait_active(functions, name)
    version = functions.publish_version(FunctionName=name, Description="opening day")["Version"]
    functions.create_alias(FunctionName=name, Name=ALIAS, FunctionVersion=version)


def _wait_active(functions: Any, name: str) -> None:  # noqa: ANN401
    deadline = time.monotonic() + _ACTIVE_SECONDS
    while time.monotonic() < deadline:
        config = functions.get_function(FunctionName=name)["Configuration"]
        if config["State"] == "Active" and config.get("LastUpdateStatus") != "InProgress":
            return
        time.sleep(0.1)
    raise SandboxUnavailableError(f"{name} did not become Active", hint="lambdaops sandbox down, then up again.")


def _queue(queues: Any, functions: Any) -> None:  # noqa: ANN401
    dead = queues.create_queue(QueueName="invoices-dlq")["QueueUrl"]
    dead_arn = queues.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": "3"})
    url = queues.create_queue(QueueName="invoices", Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
    queues.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    if not functions.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]:
        functions.create_event_source_mapping(
            EventSourceArn=arn,
            FunctionName=f"invoices:{ALIAS}",
            BatchSize=5,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )


def _schedule(events: Any, functions: Any) -> None:  # noqa: ANN401
    arn = functions.get_alias(FunctionName="nightly", Name=ALIAS)["AliasArn"]
    events.put_rule(Name="nightly", ScheduleExpression="cron(0 3 * * ? *)")
    events.put_targets(Rule="nightly", Targets=[{"Id": "nightly", "Arn": arn}])


def _alarms(alarms: Any) -> tuple[str, ...]:  # noqa: ANN401
    for function in FUNCTIONS:
        _alarm(alarms, f"{function}-errors", function, MetricName="Errors", Statistic="Sum", Threshold=2)
    # Two periods: the first customers of a version meet cold starts, and that alone is no reason to roll back.
    _alarm(alarms, "orders-latency", "orders", 2, MetricName="Duration", ExtendedStatistic="p90", Threshold=800)
    alarms.put_composite_alarm(AlarmName="orders-health", AlarmRule='ALARM("orders-errors") OR ALARM("orders-latency")')
    return (*(f"{function}-errors" for function in FUNCTIONS), "orders-latency", "orders-health")


def _alarm(alarms: Any, name: str, function: str, periods: int = 1, **what: object) -> None:  # noqa: ANN401
    alarms.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/Lambda",
        Dimensions=[
            {"Name": "FunctionName", "Value": function},
            {"Name": "Resource", "Value": f"{function}:{ALIAS}"},
        ],
        Period=_PERIOD,
        EvaluationPeriods=periods,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        **what,
    )
