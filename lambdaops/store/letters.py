"""Files of letters: one JSON object a line.

Rules this file guarantees: a file is for its owner alone (0600); one that is there already is not written over unless
that was said, and then only by a whole one; what :meth:`LetterFile.keep` returned from is on the medium. A file that a
dump did not finish keeps ``.partial`` at the end of its name.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidFileError
from lambdaops.store.disk import NEW, Disk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

PARTIAL = ".partial"
_BLOCK = 1 << 20
# A letter is 1 MiB at most; escaped, with attributes in base64, not more than this.
_LONGEST = 16 << 20


@dataclass
class LetterFile:
    """A file that is being written (``ports.queues.Pages``).

    ``safe`` is for letters that exist nowhere else any more: it stands under its own name from the beginning.
    """

    path: Path
    force: bool = False
    safe: bool = False
    disk: Disk = field(default_factory=Disk)
    _at: Path = field(init=False)
    _fd: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._at = self.path if self.safe else self.path.with_name(self.path.name + PARTIAL)

    @property
    def name(self) -> str:
        """Where what was written is to be found."""
        return str(self._at)

    def open(self) -> None:
        """Make the file.

        Raises:
            InvalidFileError: it is there already, or cannot be made.
        """
        for taken in {self.path, self._at}:
            if os.path.lexists(taken) and (not self.force or taken.is_dir()):
                raise InvalidFileError(f"{taken} is there already", hint="Name another file, or add --force.")
        try:
            if self.force:
                self._at.unlink(missing_ok=True)
            self._fd = self.disk.open(self._at, NEW)
            self.disk.fsync_directory(self._at.parent)
        except OSError as error:
            raise _unwritable(self._at, error) from error

    def write(self, lines: Sequence[str]) -> None:
        """Write lines; on the medium only after :meth:`keep`.

        Raises:
            InvalidFileError: the disk is full, or broken.
        """
        assert self._fd is not None  # noqa: S101 -- opened first
        try:
            self.disk.write_all(self._fd, "".join(f"{line}\n" for line in lines).encode())
        except OSError as error:
            raise _unwritable(self._at, error) from error

    def keep(self) -> None:
        """Return when everything that was written is on the medium.

        Raises:
            InvalidFileError: it cannot be.
        """
        assert self._fd is not None  # noqa: S101 -- opened first
        try:
            self.disk.fsync(self._fd)
        except OSError as error:
            raise _unwritable(self._at, error) from error

    def finish(self) -> None:
        """Keep everything and give the file its own name.

        Raises:
            InvalidFileError: it cannot be.
        """
        self.keep()
        try:
            self._at.replace(self.path)
            self.disk.fsync_directory(self.path.parent)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._at = self.path

    def close(self) -> None:
        """Give the file back; its name says whether it was finished."""
        if self._fd is not None:
            with contextlib.suppress(OSError):  # what matters was kept, or is an error already
                self.disk.close(self._fd)
            self._fd = None


@dataclass(frozen=True)
class LetterLines:
    """A file that is read (``ports.queues.Lines``), as often as it is asked for."""

    path: Path

    @property
    def name(self) -> str:
        """As it was named."""
        return str(self.path)

    def read(self) -> Iterator[tuple[int, str]]:
        """Every line that is not blank, with its number.

        Raises:
            InvalidFileError: it is not there, unreadable, not UTF-8, or has a line that no letter can be.
        """
        try:
            with self.path.open("rb") as file:
                number = 0
                while line := file.readline(_LONGEST):
                    number += 1
                    if len(line) == _LONGEST:
                        raise InvalidFileError(f"{self.path}:{number}: longer than any letter can be")
                    if text := _decoded(self.path, number, line).strip(" \t\r\n"):
                        yield number, text
        except FileNotFoundError as error:
            raise InvalidFileError(f"{self.path} is not there", hint="Check the name.") from error
        except OSError as error:
            raise InvalidFileError(f"{self.path} cannot be read: {error.strerror or error}") from error


def _decoded(path: Path, number: int, line: bytes) -> str:
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise InvalidFileError(f"{path}:{number}:{error.start + 1}: not UTF-8") from error


def beside(path: Path) -> Path:
    """The path, or the first one beside it that is free: what a purge that was cut off wrote is kept."""
    names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(2))
    return next(one for one in itertools.chain((path,), names) if not os.path.lexists(one))


def own_files(path: Path, since: datetime) -> tuple[bool, bool]:
    """Whether what stands under this name was written since then, and whether that is a whole dump with letters.

    A dump that was cut off leaves its ``.partial`` only.
    """
    partial = path.with_name(path.name + PARTIAL)
    if os.path.lexists(path):
        written = path.stat()
        ours = written.st_mtime >= since.timestamp()
        return ours, ours and written.st_size > 0
    return partial.exists() and partial.stat().st_mtime >= since.timestamp(), False


def _unwritable(path: Path, error: OSError) -> InvalidFileError:
    return InvalidFileError(
        f"{path} cannot be written: {error.strerror or error}",
        hint="Name a file in a directory with room and permission.",
    )
