"""The shop: three functions with their alias, a queue with its dead-letter queue, a schedule, alarms, and old letters.

Rules this file guarantees: opening looks first and makes only what is missing, so opening an open shop changes nothing
(not the alias a release moved, not the state of an alarm) and opening one that was left half made completes it; nothing
of the caller's AWS settings (profile, proxy, configuration files) takes part.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambdaops.core.errors import SandboxUnavailableError
from lambdaops.sandbox.builds import FUNCTIONS, write_builds, zip_build
from lambdaops.sandbox.leftovers import leave

if TYPE_CHECKING:
    from collections.abc import Mapping

    import boto3.session
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

ALIAS = "live"
QUEUE, DEAD_LETTERS, FAILED_ORDERS = "invoices", "invoices-dlq", "orders-failed"
HEALTH = "orders-health"
_ACTIVE_SECONDS = 20.0
_RESET_SECONDS = 30
# As long as a function may run: a shorter one would hand a message to two invocations at once.
_TIMEOUT = 5
# AWS publishes Lambda's metrics once a minute; here alarms look at ten seconds, so that a demo fits into two minutes.
_PERIOD = 10
# Errors a period that are still normal. A broken build with a tenth of 20 orders a second fails seven times a period
# (a third of the orders are guests'); a good one never does. The report runs once a night: one failure is all there is.
_NORMAL_ERRORS = {"orders": 2, "invoices": 2, "nightly": 0}
_SLOW_MILLISECONDS = 800
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@dataclass(frozen=True, slots=True)
class Shop:
    """What there is to release."""

    functions: tuple[str, ...]
    alias: str
    alarms: tuple[str, ...]
    builds: Path


def open_shop(endpoint: str, variables: Mapping[str, str], directory: Path) -> Shop:
    """Make everything that is not there yet.

    Raises:
        SandboxUnavailableError: the server is gone, or refuses what the shop needs.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        alarms = _furnish(endpoint, variables)
    except (BotoCoreError, ClientError) as error:
        raise SandboxUnavailableError(
            f"the shop at {endpoint} cannot be opened: {error}", hint="lambdaops sandbox down, then up again."
        ) from error
    return Shop(FUNCTIONS, ALIAS, alarms, write_builds(directory / "builds"))


def reset(endpoint: str, variables: Mapping[str, str], directory: Path) -> Shop:
    """Throw everything away and open again.

    Raises:
        SandboxUnavailableError: the server is gone, or refuses what the shop needs.
    """
    request = urllib.request.Request(f"{endpoint}/_ministack/reset", method="POST")  # noqa: S310 -- loopback
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=_RESET_SECONDS):
            pass
    except OSError as error:  # urllib's errors are OSErrors
        raise SandboxUnavailableError(
            f"the shop at {endpoint} cannot be thrown away: {error}", hint="lambdaops sandbox down, then up again."
        ) from error
    return open_shop(endpoint, variables, directory)


def _furnish(endpoint: str, variables: Mapping[str, str]) -> tuple[str, ...]:
    from botocore.config import Config

    session = _session(variables)
    # The server is on this machine: no proxy belongs in between, and what does not answer at once is gone.
    direct = Config(proxies={}, retries={"total_max_attempts": 2}, connect_timeout=2)
    functions = session.client("lambda", endpoint_url=endpoint, config=direct)
    # Services without type stubs here.
    roles: Any = session.client("iam", endpoint_url=endpoint, config=direct)
    schedules: Any = session.client("events", endpoint_url=endpoint, config=direct)
    fresh = [name for name in FUNCTIONS if not _has_alias(functions, name)]
    # All are created before the first is waited for: each becomes Active in its own time.
    for name in fresh:
        _create(functions, name, _role(roles, name))
    for name in fresh:
        _put_live(functions, name)
    queues = session.client("sqs", endpoint_url=endpoint, config=direct)
    opening = not _exists(queues, FAILED_ORDERS)
    _queue(queues, functions)
    _failed_orders(queues, functions)
    if opening:
        alias = functions.get_alias(FunctionName="orders", Name=ALIAS)["AliasArn"]
        leave(queues, _url(queues, QUEUE), _url(queues, FAILED_ORDERS), alias)
    _schedule(schedules, functions)
    return _alarms(session.client("cloudwatch", endpoint_url=endpoint, config=direct))


def _session(variables: Mapping[str, str]) -> boto3.session.Session:
    import boto3.session
    import botocore.session

    # The caller's profile may not exist, or carry an endpoint, a role or a proxy: it is never looked at.
    nothing_of_theirs = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    return boto3.session.Session(
        botocore_session=botocore.session.Session(session_vars=nothing_of_theirs),
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
    )


# -- functions ------------------------------------------------------------------------------------------------------


def _has_alias(functions: LambdaClient, name: str) -> bool:
    try:
        functions.get_alias(FunctionName=name, Name=ALIAS)
    except functions.exceptions.ResourceNotFoundException:
        return False
    return True


def _role(roles: Any, name: str) -> str:  # noqa: ANN401
    role = f"shop-{name}"
    try:
        arn: str = roles.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]["Arn"]
    except roles.exceptions.EntityAlreadyExistsException:
        arn = roles.get_role(RoleName=role)["Role"]["Arn"]
    return arn


