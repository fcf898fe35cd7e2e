"""Aligned columns of text without a box: the same on a terminal and in a pipe, but for colour and the last column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.render.console import PLAIN, Paper
from lambdaops.render.words import plain, tone, width, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GAP = 2
_NARROWEST = 20
_INDENT = "    "


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], paper: Paper = PLAIN) -> str:
    """Left-aligned columns, nothing truncated, no trailing blanks; on a terminal the last column wraps in itself.

    What a terminal has no room for at all continues below, indented, under a head of its own.
    """
    table = [tuple(head), *(tuple(plain(cell).rstrip() for cell in row) for row in rows)]
    widths = [max(width(row[at]) for row in table) for at in range(len(head))]
    parts = _parts(widths, paper.width)
    lines: list[str] = []
    for number, row in enumerate(table):
        for first, last in parts:
            indent = _INDENT if first else ""
            room = widths[first:last]
            if last == len(head) and paper.width is not None:
                left = paper.width - len(indent) - sum(room[:-1]) - _GAP * (len(room) - 1)
                room[-1] = min(room[-1], left) if left >= _NARROWEST else room[-1]
            if not first or any(row[first:last]):
                lines += (indent + line for line in _row(row[first:last], room, paper, "" if number else "strong"))
    return "\n".join(lines)


def _parts(widths: Sequence[int], room: int | None) -> list[tuple[int, int]]:
    """The columns from and to which (exclusive) that stand beside each other; the last one needs less, for it wraps."""
    parts, first, used = [], 0, 0
    for at, wide in enumerate(widths):
        needs = min(wide, _NARROWEST) if at == len(widths) - 1 else wide
        if room is not None and at > first and used + needs > room:
            parts.append((first, at))
            first, used = at, len(_INDENT)
        used += wide + _GAP
    return [*parts, (first, len(widths))]


def _row(row: Sequence[str], widths: Sequence[int], paper: Paper, style: str = "") -> Iterator[str]:
    first, *more = wrap(row[-1], widths[-1]) or [""]
    cells = [*row[:-1], first]
    used = max((at for at, cell in enumerate(cells) if cell), default=0)
    yield "".join(
        paper.paint(cell, style or tone(cell)) + (" " * (room - width(cell) + _GAP) if at < used else "")
        for at, (cell, room) in enumerate(zip(cells, widths, strict=True))
    )
    indent = " " * (sum(widths[:-1]) + _GAP * (len(widths) - 1))
    for line in more:
        yield indent + line
