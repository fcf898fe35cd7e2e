"""What CloudWatch counted for two versions behind an alias, period by period, in one call.

Rules this file guarantees: series are asked for on exactly the dimensions that Lambda publishes for alias invocations;
every series of a look is one GetMetricData, however many pages that takes; a series that CloudWatch does not call
complete is an error, never a zero; a period may still change until twice its length, or two minutes, have passed since
its end.

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
from lambdaops.core.series import Counts, Period, Point, Reading
from lambdaops.ports.metrics import History, MetricsSeen, Versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lambdaops.core.errors import AwsError
    from lambdaops.ports.metrics import Compared, Watched


_SETTLES_AFTER = 2
"""In periods. AWS promises nothing; Lambda's minutes are seen to be whole within about two."""
_SETTLED_WITHIN = timedelta(minutes=2)
_ARRIVES_WITHIN = timedelta(seconds=15)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Answer:
    """Values by query and time; why a query has no answer in full; which have more than one series."""

    values: dict[str, dict[datetime, float]]
    unfinished: dict[str, str]
    labels: dict[str, set[str]]


@dataclass(frozen=True)
class CloudWatchMetrics:
    """Implements ports.metrics.Metrics."""

    session: Session

    def look(self, compared: Compared | None, watched: Sequence[Watched], now: datetime) -> MetricsSeen:
        """The periods of both versions from ``since`` on, the one that is not over included, and every gate's metric.

        A series that could not be read takes nothing from the others.
        """
        queries: list[Mapping[str, Any]] = []
        starts, ends, names, doing = [], [], [], "read the metrics"
        if compared is not None:
            asked, period = compared.versions, compared.period
            queries += _of_version(asked, asked.stable, "s", period)
            queries += _of_version(asked, asked.candidate, "c", period)
            names = [str(query["Id"]) for query in queries]
            doing = f"{doing} of {asked.function}:{asked.alias}"
            starts.append(_floor(compared.since, period))
            ends.append(_floor(now, period) + period)
        for gate in watched:
            queries += _of_gate(gate)
            starts.append(_floor(now - gate.over, gate.period))
            ends.append(_floor(now, gate.period) + gate.period)
        if not queries:
            return MetricsSeen()
        answer = self._read(doing, queries, min(starts), max(ends))
        readings = {gate.name: _reading(gate, answer, now) for gate in watched}
        if compared is None:
            return MetricsSeen(readings=readings)
        trouble = _trouble(doing, answer, names, compared.versions.function)
        return MetricsSeen(() if trouble else _periods(compared, answer, now), readings, trouble)

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
        doing = f"read the metrics of {asked.function}:{asked.alias}"
        answer = self._read(doing, queries, start, end)
        trouble = _trouble(doing, answer, answer.unfinished, asked.function)
        if trouble is not None:
            raise trouble
        series = answer.values
        return History(
            tuple((at, _counts(series, "s", at, len(asked.slow))) for at in _moments(start, end, period)),
            _total(series["alias"]),
            _total(series["function"]),
        )

    def _read(self, doing: str, queries: Sequence[Mapping[str, Any]], start: datetime, end: datetime) -> _Answer:
        """Every page of every series, by the query's id."""
        wanted = [str(query["Id"]) for query in queries if query.get("ReturnData", True)]
        found = _Answer({name: {} for name in wanted}, dict.fromkeys(wanted, "no answer"), {n: set() for n in wanted})
        request: dict[str, Any] = {
            "MetricDataQueries": list(queries),
            "StartTime": start,
            "EndTime": end,
            "ScanBy": "TimestampAscending",
        }
        client = self.session.alarms()
        while True:
            with translating(doing):
                answer = client.get_metric_data(**request)
            for result in answer["MetricDataResults"]:
                name = result["Id"]
                found.values[name].update(zip(result["Timestamps"], result["Values"], strict=True))
                found.labels[name].add(result.get("Label", ""))
                found.unfinished[name] = "" if result["StatusCode"] == "Complete" else _why(result)
            if not answer.get("NextToken"):
                return found
            request["NextToken"] = answer["NextToken"]


def _trouble(doing: str, answer: _Answer, names: Iterable[str], function: str) -> AwsError | None:
    """Why these series are not there in full."""
    for why in filter(None, (answer.unfinished[name] for name in names)):
        error = AccessDeniedError if why.startswith("Forbidden") else UnreachableError
        return error(f"could not {doing}: CloudWatch did not answer in full: {why}", target=function)
    return None


def _periods(compared: Compared, answer: _Answer, now: datetime) -> tuple[Period, ...]:
    asked, period = compared.versions, compared.period
    start, end = _floor(compared.since, period), _floor(now, period) + period
    return tuple(
        Period(
            at,
            period,
            _counts(answer.values, "s", at, len(asked.slow)),
            _counts(answer.values, "c", at, len(asked.slow)),
            closed=_settled(at, period, now),
            over=at + period + min(_ARRIVES_WITHIN, period / 4) <= now,
        )
        for at in _moments(start, end, period)
    )


def _reading(gate: Watched, answer: _Answer, now: datetime) -> Reading:
    """What a gate's metric said lately."""
    if answer.unfinished[gate.prefix]:
        return Reading(trouble=f"CloudWatch did not answer in full: {answer.unfinished[gate.prefix]}")
    if len(answer.labels[gate.prefix]) > 1:
        return Reading(trouble="it finds several series: put MAX(...) or SUM(...) around it")
    start = _floor(now - gate.over, gate.period)
    points = sorted(answer.values[gate.prefix].items())
    return Reading(tuple(Point(at, value, _settled(at, gate.period, now)) for at, value in points if at >= start))


def _of_gate(gate: Watched) -> Iterator[dict[str, Any]]:
    """The gate's series as inputs, and its math; a single metric is asked for as it is."""
    alone = gate.math == f"{gate.prefix}_0"
    for number, metric in enumerate(gate.metrics):
        name = gate.prefix if alone else f"{gate.prefix}_{number}"
        query = _query(name, metric.name, metric.stat, dict(metric.dimensions), gate.period, metric.namespace)
        yield query if alone else {**query, "ReturnData": False}
    if not alone:
        # What finds its series by itself has no metric to take the period from.
        own = {} if gate.metrics else {"Period": int(gate.period.total_seconds())}
        yield {"Id": gate.prefix, "Expression": gate.math, **own}


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


def _query(
    name: str,
    metric: str,
    stat: str,
    dimensions: Mapping[str, str],
    period: timedelta,
    namespace: str = "AWS/Lambda",
) -> dict[str, Any]:
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
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
    return at + period + min(_SETTLES_AFTER * period, _SETTLED_WITHIN) <= now


def _moments(start: datetime, end: datetime, period: timedelta) -> Iterator[datetime]:
    at = start
    while at < end:
        yield at
        at += period


def _floor(moment: datetime, period: timedelta) -> datetime:
    return moment - (moment - _EPOCH) % period
