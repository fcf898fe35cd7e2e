"""The text answers about a whole account: which aliases are split, and who accounts for them.

Rules this file guarantees: as in ``tables``: plain core values in, text without a last line break out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.reports import Standing
from lambdaops.render.columns import columns
from lambdaops.render.console import PLAIN, Paper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.core.reports import AliasStanding

_MARK = {
    Standing.DRIVEN: "✔",
    Standing.HELD: "?",
    Standing.ABANDONED: "✖",
    Standing.UNACCOUNTED: "✖",
    Standing.UNREADABLE: "✖",
}


def standing_text(rows: Sequence[AliasStanding], paper: Paper = PLAIN) -> str:
    """One line a split alias and who accounts for it, the next step for each, and a count of those nobody drives."""
    if not rows:
        return paper.paint("✔ no alias is split between two versions", "good")
    cells = [(row.target, str(row.routing), f"{_MARK[row.standing]} {row.standing}", row.detail) for row in rows]
    alone = sum(row.standing is not Standing.DRIVEN for row in rows)
    return "\n".join(
        (
            columns(("TARGET", "TRAFFIC", "STANDING", "WHY"), cells, paper),
            "",
            columns(("TARGET", "NEXT"), [(row.target, row.next_step) for row in rows], paper),
            "",
            _verdict(len(rows), alone, paper),
        )
    )


def _verdict(split: int, alone: int, paper: Paper) -> str:
    aliases = "1 alias is split" if split == 1 else f"{split} aliases are split"
    if alone:
        return paper.paint(f"✖ {aliases}, {alone} without a process that drives a release of it", "bad")
    return paper.paint(f"✔ {aliases}, driven by a live process", "good")
