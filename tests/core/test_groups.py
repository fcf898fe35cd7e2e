"""What filters see, and how letters are grouped."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.dlq.dead import decode
from lambdaops.core.dlq.groups import AGES, NOT_SAID, By, age, ages, group, parse_by, seen
from lambdaops.core.dlq.letter import Attribute
from lambdaops.core.dlq.view import FIELDS, document
from lambdaops.core.errors import UsageError
from tests.core import letters

NOW = letters.SENT + timedelta(hours=2)


def test_a_document_has_what_is_documented() -> None:
    one = letters.letter(
        letters.envelope(),
        {"n": letters.text("12", "Number"), "b": Attribute("Binary", b"\x00\xff")},
        group="g",
        receives=3,
    )
    found = document(one, decode(one), NOW)
    assert list(found) == list(FIELDS)
    assert found["body"] == found["body"] | {"version": "1.0"}  # type: ignore[operator]
    assert found | {"body": None} == {
        "id": one.id,
        "body": None,
        "payload": {"invoice": 1.5, "a": 2},
        "attributes": {"n": "12", "b": "AP8="},
        "kind": "destination",
        "function": "invoices",
        "alias": "live",
        "version": "7",
        "error": "CustomerMissing",
        "message": "no such customer: 4711",
        "origin": "",
        "request": letters.REQUEST,
        "attempts": 3,
        "sent": "2026-11-01T08:00:00Z",
        "age": 7200,
        "receives": 3,
        "group": "g",
        "source": None,
    }


@pytest.mark.parametrize(("body", "value"), [("hello", "hello"), ("[1]", [1]), ("NaN", "NaN"), ("", "")])
def test_a_body_is_its_value_or_its_text(body: str, value: object) -> None:
    one = letters.letter(body)
    assert document(one, decode(one), NOW)["body"] == value
    assert document(one, decode(one), NOW)["payload"] is None


def test_a_clock_that_is_behind_gives_no_negative_age() -> None:
    one = letters.letter("x")
    assert document(one, decode(one), letters.SENT - timedelta(seconds=5))["age"] == 0
    assert age(timedelta(seconds=-5)) == AGES[0]


@pytest.mark.parametrize(
    ("hours", "name"),
    [(0, "under 1h"), (1, "1h-6h"), (6, "6h-1d"), (24, "1d-3d"), (72, "3d-7d"), (168, "7d-14d"), (9_999, "7d-14d")],
)
def test_an_age_has_a_name(hours: int, name: str) -> None:
    assert age(timedelta(hours=hours)) == name


@pytest.mark.parametrize(
    ("letter", "where"),
    [
        (letters.destination(), "invoices:live"),
        (letters.destination(""), "invoices"),
        (letters.queue(), "queue orders"),
        (letters.topic(), "topic shipments"),
        (letters.function(), NOT_SAID),
        (
            letters.rule("arn:aws:events:eu-west-1:123456789012:event-bus/b"),
            "arn:aws:events:eu-west-1:123456789012:event-bus/b",
        ),
    ],
)
def test_a_letter_is_of_a_function_or_of_what_gave_it_up(letter: object, where: str) -> None:
    assert seen(letter, decode(letter)).where == where  # type: ignore[arg-type]


def test_letters_are_grouped_largest_first() -> None:
    given_up = [
        letters.letter(letters.envelope(), id="b", sent=letters.SENT - timedelta(days=2)),
        letters.letter(letters.envelope(), id="a", sent=letters.SENT - timedelta(days=2)),
        letters.letter(letters.envelope(), id="c"),
        letters.letter("text", id="d"),
    ]
    sample = [seen(one, decode(one)) for one in given_up]
    first, second = group(sample, (By.ERROR,), NOW)
    assert (first.names, first.count, first.example) == (("CustomerMissing",), 3, "a")
    assert (first.oldest, first.newest) == (letters.SENT - timedelta(days=2), letters.SENT)
    assert (second.names, second.count) == ((NOT_SAID,), 1)
    assert [one.names for one in group(sample, (By.KIND, By.AGE), NOW)] == [
        ("destination", "1d-3d"),
        ("destination", "1h-6h"),
        ("unknown", "1h-6h"),
    ]
    assert [count for _, count in ages(sample, NOW)] == [0, 2, 0, 2, 0, 0]


@pytest.mark.parametrize(
    ("text", "by"),
    [("error", (By.ERROR,)), ("age,kind", (By.AGE, By.KIND)), ("error, function", (By.ERROR, By.FUNCTION))],
)
def test_what_to_group_by_is_read(text: str, by: tuple[By, ...]) -> None:
    assert parse_by(text) == by


@pytest.mark.parametrize("text", ["", ",", "errors", "error,error", "error,", "Error"])
def test_what_cannot_be_grouped_by_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_by(text)


@given(st.lists(st.tuples(st.sampled_from(["text", letters.envelope(), letters.bus().body]), st.integers(0, 400))))
def test_every_letter_is_in_one_group(drawn: list[tuple[str, int]]) -> None:
    given_up = [
        letters.letter(body, id=f"m{n}", sent=NOW - timedelta(hours=old)) for n, (body, old) in enumerate(drawn)
    ]
    sample = [seen(one, decode(one)) for one in given_up]
    for by in ((By.ERROR,), (By.ERROR, By.FUNCTION, By.AGE), tuple(By)):
        groups = group(sample, by, NOW)
        assert sum(one.count for one in groups) == len(drawn)
        assert len({one.names for one in groups}) == len(groups)
        assert [one.count for one in groups] == sorted((one.count for one in groups), reverse=True)
    assert sum(count for _, count in ages(sample, NOW)) == len(drawn)


def test_nothing_of_a_letter_is_kept() -> None:
    one = letters.destination()
    assert "4711" not in repr(seen(one, decode(one)))
