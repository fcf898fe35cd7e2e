"""``python -m benchmarks.audit [--records N] [--appends N]``: the audit log beside bare loops of the same work.

Verifying beside a loop that only parses the lines and hashes them; appending beside one that only writes a line and
has it on the medium. Both sides alternate, so that a busy machine is busy for both; what counts are the ratios.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lambdaops.core.events import Decided, Entry
from lambdaops.core.model import Actor
from lambdaops.core.states import Ready
from lambdaops.store.files import FileJournals
from lambdaops.store.framing import GENESIS, frame

if TYPE_CHECKING:
    from collections.abc import Callable

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live"
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
ACTOR = Actor("arn:aws:sts::123456789012:assumed-role/deploy/ann", "ci-7", "github:acme/orders/actions/runs/1")
EVENT = Decided(Ready(NOON), "errors-high: OK since 10:41:07; waiting for 12 more requests on the candidate")
VERIFY_AT_MOST, APPEND_AT_LEAST = 1.5, 0.8


def made(home: Path, records: int) -> Path:
    """A journal of so many records, made without waiting for the medium."""
    path = FileJournals(home).open(ARN).path
    path.parent.mkdir(parents=True)
    prev = GENESIS
    with path.open("wb") as file:
        for seq in range(1, records + 1):
            framed = frame(Entry(seq, NOON, ARN, "r-20260801-120000-0001", ACTOR, EVENT), prev)
            prev = framed.link.head
            file.write(framed.line)
    return path


def bare_verify(path: Path) -> None:
    with path.open("rb") as file:
        for line in file:
            json.loads(line)
            hashlib.sha256(line).hexdigest()


def appends(home: Path, count: int) -> tuple[list[float], list[float]]:
    """Seconds of each append: a bare write and fsync, and ours; by turns, for a disk is not always as fast."""
    journal = FileJournals(home).open(ARN)
    line = frame(journal.append(NOON, "r-1", ACTOR, EVENT), GENESIS).line
    fd = os.open(home / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def bare() -> None:
        os.write(fd, line)
        os.fsync(fd)

    pairs = [(took(bare), took(lambda: journal.append(NOON, "r-1", ACTOR, EVENT))) for _ in range(count)]
    os.close(fd)
    return [one for one, _ in pairs], [other for _, other in pairs]


def took(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def memory() -> float:
    """Megabytes of this process at most, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--appends", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        home = Path(name)
        journals = FileJournals(home)
        path = made(home, asked.records)
        size = path.stat().st_size
        print(f"{asked.records} records, {size / 1e6:.0f} MB")
        bares, verifies = [], []
        for _ in range(asked.rounds):
            bares.append(took(lambda: bare_verify(path)))
            before = memory()
            verifies.append(took(lambda: journals.verify(ARN)))
            print(
                f"  verify {verifies[-1]:6.2f} s, parsing and hashing alone {bares[-1]:6.2f} s; "
                f"{memory() - before:.1f} MB more than before"
            )
        ratio = min(verifies) / min(bares)
        print(f"verify: {ratio:.2f} times a bare loop (best of each), at most {VERIFY_AT_MOST} wanted")
        path.unlink()
        bares, ours = appends(home, asked.appends)
        share = sum(bares) / sum(ours)
        middle = statistics.median(bares) * 1000, statistics.median(ours) * 1000
        print(f"  append {middle[1]:.2f} ms, write and fsync alone {middle[0]:.2f} ms (medians)")
        print(f"append: {share:.2f} of a bare loop's rate, at least {APPEND_AT_LEAST} wanted")
    if ratio > VERIFY_AT_MOST or share < APPEND_AT_LEAST:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
