"""One journal as a file: what is appended is on the medium, and reading changes nothing."""

from __future__ import annotations

import stat
import tracemalloc
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import JournalTamperedError, JournalUnwritableError
from lambdaops.core.events import Decided
from lambdaops.core.states import Ready
from lambdaops.ports import Verified
from lambdaops.store.files import FileJournals
from lambdaops.store.framing import head
from lambdaops.store.locks import locked
from tests.store.homes import FILE, append, holding, opened
from tests.store.records import (
    ACTOR,
    ARN,
    EVENTS,
    NOON,
    TellingDisk,
    chained,
    intent,
    lines_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from lambdaops.ports import Journals


# -- what is appended is read back -------------------------------------------------------------------------------


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    journals: Journals = FileJournals(tmp_path)
    journal = journals.open(ARN)
    written = append(journal, 5)
    assert [one.seq for one in written] == [1, 2, 3, 4, 5]
    reading = journals.open(ARN).read()
    assert reading.entries == tuple(written)
    assert not reading.torn
    assert {one.target for one in written} == {ARN}


def test_one_after_another_they_are_what_a_read_gives(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    assert list(journal.each()) == []
    append(journal, 9)
    assert list(journal.each()) == list(journal.read().entries)


def test_one_after_another_they_take_no_memory_of_the_whole(tmp_path: Path) -> None:
    journal = holding(tmp_path, b"".join(lines_of(12_000)))
    size = journal.path.stat().st_size
    tracemalloc.start()
    assert sum(1 for _ in journal.each()) == 12_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000 < size, f"{peak} bytes for a journal of {size}"


def test_what_append_returns_is_what_a_read_gives(tmp_path: Path) -> None:
    """A driver goes on from what it got; a resumed one from what it reads: they must not differ by a microsecond."""
    journal = opened(tmp_path)
    fine = NOON + timedelta(microseconds=123_456)
    written = journal.append(fine, "r-1", ACTOR, Decided(Ready(fine), "caf\udce9"))
    assert written == journal.read().entries[0]
    assert written.at.microsecond == 123_456


def test_the_files_bytes_are_the_framed_lines(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    written = append(journal, 3)
    lines = chained(*written)
    assert journal.path.read_bytes() == b"".join(lines)
    assert FileJournals(tmp_path).verify(ARN) == Verified(3, head(lines[-1]), torn=False)


def test_a_clock_that_goes_back_is_no_error(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for days in (0, 1, 2):
        journal.append(NOON - timedelta(days=days), "r-1", ACTOR, EVENTS[0])
    assert [one.seq for one in journal.read().entries] == [1, 2, 3]


def test_a_journal_is_for_its_owner_alone(tmp_path: Path) -> None:
    journal = opened(tmp_path / "new" / "home")
    append(journal)
    made = [journal.path, *journal.path.parent.iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    directories = [path for path in (tmp_path / "new").rglob("*") if path.is_dir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in directories} == {0o700}


# -- durability --------------------------------------------------------------------------------------------------


def test_a_new_journal_is_on_the_medium_before_append_returns(tmp_path: Path) -> None:
    disk = TellingDisk()
    append(opened(tmp_path / "home", disk))
    assert disk.calls == [
        # every new name in the directory that holds it, before anything is written ...
        ("fsync-directory", tmp_path.name),
        ("fsync-directory", "home"),
        ("fsync-directory", "journal"),
        ("fsync-directory", "123456789012"),
        ("fsync-directory", "eu-west-1"),
        ("fsync-directory", "orders"),
        # ... then the record
        ("write", FILE),
        ("fsync", FILE),
    ]


def test_an_intent_is_on_the_medium_before_append_returns(tmp_path: Path) -> None:
    disk = TellingDisk()
    journal = opened(tmp_path, disk)
    append(journal)
    disk.calls.clear()
    journal.append(NOON, "r-1", ACTOR, intent())
    assert disk.calls == [("write", FILE), ("fsync", FILE)]


def test_a_file_made_by_somebody_who_died_before_writing_gets_its_name_on_the_medium(tmp_path: Path) -> None:
    holding(tmp_path, b"")
    disk = TellingDisk()
    append(opened(tmp_path, disk))
    assert disk.calls == [("fsync-directory", "orders"), ("write", FILE), ("fsync", FILE)]


def test_a_torn_tail_is_kept_on_the_medium_before_it_is_cut_off(tmp_path: Path) -> None:
    holding(tmp_path, b"".join(lines_of(2)) + b'{"torn')
    disk = TellingDisk()
    append(opened(tmp_path, disk))
    assert disk.calls == [
        ("write", "live.jsonl.torn-1"),
        ("fsync", "live.jsonl.torn-1"),
        ("fsync-directory", "orders"),
        ("truncate", FILE),
        ("write", FILE),
        ("fsync", FILE),
    ]


def test_a_write_that_takes_several_calls_is_finished(tmp_path: Path) -> None:
    disk = TellingDisk(most_at_once=7)
    written = append(opened(tmp_path, disk), 2)
    assert opened(tmp_path).read().entries == tuple(written)
    assert disk.calls[-1] == ("fsync", FILE)


def test_a_failed_fsync_is_reported(tmp_path: Path) -> None:
    disk = TellingDisk(fsync_fails=True)
    with pytest.raises(JournalUnwritableError, match="Input/output error"):
        append(opened(tmp_path, disk))


def test_what_is_appended_together_waits_for_the_medium_once(tmp_path: Path) -> None:
    disk = TellingDisk()
    journal = opened(tmp_path, disk)
    (first,) = append(journal)
    disk.calls.clear()
    more = journal.extend(NOON, "r-1", ACTOR, EVENTS)
    assert disk.calls == [("write", FILE), ("fsync", FILE)]
    (last,) = append(journal)
    assert [one.seq for one in more] == [2, 3, 4, 5]
    assert opened(tmp_path).read().entries == (first, *more, last)
    assert journal.since(last.seq or 0) == ()


def test_of_what_is_appended_together_a_crash_leaves_the_first(tmp_path: Path) -> None:
    whole = opened(tmp_path / "whole")
    entries = whole.extend(NOON, "r-1", ACTOR, EVENTS)
    data = whole.path.read_bytes()
    for cut in range(0, len(data), 7):
        reading = holding(tmp_path / str(cut), data[:cut]).read()
        assert reading.entries == entries[: data[:cut].count(b"\n")]


def test_a_disk_that_fills_up_amid_several_records_is_reported_and_leaves_a_good_journal(tmp_path: Path) -> None:
    append(opened(tmp_path))
    with pytest.raises(JournalUnwritableError, match="No space left"):
        opened(tmp_path, TellingDisk(room=700)).extend(NOON, "r-1", ACTOR, EVENTS)
    reading = opened(tmp_path).read()
    assert reading.torn
    assert len(reading.entries) in (2, 3)
    (again,) = append(opened(tmp_path))
    assert opened(tmp_path).read().entries == (*reading.entries, again)


def test_a_last_line_that_was_changed_since_is_noticed(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    append(journal, 2)
    data = journal.path.read_bytes()
    journal.path.write_bytes(data.replace(b"stage 1 of 2", b"stage 2 of 2"))
    with pytest.raises(JournalTamperedError, match="line 2 was changed"):
        append(journal)


# -- cost --------------------------------------------------------------------------------------------------------


def test_an_append_reads_the_same_however_long_the_journal_is(tmp_path: Path) -> None:
    read = []
    for count in (100, 3_000):
        home = tmp_path / str(count)
        holding(home, b"".join(lines_of(count)))
        disk = TellingDisk()
        (written,) = append(opened(home, disk))
        assert written.seq == count + 1
        read.append(disk.bytes_read)
    assert read[0] == read[1]
    assert read[0] < 20_000


def test_a_last_line_longer_than_any_block_is_found(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    append(journal)
    journal.append(NOON, "r-1", ACTOR, Decided(Ready(NOON), "x" * 300_000))
    journal.path.write_bytes(journal.path.read_bytes() + b'{"torn' + b"y" * 100_000)
    (written,) = append(journal)
    assert written.seq == 3
    assert len(journal.read().entries) == 3


# -- reading changes nothing -------------------------------------------------------------------------------------


def test_reading_what_does_not_exist_makes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert opened(home).read().entries == ()
    assert FileJournals(home).verify(ARN).count == 0
    assert FileJournals(home).targets() == ()
    assert not home.exists()


def test_reading_makes_no_lock_and_no_repair(tmp_path: Path) -> None:
    journal = holding(tmp_path, b"".join(lines_of(2)) + b'{"torn')
    before = journal.path.read_bytes()
    assert journal.read().torn
    FileJournals(tmp_path).targets()
    assert list(journal.path.parent.iterdir()) == [journal.path]
    assert journal.path.read_bytes() == before


def test_reading_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    append(journal)
    with locked(journal.path.with_name("live.lock"), timedelta(0), lambda: None):
        assert len(journal.read().entries) == 1
