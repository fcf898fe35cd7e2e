"""What the metrics of two versions say, period by period.

Rules this file guarantees: a period without a datapoint of requests is a period without requests only where the series
has others around it; that nothing at all was measured stays visible as no periods.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests of one version in one period; ``slow`` has one count for each latency threshold that was asked for."""

    requests: int = 0
    errors: int = 0
    throttles: int = 0
    slow: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Period:
    """One metric period of both versions.

    ``over`` when it has ended, though some of it may still arrive; ``closed`` when no more is expected.
    """

    at: datetime
    length: timedelta
    stable: Counts
    candidate: Counts
    closed: bool = True
    over: bool = True


@dataclass(frozen=True, slots=True)
class Point:
    """The value of one period; ``settled`` when no more is expected of it."""

    at: datetime
    value: float
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """What a series said lately, oldest first; ``trouble`` says why it could not be read."""

    points: tuple[Point, ...] = ()
    trouble: str = ""
