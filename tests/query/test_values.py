"""Expressions of playbooks: what they read, what they give, and that they end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.errors import InvalidExpressionError
from lambdaops.core.playbook.language import Read
from lambdaops.query.values import JmespathValues

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Json

VALUES = JmespathValues()


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("inputs.a", ["inputs.a"]),
        ("inputs", ["inputs"]),
        ("steps.a.outputs.x.y", ["steps.a.outputs.x.y"]),
        ('steps."a".outputs', ["steps.a.outputs"]),
        ("inputs.a == steps.b.status", ["inputs.a", "steps.b.status"]),
        ("!(inputs.a) && inputs.b", ["inputs.a", "inputs.b"]),
        ("steps.a.outputs.l[0].x.y", ["steps.a.outputs.l"]),
        ("steps.a.outputs.l[1:2]", ["steps.a.outputs.l"]),
        ("steps.a.outputs.l[*].x", ["steps.a.outputs.l"]),
        ("steps.a.outputs.l[].x[]", ["steps.a.outputs.l"]),
        ("steps.a.outputs.m.*.x", ["steps.a.outputs.m"]),
        ("steps.a.outputs.l[?age > `3`].name", ["steps.a.outputs.l"]),
        ("inputs.l[?contains(@, 'x')]", ["inputs.l"]),
        ("steps | a.outputs", ["steps.a.outputs"]),
        ("@ | inputs.b", ["inputs.b"]),
        ("@.inputs.b", ["inputs.b"]),
        ("sort_by(steps.a.outputs.l, &age)", ["steps.a.outputs.l"]),
        ("map(&x, inputs.l)", ["inputs.l"]),
        ("not_null(inputs.a, 'b')", ["inputs.a"]),
        ("{a: steps.x.status, b: [inputs.n, inputs.m]}", ["steps.x.status", "inputs.n", "inputs.m"]),
        ("steps.a.[status, outputs.x]", ["steps.a.status", "steps.a.outputs.x"]),
        ("steps.a.{s: status}", ["steps.a.status"]),
        ("keys(@.inputs)", ["inputs"]),
        ("inputs.a || inputs.a", ["inputs.a"]),
        ("'text'", []),
        ("`3`", []),
    ],
)
def test_what_an_expression_reads(text: str, paths: list[str]) -> None:
    read = VALUES.read(text)
    assert [".".join(path) for path in read.paths] == paths
    assert not read.whole


@pytest.mark.parametrize("text", ["@", "*", "*.token", "[0]", "to_string(@)", "@ | @", "[?a]", "values(@)", "@.*"])
def test_what_reads_everything_is_told(text: str) -> None:
    assert VALUES.read(text).whole


@pytest.mark.parametrize(
    ("text", "fallback"),
    [("a || 'b'", True), ("a", False), ("a && b", False), ("length(a || b) > `1`", True), ("(a.b || c).d.e", True)],
)
def test_whether_it_has_a_fallback(text: str, fallback: bool) -> None:
    assert VALUES.read(text).fallback is fallback


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is empty"),
        ("a b", "cannot be read"),
        ("a.", "cannot be read"),
        ("upper(a)", "calls upper()"),
        ("length(a, b)", "with 2 arguments"),
        ("`nojson`", "backticks"),
        ("a[", "cannot be read"),
        ("'a", "cannot be read"),
        ("!a.b", "never gives anything: ! comes before the dot"),
        ("x && !a.b.c", "never gives anything"),
        ("a" * 5_000, "5000 characters"),
        ("(" * 2_000 + "a" + ")" * 2_000, ""),
        ("a" + "[0]" * 1_300, ""),
        ("!" * 2_000 + "a", ""),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, what: str) -> None:
    message = ""
    try:
        VALUES.read(text)
    except InvalidExpressionError as error:
        message = error.message
    assert what in message
    assert len(message) < 6_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.n", 3),
        ("inputs.none", None),
        ("inputs.n == `3`", True),
        ("inputs.list[1]", "b"),
        ("join(',', inputs.list)", "a,b"),
        ("inputs.gone || 'x'", "x"),
        ("inputs.bomb", "${{ x }}"),
        ("!(inputs.gone)", True),
        ("sum(`[1, 2]`)", 3),
    ],
)
def test_what_an_expression_gives(text: str, value: Json) -> None:
    context = {"inputs": {"n": 3, "none": None, "list": ["a", "b"], "bomb": "${{ x }}"}}
    assert VALUES.evaluate(text, context) == value


def test_an_error_repeats_nothing_of_the_value() -> None:
    with pytest.raises(InvalidExpressionError) as caught:
        VALUES.evaluate("sum(inputs.secret)", {"inputs": {"secret": ["hunter2"]}})
    assert "hunter2" not in str(caught.value) + caught.value.hint


def test_an_evaluation_has_an_end() -> None:
    began = time.monotonic()
    many = {"l": [list(range(300))] * 300}
    with pytest.raises(InvalidExpressionError, match="too many steps"):
        VALUES.evaluate("l[].[l, @][] | [*].[@, @, @, @][] | [*].[@, @, @, @][] | [*].[@, @, @, @][] | length(@)", many)
    assert time.monotonic() - began < 5


@given(st.text(alphabet="abc.@*[]{}()|&!?'`\"0 ,:<=", max_size=30))
def test_any_text_is_read_and_evaluated_or_refused(text: str) -> None:
    try:
        assert isinstance(VALUES.read(text), Read)
        VALUES.evaluate(text, {"a": {"b": [1, "c", None]}, "c": "a"})
    except InvalidExpressionError:
        return


_PLAIN = st.sampled_from(["inputs.a", "steps.b.status", "inputs.l[0]", "steps.a.outputs.x", "run.id"])
_ANY = st.recursive(
    _PLAIN | st.just("'t'"),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("({0[0]} || {0[1]})".format),
        st.tuples(inner, inner).map("({0[0]} == {0[1]})".format),
        inner.map("({} && 'y')".format),
        inner.map("not_null({}, 'x')".format),
        inner.map("[{0}, {0}]".format),
        inner.map("{{k: {}}}".format),
        inner.map("({}).more[0]".format),
        inner.map("({})[*].x".format),
    ),
    max_leaves=6,
)


@given(_ANY)
def test_whatever_stands_in_an_expression_is_found(text: str) -> None:
    """Nothing that is read escapes the check: a change of what is read is a change of the paths."""
    found = {".".join(path) for path in VALUES.read(text).paths}
    for name in ("inputs.a", "steps.b.status", "inputs.l", "steps.a.outputs.x", "run.id"):
        assert (name in text) == any(path.startswith(name) for path in found)
