from __future__ import annotations

import unicodedata
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.render.words import (
    ascii_only,
    countdown,
    cut,
    cut_middle,
    fits,
    plain,
    takes_unicode,
    told,
    width,
    wrap,
)

TEXTS = st.text(max_size=80)


@given(TEXTS)
def test_plain_text_cannot_move_the_cursor(text: str) -> None:
    inert = plain(text)
    assert not [char for char in inert if unicodedata.category(char)[0] == "C" or char in "\u2028\u2029"]
    assert plain(inert) == inert


def test_what_control_characters_become() -> None:
    assert plain("a\nb\tc\u2028d\x85e") == "a b c d e"
    assert plain("\u26a0\ufe0f") == "\u26a0"
    assert plain("\x1b[31mred\x07") == "\ufffd[31mred\ufffd"
    assert plain("\u202eright to left") == "\ufffdright to left"
    assert plain("[red]") == "[red]"


def test_width_counts_columns() -> None:
    assert [width(text) for text in ("abc", "e\u0301", "注文", "✔ a", "")] == [3, 1, 4, 3, 0]


@given(TEXTS, st.integers(0, 60))
def test_cut_fits(text: str, room: int) -> None:
    assert width(cut(text, room)) <= room
    assert width(cut_middle(text, room)) <= room
    assert cut(text, width(text)) == cut_middle(text, width(text)) == text


def test_cut_shows_that_it_cut() -> None:
    assert cut("orders-errors", 7) == "orders…"
    assert cut_middle("prod-orders-errors-high", 11) == "prod-…-high"
    assert cut("注文エラー", 6) == "注文…"


@given(TEXTS.map(plain), st.integers(2, 60), st.integers(1, 4))
def test_wrapped_lines_fit_and_lose_nothing(text: str, room: int, most: int) -> None:
    rows = wrap(text, room)
    assert all(width(row) <= room for row in rows)
    assert "".join("".join(rows).split()) == "".join(text.split())
    few = wrap(text, room, most)
    assert len(few) <= most
    assert few[: most - 1] == rows[: most - 1]


def test_wrap_keeps_a_number_with_its_per_cent() -> None:
    assert wrap("found 41 50 % of it", 11) == ["found 41", "50 % of it"]


def test_icons_fall_back_to_ascii() -> None:
    assert fits("✔ PASS 41 → 42 …", "ascii") == "+ PASS 41 -> 42 ~"
    assert fits("✔ ü", "utf-8") == "✔ ü"
    assert fits("ü", "latin-1") == "ü"
    assert fits("✔", None) == "+"
    assert fits("✔", "no-such-encoding") == "+"
    assert ascii_only("ü注") == "??"
    assert takes_unicode("utf-8")
    assert not takes_unicode("latin-1")
    assert not takes_unicode(None)


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0:00"), (0, "0:00"), (0.2, "0:01"), (59.5, "1:00"), (61, "1:01"), (3_725, "1:02:05")]
)
def test_countdown(seconds: float, text: str) -> None:
    assert countdown(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("word", "reason", "said"),
    [
        ("paused", "paused: lunch", "paused: lunch"),
        ("PAUSED", "paused: lunch", "PAUSED: lunch"),
        ("paused", "paused", "paused"),
        ("paused", "", "paused"),
        ("held (drift)", "the alias was changed", "held (drift): the alias was changed"),
        ("stage 1/3", "stage 1/30 is long", "stage 1/3: stage 1/30 is long"),
    ],
)
def test_a_reason_that_begins_with_its_state_says_it_once(word: str, reason: str, said: str) -> None:
    assert told(word, reason) == said
