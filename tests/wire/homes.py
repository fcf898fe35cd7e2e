"""Homes in which no journal can be written, or read: each is broken as it breaks for people."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lambdaops.store.disk import Disk

ACCOUNT = "000000000000/eu-central-1"


@dataclass(frozen=True)
class Trouble:
    """A way to break the home of a function's journals; ``says`` is what the warning must say of it, in any case."""

    name: str
    broken: Callable[[Path, str], AbstractContextManager[None]]
    says: str

    def __str__(self) -> str:
        return self.name


def journal_of(home: Path, function: str) -> Path:
    return home / "journal" / ACCOUNT / function / "live.jsonl"


@contextmanager
def _home_is_a_file(home: Path, function: str) -> Iterator[None]:
    home.write_text("something else")
    yield


@contextmanager
def _file_above(home: Path, function: str) -> Iterator[None]:
    home.mkdir()
    (home / "journal").write_text("something else")
    yield


@contextmanager
def _directory_for_journal(home: Path, function: str) -> Iterator[None]:
    journal_of(home, function).mkdir(parents=True)
    yield


@contextmanager
def _fifo_for_journal(home: Path, function: str) -> Iterator[None]:
    path = journal_of(home, function)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    yield


@contextmanager
def _symlink_loop(home: Path, function: str) -> Iterator[None]:
    path = journal_of(home, function)
    path.parent.mkdir(parents=True)
    path.symlink_to(path)
    yield


@contextmanager
def _junk(home: Path, function: str) -> Iterator[None]:
    path = journal_of(home, function)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x00\xff\xfe junk \n" * 50)
    yield


@contextmanager
def _other_version(home: Path, function: str) -> Iterator[None]:
    path = journal_of(home, function)
    path.parent.mkdir(parents=True)
    path.write_text('{"v": 99}\n')
    yield


@contextmanager
def _mounted(where: Path, *words: str) -> Iterator[None]:
    done = subprocess.run(["mount", *words, str(where)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine does not let us mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)


@contextmanager
def _frozen(path: Path) -> Iterator[None]:
    """Read-only even to root."""
    with _mounted(path, "--bind", str(path)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(path)], check=True)
        yield


@contextmanager
def _read_only(home: Path, function: str) -> Iterator[None]:
    journal_of(home, function).parent.mkdir(parents=True)
    with _frozen(home):
        yield


@contextmanager
def _read_only_file(home: Path, function: str) -> Iterator[None]:
    path = journal_of(home, function)
    path.parent.mkdir(parents=True)
    path.touch()
    with _frozen(path):
        yield


@contextmanager
def _full(home: Path, function: str) -> Iterator[None]:
    home.mkdir()
    with _mounted(home, "-t", "tmpfs", "-o", "size=64k", "none"):
        journal_of(home, function).parent.mkdir(parents=True)
        with contextlib.suppress(OSError), (home / "ballast").open("wb", buffering=0) as ballast:
            while ballast.write(b"x" * 4096):
                pass
        yield


@contextmanager
def _locked(home: Path, function: str) -> Iterator[None]:
    lock = journal_of(home, function).with_suffix(".lock")
    lock.parent.mkdir(parents=True)
    holds = "import sys, time, filelock; x = filelock.FileLock(sys.argv[1]); x.acquire(); print('held', flush=True)"
    process = subprocess.Popen([sys.executable, "-c", f"{holds}; time.sleep(600)", str(lock)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield
    finally:
        process.kill()
        process.communicate()


TROUBLES = (
    Trouble("home is a file", _home_is_a_file, "A file stands where a directory belongs"),
    Trouble("file in the way", _file_above, "A file stands where a directory belongs"),
    Trouble("journal is a directory", _directory_for_journal, "A directory stands where the journal belongs"),
    Trouble("journal is a pipe", _fifo_for_journal, "A pipe stands where the journal belongs"),
    Trouble("journal is a link to itself", _symlink_loop, "Too many levels of symbolic links"),
    Trouble("binary junk", _junk, "line 1"),
    Trouble("another version's journal", _other_version, "version"),
    Trouble("read-only home", _read_only, "Mount it writable"),
    Trouble("read-only journal", _read_only_file, "Mount it writable"),
    Trouble("full disk", _full, "Free space on that disk"),
    Trouble("locked by a process that hangs", _locked, "another process has kept it locked"),
)


@dataclass
class BrokenDisk(Disk):
    """Refuses one operation with one error, as long as it lives."""

    operation: str
    number: int
    met: int = field(default=0)

    def open(self, path: Path, flags: int) -> int:
        self._refuse("open")
        return super().open(path, flags)

    def read(self, fd: int, start: int, length: int) -> bytes:
        self._refuse("read")
        return super().read(fd, start, length)

    def write(self, fd: int, data: bytes) -> int:
        self._refuse("write")
        return super().write(fd, data)

    def fsync(self, fd: int) -> None:
        self._refuse("fsync")
        super().fsync(fd)

    def _refuse(self, operation: str) -> None:
        if operation == self.operation:
            self.met += 1
            raise OSError(self.number, os.strerror(self.number))


BROKEN = (
    ("open", errno.EROFS),
    ("open", errno.EACCES),
    ("open", errno.ESTALE),
    ("read", errno.EIO),
    ("write", errno.ENOSPC),
    ("write", errno.EDQUOT),
    ("write", errno.EIO),
    ("fsync", errno.EIO),
)
"""What refuses, and with which error."""
