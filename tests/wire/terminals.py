"""A person's terminal for the real command: a pty of its own, with what was typed and shown on it."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.conftest import Shell

CTRL_C, CTRL_D = b"\x03", b"\x04"
# The command becomes the leader of a session with this terminal, as a login shell's command would be.
_TAKE = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


@dataclass
class Terminal:
    """What a person sees and types."""

    process: subprocess.Popen[bytes]
    keys: int
    _shown: bytearray = field(default_factory=bytearray)
    _closed: threading.Event = field(default_factory=threading.Event)
    _listener: threading.Thread | None = None

    @property
    def shown(self) -> str:
        return self._shown.decode("utf-8", "replace")

    @property
    def gone(self) -> bool:
        return self._closed.is_set()

    def type(self, keys: bytes) -> None:
        os.write(self.keys, keys)

    def sees(self, text: str, within: float = 15.0) -> None:
        """Wait until the text is there."""
        deadline = time.monotonic() + within
        while text not in self.shown:
            assert time.monotonic() < deadline, f"never saw {text!r}: {self.shown}"
            assert self.process.poll() is None or text in self.shown, f"it ended: {self.shown}"
            time.sleep(0.02)

    def ended(self, within: float = 20.0) -> int:
        """The exit code."""
        code = self.process.wait(within)
        if self._listener is not None and not self.gone:
            self._listener.join(2)  # the last of what it said
        return code

    def go_away(self) -> None:
        """Close the window."""
        self._closed.set()
        os.close(self.keys)

    def listen(self) -> None:
        """Take in what is shown, for as long as the terminal is there."""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            while data := os.read(self.keys, 65_536):
                self._shown += data


@contextmanager
def terminal(shell: Shell, *words: str) -> Iterator[Terminal]:
    """The command on a terminal."""
    keys, screen = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _TAKE, sys.executable, "-m", "lambdaops", *words],
        env={**shell.environment(), "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
        stdin=screen,
        stdout=screen,
        stderr=screen,
        start_new_session=True,
    )
    os.close(screen)
    made = Terminal(process, keys)
    made.listen()
    try:
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        made.ended()
        if not made.gone:
            os.close(keys)
