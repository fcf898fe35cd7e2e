"""The journal of an alias beside CloudTrail: what was done through us, and what was not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.audit.reconcile import Reconciled, reconcile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.core.events import Entry
    from lambdaops.core.model import Target
    from lambdaops.ports import Clock, Journal
    from lambdaops.ports.trails import Trail

# A write that landed just after the time that is looked at began was begun before.
_BEFORE = timedelta(days=1)


def reconciled(trail: Trail, journal: Journal, target: Target, clock: Clock, within: timedelta) -> Reconciled:
    """Compare the last part of an alias's history; writes nothing.

    Raises:
        JournalTamperedError, InvalidFileError, JournalUnreachableError: the journal cannot be used.
        AwsError: CloudTrail cannot be read.
    """
    until = clock.now()
    since = until - within

    def enough(entries: Sequence[Entry]) -> bool:
        return entries[0].at < since - _BEFORE

    entries = journal.recent(enough).entries
    changes = trail.alias_changes(target.function, target.alias, since, until)
    return Reconciled(str(target), since, until, reconcile(entries, changes, since, until))