def _create(functions: LambdaClient, name: str, role: str) -> None:
    try:
        functions.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": zip_build(name, "v1")},
            Timeout=_TIMEOUT,
            MemorySize=128,
        )
    except functions.exceptions.ResourceConflictException:
        return  # somebody else was here, and left before the alias


def _put_live(functions: LambdaClient, name: str) -> None:
    """Publish and point the alias at the first version."""
    _wait_active(functions, name)
    found = functions.list_versions_by_function(FunctionName=name)["Versions"]
    published = sorted(int(version["Version"]) for version in found if version["Version"] != "$LATEST")
    if not published:
        published = [int(functions.publish_version(FunctionName=name, Description="opening day")["Version"])]
    functions.create_alias(FunctionName=name, Name=ALIAS, FunctionVersion=str(published[0]))


def _wait_active(functions: LambdaClient, name: str) -> None:
    deadline = time.monotonic() + _ACTIVE_SECONDS
    while time.monotonic() < deadline:
        config = functions.get_function(FunctionName=name)["Configuration"]
        if config["State"] == "Active" and config.get("LastUpdateStatus") != "InProgress":
            return
        time.sleep(0.05)
    raise SandboxUnavailableError(f"{name} did not become Active", hint="lambdaops sandbox down, then up again.")


# -- what calls them ------------------------------------------------------------------------------------------------


def _queue(queues: SQSClient, functions: LambdaClient) -> None:
    dead = _arn(queues, _ensure_queue(queues, DEAD_LETTERS, {}))
    attributes = {
        "VisibilityTimeout": str(_TIMEOUT),
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3}),
    }
    arn = _arn(queues, _ensure_queue(queues, QUEUE, attributes))
    if not functions.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]:
        functions.create_event_source_mapping(
            EventSourceArn=arn,
            FunctionName=f"invoices:{ALIAS}",
            BatchSize=5,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )


def _failed_orders(queues: SQSClient, functions: LambdaClient) -> None:
    """Orders that come asynchronously, by the alias, and fail twice."""
    url = _ensure_queue(queues, FAILED_ORDERS, {"MessageRetentionPeriod": str(14 * 24 * 60 * 60)})
    if not functions.list_function_event_invoke_configs(FunctionName="orders")["FunctionEventInvokeConfigs"]:
        functions.put_function_event_invoke_config(
            FunctionName="orders",
            Qualifier=ALIAS,
            MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": {"Destination": _arn(queues, url)}},
        )


def _exists(queues: SQSClient, name: str) -> bool:
    return any(url.endswith(f"/{name}") for url in queues.list_queues(QueueNamePrefix=name).get("QueueUrls", []))


def _url(queues: SQSClient, name: str) -> str:
    return queues.get_queue_url(QueueName=name)["QueueUrl"]


def _ensure_queue(queues: SQSClient, name: str, attributes: dict[str, str]) -> str:
    try:
        return queues.get_queue_url(QueueName=name)["QueueUrl"]
    except queues.exceptions.QueueDoesNotExist:
        return queues.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]


def _arn(queues: SQSClient, url: str) -> str:
    return queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def _schedule(schedules: Any, functions: LambdaClient) -> None:  # noqa: ANN401
    """At three in the night, as reports do: nobody will see it run, but it points at the alias."""
    if not schedules.list_rules(NamePrefix="nightly")["Rules"]:
        schedules.put_rule(Name="nightly", ScheduleExpression="cron(0 3 * * ? *)")
    if not schedules.list_targets_by_rule(Rule="nightly")["Targets"]:
        arn = functions.get_alias(FunctionName="nightly", Name=ALIAS)["AliasArn"]
        schedules.put_targets(Rule="nightly", Targets=[{"Id": "nightly", "Arn": arn}])


# -- alarms ---------------------------------------------------------------------------------------------------------


def _alarms(alarms: CloudWatchClient) -> tuple[str, ...]:
    wanted = {
        f"{function}-errors": _on_alias(function, MetricName="Errors", Statistic="Sum", Threshold=normal)
        for function, normal in _NORMAL_ERRORS.items()
    }
    # Two periods: the first customers of a version meet cold starts, and that alone is no reason to roll back.
    wanted["orders-latency"] = _on_alias(
        "orders", MetricName="Duration", ExtendedStatistic="p90", Threshold=_SLOW_MILLISECONDS, EvaluationPeriods=2
    )
    names = (*wanted, HEALTH)
    found = alarms.describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    there = {alarm["AlarmName"] for alarm in (*found["MetricAlarms"], *found["CompositeAlarms"])}
    for name, what in wanted.items():
        if name not in there:
            alarms.put_metric_alarm(AlarmName=name, **what)
    if HEALTH not in there:
        alarms.put_composite_alarm(AlarmName=HEALTH, AlarmRule='ALARM("orders-errors") OR ALARM("orders-latency")')
    return names


def _on_alias(function: str, **what: object) -> dict[str, Any]:
    return {
        "Namespace": "AWS/Lambda",
        "Dimensions": [
            {"Name": "FunctionName", "Value": function},
            {"Name": "Resource", "Value": f"{function}:{ALIAS}"},
        ],
        "Period": _PERIOD,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        **what,
    }
