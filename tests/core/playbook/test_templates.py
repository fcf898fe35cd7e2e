"""Texts with expressions: taken apart, and filled in once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.errors import InvalidExpressionError, NothingGivenError
from lambdaops.core.playbook.templates import Expression, expressions, fill, is_true, only_input, parts

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Json

VALUES: dict[str, Json] = {
    "n": 3,
    "f": 0.5,
    "yes": True,
    "text": "hello",
    "list": [1, "b"],
    "map": {"k": [None]},
    "none": None,
    "bomb": "${{ n }} $${{ }} {{ }}",
    "empty": "",
    "false": False,
    "zero": 0,
}


def look_up(text: str) -> Json:
    return VALUES[text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", ("plain",)),
        ("", ("",)),
        ("${{ n }}", (Expression("n", 1),)),
        ("${{n}}", (Expression("n", 1),)),
        ("a ${{ n }} b", ("a ", Expression("n", 3), " b")),
        ("${{ a }}${{ b }}", (Expression("a", 1), Expression("b", 9))),
        ("$${{ n }}", ("${{ n }}",)),
        ("$$${{ n }}", ("$${{ n }}",)),
        ("$${{ a }} ${{ b }}", ("${{ a }} ", Expression("b", 11))),
        ("{{ n }} $ {{ $${ }}", ("{{ n }} $ {{ $${ }}",)),
        ("${{ {a: b} }}", (Expression("{a: b}", 1),)),
        ("${{ {a: {b: c}}}}", (Expression("{a: {b: c}}", 1),)),
        ("${{ '}}' }}", (Expression("'}}'", 1),)),
        ("${{ 'it\\'s }}' }}", (Expression("'it\\'s }}'", 1),)),
        ('${{ "}}" }}', (Expression('"}}"', 1),)),
        ('${{ `{"a": "}}"}` }}', (Expression('`{"a": "}}"}`', 1),)),
        ("${{ a\n  || b }}", (Expression("a\n  || b", 1),)),
        ("${{ '${{' }}", (Expression("'${{'", 1),)),
    ],
)
def test_a_text_is_taken_apart(text: str, expected: tuple[str | Expression, ...]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("${{", "column 1 has no end"),
        ("a ${{ b }", "column 3 has no end"),
        ("${{ 'a }}", "column 1 has no end"),
        ("${{ {a: b }}", "column 1 has no end"),
        ("${{ a }} ${{ b", "column 10 has no end"),
        ("${{ }}", "column 1 is empty"),
        ("ab ${{}}", "column 4 is empty"),
    ],
)
def test_what_has_no_end_or_nothing_in_it_is_refused(text: str, what: str) -> None:
    with pytest.raises(InvalidExpressionError, match=what) as caught:
        parts(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${{ n }}", 3),
        ("${{ f }}", 0.5),
        ("${{ yes }}", True),
        ("${{ list }}", [1, "b"]),
        ("${{ map }}", {"k": [None]}),
        ("${{ empty }}", ""),
        ("${{ false }}", False),
        ("${{ zero }}", 0),
        ("n=${{ n }} f=${{ f }} ${{ yes }} ${{ text }}", "n=3 f=0.5 true hello"),
        ("${{ bomb }}", "${{ n }} $${{ }} {{ }}"),
        ("a ${{ bomb }} $${{", "a ${{ n }} $${{ }} {{ }} ${{"),
        (["${{ n }}", {"${{ n }}": "${{ text }}"}], [3, {"${{ n }}": "hello"}]),
        (5, 5),
        (None, None),
        (" ${{ n }}", " 3"),
    ],
)
def test_filling_in_keeps_types_and_is_done_once(value: Json, expected: Json) -> None:
    found = fill(value, look_up)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("${{ none }}", NothingGivenError, "none gives nothing"),
        ("a ${{ none }}", NothingGivenError, "none gives nothing"),
        ("a ${{ list }}", InvalidExpressionError, "list gives a list, which is no text"),
        ("a ${{ map }}", InvalidExpressionError, "map gives a mapping, which is no text"),
    ],
)
def test_what_gives_nothing_or_no_text_is_refused(value: Json, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fill(value, look_up)


def test_expressions_are_found_wherever_they_stand() -> None:
    value: Json = {"a": ["x", "${{ one }}"], "b": {"c": "${{ two }} ${{ three }}"}, "d": 4}
    assert [(loc, one.text) for loc, one in expressions(value, ("with",))] == [
        (("with", "a", 1), "one"),
        (("with", "b", "c"), "two"),
        (("with", "b", "c"), "three"),
    ]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("${{ inputs.a }}", "a"),
        ("${{ inputs.a_1 }}", "a_1"),
        ("${{ inputs.a.b }}", None),
        ("x ${{ inputs.a }}", None),
        ("${{ inputs.a || 'b' }}", None),
        ("inputs.a", None),
        (3, None),
        ("${{ steps.a }}", None),
    ],
)
def test_a_value_that_is_one_input(value: Json, name: str | None) -> None:
    assert only_input(value) == name


@pytest.mark.parametrize(
    ("value", "true"),
    [
        (None, False),
        (False, False),
        ("", False),
        ([], False),
        ({}, False),
        (0, True),
        (0.0, True),
        ("false", True),
        ([0], True),
        (True, True),
    ],
)
def test_what_counts_as_true(value: Json, true: bool) -> None:
    assert is_true(value) is true


@given(st.text(alphabet="${}'\"`\\ ab"))
def test_any_text_is_taken_apart_or_refused_and_gives_its_plain_parts(text: str) -> None:
    try:
        found = parts(text)
    except InvalidExpressionError:
        assert "${{" in text
        return
    if "${{" not in text:
        assert found == (text,)
    assert all(part.text if isinstance(part, Expression) else part or not text for part in found)


@given(st.text(alphabet="${}'a "), st.text(alphabet="${}'b "))
def test_what_an_expression_gives_is_never_looked_at_again(before: str, given_: str) -> None:
    plain = before.replace("${{", "$${{").replace("$$", "$") if "${{" not in before else ""
    assert fill("${{ x }}", lambda _: given_) == given_
    if "$" not in plain:
        assert fill(f"{plain}${{{{ x }}}}!", lambda _: given_) == f"{plain}{given_}!"
