"""When the next request is due: an open loop at a steady rate, without a burst after a stall. Pure.

Rules this file guarantees: the average is the rate that was asked for; what a short stall missed is made up at no more
than twice the rate; what a stall of more than a second missed is given up.
"""

from __future__ import annotations

from dataclasses import dataclass

# Requests later than this are not made up: the machine slept, and nobody waits for them any more.
_FORGIVEN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """``interval`` seconds between requests; ``due`` is when the next one is; ``owed`` seconds are to be made up."""

    interval: float
    due: float
    owed: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next request."""
        return max(self.due - now, 0.0)

    def sent(self, now: float) -> Pace:
        """The pace after a request sent at ``now``."""
        owed = self.owed + max(now - self.due, 0.0)
        if owed > _FORGIVEN_SECONDS:
            return Pace(self.interval, now + self.interval)
        repaid = min(owed, self.interval / 2)
        return Pace(self.interval, max(now, self.due) + self.interval - repaid, owed - repaid)
