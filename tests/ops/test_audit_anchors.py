"""Checkpoints of real journals: what somebody does to either is found, and called by its name."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.audit.anchors import CheckpointKind, Verification, read_chain
from lambdaops.core.audit.checkpoint import from_bytes, name_of, to_bytes
from lambdaops.core.errors import (
    AnchorBrokenError,
    CheckpointExistsError,
    CheckpointUnwritableError,
    ExitCode,
    InvalidFileError,
    JournalUnreachableError,
    NotFoundError,
)
from lambdaops.ops.audit.checkpoint import Author, checkpoint
from lambdaops.ops.audit.verify import chain_of, verify, wanted
from lambdaops.store.checkpoints import CheckpointDirectory, CheckpointFile, FileNotes, checkpoints_at
from lambdaops.store.files import FileJournals
from lambdaops.store.framing import head
from lambdaops.store.table import TableJournals
from tests.sim.clock import SimClock
from tests.sim.disk import SteadyDisk
from tests.sim.table import SimTable, throttled
from tests.store.homes import append
from tests.store.records import ARN, OTHER, TellingDisk, chained, entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambdaops.core.audit.checkpoint import Written

AUTHOR = Author("ci-7", "github:acme/orders/actions/runs/1", "lambdaops test")


@dataclass
class Log:
    """A machine's journals, and a directory of checkpoints that it cannot write over."""

    home: Path
    notes: FileNotes = field(init=False)
    clock: SimClock = field(default_factory=SimClock)

    def __post_init__(self) -> None:
        self.notes = FileNotes(self.home / "home")

    @property
    def journals(self) -> FileJournals:
        return FileJournals(self.home / "home", disk=SteadyDisk())

    @property
    def places(self) -> CheckpointDirectory:
        return CheckpointDirectory(self.home / "anchors", SteadyDisk())

    def write(self, arn: str, count: int) -> None:
        append(self.journals.open(arn), count)

    def anchor(self) -> Written:
        self.clock.sleep(timedelta(hours=1))
        return checkpoint(self.journals, self.places, self.notes, self.clock, AUTHOR)

    def lines(self, arn: str) -> list[bytes]:
        return self.path(arn).read_bytes().splitlines(keepends=True)

    def path(self, arn: str) -> Path:
        return self.journals.open(arn).path

    def put(self, arn: str, lines: list[bytes]) -> None:
        self.path(arn).write_bytes(b"".join(lines))

    def point(self, number: int) -> Path:
        return self.places.path / name_of(number)

    def check(self, *, at_least: int = 0) -> Verification:
        chain = chain_of(self.places, self.notes, at_least=at_least)
        return verify(self.journals, wanted(self.journals, chain, None), self.places.where, chain)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """Two journals of 5 and 3 records, anchored at 2 and 3, then at 4 and 3; one record is in no checkpoint."""
    log = Log(tmp_path)
    log.write(ARN, 2)
    log.write(OTHER, 3)
    log.anchor()
    log.write(ARN, 2)
    log.anchor()
    log.write(ARN, 1)
    return log


def kinds(found: Verification) -> dict[str, str]:
    return {report.arn.rpartition(":")[2]: report.kind.value for report in found.journals}


def test_what_nobody_touched_is_valid_and_anchored_as_far_as_it_was_seen(log: Log) -> None:
    found = log.check()
    assert found.ok
    live = next(report for report in found.journals if report.arn == ARN)
    assert (live.records, live.anchored, live.unanchored, live.checkpoint, live.expected) == (5, 4, 1, 2, 4)
    assert [(report.number, report.kind.value) for report in found.chain.reports] == [(1, "valid"), (2, "valid")]


def test_without_checkpoints_nothing_is_said_to_be_anchored(log: Log) -> None:
    found = verify(log.journals, (ARN,))
    assert found.ok
    assert (found.journals[0].anchored, found.journals[0].unanchored) == (0, 5)


