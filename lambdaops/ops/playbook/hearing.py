"""What a running step listens to: who began the run, who cancels it, the run's alarms, the step's own time.

Rules this file guarantees: a step that can be stopped is asked to hold, never torn away; an alarm that cannot be read
for a minute counts as one that objects; alarms are looked at every ten seconds at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.duration import format_duration
from lambdaops.core.errors import AwsError
from lambdaops.core.model import AlarmState
from lambdaops.core.states import Signal
from lambdaops.ports import Alarms, Clock, Signals

if TYPE_CHECKING:
    from lambdaops.core.model import AlarmReading

_LOOK_EVERY = timedelta(seconds=10)
_BLIND_FOR = timedelta(minutes=1)


@dataclass
class AlarmWatch:
    """The alarms that stop a whole run; ``objection`` says which does, once one does."""

    clock: Clock
    alarms: Alarms
    names: tuple[str, ...]
    objection: str = ""
    _looked: datetime | None = None
    _blind: datetime | None = None

    def look(self) -> str:
        """What objects, or nothing; looks only if it is time to."""
        now = self.clock.now()
        due = self._looked is None or not self._looked <= now < self._looked + _LOOK_EVERY
        if self.names and not self.objection and due:
            self._looked = now
            self.objection = self._seen(now)
        return self.objection

    def _seen(self, now: datetime) -> str:
        try:
            found = self.alarms.read_alarms(self.names)
        except AwsError as error:
            self._blind = self._blind or now
            if now - self._blind < _BLIND_FOR:
                return ""
            return f"the alarms could not be read for {format_duration(_BLIND_FOR)}: {error.message}"
        self._blind = None
        return objection_of(self.names, found)


def objection_of(names: tuple[str, ...], found: tuple[AlarmReading, ...]) -> str:
    """The first alarm that is missing or in ALARM, in words; nothing if none is."""
    by_name = {reading.name: reading for reading in found}
    for name in names:
        reading = by_name.get(name)
        if reading is None:
            return f"alarm {name} is missing"
        if reading.state is AlarmState.ALARM:
            since = f" since {reading.changed_at:%H:%M:%S}" if reading.changed_at else ""
            return f"alarm {name} is in ALARM{since}"
    return ""


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
