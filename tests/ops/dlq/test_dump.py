"""A dump: everything there is, and the queue as it was."""

from __future__ import annotations

import pytest

from lambdaops.core.dlq.dumped import read_line
from lambdaops.core.dlq.file_reports import DumpReport
from lambdaops.core.dlq.letter import Attribute
from lambdaops.core.errors import AccessDeniedError, ConfirmationMissingError, InvalidFileError
from lambdaops.core.states import Signal
from lambdaops.ops.dlq.dump import dump
from tests.ops.dlq.pages import SimPages
from tests.ops.dlq.post import Post, arn


@pytest.fixture
def post() -> Post:
    post = Post()
    post.box("dlq")
    return post


def dumped(post: Post, pages: SimPages, name: str = "dlq") -> DumpReport:
    ports = post.ports
    return dump(ports, ports.queues.find(name), pages)


def test_a_dump_has_everything_and_the_queue_stays_as_it_was(post: Post) -> None:
    post.write("dlq", 25)
    post.put(
        "dlq",
        post.letter("ä\n", {"b": Attribute("Binary.gz", b"\x00\xff")}, group="g", trace="Root=1", source=arn("orders")),
    )
    pages = SimPages()
    report = dumped(post, pages)
    assert report == DumpReport(arn("dlq"), "letters.jsonl", 26, complete=True)
    assert (pages.kept, pages.state) == (26, "finished")
    found = [read_line(line) for line in pages.lines]
    assert {one.queue for one in found} == {arn("dlq")}
    held = [lying.letter for lying in post.box("dlq").letters]
    assert [(one.letter.id, one.letter.body) for one in found] == [(one.id, one.body) for one in held]
    last = found[-1].letter
    assert (last.attributes, last.group, last.trace, last.source) == (
        {"b": Attribute("Binary.gz", b"\x00\xff")},
        "g",
        "Root=1",
        arn("orders"),
    )
    assert post.visible("dlq") == 26
    assert not {"send", "delete", "purge"} & set(post.calls)


@pytest.mark.parametrize("how", ["signal", "error", "full disk"])
def test_what_was_written_until_it_was_stopped_stays_and_is_called_partial(post: Post, how: str) -> None:
    post.write("dlq", 35)
    pages = SimPages(full_after=20 if how == "full disk" else None)

    def on_call(name: str) -> None:
        if post.calls.count("receive") == 2 and how == "signal":
            post.asked = (Signal.HOLD, "Ctrl-C")
        elif post.calls.count("receive") == 3 and how == "error":
            post.on_call = None
            raise AccessDeniedError("no")

    post.on_call = on_call
    if how == "signal":
        report = dumped(post, pages)
        assert (report.letters, report.complete, report.interrupted) == (20, False, True)
        assert report.file == "letters.jsonl.partial"
    else:
        with pytest.raises((AccessDeniedError, InvalidFileError)):
            dumped(post, pages)
    assert (len(pages.lines), pages.name) == (20, "letters.jsonl.partial")
    assert post.visible("dlq") == 35


def test_a_dump_that_cannot_have_everything_says_why(post: Post) -> None:
    post.write("dlq", 35)
    post.box("dlq").in_flight = 20
    report = dumped(post, SimPages())
    assert (report.letters, report.complete) == (20, False)
    assert report.missing == "SQS gives no more than 20 letters out at a time"
    post.box("dlq").in_flight = 100
    post.box("dlq").letters[0].visible = post.clock.now().replace(year=2030)
    report = dumped(post, SimPages())
    assert (report.letters, report.missing) == (34, "about 1 letters were in other hands")


def test_hazard_3_letters_that_are_seen_again_are_not_written_again(post: Post) -> None:
    post.write("dlq", 35)

    def on_call(name: str) -> None:
        for lying in post.box("dlq").letters:
            lying.visible = post.clock.now()

    post.on_call = on_call
    pages = SimPages()
    report = dumped(post, pages)
    assert (report.letters, len(pages.lines)) == (10, 10)
    assert report.missing == "SQS counts about 35 letters"


def test_a_dump_of_a_queue_that_counts_is_asked_for(post: Post) -> None:
    post.write("dlq", 3)
    post.box("dlq").max_receives = 3
    post.refuses = True
    pages = SimPages()
    with pytest.raises(ConfirmationMissingError):
        dumped(post, pages)
    assert (pages.state, "receive" in post.calls) == ("new", False)
