"""What is in a file that somebody named: all of it, or an error, but never a wait or more than fits in memory."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def contents(path: Path, most: int) -> bytes:
    """The file's bytes: up to ``most``, and one more if there are more.

    Raises:
        OSError: it cannot be read, or is a pipe or a device.
    """
    with open(path, "rb", opener=_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "It is a pipe or a device", str(path))
        return file.read(most + 1)


def _without_waiting(path: str, flags: int) -> int:
    """A pipe that nobody writes to is otherwise waited for, for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
