"""What a time span looked like: every change of traffic, and the four numbers that DORA asks of deliveries.

The four, as far as a journal can know them (https://dora.dev/guides/dora-metrics-four-keys/):

* *change frequency*: promotions a day;
* *lead time*: from the publication of the version to its promotion, the median; where it was not published by us, from
  the beginning of the release. When the code was committed is not in the journal;
* *failure rate*: of the releases that moved traffic and are over, how many were taken back, by themselves or by a
  rollback afterwards;
* *time to restore*: from the first traffic on a version that was taken back until the last of it was gone, the median.

Rules this file guarantees: a release belongs to the span in which it began; what is not over counts in no rate.
"""

from __future__ import annotations

import itertools
import statistics
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.events import Entry, Landed, Observed, Opened, Published, RolledBack
from lambdaops.core.gates import Verdict, worst
from lambdaops.core.halt.history import halt_rows
from lambdaops.core.model import FULL
from lambdaops.core.replay import Release, releases
from lambdaops.core.states import BY_HAND, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lambdaops.core.reports import HistoryRow

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Point:
    """From ``at`` on: the candidate's weight in basis points, or the worst verdict of the gates."""

    at: datetime
    weight: int = 0
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A release, a rollback by hand or a halt (``strategy`` says so): who, what, why, and what came of it.

    Of a halt, ``candidate`` is what was stopped.

    ``failed`` is None while that is open, or where no traffic moved. ``lead`` and ``restored`` as in the module's text.
    """

    target: str
    release: str
    began: datetime
    ended: datetime | None
    stable: str
    candidate: str
    strategy: str
    outcome: str
    who: str
    reason: str
    ticket: str
    failed: bool | None = None
    lead: timedelta | None = None
    restored: timedelta | None = None
    weights: tuple[Point, ...] = ()
    verdicts: tuple[Point, ...] = ()

    @property
    def promoted(self) -> bool:
        """Whether it took all the traffic."""
        return self.outcome == Outcome.PROMOTED.value


@dataclass(frozen=True, slots=True)
class Report:
    """All changes of a span, newest first, and the four numbers; None where nothing is there to count."""

    since: datetime
    until: datetime
    changes: tuple[Change, ...]
    promotions: int
    per_day: float
    lead: timedelta | None
    failure_rate: float | None
    restore: timedelta | None


@dataclass
class _Told:
    """What the records of one journal say beside its releases."""

    candidates: dict[str, str] = field(default_factory=dict)
    weights: dict[str, list[Point]] = field(default_factory=dict)
    verdicts: dict[str, list[Point]] = field(default_factory=dict)
    backs: list[Entry] = field(default_factory=list)


def report(journals: Iterable[Sequence[Entry]], since: datetime, until: datetime) -> Report:
    """Fold journals, each whole and in its order, into a report of what began from ``since`` to ``until``."""
    journals = tuple(journals)
    published = _published(journals)
    changes = [
        change for entries in journals for change in _changes(entries, published) if since <= change.began < until
    ]
    changes.sort(key=lambda change: change.began, reverse=True)
    promotions = [change for change in changes if change.promoted]
    over = [change.failed for change in changes if change.failed is not None]
    days = max((until - since) / _DAY, 1 / 24)
    return Report(
        since,
        until,
        tuple(changes),
        len(promotions),
        len(promotions) / days,
        _median(change.lead for change in promotions),
        sum(over) / len(over) if over else None,
        _median(change.restored for change in changes),
    )


def _median(values: Iterable[timedelta | None]) -> timedelta | None:
    known = [value.total_seconds() for value in values if value is not None]
    return timedelta(seconds=statistics.median(known)) if known else None


def _published(journals: Iterable[Sequence[Entry]]) -> dict[tuple[str, str], datetime]:
    """When each version was published, by function ARN and version."""
    return {
        (entry.target, entry.event.version): entry.at
        for entries in journals
        for entry in entries
        if isinstance(entry.event, Published) and entry.event.new
    }


def _changes(entries: Sequence[Entry], published: Mapping[tuple[str, str], datetime]) -> Iterable[Change]:
    told = _Told()
    for entry in entries:
        match entry.event:
            case Opened(plan=plan):
                told.candidates[entry.release] = plan.candidate
                told.weights[entry.release] = [Point(entry.at)]
                told.verdicts[entry.release] = []
            case Landed(routing=routing) if entry.release in told.candidates:
                weight = routing.share(told.candidates[entry.release])
                told.weights[entry.release].append(Point(entry.at, weight))
            case Observed(gates=gates) if entry.release in told.candidates and gates:
                told.verdicts[entry.release].append(Point(entry.at, verdict=worst(gates)[0]))
            case RolledBack():
                told.backs.append(entry)
            case _:
                pass
    known = releases(entries)
    for release, later in itertools.zip_longest(known, known[1:]):
        yield _release(release, told, published, later.opened.at if later is not None else None)
    for entry in told.backs:
        if isinstance(entry.event, RolledBack):
            yield _by_hand(entry, entry.event)
    yield from (_halt(entries[0].target, row) for row in halt_rows(entries))


def _release(
    release: Release, told: _Told, published: Mapping[tuple[str, str], datetime], later: datetime | None
) -> Change:
    """``later`` is when the next release of the alias began: what is rolled back from then on is that one's."""
    opened, plan = release.opened, release.plan
    weights = tuple(told.weights[release.id])
    moved = next((point.at for point in weights if point.weight), None)
    back = _taken_back(release, [one for one in told.backs if later is None or one.at < later], weights)
    over = release.over.at if release.over is not None else None
    function = opened.target.rpartition(":")[0]
    began = published.get((function, plan.candidate), opened.at)
    return Change(
        target=opened.target,
        release=release.id,
        began=opened.at,
        ended=over,
        stable=plan.stable,
        candidate=plan.candidate,
        strategy=plan.strategy,
        outcome=release.outcome,
        who=opened.actor.arn,
        reason=opened.event.reason if isinstance(opened.event, Opened) else "",
        ticket=opened.event.ticket if isinstance(opened.event, Opened) else "",
        failed=None if moved is None or (over is None and back is None) else back is not None,
        lead=over - began if over is not None and release.outcome == Outcome.PROMOTED.value else None,
        restored=back - moved if back is not None and moved is not None else None,
        weights=weights,
        verdicts=tuple(told.verdicts[release.id]),
    )


