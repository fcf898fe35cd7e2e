"""A journal with an unfinished end goes on and loses nothing; one that was tampered with takes no record."""

from __future__ import annotations

import stat
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import InvalidFileError, JournalTamperedError
from lambdaops.store.framing import read_lines
from tests.sim.disk import SteadyDisk
from tests.store.homes import append, asides, holding, opened
from tests.store.records import (
    OTHER,
    TellingDisk,
    chained,
    entry,
    lines_of,
    rewritten,
)

if TYPE_CHECKING:
    from pathlib import Path


# -- torn tails --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [0, 2])
def test_a_tail_torn_at_any_byte_is_reported_and_repaired(tmp_path: Path, before: int) -> None:
    *lines, last = lines_of(before + 1)
    kept = b"".join(lines)
    acknowledged = read_lines(kept, source="x").entries
    for cut in range(1, len(last)):
        journal = holding(tmp_path / str(cut), kept + last[:cut], SteadyDisk())
        reading = journal.read()
        assert reading.torn
        assert reading.entries == acknowledged
        assert tuple(journal.each()) == acknowledged
        (written,) = append(journal)
        assert written.seq == before + 1
        after = journal.read()
        assert not after.torn
        assert after.entries == (*acknowledged, written)
        assert [path.read_bytes() for path in asides(journal)] == [last[:cut]]


def test_each_torn_tail_is_kept(tmp_path: Path) -> None:
    journal = holding(tmp_path, b"{1")
    append(journal)
    journal.path.write_bytes(journal.path.read_bytes() + b"{2")
    append(journal)
    assert [(path.name, path.read_bytes()) for path in asides(journal)] == [
        ("live.jsonl.torn-1", b"{1"),
        ("live.jsonl.torn-2", b"{2"),
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in asides(journal)} == {0o600}


def test_a_line_being_written_while_we_read_is_not_called_torn(tmp_path: Path) -> None:
    *lines, last = lines_of(2)

    class Writing(TellingDisk):
        """Somebody else's write is seen half done by the first read and done by the second."""

        reads = 0

        def read(self, fd: int, start: int, length: int) -> bytes:
            self.reads += 1
            return super().read(fd, start, length)[: -9 if self.reads == 1 else None]

    holding(tmp_path, b"".join(lines) + last)
    reading = opened(tmp_path, Writing()).read()
    assert not reading.torn
    assert len(reading.entries) == 2
    assert len(list(opened(tmp_path, Writing()).each())) == 2


def test_what_is_appended_while_we_verify_is_not_looked_at(tmp_path: Path) -> None:
    lines = lines_of(3)

    class Busy(TellingDisk):
        """Somebody has begun another record after we asked how long the file is, and goes on with it."""

        def size(self, fd: int) -> int:
            found = super().size(fd)
            with journal.path.open("ab") as file:
                file.write(lines[2][:50])
            return found

    journal = holding(tmp_path, b"".join(lines[:2]))
    assert opened(tmp_path, Busy()).verify() == read_lines(b"".join(lines[:2]), source="x").verified
    assert journal.verify().torn


def test_a_line_being_written_while_we_verify_is_not_called_torn(tmp_path: Path) -> None:
    *lines, last = lines_of(2)

    class Writing(TellingDisk):
        """Somebody else's write is half done when we first ask, and done when we ask again."""

        asked = 0

        def size(self, fd: int) -> int:
            self.asked += 1
            return super().size(fd) - (9 if self.asked == 1 else 0)

    holding(tmp_path, b"".join(lines) + last)
    assert opened(tmp_path, Writing()).verify().count == 2


def test_verifying_keeps_nothing(tmp_path: Path) -> None:
    """What it takes is a megabyte of file and its lines, however long the journal."""
    peaks, lines = [], lines_of(16_000)
    for times in (4_000, 16_000):  # 2 and 9 MB
        journal = holding(tmp_path / str(times), b"".join(lines[:times]))
        tracemalloc.start()
        try:
            assert journal.verify().count == times
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.1
    assert peaks[1] < 5_000_000


# -- tampering ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda lines: [*lines[:-1], lines[-1].replace(b"r-1", b"r-9")], "line 5"),
        (lambda lines: [*lines, b"\n"], "line 6"),
        (lambda lines: [*lines, b"{}\n"], "line 6"),
        (lambda lines: [*lines, b"\xff\n"], "line 6"),
        (lambda lines: [*lines[:-1], lines[-1][:-1] + b" "], "line 5"),
        (lambda lines: [b"\n"], "line 1"),
        (lambda lines: chained(entry(1, target=OTHER)), "line 1"),
    ],
    ids=["edited", "empty line", "record", "not UTF-8", "newline replaced", "only a newline", "another target"],
)
def test_append_refuses_a_tampered_tail(tmp_path: Path, damage: object, line: str) -> None:
    assert callable(damage)
    data = b"".join(damage(lines_of(5)))
    journal = holding(tmp_path, data)
    with pytest.raises(JournalTamperedError, match=line) as caught:
        append(journal)
    assert str(journal.path) in caught.value.message
    assert journal.path.read_bytes() == data
    with pytest.raises(JournalTamperedError, match=line):
        journal.read()
    with pytest.raises(JournalTamperedError, match=line):
        list(journal.each())


def test_append_refuses_what_another_version_wrote(tmp_path: Path) -> None:
    journal = holding(tmp_path, rewritten(lines_of(1)[0], v=2))
    with pytest.raises(InvalidFileError, match="version 2"):
        append(journal)


@pytest.mark.parametrize("left", [0, 1], ids=["removed", "shortened"])
def test_records_this_process_wrote_cannot_vanish_unnoticed(tmp_path: Path, left: int) -> None:
    """The chain alone would take the shortened journal for a good one and begin it anew."""
    journal = opened(tmp_path)
    append(journal, 2)
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.unlink()
    if left:
        journal.path.write_bytes(lines[0])
    with pytest.raises(JournalTamperedError, match=f"ends with record {left}, but this process wrote record 2"):
        append(journal)
