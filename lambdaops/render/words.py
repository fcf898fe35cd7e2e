"""Small pieces of text that several renderers share: icons, marks, safe strings, clock times, aligned columns."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from lambdaops.core.gates import Verdict
from lambdaops.core.model import Level

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

VERDICT_ICON = {Verdict.PASS: "✔", Verdict.INCONCLUSIVE: "?", Verdict.ERROR: "⚠", Verdict.FAIL: "✖"}
LEVEL_WORD = {Level.OK: "✔ OK   ", Level.WARN: "⚠ WARN ", Level.BLOCK: "✖ BLOCK"}
_ASCII = str.maketrans({"✔": "+", "✖": "x", "⚠": "!", "▶": ">", "·": ".", "→": "->", "…": "~", "─": "-", "│": "|"})


def plain(text: str) -> str:
    """The text with control characters made visible: names and reasons come from outside and must stay inert."""
    return "".join(
        char if not unicodedata.category(char).startswith("C") else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def fits(text: str, encoding: str | None) -> str:
    """The text as far as a stream of this encoding can take it: icons fall back to ASCII."""
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")
    return text


def moment(at: datetime | None) -> str:
    """A time of day in UTC with its date, or a dash."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else "-"


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns, two spaces apart, nothing truncated, no trailing spaces."""
    table = [list(head), *([plain(cell) for cell in row] for row in rows)]
    widths = [max(_width(row[at]) for row in table) for at in range(len(head))]
    lines = (
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)) for row in table
    )
    return "\n".join(line.rstrip() for line in lines)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
