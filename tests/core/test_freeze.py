"""Freeze windows: week ends, whole weeks, changes of the clock, and the way out of several windows."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambdaops.core.freeze import DAYS, Freeze, FreezeWindow, Once, Weekly, WeekTime, frozen, next_freeze, thaw

BERLIN = ZoneInfo("Europe/Berlin")
SYDNEY = ZoneInfo("Australia/Sydney")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its clocks change by half an hour
CAIRO = ZoneInfo("Africa/Cairo")
HONOLULU = ZoneInfo("Pacific/Honolulu")


def weekly(text: str, zone: ZoneInfo = BERLIN, name: str = "weekly") -> FreezeWindow:
    """``Fri 16:00 to Mon 07:00``."""
    start, end = (WeekTime(DAYS.index(part[:3]), time.fromisoformat(part[4:])) for part in text.split(" to "))
    return FreezeWindow(name, Weekly(start, end), zone)


def once(start: str, end: str, zone: ZoneInfo = BERLIN, name: str = "once") -> FreezeWindow:
    return FreezeWindow(name, Once(datetime.fromisoformat(start), datetime.fromisoformat(end)), zone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


WEEKEND = weekly("Fri 16:00 to Mon 07:00")


@pytest.mark.parametrize(
    ("window", "now", "since", "until"),
    [
        # Berlin is UTC+1 in November; 2026-11-06 is a Friday
        (WEEKEND, "2026-11-06T14:59:59", None, None),
        (WEEKEND, "2026-11-06T15:00", "2026-11-06T15:00", "2026-11-09T06:00"),
        (WEEKEND, "2026-11-08T12:00", "2026-11-06T15:00", "2026-11-09T06:00"),
        (WEEKEND, "2026-11-09T05:59:59.999999", "2026-11-06T15:00", "2026-11-09T06:00"),
        (WEEKEND, "2026-11-09T06:00", None, None),
        # across a year's end
        (weekly("Thu 00:00 to Sat 00:00"), "2027-01-01T12:00", "2026-12-30T23:00", "2027-01-01T23:00"),
        # within a day, and all but that
        (weekly("Wed 09:00 to Wed 10:00"), "2026-11-04T08:30", "2026-11-04T08:00", "2026-11-04T09:00"),
        (weekly("Wed 09:00 to Wed 10:00"), "2026-11-04T09:00", None, None),
        (weekly("Wed 10:00 to Wed 09:00"), "2026-11-04T09:00", "2026-11-04T09:00", "2026-11-11T08:00"),
        (weekly("Wed 10:00 to Wed 09:00"), "2026-11-04T07:59", "2026-10-28T09:00", "2026-11-04T08:00"),
        (weekly("Wed 10:00 to Wed 09:00"), "2026-11-04T08:00", None, None),
        (weekly("Sun 23:59 to Mon 00:00"), "2026-11-01T22:59", "2026-11-01T22:59", "2026-11-01T23:00"),
        # a whole week, all the time
        (weekly("Mon 00:00 to Mon 00:00"), "2026-11-04T08:00", "2026-11-01T23:00", "2026-11-08T23:00"),
        (weekly("Mon 00:00 to Mon 00:00"), "2026-11-08T23:00", "2026-11-08T23:00", "2026-11-15T23:00"),
        # a day there that is another day here
        (weekly("Mon 00:00 to Mon 08:00", SYDNEY), "2026-11-01T13:00", "2026-11-01T13:00", "2026-11-01T21:00"),
        (weekly("Sun 20:00 to Mon 00:00", HONOLULU), "2026-11-02T09:59", "2026-11-02T06:00", "2026-11-02T10:00"),
        # once
        (once("2026-12-20T00:00", "2027-01-04T06:00"), "2026-12-19T22:59", None, None),
        (once("2026-12-20T00:00", "2027-01-04T06:00"), "2026-12-19T23:00", "2026-12-19T23:00", "2027-01-04T05:00"),
        (once("2026-12-20T00:00", "2027-01-04T06:00"), "2027-01-04T05:00", None, None),
        (once("2020-01-01T00:00", "2030-01-01T00:00"), "2026-11-01T00:00", "2019-12-31T23:00", "2029-12-31T23:00"),
    ],
)  # fmt: skip
def test_frozen(window: FreezeWindow, now: str, since: str | None, until: str | None) -> None:
    expected = Freeze(window, utc(since), utc(until)) if since and until else None
    assert frozen([window], utc(now)) == expected
    assert frozen([window], utc(now).astimezone(SYDNEY)) == expected


# -- changes of the clock ----------------------------------------------------------------------------------------------
# Berlin:    29 March 2026, 02:00 becomes 03:00, and 25 October, 03:00 becomes 02:00, both at 01:00 UTC.
# Sydney:     5 April 2026, 03:00 becomes 02:00, and 4 October, 02:00 becomes 03:00, both at 16:00 UTC the day before.
# Cairo:     24 April 2026, 00:00 becomes 01:00 (22:00 UTC of the day before).
# Lord Howe:  5 April 2026, 02:00 becomes 01:30 (15:00 UTC), and 4 October, 02:00 becomes 02:30 (15:30 UTC).


@pytest.mark.parametrize(
    ("start", "end", "zone", "since", "until"),
    [
        # over a change: an hour less, an hour more
        ("2026-03-29T00:00", "2026-03-29T06:00", BERLIN, "2026-03-28T23:00", "2026-03-29T04:00"),
        ("2026-10-25T00:00", "2026-10-25T06:00", BERLIN, "2026-10-24T22:00", "2026-10-25T05:00"),
        ("2026-04-05T00:00", "2026-04-05T06:00", SYDNEY, "2026-04-04T13:00", "2026-04-04T20:00"),
        ("2026-10-04T00:00", "2026-10-04T06:00", SYDNEY, "2026-10-03T14:00", "2026-10-03T19:00"),
        # from a time that is skipped, to one, and within: as if there were no change, on either side of it
        ("2026-03-29T02:30", "2026-03-29T06:00", BERLIN, "2026-03-29T00:30", "2026-03-29T04:00"),
        ("2026-03-29T00:00", "2026-03-29T02:30", BERLIN, "2026-03-28T23:00", "2026-03-29T01:30"),
        ("2026-03-29T02:15", "2026-03-29T02:45", BERLIN, "2026-03-29T00:15", "2026-03-29T01:45"),
        ("2026-03-29T02:00", "2026-03-29T03:00", BERLIN, "2026-03-29T00:00", "2026-03-29T01:00"),
        ("2026-10-04T02:30", "2026-10-04T06:00", SYDNEY, "2026-10-03T15:30", "2026-10-03T19:00"),
        ("2026-10-04T00:00", "2026-10-04T02:30", SYDNEY, "2026-10-03T14:00", "2026-10-03T16:30"),
        ("2026-04-24T00:30", "2026-04-24T06:00", CAIRO, "2026-04-23T21:30", "2026-04-24T03:00"),
        ("2026-10-04T02:10", "2026-10-04T02:20", LORD_HOWE, "2026-10-03T15:10", "2026-10-03T15:50"),
        # from a time that comes twice, to one, and within: from the first, to the second
        ("2026-10-25T02:30", "2026-10-25T06:00", BERLIN, "2026-10-25T00:30", "2026-10-25T05:00"),
        ("2026-10-25T00:00", "2026-10-25T02:30", BERLIN, "2026-10-24T22:00", "2026-10-25T01:30"),
        ("2026-10-25T02:15", "2026-10-25T02:45", BERLIN, "2026-10-25T00:15", "2026-10-25T01:45"),
        ("2026-10-25T01:59", "2026-10-25T03:00", BERLIN, "2026-10-24T23:59", "2026-10-25T02:00"),
        ("2026-04-05T02:30", "2026-04-05T06:00", SYDNEY, "2026-04-04T15:30", "2026-04-04T20:00"),
        ("2026-04-05T00:00", "2026-04-05T02:30", SYDNEY, "2026-04-04T13:00", "2026-04-04T16:30"),
        ("2026-04-05T01:40", "2026-04-05T01:50", LORD_HOWE, "2026-04-04T14:40", "2026-04-04T15:20"),
    ],
)  # fmt: skip
def test_change_of_the_clock(start: str, end: str, zone: ZoneInfo, since: str, until: str) -> None:
    """The same for a single window and for a weekly one."""
    first, last = (datetime.fromisoformat(text) for text in (start, end))
    every_week = FreezeWindow(
        "weekly", Weekly(WeekTime(first.weekday(), first.time()), WeekTime(last.weekday(), last.time())), zone
    )
    for window in (once(start, end, zone), every_week):
        expected = Freeze(window, utc(since), utc(until))
        minute = timedelta(minutes=1)
        assert frozen([window], utc(since) - minute) is None
        assert frozen([window], utc(since)) == expected
        assert frozen([window], utc(until) - minute) == expected
        assert frozen([window], utc(until)) is None


def test_how_they_are_shown() -> None:
    assert str(WEEKEND) == "weekly (Fri 16:00 to Mon 07:00 Europe/Berlin)"
    shown = once("2026-12-20T00:00", "2027-01-04T06:00", name="year end")
    assert str(shown) == "year end (2026-12-20 00:00 to 2027-01-04 06:00 Europe/Berlin)"


# -- several windows ---------------------------------------------------------------------------------------------------

NOVEMBER = once("2026-11-01T00:00", "2026-12-01T00:00", name="november")
FRIDAYS = weekly("Fri 00:00 to Sat 00:00", name="fridays")
SATURDAYS = weekly("Sat 00:00 to Sun 00:00", name="saturdays")
SUNDAYS = weekly("Sun 00:00 to Mon 00:00", name="sundays")
REST = weekly("Mon 00:00 to Fri 00:00", name="rest")


def test_of_several_the_one_that_ends_last() -> None:
    for windows in ([WEEKEND, NOVEMBER], [NOVEMBER, WEEKEND]):
        freeze = frozen(windows, utc("2026-11-07T00:00"))
        assert freeze is not None
        assert freeze.window is NOVEMBER
    assert frozen([], utc("2026-11-07T00:00")) is None


@pytest.mark.parametrize(
    ("windows", "now", "expected"),
    [
        ([], "2026-11-04T12:00", "2026-11-04T12:00"),
        ([WEEKEND], "2026-11-04T12:00:30", "2026-11-04T12:00:30"),
        ([WEEKEND], "2026-11-07T12:00", "2026-11-09T06:00"),
        # from one into the next
        ([SUNDAYS, SATURDAYS, FRIDAYS], "2026-11-06T12:00", "2026-11-08T23:00"),
        ([NOVEMBER, WEEKEND], "2026-11-04T12:00", "2026-11-30T23:00"),
        ([WEEKEND, once("2026-11-09T06:59", "2026-11-20T12:00")], "2026-11-07T12:00", "2026-11-20T11:00"),
        ([WEEKEND, once("2026-11-09T06:59", "2026-11-20T16:00")], "2026-11-07T12:00", "2026-11-23T06:00"),
        # with a minute between
        ([WEEKEND, once("2026-11-09T07:01", "2026-11-20T12:00")], "2026-11-07T12:00", "2026-11-09T06:00"),
        # within a year, and not
        ([once("2026-11-01T00:00", "2027-11-01T00:00")], "2026-11-04T12:00", "2027-10-31T23:00"),
        ([once("2020-01-01T00:00", "2030-01-01T00:00")], "2026-11-04T12:00", None),
        ([weekly("Mon 00:00 to Mon 00:00")], "2026-11-04T12:00", None),
        ([FRIDAYS, SATURDAYS, SUNDAYS, REST], "2026-11-04T12:00", None),
    ],
)
def test_thaw(windows: list[FreezeWindow], now: str, expected: str | None) -> None:
    assert thaw(iter(windows), utc(now)) == (utc(expected) if expected else None)


@pytest.mark.parametrize(
    ("windows", "now", "until", "expected"),
    [
        ([WEEKEND, NOVEMBER], "2026-10-29T12:00", "2026-10-30T14:59", None),
        ([WEEKEND, NOVEMBER], "2026-10-29T12:00", "2026-10-30T15:00", "2026-10-30T15:00"),
        ([NOVEMBER, WEEKEND], "2026-10-29T12:00", "2026-11-04T12:00", "2026-10-30T15:00"),
        ([NOVEMBER, WEEKEND], "2026-10-30T15:00", "2026-11-04T12:00", "2026-10-31T23:00"),
        ([WEEKEND], "2026-10-30T15:00", "2026-11-06T15:00", "2026-11-06T15:00"),
        ([WEEKEND], "2026-10-30T15:00", "2026-11-06T14:59", None),
        ([once("2027-06-01T00:00", "2027-06-02T00:00")], "2026-10-30T15:00", "2027-12-31T00:00", "2027-05-31T22:00"),
        ([], "2026-10-29T12:00", "2027-10-29T12:00", None),
    ],
)
def test_next_freeze(windows: list[FreezeWindow], now: str, until: str, expected: str | None) -> None:
    found = next_freeze(windows, utc(now), utc(until))
    assert (found.start if found else None) == (utc(expected) if expected else None)


# -- against a look at every minute ------------------------------------------------------------------------------------

MINUTE = timedelta(minutes=1)
WEEK = 7 * 24 * 60
HOUR = 60
_WEEK_TIMES = st.builds(WeekTime, st.integers(0, 6), st.times().map(lambda at: at.replace(second=0, microsecond=0)))
_WEEKLY = st.builds(Weekly, _WEEK_TIMES, _WEEK_TIMES)
_ZONES = st.sampled_from([BERLIN, SYDNEY, LORD_HOWE, HONOLULU, ZoneInfo("UTC")])


def shown(moment: datetime, zone: ZoneInfo) -> int:
    """The minute of the week that the clocks of a zone show."""
    local = moment.astimezone(zone)
    return (local.weekday() * 24 + local.hour) * 60 + local.minute


def inside(span: Weekly, minute: int, slack: int = 0) -> bool:
    """Whether a minute of the week is in the window, made longer at both ends."""
    start, end = ((at.day * 24 + at.at.hour) * 60 + at.at.minute for at in (span.start, span.end))
    length = (end - start) % WEEK or WEEK
    return (minute - start + slack) % WEEK < length + 2 * slack


def quiet(moment: datetime, zone: ZoneInfo) -> bool:
    """Whether the clocks do not change for three weeks around."""
    return len({(moment + timedelta(days=days)).astimezone(zone).utcoffset() for days in range(-21, 22)}) == 1


@given(_WEEKLY, _ZONES, st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(0, 24 * 60 - 1))
@example(Weekly(WeekTime(6, time(2, 30)), WeekTime(6, time(2, 31))), BERLIN, date(2026, 3, 29), 60)
@example(Weekly(WeekTime(6, time(2, 30)), WeekTime(6, time(2, 31))), BERLIN, date(2026, 10, 25), 31)
def test_a_weekly_window_against_the_clocks(span: Weekly, zone: ZoneInfo, day: date, minute: int) -> None:
    now = datetime.combine(day, time(), UTC) + minute * MINUTE
    freeze = frozen([FreezeWindow("w", span, zone)], now)
    if inside(span, shown(now, zone)):
        assert freeze is not None, "a change of the clock makes no window shorter"
    if freeze is not None:
        assert inside(span, shown(now, zone), slack=HOUR), "nor longer than by its own hour"
    if quiet(now, zone):
        assert (freeze is not None) == inside(span, shown(now, zone))


@given(st.lists(st.tuples(_WEEKLY, _ZONES), min_size=1, max_size=3), st.integers(0, 60), st.integers(0, 24 * 60 - 1))
def test_thaw_and_next_freeze_against_every_minute(spans: list[tuple[Weekly, ZoneInfo]], day: int, minute: int) -> None:
    """Around the change of 25 October and the like, every few minutes for three days."""
    windows = [FreezeWindow(str(number), span, zone) for number, (span, zone) in enumerate(spans)]
    now = utc("2026-09-15T00:00") + timedelta(days=day, minutes=minute)
    minutes = [now + number * MINUTE for number in range(0, 3 * 24 * 60, 17)]
    states = [frozen(windows, moment) for moment in minutes]
    out = thaw(windows, now)
    for moment, state in zip(minutes, states, strict=True):
        assert (state is None) <= (out is not None and moment >= out)
        if state is not None:
            assert state.start <= moment < state.until
    if out is not None:
        assert frozen(windows, out) is None
        assert out == now or frozen(windows, out - MINUTE) is not None
    coming = next_freeze(windows, now, minutes[-1])
    begun = [state.start for state in states if state is not None and state.start > now]
    if begun:
        assert coming is not None
        assert coming.start <= min(begun)
    if coming is not None:
        assert now < coming.start <= minutes[-1]
        assert frozen([coming.window], coming.start) is not None
