"""Alarms are evaluated as CloudWatch does: dimensions, M of N, missing data, percentiles, math, and as time passes.

ministack pools every metric of that name whatever its dimensions, looks only when PutMetricData is called, and drops
the metrics of a math alarm. Composite alarms are its own; only their times are made precise here.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from lambdaops.sandbox.evaluate import Rule, Sample, assess, calculate, series

_EVERY_SECONDS = 1.0
_LOG = logging.getLogger("lambdaops.sandbox.alarms")


def apply() -> None:
    """Replace the evaluation and let it run once a second."""
    from ministack.services import cloudwatch

    put, set_state = cloudwatch._put_metric_alarm, cloudwatch._set_alarm_state
    transition = cloudwatch._transition_composite

    def put_with_metrics(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> object:  # noqa: ANN401
        existing = cloudwatch._alarms.get(data.get("AlarmName", ""), {})
        answer = put(params, data, is_cbor, is_json)
        alarm = cloudwatch._alarms.get(data.get("AlarmName", ""))
        if alarm is not None:
            if data.get("Metrics"):
                alarm["Metrics"] = data["Metrics"]
                alarm["Statistic"] = alarm["Period"] = None
            if alarm["ExtendedStatistic"]:
                alarm["Statistic"] = None
            for absent in [key for key, value in alarm.items() if value is None]:
                del alarm[absent]  # AWS leaves out what was not set
            alarm["StateTransitionedTimestamp"] = existing.get("StateTransitionedTimestamp", time.time())
        return answer

    def set_for_a_while(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> object:  # noqa: ANN401
        name = data.get("AlarmName", "")
        before = (cloudwatch._alarms.get(name) or {}).get("StateValue")
        answer = set_state(params, data, is_cbor, is_json)
        alarm = cloudwatch._alarms.get(name)
        if alarm is not None:
            now = time.time()
            alarm["StateUpdatedTimestamp"] = now
            if alarm["StateValue"] != before:
                alarm["StateTransitionedTimestamp"] = now
            # "Returns to its actual state quickly": at the next evaluation, which is a period away.
            _held_until[id(alarm)] = now + alarm.get("Period", 60)
        return answer

    def transition_precisely(alarm: dict[str, Any], *rest: object, **more: object) -> None:
        transition(alarm, *rest, **more)
        alarm["StateUpdatedTimestamp"] = alarm["StateTransitionedTimestamp"] = time.time()

    def evaluate_nothing(*_: object) -> None:
        """The background evaluation does it; a put of one metric must not judge alarms on others."""

    cloudwatch._put_metric_alarm, cloudwatch._set_alarm_state = put_with_metrics, set_for_a_while
    cloudwatch._transition_composite = transition_precisely
    cloudwatch._evaluate_alarm = cloudwatch._evaluate_all_alarms = evaluate_nothing
    threading.Thread(target=_watch, name="alarm-evaluation", daemon=True).start()


_held_until: dict[int, float] = {}


def _watch() -> None:
    from ministack.core.responses import _request_account_id, _request_region
    from ministack.services import cloudwatch

    while True:
        time.sleep(_EVERY_SECONDS)
        for (account, region, _), alarm in list(cloudwatch._alarms._data.items()):
            _request_account_id.set(account)
            _request_region.set(region)
            try:
                _evaluate(cloudwatch, alarm, time.time())
            except (KeyError, ValueError) as error:
                # A kind of alarm that is not understood here, as on anomalies: it keeps its state, the others go on.
                _LOG.warning("alarm %s is not evaluated: %r", alarm["AlarmName"], error)


def _evaluate(cloudwatch: Any, alarm: dict[str, Any], now: float) -> None:  # noqa: ANN401
    if now < _held_until.get(id(alarm), 0):
        return
    rule = Rule(
        alarm["ComparisonOperator"],
        float(alarm["Threshold"]),
        alarm["EvaluationPeriods"],
        alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"],
        alarm["TreatMissingData"],
    )
    values, period = _values(cloudwatch, alarm, now)
    before = alarm["StateValue"]
    state, reason = assess(rule, values, period, now, before)
    if state == before:
        return
    changed = time.time()
    alarm.update(
        StateValue=state,
        StateReason=reason,
        StateUpdatedTimestamp=changed,
        StateTransitionedTimestamp=changed,
    )
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _values(cloudwatch: Any, alarm: dict[str, Any], now: float) -> tuple[dict[int, float], int]:  # noqa: ANN401
    """The values the alarm judges, one a period, and the period."""
    if not alarm.get("Metrics"):
        period = alarm["Period"]
        name = alarm.get("ExtendedStatistic") or alarm["Statistic"]
        since = now - period * (alarm["EvaluationPeriods"] + 2)
        return series(samples(cloudwatch, alarm, since), period, name), period
    known: dict[str, dict[int, float]] = {}
    result: dict[int, float] = {}
    periods = [query["MetricStat"]["Period"] for query in alarm["Metrics"] if "MetricStat" in query]
    period = max(periods, default=60)
    since = now - period * (alarm["EvaluationPeriods"] + 2)
    for query in alarm["Metrics"]:
        if "MetricStat" in query:
            stat = query["MetricStat"]
            known[query["Id"]] = series(samples(cloudwatch, stat["Metric"], since), period, stat["Stat"])
    for query in alarm["Metrics"]:
        if "Expression" in query:
            known[query["Id"]] = calculate(query["Expression"], known)
        if query.get("ReturnData", True):
            result = known[query["Id"]]
    return result, period


def samples(cloudwatch: Any, metric: dict[str, Any], since: float) -> list[Sample]:  # noqa: ANN401
    """The samples of exactly this metric, dimensions included, newer than ``since``."""
    key = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
    points = cloudwatch._metrics.get((metric["Namespace"], metric["MetricName"], key)) or []
    found = []
    for point in reversed(points):
        if point["Timestamp"] < since - 60:
            break  # points arrive nearly in order; a long invocation is stamped with its start
        if point["Timestamp"] >= since:
            count, total, _, _ = cloudwatch._point_stats(point)
            if count:
                found.append(Sample(point["Timestamp"], total / count, count))
    return found
