"""What the stable version's last day tells of a comparison before it begins: whether it can see, and what is usual.

Rules this file guarantees: nothing is written; a comparison that was asked for and would be blind blocks; one that is
only the default is never the reason for a block, and what it cannot do is said.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.baseline import budget, dispersion
from lambdaops.core.comparison import Comparison
from lambdaops.core.duration import format_duration
from lambdaops.core.errors import AwsError
from lambdaops.core.judging import bad_of, slow_thresholds
from lambdaops.core.model import FULL, Finding, Level, percent
from lambdaops.ports.metrics import History, Versions

if TYPE_CHECKING:
    from lambdaops.core.model import Target
    from lambdaops.core.plan import Plan, Stage
    from lambdaops.ports import Ports

_CHECK = "compare"
_MILLION = 1_000_000
_PERIODS = 1440
"""A day of minutes: what one page of GetMetricData has room for, and long enough to know the time of day."""
_VISIBLE_AFTER = 3
"""In periods: one to count in, two until it has settled."""
Found = tuple[tuple[Finding, ...], tuple[Comparison, ...]]


def look_back(ports: Ports, target: Target, plan: Plan, *, insists: bool) -> Found:
    """Complete the plan's comparisons with what is usual, and say what they will be able to see.

    Args:
        ports: the world.
        target: the alias.
        plan: the plan with its stable version.
        insists: whether comparing was asked for, rather than being the default.
    """
    asked = plan.comparisons
    if not asked:
        return (), ()
    if all(stage.weight == FULL for stage in plan.stages):
        said = "all traffic moves at once: no request is left to the stable version to compare with"
        return ((Finding(Level.WARN, _CHECK, said, "Release in stages."),) if insists else ()), ()
    versions = Versions(target.function, target.alias, plan.stable, plan.candidate, slow_thresholds(asked))
    now = ports.clock.now()
    try:
        past = ports.metrics.history(versions, plan.period, now - _PERIODS * plan.period, now)
    except AwsError as error:
        return _unreadable(asked, error, insists=insists)
    return _seen(target, plan, past, insists=insists)


def _unreadable(asked: tuple[Comparison, ...], error: AwsError, *, insists: bool) -> Found:
    what = f"the metrics of both versions cannot be read: {error.message}"
    if insists:
        return (Finding(Level.BLOCK, _CHECK, what, error.hint or "Compare nothing: --compare none."),), asked
    return (Finding(Level.WARN, _CHECK, f"{what}; nothing is compared", error.hint),), ()


def _seen(target: Target, plan: Plan, past: History, *, insists: bool) -> Found:
    requests = sum(counts.requests for _, counts in past.periods)
    usual = tuple(_usual(one, plan, past) for one in plan.comparisons)
    if not requests:
        return _idle(target, plan, past, usual, insists=insists)
    findings = []
    for one, before in zip(usual, plan.comparisons, strict=True):
        findings.append(_described(one, plan, past))
        thin = _thin(before, plan, requests / len(past.periods))
        if thin is not None:
            said, hint = thin
            findings.append(Finding(Level.WARN, _CHECK, f"{one.name}: {said}", hint if insists else ""))
    if not insists:
        rate = requests / len(past.periods)
        usual = tuple(replace(one, min_requests=0) if _thin(one, plan, rate) else one for one in usual)
    return tuple(findings), usual


def _usual(one: Comparison, plan: Plan, past: History) -> Comparison:
    thresholds = slow_thresholds(plan.comparisons)
    history = [bad_of(one, counts, thresholds) for _, counts in past.periods]
    least = budget(history, one.tolerance / 100)
    return replace(one, dispersion=math.ceil(dispersion(history) * 100), budget=round(least * _MILLION))


def _idle(target: Target, plan: Plan, past: History, usual: tuple[Comparison, ...], *, insists: bool) -> Found:
    """Version and alias had no request in the whole time; the newest minutes, which may still change, not counted."""
    blind = insists and any(one.acts and one.min_requests for one in usual)
    level = Level.BLOCK if blind else Level.WARN
    until = past.periods[-1][0] + plan.period
    none = (
        f"had no request in the {format_duration(len(past.periods) * plan.period)} before {until:%H:%M:%S} UTC "
        "(newer ones are not counted yet)"
    )
    if past.alias_requests:
        what = f"version {plan.stable} {none}, though {target} had {past.alias_requests}"
        hint = "Look again when the stable version has had traffic for some minutes."
    elif past.function_requests:
        what = (
            f"{target} {none}, though its function had {past.function_requests}: its callers "
            "go around the alias, and neither a shift nor a rollback reaches them"
        )
        hint = f"Let callers invoke {target}."
    else:
        what = f"{target} {none}: there is nothing to compare"
        hint = (
            "If requests have only just begun, look again in some minutes; if there are none, say so with "
            "--min-requests 0, or compare nothing: --compare none."
        )
    if not blind:
        what = f"{what}; the judge objects only if requests come, and fail"
        usual = tuple(replace(one, min_requests=0) for one in usual)
    return (Finding(level, _CHECK, what, hint),), usual


def _thin(one: Comparison, plan: Plan, rate: float) -> tuple[str, str] | None:
    """Why the smallest stage will hardly show ``min_requests`` of the candidate within its bake, or None."""
    if not one.min_requests:
        return None
    stage = min((stage for stage in plan.stages if stage.weight < FULL), key=lambda stage: _expected(stage, plan, rate))
    expected, where = _expected(stage, plan, rate), f"{percent(stage.weight)} for {format_duration(stage.bake)}"
    if stage.bake < _VISIBLE_AFTER * plan.period:
        late = format_duration(_VISIBLE_AFTER * plan.period)
        return f"a stage of {format_duration(stage.bake)} is over before its metrics are there ({late})", "Bake longer."
    if expected < one.min_requests:
        return (
            f"{where} is about {expected:.0f} requests of the candidate, and {one.min_requests} are asked for",
            "Bake longer, take a larger first stage, or ask for fewer: --min-requests.",
        )
    return None


def _expected(stage: Stage, plan: Plan, rate: float) -> float:
    return rate * (stage.bake / plan.period) * stage.weight / FULL


def _described(one: Comparison, plan: Plan, past: History) -> Finding:
    thresholds = slow_thresholds(plan.comparisons)
    rows = [bad_of(one, counts, thresholds) for _, counts in past.periods]
    requests, bad = sum(n for n, _ in rows), sum(x for _, x in rows)
    span = format_duration(timedelta(seconds=len(rows) * plan.period.total_seconds()))
    together = f", about {one.dispersion / 100:.1f} at a time" if bad else ""
    return Finding(
        Level.OK, _CHECK, f"{one}; version {plan.stable} had {bad} of {requests} requests within {span}{together}"
    )
