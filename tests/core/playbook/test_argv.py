"""Steps as command lines: every value is one word, whatever is in it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.errors import StepRefusedError
from lambdaops.core.playbook.argv import argv, shown
from tests.sim.playing import USES

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Json

SHIP, LOOK = USES["ship"], USES["look"]


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"name": "a"}, ["ship", "a"]),
        ({"name": "a b;rm"}, ["ship", "a b;rm"]),
        ({"name": 7}, ["ship", "7"]),
        ({"name": 0.5}, ["ship", "0.5"]),
        ({"name": ""}, ["ship", ""]),
        ({"name": "a", "count": 3}, ["ship", "a", "--count", "3"]),
        ({"name": "a", "count": -3}, ["ship", "a", "--count=-3"]),
        ({"name": "--yes"}, ["ship", "--", "--yes"]),
        ({"name": "-x", "count": 3}, ["ship", "--count", "3", "--", "-x"]),
        ({"name": "a", "force": True}, ["ship", "a", "--force"]),
        ({"name": "a", "force": False}, ["ship", "a", "--no-force"]),
        ({"name": "a", "mode": "--fast"}, ["ship", "a", "--mode=--fast"]),
        ({"name": "a", "tag": ["x", "-y", 3]}, ["ship", "a", "--tag", "x", "--tag=-y", "--tag", "3"]),
        ({"name": "a", "tag": "x,y"}, ["ship", "a", "--tag", "x,y"]),
        ({"name": "a", "tag": []}, ["ship", "a"]),
        ({"name": "a", "more": {"b": [1, None], "a": "ü"}}, ["ship", "a", "--more", '{"a": "ü", "b": [1, null]}']),
        ({"name": "a", "count": None}, ["ship", "a"]),
    ],
)
def test_the_words_of_a_step(given_: dict[str, Json], words: list[str]) -> None:
    assert argv(SHIP, given_) == words


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"name": "a\x00b"}, "ship: name takes text, and was given"),
        ({"name": True}, "ship: name takes text, and was given true"),
        ({"name": ["a"]}, "ship: name takes text, and was given list"),
        ({"name": {"a": 1}}, "ship: name takes text, and was given dict"),
        ({"name": "a", "count": True}, "ship: count takes a number, and was given true"),
        ({"name": "a", "force": "yes"}, 'ship: force takes true or false, and was given "yes"'),
        ({"name": "a", "force": 1}, "ship: force takes true or false, and was given 1"),
        ({"name": "a", "tag": [["x"]]}, "ship: tag takes a list, and was given list"),
        ({"name": "a", "tag": {"x": 1}}, "ship: tag takes a list, and was given dict"),
    ],
)
def test_what_a_parameter_does_not_take(given_: dict[str, Json], message: str) -> None:
    with pytest.raises(StepRefusedError) as caught:
        argv(SHIP, given_)
    assert message in caught.value.message


def test_a_command_of_two_words() -> None:
    assert argv(LOOK, {"name": "a"}) == ["look", "up", "a"]


@given(st.text(), st.lists(st.text(), max_size=3))
def test_no_value_is_ever_taken_for_an_option(name: str, tags: list[str]) -> None:
    try:
        words = argv(SHIP, {"name": name, "tag": [*tags]})
    except StepRefusedError:
        assert any("\x00" in text for text in (name, *tags))
        return
    before, guard, after = (
        (words[: words.index("--")], True, words[words.index("--") + 1 :])
        if "--" in words and name.startswith("-")
        else (words, False, [])
    )
    assert (after == [name]) if guard else name in before
    seen = [word for word in before[1:] if word.startswith("-")]
    assert all(word == "--tag" or word.startswith("--tag=") for word in seen if word not in tags)


@pytest.mark.parametrize(
    ("words", "secrets", "expected"),
    [
        (["ship", "a b", "it's"], (), shlex.join(["ship", "a b", "it's"])),
        (["ship", "--token", "it's"], ("it's",), "ship --token ***"),
        (["ship", "--token=-it's x"], ("it's",), "ship '--token=-*** x'"),
        (["ship", '{"t": "a\\"b"}'], ('a"b',), 'ship \'{"t": "***"}\''),
    ],
)
def test_a_command_line_as_people_type_it(words: list[str], secrets: tuple[str, ...], expected: str) -> None:
    assert shown(words, secrets) == expected
