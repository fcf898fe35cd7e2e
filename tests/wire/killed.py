"""The real command in a process that kills or stops itself at a chosen moment of a chosen journal append.

``python -m tests.wire.killed SIGNAL NUMBER MOMENT WORDS...`` runs ``lambdaops WORDS...`` and sends itself SIGKILL or
SIGSTOP at the append of that number, counted over all journals. Nothing in the product knows of it: the disk that the
journals write to is given from outside. The clock hurries, so that a stage takes no time; everything else is as users
have it. ``KILLED_AHEAD`` is by how many seconds it comes after whoever was killed before.
"""

from __future__ import annotations

import enum
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.cli.env import Env
from lambdaops.cli.main import main
from lambdaops.store.disk import APPEND, Disk
from lambdaops.store.files import FileJournals
from lambdaops.store.journal import FileJournal
from lambdaops.store.places import Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lambdaops.core.events import Entry, Event
    from lambdaops.core.model import Actor


class Moment(enum.StrEnum):
    """When, within an append."""

    BEFORE = "before"
    TORN = "torn"
    WRITTEN = "written"
    AFTER = "after"


@dataclass
class HurryingClock:
    """Waits a hundredth of what it is asked to, and then is as late as it was asked to be; begins ``ahead``."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, duration: timedelta) -> None:
        waited = duration / 100
        time.sleep(waited.total_seconds())
        self.ahead += duration - waited

    def interrupt(self) -> None:
        """Its sleep is over already."""


@dataclass
class DeadlyDisk(Disk):
    """Sends its own process a signal around the write and the fsync of the append of this number."""

    deadly: signal.Signals
    number: int
    moment: Moment
    appends: int = 0
    _journals: set[int] = field(default_factory=set)
    _due: bool = False

    def open(self, path: Path, flags: int) -> int:
        fd = super().open(path, flags)
        if flags == APPEND:
            self._journals.add(fd)
        return fd

    def close(self, fd: int) -> None:
        super().close(fd)
        self._journals.discard(fd)

    def write_all(self, fd: int, data: bytes) -> None:
        if fd in self._journals:
            self.appends += 1
            self._due = self.appends == self.number
            self.die_at(Moment.BEFORE)
            if self._due and self.moment is Moment.TORN:
                super().write_all(fd, data[: len(data) // 2])
            self.die_at(Moment.TORN)
        super().write_all(fd, data)

    def fsync(self, fd: int) -> None:
        if fd in self._journals:
            self.die_at(Moment.WRITTEN)
        super().fsync(fd)

    def die_at(self, moment: Moment) -> None:
        """Send the signal, if this is the moment."""
        if self._due and moment is self.moment:
            os.kill(os.getpid(), self.deadly)


class DeadlyJournal(FileJournal):
    """Tells its disk that an append has returned."""

    def extend(self, at: datetime, release: str, actor: Actor, events: Sequence[Event]) -> tuple[Entry, ...]:
        entries = super().extend(at, release, actor, events)
        assert isinstance(self._disk, DeadlyDisk)
        self._disk.die_at(Moment.AFTER)
        return entries


class DeadlyJournals(FileJournals):
    """Journals on a deadly disk."""

    def open(self, arn: str) -> FileJournal:
        return DeadlyJournal(Place.parse(arn), self.home, disk=self._disk, wait=self._wait)


def run(deadly: signal.Signals, number: int, moment: Moment, words: list[str]) -> int:
    """The command; its exit code, if it lives."""
    env = Env.real()
    env.clock = HurryingClock(timedelta(seconds=int(os.environ.get("KILLED_AHEAD", "0"))))
    env.files = DeadlyJournals(env.home, disk=DeadlyDisk(deadly, number, moment))
    return main(words, env)


if __name__ == "__main__":
    raise SystemExit(run(signal.Signals[sys.argv[1]], int(sys.argv[2]), Moment(sys.argv[3]), sys.argv[4:]))
