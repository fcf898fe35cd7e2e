"""When the next request is due: an open loop at a steady rate, without a burst after a stall. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """``interval`` seconds between requests; ``due`` is when the next one is."""

    interval: float
    due: float

    def wait(self, now: float) -> float:
        """Seconds until the next request."""
        return max(self.due - now, 0.0)

    def sent(self, now: float) -> Pace:
        """The pace after a request; one that is late by more than a second does not catch up."""
        following = self.due + self.interval
        return Pace(self.interval, following if now - following <= 1.0 else now + self.interval)
