"""Inputs: what each kind takes, what is refused, and what stays secret."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.errors import UsageError
from lambdaops.core.playbook.book import Input, Json, Kind
from lambdaops.core.playbook.inputs import (
    MASK,
    masked,
    parse_said,
    resolve,
    secrets_of,
    value_of,
    value_without,
    without,
)
from tests.core.playbook.book_values import book

S, W, N, B, D, T, F, V, Q, A, L = (
    Kind.STRING,
    Kind.INTEGER,
    Kind.NUMBER,
    Kind.BOOLEAN,
    Kind.DURATION,
    Kind.TARGET,
    Kind.FUNCTION,
    Kind.VERSION,
    Kind.QUEUE,
    Kind.ALARM,
    Kind.LIST,
)


@pytest.mark.parametrize(
    ("kind", "said", "value"),
    [
        (S, "a b", "a b"),
        (S, "", ""),
        (S, "no", "no"),
        (S, "${{ x }}", "${{ x }}"),
        (S, "ü", "ü"),
        (W, "3", 3),
        (W, 3, 3),
        (W, "-7", -7),
        (W, "0", 0),
        (N, "3", 3),
        (N, "0.5", 0.5),
        (N, 0.5, 0.5),
        (N, -2, -2),
        (N, "-0.25", -0.25),
        (B, "true", True),
        (B, "false", False),
        (B, True, True),
        (B, False, False),
        (D, "1h30m", "1h30m"),
        (D, "0s", "0s"),
        (T, "orders:live", "orders:live"),
        (T, "orders", "orders"),
        (F, "orders", "orders"),
        (V, "7", "7"),
        (V, 7, "7"),
        (Q, "orders-dlq", "orders-dlq"),
        (Q, "orders.fifo", "orders.fifo"),
        (A, "orders errors (prod)", "orders errors (prod)"),
    ],
)
def test_a_value_that_fits(kind: Kind, said: Json, value: Json) -> None:
    found = value_of(Input("x", kind), said)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "said", "message"),
    [
        (S, 3, "expected a string, found 3"),
        (S, True, "expected a string, found true"),
        (S, [], "expected a string"),
        (S, None, "expected a string, found null"),
        (S, "a\nb", "cannot be printed"),
        (S, "a\x00", "cannot be printed"),
        (S, "x" * 5000, "5000 characters are more than 4096"),
        (S, "a\u202eb", "cannot be printed"),
        (W, "3.0", "expected a whole number"),
        (W, "012", "expected a whole number"),
        (W, "+3", "expected"),
        (W, 0.5, "expected"),
        (W, True, "expected a whole number, found true"),
        (W, "1" * 40, "expected"),
        (W, 10**30, "expected"),
        (W, "٣", "expected"),
        (W, "", "expected"),
        (N, "1e5", "expected a number"),
        (N, "nan", "expected"),
        (N, float("nan"), "expected"),
        (N, float("inf"), "expected"),
        (N, True, "expected"),
        (N, ".5", "expected"),
        (B, "yes", "expected true or false, found 'yes'"),
        (B, "on", "expected"),
        (B, 1, "expected"),
        (B, "True", "expected"),
        (D, "5", "not a duration"),
        (D, 5, "expected a duration, found 5"),
        (D, "99d", "longer than seven days"),
        (T, "orders:live:x", "x"),
        (T, "or ders", "x"),
        (T, ":", "x"),
        (F, "a:b", "x"),
        (V, "$LATEST", "x"),
        (V, "0", "x"),
        (Q, "a b", "x"),
        (A, "x" * 256, "is not the name of an alarm"),
        (A, "", "is not the name"),
        (L, 3, "expected a list, found 3"),
        (L, {"a": 1}, "expected a list"),
        (L, ["a", 3], "expected a string, found 3"),
        (L, ["a"] * 101, "101 items are more than 100"),
        (L, [["a"]], "expected a string"),
    ],
)
def test_a_value_that_does_not(kind: Kind, said: Json, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        value_of(Input("x", kind), said)
    assert caught.value.message.startswith("input x: ")
    assert message == "x" or message in caught.value.message
    assert len(caught.value.message) < 250


@pytest.mark.parametrize(
    ("of", "said", "value"),
    [
        (S, "a, b ,c", ["a", "b", "c"]),
        (S, "", []),
        (S, ["a", "b"], ["a", "b"]),
        (S, "a,,b", ["a", "b"]),
        (W, "1,2", [1, 2]),
        (W, [1, "2"], [1, 2]),
        (V, [1, 2], ["1", "2"]),
        (T, "a:b,c", ["a:b", "c"]),
        (S, [], []),
    ],
)
def test_lists(of: Kind, said: Json, value: Json) -> None:
    assert value_of(Input("x", L, of=of), said) == value


@pytest.mark.parametrize(
    ("wanted", "said", "value"),
    [
        (Input("x", S, allowed=("a", "b")), "a", "a"),
        (Input("x", V, allowed=(1, 2)), "2", "2"),
        (Input("x", N, allowed=("0.5", 1)), 0.5, 0.5),
        (Input("x", W, allowed=("5",)), 5, 5),
        (Input("x", L, of=W, allowed=("1", 2)), "1,2", [1, 2]),
        (Input("x", S, pattern="[a-z]+"), "abc", "abc"),
        (Input("x", W, pattern="[0-9]{2}"), "42", 42),
    ],
)
def test_what_is_allowed_is_of_the_inputs_kind(wanted: Input, said: Json, value: Json) -> None:
    assert value_of(wanted, said) == value


@pytest.mark.parametrize(
    ("wanted", "said", "message", "hint"),
    [
        (Input("x", S, allowed=("a", "b")), "c", "'c' is not allowed", "Allowed: a, b."),
        (Input("x", S, pattern="[a-z]+"), "abc1", "'abc1' does not match [a-z]+", ""),
        (Input("x", S, pattern="a"), "ba", "does not match", ""),
        (Input("x", L, allowed=("a",)), "a,b", "'b' is not allowed", "Allowed: a."),
    ],
)
def test_what_is_not_allowed(wanted: Input, said: Json, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        value_of(wanted, said)
    assert message in caught.value.message
    assert caught.value.hint == hint


def test_a_secret_that_does_not_fit_is_not_repeated() -> None:
    for wanted in (
        Input("x", W, secret=True),
        Input("x", S, pattern="[0-9]+", secret=True),
        Input("x", S, allowed=("k",), secret=True),
    ):
        with pytest.raises(UsageError) as caught:
            value_of(wanted, "hunter2")
        assert "hunter2" not in str(caught.value) + caught.value.hint
        assert caught.value.__suppress_context__


ONE = book(inputs=(Input("target", T, description="Where to."), Input("count", W, required=False, default="5")))


def test_inputs_are_resolved_with_defaults_of_their_kind() -> None:
    assert resolve(ONE, {"target": "orders:live"}) == {"target": "orders:live", "count": 5}
    listed = book(inputs=(Input("x", L, required=False, default="a,b"), Input("y", required=False)))
    assert resolve(listed, {}) == {"x": ["a", "b"], "y": None}


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        ({}, "book needs target", "Say it: --input target=TARGET (Where to.)"),
        ({"target": "a", "cuont": 1}, "book has no input 'cuont'", "Did you mean count?"),
        ({"target": "a", "zzz": 1}, "book has no input 'zzz'", "It has target, count."),
    ],
)
def test_unknown_and_missing_inputs(said: dict[str, Json], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(ONE, said)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_what_is_said_on_the_command_line() -> None:
    assert parse_said(["a=1", "b=x=y", "c=", "d=1", "d=2", "d=3"]) == {
        "a": "1",
        "b": "x=y",
        "c": "",
        "d": ["1", "2", "3"],
    }
    for word in ("a", "=b", ""):
        with pytest.raises(UsageError):
            parse_said([word])


SECRETS = book(inputs=(Input("a", secret=True), Input("b", L, secret=True), Input("c"), Input("n", W, secret=True)))


def test_secrets_are_masked_wherever_they_stand() -> None:
    values: dict[str, Json] = {"a": 'p"w', "b": ["long secret", ""], "c": "plain", "n": 4711}
    assert masked(SECRETS, values) == {"a": MASK, "b": MASK, "c": "plain", "n": MASK}
    assert secrets_of(SECRETS, values) == ("long secret", "4711", 'p"w')
    assert secrets_of(SECRETS, {}) == ()


@given(st.text(min_size=3), st.text(max_size=5), st.text(max_size=5))
def test_no_form_of_a_secret_survives(secret: str, before: str, after: str) -> None:
    if secret in MASK * 3 or any(secret in text or secret in MASK + text for text in (before, after)):
        return
    for text in (
        secret,
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        repr(secret),
        json.dumps({secret: [secret]}),
    ):
        found = without(before + text + after, (secret,))
        assert MASK in found
        if len(secret) > 6 and MASK not in secret:
            assert secret not in found


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.text(min_size=1, max_size=2),
)
def test_a_value_stays_a_value_whatever_is_masked_in_it(value: Json, secret: str) -> None:
    found = value_without(value, (secret,))
    assert json.loads(json.dumps(found)) == found
    if isinstance(value, list | dict | bool) or value is None:
        assert type(found) is type(value)


def test_the_longest_secret_is_masked_first() -> None:
    two = book(inputs=(Input("a", secret=True), Input("b", secret=True)))
    assert without("abc abcdef", secrets_of(two, {"a": "abc", "b": "abcdef"})) == "*** ***"
