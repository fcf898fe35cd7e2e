"""A letter as a line, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.dlq.dumped import NotALetterError, line_of, read_line
from lambdaops.core.dlq.letter import Attribute, Letter
from tests.core import letters

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders-dlq"
TEXTS = st.text(st.characters(), max_size=30)
SOME = st.none() | st.text(max_size=10)
LETTERS = st.builds(
    Letter,
    id=st.text(min_size=1, max_size=20),
    handle=st.just(""),
    body=TEXTS,
    attributes=st.dictionaries(st.text(max_size=10), st.builds(Attribute, st.text(max_size=10), TEXTS | st.binary())),
    sent=st.integers(0, 10**13).map(lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)),
    receives=st.integers(0, 10**6),
    group=SOME,
    deduplication=SOME,
    sequence=SOME,
    trace=SOME,
    source=SOME,
)


@given(LETTERS)
def test_what_was_written_is_read_back_equal(letter: Letter) -> None:
    line = line_of(letter, QUEUE)
    line.encode("utf-8")
    assert not set(line) & set("\n\r")
    found = read_line(line)
    assert (found.letter, found.queue) == (letter, QUEUE)


@pytest.mark.parametrize("body", ["", "\ud800", "\u2028", '"\\', "日本", "\x00", "1.50"])
def test_every_body_is_kept_to_the_byte(body: str) -> None:
    assert read_line(line_of(replace(letters.queue(), body=body), QUEUE)).letter.body == body


def test_a_receipt_handle_is_not_kept() -> None:
    assert "handle" not in line_of(letters.queue(), QUEUE)


def test_a_line_by_hand_needs_little() -> None:
    found = read_line(json.dumps({"v": 1, "queue": QUEUE, "id": "a", "body": "x"})).letter
    assert found == Letter("a", "", "x", {}, datetime(1970, 1, 1, tzinfo=UTC), 0)


def changed(**changes: Any) -> str:
    return json.dumps(json.loads(line_of(letters.function(), QUEUE)) | changes)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "no JSON at column 1"),
        ("{", "no JSON at column 2"),
        (line_of(letters.queue(), QUEUE)[:-5], "no JSON at column"),
        ("[" * 100_000, "no JSON that could be read"),
        ("[1]", "no JSON object"),
        ("{}", '"v" is not 1'),
        (changed(v=2), '"v" is not 1'),
        (changed(v=True), '"v" is not 1'),
        (changed(bodyy="x"), "'bodyy' is nothing that a letter has"),
        ('{"v": 1, "body": "a", "body": "b"}', "'body' is there twice"),
        (changed(id=""), '"id" is not a text'),
        (changed(body=None), '"body" is not a text'),
        (json.dumps({"v": 1, "id": "a", "queue": QUEUE}), '"body" is missing'),
        (changed(group=1), '"group" is neither a text nor null'),
        (changed(sent="yesterday"), '"sent" is not a time'),
        (changed(sent="2026-11-01T08:00:00"), '"sent" is not a time'),
        (changed(sent=1), '"sent" is not a time'),
        (changed(receives=-1), '"receives" is not a count'),
        (changed(receives=1.5), '"receives" is not a count'),
        (changed(attributes=[]), '"attributes" is not an object'),
        (changed(attributes={"a": "x"}), "attribute 'a' has no type"),
        (changed(attributes={"a": {"type": "String"}}), "attribute 'a' has neither"),
        (changed(attributes={"a": {"type": "String", "value": 1}}), "attribute 'a' has neither"),
        (changed(attributes={"a": {"type": "String", "value": "1", "base64": "AA=="}}), "attribute 'a' has neither"),
        (changed(attributes={"a": {"type": "Binary", "base64": "secret!"}}), "attribute 'a' is not base64"),
    ],
)
def test_what_is_no_letter_is_refused_and_not_repeated(line: str, said: str) -> None:
    with pytest.raises(NotALetterError) as caught:
        read_line(line)
    assert str(caught.value).startswith(said)
    assert "secret" not in str(caught.value)


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    with pytest.raises(NotALetterError):
        read_line(text)
