"""Comparisons as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.cli import defaults
from lambdaops.core.comparison import (
    DEFAULT_ALPHA,
    DEFAULT_COMPARISONS,
    DEFAULT_MIN_REQUESTS,
    DEFAULT_TOLERANCE,
    PERIOD,
    Comparison,
    Measure,
    parse_alpha,
    parse_comparisons,
    parse_min_requests,
    parse_period,
    parse_tolerance,
    share_alpha,
)
from lambdaops.core.errors import LambdaOpsError

LATENCY = Comparison(Measure.LATENCY, timedelta(milliseconds=800))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("none", ()),
        ("errors", (Comparison(Measure.ERRORS),)),
        ("errors, throttles", (Comparison(Measure.ERRORS), Comparison(Measure.THROTTLES))),
        ("latency:800ms", (LATENCY,)),
        ("latency:2s,latency:1m", tuple(Comparison(Measure.LATENCY, timedelta(seconds=n)) for n in (2, 60))),
    ],
)
def test_what_is_compared(text: str, found: tuple[Comparison, ...]) -> None:
    assert parse_comparisons(text) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be compared"),
        ("error", "Did you mean errors?"),
        ("errors,", "cannot be compared"),
        ("errors:5m", "takes no"),
        ("latency", "not a duration"),
        ("latency:", "not a duration"),
        ("latency:0ms", "not a time that a function may take"),
        ("latency:16m", "not a time that a function may take"),
        ("latency:fast", "not a duration"),
        ("errors,errors", "names errors twice"),
        ("latency:1s,latency:1000ms", "twice"),
        ("none,errors", "cannot be compared"),
        (",".join(f"latency:{n}ms" for n in range(1, 12)), "more than 10"),
    ],
)
def test_mistakes(text: str, says: str) -> None:
    with pytest.raises(LambdaOpsError) as caught:
        parse_comparisons(text)
    assert says in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint


@given(st.lists(st.sampled_from(["errors", "throttles", "latency:800ms", "latency:2s"]), unique=True, min_size=1))
def test_a_comparison_reads_back(names: list[str]) -> None:
    found = parse_comparisons(",".join(names))
    assert [one.name for one in found] == names
    assert parse_comparisons(",".join(one.name for one in found)) == found


@pytest.mark.parametrize(
    ("parse", "good", "number"),
    [
        (parse_tolerance, "1.5", 150), (parse_tolerance, "1", 100), (parse_tolerance, "100", 10_000),
        (parse_alpha, "0.01", 100), (parse_alpha, "0.0001", 1), (parse_alpha, "0.5", 5_000),
        (parse_min_requests, "0", 0), (parse_min_requests, "50", 50),
    ],
)  # fmt: skip
def test_numbers(parse: object, good: str, number: int) -> None:
    assert callable(parse)
    assert parse(good) == number


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        *((parse_tolerance, text) for text in ("0.9", "101", "-1", "nan", "1e3", "", "1,5", "1.5x")),
        *((parse_alpha, text) for text in ("0", "0.6", "1%", "0.00001", "inf")),
        *((parse_min_requests, text) for text in ("-1", "1.5", "1000001", "few")),
        *((parse_period, text) for text in ("2s", "90s", "2h", "0s", "fast")),
    ],
)
def test_numbers_that_cannot_be(parse: object, text: str) -> None:
    assert callable(parse)
    with pytest.raises(LambdaOpsError):
        parse(text)


@pytest.mark.parametrize("text", ["1s", "5s", "10s", "30s", "1m", "5m", "1h"])
def test_periods(text: str) -> None:
    assert parse_period(text) > timedelta()


def test_several_comparisons_share_the_chance_of_a_false_objection() -> None:
    three = parse_comparisons("errors,throttles,latency:1s")
    assert [one.alpha for one in share_alpha(three)] == [33, 33, 33]
    observed = Comparison(Measure.ERRORS, acts=False)
    assert [one.alpha for one in share_alpha((observed, three[1]))] == [100, 100], "what only watches costs nothing"
    assert share_alpha(()) == ()


def test_what_help_says_is_what_holds() -> None:
    assert defaults.COMPARE == DEFAULT_COMPARISONS
    assert parse_tolerance(defaults.TOLERANCE) == DEFAULT_TOLERANCE
    assert parse_alpha(defaults.ALPHA) == DEFAULT_ALPHA
    assert parse_min_requests(defaults.MIN_REQUESTS) == DEFAULT_MIN_REQUESTS
    assert parse_period(defaults.PERIOD) == PERIOD
