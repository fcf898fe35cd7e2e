"""The few file operations durability rests on, each replaceable, so that tests can count, order and break them.

Directories are made for the owner alone (0700), files too (0600): a journal names people, accounts and releases.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# O_BINARY: without it Windows would turn every newline into two bytes, and every hash with it.
# O_NONBLOCK: opening a pipe in a journal's place would keep a rollback waiting until somebody wrote to it.
_ALWAYS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
READ = os.O_RDONLY | _ALWAYS
APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND | _ALWAYS
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _ALWAYS
REPLACE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _ALWAYS


class Disk:
    """The real file system; every method may raise OSError."""

    def make_directories(self, path: Path) -> None:
        """Make the directory and what leads to it, on the medium."""
        if path.is_dir():
            return
        self.make_directories(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        self.fsync_directory(path.parent)

    def open(self, path: Path, flags: int) -> int:
        """Open a file, for the owner alone if it is new."""
        return os.open(path, flags, 0o600)

    def close(self, fd: int) -> None:
        """Close a file."""
        os.close(fd)

    def size(self, fd: int) -> int:
        """The length of a file in bytes; a pipe has none."""
        found = os.fstat(fd)
        if stat.S_ISFIFO(found.st_mode):
            raise OSError(errno.ESPIPE, os.strerror(errno.ESPIPE))
        return found.st_size

    def read(self, fd: int, start: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``start``; fewer only where the file ends."""
        os.lseek(fd, start, os.SEEK_SET)
        parts: list[bytes] = []
        while length > 0 and (part := os.read(fd, length)):
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def write_all(self, fd: int, data: bytes) -> None:
        """Write everything, however many calls it takes."""
        while data:
            data = data[self.write(fd, data) :]

    def write(self, fd: int, data: bytes) -> int:
        """Write what the system takes at once; the number of bytes it took."""
        return os.write(fd, data)

    def truncate(self, fd: int, size: int) -> None:
        """Cut a file off."""
        os.ftruncate(fd, size)

    def fsync(self, fd: int) -> None:
        """Return when the file is on the medium."""
        if sys.platform == "darwin":
            import fcntl  # noqa: PLC0415 -- not on Windows

            with contextlib.suppress(OSError):  # not every file system has it
                # fsync(2) on macOS: the drive may still keep the data in its cache.
                fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
                return
        os.fsync(fd)

    def fsync_directory(self, path: Path) -> None:
        """Return when the names in a directory are on the medium; Windows has no such call and needs none."""
        if os.name == "nt":
            return
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
