"""How many messages may go now: a bucket that fills at the rate of the plan."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdaops.core.dlq.plan import Rate

_SECOND = timedelta(seconds=1)
_SHORTEST = timedelta(milliseconds=10)
_GRAIN = 1e-6


class Pace:
    """Takes what is asked for as far as the rate allows; what was not used goes back."""

    def __init__(self, rate: Rate | None, now: datetime) -> None:
        self._rate = rate
        self._full = max(1.0, rate.count * (_SECOND / rate.per)) if rate else 0.0
        self._there = float(rate.burst) if rate else 0.0
        self._at = now

    def take(self, now: datetime, wanted: int) -> int:
        """How many of those wanted may go now; they are taken."""
        if self._rate is None:
            return wanted
        self._fill(now)
        given = min(wanted, self._rate.burst, int(self._there + _GRAIN))
        self._there -= given
        return given

    def refund(self, unused: int) -> None:
        """Give back what was taken and not used."""
        if self._rate is not None:
            self._there = min(self._full, self._there + max(0, unused))

    def wait(self, now: datetime) -> timedelta:
        """How long until one may go."""
        if self._rate is None:
            return timedelta()
        self._fill(now)
        return max(_SHORTEST, self._rate.per * (1 - self._there) / self._rate.count)

    def _fill(self, now: datetime) -> None:
        assert self._rate is not None  # noqa: S101 -- for the type checker
        passed = max(timedelta(), now - self._at)
        self._at = now
        self._there = min(self._full, self._there + self._rate.count * (passed / self._rate.per))
