"""Simulated requests: a steady rate, split as the alias was at the start of each period, failing at given rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lambdaops.core.model import FULL, Routing
from lambdaops.core.series import Counts

_NOTHING = Counts(0, 0, 0, (0,))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def floor(moment: datetime, period: timedelta) -> datetime:
    return moment - (moment - _EPOCH) % period


@dataclass
class Traffic:
    """``rate`` requests a minute; ``bad`` and ``slow`` are shares per version, or functions of time that give them.

    ``moved`` is the history of the alias; ``past_alias`` and ``past_function`` are requests that no version counts.
    """

    routing: Routing
    rate: int = 0
    bad: dict[str, float | Callable[[datetime], float]] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    moved: list[tuple[datetime, Routing]] = field(default_factory=list)
    past_alias: int | None = None
    past_function: int | None = None

    def counts(self, at: datetime, version: str, period: timedelta) -> Counts:
        """What one version served in the period from ``at`` on; whole numbers, by a rule without chance."""
        if not self.rate:
            return _NOTHING
        routing = next((routing for since, routing in reversed(self.moved) if since <= at), self.routing)
        number = int((at - _EPOCH) / period)
        served = self._part(self.rate * (period / timedelta(minutes=1)) * routing.share(version) / FULL, number)
        share = self.bad.get(version, 0.0)
        errors = self._part(served * (share(at) if callable(share) else share), number)
        slow = self._part(served * self.slow.get(version, 0.0), number)
        return Counts(served, errors, 0, (slow,))

    @staticmethod
    def _part(expected: float, number: int) -> int:
        """Of many periods, as many as expected: the fraction is carried over."""
        return int(expected * (number % 1000 + 1)) - int(expected * (number % 1000))