JOURNALS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str, int]] = {
    "edited": (lambda x: [x[0], x[1].replace(b"r-1", b"r-9"), *x[2:]], "tampered", 1),
    "first deleted": (lambda x: x[1:], "tampered", 0),
    "middle deleted": (lambda x: [*x[:2], *x[3:]], "tampered", 2),
    "two swapped": (lambda x: [x[1], x[0], *x[2:]], "tampered", 0),
    "one repeated": (lambda x: [*x[:2], *x[1:]], "tampered", 2),
    "spliced": (lambda x: [*x[:2], *chained(*(entry(n, target=OTHER) for n in (1, 2, 3)))[2:]], "tampered", 2),
    "last cut off": (lambda x: x[:3], "truncated", 3),
    "cut to what the first checkpoint saw": (lambda x: x[:2], "truncated", 2),
    "emptied": (lambda _: [], "truncated", 0),
    "written anew": (
        lambda x: chained(*(replace(entry(n), release="r-2") for n in range(1, len(x) + 1))),
        "replaced",
        5,
    ),
    "written anew and shorter": (lambda _: chained(*(replace(entry(n), release="r-2") for n in (1,))), "truncated", 1),
    "goes on otherwise": (
        lambda x: [*x[:3], *chained(replace(entry(4), release="r-2"), prev=_head(x[2]))],
        "replaced",
        4,
    ),
}


def _head(line: bytes) -> str:
    return head(line)


@pytest.mark.parametrize("name", JOURNALS)
def test_what_is_done_to_a_journal_is_found(log: Log, name: str) -> None:
    change, kind, intact = JOURNALS[name]
    log.put(ARN, change(log.lines(ARN)))
    found = log.check()
    assert not found.ok
    assert kinds(found) == {"live": kind, "beta": "valid"}
    assert found.journals[1].records == intact
    assert found.journals[1].problem
    with pytest.raises(AnchorBrokenError, match=f"orders:live is {kind}") as caught:
        log.anchor()
    assert "Nothing was written" in caught.value.hint
    assert log.places.numbers() == (1, 2)


def test_what_still_holds_is_still_anchored(log: Log) -> None:
    log.put(ARN, log.lines(ARN)[:3])
    live = log.check().journals[1]
    assert (live.anchored, live.checkpoint, live.expected) == (2, 1, 4)
    assert "it ends with record 3; checkpoint 2 saw record 4: 1 or more are gone" in live.problem


def test_a_journal_that_is_gone_is_missing(log: Log) -> None:
    log.path(OTHER).unlink()
    found = log.check()
    assert kinds(found) == {"live": "valid", "beta": "missing"}
    with pytest.raises(AnchorBrokenError, match="orders:beta is missing") as caught:
        log.anchor()
    assert "another machine's" in caught.value.hint
    chain = chain_of(log.places, log.notes)
    assert wanted(log.journals, chain, "orders:beta") == (OTHER,)
    with pytest.raises(NotFoundError):
        wanted(log.journals, chain, "orders:gamma")


def test_all_journals_gone_are_missing(log: Log) -> None:
    for arn in (ARN, OTHER):
        log.path(arn).unlink()
    assert set(kinds(log.check()).values()) == {"missing"}


def test_an_unfinished_line_is_incomplete_and_can_be_anchored(log: Log) -> None:
    log.put(ARN, [*log.lines(ARN), b"{"])
    found = log.check()
    assert not found.ok
    assert kinds(found)["live"] == "incomplete"
    assert log.anchor().checkpoint.heads[1].count == 5


def test_one_that_cannot_be_read_is_said_so(log: Log) -> None:
    log.path(ARN).unlink()
    log.path(ARN).mkdir()
    assert kinds(log.check())["live"] == "unreadable"


# -- the checkpoints themselves --------------------------------------------------------------------------------------


def forged(path: Path, **changes: object) -> None:
    """Somebody who can write there, and knows the form, but not the key."""
    path.write_bytes(to_bytes(replace(from_bytes(path.read_bytes()), **changes)))  # type: ignore[arg-type]


def test_every_way_to_spoil_a_checkpoint_is_found(log: Log) -> None:
    log.anchor()
    good = {number: log.point(number).read_bytes() for number in (1, 2, 3)}

    def after(spoil: Callable[[], object], at_least: int = 0) -> dict[int, str]:
        for number, data in good.items():
            log.point(number).write_bytes(data)
        spoil()
        found = log.check(at_least=at_least)
        assert not found.ok
        return {report.number: report.kind.value for report in found.chain.reports if not report.ok}

    assert after(log.point(2).unlink) == {2: "missing"}
    assert after(log.point(1).unlink) == {1: "missing"}
    assert after(lambda: log.point(2).write_bytes(b"{}")) == {2: "unreadable", 3: "broken-chain"}
    assert after(lambda: log.point(2).write_bytes(good[1])) == {2: "misnumbered", 3: "broken-chain"}
    assert after(lambda: forged(log.point(1), host="elsewhere")) == {2: "broken-chain"}
    assert after(lambda: forged(log.point(2), host="elsewhere")) == {3: "broken-chain"}
    assert after(lambda: forged(log.point(3), host="elsewhere")) == {3: "rolled-back"}
    assert after(log.point(3).unlink) == {3: "rolled-back"}
    assert after(lambda: shutil.rmtree(log.places.path)) == {3: "rolled-back"}
    log.places.path.mkdir()
    heads = from_bytes(good[2]).heads
    assert after(lambda: forged(log.point(2), heads=heads[:1])) == {2: "shrunk", 3: "broken-chain"}


