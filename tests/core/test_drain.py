"""When a queue is taken for drained: receives and counts together, never one of them alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lambdaops.core.dlq.drain import Drain
from lambdaops.core.dlq.letter import Queue

NOW = datetime(2026, 11, 1, tzinfo=UTC)
VISIBILITY = timedelta(minutes=2)


def queue(waiting: int = 0, hidden: int = 0, delayed: int = 0) -> Queue:
    arn = "arn:aws:sqs:eu-central-1:111122223333:dlq"
    return Queue("u", arn, waiting, hidden, delayed, timedelta(days=4), timedelta(seconds=30), NOW)


def empty(drain: Drain, known: int, worker: int = 0) -> None:
    drain.asks(worker)
    drain.received(worker, 0, known, fruitful=False)


@pytest.mark.parametrize(("known", "looks"), [(30, 1), (31, 1), (29, 2), (0, 2)])
def test_one_empty_look_is_enough_where_all_are_dealt_with_and_two_elsewhere(known: int, looks: int) -> None:
    drain = Drain(30, VISIBILITY, fifo=False)
    for _ in range(looks):
        assert not drain.wants_count(NOW, known)
        empty(drain, known)
    assert drain.wants_count(NOW, known)


def test_a_look_that_began_before_something_went_back_proves_nothing() -> None:
    drain = Drain(30, VISIBILITY, fifo=False)
    drain.asks(0)
    drain.gives_back()
    drain.received(0, 0, 30, fruitful=False)
    assert not drain.wants_count(NOW, 30)
    empty(drain, 30)
    assert drain.wants_count(NOW, 30)


@pytest.mark.parametrize("fifo", [True, False])
def test_what_was_sent_and_deleted_meanwhile_spoils_a_look_only_where_it_hid_others(fifo: bool) -> None:
    drain = Drain(30, VISIBILITY, fifo=fifo)
    drain.asks(0)
    drain.deals()
    drain.received(0, 0, 30, fruitful=False)
    assert drain.wants_count(NOW, 30) is not fifo
    empty(drain, 30)
    assert drain.wants_count(NOW, 30)
    drain.deals()
    assert drain.wants_count(NOW, 30) is not fifo


def test_what_is_found_or_goes_back_begins_it_anew() -> None:
    drain = Drain(30, VISIBILITY, fifo=False)
    for again in (drain.gives_back, lambda: drain.received(0, 3, 29, fruitful=False)):
        empty(drain, 30)
        assert drain.wants_count(NOW, 30)
        again()
        assert not drain.wants_count(NOW, 30)


def test_one_scouts_for_all_once_as_many_are_dealt_with_as_there_were() -> None:
    drain = Drain(30, VISIBILITY, fifo=False)
    assert not drain.scouting(29)
    assert drain.scouting(30)
    assert not drain.rests(30, flying=False)
    drain.asks(0)
    assert drain.rests(30, flying=False)
    assert not drain.rests(29, flying=False)
    drain.received(0, 10, 30, fruitful=True)
    assert not drain.scouting(40), "there were more than SQS had counted: all are at work again"
    empty(drain, 40)
    assert drain.scouting(40)


def test_a_scout_waits_for_no_send_unless_that_is_all_there_is_to_wait_for() -> None:
    for drain in (Drain(30, VISIBILITY, fifo=False), Drain(30, VISIBILITY, fifo=True)):
        assert drain.rests(30, flying=True) is drain.fifo
        empty(drain, 30)
        assert drain.rests(30, flying=True)
        assert not drain.rests(30, flying=False), "SQS counts more, or cannot be asked yet"


@pytest.mark.parametrize(
    ("counts", "held", "undeleted", "ends"),
    [
        (queue(), 0, 0, True),
        (queue(hidden=4), 4, 0, True),
        (queue(waiting=1), 0, 0, False),
        (queue(delayed=1), 0, 0, False),
        (queue(hidden=5), 4, 0, False),
        (queue(), 0, 1, False),
    ],
)
def test_it_ends_when_sqs_counts_none_but_what_is_kept(counts: Queue, held: int, undeleted: int, ends: bool) -> None:
    drain = Drain(30, VISIBILITY, fifo=False)
    assert drain.counted(NOW, counts, held, undeleted) == (0 if ends else None)


def test_what_others_hide_is_waited_for_and_then_said_to_be_unreached() -> None:
    drain = Drain(30, VISIBILITY, fifo=False)
    assert drain.counted(NOW, queue(hidden=2), 0, 0) is None
    assert drain.counted(NOW + timedelta(minutes=2), queue(hidden=2), 0, 0) is None
    assert drain.counted(NOW + timedelta(minutes=2, seconds=15), queue(hidden=2), 0, 0) == 2


def test_what_stands_behind_a_letter_that_stays_is_not_waited_for() -> None:
    drain = Drain(30, VISIBILITY, fifo=True)
    assert drain.counted(NOW, queue(waiting=3, hidden=1), 1, 0) == 3


def test_counts_are_asked_for_once_a_second() -> None:
    drain = Drain(0, VISIBILITY, fifo=False)
    empty(drain, 0)
    assert drain.wants_count(NOW, 0)
    drain.counted(NOW, queue(waiting=1), 0, 0)
    assert not drain.wants_count(NOW + timedelta(milliseconds=900), 0)
    assert drain.wants_count(NOW + timedelta(seconds=1), 0)
