"""Ctrl-C, SIGTERM and a terminal that went away, as requests to a running release.

Rules this file guarantees: the first signal is noted, and the call in flight finishes; the same one again leaves at
once, because whoever sends it twice means it; another one is another request (CI systems send SIGINT, then SIGTERM),
but none takes back a rollback that was asked for and is not heard yet. A hang-up never leaves at once: shells and
kernel send it twice for one closed terminal, and nobody is there to mean it.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lambdaops.core.errors import ExitCode
from lambdaops.core.states import Signal

if TYPE_CHECKING:
    from types import FrameType

    from lambdaops.ports import Clock

_HANGUP: int | None = getattr(signal, "SIGHUP", None)  # not on Windows


@dataclass
class ProcessSignals:
    """What the signals of this process ask for (``ports.Signals``); a hang-up asks for what SIGTERM does."""

    clock: Clock
    on_interrupt: Signal
    on_terminate: Signal
    left: str = "left at once; the alias stays as it is and the release stays open in the journal"
    _asked: tuple[Signal, str] | None = None
    _seen: set[int] = field(default_factory=set)

    def pending(self) -> tuple[Signal, str] | None:
        """The newest request, if there was one."""
        return self._asked

    def listen(self) -> None:
        """Take the signals over from Python's defaults; who started us with nohup keeps hang-ups ignored."""
        signal.signal(signal.SIGINT, self._handle)
        signal.signal(signal.SIGTERM, self._handle)
        if _HANGUP is not None and signal.getsignal(_HANGUP) is not signal.SIG_IGN:
            signal.signal(_HANGUP, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number in self._seen:
            if number == _HANGUP:
                return
            # os.write and os._exit: the interpreter may be inside anything, and must not wait for it.
            with contextlib.suppress(OSError):  # nobody reads it
                os.write(2, f"\n{self.left}\n".encode())
            os._exit(ExitCode.INTERRUPTED)
        self._seen.add(number)
        if number == _HANGUP and self._asked is not None:
            return  # it is being done already; a held release must not be taken back because its person left
        wanted = self.on_interrupt if number == signal.SIGINT else self.on_terminate
        if self._asked is None or self._asked[0] is not Signal.ROLLBACK:
            self._asked = (wanted, _name(number))
        self.clock.interrupt()


def _name(number: int) -> str:
    if number == _HANGUP:
        return "the terminal went away (SIGHUP)"
    return "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