def test_a_checkpoint_that_says_less_than_the_one_before_is_no_checkpoint(log: Log) -> None:
    first, second = (from_bytes(log.point(number).read_bytes()) for number in (1, 2))
    fewer = replace(second.heads[1], count=1)
    other = replace(first.heads[0], head="f" * 64)
    for heads in (second.heads[:1], (second.heads[0], fewer), (other, second.heads[1])):
        forged(log.point(2), heads=heads)
        found = read_chain([(number, log.point(number).read_bytes()) for number in (1, 2)])
        assert [report.kind for report in found.reports] == [CheckpointKind.VALID, CheckpointKind.SHRUNK]
        assert len(found.trusted) == 1


def test_somebody_who_shortened_both_is_found_by_who_remembers(log: Log) -> None:
    """Without Object Lock and without a memory, nothing tells: that is what the two are for."""
    log.put(ARN, log.lines(ARN)[:2])
    log.point(2).unlink()
    assert not log.check().ok
    log.notes = FileNotes(log.home / "auditor")
    assert log.check().ok
    found = log.check(at_least=2)
    assert [report.kind.value for report in found.chain.reports] == ["valid", "rolled-back"]


def test_no_bit_of_a_checkpoint_can_be_flipped(log: Log) -> None:
    log.notes = FileNotes(log.home / "auditor")
    path = log.point(2)
    data = path.read_bytes()
    for position in range(len(data)):
        for bit in (0, 3, 5, 7):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            chain = read_chain([(1, log.point(1).read_bytes()), (2, bytes(flipped))])
            if chain.ok:  # its free text and its heads may read otherwise: then no journal is what it saw
                point = chain.trusted[1]
                assert point != from_bytes(data)
                found = verify(log.journals, wanted(log.journals, chain, None), "x", chain)
                same = point.heads == from_bytes(data).heads
                assert same is found.ok


def test_no_checkpoint_at_all_is_not_valid(log: Log, tmp_path: Path) -> None:
    chain = chain_of(CheckpointDirectory(tmp_path / "elsewhere"), log.notes)
    assert not verify(log.journals, (ARN,), "elsewhere", chain).ok


# -- writing ---------------------------------------------------------------------------------------------------------


def test_each_is_chained_to_the_bytes_of_the_one_before(log: Log) -> None:
    written = log.anchor()
    assert written.number == 3
    assert written.checkpoint.prev == sha256(log.point(2).read_bytes()).hexdigest()
    assert written.digest == sha256(log.point(3).read_bytes()).hexdigest()
    assert written.records == 8
    assert [path.name for path in sorted(log.places.path.iterdir())] == [name_of(n) for n in (1, 2, 3)]


def test_there_must_be_something_to_anchor(tmp_path: Path) -> None:
    log = Log(tmp_path)
    with pytest.raises(NotFoundError, match="no journal"):
        log.anchor()
    assert log.places.numbers() == ()


def test_two_at_once_make_two(log: Log) -> None:
    class Raced(CheckpointDirectory):
        """Somebody else takes the number between our reading and our writing."""

        def write(self, number: int, data: bytes) -> None:
            if number == 3:
                log.anchor()
            super().write(number, data)

    written = checkpoint(log.journals, Raced(log.places.path), log.notes, log.clock, AUTHOR)
    assert written.number == 4
    assert log.check().ok


def test_one_that_is_written_while_we_list_is_no_rollback(log: Log) -> None:
    """By another process of this machine, which remembers it as well."""

    class Busy(CheckpointDirectory):
        def numbers(self) -> tuple[int, ...]:
            found = super().numbers()
            if found == (1, 2):
                log.anchor()
            return found

    chain = chain_of(Busy(log.places.path), log.notes)
    assert chain.ok
    log.point(3).unlink()
    log.notes.remember(log.places.where, 2, sha256(log.point(2).read_bytes()).hexdigest())
    assert checkpoint(log.journals, Busy(log.places.path), log.notes, log.clock, AUTHOR).number == 4


