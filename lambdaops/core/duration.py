"""Durations as people write them: ``45s``, ``5m``, ``2h``, ``1h30m``."""

from __future__ import annotations

import re
from datetime import timedelta

from lambdaops.core.errors import InvalidDurationError

_PART = re.compile(r"([0-9]{1,9})([dhms])")
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LONGEST = timedelta(days=7)


def parse_duration(text: str) -> timedelta:
    """Read a duration.

    Raises:
        InvalidDurationError: no unit, an unknown unit, units that do not fall, or more than seven days.
    """
    parts = _PART.findall(text)
    order = ["dhms".index(unit) for _, unit in parts]
    if not parts or "".join(number + unit for number, unit in parts) != text or order != sorted(set(order)):
        raise InvalidDurationError(
            f"{text!r} is not a duration", hint="Write a number and a unit: 45s, 5m, 2h or 1h30m."
        )
    # Compared as integers first: timedelta overflows on absurd input.
    seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if seconds > _LONGEST.total_seconds():
        raise InvalidDurationError(f"{text!r} is longer than seven days", hint="Write a shorter one.")
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """The shortest text that :func:`parse_duration` reads back, to the second (rounded up)."""
    left = -int(-duration.total_seconds() // 1)
    if left <= 0:
        return "0s"
    text = ""
    for unit, size in _UNITS.items():
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return text
