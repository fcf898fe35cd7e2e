"""The right to drive releases of one alias from this machine, and who has it.

Rules this file guarantees: the lock decides, without waiting, and ends with its process; the note beside it, written
once the lock is had, informs people and decides nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import ReleaseInProgressError
from lambdaops.store.disk import REPLACE, Disk
from lambdaops.store.locks import LockHeldError, take
from lambdaops.store.refusals import unwritable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from filelock import BaseFileLock

    from lambdaops.store.places import Place

_AT_ONCE = timedelta(0)


class FileDrive:
    """A context that holds the right (``ports.Drive``)."""

    def __init__(self, place: Place, home: Path, release: str, *, disk: Disk, now: Callable[[], datetime]) -> None:
        self._name = place.name
        self._path = place.file(home, ".driver")
        self._note = place.file(home, ".driver.json")
        self._release = release
        self._disk = disk
        self._now = now
        self._lock: BaseFileLock | None = None

    def __enter__(self) -> None:
        """Take it, without waiting, and say who has it.

        Raises:
            ReleaseInProgressError: another live process has it.
            JournalUnwritableError: the lock's file cannot be made.
        """
        with unwritable(self._path, self._name):
            try:
                self._disk.make_directories(self._path.parent)
                self._lock = take(self._path, _AT_ONCE)
            except LockHeldError:
                raise self._held() from None
        with contextlib.suppress(OSError):  # the lock holds without it
            self._write_note()

    def __exit__(self, *exc: object) -> None:
        """Give it back."""
        with contextlib.suppress(OSError):
            self._note.unlink()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _write_note(self) -> None:
        note = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": f"{self._now().astimezone(UTC):%FT%TZ}",
            "release": self._release,
        }
        fd = self._disk.open(self._note, REPLACE)
        try:
            self._disk.write_all(fd, json.dumps(note).encode())
        finally:
            self._disk.close(fd)

    def _held(self) -> ReleaseInProgressError:
        return ReleaseInProgressError(
            f"a release of {self._name} is being driven already: by {self._holder()}",
            hint=f"lambdaops status {self._name} shows it; lambdaops rollback {self._name} ends it and undoes it.",
            target=self._name,
        )

    def _holder(self) -> str:
        try:
            note = json.loads(self._note.read_bytes())
            who = f"pid {note['pid']} on {note['host']} since {note['since']}"
            return f"{who}, release {note['release']}" if note["release"] else who
        except (OSError, ValueError, KeyError, TypeError):
            return "a process that left no note"
