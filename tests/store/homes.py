"""Journals in a home directory of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.store.files import FileJournals
from tests.store.records import ACTOR, ARN, EVENTS, NOON

if TYPE_CHECKING:
    from pathlib import Path

    from lambdaops.core.events import Entry
    from lambdaops.ports import Journal
    from lambdaops.store.disk import Disk
    from lambdaops.store.journal import FileJournal

FILE = "live.jsonl"


def opened(home: Path, disk: Disk | None = None) -> FileJournal:
    return FileJournals(home, disk=disk).open(ARN)


def append(journal: Journal, count: int = 1) -> list[Entry]:
    return [journal.append(NOON, "r-1", ACTOR, EVENTS[i % len(EVENTS)]) for i in range(count)]


def holding(home: Path, data: bytes, disk: Disk | None = None) -> FileJournal:
    """A journal with this content."""
    journal = opened(home, disk)
    journal.path.parent.mkdir(parents=True, exist_ok=True)
    journal.path.write_bytes(data)
    return journal


def asides(journal: FileJournal) -> list[Path]:
    return sorted(path for path in journal.path.parent.iterdir() if ".torn-" in path.name)
