"""Driving a release is one process's right, and dies with it."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import (
    ExitCode,
    FunctionBusyError,
    JournalUnwritableError,
    RedriveInProgressError,
    ReleaseInProgressError,
)
from lambdaops.store.files import FileJournals
from tests.store.processes import line_of, started
from tests.store.records import ACTOR, ARN, EVENTS, NOON, OTHER, TellingDisk

if TYPE_CHECKING:
    from pathlib import Path


def journals(home: Path, disk: TellingDisk | None = None) -> FileJournals:
    """Which do not wait: nobody here gives the right back while another asks for it."""
    return FileJournals(home, disk=disk, now=lambda: NOON, wait=timedelta(0))


def refusal(home: Path) -> ReleaseInProgressError:
    with pytest.raises(ReleaseInProgressError) as caught, journals(home).drive(ARN):
        pytest.fail("two drive one release")
    return caught.value


def test_a_second_driver_is_told_who_has_it_and_what_to_do(tmp_path: Path) -> None:
    with journals(tmp_path).drive(ARN, "r-7"):
        error = refusal(tmp_path)
    assert error.message == (
        "a release of orders:live is being driven already: "
        f"by pid {os.getpid()} on {socket.gethostname()} since 2026-08-01T12:00:00Z, release r-7"
    )
    assert "lambdaops status orders:live" in error.hint
    assert "lambdaops rollback orders:live" in error.hint
    assert error.target == "orders:live"
    assert error.exit_code is ExitCode.CONFLICT


def test_the_right_is_given_back(tmp_path: Path) -> None:
    drive = journals(tmp_path).drive(ARN)  # kept: its end as an object is not what gives the right back
    for _ in range(3):
        with drive:
            refusal(tmp_path)
        with journals(tmp_path).drive(ARN):
            refusal(tmp_path)


def test_who_holds_the_lock_for_a_moment_is_waited_for_and_who_keeps_it_a_second(tmp_path: Path) -> None:
    drive = journals(tmp_path).drive(ARN)
    patient = FileJournals(tmp_path, now=lambda: NOON).drive(ARN)
    drive.__enter__()
    began = time.monotonic()
    with pytest.raises(ReleaseInProgressError), patient:
        pytest.fail("two drive one release")
    assert 0.9 < time.monotonic() - began < 5
    giving_back = threading.Timer(0.1, drive.__exit__)
    giving_back.start()
    with patient:
        giving_back.join()
        refusal(tmp_path)


def test_an_error_gives_the_right_back_too(tmp_path: Path) -> None:
    drive = journals(tmp_path).drive(ARN)
    with pytest.raises(ZeroDivisionError), drive:
        _ = 1 / 0
    with journals(tmp_path).drive(ARN):
        refusal(tmp_path)


def test_other_aliases_and_appends_are_not_kept_waiting(tmp_path: Path) -> None:
    with journals(tmp_path).drive(ARN), journals(tmp_path).drive(OTHER):
        journal = FileJournals(tmp_path, wait=timedelta(0)).open(ARN)
        assert journal.append(NOON, "r-1", ACTOR, EVENTS[0]).seq == 1


def test_another_process_is_named_and_its_death_frees_the_right(tmp_path: Path) -> None:
    with started("drive", tmp_path) as process:
        assert line_of(process) == "driving\n"
        assert f"by pid {process.pid} on " in refusal(tmp_path).message
        process.kill()
        process.wait()
        with journals(tmp_path).drive(ARN):
            # The dead one's note is replaced: nobody is sent after the wrong process.
            assert f"by pid {os.getpid()} on " in refusal(tmp_path).message


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b"7", b'{"pid": 1}', b"\xff"], ids=repr)
def test_a_note_that_cannot_be_read_does_not_let_a_second_driver_in(tmp_path: Path, note: bytes) -> None:
    with journals(tmp_path).drive(ARN):
        (path,) = tmp_path.rglob("live.driver.json")
        path.write_bytes(note)
        assert refusal(tmp_path).message.endswith("by a process that left no note")


def test_the_note_says_pid_host_since_and_release_while_it_lasts(tmp_path: Path) -> None:
    with journals(tmp_path).drive(ARN, "r-7"):
        (path,) = tmp_path.rglob("live.driver.json")
        assert json.loads(path.read_bytes()) == {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": "2026-08-01T12:00:00Z",
            "release": "r-7",
        }
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


def test_a_full_disk_takes_the_note_and_leaves_the_lock(tmp_path: Path) -> None:
    with journals(tmp_path, TellingDisk(room=0)).drive(ARN):
        refusal(tmp_path)


def test_a_home_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalUnwritableError), journals(tmp_path / "file").drive(ARN):
        pytest.fail("nothing was locked")


def test_a_second_redrive_of_a_queue_is_told_who_has_it_and_what_to_do(tmp_path: Path) -> None:
    """Hazard 16: two operators. A hand-made engine needs a lock of its own."""
    queue = "arn:aws:sqs:eu-west-1:123456789012:orders-dlq"
    with (
        journals(tmp_path).drive(queue, "d-7"),
        pytest.raises(RedriveInProgressError) as caught,
        journals(tmp_path).drive(queue),
    ):
        pytest.fail("two move messages of one queue")
    assert caught.value.message == (
        "messages of orders-dlq are being moved already: "
        f"by pid {os.getpid()} on {socket.gethostname()} since 2026-08-01T12:00:00Z, run d-7"
    )
    assert "lambdaops dlq status orders-dlq" in caught.value.hint
    assert caught.value.exit_code is ExitCode.CONFLICT


def test_a_second_prune_of_a_function_is_told_who_has_it_and_keeps_no_release_waiting(tmp_path: Path) -> None:
    function = ARN.rpartition(":")[0]
    with journals(tmp_path).drive(function, "v-7"):
        with pytest.raises(FunctionBusyError) as caught, journals(tmp_path).drive(function):
            pass
        with journals(tmp_path).drive(ARN):
            pass
    assert caught.value.exit_code is ExitCode.CONFLICT
    assert f"pid {os.getpid()}" in caught.value.message
    assert "run v-7" in caught.value.message
    assert "Wait until it is through" in caught.value.hint
