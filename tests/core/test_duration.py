"""Durations in and out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.duration import format_duration, parse_duration
from lambdaops.core.errors import ExitCode, InvalidDurationError, UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("1s", 1),
        ("45s", 45),
        ("90s", 90),
        ("5m", 300),
        ("005m", 300),
        ("2h", 7_200),
        ("1h30m", 5_400),
        ("1h5s", 3_605),
        ("1d2h3m4s", 93_784),
        ("7d", 604_800),
        ("168h", 604_800),
        ("604800s", 604_800),
    ],
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "5",
        "m",
        "5 m",
        " 5m",
        "5m ",
        "5m\n",
        "5M",
        "-5m",
        "+5m",
        "1.5h",
        "1e3s",
        "5ms",
        "5min",
        "5m5m",
        "30m1h",
        "5s1m",
        "1h 30m",
        "1w",
        "5m,",
        "\u0665m",
        "5m\0",
        "PT5M",
        "9" * 5_000 + "s",  # more digits than Python turns into a number
    ],
)
def test_anything_else_is_not_a_duration(text: str) -> None:
    with pytest.raises(InvalidDurationError, match="is not a duration") as caught:
        parse_duration(text)
    assert "1h30m" in caught.value.hint
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("text", ["7d1s", "8d", "169h", "604801s", "999999999d"])
def test_more_than_seven_days_is_refused(text: str) -> None:
    with pytest.raises(InvalidDurationError, match="longer than seven days"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-3, "0s"),
        (0.001, "1s"),
        (59, "59s"),
        (60, "1m"),
        (61, "1m1s"),
        (89.2, "1m30s"),
        (3_600, "1h"),
        (5_400, "1h30m"),
        (86_400, "1d"),
        (90_061, "1d1h1m1s"),
    ],
)
def test_a_duration_is_written_to_the_second_rounded_up(seconds: float, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text


@given(st.integers(0, 604_800))
def test_what_is_written_is_read_back(seconds: int) -> None:
    assert parse_duration(format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@given(st.text(max_size=20) | st.text("0123456789dhms", max_size=20))
def test_any_text_is_a_duration_of_at_most_a_week_or_a_usage_error(text: str) -> None:
    try:
        read = parse_duration(text)
    except UsageError:
        return
    assert timedelta() <= read <= timedelta(days=7)
