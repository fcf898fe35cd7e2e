"""The real clock; its sleep can be cut short."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdaops.core.states import Signal


@dataclass
class SystemClock:
    """Wall time in UTC."""

    _woken: threading.Event = field(default_factory=threading.Event)

    def now(self) -> datetime:
        """The time of day."""
        return datetime.now(UTC)

    def sleep(self, duration: timedelta) -> None:
        """Wait, or until interrupted."""
        if self._woken.wait(duration.total_seconds()):
            self._woken.clear()

    def interrupt(self) -> None:
        """End the sleep in progress, or the next one."""
        self._woken.set()


class NoSignals:
    """For operations that nobody steers."""

    def listen(self) -> None:
        """Leave the signals as they are."""

    def pending(self) -> tuple[Signal, str] | None:
        """Nothing, ever."""
        return None
