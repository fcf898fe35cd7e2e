"""Gates on metrics before the first write: whether each can be read, says anything at all, and does not object already.

Rules this file guarantees: nothing is written; a gate that acts and would be blind, is refused by CloudWatch, or
objects already, blocks; one that is only reported never does.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.duration import format_duration
from lambdaops.core.errors import AwsError
from lambdaops.core.gates import Verdict
from lambdaops.core.metric_verdicts import assess_metrics
from lambdaops.core.model import Finding, Level
from lambdaops.core.plan import OnInconclusive
from lambdaops.core.series import Reading
from lambdaops.ops.watching import watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from lambdaops.core.metric_gates import MetricGate
    from lambdaops.core.model import Target
    from lambdaops.core.plan import Plan
    from lambdaops.ports import Ports
    from lambdaops.ports.metrics import Watched

_CHECK = "metric"
_SETTLES_WITHIN = timedelta(minutes=2)
_BACK = timedelta(hours=3)
"""Queries of Metrics Insights reach no further back in some regions (CloudWatch API reference, GetMetricData)."""


def metric_findings(ports: Ports, target: Target, plan: Plan) -> tuple[Finding, ...]:
    """What every gate on metrics says now."""
    if not plan.metrics:
        return ()
    now = ports.clock.now()
    readings = _read(ports, watched(target, plan, _BACK), now)
    return (
        *(_finding(gate, readings.get(gate.name, Reading()), now) for gate in plan.metrics),
        *(finding for gate in plan.metrics for finding in _too_slow(gate, plan)),
    )


def _too_slow(gate: MetricGate, plan: Plan) -> Iterator[Finding]:
    """A stage ends only with a datapoint of its own: of a period that began in it, is over, and has settled."""
    needed = 2 * gate.period + min(2 * gate.period, _SETTLES_WITHIN)
    shortest = min(plan.stages, key=lambda stage: stage.bake).bake
    if not gate.acts or shortest + plan.patience >= needed:
        return
    level = Level.WARN if plan.on_inconclusive is OnInconclusive.PROMOTE else Level.BLOCK
    said = (
        f"metric {gate.name}: a datapoint of a stage may take {format_duration(needed)}, and a stage of "
        f"{format_duration(shortest)} waits {format_duration(shortest + plan.patience)} at most"
    )
    yield Finding(level, _CHECK, said, "Take shorter periods, bake longer, or have more --patience.")


def _read(ports: Ports, asked: tuple[Watched, ...], now: datetime) -> Mapping[str, Reading]:
    """All of them at once; where CloudWatch refuses that, each by itself, to know which one it means."""
    try:
        return ports.metrics.look(None, asked, now).readings
    except AwsError as error:
        if len(asked) == 1:
            return {asked[0].name: Reading(trouble=error.message)}
    return {name: reading for one in asked for name, reading in _read(ports, (one,), now).items()}


def _finding(gate: MetricGate, reading: Reading, now: datetime) -> Finding:
    level = Level.BLOCK if gate.acts else Level.WARN
    if reading.trouble:
        hint = "Correct the metric, or only report it: --observe."
        return Finding(level, _CHECK, f"metric {gate.name} cannot be read: {reading.trouble}", hint)
    if not reading.points:
        if gate.names("candidate"):
            said = f"metric {gate.name} is the candidate's: it has no datapoint before it has traffic"
            return Finding(Level.OK, _CHECK, said)
        return Finding(
            level,
            _CHECK,
            f"metric {gate.name} has no datapoint within {format_duration(_BACK)}: {gate.expression}",
            "Check namespace, name and every dimension: aws cloudwatch list-metrics. If silence is healthy, fill it: "
            "FILL([...], 0).",
        )
    (said_now,) = assess_metrics((gate,), {gate.name: reading}, now, None)
    if said_now.verdict is Verdict.FAIL:
        return Finding(
            level,
            _CHECK,
            f"metric {said_now.reason}: it would roll the release back at once",
            "Wait until it is back, or only report it: --observe.",
        )
    last = reading.points[-1]
    return Finding(Level.OK, _CHECK, f"metric {gate}; {last.value:g} at {last.at:%H:%M:%S}")
