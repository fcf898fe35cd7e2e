"""A clock that only moves when somebody sleeps, and records how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# With microseconds, as real clocks have them: whatever loses them somewhere makes times unequal.
START = datetime(2026, 11, 23, 3, 0, 0, 123_457, tzinfo=UTC)


class SimClock:
    """Time as the test wants it; ``at`` hooks run when the clock passes their moment."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self.slept: list[timedelta] = []
        self._hooks: list[tuple[datetime, Callable[[], None]]] = []

    def now(self) -> datetime:
        return self._now

    def sleep(self, duration: timedelta) -> None:
        assert duration >= timedelta(), f"slept {duration}"
        self.slept.append(duration)
        self.advance(duration)

    def interrupt(self) -> None:
        """Nobody waits here."""

    def advance(self, duration: timedelta) -> None:
        until = self._now + duration
        for moment, hook in sorted((pair for pair in self._hooks if pair[0] <= until), key=lambda pair: pair[0]):
            self._hooks.remove((moment, hook))
            self._now = max(self._now, moment)
            hook()
        self._now = until

    def after(self, seconds: float, hook: Callable[[], None]) -> None:
        """Run ``hook`` when this much more time has passed."""
        self._hooks.append((self._now + timedelta(seconds=seconds), hook))

    def step_back(self, seconds: float) -> None:
        """An operator or NTP sets the clock back."""
        self._now -= timedelta(seconds=seconds)
