"""Bodies as JSON: strict, total, and a member of an object cut out exactly as it was written.

Rules this file guarantees: no text makes anything here raise; what is cut out is the text between the same bytes,
because writing it anew would change numbers, escapes and the order of equal keys.
"""

from __future__ import annotations

import json
import re
from typing import Final, Never

SPACE: Final = " \t\n\r"
_SPACES: Final = re.compile(r"[ \t\n\r]*")


class _Absent:
    """No JSON; told apart from ``null``."""


ABSENT: Final = _Absent()


def _refuse(constant: str) -> Never:
    raise ValueError(constant)


# NaN and Infinity are no JSON, and Lambda refuses them.
_STRICT: Final = json.JSONDecoder(parse_constant=_refuse)


def parsed(text: str) -> object:
    """The value of a JSON text; ``ABSENT`` when it is not JSON, or nested too deeply or too long a number to read."""
    try:
        return _STRICT.decode(text)
    except (ValueError, RecursionError):
        return ABSENT


def member(text: str, name: str) -> str | None:
    """The text of a member of a JSON object, as it stands there; None without it. The last one counts, as in JSON."""
    found: str | None = None
    try:
        at = _after(text, 0)
        if text[at : at + 1] != "{":
            return None
        at = _after(text, at + 1)
        while text[at : at + 1] not in {"}", ""}:
            key, at = _STRICT.raw_decode(text, at)
            at = _after(text, _after(text, at) + 1)
            _, end = _STRICT.raw_decode(text, at)
            if key == name:
                found = text[at:end]
            at = _after(text, end)
            if text[at : at + 1] == ",":
                at = _after(text, at + 1)
    except (ValueError, RecursionError):
        return None
    return found


def _after(text: str, at: int) -> int:
    """Where the white space at ``at`` ends."""
    found = _SPACES.match(text, at)
    return found.end() if found else at