def test_who_always_loses_gives_up(log: Log) -> None:
    class Lost(CheckpointDirectory):
        def write(self, number: int, data: bytes) -> None:
            raise CheckpointExistsError("there")

    with pytest.raises(CheckpointExistsError):
        checkpoint(log.journals, Lost(log.places.path), log.notes, log.clock, AUTHOR)


@pytest.mark.parametrize("links", [True, False])
def test_a_file_is_never_written_over(log: Log, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """On a file system without links, either."""
    if not links:

        def refuse(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    path = log.point(3)
    log.places.write(3, b"one")
    with pytest.raises(CheckpointExistsError, match="exists already") as caught:
        log.places.write(3, b"two")
    assert f"--against {log.places.path} " in caught.value.hint, "what was given, whose chain can be checked"
    single = CheckpointFile(path.parent / "one.json", SteadyDisk())
    single.write(1, b"one")
    with pytest.raises(CheckpointExistsError, match="exists already") as caught:
        single.write(1, b"two")
    assert f"--against {single.path} " in caught.value.hint
    assert path.read_bytes() == b"one"
    assert not [one for one in path.parent.iterdir() if one.name.endswith(".new")]


def test_a_disk_that_is_full_leaves_nothing_behind(log: Log) -> None:
    with pytest.raises(CheckpointUnwritableError, match="No space left"):
        CheckpointDirectory(log.places.path, TellingDisk(room=20)).write(3, b"x" * 40)
    assert log.places.numbers() == (1, 2)
    assert len(list(log.places.path.iterdir())) == 2


def test_the_file_and_its_name_are_on_the_medium(log: Log) -> None:
    disk = TellingDisk()
    CheckpointDirectory(log.places.path, disk).write(3, b"x")
    assert [what for what, _ in disk.calls] == ["write", "fsync", "fsync-directory"]


# -- a single file, and one of a chain that is elsewhere ----------------------------------------------------------


def test_a_single_file_anchors_what_there_is(log: Log, tmp_path: Path) -> None:
    place = checkpoints_at(tmp_path / "handed.json", SteadyDisk())
    assert isinstance(place, CheckpointFile)
    checkpoint(log.journals, place, log.notes, log.clock, AUTHOR)
    with pytest.raises(CheckpointExistsError):
        checkpoint(log.journals, place, log.notes, log.clock, AUTHOR)
    chain = chain_of(place, log.notes)
    assert verify(log.journals, (ARN, OTHER), place.where, chain).ok
    log.put(ARN, log.lines(ARN)[:4])
    assert kinds(verify(log.journals, (ARN,), place.where, chain)) == {"live": "truncated"}


def test_one_checkpoint_of_many_can_be_handed_over(log: Log) -> None:
    place = checkpoints_at(log.point(2))
    chain = chain_of(place, log.notes)
    assert [(report.number, report.kind.value) for report in chain.reports] == [(2, "valid")]
    assert verify(log.journals, (ARN,), place.where, chain).journals[0].anchored == 4


def test_a_file_that_is_no_checkpoint(log: Log, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"hello")
    assert [report.kind for report in chain_of(checkpoints_at(tmp_path / "x.json"), log.notes).reports] == [
        CheckpointKind.UNREADABLE
    ]
    with pytest.raises(InvalidFileError, match="cannot be read"):
        chain_of(checkpoints_at(tmp_path / "y.json"), log.notes)


def test_gaps_are_told_one_by_one_up_to_a_point(log: Log) -> None:
    data = log.point(2).read_bytes()
    found = read_chain([(10**11, data)])
    assert len(found.reports) == 101
    assert {report.kind for report in found.reports[:-1]} == {CheckpointKind.MISSING}


def test_a_team_s_journals_that_cannot_be_reached_are_no_verdict() -> None:
    """Whether anything is wrong with them is not known: exit 8, not 2."""
    table = SimTable()
    journals = TableJournals(table, SimClock())
    append(journals.open(ARN), 3)
    assert verify(journals, (ARN,)).ok
    table.fail("rows", throttled())
    with pytest.raises(JournalUnreachableError) as caught:
        verify(journals, (ARN,))
    assert caught.value.exit_code is ExitCode.AWS
