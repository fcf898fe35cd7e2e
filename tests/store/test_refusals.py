"""What the system refuses is said: what, why, and what to do; and it leaves the journal readable."""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import ExitCode, InvalidFileError, JournalUnwritableError
from lambdaops.core.events import Decided
from lambdaops.core.states import Ready
from lambdaops.store.files import FileJournals
from lambdaops.store.locks import locked
from tests.store.homes import append, asides, holding, opened
from tests.store.records import (
    ACTOR,
    ARN,
    NOON,
    TellingDisk,
    lines_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from lambdaops.ports import Journal


def refused(journal: Journal) -> JournalUnwritableError:
    with pytest.raises(JournalUnwritableError) as caught:
        append(journal)
    assert caught.value.hint
    assert caught.value.target == "orders:live"
    assert caught.value.exit_code is ExitCode.BLOCKED
    return caught.value


@pytest.mark.parametrize("room", [0, 1, 100, 400])
def test_a_disk_that_fills_up_leaves_the_journal_readable(tmp_path: Path, room: int) -> None:
    disk = TellingDisk()
    journal = opened(tmp_path, disk)
    acknowledged = append(journal, 2)
    disk.room = room
    error = refused(journal)
    assert error.message == f"{journal.path}: the journal cannot be written: {os.strerror(errno.ENOSPC)}"
    assert "Free space" in error.hint
    assert "LAMBDAOPS_HOME" in error.hint
    reading = journal.read()
    assert reading.entries == tuple(acknowledged)
    assert reading.torn == (room > 0)
    disk.room = None
    assert append(journal)[0].seq == 3
    assert len(journal.read().entries) == 3


def test_a_disk_too_full_to_keep_a_torn_tail_keeps_it_where_it_is(tmp_path: Path) -> None:
    journal = holding(tmp_path, b"".join(lines_of(1)) + b'{"torn')
    before = journal.path.read_bytes()
    disk = TellingDisk(room=3)
    refused(opened(tmp_path, disk))
    assert journal.path.read_bytes() == before
    assert asides(journal) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")  # noqa: PTH110
def test_a_full_device_is_reported(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.path.parent.mkdir(parents=True)
    journal.path.symlink_to("/dev/full")
    assert os.strerror(errno.ENOSPC) in refused(journal).message


def test_a_home_under_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = refused(opened(tmp_path / "file" / "home"))
    assert error.message.endswith(f" ({tmp_path / 'file'})")  # which part of the path it is
    assert "A file stands where a directory belongs" in error.hint


def test_a_home_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    assert "A file stands where a directory belongs" in refused(opened(tmp_path / "home")).hint


def test_a_directory_in_the_place_of_the_journal_is_reported(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.path.mkdir(parents=True)
    assert "A directory stands where the journal belongs" in refused(journal).hint
    with pytest.raises(InvalidFileError, match="cannot be read: Is a directory"):
        journal.read()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.timeout(10)
def test_a_pipe_in_the_place_of_the_journal_keeps_nobody_waiting(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.path.parent.mkdir(parents=True)
    os.mkfifo(journal.path)
    assert "A pipe stands where the journal belongs" in refused(journal).hint
    with pytest.raises(InvalidFileError) as caught:
        journal.read()
    assert "A pipe stands where the journal belongs" in caught.value.hint


def test_a_link_to_itself_in_the_place_of_the_journal_is_reported(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.path.parent.mkdir(parents=True)
    journal.path.symlink_to(journal.path)
    assert "A link there leads to itself" in refused(journal).hint
    with pytest.raises(InvalidFileError) as caught:
        journal.read()
    assert "A link there leads to itself" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_directory_without_permission_is_reported(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert "permission" in refused(opened(tmp_path)).hint
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO], ids=errno.errorcode.get)
def test_a_refusal_of_the_system_names_what_and_why_and_what_next(tmp_path: Path, code: int) -> None:
    class Refusing(TellingDisk):
        def open(self, path: Path, flags: int) -> int:
            raise OSError(code, os.strerror(code), str(path))

    journal = opened(tmp_path, Refusing())
    error = refused(journal)
    assert error.message == f"{journal.path}: the journal cannot be written: {os.strerror(code)}"
    assert "LAMBDAOPS_HOME" in error.hint
    with pytest.raises(InvalidFileError) as caught:
        journal.read()
    assert caught.value.message == f"{journal.path}: the journal cannot be read: {os.strerror(code)}"
    assert caught.value.hint


def test_a_lock_that_is_never_given_back_is_reported(tmp_path: Path) -> None:
    journal = FileJournals(tmp_path, wait=timedelta(milliseconds=30)).open(ARN)
    append(journal)
    with locked(journal.path.with_name("live.lock"), timedelta(0), lambda: None):
        error = refused(journal)
    assert "another process has kept it locked" in error.message
    assert append(journal)[0].seq == 2


def test_a_record_that_could_not_be_read_back_is_never_written(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    append(journal)
    with pytest.raises(JournalUnwritableError, match="could not be read back"):
        journal.append(NOON, "r-1", ACTOR, Decided(Ready(NOON), 1.5))  # type: ignore[arg-type]
    assert len(journal.read().entries) == 1
