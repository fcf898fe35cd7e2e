"""Where a run's snapshot ends: what comes back within the second that it began in is none of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lambdaops.ops.dlq.redrive import _snapshot

TOLD = datetime(2026, 8, 1, 12, 0, 5, tzinfo=UTC)
"""The end of the second that SQS told: it is between 12:00:04 and 12:00:05 there."""
MILLISECOND = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        (TOLD - 400 * MILLISECOND, TOLD - 400 * MILLISECOND),
        (TOLD - 1000 * MILLISECOND, TOLD - 1000 * MILLISECOND),
        (TOLD, TOLD),
        (TOLD + timedelta(minutes=3), TOLD),
        (TOLD - timedelta(minutes=3), TOLD),
    ],
)
def test_our_clock_tells_the_part_of_a_second_if_it_agrees(now: datetime, ends: datetime) -> None:
    assert _snapshot(TOLD, now) == ends
