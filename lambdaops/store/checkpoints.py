"""Checkpoints as files: a directory of numbered ones, or a single one to hand over.

Rules this file guarantees: a file is there as a whole or not at all, under its name only once it is on the medium, and
never in the place of another.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from lambdaops.core.audit.checkpoint import BadCheckpointError, from_bytes, name_of, number_of
from lambdaops.core.errors import CheckpointExistsError, CheckpointUnwritableError, InvalidFileError
from lambdaops.store.disk import NEW, READ, REPLACE, Disk

_HINT = "Give a directory that can be written: --to DIRECTORY."
_EXISTS_HINT = "It is never written over, so give another name; lambdaops audit verify --against {where} checks it."


@dataclass(frozen=True)
class CheckpointDirectory:
    """Numbered checkpoints in a directory (``ports.audit.Checkpoints``)."""

    path: Path
    disk: Disk = field(default_factory=Disk)
    complete: bool = True

    @property
    def where(self) -> str:
        """The directory."""
        return str(self.path)

    def numbers(self) -> tuple[int, ...]:
        """The numbers of the files; none if there is no directory yet."""
        try:
            names = [entry.name for entry in self.path.iterdir()]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _unreadable(self.path, error) from error
        return tuple(sorted(number for name in names if (number := number_of(name)) is not None))

    def read(self, number: int) -> bytes:
        """The content of a file."""
        return _read(self.path / name_of(number), self.disk)

    def write(self, number: int, data: bytes) -> None:
        """Make the file, and the directory."""
        _write(self.path / name_of(number), data, self.disk, self.where)


@dataclass(frozen=True)
class CheckpointFile:
    """A single checkpoint: not part of a chain here, or one of a chain that is elsewhere."""

    path: Path
    disk: Disk = field(default_factory=Disk)
    complete: bool = False

    @property
    def where(self) -> str:
        """The file."""
        return str(self.path)

    def numbers(self) -> tuple[int, ...]:
        """The number it says of itself; 1 if it cannot be read as a checkpoint."""
        try:
            return (from_bytes(_read(self.path, self.disk)).number,)
        except BadCheckpointError:
            return (1,)

    def read(self, number: int) -> bytes:  # noqa: ARG002 -- there is one
        """Its content."""
        return _read(self.path, self.disk)

    def write(self, number: int, data: bytes) -> None:  # noqa: ARG002 -- there will be one
        """Make the file."""
        _write(self.path, data, self.disk, self.where)


def checkpoints_at(path: Path, disk: Disk | None = None) -> CheckpointDirectory | CheckpointFile:
    """What a path means: a name that ends in ``.json`` is one file."""
    kind = CheckpointFile if path.suffix == ".json" and not path.is_dir() else CheckpointDirectory
    return kind(path, disk or Disk())


@dataclass(frozen=True)
class FileNotes:
    """What this machine remembers, in ``<home>/checkpoints/`` (``ports.audit.Notes``)."""

    home: Path
    disk: Disk = field(default_factory=Disk)

    def recall(self, where: str) -> tuple[int, str] | None:
        """The newest checkpoint that was written from here to this place; None when nothing is remembered."""
        try:
            note = json.loads(self._path(where).read_bytes())
            number, digest = note["number"], note["digest"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return (number, digest) if type(number) is int and isinstance(digest, str) else None

    def remember(self, where: str, number: int, digest: str) -> None:
        """Write it down."""
        path = self._path(where)
        note = json.dumps({"where": where, "number": number, "digest": digest}).encode()
        with contextlib.suppress(OSError):  # the checkpoint stands without it
            self.disk.make_directories(path.parent)
            fd = self.disk.open(path, REPLACE)
            try:
                self.disk.write_all(fd, note)
            finally:
                self.disk.close(fd)

    def _path(self, where: str) -> Path:
        return self.home / "checkpoints" / f"{sha256(where.encode()).hexdigest()[:32]}.json"


def _read(path: Path, disk: Disk) -> bytes:
    try:
        fd = disk.open(path, READ)
        try:
            return disk.read(fd, 0, disk.size(fd))
        finally:
            disk.close(fd)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> InvalidFileError:
    return InvalidFileError(
        f"{path}: checkpoints cannot be read there: {error.strerror or error}",
        hint="Give the directory or file that lambdaops audit checkpoint wrote.",
    )


def _write(path: Path, data: bytes, disk: Disk, where: str) -> None:
    begun = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        disk.make_directories(path.parent)
        try:
            _fill(begun, data, disk)
            try:
                os.link(begun, path)  # fails where a file is; renaming would replace it
            except FileExistsError:
                raise
            except OSError:  # a file system without links: a memory stick, say
                _fill(path, data, disk)
        finally:
            begun.unlink(missing_ok=True)
        disk.fsync_directory(path.parent)
    except FileExistsError:
        raise CheckpointExistsError(f"{path} exists already", hint=_EXISTS_HINT.format(where=where)) from None
    except OSError as error:
        raise CheckpointUnwritableError(
            f"{path}: the checkpoint cannot be written: {error.strerror or error}", hint=_HINT
        ) from error


def _fill(path: Path, data: bytes, disk: Disk) -> None:
    fd = disk.open(path, NEW)
    try:
        try:
            disk.write_all(fd, data)
            disk.fsync(fd)
        finally:
            disk.close(fd)
    except OSError:
        path.unlink()
        raise
