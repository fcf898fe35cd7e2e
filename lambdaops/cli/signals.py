"""Ctrl-C and SIGTERM as requests to a running release."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.errors import ExitCode
from lambdaops.core.states import Signal

if TYPE_CHECKING:
    from types import FrameType

    from lambdaops.ports import Clock


@dataclass
class ProcessSignals:
    """Ctrl-C and SIGTERM as requests to a release.

    The first is noted, and the call in flight finishes. The second leaves at once: whoever sends it twice means it.
    """

    clock: Clock
    on_interrupt: Signal
    on_terminate: Signal
    _asked: tuple[Signal, str] | None = None

    def pending(self) -> tuple[Signal, str] | None:
        """The request, if there was one."""
        return self._asked

    def listen(self) -> None:
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
        self.clock.interrupt()
