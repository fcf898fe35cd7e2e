"""A team's journal in a table: one chain whoever writes, and no record twice or lost when answers are."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import (
    ExitCode,
    JournalTamperedError,
    JournalUnreachableError,
    JournalUnwritableError,
    NotFoundError,
)
from lambdaops.ports import SILENT_AFTER
from lambdaops.ports.tables import MOST_ROWS
from lambdaops.store.files import FileJournals
from lambdaops.store.framing import head
from lambdaops.store.table import TableJournal, TableJournals
from tests.sim.clock import SimClock
from tests.sim.table import SimTable, lost, throttled
from tests.store.homes import append
from tests.store.records import ACTOR, ARN, EVENTS, NOON, OTHER, chained, lines_of, rewritten

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lambdaops.core.events import Entry


def journals(table: SimTable, clock: SimClock | None = None) -> TableJournals:
    return TableJournals(table, clock or SimClock(NOON))


def opened(table: SimTable, clock: SimClock | None = None) -> TableJournal:
    return journals(table, clock).open(ARN)


def theirs(journal: TableJournal, count: int = 1) -> None:
    """Somebody else appends."""
    for _ in range(count):
        journal.append(NOON, "r-2", ACTOR, EVENTS[0])


def holding(*lines: bytes) -> SimTable:
    return SimTable(stored={ARN: {number: line[:-1].decode() for number, line in enumerate(lines, 1)}})


# -- what is appended --------------------------------------------------------------------------------------------


def test_the_lines_are_those_of_a_file(tmp_path: Path) -> None:
    table = SimTable()
    written = append(opened(table), 5)
    append(FileJournals(tmp_path).open(ARN), 5)
    there = FileJournals(tmp_path).open(ARN)
    assert [f"{line}\n".encode() for line in table.stored[ARN].values()] == there.path.read_bytes().splitlines(
        keepends=True
    )
    assert opened(table).read().entries == tuple(written) == there.read().entries
    assert journals(table).verify(ARN) == FileJournals(tmp_path).verify(ARN)


def test_an_append_after_the_first_is_one_call() -> None:
    table = SimTable()
    journal = opened(table)
    append(journal)
    assert table.calls == ["newest", "register", "put_new"]
    table.calls.clear()
    append(journal, 3)
    assert table.calls == ["put_new"] * 3


def test_hundreds_are_written_a_hundred_at_a_time() -> None:
    table = SimTable()
    opened(table).extend(NOON, "r-1", ACTOR, [EVENTS[0]] * (2 * MOST_ROWS + 1))
    assert table.calls.count("put_new") == 3
    assert len(opened(table).read().entries) == 2 * MOST_ROWS + 1


@pytest.mark.parametrize("count", [1, 3])
def test_who_comes_second_writes_behind(count: int) -> None:
    table = SimTable()
    journal, other = opened(table), opened(table)
    append(journal)
    table.before = lambda: theirs(other, 2)
    written = journal.extend(NOON, "r-1", ACTOR, EVENTS[:count])
    assert [one.seq for one in written] == list(range(4, 4 + count))
    assert journals(table).verify(ARN).count == 3 + count


def test_threads_make_one_chain() -> None:
    table = SimTable()

    def work(name: str) -> None:
        journal = opened(table)
        for _ in range(20):
            journal.append(NOON, name, ACTOR, EVENTS[0])

    threads = [threading.Thread(target=work, args=(f"r-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journals(table).verify(ARN).count == 80


@pytest.mark.parametrize("count", [1, 3])
def test_a_write_whose_answer_was_lost_is_not_repeated(count: int) -> None:
    table = SimTable()
    journal = opened(table)
    append(journal)
    table.fail("put_new", lost(), after=True)
    written = journal.extend(NOON, "r-1", ACTOR, EVENTS[:count])
    assert journal.read().entries[1:] == written
    assert append(journal)[0].seq == count + 2


def test_a_write_that_was_lost_on_its_way_is_an_error_and_the_next_one_fits() -> None:
    table = SimTable()
    journal = opened(table)
    append(journal)
    table.fail("put_new", lost())
    with pytest.raises(JournalUnwritableError, match="Read timeout") as caught:
        append(journal)
    assert caught.value.hint == "Check the network."
    assert append(journal)[0].seq == 2


def test_a_lost_write_in_whose_place_somebody_else_wrote_is_made_behind() -> None:
    table = SimTable()
    journal, other = opened(table), opened(table)
    append(journal)

    def first() -> None:
        theirs(other)
        raise lost()

    table.before = first
    assert append(journal)[0].seq == 3
    assert journals(table).verify(ARN).count == 3


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("answer", ["given", "lost"])
def test_the_same_record_of_the_same_moment_by_two_processes_is_two_records(count: int, answer: str) -> None:
    """Of one run, in one microsecond, by the same caller on the same host: equal to the byte."""
    table = SimTable()
    journal, other = opened(table), opened(table)
    append(journal)

    def first() -> None:
        other.extend(NOON, "r-1", ACTOR, EVENTS[:count])
        if answer == "lost":
            raise lost()

    table.before = first
    written = journal.extend(NOON, "r-1", ACTOR, EVENTS[:count])
    assert [one.seq for one in written] == list(range(count + 2, 2 * count + 2))
    assert journals(table).verify(ARN).count == 1 + 2 * count


def test_a_write_that_can_neither_be_made_nor_looked_up_is_an_error() -> None:
    table = SimTable()
    journal = opened(table)
    append(journal)
    table.fail("put_new", lost(), after=True)
    table.fail("rows", lost())
    with pytest.raises(JournalUnwritableError):
        append(journal)
    assert append(journal)[0].seq == 3, "it may have been written, and was"


def test_a_refused_write_says_why() -> None:
    table = SimTable()
    table.fail("put_new", throttled())
    with pytest.raises(JournalUnwritableError, match="slow down"):
        append(opened(table))


def test_a_table_that_is_not_there_can_be_made() -> None:
    table = SimTable()
    missing = NotFoundError("could not read the table team: no such table")
    table.fail("newest", missing, missing)
    with pytest.raises(JournalUnwritableError) as caught:
        append(opened(table))
    assert caught.value.hint == (
        "Check name, region and account. Make it with lambdaops store init dynamodb://team. "
        "If it is in another region: dynamodb://team?region=REGION."
    )
    with pytest.raises(JournalUnreachableError) as read:
        opened(table).recent(lambda _: True)
    assert read.value.hint == caught.value.hint
    assert read.value.exit_code is ExitCode.AWS


def test_a_table_is_not_to_be_made_in_another_region_than_was_meant() -> None:
    table = SimTable(name="team?region=us-east-1")
    table.fail("newest", NotFoundError("no such table"))
    with pytest.raises(JournalUnreachableError) as caught:
        opened(table).recent(lambda _: True)
    assert caught.value.hint.endswith("Make it with lambdaops store init dynamodb://team?region=us-east-1.")


# -- what is read ------------------------------------------------------------------------------------------------


def test_journals_are_listed_once_they_are_written_to() -> None:
    table = SimTable()
    assert journals(table).targets() == ()
    append(opened(table), 2)
    append(journals(table).open(OTHER))
    assert journals(table).targets() == (OTHER, ARN)


def test_what_is_new_is_one_call() -> None:
    table = SimTable()
    journal = opened(table)
    append(journal, 3)
    reader = opened(table)
    table.calls.clear()
    assert [one.seq for one in reader.since(1)] == [2, 3]
    assert reader.since(3) == ()
    assert table.calls == ["rows", "rows"]


def test_silence_is_borne_for_a_while() -> None:
    table, clock = SimTable(), SimClock(NOON)
    journal = opened(table, clock)
    append(journal, 2)
    table.fail("rows", *[throttled()] * 3)
    assert journal.since(1) == ()
    clock.sleep(SILENT_AFTER)
    assert journal.since(1) == ()
    clock.sleep(timedelta(seconds=1))
    with pytest.raises(JournalUnreachableError, match="slow down"):
        journal.since(1)
    assert len(journal.since(1)) == 1
    table.fail("rows", throttled())
    assert journal.since(1) == (), "and the count begins anew"


def rows_read(table: SimTable, enough: Callable[[tuple[Entry, ...]], bool]) -> tuple[int, ...]:
    entries = opened(table).recent(lambda entries: enough(tuple(entries))).entries
    return tuple(one.seq or 0 for one in entries)


def test_the_newest_are_read_until_they_are_enough() -> None:
    table = holding(*lines_of(2000))
    assert rows_read(table, lambda _: True) == tuple(range(1745, 2001))
    assert rows_read(table, lambda entries: len(entries) > 256) == tuple(range(977, 2001))
    assert rows_read(table, lambda _: False) == tuple(range(1, 2001))
    assert rows_read(SimTable(), lambda _: False) == ()


# -- what is noticed ---------------------------------------------------------------------------------------------


def damaged(kind: str) -> SimTable:
    lines = lines_of(6)
    table = holding(*lines)
    stored = table.stored[ARN]
    match kind:
        case "edited":
            stored[4] = stored[4].replace("r-1", "r-2")
        case "edited by one who knows sums":
            stored[4] = rewritten(lines[3], release="r-2")[:-1].decode()
        case "missing":
            del stored[4]
        case "repeated":
            stored[5] = stored[4]
        case "moved":
            stored[4], stored[5] = stored[5], stored[4]
        case "of another journal":
            stored[4] = rewritten(lines[3], target=OTHER)[:-1].decode()
        case "two lines":
            stored[4] = f"{stored[4]}\n{stored[5]}"
        case "last edited":
            stored[6] = stored[6].replace("r-1", "r-2")
        case "last moved":
            stored[7] = stored[6]
        case _:
            raise AssertionError(kind)
    return table


@pytest.mark.parametrize(
    "kind",
    [
        "edited",
        "edited by one who knows sums",
        "missing",
        "repeated",
        "moved",
        "of another journal",
        "two lines",
        "last edited",
        "last moved",
    ],
)
def test_damage_is_noticed(kind: str) -> None:
    table = damaged(kind)
    with pytest.raises(JournalTamperedError):
        journals(table).verify(ARN)
    with pytest.raises(JournalTamperedError):
        opened(table).recent(lambda _: True)
    with pytest.raises(JournalTamperedError):
        opened(table).since(2)
    if kind.startswith("last"):
        with pytest.raises(JournalTamperedError):
            append(opened(table))


def test_a_beginning_that_was_cut_off_is_noticed() -> None:
    table = holding(*lines_of(6))
    del table.stored[ARN][1]
    with pytest.raises(JournalTamperedError):
        opened(table).recent(lambda _: True)


def test_the_head_is_that_of_the_last_line() -> None:
    lines = chained(*opened(holding(*lines_of(3))).read().entries)
    assert journals(holding(*lines)).verify(ARN).head == head(lines[-1])
