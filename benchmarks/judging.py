"""``python -m benchmarks.judging``: what a look at 200 functions with 4 gates costs, beside a bare loop."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from lambdaops.core.judge import Evidence, Rule, Split, judge

if TYPE_CHECKING:
    from collections.abc import Callable

FUNCTIONS, GATES, PERIODS = 200, 4, 30


def seconds(work: Callable[[], object], runs: int = 21) -> float:
    times = []
    for _ in range(runs):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return statistics.median(times)


def main() -> None:
    random = Random(1)
    start, minute = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=1)
    rule = Rule(budget=0.01)

    def split(period: int) -> Split:
        return Split(start + period * minute, minute, 900, random.randrange(4), 100, random.randrange(2))

    gathered = []
    for _ in range(FUNCTIONS * GATES):
        evidence = Evidence.begin()
        for period in range(PERIODS):
            evidence = evidence.add(split(period))
        gathered.append(evidence)
    splits = [split(PERIODS) for _ in gathered]

    def look() -> None:
        for evidence, latest in zip(gathered, splits, strict=True):
            judge(rule, evidence.add(latest), stage_requests=100)

    def loop() -> float:
        total = 0.0
        for evidence, latest in zip(gathered, splits, strict=True):
            for log in evidence.logs:
                total += log + latest.candidate_bad
        return total

    ours, bare = seconds(look), seconds(loop)
    print(f"one more period added and judged, {FUNCTIONS} functions x {GATES} gates: {ours * 1000:.0f} ms of CPU,")
    print(f"{ours / bare:.0f} times a bare loop over the same numbers ({bare * 1000:.1f} ms)")


if __name__ == "__main__":
    main()
