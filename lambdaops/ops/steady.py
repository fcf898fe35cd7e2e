"""A clock for waits and deadlines: as the clock it is made from, but never back.

Rules this file guarantees: while the other clock is set back (by NTP, by a person), this one stands still for that
moment and then goes on with it, so that nothing that was to be looked at every second is left alone for an hour.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lambdaops.ports import Clock


@dataclass
class Steady:
    """A ``Clock``; may be read from several threads."""

    clock: Clock
    _seen: datetime | None = field(default=None, init=False)
    _ahead: timedelta = field(default=timedelta(), init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def now(self) -> datetime:
        """The time of the other clock, and by how much that one was set back since."""
        with self._lock:
            now = self.clock.now()
            if self._seen is not None and now < self._seen:
                self._ahead += self._seen - now
            self._seen = now
            return now + self._ahead

    def sleep(self, duration: timedelta) -> None:
        """Wait; return early when interrupted."""
        self.clock.sleep(duration)

    def interrupt(self) -> None:
        """End the sleep in progress, or the next one."""
        self.clock.interrupt()
