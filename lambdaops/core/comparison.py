"""What of the candidate is compared with the stable version: which measure, how much worse it may be, how sure we are.

Rules this file guarantees: the text of a comparison reads back as the same comparison; several comparisons of one
release share its ``alpha``, so that the chance of a false objection is bounded for the release as a whole.
"""

from __future__ import annotations

import difflib
import enum
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache

from lambdaops.core.duration import format_duration, parse_duration
from lambdaops.core.errors import InvalidComparisonError

NO_COMPARISON = "none"
DEFAULT_COMPARISONS = "errors"
DEFAULT_TOLERANCE = 150
DEFAULT_ALPHA = 100
DEFAULT_MIN_REQUESTS = 20
PERIOD = timedelta(minutes=1)
"""Lambda publishes its metrics once a minute (Lambda developer guide, "Types of metrics for Lambda functions")."""

_MOST = 10
_SLOWEST = timedelta(minutes=15)
"""A function runs for 15 minutes at most (Lambda quotas)."""
_LONGEST_PERIOD = timedelta(hours=1)
_HIGH_RESOLUTION = (1, 5, 10, 30)
"""GetMetricData: a period is 1, 5, 10 or 30 seconds, or a multiple of 60 (CloudWatch API reference)."""


class Measure(enum.Enum):
    """What makes a request a bad one."""

    ERRORS = "errors"
    THROTTLES = "throttles"
    LATENCY = "latency"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One question to the judge; its numbers are whole, as everything that the journal holds.

    ``slower_than`` is what makes a request a slow one (latency alone). ``tolerance`` is the candidate's rate of bad
    requests in per cent of the stable version's; ``alpha`` the chance of a false objection in the whole release, in
    basis points. ``min_requests`` of the candidate must be seen in a stage before it may end. ``dispersion`` says how
    many bad requests usually come together, in hundredths. Under ``budget``, in bad requests per million, the judge may
    end a stage of an adaptive release early. ``acts`` is false for one that is only reported.
    """

    measure: Measure
    slower_than: timedelta = timedelta()
    tolerance: int = DEFAULT_TOLERANCE
    alpha: int = DEFAULT_ALPHA
    min_requests: int = DEFAULT_MIN_REQUESTS
    dispersion: int = 100
    budget: int = 10_000
    acts: bool = True

    @property
    def name(self) -> str:
        """How people write it: ``errors``, ``latency:800ms``."""
        return _name(self.measure, self.slower_than)

    def __str__(self) -> str:
        text = f"{self.name} at most {self.tolerance / 100:g} x"
        return text if self.acts else f"{text} (observed only)"


def parse_comparisons(text: str) -> tuple[Comparison, ...]:
    """Read ``errors,throttles,latency:800ms``; ``none`` compares nothing.

    Raises:
        InvalidComparisonError: an unknown measure, a latency without a time, one that is named twice.
    """
    if text.strip() == NO_COMPARISON:
        return ()
    parts = [part.strip() for part in text.split(",")]
    found = tuple(_parse(part, text) for part in parts)
    names = [comparison.name for comparison in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidComparisonError(f"{text!r} names {name} twice", hint="Name each measure once.")
    if len(found) > _MOST:
        raise InvalidComparisonError(f"{text!r} has more than {_MOST} comparisons", hint="Name fewer.")
    return found


def share_alpha(comparisons: tuple[Comparison, ...]) -> tuple[Comparison, ...]:
    """Divide each one's alpha among those that act: then the release as a whole keeps it (Bonferroni)."""
    acting = max(1, sum(comparison.acts for comparison in comparisons))
    return tuple(replace(comparison, alpha=max(1, comparison.alpha // acting)) for comparison in comparisons)


def parse_tolerance(text: str) -> int:
    """Read how many times as many bad requests are tolerated: ``1.5`` is 150 per cent.

    Raises:
        InvalidComparisonError: not a number of at least 1 and at most 100.
    """
    return _number(text, "a tolerance", 100, 1, 100, "Write how many times as many are tolerated, for instance 1.5.")


def parse_alpha(text: str) -> int:
    """Read the chance of a false objection: ``0.01`` is 100 basis points.

    Raises:
        InvalidComparisonError: not a number from 0.0001 to 0.5.
    """
    return _number(text, "an alpha", 10_000, 0.0001, 0.5, "Write the chance of a false objection, for instance 0.01.")


def parse_min_requests(text: str) -> int:
    """Read how many requests the candidate must have had.

    Raises:
        InvalidComparisonError: not a whole number of at most a million.
    """
    return _number(text, "a number of requests", 1, 0, 1_000_000, "Write a whole number, for instance 50.")


def parse_period(text: str) -> timedelta:
    """Read the length of a metric period: ``60s``, or shorter ones that high-resolution metrics have.

    Raises:
        InvalidComparisonError: not a length that CloudWatch has.
        InvalidDurationError: not a duration.
    """
    period = parse_duration(text)
    seconds = int(period.total_seconds())
    if seconds not in _HIGH_RESOLUTION and (seconds % 60 or not timedelta() < period <= _LONGEST_PERIOD):
        raise InvalidComparisonError(
            f"{text!r} is not a period of CloudWatch's", hint="Write 1s, 5s, 10s, 30s, or whole minutes: 1m."
        )
    return period


def _number(text: str, what: str, unit: int, least: float, most: float, hint: str) -> int:
    try:
        number = float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text) else None
    except ValueError:
        number = None
    if number is None or not least <= number <= most or (unit == 1 and not number.is_integer()):
        raise InvalidComparisonError(f"{text!r} is not {what} from {least:g} to {most:g}", hint=hint)
    return round(number * unit)


def _parse(part: str, text: str) -> Comparison:
    name, colon, rest = part.partition(":")
    try:
        measure = Measure(name)
    except ValueError:
        near = difflib.get_close_matches(name, [known.value for known in Measure], n=1)
        hint = f"Did you mean {near[0]}?" if near else "Compare errors, throttles and latency:TIME, or none."
        raise InvalidComparisonError(f"{part!r} in {text!r} cannot be compared", hint=hint) from None
    if measure is not Measure.LATENCY:
        if colon:
            raise InvalidComparisonError(f"{name} in {text!r} takes no {rest!r}", hint=f"Write {name} alone.")
        return Comparison(measure)
    found = re.fullmatch(r"([0-9]{1,6})ms", rest)
    slower_than = timedelta(milliseconds=int(found[1])) if found else parse_duration(rest)
    if not timedelta() < slower_than <= _SLOWEST:
        raise InvalidComparisonError(
            f"{part!r} in {text!r} is not a time that a function may take",
            hint="Say what makes a request a slow one: latency:800ms.",
        )
    return Comparison(measure, slower_than)


@cache
def _name(measure: Measure, slower_than: timedelta) -> str:
    """Asked for at every period of every gate."""
    return f"{measure.value}:{_milliseconds(slower_than)}" if measure is Measure.LATENCY else measure.value


def _milliseconds(duration: timedelta) -> str:
    exact = duration / timedelta(milliseconds=1)
    return format_duration(duration) if exact % 1000 == 0 else f"{exact:.0f}ms"
