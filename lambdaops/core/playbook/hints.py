"""What was probably meant by a word that there is not."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def near(word: str, known: Iterable[str]) -> str:
    """A question with the nearest known word; empty if none is near."""
    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {found[0]}?" if found else ""


def listed(begin: str, names: Iterable[str]) -> str:
    """Those there are."""
    return f"{begin} {', '.join(names) or 'nothing'}."
