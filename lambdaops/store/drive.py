"""The right to drive one alias's releases, move one queue's messages or delete one function's versions: lock and note.

Rules this file guarantees: the lock decides and ends with its process, however that dies; a home that several hosts
share may not have locks between hosts, so a fresh heartbeat from another host is believed as well; a note whose lock is
free tells of a process that died. Asking who drives writes nothing and disturbs nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from lambdaops.core.errors import (
    FunctionBusyError,
    LambdaOpsError,
    PlaybookInProgressError,
    RedriveInProgressError,
    ReleaseInProgressError,
)
from lambdaops.ports import SILENT_AFTER, Lease
from lambdaops.store.disk import REPLACE, Disk
from lambdaops.store.locks import LockHeldError, take
from lambdaops.store.refusals import unwritable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from filelock import BaseFileLock

    from lambdaops.store.places import Place

_BEAT_EVERY = timedelta(seconds=2)
# Somebody who only asks who drives holds the lock for a moment; who drives keeps it.
_LONGEST_WAIT = timedelta(seconds=1)


class FileDrive:
    """A context that holds the right (``ports.Drive``)."""

    def __init__(
        self, place: Place, home: Path, release: str, *, disk: Disk, now: Callable[[], datetime], wait: timedelta
    ) -> None:
        self._place = place
        self._name = place.name
        self._path, self._note = _paths(place, home)
        self._release = release
        self._disk = disk
        self._now = now
        self._wait = min(wait, _LONGEST_WAIT)
        self._lock: BaseFileLock | None = None
        self._beat: datetime | None = None

    def __enter__(self) -> Self:
        """Take it, and say who has it.

        Raises:
            ReleaseInProgressError, RedriveInProgressError, FunctionBusyError: another live process has it.
            JournalUnwritableError: the lock's file cannot be made.
        """
        with unwritable(self._path, self._name):
            try:
                self._disk.make_directories(self._path.parent)
                self._lock = take(self._path, self._wait)
            except LockHeldError:
                raise held(self._place, _noted(self._note)) from None
        other = _noted(self._note)
        if other is not None and other.host != socket.gethostname() and _fresh(other, self._now()):
            self._release_lock()
            raise held(self._place, other)
        with contextlib.suppress(OSError):  # the lock holds without it
            self._write_note()
        return self

    def __exit__(self, *exc: object) -> None:
        """Give it back."""
        with contextlib.suppress(OSError):
            self._note.unlink()
        self._release_lock()

    def beat(self) -> None:
        """Move the note's time stamp on, at most every two seconds."""
        now = self._now()
        if self._beat is not None and self._beat <= now < self._beat + _BEAT_EVERY:
            return
        self._beat = now
        with contextlib.suppress(OSError):
            os.utime(self._note, (now.timestamp(), now.timestamp()))

    def _release_lock(self) -> None:
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
        self.beat()


def held(place: Place, lease: Lease | None) -> LambdaOpsError:
    """The error for whoever wants a right that another process has."""
    name = place.name
    if place.queue:
        return RedriveInProgressError(
            f"messages of {name} are being moved already: by {_who(lease, 'run')}",
            hint=f"See it with lambdaops dlq status {name}; steer it with lambdaops dlq pause, resume or cancel.",
            target=name,
        )
    if place.playbook:
        run = place.alias.partition("@")[2]
        if not run:
            return PlaybookInProgressError(
                f"playbook {name} is being begun by another process: {_who(lease, 'run')}",
                hint="Run the same command again in a moment.",
                target=name,
            )
        return PlaybookInProgressError(
            f"run {run} of playbook {name} is being driven already: by {_who(lease, 'run')}",
            hint=f"See it with lambdaops playbook status {run}; end it with lambdaops playbook cancel {run}.",
            target=run,
        )
    if not place.alias:
        return FunctionBusyError(
            f"versions or event sources of {name} are being changed already: by {_who(lease, 'run')}",
            hint=f"Wait until it is through, then run the same command again; lambdaops halt {name} stops an unhalt.",
            target=name,
        )
    return ReleaseInProgressError(
        f"a release of {name} is being driven already: by {_who(lease)}",
        hint=f"Watch it with lambdaops status {name} --watch; steer it with lambdaops promote, pause, resume or abort; "
        f"lambdaops rollback {name} ends it and undoes it.",
        target=name,
    )


def lease_of(place: Place, home: Path, now: Callable[[], datetime]) -> Lease | None:
    """Who drives releases of this alias, or died while doing so; None when nobody does."""
    lock, note = _paths(place, home)
    noted = _noted(note)
    live = _is_locked(lock)
    if live is None:  # it cannot be tried: a home that is read-only to us
        live = noted is not None and (
            _exists(noted.pid) if noted.host == socket.gethostname() else _fresh(noted, now())
        )
    if noted is None:
        return Lease(0, "", None, "", None, live=True) if live else None
    live = live or (noted.host != socket.gethostname() and _fresh(noted, now()))
    return Lease(noted.pid, noted.host, noted.since, noted.release, noted.beat, live=live)


def _paths(place: Place, home: Path) -> tuple[Path, Path]:
    return place.file(home, ".driver"), place.file(home, ".driver.json")


def _noted(path: Path) -> Lease | None:
    """The note as it stands; None when there is none or it is half written."""
    try:
        note = json.loads(path.read_bytes())
        since = datetime.fromisoformat(note["since"])
        beat = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return Lease(int(note["pid"]), str(note["host"]), since, str(note["release"]), beat, live=False)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_locked(path: Path) -> bool | None:
    """Whether somebody holds the lock; None if that cannot be found out."""
    if not path.exists():
        return False
    try:
        take(path, timedelta()).release()
    except LockHeldError:
        return True
    except OSError:
        return None
    return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _fresh(lease: Lease, now: datetime) -> bool:
    return lease.beat is not None and abs(now - lease.beat) < SILENT_AFTER


def _who(lease: Lease | None, what: str = "release") -> str:
    if lease is None:
        return "a process that left no note"
    who = f"pid {lease.pid} on {lease.host} since {lease.since:%FT%TZ}"
    return f"{who}, {what} {lease.release}" if lease.release else who
