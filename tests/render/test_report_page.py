"""The report's page: every text escaped, every drawing within its bounds, nothing fetched."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.audit.report import Change, Point, Report
from lambdaops.core.gates import Verdict
from lambdaops.render.report_page import report_page
from tests.core.machine_values import NOON
from tests.render import golden

MINUTE = timedelta(minutes=1)
ARN = "arn:aws:lambda:eu-central-1:111122223333:function:orders:live"
GOOD = Change(
    ARN,
    "r-1",
    NOON,
    NOON + 30 * MINUTE,
    "41",
    "42",
    "canary",
    "promoted",
    "arn:aws:sts::111122223333:assumed-role/deploy/ann",
    "tax line on receipts",
    "SHOP-101",
    failed=False,
    lead=timedelta(hours=2),
    weights=(Point(NOON), Point(NOON + MINUTE, 1_000), Point(NOON + 20 * MINUTE, 10_000)),
    verdicts=(Point(NOON + MINUTE, verdict=Verdict.INCONCLUSIVE), Point(NOON + 3 * MINUTE, verdict=Verdict.PASS)),
)


def page(*changes: Change) -> str:
    found = Report(NOON, NOON + timedelta(days=1), changes, 1, 1.0, timedelta(hours=2), 0.5, 5 * MINUTE)
    return report_page(found, tool="lambdaops test")


class Parsed(HTMLParser):
    """Opens and closes, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "line", "path"):
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page() -> None:
    golden.check("report_page", page(GOOD))


def test_nothing_changed() -> None:
    assert "Nothing was changed in this time." in page()


def test_one_that_is_not_over_is_drawn_to_the_end_of_the_span() -> None:
    text = page(Change(**{**{f: getattr(GOOD, f) for f in GOOD.__dataclass_fields__}, "ended": None}))
    assert "not over" in text
    assert "2026-" in text


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=20))
def test_whatever_a_journal_says_is_text(reason: str, who: str, ticket: str) -> None:
    fields = {f: getattr(GOOD, f) for f in GOOD.__dataclass_fields__}
    quiet = Parsed(page(GOOD))
    loud = Parsed(page(Change(**{**fields, "reason": f"x{reason}<script>&'\"", "who": who, "ticket": ticket})))
    assert [tag for tag in loud.tags if tag != "p"] == [tag for tag in quiet.tags if tag != "p"]
    assert [name for name, _ in loud.attributes] == [name for name, _ in quiet.attributes]
    assert "<script>&'\"" in loud.text


def test_nothing_is_fetched_and_nothing_runs() -> None:
    parsed = Parsed(page(GOOD))
    assert not {"script", "link", "img", "iframe", "object"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name in ("src", "href") or name.startswith("on")]
    assert "http" not in page(GOOD)
    assert "url(" not in page(GOOD)


@given(st.lists(st.tuples(st.integers(-600, 7_200), st.integers(0, 10_000)), max_size=8))
def test_every_drawing_stays_within_its_bounds(points: list[tuple[int, int]]) -> None:
    """Clocks go back, and a write may land after the release was closed."""
    fields = {f: getattr(GOOD, f) for f in GOOD.__dataclass_fields__}
    weights = (Point(NOON), *(Point(NOON + timedelta(seconds=at), weight) for at, weight in points))
    text = page(Change(**{**fields, "weights": weights}))
    for path in re.findall(r' d="([^"]+)"', text):
        assert all(0 <= float(x) <= 640 for x in re.findall(r"H([0-9.]+)", path))
        assert all(14 <= float(y) <= 90 for y in re.findall(r"V([0-9.]+)", path))
    assert all(float(width) >= 0 for width in re.findall(r'width="([0-9.-]+)" height', text))
