"""Until when a FIFO queue is relied on to know what it was sent before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lambdaops.core.dlq.remembered import REMEMBERED, remembered_until, surely_remembered

SENT = datetime(2026, 11, 29, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "sure"),
    [
        (timedelta(), True),
        (timedelta(minutes=4), True),
        (timedelta(minutes=4, microseconds=1), False),
        (timedelta(minutes=5), False),
        # The clock of whoever sent it may be a little ahead of ours; more is a clock that was set back.
        (timedelta(seconds=-30), True),
        (timedelta(seconds=-31), False),
    ],
)
def test_a_minute_is_kept_for_clocks_and_for_calls_under_way(after: timedelta, sure: bool) -> None:
    assert surely_remembered(SENT, SENT + after) is sure


def test_it_is_relied_on_for_less_than_it_lasts() -> None:
    assert remembered_until(SENT) == SENT + REMEMBERED - timedelta(minutes=1)
