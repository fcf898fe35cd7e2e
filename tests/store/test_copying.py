"""Local history in a team's table: the same chain, once, and never over another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import JournalTamperedError, JournalUnwritableError
from lambdaops.store.copying import Copied, copy_journal
from lambdaops.store.files import FileJournals
from lambdaops.store.table import TableJournals
from tests.sim.clock import SimClock
from tests.sim.table import SimTable, lost
from tests.store.homes import append, holding
from tests.store.records import ACTOR, ARN, EVENTS, NOON, TellingDisk, lines_of

if TYPE_CHECKING:
    from pathlib import Path


def team(table: SimTable) -> TableJournals:
    return TableJournals(table, SimClock(NOON))


def files(home: Path, count: int = 250) -> FileJournals:
    holding(home, b"".join(lines_of(count)))
    return FileJournals(home)


def test_the_chain_is_the_same_and_goes_on(tmp_path: Path) -> None:
    here, table = files(tmp_path), SimTable()
    assert copy_journal(here, ARN, table) == Copied(ARN, 250, 250)
    assert team(table).targets() == (ARN,)
    assert team(table).verify(ARN) == here.verify(ARN)
    assert append(team(table).open(ARN))[0].seq == 251


def test_dry_writes_nothing(tmp_path: Path) -> None:
    table = SimTable()
    assert copy_journal(files(tmp_path), ARN, table, dry=True) == Copied(ARN, 250, 250)
    assert (table.stored, table.registered, set(table.calls)) == ({}, set(), {"rows"})


def test_what_is_there_is_not_written_again(tmp_path: Path) -> None:
    here, table = files(tmp_path), SimTable()
    table.fail("put_new", *[])
    copy_journal(here, ARN, table)
    append(here.open(ARN), 3)
    table.calls.clear()
    assert copy_journal(here, ARN, table) == Copied(ARN, 253, 3)
    assert table.calls.count("put_new") == 1
    assert copy_journal(here, ARN, table) == Copied(ARN, 253, 0)


def test_what_another_wrote_there_is_the_same_if_it_reads_the_same(tmp_path: Path) -> None:
    here, table = files(tmp_path, 0), SimTable()
    append(here.open(ARN), 2)
    append(team(table).open(ARN), 2)
    assert all(table.attempts.values())
    assert copy_journal(here, ARN, table) == Copied(ARN, 2, 0)


def test_one_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    here, table = files(tmp_path), SimTable()
    table.fail("put_new", lost(), after=True)
    with pytest.raises(JournalUnwritableError, match="Read timeout"):
        copy_journal(here, ARN, table)
    assert copy_journal(here, ARN, table) == Copied(ARN, 250, 150)
    assert team(table).verify(ARN) == here.verify(ARN)


def test_another_history_is_refused(tmp_path: Path) -> None:
    here, table = files(tmp_path), SimTable()
    team(table).open(ARN).append(NOON, "r-9", ACTOR, EVENTS[0])
    with pytest.raises(JournalUnwritableError, match="record 1 is not the one of this machine"):
        copy_journal(here, ARN, table)


def test_a_table_that_has_gone_on_is_refused(tmp_path: Path) -> None:
    here, table = files(tmp_path, 5), SimTable()
    copy_journal(here, ARN, table)
    append(team(table).open(ARN))
    with pytest.raises(JournalUnwritableError, match="record 6 is not the one of this machine"):
        copy_journal(here, ARN, table)


def test_somebody_who_writes_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    here, table = files(tmp_path, 5), SimTable()

    def meanwhile() -> None:
        append(team(table).open(ARN))

    table.before = meanwhile
    with pytest.raises(JournalUnwritableError, match="somebody else is writing to it now"):
        copy_journal(here, ARN, table)
    assert len(table.stored[ARN]) == 1


def test_a_damaged_file_is_not_copied(tmp_path: Path) -> None:
    lines = lines_of(5)
    holding(tmp_path, b"".join([*lines[:2], *lines[3:]]))
    table = SimTable()
    with pytest.raises(JournalTamperedError):
        copy_journal(FileJournals(tmp_path), ARN, table)
    assert table.calls == []


def test_what_is_copied_is_what_was_verified(tmp_path: Path) -> None:
    class Edited(TellingDisk):
        """Somebody edits the file as soon as we have read it."""

        def read(self, fd: int, start: int, length: int) -> bytes:
            found = super().read(fd, start, length)
            journal.path.write_bytes(b"".join(reversed(lines_of(5))))
            return found

    journal, table = holding(tmp_path, b"".join(lines_of(5))), SimTable()
    copy_journal(FileJournals(tmp_path, disk=Edited()), ARN, table)
    assert [row.text.encode() + b"\n" for row in table.rows(ARN)] == lines_of(5)
