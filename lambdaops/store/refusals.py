"""What the operating system refuses, as our errors: what happened, why, and what to do about it."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidFileError, JournalUnwritableError
from lambdaops.store.locks import LockHeldError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ELSEWHERE = "or set LAMBDAOPS_HOME to a directory that can be written."
_HINT = f"Put the directory right, {_ELSEWHERE}"
_HINTS = {
    errno.ENOSPC: f"Free space on that disk, {_ELSEWHERE}",
    errno.EDQUOT: f"Free space in your quota, {_ELSEWHERE}",
    errno.EFBIG: f"Raise the limit on file size (ulimit -f), {_ELSEWHERE}",
    errno.EROFS: f"Mount it writable, {_ELSEWHERE}",
    errno.EACCES: f"Give yourself write permission, {_ELSEWHERE}",
    errno.EPERM: f"Give yourself write permission, {_ELSEWHERE}",
    errno.ENOTDIR: f"A file stands where a directory belongs: move it away, {_ELSEWHERE}",
    errno.EEXIST: f"A file stands where a directory belongs: move it away, {_ELSEWHERE}",
    errno.EISDIR: f"A directory stands where the journal belongs: move it away, {_ELSEWHERE}",
    errno.ESPIPE: f"A pipe stands where the journal belongs: move it away, {_ELSEWHERE}",
    errno.ELOOP: f"A link there leads to itself: move it away, {_ELSEWHERE}",
    errno.EIO: f"That disk is failing: see the system's log, {_ELSEWHERE}",
    errno.ESTALE: f"Mount that file system again, {_ELSEWHERE}",
    errno.ENOLCK: "That file system has no locks: set LAMBDAOPS_HOME to a directory on a local disk.",
}
_THE_OTHER = "or set LAMBDAOPS_HOME to the directory that holds the journals."
_HINTS_TO_READ = {
    errno.ENOTDIR: f"A file stands where a directory belongs: move it away, {_THE_OTHER}",
    errno.EISDIR: f"A directory stands where the journal belongs: move it away, {_THE_OTHER}",
    errno.ESPIPE: f"A pipe stands where the journal belongs: move it away, {_THE_OTHER}",
    errno.ELOOP: f"A link there leads to itself: move it away, {_THE_OTHER}",
    errno.EIO: f"That disk is failing: see the system's log, {_THE_OTHER}",
    errno.ESTALE: f"Mount that file system again, {_THE_OTHER}",
}


@contextlib.contextmanager
def unwritable(path: Path, target: str) -> Iterator[None]:
    """Turn what the operating system refuses into our error.

    Raises:
        JournalUnwritableError: with what, why and the next step.
    """
    try:
        yield
    except LockHeldError:
        raise JournalUnwritableError(
            f"{path}: the journal cannot be written: another process has kept it locked all the time",
            hint="See with ps whether a lambdaops process hangs or is stopped, and end it: that frees the lock.",
            target=target,
        ) from None
    except OSError as error:
        why = error.strerror or str(error)
        where = error.filename if error.filename and str(error.filename) != str(path) else ""
        raise JournalUnwritableError(
            f"{path}: the journal cannot be written: {why}{f' ({where})' if where else ''}",
            hint=_HINTS.get(error.errno or 0, _HINT),
            target=target,
        ) from error


def unreadable(path: Path, error: OSError) -> InvalidFileError:
    """The error for a journal or directory that is there and cannot be read."""
    return InvalidFileError(
        f"{path}: the journal cannot be read: {error.strerror or error}",
        hint=_HINTS_TO_READ.get(error.errno or 0, f"Give yourself read permission, {_THE_OTHER}"),
    )
