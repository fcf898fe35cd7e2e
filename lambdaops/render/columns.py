"""Aligned columns of text without a box: the same on a terminal and in a pipe, but for colour and the last column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.render.console import PLAIN, Paper
from lambdaops.render.words import plain, tone, width, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GAP = 2
_NARROWEST = 20


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], paper: Paper = PLAIN) -> str:
    """Left-aligned columns, nothing truncated, no trailing blanks; on a terminal the last column wraps in itself."""
    table = [tuple(head), *(tuple(plain(cell).rstrip() for cell in row) for row in rows)]
    widths = [max(width(row[at]) for row in table) for at in range(len(head))]
    left = sum(widths[:-1]) + _GAP * (len(widths) - 1)
    if paper.width is not None and paper.width - left >= _NARROWEST:
        widths[-1] = min(widths[-1], paper.width - left)
    lines = list(_row(table[0], widths, paper, "strong"))
    for row in table[1:]:
        lines += _row(row, widths, paper)
    return "\n".join(lines)


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
