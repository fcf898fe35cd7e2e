"""Look for records in all journals, and follow what is written."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.audit.query import is_of, no_journal, select

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lambdaops.core.audit.query import Match, Query
    from lambdaops.core.events import Entry
    from lambdaops.ports import Clock, Journal, Journals

_PAUSE = timedelta(seconds=1)


def search(journals: Journals, query: Query) -> Iterator[Match]:
    """The records that are asked for, journal by journal, each in its order.

    Raises:
        NotFoundError: at once, if no journal is of the function that is asked for.
        JournalTamperedError, InvalidFileError: a journal cannot be read as it was written: what it says is no answer.
    """
    known = journals.targets()
    arns = [arn for arn in known if is_of(arn, query.function)]
    if query.function and not arns:
        raise no_journal(query.function, known)
    return (match for arn in arns for match in select(query, journals.open(arn).read().entries))


def newest(journals: Journals, last: int, arns: Sequence[str] | None = None) -> tuple[Entry, ...]:
    """The newest ``last`` records of all journals, by their time; no journal is read whole for that."""
    found: list[Entry] = []
    for arn in journals.targets() if arns is None and last else arns or ():
        entries = journals.open(arn).recent(lambda entries: len(entries) >= last).entries
        found = sorted([*found, *entries[-last:]], key=_order)[-last:]
    return tuple(found) if last else ()


def follow(journals: Journals, clock: Clock, last: int, arns: Sequence[str] | None = None) -> Iterator[Entry]:
    """The newest ``last`` records of all journals by their time, then every new one; never ends.

    A journal that comes into being is followed too, unless ``arns`` says which.
    """
    found: dict[str, Journal] = {}
    seen: dict[str, int] = {}

    def fresh() -> list[Entry]:
        for arn in journals.targets() if arns is None else arns:
            if arn not in found:
                found[arn] = journals.open(arn)
        entries = [entry for arn, journal in found.items() for entry in journal.since(seen.get(arn, 0))]
        for entry in entries:
            seen[entry.target] = max(seen.get(entry.target, 0), entry.seq or 0)
        return sorted(entries, key=_order)

    before = fresh()
    yield from before[-last:] if last else ()
    while True:
        clock.sleep(_PAUSE)
        yield from fresh()


def _order(entry: Entry) -> tuple[object, str, int]:
    return entry.at, entry.target, entry.seq or 0
