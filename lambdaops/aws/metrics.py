"""What CloudWatch counted for two versions behind an alias, period by period, in one call.

Rules this file guarantees: series are asked for on exactly the dimensions that Lambda publishes for alias invocations;
every series of a look is one GetMetricData, however many pages that takes; a series that CloudWatch does not call
complete is an error, never a zero; a period may still change until twice its length has passed since its end.

Lambda publishes Invocations, Errors, Throttles and Duration with FunctionName, Resource (``function:alias``) and
ExecutedVersion once a minute, and no datapoint where nothing happened (Lambda developer guide, "Types of metrics").
Slow requests are Duration's trimmed count ``TC(800:)``: the number of values above 800 ms (CloudWatch user guide,
"Statistics definitions": a bound without a per cent sign is absolute, the lower one excluded). It is a count already,
where a percentile rank would have to be multiplied with SampleCount and rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.core.errors import AccessDeniedError, UnreachableError
from lambdaops.core.series import Counts, Period
from lambdaops.ports import History, Versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


_SETTLES_AFTER = 2
"""In periods. AWS promises nothing; Lambda's minutes are seen to be whole within about two."""
_ARRIVES_WITHIN = timedelta(seconds=15)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class CloudWatchMetrics:
    """Implements ports.Metrics."""

    session: Session

    def compare(self, asked: Versions, period: timedelta, since: datetime, now: datetime) -> tuple[Period, ...]:
        """The periods of both versions from ``since`` on, the one that is not over included."""
        start, end = _floor(since, period), _floor(now, period) + period
        queries = (*_of_version(asked, asked.stable, "s", period), *_of_version(asked, asked.candidate, "c", period))
        series = self._read(asked, queries, start, end)
        return tuple(
            Period(
                at,
                period,
                _counts(series, "s", at, len(asked.slow)),
                _counts(series, "c", at, len(asked.slow)),
                closed=_settled(at, period, now),
                over=at + period + min(_ARRIVES_WITHIN, period / 4) <= now,
            )
            for at in _moments(start, end, period)
        )

    def history(self, asked: Versions, period: timedelta, since: datetime, now: datetime) -> History:
        """The stable version's settled periods, and whether its alias and its function are invoked at all."""
        start = _floor(since, period)
        end = _floor(now, period) - (_SETTLES_AFTER - 1) * period
        resource = f"{asked.function}:{asked.alias}"
        queries = (
            *_of_version(asked, asked.stable, "s", period),
            _query("alias", "Invocations", "Sum", {"FunctionName": asked.function, "Resource": resource}, period),
            _query("function", "Invocations", "Sum", {"FunctionName": asked.function}, period),
        )
        series = self._read(asked, queries, start, end)
        return History(
            tuple((at, _counts(series, "s", at, len(asked.slow))) for at in _moments(start, end, period)),
            _total(series["alias"]),
            _total(series["function"]),
        )

    def _read(
        self, asked: Versions, queries: Sequence[Mapping[str, Any]], start: datetime, end: datetime
    ) -> dict[str, dict[datetime, float]]:
        """Every page of every series, by the query's id."""
        doing = f"read the metrics of {asked.function}:{asked.alias}"
        found: dict[str, dict[datetime, float]] = {str(query["Id"]): {} for query in queries}
        unfinished: dict[str, str] = dict.fromkeys(found, "no answer")
        request: dict[str, Any] = {
            "MetricDataQueries": list(queries),
            "StartTime": start,
            "EndTime": end,
            "ScanBy": "TimestampAscending",
        }
        client = self.session.alarms()
        while True:
            with translating(doing, target=f"{asked.function}:{asked.alias}"):
                answer = client.get_metric_data(**request)
            for result in answer["MetricDataResults"]:
                name = result["Id"]
                found[name].update(zip(result["Timestamps"], result["Values"], strict=True))
                unfinished[name] = "" if result["StatusCode"] == "Complete" else _why(result)
            if not answer.get("NextToken"):
                break
            request["NextToken"] = answer["NextToken"]
        for why in filter(None, unfinished.values()):
            error = AccessDeniedError if why.startswith("Forbidden") else UnreachableError
            raise error(f"could not {doing}: CloudWatch did not answer in full: {why}", target=asked.function)
        return found


def _of_version(asked: Versions, version: str, prefix: str, period: timedelta) -> Iterator[dict[str, Any]]:
    dimensions = {
        "FunctionName": asked.function,
        "Resource": f"{asked.function}:{asked.alias}",
        "ExecutedVersion": version,
    }
    for metric in ("Invocations", "Errors", "Throttles"):
        yield _query(f"{prefix}_{metric.lower()}", metric, "Sum", dimensions, period)
    for number, threshold in enumerate(asked.slow):
        stat = f"TC({threshold / _MILLISECOND:g}:)"
        yield _query(f"{prefix}_slow{number}", "Duration", stat, dimensions, period)


def _query(name: str, metric: str, stat: str, dimensions: Mapping[str, str], period: timedelta) -> dict[str, Any]:
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/Lambda",
                "MetricName": metric,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            },
            "Period": int(period.total_seconds()),
            "Stat": stat,
        },
    }


def _counts(series: Mapping[str, Mapping[datetime, float]], prefix: str, at: datetime, slow: int) -> Counts:
    def count(name: str) -> int:
        return round(series[f"{prefix}_{name}"].get(at, 0))

    return Counts(
        count("invocations"),
        count("errors"),
        count("throttles"),
        tuple(count(f"slow{number}") for number in range(slow)),
    )


def _total(points: Mapping[datetime, float]) -> int | None:
    return round(sum(points.values())) if points else None


def _why(result: Mapping[str, Any]) -> str:
    said = "; ".join(str(message.get("Value", "")) for message in result.get("Messages") or [])
    return f"{result['StatusCode']} {said}".strip()


def _settled(at: datetime, period: timedelta, now: datetime) -> bool:
    return at + (1 + _SETTLES_AFTER) * period <= now


def _moments(start: datetime, end: datetime, period: timedelta) -> Iterator[datetime]:
    at = start
    while at < end:
        yield at
        at += period


def _floor(moment: datetime, period: timedelta) -> datetime:
    return moment - (moment - _EPOCH) % period
