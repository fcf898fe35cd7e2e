"""The end of a journal's file, read without the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import JournalTamperedError
from tests.store.homes import append, holding, opened
from tests.store.records import ARN, TellingDisk, lines_of, rewritten

if TYPE_CHECKING:
    from pathlib import Path

LINES = lines_of(4000)


def test_a_short_journal_is_read_whole(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    assert journal.recent(lambda _: False).entries == ()
    written = append(journal, 5)
    assert journal.recent(lambda _: False).entries == tuple(written)


def test_as_much_as_is_enough(tmp_path: Path) -> None:
    disk = TellingDisk()
    journal = holding(tmp_path, b"".join(LINES), disk)
    size = journal.path.stat().st_size
    few = journal.recent(lambda _: True).entries
    assert few[-1].seq == 4000
    assert [one.seq for one in few] == list(range(few[0].seq or 0, 4001))
    assert disk.bytes_read == 256 * 1024 < size / 5
    more = journal.recent(lambda entries: len(entries) > len(few)).entries
    assert len(few) < len(more) < 4000
    assert more[-len(few) :] == few
    assert len(journal.recent(lambda _: False).entries) == 4000


def test_a_torn_tail_is_told(tmp_path: Path) -> None:
    reading = holding(tmp_path, b"".join(LINES[:9]) + b'{"at"').recent(lambda _: True)
    assert reading.torn
    assert len(reading.entries) == 9


@pytest.mark.parametrize("damage", ["edited", "missing", "of another", "rewritten"])
def test_damage_near_the_end_is_told_with_its_line(tmp_path: Path, damage: str) -> None:
    lines = LINES[:]
    match damage:
        case "edited":
            lines[3989] = lines[3989].replace(b"r-1", b"r-2")
        case "missing":
            del lines[3989]
        case "of another":
            lines[3989] = rewritten(lines[3989], target=ARN.replace("live", "beta"))
        case _:
            lines[3989] = rewritten(lines[3989], release="r-2")
    with pytest.raises(JournalTamperedError, match=r"line 399[01] "):
        holding(tmp_path, b"".join(lines)).recent(lambda _: True)


def test_a_beginning_that_was_cut_off_is_told(tmp_path: Path) -> None:
    with pytest.raises(JournalTamperedError, match="line 1 "):
        holding(tmp_path, b"".join(LINES[1:9])).recent(lambda _: True)
