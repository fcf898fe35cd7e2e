"""The real clock, and the signals that may cut its sleep short."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TextIO

from lambdaops.core.errors import ExitCode
from lambdaops.core.machine import Signal

if TYPE_CHECKING:
    from types import FrameType


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


@dataclass
class ProcessSignals:
    """Ctrl-C and SIGTERM as requests to a release.

    The first is noted, and the call in flight finishes. The second leaves at once: whoever sends it twice means it.
    """

    clock: SystemClock
    on_interrupt: Signal
    on_terminate: Signal
    err: TextIO
    _asked: tuple[Signal, str] | None = None

    def pending(self) -> tuple[Signal, str] | None:
        """The request, if there was one."""
        return self._asked

    def install(self) -> None:
        """Take the signals over from Python's defaults."""
        signal.signal(signal.SIGINT, self._handle)
        signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._asked is not None:
            # os.write and os._exit: the interpreter may be inside anything, and must not wait for it.
            os.write(2, b"\nleft at once; the alias stays as it is and the release stays open in the journal\n")
            os._exit(ExitCode.INTERRUPTED)
        wanted = self.on_interrupt if number == signal.SIGINT else self.on_terminate
        self._asked = (wanted, "Ctrl-C" if number == signal.SIGINT else "SIGTERM")
        self.clock.wake.set()


class NoSignals:
    """For operations that nobody steers."""

    def pending(self) -> tuple[Signal, str] | None:
        """Nothing, ever."""
        return None
