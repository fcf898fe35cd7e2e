"""Metric math in GetMetricData: arithmetic, comparisons, IF and FILL over the series of the same call.

ministack answers every expression with InternalError, which a gate that is blind cannot be told from.
"""

from __future__ import annotations

import contextvars
import time
from typing import Any

from lambdaops.sandbox.corrections.alarms import samples
from lambdaops.sandbox.evaluate import MathError, calculate, series

_results: contextvars.ContextVar[list[dict[str, Any]]] = contextvars.ContextVar("results", default=[])  # noqa: B039


def apply() -> None:
    """Answer the expressions, and leave the metrics to ministack."""
    from ministack.services import cloudwatch

    get, cbor, plain_json = cloudwatch._get_metric_data, cloudwatch._cbor_ok, cloudwatch._json_ok

    def with_math(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> object:  # noqa: ANN401
        queries = data.get("MetricDataQueries") or []
        wanted = [query for query in queries if query.get("Expression")]
        if not wanted:
            return get(params, data, is_cbor, is_json)
        start, end = (cloudwatch._parse_ts(data.get(name)) for name in ("StartTime", "EndTime"))
        known = {query["Id"]: _series(cloudwatch, query, start or 0.0) for query in queries if "MetricStat" in query}
        results = []
        for query in wanted:
            try:
                found = calculate(query["Expression"], known)
            except MathError as error:
                why = f"Error in expression '{query['Id']}' [{error}]"
                return cloudwatch._error("ValidationError", why, 400, use_json=is_json, use_cbor=is_cbor)
            known[query["Id"]] = found
            if query.get("ReturnData", True):
                results.append(_result(cloudwatch, query, {at: v for at, v in found.items() if at < (end or 1e12)}))
        token = _results.set(results)
        try:
            metrics = [query for query in queries if not query.get("Expression")]
            return get(params, {**data, "MetricDataQueries": metrics}, is_cbor, is_json)
        finally:
            _results.reset(token)

    def answered(encode: Any, timed: Any) -> Any:  # noqa: ANN401
        def encoded(data: dict[str, Any]) -> object:
            if "MetricDataResults" in data and _results.get():
                more = [timed(result) for result in _results.get()]
                data = {**data, "MetricDataResults": [*data["MetricDataResults"], *more]}
            return encode(data)

        return encoded

    cloudwatch._get_metric_data = with_math
    cloudwatch._cbor_ok = answered(cbor, cloudwatch._cbor_metric_data_result)
    cloudwatch._json_ok = answered(plain_json, lambda result: result)


def _series(cloudwatch: Any, query: dict[str, Any], since: float) -> dict[int, float]:  # noqa: ANN401
    stat = query["MetricStat"]
    return series(samples(cloudwatch, stat["Metric"], since), int(stat["Period"]), stat["Stat"])


def _result(cloudwatch: Any, query: dict[str, Any], values: dict[int, float]) -> dict[str, Any]:  # noqa: ANN401
    at = sorted(start for start in values if start <= time.time())
    return {
        "Id": query["Id"],
        "Label": query.get("Label", query["Id"]),
        "Timestamps": [cloudwatch._ts_iso(start) for start in at],
        "Values": [values[start] for start in at],
        "StatusCode": "Complete",
    }
