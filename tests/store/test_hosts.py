"""Two hosts that share a home whose file system has no locks between them: the heartbeat tells one of the other."""

from __future__ import annotations

import json
import os
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import ReleaseInProgressError
from lambdaops.ports import SILENT_AFTER
from lambdaops.store.files import FileJournals
from lambdaops.store.places import Place
from tests.store.records import ARN, NOON

if TYPE_CHECKING:
    from pathlib import Path

ELSEWHERE = "other-host"


def noted(home: Path, silent_for: timedelta, host: str = ELSEWHERE) -> Path:
    """What a driver on that host leaves beside its lock, which cannot be seen from here."""
    note = Place.parse(ARN).file(home, ".driver.json")
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"pid": 4711, "host": host, "since": "2026-08-01T11:00:00Z", "release": "r-9"}))
    beat = (NOON - silent_for).timestamp()
    os.utime(note, (beat, beat))
    return note


def journals(home: Path) -> FileJournals:
    return FileJournals(home, now=lambda: NOON)


@pytest.mark.parametrize("silent_for", [timedelta(), SILENT_AFTER - timedelta(seconds=1), -timedelta(seconds=3)])
def test_a_driver_on_another_host_is_believed_while_it_shows_itself(tmp_path: Path, silent_for: timedelta) -> None:
    """A clock there that is a little ahead does not matter."""
    note = noted(tmp_path, silent_for)
    before = note.read_bytes()
    with pytest.raises(ReleaseInProgressError) as caught, journals(tmp_path).drive(ARN, "r-10"):
        pytest.fail("two hosts drive one release")
    assert "by pid 4711 on other-host since 2026-08-01T11:00:00Z, release r-9" in caught.value.message
    assert note.read_bytes() == before, "whoever is refused leaves the other's note alone"
    lease = journals(tmp_path).driver(ARN)
    assert lease is not None
    assert (lease.live, lease.host, lease.release) == (True, ELSEWHERE, "r-9")


def test_one_that_is_silent_for_too_long_is_taken_over_from(tmp_path: Path) -> None:
    noted(tmp_path, SILENT_AFTER)
    lease = journals(tmp_path).driver(ARN)
    assert lease is not None
    assert not lease.live
    assert lease.who == "pid 4711 on other-host since 2026-08-01T11:00:00Z"
    with journals(tmp_path).drive(ARN, "r-9"):
        mine = journals(tmp_path).driver(ARN)
        assert mine is not None
        assert (mine.live, mine.host, mine.pid) == (True, socket.gethostname(), os.getpid())


def test_a_fresh_note_of_this_host_counts_for_nothing_beside_a_free_lock(tmp_path: Path) -> None:
    """It was killed a moment ago: here the lock tells that at once."""
    noted(tmp_path, timedelta(), socket.gethostname())
    lease = journals(tmp_path).driver(ARN)
    assert lease is not None
    assert not lease.live
    with journals(tmp_path).drive(ARN, "r-9"):
        pass
