"""Several processes, and processes that die: one chain, and nothing that was acknowledged is ever lost."""

from __future__ import annotations

import contextlib
import random
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.events import Intent
from lambdaops.store.files import FileJournals
from tests.examples import tries
from tests.store.processes import finished, line_of, started
from tests.store.records import ACTOR, ARN, EVENTS, NOON, lines_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL and no resource limits")


def test_four_processes_make_one_chain(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(started("append", tmp_path, 50, f"p{i}")) for i in range(4)]
        told = [int(line) for process in processes for line in process.communicate()[0].split()]
    assert sorted(told) == list(range(1, 201))
    entries = FileJournals(tmp_path).open(ARN).read().entries
    assert [entry.seq for entry in entries] == list(range(1, 201))
    for name in ("p0", "p1", "p2", "p3"):
        ops = [entry.event.op for entry in entries if entry.release == name and isinstance(entry.event, Intent)]
        assert ops == list(range(1, 51))


def test_threads_make_one_chain_too(tmp_path: Path) -> None:
    def append() -> None:
        for _ in range(20):
            FileJournals(tmp_path).open(ARN).append(NOON, "r-1", ACTOR, EVENTS[0])

    threads = [threading.Thread(target=append) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(FileJournals(tmp_path).open(ARN).read().entries) == 80


@pytest.mark.thorough
def test_a_killed_appender_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    seeded = random.Random(11)
    journal = FileJournals(tmp_path).open(ARN)
    acknowledged = 0
    for _ in range(tries(24)):
        with started("append", tmp_path, 0, "doomed") as process:
            for _ in range(seeded.randrange(1, 12)):
                acknowledged = int(line_of(process))
            threading.Event().wait(seeded.random() / 500)  # somewhere within the next append
            process.kill()
            assert process.stdout is not None
            rest = [int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        acknowledged = max([acknowledged, *rest])
        entries = journal.read().entries
        # The one under way may have made it; more than one cannot.
        assert acknowledged <= len(entries) <= acknowledged + 1
        acknowledged = len(entries)


@pytest.mark.parametrize("before", [0, 3])
def test_a_process_killed_in_the_middle_of_a_write_leaves_a_torn_tail(tmp_path: Path, before: int) -> None:
    journal = FileJournals(tmp_path).open(ARN)
    journal.path.parent.mkdir(parents=True)
    journal.path.write_bytes(b"".join(lines_of(before)))
    for cut in (1, 700, 2_500):
        assert finished("die", tmp_path, cut).returncode == -9
        assert journal.read().torn
        assert len(journal.read().entries) == before
        before += 1
        assert journal.append(NOON, "r-1", ACTOR, EVENTS[0]).seq == before
    assert len([path for path in journal.path.parent.iterdir() if ".torn-" in path.name]) == 3


@pytest.mark.parametrize("limit", [100, 3_000, 9_999])
def test_a_file_that_may_not_grow_is_reported_and_stays_readable(tmp_path: Path, limit: int) -> None:
    """A real partial write: the kernel takes what fits and refuses the rest."""
    *seqs, error, hint = finished("limited", tmp_path, limit).stdout.splitlines()
    assert error.startswith("journal-unwritable: ")
    assert "File too large" in error
    assert "ulimit -f" in hint
    journal = FileJournals(tmp_path).open(ARN)
    assert journal.path.stat().st_size == limit
    reading = journal.read()
    assert reading.torn
    assert [str(entry.seq) for entry in reading.entries] == seqs
    assert journal.append(NOON, "r-1", ACTOR, EVENTS[0]).seq == len(seqs) + 1
