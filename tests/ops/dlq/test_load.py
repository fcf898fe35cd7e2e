"""A file of letters back into a queue, each once."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.dlq.dumped import line_of
from lambdaops.core.dlq.letter import Attribute
from lambdaops.core.errors import (
    ConfirmationMissingError,
    InvalidFileError,
    JournalUnwritableError,
    LambdaOpsError,
    ThrottledError,
    UnreachableError,
    UsageError,
)
from lambdaops.core.events import to_record
from lambdaops.core.states import Signal
from lambdaops.ops.dlq.cargo import check
from lambdaops.ops.dlq.load import load, plan_load
from tests.ops.dlq.pages import SimPages
from tests.ops.dlq.post import Post, arn
from tests.sim.journal import Crash

if TYPE_CHECKING:
    from lambdaops.core.dlq.file_reports import LoadReport

WEEK = timedelta(days=7)


@pytest.fixture
def post() -> Post:
    post = Post()
    post.box("dlq")
    post.box("line.fifo")
    return post


def file(post: Post, count: int = 35, name: str = "dlq", **about: Any) -> SimPages:
    old = post.clock.now() - WEEK
    return SimPages(lines=[line_of(post.letter(f"letter {n}", sent=old, **about), arn(name)) for n in range(count)])


def loaded(post: Post, pages: SimPages, name: str = "dlq", **how: Any) -> LoadReport:
    ports = post.ports
    return load(ports, plan_load(ports, check(pages), ports.queues.find(name), **how), "CHG-7")


def test_every_letter_is_sent_with_everything_it_had(post: Post) -> None:
    pages = file(post, 34)
    attributes = {"n": Attribute("Number.int", "12"), "b": Attribute("Binary.gz", b"\x00\xff")}
    pages.lines.append(
        line_of(post.letter("ä\n", attributes, group="tenant-1", trace="Root=1", source=arn("orders")), arn("dlq"))
    )
    report = loaded(post, pages)
    assert (report.letters, report.sent, report.failed, report.missing) == (35, 35, 0, 0)
    assert post.bodies("dlq") == [f"letter {n}" for n in range(34)] + ["ä\n"]
    last = post.box("dlq").letters[-1].letter
    assert (last.attributes, last.group, last.trace) == (attributes, "tenant-1", "Root=1")


def test_the_same_again_sends_nothing_and_says_so(post: Post) -> None:
    pages = file(post)
    loaded(post, pages)
    calls = len(post.calls)
    report = loaded(post, pages)
    assert (report.sent, report.before, report.missing) == (0, 35, 0)
    assert "send" not in post.calls[calls:]
    assert len(post.questions) == 1
    assert loaded(post, pages, again=True).sent == 35
    assert loaded(post, pages).before == 35


def test_another_file_is_another_load(post: Post) -> None:
    loaded(post, file(post))
    assert loaded(post, file(post, 3)).sent == 3


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("at", range(1, 9))
def test_a_load_that_was_killed_is_taken_up_and_loses_nothing(post: Post, at: int, before: bool) -> None:
    pages = file(post)
    journal = post.journals.open(arn("dlq"))
    journal.crash_at, journal.crash_before = at, before
    try:
        loaded(post, pages)
    except Crash:
        journal.crash_at = None
        post.journals.busy = False
        report = loaded(post, pages)
        assert report.missing == 0
    found = post.bodies("dlq")
    assert set(found) == {f"letter {n}" for n in range(35)}
    assert len(found) - 35 <= 10, "more than one batch twice"


@pytest.mark.parametrize("at", range(1, 12))
def test_a_fifo_queue_gets_nothing_twice_and_everything_in_order(post: Post, at: int) -> None:
    old = post.clock.now() - WEEK
    lines = [line_of(post.letter(f"{n % 3}-{n}", sent=old, group=f"g{n % 3}"), arn("line.fifo")) for n in range(30)]
    pages = SimPages(lines=lines)
    journal = post.journals.open(arn("line.fifo"))
    journal.crash_at = at
    with pytest.raises(Crash):
        loaded(post, pages, "line.fifo")
    journal.crash_at = None
    post.journals.busy = False
    assert loaded(post, pages, "line.fifo").missing == 0
    found = post.bodies("line.fifo")
    assert len(found) == 30
    for group in "012":
        assert [body for body in found if body[0] == group] == [
            f"{group}-{n}" for n in range(30) if str(n % 3) == group
        ]


def lose_an_answer(post: Post, pages: SimPages, name: str) -> None:
    post.fail("send", UnreachableError("reset"), after=True)
    with pytest.raises(UnreachableError):
        loaded(post, pages, name)


def test_what_is_in_doubt_for_too_long_is_left_in_a_fifo_queue_unless_asked_for(post: Post) -> None:
    pages = file(post, 5, "line.fifo", group="g")
    lose_an_answer(post, pages, "line.fifo")
    post.clock.advance(timedelta(minutes=6))
    report = loaded(post, pages, "line.fifo")
    # The first was sent, but nobody knows: what follows it in its group must not overtake it.
    assert (report.sent, report.doubtful, report.held_back, report.missing) == (0, 1, 4, 5)
    assert loaded(post, pages, "line.fifo", resend=True).missing == 0
    # Who insists gets what was warned of.
    assert post.bodies("line.fifo") == ["letter 0", *(f"letter {n}" for n in range(5))]


def test_a_clock_that_was_set_back_does_not_make_what_is_in_doubt_recent(post: Post) -> None:
    pages = file(post, 5, "line.fifo", group="g")
    lose_an_answer(post, pages, "line.fifo")
    post.clock.step_back(3600)
    report = loaded(post, pages, "line.fifo")
    assert (report.sent, report.doubtful, report.held_back) == (0, 1, 4)


def test_what_was_left_in_doubt_is_not_taken_for_sent_because_others_were(post: Post) -> None:
    old = post.clock.now() - WEEK
    letters = [post.letter(f"letter {n}", sent=old, group=f"g{n}") for n in range(12)]
    pages = SimPages(lines=[line_of(one, arn("line.fifo")) for one in letters])
    journal = post.journals.open(arn("line.fifo"))
    journal.crash_at = 2  # its first batch is on record, and nothing of it was sent
    with pytest.raises(Crash):
        loaded(post, pages, "line.fifo")
    journal.crash_at, post.journals.busy = None, False
    post.clock.advance(timedelta(minutes=6))
    for sent in (2, 0):
        report = loaded(post, pages, "line.fifo")
        assert (report.sent, report.doubtful, report.missing) == (sent, 10, 10)
    assert post.bodies("line.fifo") == ["letter 10", "letter 11"]
    assert loaded(post, pages, "line.fifo", resend=True).missing == 0
    assert set(post.bodies("line.fifo")) == {f"letter {n}" for n in range(12)}


def test_the_first_sending_counts_however_often_it_was_repeated(post: Post) -> None:
    """Sent, and killed; begun again in time, and killed; five minutes after the first the queue has forgotten it."""
    pages = file(post, 3, "line.fifo", group="g")
    lose_an_answer(post, pages, "line.fifo")
    post.clock.advance(timedelta(minutes=3))
    journal = post.journals.open(arn("line.fifo"))
    journal.crash_at = journal.appends + 2  # it is on record that the first letter is sent again; it is not
    with pytest.raises(Crash):
        loaded(post, pages, "line.fifo")
    journal.crash_at, post.journals.busy = None, False
    post.clock.advance(timedelta(minutes=3))
    for _ in range(2):
        report = loaded(post, pages, "line.fifo")
        assert (report.doubtful, report.missing) == (1, 3)
        assert post.bodies("line.fifo") == ["letter 0"]


def test_what_was_sent_again_in_time_is_in_doubt_no_longer(post: Post) -> None:
    pages = file(post, 3, "line.fifo", group="g")
    lose_an_answer(post, pages, "line.fifo")
    post.refuse_send = {json.loads(pages.lines[-1])["id"]}
    for doubtful in (1, 0):
        report = loaded(post, pages, "line.fifo")
        assert (report.doubtful, report.missing) == (doubtful, 1)
    post.refuse_send = set()
    assert loaded(post, pages, "line.fifo").missing == 0
    assert post.bodies("line.fifo") == [f"letter {n}" for n in range(3)]


@given(
    count=st.integers(1, 30),
    groups=st.integers(1, 14),
    kills=st.lists(st.tuples(st.integers(1, 8), st.booleans()), max_size=4),
    gaps=st.lists(st.sampled_from([0, 60, 130, 200, 235, 270, 400]), min_size=5, max_size=5),
    lost=st.sets(st.integers(0, 8), max_size=3),
)
def test_whatever_ends_a_load_a_fifo_queue_gets_nothing_twice_and_what_is_missing_is_told(
    count: int, groups: int, kills: list[tuple[int, bool]], gaps: list[int], lost: set[int]
) -> None:
    post = Post()
    post.box("line.fifo")
    old = post.clock.now() - WEEK
    letters = [post.letter(f"letter {n}", sent=old, group=f"g{n % groups}") for n in range(count)]
    pages = SimPages(lines=[line_of(one, arn("line.fifo")) for one in letters])
    journal = post.journals.open(arn("line.fifo"))
    sends = itertools.count()

    def lose(call: str) -> None:
        if call == "send" and next(sends) in lost:
            post.fail("send", UnreachableError("reset"), after=True)

    post.on_call = lose
    report = None
    never = (10_000, False)
    for (appends, before), gap in [*zip(kills, gaps, strict=False), *[(never, 0)] * 4]:
        journal.crash_at, journal.crash_before = journal.appends + appends, before
        with suppress(Crash, UnreachableError):
            report = loaded(post, pages, "line.fifo")
        journal.crash_at, post.journals.busy = None, False
        post.clock.advance(timedelta(seconds=gap))
    assert report is not None
    bodies = post.bodies("line.fifo")
    assert len(set(bodies)) == len(bodies), "twice"
    assert count - len(bodies) <= report.missing <= count - len(bodies) + report.doubtful, "lost without a word"
    for group in range(groups):
        numbers = [int(body.split()[1]) for body in bodies if int(body.split()[1]) % groups == group]
        assert numbers == sorted(numbers), "out of order"


def test_what_is_in_doubt_is_sent_again_to_another_queue(post: Post) -> None:
    pages = file(post, 15)
    lose_an_answer(post, pages, "dlq")
    report = loaded(post, pages)
    assert (report.sent, report.doubtful, report.missing) == (15, 10, 0)
    assert set(post.bodies("dlq")) == {f"letter {n}" for n in range(15)}


def test_what_was_certainly_not_sent_is_not_in_doubt(post: Post) -> None:
    pages = file(post, 15)
    post.fail("send", ThrottledError("slow down"))
    with pytest.raises(ThrottledError):
        loaded(post, pages)
    report = loaded(post, pages)
    assert (report.sent, report.doubtful) == (15, 0)
    assert len(post.bodies("dlq")) == 15


def test_hazard_2_what_sqs_refuses_of_a_batch_is_told_and_sent_by_the_same_command(post: Post) -> None:
    pages = file(post)
    post.refuse_send = {"m-0003", "m-0035"}
    report = loaded(post, pages)
    assert (report.sent, report.failed, report.missing) == (33, 2, 2)
    assert [(one.id, one.code) for one in report.failures] == [("m-0003", "InternalError"), ("m-0035", "InternalError")]
    post.refuse_send = set()
    report = loaded(post, pages)
    assert (report.sent, report.before, report.missing) == (2, 33, 0)
    assert sorted(post.bodies("dlq")) == sorted(f"letter {n}" for n in range(35))


def test_hazard_6_a_refused_letter_stops_its_group_and_no_other(post: Post) -> None:
    old = post.clock.now() - WEEK
    lines = [
        line_of(post.letter(f"{n % 2}-{n}", sent=old, group=f"g{n % 2}", id=f"i{n}"), arn("line.fifo"))
        for n in range(8)
    ]
    post.refuse_send = {"i2"}
    report = loaded(post, SimPages(lines=lines), "line.fifo")
    assert post.bodies("line.fifo") == ["0-0", "1-1", "1-3", "1-5", "1-7"]
    assert (report.sent, report.failed, report.held_back, report.missing) == (5, 1, 2, 3)
    post.refuse_send = set()
    loaded(post, SimPages(lines=lines), "line.fifo")
    assert [body for body in post.bodies("line.fifo") if body[0] == "0"] == ["0-0", "0-2", "0-4", "0-6"]


def test_deduplication_ids_are_kept_unless_that_would_lose_a_letter(post: Post) -> None:
    old, now = post.clock.now() - WEEK, post.clock.now()
    made = [
        post.letter("kept", sent=old, group="g", deduplication="order-1", id="a"),
        post.letter("same", sent=old, group="g", deduplication="order-2", id="b"),
        post.letter("same", sent=old, group="g", deduplication="order-2", id="c"),
        post.letter("young", sent=now - timedelta(minutes=1), group="g", deduplication="order-3", id="d"),
        post.letter("none", sent=old, id="e"),
    ]
    assert loaded(post, SimPages(lines=[line_of(one, arn("line.fifo")) for one in made]), "line.fifo").missing == 0
    sent = [lying.letter for lying in post.box("line.fifo").letters]
    assert sorted((one.deduplication, one.group) for one in sent if one.deduplication) == [
        ("b", "g"),
        ("c", "g"),
        ("d", "g"),
        ("e", "e"),
        ("order-1", "g"),
    ]


def test_a_standard_queue_gets_no_deduplication_id(post: Post) -> None:
    loaded(post, file(post, 1, deduplication="d"))
    assert post.box("dlq").letters[0].letter.deduplication is None


def test_every_line_is_checked_before_the_first_letter_is_sent(post: Post) -> None:
    pages = file(post, 3)
    pages.lines += ["{", pages.lines[0], line_of(post.letter(""), arn("dlq"))]
    with pytest.raises(InvalidFileError) as caught:
        check(pages)
    assert [(one.line, one.message) for one in caught.value.mistakes] == [
        (4, "no JSON at column 2"),
        (5, "the id of line 1 is there again"),
    ]
    pages.lines = [pages.lines[0], pages.lines[5]]
    with pytest.raises(InvalidFileError, match=r"letters.jsonl.*:2:1: the body is empty"):
        loaded(post, pages)
    assert "send" not in post.calls


def test_many_mistakes_are_counted(post: Post) -> None:
    with pytest.raises(InvalidFileError, match=r"500 lines of .* the first 20 of them are") as caught:
        check(SimPages(lines=["{"] * 500))
    assert len(caught.value.mistakes) == 20


def test_a_file_without_letters_is_an_error() -> None:
    with pytest.raises(InvalidFileError, match="no letter"):
        check(SimPages())


def test_letters_of_several_queues_need_a_destination(post: Post) -> None:
    pages = SimPages(lines=file(post, 2).lines + file(post, 2, "other").lines)
    with pytest.raises(UsageError, match="in 2 queues"):
        _ = check(pages).home
    assert loaded(post, pages).sent == 4


def test_a_file_that_changes_while_it_is_loaded_is_noticed(post: Post) -> None:
    pages = file(post)
    ports = post.ports
    plan = plan_load(ports, check(pages), ports.queues.find("dlq"))
    data = json.loads(pages.lines[34])
    pages.lines[34] = json.dumps(data | {"body": "other"})
    with pytest.raises(InvalidFileError, match="changed while it was loaded"):
        load(ports, plan)


def test_ctrl_c_stops_between_batches_and_the_same_command_goes_on(post: Post) -> None:
    pages = file(post)

    def on_call(name: str) -> None:
        if post.calls.count("send") == 2:
            post.asked = (Signal.HOLD, "Ctrl-C")

    post.on_call = on_call
    report = loaded(post, pages)
    assert (report.interrupted, report.sent, report.missing) == (True, 20, 15)
    post.asked = post.on_call = None
    assert loaded(post, pages).missing == 0
    assert sorted(post.bodies("dlq")) == sorted(f"letter {n}" for n in range(35))


def test_nothing_is_sent_without_a_yes_a_lease_and_a_record(post: Post) -> None:
    pages = file(post)
    post.refuses = True
    with pytest.raises(ConfirmationMissingError):
        loaded(post, pages)
    post.refuses = False
    post.journals.busy = True
    with pytest.raises(LambdaOpsError):
        loaded(post, pages)
    post.journals.busy = False
    post.journals.open(arn("dlq")).broken = "disk full"
    with pytest.raises(JournalUnwritableError):
        loaded(post, pages)
    assert "send" not in post.calls


def test_a_plan_writes_nothing(post: Post) -> None:
    ports = post.ports
    plan = plan_load(ports, check(file(post)), ports.queues.find("dlq"))
    assert (plan.left, post.journals.open(arn("dlq")).entries, "send" in post.calls) == (35, [], False)


def test_nothing_of_a_letter_is_in_the_journal(post: Post) -> None:
    loaded(post, file(post, group="tenant-1"))
    text = str([to_record(entry) for entry in post.journals.open(arn("dlq")).entries])
    assert "letter 1" not in text
    assert "tenant-1" not in text


def test_a_queue_that_takes_less_is_checked_against(post: Post) -> None:
    ports = post.ports
    small = replace(ports.queues.find("dlq"), max_bytes=5)
    with pytest.raises(InvalidFileError, match="the queue takes 5"):
        plan_load(ports, check(file(post, 1)), small)
