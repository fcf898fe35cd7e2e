"""A look at a queue: what it finds, and that it leaves everything as it was."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.codec import encode
from lambdaops.core.dlq.groups import By
from lambdaops.core.errors import (
    AccessDeniedError,
    ConfirmationMissingError,
    NotFoundError,
    ThrottledError,
    UnreachableError,
)
from lambdaops.core.notices import Warned
from lambdaops.core.states import Signal
from lambdaops.ops.dlq.holding import hidden_for
from lambdaops.ops.dlq.inspect import Look, inspect
from tests.core import letters
from tests.ops.dlq.post import Post, arn

if TYPE_CHECKING:
    from lambdaops.core.dlq.inspection import Inspection


@pytest.fixture
def post() -> Post:
    post = Post()
    post.box("dlq")
    return post


def looked(post: Post, look: Look | None = None) -> Inspection:
    ports = post.ports
    return inspect(ports, ports.queues.find("dlq"), look or Look())


def test_a_look_groups_what_is_there_and_leaves_it(post: Post) -> None:
    post.put("dlq", *(post.letter(letters.envelope()) for _ in range(7)))
    post.write("dlq", 5, "text {}")
    post.clock.advance(timedelta(hours=30))
    found = looked(post, Look(by=(By.ERROR, By.FUNCTION)))
    assert [(one.names, one.count) for one in found.groups] == [
        (("CustomerMissing", "invoices:live"), 7),
        (("(not said)", "(not said)"), 5),
    ]
    assert [(one.age, one.count) for one in found.ages if one.count] == [("1d-3d", 12)]
    assert (found.looked, found.complete, found.waiting) == (12, True, 12)
    assert found.oldest is not None
    assert found.expires == found.oldest + timedelta(days=4)
    assert (post.visible("dlq"), found.still_hidden) == (12, 0)
    assert {"send", "delete", "purge"} & set(post.calls) == set()


def test_a_sample_is_no_more_than_was_asked_for_and_none_is_seen_twice(post: Post) -> None:
    post.write("dlq", 57)
    found = looked(post, Look(most=23))
    assert (found.looked, found.complete) == (23, False)
    received = [one.letter.receives for one in post.box("dlq").letters]
    assert (received.count(1), received.count(0)) == (23, 34)
    assert post.visible("dlq") == 57


def test_hazard_7_a_look_on_a_queue_with_a_redrive_policy_is_asked_for(post: Post) -> None:
    box = post.box("dlq", max_receives=0)
    box.max_receives, box.dead_letters = 3, arn("graveyard")
    post.write("dlq", 2)
    post.refuses = True
    with pytest.raises(ConfirmationMissingError):
        looked(post)
    assert "receive" not in post.calls
    (question,) = post.questions
    assert "received 3 times to graveyard at its next receive" in question
    post.refuses = False
    assert [looked(post).left for _ in range(3)] == [2, 1, 0]
    assert (looked(post).looked, post.bodies("graveyard")) == (0, ["letter 0", "letter 1"])


def test_an_empty_queue_is_not_asked_about(post: Post) -> None:
    post.box("dlq").max_receives = 3
    found = looked(post)
    assert (found.looked, found.complete, found.oldest, found.expires, found.left) == (0, True, None, None, None)
    assert post.questions == []


def test_one_empty_answer_proves_nothing(post: Post) -> None:
    post.write("dlq", 3)
    box = post.box("dlq")
    asked = 0

    def on_call(name: str) -> None:
        nonlocal asked
        asked += name == "receive"
        for one in box.letters:  # they are on servers that the first look does not ask
            if not one.handle:
                one.visible = post.clock.now() + timedelta(days=asked == 1)

    post.on_call = on_call
    assert looked(post).looked == 3


@pytest.mark.parametrize(("pick", "body"), [("2", "letter 1"), ("m-0003", "letter 2")])
def test_one_letter_is_shown_whole_on_request(post: Post, pick: str, body: str) -> None:
    post.write("dlq", 4)
    shown = looked(post, Look(pick=pick, values=True)).letter
    assert shown is not None
    assert (shown.body, shown.open) == (body, True)


def test_a_letter_is_looked_for_no_longer_than_needed(post: Post) -> None:
    post.write("dlq", 40)
    assert looked(post, Look(pick="3")).looked == 3
    assert [one.letter.receives for one in post.box("dlq").letters].count(1) == 10


def test_what_aws_itself_attached_is_shown(post: Post) -> None:
    post.put("dlq", post.letter("{}", dict(letters.function("4711").attributes)))
    found = looked(post, Look(pick="1")).letter
    assert found is not None
    assert [(one.name, one.value) for one in found.attributes] == [
        ("ErrorCode", "200"),
        ("ErrorMessage", "(text of length 4)"),
        ("RequestID", letters.REQUEST),
    ]


def test_without_show_body_no_value_of_a_letter_is_shown(post: Post) -> None:
    attributes = {"tenant": letters.text("acme"), "ErrorMessage": letters.text("4711")}
    post.put("dlq", post.letter(letters.envelope(), attributes, group="customer-9", trace="Root=1-2"))
    found = looked(post, Look(pick="1"))
    text = str(encode(found))
    assert found.letter is not None
    for secret in ("4711", "acme", "1.50", "customer-9", "no such customer"):
        assert secret not in text
    assert '"errorType": "(text of length 15)"' in found.letter.body
    assert [(one.name, one.value) for one in found.letter.attributes] == [
        ("ErrorMessage", "(text of length 4)"),
        ("tenant", "(text of length 4)"),
    ]


def test_no_body_is_shown_unasked(post: Post) -> None:
    post.write("dlq", 3, "secret {}")
    assert "secret" not in str(encode(looked(post)))


@pytest.mark.parametrize("pick", ["9", "0", "no-such-id"])
def test_a_letter_that_is_not_in_the_sample_is_an_error_and_all_is_given_back(post: Post, pick: str) -> None:
    post.write("dlq", 4)
    with pytest.raises(NotFoundError, match="not among the 4 of dlq"):
        looked(post, Look(pick=pick))
    assert post.visible("dlq") == 4


def test_an_error_in_the_middle_gives_all_back(post: Post) -> None:
    post.write("dlq", 30)

    def on_call(name: str) -> None:
        if post.calls.count("receive") == 3:
            post.on_call = None
            raise AccessDeniedError("no")

    post.on_call = on_call
    with pytest.raises(AccessDeniedError):
        looked(post)
    assert post.visible("dlq") == 30


def test_ctrl_c_gives_all_back_and_shows_what_was_seen(post: Post) -> None:
    post.write("dlq", 30)

    def on_call(name: str) -> None:
        if post.calls.count("receive") == 2:
            post.asked = (Signal.HOLD, "Ctrl-C")

    post.on_call = on_call
    found = looked(post, Look(pick="25"))
    assert (found.interrupted, found.looked, found.complete) == (True, 20, False)
    assert post.visible("dlq") == 30


def test_a_second_ctrl_c_in_the_middle_of_a_call_gives_all_back(post: Post) -> None:
    post.write("dlq", 30)

    def on_call(name: str) -> None:
        if post.calls.count("receive") == 2:
            post.on_call = None
            raise KeyboardInterrupt

    post.on_call = on_call
    with pytest.raises(KeyboardInterrupt):
        looked(post)
    assert post.visible("dlq") == 30


def test_what_cannot_be_given_back_is_said_with_when_it_comes_back(post: Post) -> None:
    post.write("dlq", 12)
    post.fail("hide", ThrottledError("slow down"))
    found = looked(post)
    assert (found.looked, found.still_hidden) == (12, 10)
    assert found.hidden_until is not None
    (warned,) = [one for one in post.notices if isinstance(one, Warned)]
    assert "could not be given back: slow down" in warned.message
    assert f"{found.hidden_until:%H:%M:%S}" in warned.hint
    post.clock.advance(found.hidden_until - post.clock.now())
    assert post.visible("dlq") == 12


def test_a_queue_that_is_gone_in_the_middle_is_the_error(post: Post) -> None:
    post.write("dlq", 30)

    def on_call(name: str) -> None:
        if post.calls.count("receive") == 2:
            post.boxes.pop("dlq", None)

    post.on_call = on_call
    with pytest.raises(NotFoundError):
        looked(post)


def test_a_queue_with_too_many_in_flight_shows_what_can_be_seen(post: Post) -> None:
    post.write("dlq", 30)
    post.box("dlq").in_flight = 20
    found = looked(post)
    assert (found.looked, found.complete) == (20, False)
    assert [one.message for one in post.notices if isinstance(one, Warned)] == ["too many letters are in flight"]
    assert post.visible("dlq") == 30


def test_an_answer_that_was_lost_hides_letters_no_longer_than_the_look(post: Post) -> None:
    post.write("dlq", 3)
    post.fail("receive", UnreachableError("reset"), after=True)
    with pytest.raises(UnreachableError):
        looked(post)
    assert post.visible("dlq") == 0
    post.clock.advance(hidden_for(3))
    assert post.visible("dlq") == 3


def test_letters_in_other_hands_are_not_all(post: Post) -> None:
    post.write("dlq", 3)
    post.box("dlq").letters[0].visible += timedelta(hours=1)
    found = looked(post)
    assert (found.looked, found.hidden, found.complete) == (2, 1, False)
