"""Journals in memory that keep the bytes' promise: an entry is there after ``append`` returned, or it is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from lambdaops.core.errors import (
    FunctionBusyError,
    JournalTamperedError,
    JournalUnwritableError,
    ReleaseInProgressError,
)
from lambdaops.core.events import Entry, from_record, to_record
from lambdaops.ports import JournalReading, Lease, Verified

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from lambdaops.core.events import Event
    from lambdaops.core.model import Actor


class Crash(BaseException):
    """The process dies here; not an Exception, so nothing can catch it by accident."""


@dataclass
class SimJournal:
    """One journal; ``crash_at`` kills the process around the n-th append, before or after the record is durable.

    ``writes`` is how often anybody waited for the medium: what is appended together is waited for once.
    """

    arn: str
    entries: list[Entry] = field(default_factory=list)
    crash_at: int | None = None
    crash_before: bool = False
    broken: str = ""
    tampered: bool = False
    torn: bool = False
    appends: int = 0
    writes: int = 0

    def read(self) -> JournalReading:
        if self.tampered:
            raise JournalTamperedError("orders.jsonl line 3 was changed")
        # Through the codec, so that nothing survives that the file could not hold.
        return JournalReading(tuple(from_record(to_record(entry)) for entry in self.entries), self.torn)

    def each(self) -> Iterator[Entry]:
        return iter(self.read().entries)

    def recent(self, enough: Callable[[Sequence[Entry]], bool]) -> JournalReading:
        """As little as is enough: who asks for less than it needs finds that out."""
        whole = self.read()
        parts = (whole.entries[first:] for first in reversed(range(len(whole.entries))))
        return JournalReading(next((part for part in parts if enough(part)), whole.entries), whole.torn)

    def since(self, seq: int) -> tuple[Entry, ...]:
        if self.tampered:
            raise JournalTamperedError("orders.jsonl line 3 was changed")
        return tuple(from_record(to_record(entry)) for entry in self.entries[seq:])

    def extend(self, at: datetime, release: str, actor: Actor, events: Sequence[Event]) -> tuple[Entry, ...]:
        self.writes += 1
        return tuple(self._append(at, release, actor, event) for event in events)

    def append(self, at: datetime, release: str, actor: Actor, event: Event) -> Entry:
        return self.extend(at, release, actor, (event,))[0]

    def _append(self, at: datetime, release: str, actor: Actor, event: Event) -> Entry:
        self.appends += 1
        if self.broken:
            raise JournalUnwritableError(self.broken, hint="Free some space.")
        if self.tampered:
            raise JournalTamperedError("orders.jsonl line 3 was changed")
        if self.appends == self.crash_at and self.crash_before:
            raise Crash
        # Given back as a later read gives it: a driver must not know more than its journal.
        entry = from_record(to_record(Entry(len(self.entries) + 1, at, self.arn, release, actor, event)))
        self.entries.append(entry)
        if self.appends == self.crash_at:
            raise Crash
        return entry


@dataclass
class SimJournals:
    """All journals of one machine."""

    journals: dict[str, SimJournal] = field(default_factory=dict)
    busy: bool = False
    left: Lease | None = None
    """What a process that died has left behind."""
    beats: int = 0

    def open(self, arn: str) -> SimJournal:
        return self.journals.setdefault(arn, SimJournal(arn))

    def verify(self, arn: str, marks: Collection[int] = ()) -> Verified:
        reading = self.open(arn).read()
        return Verified(len(reading.entries), "0" * 64, reading.torn)

    def drive(self, arn: str, release: str = "") -> SimDrive:
        return SimDrive(self, arn)

    def driver(self, arn: str) -> Lease | None:
        return Lease(4711, "ci-7", None, "", None, live=True) if self.busy else self.left

    def targets(self) -> tuple[str, ...]:
        return tuple(self.journals)


@dataclass
class SimDrive:
    """The right to drive, refused while ``busy``."""

    journals: SimJournals
    arn: str

    def __enter__(self) -> Self:
        if self.journals.busy:
            if self.arn.rpartition(":function:")[2].count(":"):
                raise ReleaseInProgressError("pid 4711 on host ci-7 drives this release")
            raise FunctionBusyError("pid 4711 on host ci-7 works on this function")
        self.journals.busy = True
        return self

    def beat(self) -> None:
        self.journals.beats += 1

    def __exit__(self, *exc: object) -> None:
        self.journals.busy = False
