"""How far a run may reach: one row for each way of counting."""

from __future__ import annotations

import pytest

from lambdaops.core.playbook.limits import Bound, beyond, excuse, excused, named

TWO = Bound("book", 2)


@pytest.mark.parametrize(
    ("bounds", "used", "targets", "expected"),
    [
        ([], {"a", "b", "c"}, ["d"], ""),
        ([TWO], set(), [], ""),
        ([TWO], set(), ["a", "b"], ""),
        ([TWO], set(), ["a", "a", "b", "b"], ""),
        ([TWO], {"a"}, ["b"], ""),
        ([TWO], {"a", "b"}, ["a", "b"], ""),
        ([TWO], {"a", "b"}, ["c"], "c: book may act on 2 targets, and that would be 3"),
        ([TWO], {"a"}, ["a", "b", "c"], "b, c: book may act on 2 targets, and that would be 3"),
        ([TWO], {"a", "b", "c"}, ["a"], ""),  # what it has reached it may reach again
        ([TWO], {"a", "b", "c"}, ["d"], "d: book may act on 2 targets, and that would be 4"),
        # those above count what they have acted on themselves, and what this run has
        ([Bound("top", 3, tuple("ab")), TWO], set(), ["c"], ""),
        ([Bound("top", 3, tuple("ab")), TWO], {"a"}, ["c"], ""),
        ([Bound("top", 3, tuple("ab")), TWO], {"c"}, ["d"], "d: top may act on 3 targets, and that would be 4"),
        (
            [Bound("top", 9, tuple("ab")), TWO],
            set("cd"),
            ["e"],
            "e: book may act on 2 targets, and that would be 3",
        ),
        ([Bound("book", 1)], set(), ["a", "b"], "a, b: book may act on 1 target, and that would be 2"),
        ([Bound("top", 2, tuple("ab")), TWO], set(), ["b"], ""),
    ],
)
def test_what_is_beyond_a_bound(bounds: list[Bound], used: set[str], targets: list[str], expected: str) -> None:
    assert beyond(bounds, frozenset(used), targets) == expected


def test_the_first_few_are_named() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named(list("abcdef")) == "a, b, c, d, e..."


def test_an_excuse_is_found_again_among_others() -> None:
    assert excuse("") == ()
    assert excused(("freeze x", *excuse("it burns"))) == "it burns"
    assert excused(("freeze x",)) == excused(()) == ""
