"""Filters and transformations over letters."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.dlq.dead import decode
from lambdaops.core.dlq.view import FIELDS, document
from lambdaops.core.errors import InvalidExpressionError
from lambdaops.query.expression import compile_filter, compile_transform
from tests.core import letters


def seen(body: str = '{"invoice": 12, "lines": [{"price": 3}, {"price": 5}]}', **changed: Any) -> dict[str, object]:
    one = letters.function("Task timed out after 3.00 seconds", body=body)
    return document(one, decode(one), letters.SENT + timedelta(hours=2)) | changed


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("error == 'Timeout'", True),
        ("error == 'Other'", False),
        ("kind == 'function' && age > `3600`", True),
        ("age > `7200`", False),
        ("payload.invoice == `12`", True),
        ("payload.lines[?price > `4`]", True),
        ("payload.lines[?price > `9`]", False),
        ("payload.missing", False),
        ("contains(message, 'timed out')", True),
        ("attributes.ErrorCode == '200'", True),
        ("to_number(attributes.ErrorCode) == `200`", True),
        ("starts_with(id, '5fea')", True),
        ("source", False),
        ("!source", True),
        ("attempts", True),  # 0 is true to JMESPath
        ("group || kind", True),
        ("error > `3`", False),  # of two types: null
        ("`true`", True),
    ],
)
def test_a_filter_says_which_letters_are_meant(text: str, matches: bool) -> None:
    assert compile_filter(text)(seen()) is matches


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("payload", '{"invoice":12,"lines":[{"price":3},{"price":5}]}'),
        ("message", "Task timed out after 3.00 seconds"),
        ("merge(payload, {retried: `true`})", '{"invoice":12,"lines":[{"price":3},{"price":5}],"retried":true}'),
        ("payload.lines[].price", "[3,5]"),
        ("to_string(payload.invoice)", "12"),
        ("'ä'", "ä"),
        ('`"ä"`', "ä"),
        ("{a: 'ä'}", '{"a":"ä"}'),
        ("`false`", "false"),
        ("`0`", "0"),
    ],
)
def test_a_transformation_makes_a_text(text: str, result: str) -> None:
    assert compile_transform(text)(seen()) == result


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "--filter is empty"),
        ("error = 'Timeout'", "--filter cannot be read at column 7: error = 'Timeout'"),
        ("error == `Timeout`", "--filter has something in backticks that is not JSON: error == `Timeout`"),
        ("error == ", "--filter cannot be read at column 10 (it ends too early): error =="),
        ("age > 3600", "--filter cannot be read at column 7 ('3600'): age > 3600"),
        ('error == "Timeout"', "--filter names 'Timeout', which no letter has"),
        ("eror == 'Timeout'", "--filter names 'eror', which no letter has"),
        ("payload.x && kid", "--filter names 'kid', which no letter has"),
        ("merge(payload, {a: ident})", "--filter names 'ident', which no letter has"),
        ("len(body)", "--filter calls len(), which JMESPath does not have"),
        ("payload.lines[?lenght(@)]", "--filter calls lenght(), which JMESPath does not have"),
        ("length()", "--filter calls length() with 0 arguments, and it takes 1"),
        ("length(body, id)", "--filter calls length() with 2 arguments, and it takes 1"),
        ("not_null()", "--filter calls not_null() with 0 arguments, and it takes at least 1"),
        ("(" * 2_000 + "id" + ")" * 2_000, "--filter cannot be read: (((("),
        ("id" + "|id" * 2_000, "--filter has 6002 characters, more than 4096"),
        ("[" * 400 + "id" + "]" * 400, "--filter "),
    ],
)
def test_what_cannot_be_right_is_refused_before_the_first_letter(text: str, said: str) -> None:
    with pytest.raises(InvalidExpressionError) as caught:
        compile_filter(text)
    assert caught.value.message.startswith(said)
    assert "\n" not in caught.value.message


def test_the_usual_mistakes_are_told_how_it_is_written() -> None:
    with pytest.raises(InvalidExpressionError) as caught:
        compile_filter('error == "Timeout"')
    assert "in single quotes: 'Timeout'" in caught.value.hint
    with pytest.raises(InvalidExpressionError) as caught:
        compile_filter("age > 3600")
    assert "backticks" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["contains(body, `1`)", "abs(id)", "sort(payload.mixed)", "payload.lines[::0]", "ceil(payload.huge)"]
)
def test_what_goes_wrong_with_a_letter_repeats_nothing_of_it(text: str) -> None:
    letter = seen(body='"4711"', payload={"mixed": [4711, "secret"], "lines": ["secret"], "huge": float("inf")})
    with pytest.raises(InvalidExpressionError) as caught:
        compile_filter(text)(letter)
    assert "secret" not in caught.value.message
    assert "4711" not in caught.value.message


@pytest.mark.parametrize("text", ["payload.missing", "`null`", "&id", "[&id]", "payload.huge", "[payload.huge]"])
def test_a_transformation_without_a_json_value_is_an_error(text: str) -> None:
    with pytest.raises(InvalidExpressionError):
        compile_transform(text)(seen(payload={"huge": float("nan")}))


DOUBLE = "|".join(["[@,@]"] * 60)
LONG = "|".join(["[@,@][]"] * 60)


@pytest.mark.parametrize(
    "text",
    [
        DOUBLE,
        LONG,
        f"to_string({DOUBLE})",
        f"{DOUBLE} | @ == [`1`]",
        f"[{DOUBLE}, {DOUBLE}] | [0] == [1]",
        f"contains([{DOUBLE}], {DOUBLE})",
        "[id] | " + "|".join(["join('', [[0],[0]]) | [@]"] * 60),
        "[id] | " + "|".join(["[" + ",".join(["@"] * 200) + "][]"] * 9),
        "join(body, body_list[])".replace("body_list", "payload.many"),
        "payload.many[].[payload.many[]]" + "[]" * 4,
        "payload.many[?contains(to_string($many), 'x')]".replace("$many", "[" + "@," * 50 + "@]"),
        "sort_by(payload.many, &to_string([" + "@," * 90 + "@]))",
    ],
    ids=range(12),
)
def test_no_expression_takes_for_ever(text: str) -> None:
    letter = seen(body="y" * 1_000_000, payload={"many": ["x" * 10] * 50_000})
    began = time.process_time()
    with contextlib.suppress(InvalidExpressionError):
        compile_transform(text)(letter)
    assert time.process_time() - began < 20


def test_a_large_letter_is_within_the_budget() -> None:
    letter = seen(payload={"lines": [{"price": number} for number in range(40_000)]})
    assert compile_filter("payload.lines[?price == `39999`]")(letter)
    assert len(json.loads(compile_transform("payload.lines[*].price")(letter))) == 40_000


def test_a_filter_sees_what_is_documented() -> None:
    assert list(seen()) == list(FIELDS)


@given(st.text("idbodyerr.[]{}()@&|!=<>'\"`*?:, 0123-\\x", max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    for compiled in (compile_filter, compile_transform):
        with contextlib.suppress(InvalidExpressionError):
            compiled(text)(seen())
