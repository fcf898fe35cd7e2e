"""The pace of the customers, on a clock that is a number."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.sandbox.pacing import Pace

INTERVAL = 0.05


def walk(stalls: dict[int, float], count: int, late: float = 0.0) -> list[float]:
    """When each of ``count`` requests is sent; before some, the machine stalls for so many seconds more."""
    now, pace, times = 0.0, Pace(INTERVAL, 0.0), []
    for number in range(count):
        now += pace.wait(now) + late + stalls.get(number, 0.0)
        times.append(now)
        pace = pace.sent(now)
    return times


def gaps(times: list[float]) -> list[float]:
    return [later - sooner for sooner, later in pairwise(times)]


def test_nothing_is_sent_before_it_is_due() -> None:
    pace = Pace(INTERVAL, 10.0)
    assert pace.wait(9.75) == 0.25
    assert pace.wait(10.0) == 0.0
    assert pace.wait(11.0) == 0.0


def test_without_stalls_the_gaps_are_even() -> None:
    assert gaps(walk({}, 100)) == pytest.approx([INTERVAL] * 99)


def test_a_timer_that_is_always_late_does_not_lower_the_rate() -> None:
    times = walk({}, 1_000, late=0.004)
    assert times[-1] == pytest.approx(999 * INTERVAL, abs=0.01)


def test_a_short_stall_is_made_up_at_twice_the_rate() -> None:
    times = walk({10: 0.5}, 100)
    after = gaps(times)[10:]
    assert after[:20] == pytest.approx([INTERVAL / 2] * 20)
    assert after[25:] == pytest.approx([INTERVAL] * len(after[25:]))
    assert times[-1] == pytest.approx(99 * INTERVAL)


def test_a_long_stall_is_given_up() -> None:
    times = walk({10: 30.0}, 100)
    assert gaps(times)[10:] == pytest.approx([INTERVAL] * 89)


def test_short_stalls_in_a_row_are_one_long_stall() -> None:
    times = walk(dict.fromkeys(range(10, 20), 0.9), 100)
    assert min(gaps(times)) >= INTERVAL / 2 - 1e-9
    assert times[-1] - times[19] > 0.9 * 80 * INTERVAL - 1.0


@given(st.dictionaries(st.integers(0, 99), st.floats(0, 5)), st.floats(0, 0.1))
def test_there_is_never_a_burst_nor_more_than_the_rate(stalls: dict[int, float], late: float) -> None:
    times = walk(stalls, 100, late)
    assert all(gap >= INTERVAL / 2 - 1e-9 for gap in gaps(times))
    assert all(time >= number * INTERVAL - 1e-9 for number, time in enumerate(times))
