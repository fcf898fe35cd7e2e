"""Freeze windows: times in which nobody begins a release. Weekly ones and single ones, in a zone's local time.

Rules this file guarantees: a window holds from its beginning up to, not including, its end; a local time that the clock
skips or shows twice is the earlier of its readings where a window begins and the later where it ends, so that a change
of the clock never makes a window shorter than it was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lambdaops.core.model import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEK = 7
_ONE_DAY = timedelta(days=1)
_LOOK_AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class WeekTime:
    """A time of the week: ``day`` is 0 for Monday, ``at`` is local."""

    day: int
    at: time

    def __str__(self) -> str:
        return f"{DAYS[self.day]} {self.at:%H:%M}"


@dataclass(frozen=True, slots=True)
class Weekly:
    """Every week from one time of the week to the next occurrence of another; the same time means a whole week."""

    start: WeekTime
    end: WeekTime

    def __str__(self) -> str:
        return f"{self.start} to {self.end}"

    def between(self, first: date, last: date) -> list[tuple[datetime, datetime]]:
        """The occurrences that begin on one of these days, in local time."""
        days = (self.end.day - self.start.day) % _WEEK
        if days == 0 and self.end.at <= self.start.at:
            days = _WEEK
        begin = first + timedelta(days=(self.start.day - first.weekday()) % _WEEK)
        found = []
        while begin <= last:
            end = begin + timedelta(days=days)
            found.append((datetime.combine(begin, self.start.at), datetime.combine(end, self.end.at)))
            begin += timedelta(days=_WEEK)
        return found


@dataclass(frozen=True, slots=True)
class Once:
    """One time only, between two local times without a zone."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{self.start:%F %H:%M} to {self.end:%F %H:%M}"

    def between(self, first: date, last: date) -> list[tuple[datetime, datetime]]:
        """Itself, if it begins on one of these days."""
        return [(self.start, self.end)] if first <= self.start.date() <= last else []


@dataclass(frozen=True, slots=True)
class FreezeWindow:
    """A window, what people call it, and the zone whose clocks it goes by."""

    name: str
    span: Weekly | Once
    zone: ZoneInfo

    def __str__(self) -> str:
        return f"{self.name} ({self.span} {self.zone.key})"


@dataclass(frozen=True, slots=True)
class Freeze:
    """A window in force between two instants (UTC)."""

    window: FreezeWindow
    start: datetime
    until: datetime


def frozen(windows: Iterable[FreezeWindow], now: datetime) -> Freeze | None:
    """The window in force now, and when it ends; of several, the one that ends last."""
    found = in_force(windows, now)
    return found[-1] if found else None


def in_force(windows: Iterable[FreezeWindow], now: datetime) -> tuple[Freeze, ...]:
    """The windows in force now, the one that ends last at the end."""
    now = now.astimezone(UTC)
    found = [freeze for freeze in _near(windows, now, now) if freeze.start <= now < freeze.until]
    return tuple(sorted(found, key=_until))


def thaw(windows: Iterable[FreezeWindow], now: datetime) -> datetime | None:
    """When a release may begin: now if nothing is frozen, None if not within a year."""
    windows, moment = tuple(windows), now.astimezone(UTC)
    while moment - now <= _LOOK_AHEAD:
        freeze = frozen(windows, moment)
        if freeze is None:
            return moment
        moment = freeze.until
    return None


def next_freeze(windows: Iterable[FreezeWindow], now: datetime, until: datetime) -> Freeze | None:
    """The first window that begins after now, and not after ``until``: what a release of that length may run into."""
    now, until = now.astimezone(UTC), until.astimezone(UTC)
    found = [freeze for freeze in _near(windows, now, until) if now < freeze.start <= until]
    return min(found, key=lambda freeze: freeze.start, default=None)


def freeze_findings(
    windows: Iterable[FreezeWindow], now: datetime, longest: timedelta, override: str = ""
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """What the windows say to a release that begins now and takes ``longest`` at most; and what it overrides.

    Windows in force block, unless ``override`` says why not; one that may begin before the end is a warning.
    """
    windows, now = tuple(windows), now.astimezone(UTC)
    found = in_force(windows, now)
    findings = []
    if override:
        findings += [_overridden(freeze, override) for freeze in found] or [
            Finding(Level.OK, "freeze", "releases are not frozen: there is nothing to override")
        ]
    elif found:
        findings.append(_blocking(windows, found[-1], now))
    coming = next_freeze(windows, now, now + longest)
    if coming is not None:
        begins = _local(coming.start, coming.window)
        what = f"it may still run when the freeze {coming.window.name} begins ({begins}), which does not stop it"
        findings.append(Finding(Level.WARN, "freeze", what, "Begin earlier, or shift faster."))
    overrides = [f"freeze {freeze.window.name} until {freeze.until:%FT%H:%MZ}: {override}" for freeze in found]
    return tuple(findings), tuple(overrides if override else ())


def _overridden(freeze: Freeze, why: str) -> Finding:
    until = _local(freeze.until, freeze.window)
    return Finding(Level.WARN, "freeze", f"frozen until {until} ({freeze.window.name}), overridden: {why}")


def _blocking(windows: tuple[FreezeWindow, ...], freeze: Freeze, now: datetime) -> Finding:
    end = thaw(windows, now)
    until = f"until {_local(end, freeze.window)}" if end else "for more than a year"
    return Finding(
        Level.BLOCK,
        "freeze",
        f"releases are frozen {until} ({freeze.window.name})",
        'Wait, or say why not: --override-freeze "WHY". A rollback is never frozen.',
    )


def _local(moment: datetime, window: FreezeWindow) -> str:
    """A moment on the window's own clocks, and in UTC."""
    there = moment.astimezone(window.zone)
    utc = "" if there.utcoffset() == timedelta() else f", {moment:%F %H:%M} UTC"
    return f"{there:%a %F %H:%M} {window.zone.key}{utc}"


def _near(windows: Iterable[FreezeWindow], since: datetime, until: datetime) -> list[Freeze]:
    """The occurrences that can have to do with this span."""
    found = []
    for window in windows:
        last = until.astimezone(window.zone).date() + _ONE_DAY
        # A weekly window lasts at most a week; a single one may have begun at any time before.
        first = since.astimezone(window.zone).date() - timedelta(days=_WEEK + 1)
        if isinstance(window.span, Once):
            first = min(first, window.span.start.date())
        for start, end in window.span.between(first, last):
            found.append(Freeze(window, _instant(start, window.zone, min), _instant(end, window.zone, max)))
    return found


def _instant(local: datetime, zone: ZoneInfo, choose: Callable[[Iterable[datetime]], datetime]) -> datetime:
    """The instant of a local time; of one that is skipped or comes twice, the reading that is chosen."""
    return choose([local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)])


def _until(freeze: Freeze) -> datetime:
    return freeze.until
