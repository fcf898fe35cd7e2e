"""A body with its shape and without its values, for people who only need to see what kind of thing it is.

Rules this file guarantees: no value of a body is in what is given back, nor any name in it that could be one: of names
only those are shown that look like a programmer's.
"""

from __future__ import annotations

import re
from typing import Final

from lambdaops.core.dlq import bodies

_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$-]{0,39}", re.ASCII)
# More digits in a row are rather a telephone number or somebody's id than part of a name.
_DIGITS: Final = re.compile(r"[0-9]{4}")
_MOST: Final = 20
_DEEPEST: Final = 12


def masked(text: str) -> object:
    """A text's shape: objects and lists of it with every value in words, or what a text that is no JSON is."""
    found = bodies.parsed(text)
    return f"(text of length {len(text)})" if found is bodies.ABSENT else _shape(found, 0)


def _shape(value: object, depth: int) -> object:
    if depth > _DEEPEST and isinstance(value, dict | list):
        return "(more)"
    match value:
        case dict():
            shown: dict[str, object] = {}
            unnamed = 0
            for name, inner in value.items():
                if len(shown) == _MOST:
                    break
                if _NAME.fullmatch(name) and not _DIGITS.search(name):
                    shown[name] = _shape(inner, depth + 1)
                else:
                    unnamed += 1
                    shown[f"(name {unnamed})"] = _shape(inner, depth + 1)
            if len(value) > len(shown):
                shown["(more)"] = f"{len(value) - len(shown)} of {len(value)}"
            return shown
        case list():
            first = [_shape(value[0], depth + 1)] if value else []
            return [*first, f"({len(value) - 1} more)"] if len(value) > 1 else first
        case str():
            return f"(text of length {len(value)})"
        case bool():
            return "(true or false)"
        case None:
            return None
        case _:
            return "(number)"
