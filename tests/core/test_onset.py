"""Harm that begins later: the bets on when, that they stay a fair game, and that one number a theta is enough."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.judge import Call, Evidence, Rule, Split, judge
from tests.examples import times

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Counts = tuple[int, int, int, int]
THETAS = [1.5 * 2 ** (step / 3) for step in range(1, 19)]
WEIGHTS = [2 ** (-step / 6) for step in range(1, 19)]
calm = times(0.6)
counts = st.tuples(st.integers(0, 300), st.integers(0, 6), st.integers(0, 300), st.integers(0, 6))
RELEASES = st.lists(counts, max_size=8)


def after(*periods: Counts, evidence: Evidence | None = None, dispersion: float = 1.0) -> Evidence:
    evidence = evidence or Evidence.begin(dispersion)
    for counted in periods:
        evidence = evidence.add(Split(evidence.until or START, MINUTE, *counted))
    return evidence


def fair(counted: Counts) -> Counts:
    stable, stable_bad, candidate, bad = counted
    return stable, min(stable_bad, stable), candidate, min(bad, candidate)


def chance(theta: float, counted: Counts) -> float:
    """Of the split that was seen, given how many were bad; without the binomial coefficient."""
    stable, stable_bad, candidate, bad = counted
    share = candidate / (stable + candidate)
    q = share * theta / (1 - share + share * theta)
    return float(q**bad * (1 - q) ** stable_bad)


def says(counted: Counts) -> bool:
    stable, stable_bad, candidate, bad = counted
    return bool(stable and candidate and bad + stable_bad)


def bets(told: int) -> list[float]:
    """What is placed before each period that says something, and last what is still to come."""
    placed = [0.2 / (k * (k + 1)) for k in range(1, told + 1)]
    if placed:
        placed[0] += 0.8
        return [*placed, 0.2 / (told + 1)]
    return [1.0]


def by_hand(periods: list[Counts], dispersion: float) -> float:
    """The mean over theta and over when it began, from all the periods."""
    told = [counted for counted in map(fair, periods) if says(counted)]
    *placed, rest = bets(len(told))
    total = 0.0
    for theta, weight in zip(THETAS, WEIGHTS, strict=True):
        ratios = [(chance(theta, counted) / chance(1.5, counted)) ** (1 / dispersion) for counted in told]
        since = list(accumulate(reversed(ratios), lambda one, other: one * other))[::-1]
        total += weight * sum(bet * ratio for bet, ratio in zip(placed, since, strict=True))
    return total / sum(WEIGHTS) + rest


@pytest.mark.parametrize("told", [0, 1, 2, 10, 1000])
def test_what_is_bet_adds_up_to_one(told: int) -> None:
    assert math.fsum(bets(told)) == pytest.approx(1)


@calm
@given(RELEASES, st.sampled_from([1.0, 1.7, 4.0]))
def test_one_number_a_theta_holds_what_all_the_periods_would(periods: list[Counts], dispersion: float) -> None:
    found = after(*periods, dispersion=dispersion)
    assert math.exp(found.against) == pytest.approx(by_hand(periods, dispersion), rel=1e-9)
    assert found.told == sum(says(fair(counted)) for counted in periods)


@calm
@given(
    RELEASES,
    st.integers(1, 200),
    st.integers(1, 200),
    st.integers(0, 9),
    st.sampled_from([0.01, 0.5, 1.0, 1.4, 1.5]),
    st.sampled_from([1.0, 1.3, 3.0]),
)
def test_whatever_was_seen_the_next_period_is_no_gain_to_be_expected(
    periods: list[Counts], stable: int, candidate: int, both: int, theta: float, dispersion: float
) -> None:
    """The exact mean over every split of the next period's bad requests, at any ratio within the tolerance."""
    both = min(both, stable, candidate)
    before = after(*periods, dispersion=dispersion)
    share = candidate / (stable + candidate)
    q = share * theta / (1 - share + share * theta)
    expected = math.fsum(
        math.comb(both, bad)
        * q**bad
        * (1 - q) ** (both - bad)
        * math.exp(after((stable, both - bad, candidate, bad), evidence=before).against)
        for bad in range(both + 1)
    )
    assert expected <= math.exp(before.against) * (1 + 1e-9)
    if theta == 1.5 and dispersion == 1:
        assert expected == pytest.approx(math.exp(before.against), rel=1e-9)


@calm
@given(RELEASES, st.lists(counts, min_size=1, max_size=5))
def test_what_was_good_before_costs_no_more_than_the_bet(before: list[Counts], later: list[Counts]) -> None:
    first = after(*before)
    bet = 0.2 / ((first.told + 1) * (first.told + 2))
    fresh = by_hand(later, 1.0)
    # What convicts by itself convicts after any past with the part that was bet on it.
    assert math.exp(after(*later, evidence=first).against) >= bet * (fresh - 1) * (1 - 1e-9)


@calm
@given(RELEASES, st.sampled_from([(0, 0, 300, 9), (300, 9, 0, 0), (300, 0, 300, 0), (0, 0, 0, 0)]))
def test_a_period_that_says_nothing_takes_no_bet(periods: list[Counts], nothing: Counts) -> None:
    """So nobody pays for minutes without bad requests, or for shorter ones."""
    before = after(*periods)
    found = after(nothing, nothing, evidence=before)
    assert (found.told, found.onsets, found.against) == (before.told, before.onsets, before.against)


GOOD, BAD = (7500, 75, 2500, 25), (7500, 75, 2500, 125)


def test_harm_that_begins_after_hours_is_found_in_a_minute() -> None:
    for hours in (0, 1, 24):
        evidence = after(*[GOOD] * (60 * hours))
        assert judge(Rule(), evidence, stage_requests=2500).call is Call.PASS
        assert judge(Rule(), after(BAD, evidence=evidence), stage_requests=2500).call is Call.FAIL


def test_the_past_alone_would_have_hidden_it() -> None:
    """What fails is not the mean of the whole release, and the reason says so."""
    evidence = after(*[GOOD] * 60, BAD)
    logs = evidence.logs[19:]
    whole = sum(w * math.exp(log - evidence.logs[18]) for w, log in zip(WEIGHTS, logs, strict=True)) / sum(WEIGHTS)
    assert whole < 1
    found = judge(Rule(), evidence, stage_requests=2500)
    assert found.reason == "1.07% of 152500, stable 1.00% of 457500: surely by now over 1.5 times stable's"
    low, high = found.interval
    assert low < 1.1 < high < 1.6, "of the whole release"
    at_once = judge(Rule(), after(BAD), stage_requests=2500)
    assert at_once.reason.endswith(": surely over 1.5 times stable's")


def test_good_lately_is_not_good() -> None:
    """Only conviction asks since when."""
    rule = Rule(alpha=1e-300)
    assert judge(rule, after(*[GOOD] * 3), stage_requests=1).acquitted
    assert not judge(rule, after(BAD, *[GOOD] * 3), stage_requests=1).acquitted


def test_what_a_bet_can_win_has_an_end_and_still_convicts() -> None:
    evidence = after(*[(500_000, 0, 500_000, 5000)] * 5)
    assert max(evidence.onsets) == 1e300
    assert judge(Rule(), evidence, stage_requests=1).call is Call.FAIL
    assert math.isfinite(after(*[(500_000, 5000, 500_000, 0)] * 5, evidence=evidence).against)
