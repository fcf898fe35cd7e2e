"""Where a function's failed events go: dead-letter queues, destinations, event source mappings, and how old they are.

Rules this file guarantees: every page is read; a limit that AWS calls -1 is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.functions import qualifier_of, source_of
from lambdaops.aws.listing import aliases, event_sources, listed
from lambdaops.aws.session import Session
from lambdaops.core.dlq.paths import AliasVersions, AsyncSettings, AsyncTraffic, Mapped, Published
from lambdaops.core.errors import AccessDeniedError, UnreachableError
from lambdaops.core.model import LATEST
from lambdaops.ports import Clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

_BATCH = 500
"""As many queries as one GetMetricData takes."""
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_COUNTED = {
    "received": "AsyncEventsReceived",
    "dropped": "AsyncEventsDropped",
    "dead_letter_errors": "DeadLetterErrors",
    "destination_errors": "DestinationDeliveryFailures",
}
"""Our names and Lambda's (Lambda guide, "Types of metrics")."""
_LOOK_BACK = timedelta(minutes=15)
"""SQS's metrics come by the minute, a few minutes late at worst; none for a queue that nobody used for hours."""
_REGION, _NAME = 3, 5


@dataclass(frozen=True)
class AwsFailurePaths:
    """Implements ports.queues.FailurePaths."""

    session: Session
    clock: Clock

    def published(self, function: str) -> tuple[Published, ...]:
        """The unpublished code and every published version, $LATEST first, then by number."""
        found = [
            Published(item["Version"], (item.get("DeadLetterConfig") or {}).get("TargetArn") or "")
            for item in self._listed(function, "versions", "list_versions_by_function", "Versions")
        ]
        return tuple(sorted(found, key=lambda it: int(it.version) if it.version != LATEST else 0))

    def aliases(self, function: str) -> tuple[AliasVersions, ...]:
        """Which versions each alias points at."""
        return tuple(
            AliasVersions(
                alias.arn.rpartition(":")[2],
                tuple(filter(None, (alias.routing.primary, alias.routing.additional))),
            )
            for alias in aliases(self.session.functions(), function)
        )

    def settings(self, function: str) -> tuple[AsyncSettings, ...]:
        """What is configured for asynchronous invocations, $LATEST first."""
        found = [
            _settings(item)
            for item in self._listed(
                function, "event invoke configs", "list_function_event_invoke_configs", "FunctionEventInvokeConfigs"
            )
        ]
        return tuple(sorted(found, key=lambda it: (it.qualifier != LATEST, it.qualifier)))

    def mapped(self, function: str, aliases: Iterable[str]) -> tuple[Mapped, ...]:
        """Every event source mapping of the function and of these aliases, by source."""

        def read(name: str) -> Iterator[Mapping[str, Any]]:
            return self._listed(name, "event sources", "list_event_source_mappings", "EventSourceMappings")

        found = [_mapped(item) for item in event_sources(function, read, lambda: aliases)]
        return tuple(sorted(found, key=lambda it: (it.source, it.qualifier, it.id)))

    def _listed(self, function: str, what: str, call: str, key: str) -> Iterator[Mapping[str, Any]]:
        return listed(self.session.functions(), function, what, call, key)

    def oldest(self, queues: Sequence[str]) -> dict[str, timedelta]:
        """How old the oldest message of each of these queues is, where CloudWatch says; of this region's queues only.

        Of a dead-letter queue it is the time since the message came there (CloudWatch metrics for SQS).
        """
        client = self.session.alarms()
        here = [arn for arn in dict.fromkeys(queues) if arn.split(":")[_REGION] == client.meta.region_name]
        found: dict[str, timedelta] = {}
        for first in range(0, len(here), _BATCH):
            found |= self._ages(here[first : first + _BATCH])
        return found

    def _ages(self, queues: Sequence[str]) -> dict[str, timedelta]:
        now = self.clock.now()
        queries = [
            _query(
                f"q{place}", "AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": arn.split(":")[_NAME]}, _MINUTE
            )
            for place, arn in enumerate(queues)
        ]
        found = self._read("read how old messages are", queries, now - _LOOK_BACK, now + _MINUTE)
        return {
            arn: timedelta(seconds=values[0]) for place, arn in enumerate(queues) if (values := found.get(f"q{place}"))
        }

    def traffic(self, function: str, within: timedelta) -> AsyncTraffic:
        """What Lambda counted of the function's asynchronous events, by the day."""
        now = self.clock.now()
        queries = [
            _query(name, "AWS/Lambda", metric, {"FunctionName": function}, _DAY) for name, metric in _COUNTED.items()
        ]
        found = self._read(f"read what {function} did with events", queries, now - within, now + _MINUTE)
        return AsyncTraffic(**{name: round(sum(found.get(name, ()))) for name in _COUNTED})

    def _read(
        self, doing: str, queries: Sequence[dict[str, Any]], start: datetime, end: datetime
    ) -> dict[str, list[float]]:
        """Every page of every series, newest first, by the query's id."""
        request: Any = {
            "MetricDataQueries": queries,
            "StartTime": start,
            "EndTime": end,
            "ScanBy": "TimestampDescending",
        }
        found: dict[str, list[float]] = {}
        while True:
            with translating(doing):
                answer = self.session.alarms().get_metric_data(**request)
            for result in answer["MetricDataResults"]:
                if result["StatusCode"] == "Forbidden":
                    raise AccessDeniedError(
                        f"could not {doing}: CloudWatch answered Forbidden",
                        hint="The caller needs cloudwatch:GetMetricData on *.",
                    )
                if result["StatusCode"] == "InternalError":
                    raise UnreachableError(f"could not {doing}: CloudWatch answered InternalError")
                found.setdefault(result["Id"], []).extend(result["Values"])
            if not answer.get("NextToken"):
                return found
            request["NextToken"] = answer["NextToken"]


def _query(name: str, namespace: str, metric: str, dimensions: Mapping[str, str], period: timedelta) -> dict[str, Any]:
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            },
            "Period": int(period.total_seconds()),
            "Stat": "Maximum" if namespace == "AWS/SQS" else "Sum",
        },
        "ReturnData": True,
    }


def _destination(item: Mapping[str, Any]) -> str:
    config = item.get("DestinationConfig") or {}
    return (config.get("OnFailure") or {}).get("Destination") or ""


def _settings(item: Mapping[str, Any]) -> AsyncSettings:
    # Both are absent where they were not set: the defaults hold (Lambda API reference).
    retries, age = item.get("MaximumRetryAttempts"), item.get("MaximumEventAgeInSeconds")
    usual = AsyncSettings(qualifier_of(item["FunctionArn"]) or LATEST, _destination(item))
    return AsyncSettings(
        usual.qualifier,
        usual.on_failure,
        usual.retries if retries is None else retries,
        usual.max_age if age is None else timedelta(seconds=age),
    )


def _mapped(item: Mapping[str, Any]) -> Mapped:
    retries, age = item.get("MaximumRetryAttempts"), item.get("MaximumRecordAgeInSeconds")
    return Mapped(
        id=item["UUID"],
        source=source_of(item),
        qualifier=qualifier_of(item.get("FunctionArn", "")),
        enabled=item.get("State") not in ("Disabled", "Disabling", "Deleting"),
        on_failure=_destination(item),
        retries=None if retries is None or retries < 0 else retries,
        max_age=None if age is None or age < 0 else timedelta(seconds=age),
        bisects=bool(item.get("BisectBatchOnFunctionError")),
    )
