"""``--filter`` and ``--transform``: read once, applied letter by letter.

Rules this file guarantees: what cannot be read, calls no function that exists, or names a field that no letter has is
refused before the first letter; what goes wrong with one letter is an error about that letter, in which nothing of it
is repeated.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from lambdaops.core.dlq.view import FIELDS
from lambdaops.core.errors import InvalidExpressionError
from lambdaops.query.bounded import TooMuchError
from lambdaops.query.language import NO_VALUE, evaluate, parsed, too_much

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lambdaops.query.bounded import BoundedInterpreter


def compile_filter(text: str) -> Callable[[Mapping[str, object]], bool]:
    """A function that says whether a letter is meant: whether the value is true to JMESPath.

    It raises InvalidExpressionError where that cannot be said of a letter.

    Raises:
        InvalidExpressionError: it cannot be read; where, and what would be right.
    """
    evaluated = _compiled("--filter", text)

    def matches(letter: Mapping[str, object]) -> bool:
        found, _ = evaluated(letter)
        # False to JMESPath; 0 is true to it.
        return not (found is None or found is False or found in ("", [], {}))

    return matches


def compile_transform(text: str) -> Callable[[Mapping[str, object]], str]:
    """A function that gives a letter's new text: a string as it is, anything else as compact JSON.

    It raises InvalidExpressionError where the value is null, or cannot be had. Numbers are written anew: ``1.50``
    becomes ``1.5``.

    Raises:
        InvalidExpressionError: it cannot be read; where, and what would be right.
    """
    evaluated = _compiled("--transform", text)

    def transformed(letter: Mapping[str, object]) -> str:
        found, interpreter = evaluated(letter)
        if found is None:
            raise InvalidExpressionError("--transform gives null for it, which is no message")
        if isinstance(found, str):
            return found
        try:
            interpreter.weigh(found)
            return json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        except TooMuchError:
            raise too_much("--transform") from None
        except NO_VALUE:
            raise InvalidExpressionError("--transform gives a value for it that is no JSON") from None

    return transformed


def _compiled(option: str, text: str) -> Callable[[Mapping[str, object]], tuple[Any, BoundedInterpreter]]:
    tree = parsed(option, text)
    _check_fields(option, tree)
    return lambda letter: evaluate(option, tree, letter)


def _check_fields(option: str, tree: dict[str, Any]) -> None:
    """Fields; jmespath would never notice that no letter has one."""
    unknown = next((name for name in _roots(tree) if name not in FIELDS), None)
    if unknown is not None:
        raise InvalidExpressionError(
            f"{option} names {unknown!r}, which no letter has",
            hint=f"A text stands in single quotes: '{unknown}'. Letters have {', '.join(FIELDS)}.",
        )


# Whose first part alone sees the letter; what follows sees what that gave.
_FIRST: Final = {
    "subexpression",
    "index_expression",
    "projection",
    "value_projection",
    "filter_projection",
    "flatten",
    "pipe",
}
_ALL: Final = {
    "comparator",
    "or_expression",
    "and_expression",
    "not_expression",
    "multi_select_list",
    "multi_select_dict",
    "key_val_pair",
    "function_expression",
}


def _roots(tree: dict[str, Any]) -> Iterator[str]:
    """The names that are looked up in the letter itself."""
    if tree["type"] == "field":
        yield tree["value"]
    elif tree["type"] in _FIRST:
        yield from _roots(tree["children"][0])
    elif tree["type"] in _ALL:
        for child in tree["children"]:
            yield from _roots(child)
