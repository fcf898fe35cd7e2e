"""What the judge and the gates on metrics are asked: the command line, the configuration file, the defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lambdaops.cli import defaults
from lambdaops.core.comparison import (
    parse_alpha,
    parse_comparisons,
    parse_min_requests,
    parse_period,
    parse_tolerance,
    share_alpha,
)
from lambdaops.core.errors import UsageError
from lambdaops.core.metric_gates import distinct, observed, parse_metric

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from lambdaops.core.comparison import Comparison
    from lambdaops.core.metric_gates import MetricGate
    from lambdaops.core.plan import Plan
    from lambdaops.core.settings import Settings

ALL = "all"
"""Stands for every comparison and metric."""


@dataclass(frozen=True)
class Judging:
    """The words, not yet understood; None where nothing was said."""

    compare: str | None = None
    tolerance: str | None = None
    alpha: str | None = None
    min_requests: str | None = None
    period: str | None = None
    metrics: Sequence[str] = ()
    observe: str | None = None

    def insists(self, settings: Settings) -> bool:
        """Whether comparing was asked for: then being unable to compare blocks the release."""
        said = (self.compare, self.min_requests, settings.compare, settings.min_requests)
        return any(word is not None for word in said)

    def complete(self, plan: Plan, settings: Settings) -> Plan:
        """The plan with its comparisons and metrics: the command line's words stand before the file's.

        Raises:
            InvalidComparisonError, InvalidDurationError, InvalidMetricError: a word that cannot be understood.
            UsageError: what is only to be told is not there.
        """
        comparisons = parse_comparisons(self.compare or settings.compare or defaults.COMPARE)
        asked = tuple(
            replace(
                one,
                tolerance=parse_tolerance(self.tolerance or settings.tolerance or defaults.TOLERANCE),
                alpha=parse_alpha(self.alpha or settings.alpha or defaults.ALPHA),
                min_requests=parse_min_requests(self.min_requests or settings.min_requests or defaults.MIN_REQUESTS),
            )
            for one in comparisons
        )
        period = (
            settings.period if self.period is None and settings.period else parse_period(self.period or defaults.PERIOD)
        )
        metrics = distinct(self._metrics(settings, period), (*plan.alarms, *(one.name for one in asked)))
        told = self._told(settings, asked, metrics)
        asked = tuple(replace(one, acts=one.name not in told) for one in asked)
        return replace(plan, comparisons=share_alpha(asked), period=period, metrics=observed(metrics, told))

    def _metrics(self, settings: Settings, period: timedelta) -> tuple[MetricGate, ...]:
        """Those of the command line, else those of the file; the environment's name is known here and not later."""
        gates = tuple(parse_metric(text, period) for text in self.metrics) if self.metrics else settings.metrics or ()
        if not settings.environment and any(gate.names("environment") for gate in gates):
            raise UsageError(
                "a metric names the environment, and none is meant", hint="Say which: --env NAME, or leave it out."
            )
        return tuple(
            replace(gate, expression=gate.expression.replace("{environment}", settings.environment)) for gate in gates
        )

    def _told(
        self, settings: Settings, comparisons: tuple[Comparison, ...], metrics: tuple[MetricGate, ...]
    ) -> frozenset[str]:
        """The names of the gates that are only told."""
        known = (*(one.name for one in comparisons), *(gate.name for gate in metrics))
        said = self.observe if self.observe is not None else settings.observe
        if said is None:
            return frozenset()
        names = [name.strip() for name in said.split(",")]
        if names == [ALL]:
            return frozenset(known)
        for name in names:
            if name not in known:
                there = f"There are {', '.join(known)}." if known else "Nothing is compared and no metric is watched."
                raise UsageError(f"{name!r} cannot be observed: no comparison or metric is called so", hint=there)
        return frozenset(names)
