"""Readings of metrics against their thresholds: verdicts with reasons.

Rules this file guarantees: no data is never success; only what has settled passes; what has not settled objects only
where more data cannot undo that; a stage ends only when the metric has said something of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.duration import format_duration
from lambdaops.core.gates import GateResult, Verdict
from lambdaops.core.model import FULL
from lambdaops.core.series import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from lambdaops.core.metric_gates import MetricGate
    from lambdaops.core.series import Point

_SETTLES = 3
"""Periods from the beginning of one until nothing more is expected of it."""
_SPARE = 2
"""Periods that a datapoint may be missing before silence counts: a metric comes late, or not every time."""
_SHOWN = 5


def span(gate: MetricGate) -> timedelta:
    """How far back a gate looks."""
    return (gate.periods + _SETTLES + _SPARE) * gate.period


def assess_metrics(
    gates: Sequence[MetricGate],
    readings: Mapping[str, Reading],
    now: datetime,
    stage: tuple[datetime, int] | None,
) -> tuple[GateResult, ...]:
    """What every metric says.

    Args:
        gates: those of the plan.
        readings: by the gate's name.
        now: the time of this look.
        stage: since when the stage lasts and its weight in basis points; None before the first write.
    """
    return tuple(_assess(gate, readings.get(gate.name, Reading(trouble="no answer")), now, stage) for gate in gates)


def unread(gates: Sequence[MetricGate], why: str) -> tuple[GateResult, ...]:
    """The results when the metrics could not be read at all."""
    return tuple(_result(gate, Verdict.ERROR, f"cannot be read: {why}") for gate in gates)


def _assess(gate: MetricGate, reading: Reading, now: datetime, stage: tuple[datetime, int] | None) -> GateResult:
    if stage is not None and stage[1] == FULL and gate.names("stable"):
        # The stable version has no traffic any more, and what compares with it nothing to say.
        return GateResult(gate.name, Verdict.PASS, f"{gate.name}: not asked at 100 %", acts=False)
    if reading.trouble:
        return _result(gate, Verdict.ERROR, f"cannot be read: {reading.trouble}")
    points = [point for point in reading.points if point.at >= now - span(gate)]
    run = _objects(gate, points)
    if run:
        values = ", ".join(f"{point.value:g}" for point in run[-_SHOWN:])
        return _result(gate, Verdict.FAIL, f"{values} is {gate.condition}, since {run[0].at:%H:%M:%S}")
    settled = [point for point in points if point.settled]
    since = stage[0] if stage else None
    young = since is None or now < since + (_SETTLES + _SPARE) * gate.period
    if not settled and not young:
        return _result(gate, Verdict.INCONCLUSIVE, f"no datapoint within {format_duration(span(gate))}")
    detail = f"{settled[-1].value:g} at {settled[-1].at:%H:%M:%S}" if settled else "no datapoint yet"
    seen = since is not None and any(point.at >= since for point in settled)
    waits = "" if seen else f"{gate.name}: a datapoint of this stage"
    return _result(gate, Verdict.PASS, f"not {gate.condition}", detail, waits)


def _objects(gate: MetricGate, points: Sequence[Point]) -> Sequence[Point]:
    """The periods in a row that object, the last of them the newest there is; none if they do not.

    A newer period that has not settled acquits nobody.
    """
    usable = [point for point in points if point.settled or gate.grows]
    newest = max((number for number, point in enumerate(usable) if point.settled), default=-1)
    for end in range(len(usable), max(newest, 0), -1):
        run = usable[max(end - gate.periods, 0) : end]
        if len(run) == gate.periods and all(gate.objects(point.value) for point in run):
            return run
    return ()


def _result(gate: MetricGate, verdict: Verdict, said: str, detail: str = "", waits: str = "") -> GateResult:
    reason = f"{gate.name}: {said}"
    if not gate.acts:
        reason, waits = f"{reason} (observed only)", ""
    return GateResult(gate.name, verdict, reason, acts=gate.acts, detail=detail, waits_for=waits)
