"""What freeze windows say to a release: block, warn, or note what is overridden."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from lambdaops.core.freeze import FreezeWindow, Once, Weekly, WeekTime, freeze_findings
from lambdaops.core.model import Level

BERLIN = ZoneInfo("Europe/Berlin")
WEEKEND = FreezeWindow("weekend", Weekly(WeekTime(4, time(16)), WeekTime(0, time(7))), BERLIN)
AUDIT = FreezeWindow(
    "audit",
    Once(datetime.fromisoformat("2026-11-29T00:00"), datetime.fromisoformat("2026-11-30T12:00")),
    ZoneInfo("UTC"),
)
ALWAYS = FreezeWindow("closed", Weekly(WeekTime(0, time(0)), WeekTime(0, time(0))), ZoneInfo("UTC"))
SUNDAY = datetime(2026, 11, 29, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("windows", "now", "level", "said"),
    [
        ((), SUNDAY, None, ""),
        ((WEEKEND,), SUNDAY, Level.BLOCK, "until Mon 2026-11-30 07:00 Europe/Berlin, 2026-11-30 06:00 UTC (weekend)"),
        ((WEEKEND, AUDIT), SUNDAY, Level.BLOCK, "until Mon 2026-11-30 12:00 UTC (audit)"),
        ((AUDIT, WEEKEND), SUNDAY, Level.BLOCK, "until Mon 2026-11-30 12:00 UTC (audit)"),
        ((WEEKEND,), datetime(2026, 11, 30, 5, 59, 59, tzinfo=UTC), Level.BLOCK, "weekend"),
        ((WEEKEND,), datetime(2026, 11, 30, 6, tzinfo=UTC), None, ""),
        ((WEEKEND,), datetime(2026, 11, 27, 14, tzinfo=UTC), Level.WARN, "the freeze weekend begins (Fri 2026-11-27"),
        ((WEEKEND,), datetime(2026, 11, 27, 13, 59, 59, tzinfo=UTC), None, ""),
        ((ALWAYS,), SUNDAY, Level.BLOCK, "for more than a year"),
    ],
)
def test_findings(windows: tuple[FreezeWindow, ...], now: datetime, level: Level | None, said: str) -> None:
    findings, overrides = freeze_findings(windows, now, HOUR)
    assert overrides == ()
    if level is None:
        assert findings == ()
        return
    assert findings[0].level is level
    assert said in findings[0].message
    assert (findings[0].check, bool(findings[0].hint)) == ("freeze", True)


def test_everything_that_is_overridden_is_noted() -> None:
    findings, overrides = freeze_findings((AUDIT, WEEKEND), SUNDAY, HOUR, "outage")
    assert {finding.level for finding in findings} == {Level.WARN}
    assert overrides == (
        "freeze weekend until 2026-11-30T06:00Z: outage",
        "freeze audit until 2026-11-30T12:00Z: outage",
    )


def test_an_override_of_nothing() -> None:
    findings, overrides = freeze_findings((WEEKEND,), SUNDAY + timedelta(days=1), HOUR, "outage")
    assert ([finding.level for finding in findings], overrides) == ([Level.OK], ())
