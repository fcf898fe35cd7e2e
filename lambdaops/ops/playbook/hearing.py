"""What a running step listens to: who began the run, who cancels it, the run's alarms, the step's own time.

Rules this file guarantees: a step that can be stopped is asked to hold, never torn away; alarms are looked at every
ten seconds at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lambdaops.core.states import Signal
from lambdaops.ops.stop_alarms import StopAlarms
from lambdaops.ports import Clock, Signals

_LOOK_EVERY = timedelta(seconds=10)


@dataclass
class AlarmWatch:
    """The alarms that stop a whole run; ``objection`` says which does, once one does."""

    clock: Clock
    alarms: StopAlarms
    objection: str = ""
    _looked: datetime | None = None

    def look(self) -> str:
        """What objects, or nothing; looks only if it is time to."""
        now = self.clock.now()
        if not self.objection and (self._looked is None or now >= self._looked + _LOOK_EVERY):
            self._looked = now
            self.objection = self.alarms.objection(now)
        return self.objection


@dataclass
class Hearing:
    """What one step listens to (``ports.Signals``).

    ``beat`` shows, each time, that the process is at work; ``cancelled`` is why the run is to end, or nothing.
    """

    clock: Clock
    signals: Signals
    watch: AlarmWatch
    beat: Callable[[], None]
    until: datetime | None = None
    cancelled: Callable[[], str] = str
    _told: tuple[Signal, str] | None = field(default=None, init=False)

    def listen(self) -> None:
        """The run listens already."""

    def pending(self) -> tuple[Signal, str] | None:
        """The newest request, and where it comes from."""
        self.beat()
        asked = self.signals.pending()
        if asked is not None:
            self._told = asked
        elif self.watch.look():
            self._told = (Signal.HOLD, self.watch.objection)
        elif why := self.cancelled():
            self._told = (Signal.HOLD, why)
        elif self.late:
            self._told = self._told or (Signal.HOLD, "the step's time is over")
        return self._told

    @property
    def late(self) -> bool:
        """Whether the step's time is over."""
        return self.until is not None and self.clock.now() >= self.until
