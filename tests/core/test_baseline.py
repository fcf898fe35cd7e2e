"""The history of the stable version: clusters, incidents, times of day, and too little of it."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.baseline import budget, dispersion
from tests.examples import times

DAY = 1440
History = list[tuple[int, int]]
calm = times(0.6)
ANY = st.lists(st.tuples(st.integers(0, 10**15), st.integers(0, 10**15)), max_size=80)


def scattered(random: Random, mean: float, periods: int = DAY) -> list[int]:
    """Bad requests that come one by one."""
    return [sum(random.random() < mean / 20 for _ in range(20)) for _ in range(periods)]


def clustered(size: int, every: int, offsets: tuple[int, ...] = (0,), seed: int = 1) -> History:
    """Clusters at random, one in so many periods, each spread over the offsets."""
    random = Random(seed)
    bad = [0] * (DAY + max(offsets))
    for minute in range(DAY):
        if random.random() < 1 / every:
            for offset in offsets:
                bad[minute + offset] += size
    return [(1000, one) for one in bad[:DAY]]


@pytest.mark.parametrize("mean", [0.01, 0.3, 1, 5])
def test_bad_requests_that_come_one_by_one_have_the_dispersion_one(mean: float) -> None:
    assert dispersion([(1000, bad) for bad in scattered(Random(2), mean)]) == 1


@pytest.mark.parametrize(
    ("history", "low", "high"),
    [
        pytest.param(clustered(20, 60), 19, 25, id="of 20, every hour"),
        pytest.param(clustered(3, 10), 2.8, 3.6, id="of 3, every ten minutes"),
        pytest.param(clustered(20, 240), 19, 25, id="of 20, six a day"),
        pytest.param(clustered(1, 15, (0, 1, 3)), 1.5, 3.5, id="retried twice"),
        pytest.param(clustered(1, 15, tuple(range(10))), 4, 10, id="retried for ten minutes"),
        pytest.param(clustered(5, 15, (0, 1, 3)), 7.5, 17, id="of 5, retried twice"),
    ],
)
def test_clusters_are_seen_at_about_their_size(history: History, low: float, high: float) -> None:
    assert low < dispersion(history) < high


def test_one_incident_is_forgiven() -> None:
    random = Random(3)
    usual = scattered(random, 1)
    for length in (1, 10, 30):
        incident = [bad + 200 * (600 <= minute < 600 + length) for minute, bad in enumerate(usual)]
        assert dispersion([(1000, bad) for bad in incident]) == 1


def test_two_large_clusters_are_not_forgiven() -> None:
    bad = [20 * (minute in {300, 900}) for minute in range(DAY)]
    assert dispersion([(1000, one) for one in bad]) == 20
    bad[900] = 0
    assert dispersion([(1000, one) for one in bad]) == 1


def test_a_short_history_shows_clusters_within_a_minute_and_over_a_few() -> None:
    assert dispersion([(1000, 20 * (minute in {3, 8})) for minute in range(12)]) == 20
    assert dispersion([(1000, 4 * (minute in {10, 11, 13, 30, 31, 33})) for minute in range(45)]) > 5


def test_nothing_is_forgiven_in_a_short_history() -> None:
    assert dispersion([(1000, 20 * (minute == 300)) for minute in range(719)]) == 20


def test_the_time_of_day_is_no_dispersion() -> None:
    random = Random(4)
    traffic = [2000 + round(1900 * math.sin(minute / DAY * 2 * math.pi)) for minute in range(DAY)]
    assert dispersion([(n, sum(random.random() < 0.01 for _ in range(n))) for n in traffic]) < 1.3


def test_traffic_that_comes_and_goes_is_no_dispersion() -> None:
    random = Random(5)
    traffic = [2000 if minute % 10 == 0 else 20 for minute in range(DAY)]
    assert dispersion([(n, sum(random.random() < 0.01 for _ in range(n))) for n in traffic]) < 1.5


@pytest.mark.parametrize(("periods", "careful"), [(0, 2), (180, 1.75), (360, 1.5), (720, 1), (DAY, 1)])
def test_the_less_is_known_the_more_careful(periods: int, careful: float) -> None:
    assert dispersion([(1000, 0)] * periods) == careful
    assert dispersion([(0, 0)] * periods) == careful


@calm
@given(ANY)
def test_dispersion_is_finite_and_at_least_one_whatever_the_history(history: History) -> None:
    assert 1 <= dispersion(history) < math.inf
    assert 0 < budget(history) < 1


@calm
@given(ANY, st.integers(2, 50))
def test_dispersion_depends_on_the_bad_requests_not_on_how_many_good_ones_there_are(
    history: History, more: int
) -> None:
    right = [(n, min(bad, n)) for n, bad in history]
    assert dispersion(right) == pytest.approx(dispersion([(n * more, bad) for n, bad in right]))


def test_more_bad_requests_than_requests_count_as_all() -> None:
    assert dispersion([(5, 9), (5, 0)] * 400) == dispersion([(5, 5), (5, 0)] * 400)
    assert budget([(5, 9)] * 8) == budget([(5, 5)] * 8)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([], 0.01),
        ([(0, 0)] * DAY, 0.01),
        ([(1000, 0)] * DAY, 0.01),
        ([(3000, 1)] * DAY, 0.01),  # clean
        ([(1000, 1)] * DAY, 0.003),
        ([(1000, 100)] * DAY, 0.3),
        ([(1000, 900)] * DAY, 0.5),
        ([(1000, 1)] * 1430 + [(1000, 500)] * 10, 0.003),  # an incident does not make failures usual
        ([(1000, 500)] * 10 + [(1000, 1)] * 1430, 0.003),
        ([(1000, 1)] * 3, 0.003),
        ([(1000, 1), (0, 5)] * 800, 0.003),  # bad requests without requests are metrics still coming in
    ],
)
def test_the_budget_is_twice_what_is_tolerated_of_the_usual_rate(history: History, expected: float) -> None:
    assert budget(history) == pytest.approx(expected)


def test_the_budget_goes_with_the_tolerance() -> None:
    assert budget([(1000, 1)] * DAY, tolerance=2) == pytest.approx(0.004)
