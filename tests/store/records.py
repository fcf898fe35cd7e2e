"""Entries to write in tests, and a disk that tells what is done to it."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.events import Decided, Entry, Intent, Landed
from lambdaops.core.model import Actor, Routing
from lambdaops.core.states import Ready
from lambdaops.store.disk import Disk
from lambdaops.store.framing import GENESIS, canonical, frame, head

if TYPE_CHECKING:
    from pathlib import Path

    from lambdaops.core.events import Event

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live"
OTHER = "arn:aws:lambda:eu-west-1:123456789012:function:orders:beta"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
ACTOR = Actor("arn:aws:sts::123456789012:assumed-role/deploy/ann", "ci-7", "run-1")


def intent(op: int = 1, reason: str = "stage 1 of 2") -> Intent:
    return Intent(op, Routing("1"), Routing("1", "2", 1000), "rev-a", reason, Ready(NOON))


EVENTS: tuple[Event, ...] = (
    Decided(Ready(NOON), "preflight passed"),
    intent(),
    Landed(1, Routing("1", "2", 1000), "rev-b"),
    Decided(Ready(NOON), 'naïve "quotes"\n\u2028 and 🚀'),
)


def entry(seq: int, event: Event | None = None, target: str = ARN) -> Entry:
    at = NOON + timedelta(seconds=seq)
    return Entry(seq, at, target, "r-1", ACTOR, event or EVENTS[(seq - 1) % len(EVENTS)])


def chained(*entries: Entry, prev: str = GENESIS) -> list[bytes]:
    """The lines of these entries, each following the one before."""
    lines = []
    for one in entries:
        lines.append(frame(one, prev).line)
        prev = head(lines[-1])
    return lines


def lines_of(count: int) -> list[bytes]:
    return chained(*(entry(seq) for seq in range(1, count + 1)))


def rewritten(line: bytes, **changes: object) -> bytes:
    """The line of somebody who knows how sums are made."""
    record = {key: value for key, value in {**json.loads(line), **changes}.items() if key != "sum"}
    return canonical({**record, "sum": head(canonical(record))}) + b"\n"


@dataclass
class TellingDisk(Disk):
    """The real disk, with what was done to it in order; ``room`` is how many bytes may still be written."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    bytes_read: int = 0
    room: int | None = None
    most_at_once: int | None = None
    fsync_fails: bool = False

    def open(self, path: Path, flags: int) -> int:
        fd = super().open(path, flags)
        self.names[fd] = path.name
        return fd

    def read(self, fd: int, start: int, length: int) -> bytes:
        data = super().read(fd, start, length)
        self.bytes_read += len(data)
        return data

    def write(self, fd: int, data: bytes) -> int:
        if self.room is not None:
            if self.room == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            data = data[: self.room]
            self.room -= len(data)
        taken = super().write(fd, data[: self.most_at_once])
        self.calls.append(("write", self.names[fd]))
        return taken

    def truncate(self, fd: int, size: int) -> None:
        super().truncate(fd, size)
        self.calls.append(("truncate", self.names[fd]))

    def fsync(self, fd: int) -> None:
        if self.fsync_fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().fsync(fd)
        self.calls.append(("fsync", self.names[fd]))

    def fsync_directory(self, path: Path) -> None:
        super().fsync_directory(path)
        self.calls.append(("fsync-directory", path.name))
