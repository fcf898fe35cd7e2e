"""AWS/Lambda metrics on the three dimension sets that AWS publishes, for every kind of invocation.

ministack publishes {FunctionName} only, nothing for event source mappings and retries, and counts a throttled request
as an invocation. AWS: {FunctionName}; {FunctionName, Resource}; {FunctionName, Resource=function:alias,
ExecutedVersion} for invocations through an alias (Lambda developer guide, "Types of metrics").

Its durations have the start of an environment in them. AWS: Duration is "the amount of time that your function code
spends processing an event"; a cold start is Init Duration, in the log alone. With it, a machine that is busy starting
Python puts an alarm on latency into ALARM while nothing is slow.
"""

from __future__ import annotations

import contextvars
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_EVICT_EVERY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Route:
    """How an invocation came in: through which alias, if any, and which version runs."""

    alias: str | None
    version: str


# ministack gives the average for a statistic it does not know. "TC(150:1000)" counts the values above the one and at
# most the other, either of which may be left out; "PR" is their percentage (CloudWatch, "Statistics definitions").
_WITHIN = re.compile(r"(?P<what>TC|PR)\((?P<low>[0-9.]*):(?P<high>[0-9.]*)\)", re.IGNORECASE)

ROUTE: contextvars.ContextVar[Route | None] = contextvars.ContextVar("route", default=None)


def apply() -> None:
    """Replace ministack's metric emission."""
    from ministack.core import lambda_runtime
    from ministack.services import cloudwatch, lambda_svc

    # An invocation stays in its thread, the start of its environment included.
    started_up = threading.local()
    spawn = lambda_runtime.Worker._spawn

    def timed_spawn(worker: Any) -> None:  # noqa: ANN401 -- ministack's
        began = time.monotonic()
        try:
            spawn(worker)
        finally:
            started_up.seconds = getattr(started_up, "seconds", 0.0) + time.monotonic() - began

    dispatch = lambda_svc._execute_function_dispatch
    evict = cloudwatch._evict_old_metrics
    evicted_at = time.monotonic()

    def measured(
        func: dict[str, Any], config: dict[str, Any], event: object, request_id: str, started: float
    ) -> dict[str, Any]:
        started_up.seconds, began = 0.0, time.monotonic()
        result: dict[str, Any] = dispatch(func, config, event, request_id, started)
        took = time.monotonic() - began - started_up.seconds
        name = config.get("FunctionName", "unknown")
        record_metric(name, "Invocations", 1, "Count", started)
        record_metric(name, "Errors", 1 if result.get("error") else 0, "Count", started)
        record_metric(name, "Throttles", 0, "Count", started)
        record_metric(name, "Duration", round(took * 1000, 1), "Milliseconds", started)
        return result

    def emitted(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:  # noqa: ARG001
        # The one call for a throttle comes from the place that refused it, with no duration; ministack's other
        # calls repeat what ``measured`` counts. A throttled request is neither an invocation nor an error.
        if throttle and duration_ms == 0:
            record_metric(function_name, "Throttles", 1, "Count", time.time())

    def evict_sometimes() -> None:
        nonlocal evicted_at
        # ministack copies every point at every request; once a minute will do.
        if time.monotonic() - evicted_at >= _EVICT_EVERY_SECONDS:
            evicted_at = time.monotonic()
            evict()

    basic = cloudwatch._stat_value

    def with_counts(stats: dict[str, float], name: str, points: Sequence[dict[str, Any]] | None = None) -> float | None:
        found = _WITHIN.fullmatch(name)
        if found is None:
            return basic(stats, name, points)  # type: ignore[no-any-return]
        counted = _within(found, points or [])
        if found["what"].upper() == "TC":
            return counted
        return 100 * counted / stats["SampleCount"] if stats.get("SampleCount") else None

    cloudwatch._stat_value = with_counts
    lambda_runtime.Worker._spawn = timed_spawn
    lambda_svc._execute_function_dispatch = measured
    lambda_svc._emit_lambda_metrics = emitted
    cloudwatch._evict_old_metrics = evict_sometimes


def _within(bounds: re.Match[str], points: Sequence[dict[str, Any]]) -> float:
    low = float(bounds["low"]) if bounds["low"] else float("-inf")
    high = float(bounds["high"]) if bounds["high"] else float("inf")
    return sum(float(point.get("Count", 1.0)) for point in points if low < float(point["Value"]) <= high)


def record_metric(function: str, metric: str, value: float, unit: str, at: float) -> None:
    """One value on each of its dimension sets, stamped with the start of the invocation as AWS does."""
    from ministack.services import cloudwatch

    route = ROUTE.get()
    qualifier = route and (route.alias or route.version)
    resource = f"{function}:{qualifier}" if qualifier and qualifier != "$LATEST" else function
    sets = [{"FunctionName": function}, {"FunctionName": function, "Resource": resource}]
    if route and route.alias:
        sets.append({"FunctionName": function, "Resource": resource, "ExecutedVersion": route.version})
    for dimensions in sets:
        points = cloudwatch._metric_bucket(("AWS/Lambda", metric, cloudwatch._dims_key(dimensions)))
        last = points[-1] if points else None
        if last is not None and last["Value"] == value and int(last["Timestamp"]) == int(at):
            last["Count"] = last.get("Count", 1.0) + 1.0  # the same value in the same second: one point, counted
        else:
            points.append(
                {"Timestamp": at, "Value": float(value), "Unit": unit, "Dimensions": dimensions, "Count": 1.0}
            )
