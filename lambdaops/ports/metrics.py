"""What the shell needs of CloudWatch's metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from lambdaops.core.errors import AwsError
from lambdaops.core.metric_gates import Metric
from lambdaops.core.series import Counts, Period, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Versions:
    """Whose metrics are asked for: two versions behind one alias; ``slow`` are the thresholds of slow requests."""

    function: str
    alias: str
    stable: str
    candidate: str
    slow: tuple[timedelta, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """What happened before a release: the stable version's periods, and the requests of its alias and its function.

    The requests are None where CloudWatch has no datapoint at all.
    """

    periods: tuple[tuple[datetime, Counts], ...]
    alias_requests: int | None
    function_requests: int | None


@dataclass(frozen=True, slots=True)
class Watched:
    """One gate on metrics as CloudWatch is asked for it: ``math`` over ``metrics``, whose ids are in it.

    ``over`` is how far back; the ids of the metrics are ``PREFIX_0``, ``PREFIX_1`` and so on.
    """

    name: str
    prefix: str
    math: str
    metrics: tuple[Metric, ...]
    period: timedelta
    over: timedelta


@dataclass(frozen=True, slots=True)
class Compared:
    """Which versions are compared, in periods of what length, from when on."""

    versions: Versions
    period: timedelta
    since: datetime


@dataclass(frozen=True, slots=True)
class MetricsSeen:
    """What one look at CloudWatch gave.

    ``periods`` of both versions, oldest first, whose last ones may still change (``closed`` is false); ``trouble`` is
    why those could not be read. ``readings`` go by the name of the gate.
    """

    periods: tuple[Period, ...] = ()
    readings: Mapping[str, Reading] = field(default_factory=dict)
    trouble: AwsError | None = None


class Metrics(Protocol):
    """What CloudWatch counted, per version that an alias invoked, and what else it is asked for."""

    def look(self, compared: Compared | None, watched: Sequence[Watched], now: datetime) -> MetricsSeen:
        """Everything a look needs, in one call.

        Raises:
            AwsError: denied, throttled, unreachable, or CloudWatch refuses what is asked.
        """

    def history(self, asked: Versions, period: timedelta, since: datetime, now: datetime) -> History:
        """The stable version's settled periods from ``since`` on.

        Raises:
            AwsError: as above.
        """
