"""CloudWatch alarms, of every kind that the installed boto3 knows.

Rules this file guarantees: all kinds are asked for explicitly (omitting AlarmTypes returns metric alarms only); an
empty list of names never reaches AWS, where it means every alarm of the account; a hundred names are one call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.core.model import AlarmKind, AlarmReading, AlarmState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mypy_boto3_cloudwatch import CloudWatchClient


_NAMES_PER_CALL = 100
"""DescribeAlarms takes at most 100 AlarmNames (CloudWatch API reference)."""
_ALARMS_PER_PAGE = 100
_KINDS = {
    "MetricAlarm": AlarmKind.METRIC,
    "CompositeAlarm": AlarmKind.COMPOSITE,
    # On the results of a scheduled CloudWatch Logs query (botocore's model of DescribeAlarms).
    "LogAlarm": AlarmKind.LOG,
}
_YOUNGEST = "LogAlarm"


@dataclass(frozen=True)
class CloudWatchAlarms:
    """Implements ports.Alarms."""

    session: Session

    def read_alarms(self, names: Sequence[str]) -> tuple[AlarmReading, ...]:
        """The alarms of these names that exist."""
        unique = list(dict.fromkeys(names))
        chunks = (unique[at : at + _NAMES_PER_CALL] for at in range(0, len(unique), _NAMES_PER_CALL))
        with translating("read the alarms"):
            return tuple(
                _reading(item, kind)
                for chunk in chunks
                for item, kind in described(self.session.alarms(), {"AlarmNames": chunk})
            )


def described(client: CloudWatchClient, chosen: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], AlarmKind]]:
    """Every alarm that DescribeAlarms gives for these parameters, of every kind, page by page."""
    output = client.meta.service_model.operation_model("DescribeAlarms").output_shape
    kinds = [name for name in _KINDS if output is not None and f"{name}s" in output.members]
    request: dict[str, Any] = {**chosen, "AlarmTypes": kinds, "MaxRecords": _ALARMS_PER_PAGE}
    while True:
        answer = _describe(client, request)
        yield from ((item, _KINDS[name]) for name in kinds for item in answer.get(f"{name}s", []))
        if not answer.get("NextToken"):
            return
        request["NextToken"] = answer["NextToken"]


def _describe(client: CloudWatchClient, request: dict[str, Any]) -> Mapping[str, Any]:
    """One page; a region whose CloudWatch is older than boto3 may refuse a kind, and then has no alarm of it."""
    from botocore.exceptions import ClientError

    try:
        return client.describe_alarms(**request)
    except ClientError as error:
        if _YOUNGEST not in request["AlarmTypes"] or _YOUNGEST not in str(error):
            raise
        request["AlarmTypes"] = [name for name in request["AlarmTypes"] if name != _YOUNGEST]
        return client.describe_alarms(**request)


def _reading(item: Mapping[str, Any], kind: AlarmKind) -> AlarmReading:
    changed_at = item.get("StateTransitionedTimestamp") or item.get("StateUpdatedTimestamp")
    evaluation = item.get("EvaluationState", "")
    return AlarmReading(item["AlarmName"], kind, AlarmState(item["StateValue"]), changed_at, evaluation)
