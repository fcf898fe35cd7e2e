"""Locks between the processes of one machine.

The lock of a journal is taken for every record, so where the system has flock(2) it is called as it stands: filelock,
which does the same and copes with much that cannot happen here, took a third of the time of a record.

Rules this file guarantees: a lock is the operating system's, on an open file, so a process frees it however it dies;
the lock files stay, because removing one would let two processes lock two files of the same name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta
    from pathlib import Path

    from filelock import BaseFileLock

_POLL_SECONDS = 0.01


class LockHeldError(Exception):
    """Another process has the lock."""


def take(path: Path, wait: timedelta) -> BaseFileLock:
    """Lock a file, waiting for it at most so long.

    Raises:
        LockHeldError: somebody else has it still.
        OSError: the file cannot be made, or its file system knows no locks.
    """
    import filelock  # noqa: PLC0415 -- most commands only read

    # thread_local=False: whoever ends the release may give the lock back.
    lock: BaseFileLock = filelock.FileLock(path, timeout=wait.total_seconds(), mode=0o600, thread_local=False)
    try:
        lock.acquire(poll_interval=_POLL_SECONDS)
    except filelock.Timeout:
        raise LockHeldError from None
    except NotImplementedError as error:  # filelock 3
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK), str(path)) from error
    if isinstance(lock, filelock.SoftFileLock):  # filelock 4 falls back to a lock that outlives its process
        lock.release()
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK), str(path))
    return lock


@contextlib.contextmanager
def locked(path: Path, wait: timedelta, make_directory: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a file.

    Args:
        path: the file; it is made.
        wait: how long at most.
        make_directory: called if the file cannot be made for want of its directory: looking for that before every
            record costs more than the lock.

    Raises:
        LockHeldError: somebody else had it all the time.
        OSError: as :func:`take`.
    """
    if sys.platform == "win32":
        make_directory()
        lock = take(path, wait)
        try:
            yield
        finally:
            lock.release()
    else:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except (FileNotFoundError, NotADirectoryError):
            make_directory()  # raises, and says which part of the path it is, where there is a file in the way
            fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _flock(fd, wait)
            yield
        finally:
            os.close(fd)  # with it goes the lock


def _flock(fd: int, wait: timedelta) -> None:
    until: float | None = None
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            now = time.monotonic()
            until = now + wait.total_seconds() if until is None else until
            if now >= until:
                raise LockHeldError from None
            time.sleep(_POLL_SECONDS)
        else:
            return