def _taken_back(release: Release, backs: Iterable[Entry], weights: Sequence[Point]) -> datetime | None:
    """When the last traffic of a version that was taken back was gone; None where it was not."""
    if not any(point.weight for point in weights):
        return None
    if weights[-1].weight == 0:
        return weights[-1].at
    for entry in backs:
        event = entry.event
        if (
            isinstance(event, RolledBack)
            and entry.at >= weights[-1].at
            and release.plan.candidate in event.before.versions
            and event.after.share(release.plan.candidate) < FULL
        ):
            return entry.at
    return None


def _by_hand(entry: Entry, event: RolledBack) -> Change:
    return Change(
        target=entry.target,
        release=entry.release,
        began=entry.at,
        ended=entry.at,
        stable=event.after.primary,
        candidate=event.before.additional or event.before.primary,
        strategy="rollback",
        outcome=BY_HAND,
        who=entry.actor.arn,
        reason=event.reason or event.basis,
        ticket=event.ticket,
    )


def _halt(target: str, row: HistoryRow) -> Change:
    return Change(
        target=target,
        release=row.release,
        began=row.started,
        ended=row.ended,
        stable=row.stable,
        candidate=row.candidate,
        strategy=row.strategy,
        outcome=row.outcome,
        who=row.actor,
        reason=row.reason,
        ticket=row.ticket,
    )
