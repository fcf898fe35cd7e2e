"""The journal beside CloudTrail: ours, theirs, and what one of them does not show."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.audit.reconcile import LATE, Change, Line, Standing, reconcile
from lambdaops.core.events import Entry, Intent, Landed, RolledBack
from lambdaops.core.model import Actor, Routing
from lambdaops.core.states import Ready
from tests.core.machine_values import NOON

if TYPE_CHECKING:
    from lambdaops.core.events import Event

ARN = "arn:aws:lambda:eu-central-1:111122223333:function:orders:live"
ADA = Actor("arn:aws:sts::111122223333:assumed-role/oncall/ada", "laptop")
EVE = "arn:aws:iam::111122223333:user/eve"
TENTH, NEW = Routing("1", "2", 1_000), Routing("2")
HOUR = timedelta(hours=1)
UNTIL = NOON + HOUR
SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def journal(*events: tuple[float, Event]) -> list[Entry]:
    return [Entry(n, at(when), ARN, "r-1", ADA, event) for n, (when, event) in enumerate(events, 1)]


def intent(op: int, routing: Routing) -> Intent:
    return Intent(op, None, routing, "rev", "why", Ready(NOON))


def landed(op: int, routing: Routing, request_id: str = "") -> Landed:
    return Landed(op, routing, "rev", reconciled=not request_id, request_id=request_id)


def change(when: float, request_id: str, routing: Routing | None = TENTH, by: str = ADA.arn) -> Change:
    return Change(at(when), request_id, f"e-{request_id}", by, "lambdaops", "update", routing)


def told(entries: list[Entry], *changes: Change, until: datetime = UNTIL) -> list[tuple[Standing, str]]:
    return [(line.standing, line.request_id) for line in lines(entries, *changes, until=until)]


def lines(entries: list[Entry], *changes: Change, until: datetime = UNTIL) -> tuple[Line, ...]:
    return reconcile(entries, changes, NOON, until)


RELEASE = journal(
    (1, intent(1, TENTH)), (2, landed(1, TENTH, "req-1")), (60, intent(2, NEW)), (61, landed(2, NEW, "req-2"))
)


def test_a_release_as_cloudtrail_shows_it() -> None:
    found = lines(RELEASE, change(2, "req-1"), change(61, "req-2", NEW))
    assert [(line.standing, line.seq, line.release) for line in found] == [
        (Standing.MATCHED, 2, "r-1"),
        (Standing.MATCHED, 4, "r-1"),
    ]


def test_a_change_by_somebody_else() -> None:
    found = lines(RELEASE, change(2, "req-1"), change(30, "req-x", NEW, EVE), change(61, "req-2", NEW))
    foreign = found[1]
    assert (foreign.standing, foreign.by, foreign.routing, foreign.seq) == (Standing.FOREIGN, EVE, NEW, None)
    assert len(found) == 3


def test_the_same_routing_by_somebody_else_is_not_ours() -> None:
    assert told(RELEASE, change(2, "req-x"), change(61, "req-2", NEW)) == [
        (Standing.MISSING, "req-1"),
        (Standing.FOREIGN, "req-x"),
        (Standing.MATCHED, "req-2"),
    ]


def test_a_write_that_cloudtrail_does_not_show() -> None:
    assert told(RELEASE, change(61, "req-2", NEW)) == [(Standing.MISSING, "req-1"), (Standing.MATCHED, "req-2")]


def test_what_is_fresh_may_still_come() -> None:
    assert told(RELEASE, change(2, "req-1"), until=at(61) + LATE - SECOND)[1] == (Standing.NOT_YET, "req-2")
    assert told(RELEASE, change(2, "req-1"), until=at(61) + LATE)[1] == (Standing.MISSING, "req-2")


def test_a_write_whose_answer_was_lost_is_known_by_what_it_wrote() -> None:
    lost = journal((1, intent(1, TENTH)), (20, landed(1, TENTH)))
    assert told(lost, change(3, "req-1")) == [(Standing.MATCHED, "req-1")]
    assert told(lost, change(3, "req-1", NEW)) == [(Standing.FOREIGN, "req-1"), (Standing.MISSING, "")]
    assert told(lost, change(1_000, "req-1")) == [(Standing.MISSING, ""), (Standing.FOREIGN, "req-1")]


def test_what_is_known_by_its_id_is_never_taken_by_another() -> None:
    both = journal((1, intent(1, TENTH)), (20, landed(1, TENTH)), (30, landed(2, TENTH, "req-2")))
    assert told(both, change(10, "req-1"), change(30, "req-2")) == [
        (Standing.MATCHED, "req-1"),
        (Standing.MATCHED, "req-2"),
    ]
    assert told(both, change(30, "req-2")) == [(Standing.MISSING, ""), (Standing.MATCHED, "req-2")]


@pytest.mark.parametrize("request_id", ["req-9", ""])
def test_a_rollback(request_id: str) -> None:
    back = journal((100, RolledBack(NEW, Routing("1"), "rev", "basis", request_id=request_id)))
    assert told(back, change(99, "req-9", Routing("1"))) == [(Standing.MATCHED, "req-9")]


def test_only_the_time_that_was_asked_for() -> None:
    early = journal((-120, intent(1, TENTH)), (-60, landed(1, TENTH, "req-0")))
    assert told([*early, *RELEASE], change(-60, "req-0"), change(2, "req-1"), change(61, "req-2", NEW)) == [
        (Standing.MATCHED, "req-1"),
        (Standing.MATCHED, "req-2"),
    ]


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.sampled_from(["", "a", "b", "c"]), st.sampled_from([TENTH, NEW]))),
    st.lists(st.tuples(st.integers(0, 3_000), st.sampled_from(["a", "b", "c", "d"]), st.sampled_from([TENTH, NEW]))),
)
def test_nothing_is_lost_and_nothing_counts_twice(
    writes: list[tuple[int, str, Routing]], seen: list[tuple[int, str, Routing]]
) -> None:
    entries = journal(*((when, landed(n, routing, name)) for n, (when, name, routing) in enumerate(writes)))
    changes = [Change(at(when), name, f"e-{n}", EVE, "", "update", r) for n, (when, name, r) in enumerate(seen)]
    found = lines(entries, *changes)
    matched = sum(line.standing is Standing.MATCHED for line in found)
    assert sum(line.seq is not None for line in found) == len(writes)
    assert sum(line.standing is Standing.FOREIGN for line in found) == len(seen) - matched
