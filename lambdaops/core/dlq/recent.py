"""Ids seen lately, in a fixed amount of memory, however many there are."""

from __future__ import annotations

import hashlib
from array import array

_SLOTS = 1 << 17
_HALF = (1 << 64) - 1


class Recent:
    """Remembers ids; the newest stay, an older one may be forgotten, and none is ever taken for another.

    An id is 128 bits: a UUID as it is, anything else by its hash. Each has one place; whoever comes last has it. With
    10 000 ids about one in twenty-five is forgotten, so whoever asks must be right without the answer, too.
    """

    def __init__(self) -> None:
        # A hundred times as fast as from bytes, which would take longer than the first records of a run.
        self._high = array("Q", [0]) * _SLOTS
        self._low = array("Q", [0]) * _SLOTS

    def add(self, name: str) -> None:
        """Remember an id."""
        high, low = _number(name)
        place = (high ^ low) & (_SLOTS - 1)
        self._high[place], self._low[place] = high, low

    def __contains__(self, name: str) -> bool:
        """Whether the id is remembered."""
        high, low = _number(name)
        place = (high ^ low) & (_SLOTS - 1)
        return self._high[place] == high and self._low[place] == low


def _number(name: str) -> tuple[int, int]:
    try:
        number = int(name.replace("-", ""), 16)
    except ValueError:
        number = -1
    if not 0 < number < 1 << 128:
        number = int.from_bytes(hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=16).digest(), "big") or 1
    return number >> 64, number & _HALF
