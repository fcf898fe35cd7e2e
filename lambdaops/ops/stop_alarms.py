"""The alarms that stop an operation while it goes on.

Rules this file guarantees: an alarm that cannot be read for a minute objects, one that never will be readable at once;
an alarm that left OK and came back between two looks has objected.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from lambdaops.core.errors import AwsError
from lambdaops.core.gates import Alarmed, Verdict, assess_alarms, worst
from lambdaops.core.model import AlarmReading
from lambdaops.ports import Alarms

_BLIND_FOR = timedelta(minutes=1)


@dataclass
class StopAlarms:
    """The alarms that a plan names, and what they said at the last look."""

    alarms: Alarms
    plan: Alarmed
    readings: tuple[AlarmReading, ...]
    _blind_since: datetime | None = None

    @property
    def known(self) -> bool:
        """Whether the last look could be had."""
        return self._blind_since is None

    def objection(self, now: datetime) -> str:
        """Look; what objects, or nothing."""
        if not self.plan.alarms:
            return ""
        try:
            readings = self.alarms.read_alarms(self.plan.alarms)
        except AwsError as error:
            self._blind_since = self._blind_since or now
            blind = error.permanent or now - self._blind_since >= _BLIND_FOR
            return f"the alarms cannot be read: {error.message}" if blind else ""
        self._blind_since = None
        verdict, reason = worst(assess_alarms(self.plan, self.readings, readings))
        self.readings = readings
        return reason if verdict in (Verdict.FAIL, Verdict.ERROR) else ""
