"""CloudWatch alarms, both kinds.

Rules this file guarantees: both kinds are asked for explicitly (omitting AlarmTypes returns metric alarms only); an
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

    from mypy_boto3_cloudwatch.literals import AlarmTypeType


ALARM_TYPES: list[AlarmTypeType] = ["MetricAlarm", "CompositeAlarm"]
"""Both kinds: without AlarmTypes, DescribeAlarms returns metric alarms only."""
_NAMES_PER_CALL = 100
"""DescribeAlarms takes at most 100 AlarmNames (CloudWatch API reference)."""


@dataclass(frozen=True)
class CloudWatchAlarms:
    """Implements ports.Alarms."""

    session: Session

    def read_alarms(self, names: Sequence[str]) -> tuple[AlarmReading, ...]:
        """The alarms of these names that exist."""
        unique = list(dict.fromkeys(names))
        chunks = (unique[at : at + _NAMES_PER_CALL] for at in range(0, len(unique), _NAMES_PER_CALL))
        with translating("read the alarms"):
            return tuple(reading for chunk in chunks for reading in self._read(chunk))

    def _read(self, names: list[str]) -> Iterator[AlarmReading]:
        request: dict[str, Any] = {
            "AlarmNames": names,
            "AlarmTypes": ALARM_TYPES,
            "MaxRecords": _NAMES_PER_CALL,
        }
        while True:
            answer = self.session.alarms().describe_alarms(**request)
            yield from (_reading(item, AlarmKind.METRIC) for item in answer.get("MetricAlarms", []))
            yield from (_reading(item, AlarmKind.COMPOSITE) for item in answer.get("CompositeAlarms", []))
            if not answer.get("NextToken"):
                return
            request["NextToken"] = answer["NextToken"]


def _reading(item: Mapping[str, Any], kind: AlarmKind) -> AlarmReading:
    changed_at = item.get("StateTransitionedTimestamp") or item.get("StateUpdatedTimestamp")
    return AlarmReading(item["AlarmName"], kind, AlarmState(item["StateValue"]), changed_at)
