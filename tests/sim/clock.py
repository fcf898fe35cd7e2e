"""A clock that only moves when somebody sleeps, and records how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# With microseconds, as real clocks have them: whatever loses them somewhere makes times unequal.
START = datetime(2026, 11, 23, 3, 0, 0, 123_457, tzinfo=UTC)


class SimClock:
    """Time as the test wants it; ``at`` hooks run when the clock passes their moment."""

    def __init__(self, start: datetime = START) -> None:
        self._passed = start  # as a clock that nobody sets would tell it
        self._behind = timedelta()
        self.slept: list[timedelta] = []
        self._hooks: list[tuple[datetime, Callable[[], None]]] = []

    def now(self) -> datetime:
        return self._passed - self._behind

    def sleep(self, duration: timedelta) -> None:
        assert duration >= timedelta(), f"slept {duration}"
        self.slept.append(duration)
        self.advance(duration)

    def interrupt(self) -> None:
        """Nobody waits here."""

    def advance(self, duration: timedelta) -> None:
        until = self._passed + duration
        for moment, hook in sorted((pair for pair in self._hooks if pair[0] <= until), key=lambda pair: pair[0]):
            self._hooks.remove((moment, hook))
            self._passed = max(self._passed, moment)
            hook()
        self._passed = until

    def after(self, seconds: float, hook: Callable[[], None]) -> None:
        """Run ``hook`` when this much more time has passed."""
        self._hooks.append((self._passed + timedelta(seconds=seconds), hook))

    def step_back(self, seconds: float) -> None:
        """An operator or NTP sets the clock back."""
        self._behind += timedelta(seconds=seconds)


@dataclass
class Machine:
    """The clock of one machine: as the world's, and by ``behind`` set back."""

    world: SimClock
    behind: timedelta = timedelta()

    def now(self) -> datetime:
        return self.world.now() - self.behind

    def sleep(self, duration: timedelta) -> None:
        self.world.sleep(duration)

    def interrupt(self) -> None:
        """Nobody waits here."""
