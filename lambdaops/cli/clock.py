"""The real clock; its sleep can be cut short."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdaops.core.machine import Signal


@dataclass
class SystemClock:
    """Wall time in UTC; a sleep ends early when ``wake`` is set."""

    wake: threading.Event = field(default_factory=threading.Event)

    def now(self) -> datetime:
        """The time of day."""
        return datetime.now(UTC)

    def sleep(self, duration: timedelta) -> None:
        """Wait, or until somebody signals."""
        if self.wake.wait(duration.total_seconds()):
            self.wake.clear()


class NoSignals:
    """For operations that nobody steers."""

    def pending(self) -> tuple[Signal, str] | None:
        """Nothing, ever."""
        return None
