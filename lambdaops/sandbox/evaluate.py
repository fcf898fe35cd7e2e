"""CloudWatch alarm evaluation as a pure function: samples and a definition in, a state and its reason out.

Sources: CloudWatch user guide, "Using Amazon CloudWatch alarms" (evaluation, M out of N, missing data) and "Using
metric math". Periods are aligned to the clock. The period that is still open can only put an alarm into ALARM: its
value may still grow, so it acquits nobody.
"""

from __future__ import annotations

import ast
import math
import operator
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"

_COMPARE: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """``count`` values of ``value`` at ``at`` (epoch seconds)."""

    at: float
    value: float
    count: float = 1.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What an alarm asks: M of the last N periods beyond the threshold, and what a period without data means."""

    comparison: str
    threshold: float
    periods: int = 1
    datapoints: int = 1
    missing: str = "missing"


def statistic(samples: Sequence[Sample], name: str) -> float | None:
    """Sum, Average, Minimum, Maximum, SampleCount, or a percentile like p90; None without samples."""
    count = sum(sample.count for sample in samples)
    if not count:
        return None
    match name:
        case "SampleCount":
            return count
        case "Sum":
            return sum(sample.value * sample.count for sample in samples)
        case "Average":
            return sum(sample.value * sample.count for sample in samples) / count
        case "Minimum":
            return min(sample.value for sample in samples)
        case "Maximum":
            return max(sample.value for sample in samples)
        case _:
            return _percentile(samples, float(name[1:]), count)


def _percentile(samples: Sequence[Sample], rank: float, count: float) -> float:
    """The smallest value that at least ``rank`` per cent of the samples do not exceed."""
    needed, seen = max(rank / 100 * count, 1), 0.0
    ordered = sorted(samples, key=lambda sample: sample.value)
    for sample in ordered:
        seen += sample.count
        if seen >= needed:
            return sample.value
    return ordered[-1].value


def series(samples: Iterable[Sample], period: int, name: str) -> dict[int, float]:
    """Samples as one value a period, keyed by the period's start."""
    buckets: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        buckets[int(sample.at // period) * period].append(sample)
    values = {start: statistic(bucket, name) for start, bucket in buckets.items()}
    return {start: value for start, value in values.items() if value is not None}


def assess(rule: Rule, values: Mapping[int, float], period: int, now: float, state: str) -> tuple[str, str]:
    """The alarm's state at ``now`` and why; ``state`` is the one it is in."""
    compare, words = _COMPARE[rule.comparison]
    open_start = int(now // period) * period
    starts = [open_start - period * back for back in range(rule.periods)]
    newest = values.get(open_start)
    if newest is None or not compare(newest, rule.threshold):
        starts = [start - period for start in starts]
    found = [(start, values.get(start)) for start in starts]
    present = [(start, value) for start, value in found if value is not None]
    breaching = [(start, value) for start, value in present if compare(value, rule.threshold)]
    absent = len(found) - len(present)
    bad = len(breaching) + (absent if rule.missing == "breaching" else 0)
    if bad >= rule.datapoints:
        return ALARM, _crossed(rule, breaching, absent, words, f"{_count(rule.datapoints)} for OK -> ALARM")
    if rule.missing == "ignore" and absent:
        return state, "missing data was ignored"
    if not present and rule.missing == "missing":
        return INSUFFICIENT, f"Insufficient Data: {_count(absent)} {_were(absent)} unknown."
    fine = [point for point in present if point not in breaching]
    enough = _count(rule.periods - rule.datapoints + 1)
    return OK, _crossed(rule, fine, absent, f"not {words}", f"{enough} for ALARM -> OK")


def _crossed(rule: Rule, points: Sequence[tuple[int, float]], absent: int, words: str, least: str) -> str:
    """Why, in CloudWatch's words, as recorded on AWS."""
    if not points:
        treated = "Breaching" if rule.missing == "breaching" else "NonBreaching"
        filled = f"{absent} missing datapoint{'' if absent == 1 else 's'} {_were(absent)} treated as [{treated}]."
        periods = f"{rule.periods} period{'' if rule.periods == 1 else 's'}"
        none = f"no datapoints were received for {periods} and " if absent == rule.periods else ""
        return f"Threshold Crossed: {none}{filled}"
    shown = ", ".join(f"{value} ({datetime.fromtimestamp(start, UTC):%d/%m/%y %H:%M:%S})" for start, value in points)
    crossed = f"{_were(len(points))} {words} the threshold ({rule.threshold})"
    if rule.datapoints == rule.periods == len(points):
        return f"Threshold Crossed: {_count(len(points))} [{shown}] {crossed}."
    some = f"{len(points)} out of the last {rule.periods} datapoints"
    return f"Threshold Crossed: {some} [{shown}] {crossed} (minimum {least} transition)."


def _count(number: int) -> str:
    return "1 datapoint" if number == 1 else f"{number} datapoints"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


# -- metric math ----------------------------------------------------------------------------------------------------

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class MathError(ValueError):
    """An expression outside the part of metric math that is understood here."""


def calculate(expression: str, known: Mapping[str, Mapping[int, float]]) -> dict[int, float]:
    """One value a period from ``+ - * /``, comparisons, ``IF`` and ``FILL`` over other series.

    Raises:
        MathError: anything else.
    """
    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError as error:
        raise MathError(f"cannot read {expression!r}") from error
    starts = sorted({start for values in known.values() for start in values})
    results = {start: _value(tree, start, known) for start in starts}
    return {start: value for start, value in results.items() if value is not None and math.isfinite(value)}


def _value(node: ast.expr, start: int, known: Mapping[str, Mapping[int, float]]) -> float | None:
    match node:
        case ast.Constant(value=(int() | float()) as number):
            return float(number)
        case ast.Name(id=name) if name in known:
            return known[name].get(start)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _value(operand, start, known)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            one, other = _value(left, start, known), _value(right, start, known)
            if one is None or other is None or (isinstance(op, ast.Div) and other == 0):
                return None
            return _ARITHMETIC[type(op)](one, other)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            one, other = _value(left, start, known), _value(right, start, known)
            return None if one is None or other is None else float(_COMPARISONS[type(op)](one, other))
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            holds = _value(condition, start, known)
            return None if holds is None else _value(then if holds else otherwise, start, known)
        case ast.Call(func=ast.Name(id="FILL"), args=[inner_node, filler]):
            inner = _value(inner_node, start, known)
            return _value(filler, start, known) if inner is None else inner
        case _:
            raise MathError(f"{ast.unparse(node)!r} is not understood here")
