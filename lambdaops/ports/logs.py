"""What the shell needs of CloudWatch Logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class LogOf:
    """Whose log: a version's, in the group that its configuration names."""

    function: str
    version: str
    group: str


@dataclass(frozen=True, slots=True)
class LogRead:
    """The messages of events that may tell of errors; ``trouble`` says why there may be more, empty if it is all."""

    events: tuple[str, ...] = ()
    trouble: str = ""


class Logs(Protocol):
    """The logs of versions."""

    def errors(self, log: LogOf, since: datetime, until: datetime, within: timedelta) -> LogRead:
        """Events of a time that may tell of errors, as far as they can be had ``within`` a time; raises nothing."""
