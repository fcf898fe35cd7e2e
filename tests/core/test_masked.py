"""The shape of a body, and nothing of what is in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.dlq.masked import masked


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("hello", "(text of length 5)"),
        ("", "(text of length 0)"),
        ('"hello"', "(text of length 5)"),
        ("4711", "(number)"),
        ("1.5", "(number)"),
        ("true", "(true or false)"),
        ("null", None),
        ("[]", []),
        ("[4711]", ["(number)"]),
        ('[4711, "x", 3]', ["(number)", "(2 more)"]),
        ('{"name": "Ada", "vat": {"id": 12}}', {"name": "(text of length 3)", "vat": {"id": "(number)"}}),
        ('{"ada@example.com": 1, "4711": 2, "x123456": 3}', {f"(name {n})": "(number)" for n in (1, 2, 3)}),
        ("[" * 20 + "]" * 20, json.loads("[" * 13 + '"(more)"' + "]" * 13)),
    ],
)
def test_a_shape(text: str, shape: object) -> None:
    assert masked(text) == shape


def test_of_many_members_some_are_shown() -> None:
    shape = masked(json.dumps({f"n{chr(97 + n)}": n for n in range(25)}))
    assert isinstance(shape, dict)
    assert len(shape) == 21
    assert shape["(more)"] == "5 of 25"


VALUES = st.recursive(
    st.integers(10**6) | st.floats(10**6) | st.text("äöü4711", min_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("äöü@", min_size=2), inner, max_size=30),
    max_leaves=20,
)


@given(VALUES)
def test_no_value_and_no_name_that_could_be_one_is_in_a_shape(value: Any) -> None:
    shown = json.dumps(masked(json.dumps(value)), ensure_ascii=False)
    assert not set("äöü@") & set(shown)
    assert "4711" not in shown


@given(st.text())
def test_no_text_raises(text: str) -> None:
    masked(text)
