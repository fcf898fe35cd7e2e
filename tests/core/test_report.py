"""A span of journals as changes and the four numbers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.audit.report import Report, report
from lambdaops.core.events import Entry, Landed, Observed, Published
from lambdaops.core.gates import GateResult, Verdict
from lambdaops.core.model import Routing
from lambdaops.core.states import Outcome
from tests.core.machine_values import NOON
from tests.core.test_replay import ACTOR, ARN, TENTH, Story

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
FUNCTION = ARN.rpartition(":")[0]


def told(*journals: Sequence[Entry], since: datetime = NOON, until: datetime = NOON + 2 * DAY) -> Report:
    return report(journals, since, until)


def test_nothing() -> None:
    found = told()
    assert (found.changes, found.promotions, found.per_day) == ((), 0, 0)
    assert (found.lead, found.failure_rate, found.restore) == (None, None, None)


def test_a_promotion() -> None:
    story = Story().promotes("r-1", "1", "2")
    found = told(story.entries)
    (change,) = found.changes
    assert (change.release, change.stable, change.candidate, change.outcome) == ("r-1", "1", "2", "promoted")
    assert (change.failed, change.restored, change.who) == (False, None, ACTOR.arn)
    assert [point.weight for point in change.weights] == [0, 1_000, 5_000, 10_000]
    assert change.lead == story.now - NOON
    assert (found.promotions, found.per_day, found.failure_rate) == (1, 0.5, 0.0)


def test_lead_time_counts_from_the_publication() -> None:
    published = Entry(1, NOON - DAY, FUNCTION, "p-1", ACTOR, Published("2", "sha", new=True))
    again = Entry(2, NOON, FUNCTION, "p-2", ACTOR, Published("2", "sha", new=False))
    story = Story().promotes("r-1", "1", "2")
    assert told([published, again], story.entries).lead == story.now - (NOON - DAY)
    other = Entry(1, NOON - DAY, FUNCTION, "p-1", ACTOR, Published("3", "sha", new=True))
    assert told([other], story.entries).lead == story.now - NOON


def test_one_that_took_itself_back() -> None:
    story = Story().shifts("r-1", "1", "2", 1)
    first = story.entries[-1].at
    story.reverts("r-1", 2, "1")
    found = told(story.entries)
    (change,) = found.changes
    assert change.failed
    assert change.outcome == Outcome.ROLLED_BACK.value
    assert (found.failure_rate, found.promotions, found.lead) == (1.0, 0, None)
    gone = [entry.at for entry in story.entries if isinstance(entry.event, Landed)][-1]
    assert found.restore == change.restored == gone - first


def test_one_that_was_rolled_back_after_its_promotion() -> None:
    story = Story().promotes("r-1", "1", "2").rolled_back(Routing("2"), "1")
    found = told(story.entries)
    by_hand, change = found.changes
    assert (by_hand.strategy, by_hand.failed) == ("rollback", None)
    assert change.failed
    assert change.promoted
    assert change.restored == story.now - change.weights[1].at
    assert found.failure_rate == 1.0


def test_a_rollback_counts_against_the_release_it_undid_and_no_other() -> None:
    story = Story().promotes("r-1", "1", "2").promotes("r-2", "2", "1").promotes("r-3", "1", "2")
    story.rolled_back(Routing("2"), "1")
    failed = {change.release: change.failed for change in told(story.entries).changes}
    assert failed == {"r-1": False, "r-2": False, "r-3": True, "b-1": None}


def test_what_is_open_or_moved_nothing_counts_in_no_rate() -> None:
    story = Story().opens("r-1", "1", "2")
    assert told(story.entries).failure_rate is None
    story = Story().shifts("r-1", "1", "2", 1)
    (change,) = told(story.entries).changes
    assert (change.failed, change.ended) == (None, None)


def test_only_what_began_in_the_span() -> None:
    story = Story().promotes("r-1", "1", "2")
    assert told(story.entries, since=NOON + SECOND).changes == ()
    assert told(story.entries, until=NOON).changes == ()
    assert len(told(story.entries, until=NOON + SECOND).changes) == 1


def test_what_the_gates_said() -> None:
    story = Story().shifts("r-1", "1", "2", 1)
    bad = (GateResult("errors", Verdict.FAIL, "ALARM"), GateResult("latency", Verdict.PASS, "OK"))
    story.add("r-1", Observed(TENTH, (), bad))
    (change,) = told(story.entries).changes
    assert [point.verdict for point in change.verdicts] == [Verdict.FAIL]
