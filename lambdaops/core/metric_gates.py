"""CloudWatch metrics and metric math as gates: what is read, beyond which threshold it objects, for how many periods.

Rules this file guarantees: the text of a gate reads back as the same gate; an expression names no series but those that
are written out in it; placeholders are filled in after the text is understood, so that no name changes what is asked.
"""

from __future__ import annotations

import difflib
import enum
import operator
import re
import shlex
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.comparison import PERIOD, parse_period
from lambdaops.core.duration import format_duration
from lambdaops.core.errors import InvalidMetricError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PLACEHOLDERS = ("function", "alias", "environment", "stable", "candidate")
MOST_METRICS = 20
_MOST_PERIODS = 100
_MOST_SERIES = 20
_LONGEST = 2_048  # "Expression: length constraints: maximum length of 2048" (CloudWatch API reference)
_HINT = "Write NAME: [NAMESPACE METRIC STAT DIMENSION=VALUE ...] > 5 for 3."
_GATE = re.compile(
    r"(?P<name>[^:\[\]]*):(?P<expression>.*[^<>=\s])\s*(?P<beyond>>=|<=|>|<)\s*(?P<threshold>[^<>=\s]+)"
    r"(?:\s+for\s+(?P<periods>\S+))?(?:\s+every\s+(?P<period>\S+))?\s*",
    re.DOTALL,
)
_NAME = re.compile(r"[^\x00-\x1f\x7f:,\[\]]{1,100}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_BRACKET = re.compile(r"""\[(?:[^\[\]"']|"[^"]*"|'[^']*')*\]""")
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
_IDENTIFIER = re.compile(r"(?<![\w.])[a-z]\w*")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_QUERY = re.compile(r"\s*SELECT\s")  # Metrics Insights
# CloudWatch user guide, "Statistics definitions".
_STATS = ("Sum", "Average", "Minimum", "Maximum", "SampleCount", "IQM")
_STAT = re.compile(r"p[0-9]{1,3}(\.[0-9]+)?|(tm|wm|tc|ts)[0-9.]+|(TM|WM|TC|TS|PR)\([0-9.%]*:[0-9.%]*\)")


class Beyond(enum.Enum):
    """On which side of the threshold a value objects."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="

    def holds(self, value: float, threshold: float) -> bool:
        """Whether the value is beyond the threshold."""
        return _COMPARED[self](value, threshold)


_COMPARED: dict[Beyond, Callable[[float, float], bool]] = {
    Beyond.ABOVE: operator.gt,
    Beyond.AT_LEAST: operator.ge,
    Beyond.BELOW: operator.lt,
    Beyond.AT_MOST: operator.le,
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One series of CloudWatch: exactly these dimensions, and the statistic over each period."""

    namespace: str
    name: str
    stat: str
    dimensions: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        words = (self.namespace, self.name, self.stat, *(f"{key}={value}" for key, value in self.dimensions))
        return f"[{' '.join(_quoted(word) for word in words)}]"


@dataclass(frozen=True, slots=True)
class MetricGate:
    """Objects when ``expression`` is ``beyond`` the ``threshold`` for so many ``periods`` of this ``period``.

    In the expression stand metrics, each in brackets, and metric math over them; or a Metrics Insights query. The
    threshold is kept as it was written. ``acts`` is false for one that is only reported.
    """

    name: str
    expression: str
    beyond: Beyond
    threshold: str
    periods: int = 1
    period: timedelta = PERIOD
    acts: bool = True

    def __str__(self) -> str:
        often = f" for {self.periods}" if self.periods > 1 else ""
        text = f"{self.name}: {self.expression} {self.condition}{often} every {format_duration(self.period)}"
        return text if self.acts else f"{text} (observed only)"

    @property
    def condition(self) -> str:
        """``> 5``."""
        return f"{self.beyond.value} {self.threshold}"

    @property
    def queries(self) -> bool:
        """Whether it is a query of Metrics Insights, which finds its series by itself."""
        return _QUERY.match(self.expression) is not None

    @property
    def grows(self) -> bool:
        """Whether more data can only bring the value nearer to objecting: then a period that is not over may object.

        The sum of what is counted grows, as the highest value does. An average, or a quotient of two series of which
        one has come in, may swing back.
        """
        math, metrics = parts(self.expression)
        if len(metrics) != 1 or not math.isidentifier():
            return False
        rising = self.beyond in (Beyond.ABOVE, Beyond.AT_LEAST)
        return metrics[0].stat in (("Sum", "SampleCount", "Maximum") if rising else ("Minimum",))

    def objects(self, value: float) -> bool:
        """Whether this value is beyond the threshold."""
        return self.beyond.holds(value, float(self.threshold))

    def names(self, placeholder: str) -> bool:
        """Whether the expression speaks of this version."""
        return f"{{{placeholder}}}" in self.expression


def parts(expression: str, prefix: str = "g") -> tuple[str, tuple[Metric, ...]]:
    """An expression as metric math over ids, ``PREFIX_0`` and so on, and the metrics that these stand for.

    Raises:
        InvalidMetricError: brackets that hold no metric, or a name that stands for none.
    """
    metrics: list[Metric] = []

    def named(found: re.Match[str]) -> str:
        metric = _metric(found[0])
        if metric not in metrics:
            metrics.append(metric)
        return f"{prefix}_{metrics.index(metric)}"

    math = _BRACKET.sub(named, expression).strip()
    if len(metrics) > _MOST_SERIES:
        raise InvalidMetricError(f"{expression!r} has more than {_MOST_SERIES} metrics", hint="Make several gates.")
    if _QUERY.match(expression):
        return math, tuple(metrics)
    ids = {f"{prefix}_{number}" for number in range(len(metrics))}
    for word in _IDENTIFIER.findall(_QUOTED.sub("", math)):
        if word not in ids:
            raise InvalidMetricError(f"{word!r} in {expression!r} stands for no metric", hint=_HINT)
    if not metrics and "SEARCH" not in math:
        raise InvalidMetricError(f"{expression!r} reads no metric", hint=_HINT)
    return math, tuple(metrics)


def filled(gate: MetricGate, names: Mapping[str, str], prefix: str = "g") -> tuple[str, tuple[Metric, ...]]:
    """The gate's math and metrics with the placeholders filled in; as :func:`parts`."""
    math, metrics = parts(gate.expression, prefix)
    return _fill(math, names), tuple(
        Metric(
            _fill(metric.namespace, names),
            _fill(metric.name, names),
            metric.stat,
            tuple((key, _fill(value, names)) for key, value in metric.dimensions),
        )
        for metric in metrics
    )


def parse_metric(text: str, period: timedelta = PERIOD) -> MetricGate:
    """Read ``NAME: EXPRESSION > 5 [for PERIODS] [every PERIOD]``.

    Args:
        text: the gate; metrics of its expression stand in brackets: ``[AWS/SQS NumberOfMessagesSent Sum QueueName=q]``.
        period: what holds where the text says none.

    Raises:
        InvalidMetricError: the text is not like that.
        InvalidComparisonError, InvalidDurationError: the period is none of CloudWatch's.
    """
    found = _GATE.fullmatch(text)
    if found is None:
        raise InvalidMetricError(f"{text!r} is not a metric with a threshold", hint=_HINT)
    own = found["period"]
    return metric_gate(
        found["name"].strip(),
        found["expression"].strip(),
        f"{found['beyond']} {found['threshold']}",
        found["periods"] or "1",
        parse_period(own) if own else period,
    )


def metric_gate(name: str, expression: str, condition: str, periods: str, period: timedelta) -> MetricGate:
    """A gate of its parts.

    Raises:
        InvalidMetricError: one of them cannot be.
    """
    if not _NAME.fullmatch(name):
        raise InvalidMetricError(
            f"{name!r} cannot be the name of a gate", hint="Up to 100 characters, without colons, commas or brackets."
        )
    if len(expression) > _LONGEST:
        raise InvalidMetricError(f"{name}: the expression is longer than {_LONGEST} characters", hint="Shorten it.")
    parts(expression)
    beyond, threshold = _condition(condition, name)
    if not re.fullmatch(r"[0-9]{1,3}", periods) or not 1 <= int(periods) <= _MOST_PERIODS:
        raise InvalidMetricError(
            f"{name}: {periods!r} is not a number of periods", hint=f"A whole number from 1 to {_MOST_PERIODS}."
        )
    return MetricGate(name, expression, beyond, threshold, int(periods), period)


def distinct(gates: tuple[MetricGate, ...], taken: tuple[str, ...] = ()) -> tuple[MetricGate, ...]:
    """The gates, if no two have one name and there are not too many; ``taken`` are names of other gates.

    Raises:
        InvalidMetricError: otherwise.
    """
    names = [*taken, *(gate.name for gate in gates)]
    for gate in gates:
        if names.count(gate.name) > 1:
            raise InvalidMetricError(f"two gates are called {gate.name!r}", hint="Give one another name.")
    if len(gates) > MOST_METRICS:
        raise InvalidMetricError(f"there are more than {MOST_METRICS} metrics", hint="Make an alarm of some.")
    return gates


def observed(gates: tuple[MetricGate, ...], names: frozenset[str]) -> tuple[MetricGate, ...]:
    """The gates, those of these names only reported."""
    return tuple(replace(gate, acts=gate.acts and gate.name not in names) for gate in gates)


def _condition(text: str, name: str) -> tuple[Beyond, str]:
    found = re.fullmatch(r"\s*(>=|<=|>|<)\s*(\S+)\s*", text)
    if found is None or not _NUMBER.fullmatch(found[2]):
        raise InvalidMetricError(
            f"{name}: {text!r} is not a threshold", hint="Write >, >=, < or <= and a number: > 5, or < 0.5."
        )
    return Beyond(found[1]), found[2]


def _metric(text: str) -> Metric:
    try:
        words = shlex.split(text[1:-1])
    except ValueError:
        words = []
    if len(words) < 3:  # noqa: PLR2004 -- namespace, name, statistic
        raise InvalidMetricError(f"{text} is not a metric", hint=_HINT)
    namespace, name, stat, *rest = words
    if stat not in _STATS and not _STAT.fullmatch(stat):
        near = difflib.get_close_matches(stat.title(), _STATS, n=1, cutoff=0.5)
        raise InvalidMetricError(
            f"{stat!r} in {text} is not a statistic",
            hint=f"Did you mean {near[0]}?" if near else f"Take {', '.join(_STATS)}, or a percentile like p99.",
        )
    dimensions = []
    for word in rest:
        key, equals, value = word.partition("=")
        if not (key and equals and value):
            raise InvalidMetricError(f"{word!r} in {text} is not a dimension", hint="Write NAME=VALUE.")
        dimensions.append((key, value))
    for placeholder in _PLACEHOLDER.findall(text):
        if placeholder not in PLACEHOLDERS:
            known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
            raise InvalidMetricError(
                f"{{{placeholder}}} in {text} is a placeholder that nothing fills in", hint=f"There are {known}."
            )
    return Metric(namespace, name, stat, tuple(dimensions))


def _fill(text: str, names: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: names.get(found[1], found[0]), text)


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[^\s\"'\[\]\\]+", word) else shlex.quote(word)
