"""CloudTrail's record of what was done to aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from lambdaops.core.audit.reconcile import Change


class Trail(Protocol):
    """The event history of one account and region: ninety days of it."""

    def alias_changes(self, function: str, alias: str, since: datetime, until: datetime) -> tuple[Change, ...]:
        """Every call that changed the alias and that AWS carried out, oldest first.

        Raises:
            AwsError: denied, throttled, unreachable.
        """
