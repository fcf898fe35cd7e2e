"""``python -m benchmarks.judging``: what judging 200 functions with 4 gates costs, beside a bare loop.

The judge by itself, one more period added and judged; and all that a look does with its numbers: a settled period
folded into what is kept, two more that may still change, verdicts with reasons.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from lambdaops.core.comparison import Comparison, parse_comparisons
from lambdaops.core.judge import Evidence, Rule, Split, judge
from lambdaops.core.judging import Sums, assess, folded, rows_of
from lambdaops.core.series import Counts, Period

if TYPE_CHECKING:
    from collections.abc import Callable

FUNCTIONS, GATES, PERIODS = 200, 4, 30
MOST = 50  # milliseconds that one judgement may take
COMPARISONS: tuple[Comparison, ...] = parse_comparisons("errors,throttles,latency:800ms,latency:2s")


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

    def counts(requests: int) -> Counts:
        return Counts(requests, random.randrange(4), random.randrange(3), (random.randrange(9), random.randrange(2)))

    def periods(first: int, last: int) -> list[Period]:
        return [Period(start + n * minute, minute, counts(900), counts(100)) for n in range(first, last)]

    known = []
    for _ in range(FUNCTIONS):
        sums = Sums()
        for one in periods(0, PERIODS):
            sums = folded(sums, COMPARISONS, one.at, minute, rows_of(COMPARISONS, one), counts=True)
        known.append((sums, periods(PERIODS, PERIODS + 3)))

    def whole() -> None:
        for sums, (settled, *late) in known:
            rows = rows_of(COMPARISONS, settled)
            assess(COMPARISONS, folded(sums, COMPARISONS, settled.at, minute, rows, counts=True), late)

    judged, looked, bare = seconds(look), seconds(whole), seconds(loop)
    gates = f"{FUNCTIONS} functions x {GATES} gates"
    held = "holds" if judged * 1000 < MOST else "fails"
    print(f"{held}  one period added and judged, {gates}: {judged * 1000:.0f} ms of CPU, at most {MOST};")
    print(f"       {judged / bare:.0f} times a bare loop over the same numbers ({bare * 1000:.1f} ms)")
    print(f"       a whole look, three periods added, with verdicts and reasons: {looked * 1000:.0f} ms of CPU,")
    print(f"       {looked / bare:.0f} times the bare loop")


if __name__ == "__main__":
    main()
