"""One look at CloudWatch for everything a release asks of its metrics: the judge's periods and the gates' readings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.judging import slow_thresholds
from lambdaops.core.metric_gates import filled
from lambdaops.core.metric_verdicts import span
from lambdaops.ports.metrics import Compared, MetricsSeen, Versions, Watched

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from lambdaops.core.model import Target
    from lambdaops.core.plan import Plan
    from lambdaops.ports import Ports


def look_at_metrics(ports: Ports, target: Target, plan: Plan, since: datetime, now: datetime) -> MetricsSeen:
    """Read what the plan needs, in one call; none if it needs nothing.

    Args:
        ports: the world.
        target: the alias.
        plan: what is compared and watched.
        since: from when on the versions are compared: what has settled before is known.
        now: the time of this look.

    Raises:
        AwsError: nothing could be read.
    """
    if not plan.comparisons and not plan.metrics:
        return MetricsSeen()
    compared = None
    if plan.comparisons:
        slow = slow_thresholds(plan.comparisons)
        versions = Versions(target.function, target.alias, plan.stable, plan.candidate, slow)
        compared = Compared(versions, plan.period, since)
    return ports.metrics.look(compared, watched(target, plan), now)


def watched(target: Target, plan: Plan, least: timedelta | None = None) -> tuple[Watched, ...]:
    """The gates on metrics as CloudWatch is asked for them, looking back ``least`` if that is longer than needed."""
    names = _names(target, plan)
    found = []
    for number, gate in enumerate(plan.metrics):
        prefix = f"g{number}"
        math, metrics = filled(gate, names, prefix)
        over = span(gate) if least is None else max(span(gate), least)
        found.append(Watched(gate.name, prefix, math, metrics, gate.period, over))
    return tuple(found)


def _names(target: Target, plan: Plan) -> Mapping[str, str]:
    return {
        "function": target.function,
        "alias": target.alias,
        "environment": target.environment,
        "stable": plan.stable,
        "candidate": plan.candidate,
    }
