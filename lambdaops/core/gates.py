"""Gates: readings in, verdicts with reasons out.

Rules this file guarantees: no data is never success; an alarm that left OK and came back between two looks counts as
having objected; an ignored alarm is reported and never acts; a gate that cannot be read is an error, not a pass, and so
is an alarm that CloudWatch itself cannot evaluate.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.duration import format_duration
from lambdaops.core.model import AlarmReading, AlarmState, Finding, Level

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from lambdaops.core.plan import Plan


_MISSET, _BROKEN = "EVALUATION_ERROR", "EVALUATION_FAILURE"
"""EvaluationState: "configuration errors in alarm setup that require review", and "temporary CloudWatch issues". The
third one, PARTIAL_DATA, may last for good, where an alarm has more series than it may look at (botocore's model)."""


class Verdict(enum.IntEnum):
    """What a gate says; ordered, so the worst of several is their ``max``."""

    PASS = 0
    INCONCLUSIVE = 1
    ERROR = 2
    FAIL = 3


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate at one look; ``acts`` is false for a gate that is only reported.

    ``detail`` are numbers that change at every look. ``waits_for`` is what a gate that passes must still see before a
    stage may end. ``judges`` marks a comparison, which ``acquits`` when it has seen enough for a stage to end early.
    """

    name: str
    verdict: Verdict
    reason: str
    acts: bool = True
    detail: str = ""
    waits_for: str = ""
    judges: bool = False
    acquits: bool = False


def worst(results: Sequence[GateResult]) -> tuple[Verdict, str]:
    """The verdict of all gates together and the reason of the first that gave it; no gate at all passes."""
    acting = [result for result in results if result.acts]
    if not acting:
        return Verdict.PASS, "no gate objects"
    first = max(acting, key=lambda result: result.verdict)  # max keeps the first of equals
    if first.verdict is Verdict.PASS:
        return Verdict.PASS, f"{len(acting)} of {len(acting)} gates pass"
    return first.verdict, first.reason


def unfinished(results: Sequence[GateResult]) -> str:
    """What an acting gate must still see before a stage may end; empty when none does."""
    return next((result.waits_for for result in results if result.acts and result.waits_for), "")


def acquitted(results: Sequence[GateResult]) -> bool:
    """Whether every gate that could acquit does, and there is one."""
    judged = [result for result in results if result.acts and result.judges]
    return bool(judged) and all(result.acquits for result in judged)


def unreadable(names: Sequence[str], why: str) -> tuple[GateResult, ...]:
    """The results when the alarms could not be read at all."""
    return tuple(GateResult(name, Verdict.ERROR, f"{name}: cannot be read: {why}") for name in names)


def assess_alarms(
    names: Sequence[str],
    before: Sequence[AlarmReading],
    now: Sequence[AlarmReading],
    ignored: Collection[str] = (),
) -> tuple[GateResult, ...]:
    """Judge every alarm that is named.

    Args:
        names: the alarms to watch.
        before: the previous look, at first the one taken when the operation began.
        now: this look.
        ignored: those of them that are only reported.
    """
    earlier = {reading.name: reading for reading in before}
    current = {reading.name: reading for reading in now}
    return tuple(_assess(name, earlier.get(name), current.get(name), ignored=name in ignored) for name in names)


def _assess(name: str, before: AlarmReading | None, now: AlarmReading | None, *, ignored: bool) -> GateResult:
    if now is None:
        verdict, reason = Verdict.ERROR, f"{name}: no longer exists"
    elif now.state is AlarmState.ALARM:
        was = f" (was {before.state.value} before)" if before and before.state is not now.state else ""
        verdict, reason = Verdict.FAIL, f"{name}: ALARM{_since(now.changed_at)}{was}"
    elif now.state is AlarmState.INSUFFICIENT_DATA:
        verdict, reason = Verdict.INCONCLUSIVE, f"{name}: INSUFFICIENT_DATA{_since(now.changed_at)}"
    elif _flapped(before, now):
        verdict, reason = (
            Verdict.FAIL,
            f"{name}: left OK and came back{_at(now.changed_at)}, between two looks",
        )
    elif now.evaluation in (_MISSET, _BROKEN):
        verdict, reason = (
            Verdict.ERROR,
            f"{name}: CloudWatch cannot evaluate it ({now.evaluation}), so its OK is an old one",
        )
    else:
        verdict, reason = Verdict.PASS, f"{name}: OK"
    if ignored:
        return GateResult(name, verdict, f"{reason} (ignored)", acts=False)
    return GateResult(name, verdict, reason)


def _flapped(before: AlarmReading | None, now: AlarmReading) -> bool:
    """OK at both looks, yet its state changed in between: two changes, and we saw neither.

    It may only have lacked data for a moment. Nothing says so, and a release takes no benefit from a doubt.
    """
    if before is None or before.state is not AlarmState.OK or before.changed_at is None or now.changed_at is None:
        return False
    return now.changed_at > before.changed_at


def _since(moment: datetime | None) -> str:
    return f" since {moment:%H:%M:%S}" if moment else ""


def _at(moment: datetime | None) -> str:
    return f" at {moment:%H:%M:%S}" if moment else ""


def preflight_alarms(plan: Plan, readings: Sequence[AlarmReading]) -> tuple[Finding, ...]:
    """What the alarms say before the first write: a missing one and one already in ALARM block."""
    if not plan.alarms:
        if any(one.acts for one in plan.comparisons) or any(gate.acts for gate in plan.metrics):
            return ()
        return (
            Finding(
                Level.WARN,
                "alarms",
                "no alarm and no metric watches this release and nothing is compared: nothing but time separates its "
                "stages",
                "Name alarms with --alarm NAME, or let --compare errors judge.",
            ),
        )
    current = {reading.name: reading for reading in readings}
    return tuple(_preflight(plan, name, current.get(name)) for name in plan.alarms)


def _preflight(plan: Plan, name: str, reading: AlarmReading | None) -> Finding:
    if reading is None:
        return Finding(
            Level.BLOCK,
            "alarms",
            f"alarm {name} does not exist in this account and region",
            "Check the spelling and the region: aws cloudwatch describe-alarms lists them.",
        )
    what = f"{reading.kind.value} alarm {name} is {reading.state.value}{_since(reading.changed_at)}"
    if name in plan.ignored:
        return Finding(Level.WARN, "alarms", f"{what}, ignored for this release")
    match reading.state:
        case AlarmState.ALARM:
            return Finding(
                Level.BLOCK,
                "alarms",
                f"{what}: it would roll the release back at once",
                f"Wait until it is OK, or release the fix with --ignore-alarm {name}.",
            )
        case AlarmState.INSUFFICIENT_DATA:
            return Finding(
                Level.WARN,
                "alarms",
                f"{what}: no data is not success, so the release waits for it at most {format_duration(plan.patience)}",
                "Let the alarm treat missing data as notBreaching if silence is healthy.",
            )
        case AlarmState.OK:
            return _evaluated(plan, reading, what)


def _evaluated(plan: Plan, reading: AlarmReading, what: str) -> Finding:
    """An alarm that is OK, if CloudWatch is able to notice when it is not."""
    if not reading.evaluation:
        return Finding(Level.OK, "alarms", what)
    if reading.evaluation == _MISSET:
        return Finding(
            Level.BLOCK,
            "alarms",
            f"{what}, but CloudWatch cannot evaluate it ({_MISSET}): it would never object",
            f"Its StateReason tells why: aws cloudwatch describe-alarms --alarm-names {reading.name}",
        )
    if reading.evaluation == _BROKEN:
        wait = f"the release waits for it at most {format_duration(plan.patience)}"
        return Finding(Level.WARN, "alarms", f"{what}, but CloudWatch cannot evaluate it now ({_BROKEN}): {wait}")
    return Finding(Level.WARN, "alarms", f"{what}, on a part of its data ({reading.evaluation})")
