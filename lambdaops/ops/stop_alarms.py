"""The alarms that stop an operation while it goes on.

Rules this file guarantees: an alarm that cannot be read for a minute objects, one that never will be readable at once;
an alarm that left OK and came back between two looks has objected; one that is gone objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import AwsError, BlockedError
from lambdaops.core.gates import Verdict, assess_alarms, worst
from lambdaops.core.model import AlarmReading, AlarmState, Finding, Level
from lambdaops.ports import Alarms

if TYPE_CHECKING:
    from collections.abc import Sequence

_BLIND_FOR = timedelta(minutes=1)


def found_before(names: Sequence[str], readings: Sequence[AlarmReading], what: str) -> list[Finding]:
    """What the alarms say against ``what`` before it begins: one that is missing or in ALARM blocks it."""
    states = {one.name: one.state for one in readings}
    found = []
    for name in names:
        match states.get(name):
            case None:
                said = f"alarm {name} does not exist in this account and region"
                hint = "Check the spelling and the region: aws cloudwatch describe-alarms lists them."
                found.append(Finding(Level.BLOCK, "alarms", said, hint))
            case AlarmState.ALARM:
                said = f"alarm {name} is in ALARM: it would stop {what} at once"
                found.append(Finding(Level.BLOCK, "alarms", said, "Wait until it is OK."))
            case AlarmState.INSUFFICIENT_DATA:
                found.append(Finding(Level.WARN, "alarms", f"alarm {name} has no data: only ALARM stops {what}", ""))
            case AlarmState.OK:
                pass
    return found


def require_quiet(alarms: Alarms, names: tuple[str, ...], what: str, target: str) -> tuple[AlarmReading, ...]:
    """What the alarms say before ``what`` begins.

    Raises:
        BlockedError: one is missing or in ALARM.
        AwsError: CloudWatch did not say.
    """
    readings = alarms.read_alarms(names)
    for finding in found_before(names, readings, what):
        if finding.level is Level.BLOCK:
            raise BlockedError(finding.message, hint=finding.hint, target=target)
    return readings


@dataclass
class StopAlarms:
    """Alarms by their names, and what they said at the last look."""

    alarms: Alarms
    names: tuple[str, ...]
    readings: tuple[AlarmReading, ...] = ()
    _blind_since: datetime | None = None

    @property
    def known(self) -> bool:
        """Whether the last look could be had."""
        return self._blind_since is None

    def objection(self, now: datetime) -> str:
        """Look; what objects, or nothing."""
        if not self.names:
            return ""
        try:
            readings = self.alarms.read_alarms(self.names)
        except AwsError as error:
            self._blind_since = self._blind_since or now
            blind = error.permanent or now - self._blind_since >= _BLIND_FOR
            return f"the alarms cannot be read: {error.message}" if blind else ""
        self._blind_since = None
        verdict, reason = worst(assess_alarms(self.names, self.readings, readings))
        self.readings = readings
        return reason if verdict in (Verdict.FAIL, Verdict.ERROR) else ""
