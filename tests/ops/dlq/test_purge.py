"""A purge that keeps what it deletes, and one that does not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.dlq.dumped import read_line
from lambdaops.core.dlq.records import Change, QueueChanged, QueueChanging
from lambdaops.core.errors import (
    ConfirmationMissingError,
    ConflictError,
    InvalidFileError,
    JournalUnwritableError,
    LambdaOpsError,
    UnreachableError,
)
from lambdaops.core.events import kind_of, to_record
from lambdaops.core.states import Signal
from lambdaops.ops.dlq.purge import purge
from tests.ops.dlq.pages import SimPages
from tests.ops.dlq.post import Post, arn
from tests.sim.journal import Crash

if TYPE_CHECKING:
    from lambdaops.core.dlq.file_reports import PurgeReport


@pytest.fixture
def post() -> Post:
    post = Post()
    post.write("dlq", 35)
    post.clock.advance(timedelta(hours=1))
    return post


def purged(post: Post, pages: SimPages | None) -> PurgeReport:
    ports = post.ports
    return purge(ports, ports.queues.find("dlq"), pages, "CHG-7")


def in_file(pages: SimPages) -> list[str]:
    return [read_line(line).letter.body for line in pages.lines]


def test_everything_is_in_the_file_and_gone_from_the_queue(post: Post) -> None:
    pages = SimPages()
    report = purged(post, pages)
    assert (report.deleted, report.failed, report.file) == (35, 0, "letters.jsonl")
    assert in_file(pages) == [f"letter {n}" for n in range(35)]
    assert post.bodies("dlq") == []
    opened, closed = post.journals.open(arn("dlq")).entries
    assert opened.event == QueueChanging(Change.PURGE, 35, "letters.jsonl.partial", "CHG-7", "", "lambdaops test")
    assert closed.event == QueueChanged(Change.PURGE, 35, 0, "letters.jsonl")


def test_a_letter_is_on_the_medium_before_it_is_deleted(post: Post) -> None:
    pages = SimPages()

    def on_call(name: str) -> None:
        if name == "delete":
            assert pages.kept == len(pages.lines) == post.calls.count("receive") * 10 or pages.kept == 35

    post.on_call = on_call
    assert purged(post, pages).deleted == 35


def test_what_arrives_meanwhile_stays_in_the_queue(post: Post) -> None:
    def on_call(name: str) -> None:
        if post.calls.count("delete") == 2 and name == "delete":
            post.put("dlq", post.letter("new"))

    post.on_call = on_call
    pages = SimPages()
    assert purged(post, pages).deleted == 35
    assert post.bodies("dlq") == ["new"]
    assert post.visible("dlq") == 1
    assert "new" not in in_file(pages)


def test_letters_that_arrive_faster_than_they_go_do_not_make_it_run_for_ever(post: Post) -> None:
    old = post.clock.now() - timedelta(hours=1)

    def on_call(name: str) -> None:
        if name == "receive":  # moved here by SQS: they keep the time of their first sending
            post.put("dlq", *(post.letter("again", sent=old) for _ in range(10)))

    post.on_call = on_call
    report = purged(post, SimPages())
    assert report.bounded
    assert 35 <= report.deleted <= 160


@pytest.mark.parametrize("how", ["full disk", "lost answer", "signal", "killed"])
def test_whatever_ends_it_nothing_is_lost(post: Post, how: str) -> None:
    pages = SimPages(full_after=25 if how == "full disk" else None)

    def on_call(name: str) -> None:
        if how == "lost answer" and post.calls.count("delete") == 2 and name == "delete":
            post.on_call = None
            post.fail("delete", UnreachableError("reset"), after=True)
        if how == "killed" and post.calls.count("delete") == 3:
            post.on_call = None
            raise Crash
        if how == "signal" and post.calls.count("receive") == 2:
            post.asked = (Signal.HOLD, "Ctrl-C")

    post.on_call = on_call
    if how == "signal":
        report = purged(post, pages)
        assert (report.interrupted, report.deleted) == (True, 20)
    else:
        with pytest.raises((LambdaOpsError, Crash)):
            purged(post, pages)
    assert {*in_file(pages)} | {*post.bodies("dlq")} == {f"letter {n}" for n in range(35)}
    assert post.visible("dlq") == len(post.bodies("dlq"))
    assert kind_of(post.journals.open(arn("dlq")).entries[-1].event) == "queue-changed"


def test_what_sqs_will_not_delete_is_said(post: Post) -> None:
    post.refuse_delete = {"m-0003", "m-0030"}
    pages = SimPages()
    report = purged(post, pages)
    assert (report.deleted, report.failed) == (33, 2)
    assert post.bodies("dlq") == ["letter 2", "letter 29"]
    assert sorted(in_file(pages)) == sorted(f"letter {n}" for n in range(35))
    assert post.visible("dlq") == 2


def test_without_a_file_sqs_purges_and_the_question_says_what_that_means(post: Post) -> None:
    report = purged(post, None)
    assert (report.deleted, report.file, post.bodies("dlq")) == (35, "", [])
    (asked,) = post.questions
    assert "FOR GOOD, without keeping them, and with them what arrives within the next minute" in asked
    assert {"receive", "delete"} & set(post.calls) == set()


def test_a_second_purge_within_a_minute_is_refused_by_sqs(post: Post) -> None:
    post.fail("purge", ConflictError("purged less than a minute ago"))
    with pytest.raises(ConflictError):
        purged(post, None)


@pytest.mark.parametrize("pages", [None, SimPages()])
def test_nothing_is_deleted_without_a_yes_a_lease_and_a_record(post: Post, pages: SimPages | None) -> None:
    post.refuses = True
    with pytest.raises(ConfirmationMissingError):
        purged(post, pages)
    post.refuses = False
    post.journals.busy = True
    with pytest.raises(LambdaOpsError):
        purged(post, pages)
    post.journals.busy = False
    post.journals.open(arn("dlq")).broken = "disk full"
    with pytest.raises(JournalUnwritableError):
        purged(post, pages)
    assert len(post.bodies("dlq")) == 35
    assert not {"receive", "delete", "purge"} & set(post.calls)


def test_a_file_that_is_there_already_stops_it(post: Post) -> None:
    class Taken(SimPages):
        def open(self) -> None:
            raise InvalidFileError("letters.jsonl is there already")

    with pytest.raises(InvalidFileError):
        purged(post, Taken())
    assert "receive" not in post.calls


def test_nothing_of_a_letter_is_in_the_journal(post: Post) -> None:
    purged(post, SimPages())
    assert "letter 1" not in str([to_record(entry) for entry in post.journals.open(arn("dlq")).entries])
