"""``--filter`` and ``--transform``: read once, applied letter by letter.

Rules this file guarantees: what cannot be read, calls no function that exists, or names a field that no letter has is
refused before the first letter; what goes wrong with one letter is an error about that letter, in which nothing of it
is repeated.
"""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any, Final

import jmespath
from jmespath import exceptions, functions

from lambdaops.core.dlq.view import FIELDS
from lambdaops.core.errors import InvalidExpressionError
from lambdaops.query.bounded import BoundedInterpreter, TooMuchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_LONGEST: Final = 4_096
_NO_ARGUMENTS: Final = (TypeError, ArithmeticError, RecursionError, ValueError)


def compile_filter(text: str) -> Callable[[Mapping[str, object]], bool]:
    """A function that says whether a letter is meant: whether the value is true to JMESPath.

    It raises InvalidExpressionError where that cannot be said of a letter.

    Raises:
        InvalidExpressionError: it cannot be read; where, and what would be right.
    """
    evaluate = _compiled("--filter", text)

    def matches(letter: Mapping[str, object]) -> bool:
        found, _ = evaluate(letter)
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
    evaluate = _compiled("--transform", text)

    def transformed(letter: Mapping[str, object]) -> str:
        found, interpreter = evaluate(letter)
        if found is None:
            raise InvalidExpressionError("--transform gives null for it, which is no message")
        if isinstance(found, str):
            return found
        try:
            interpreter.weigh(found)
            return json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        except TooMuchError:
            raise _too_much("--transform") from None
        except _NO_ARGUMENTS:
            raise InvalidExpressionError("--transform gives a value for it that is no JSON") from None

    return transformed


def _compiled(option: str, text: str) -> Callable[[Mapping[str, object]], tuple[Any, BoundedInterpreter]]:
    tree = _parsed(option, text)
    _check(option, tree)

    def evaluate(letter: Mapping[str, object]) -> tuple[Any, BoundedInterpreter]:
        interpreter = BoundedInterpreter()
        try:
            return interpreter.visit(tree, letter), interpreter
        except exceptions.JMESPathTypeError as error:
            raise InvalidExpressionError(
                f"{option}: {error.function_name}() got a value of type {error.actual_type} from it, "
                f"and takes {' or '.join(error.expected_types)}"
            ) from None
        except TooMuchError:
            raise _too_much(option) from None
        except _NO_ARGUMENTS as error:
            raise InvalidExpressionError(f"{option} cannot be evaluated for it ({type(error).__name__})") from None

    return evaluate


def _too_much(option: str) -> InvalidExpressionError:
    return InvalidExpressionError(f"{option} takes too many steps for it", hint="Make the expression do less.")


def _parsed(option: str, text: str) -> dict[str, Any]:
    if len(text) > _LONGEST:
        raise InvalidExpressionError(f"{option} has {len(text)} characters, more than {_LONGEST}")
    shown = " ".join(text.split())
    try:
        with warnings.catch_warnings():
            # What stands in backticks and is no JSON was once a text; jmespath still takes it for one and warns.
            warnings.simplefilter("error", PendingDeprecationWarning)
            tree: dict[str, Any] = jmespath.compile(text).parsed
    except PendingDeprecationWarning:
        raise InvalidExpressionError(
            f"{option} has something in backticks that is not JSON: {shown[:80]}",
            hint="Texts stand in single quotes, numbers and other JSON in backticks: kind == 'rule' && age > `3600`.",
        ) from None
    except exceptions.EmptyExpressionError:
        raise InvalidExpressionError(
            f"{option} is empty", hint="Write a JMESPath expression, for instance error == 'Timeout'."
        ) from None
    except exceptions.ArityError as error:
        raise InvalidExpressionError(f"{option}: {error}: {shown}") from None
    except exceptions.LexerError as error:
        raise InvalidExpressionError(
            f"{option} cannot be read at column {error.lexer_position + 1}: {shown}",
            hint="Texts stand in single quotes, numbers and other JSON in backticks: kind == 'rule' && age > `3600`.",
        ) from None
    except exceptions.ParseError as error:
        at = len(text) if error.lex_position is None else error.lex_position
        what = f" ({str(error.token_value)!r})" if error.token_value is not None else " (it ends too early)"
        raise InvalidExpressionError(
            f"{option} cannot be read at column {at + 1}{what}: {shown}",
            hint="Texts stand in single quotes, numbers and other JSON in backticks: kind == 'rule' && age > `3600`.",
        ) from None
    except (RecursionError, ValueError):
        raise InvalidExpressionError(f"{option} cannot be read: {shown[:80]}") from None
    return tree


def _check(option: str, tree: dict[str, Any]) -> None:
    """Functions and fields; jmespath would only notice the former letter by letter, and the latter never."""
    try:
        for node in _nodes(tree):
            if node["type"] == "function_expression":
                _check_call(option, node)
        unknown = next((name for name in _roots(tree) if name not in FIELDS), None)
    except RecursionError:
        raise InvalidExpressionError(f"{option} is nested too deeply") from None
    if unknown is not None:
        raise InvalidExpressionError(
            f"{option} names {unknown!r}, which no letter has",
            hint=f"A text stands in single quotes: '{unknown}'. Letters have {', '.join(FIELDS)}.",
        )


def _check_call(option: str, node: dict[str, Any]) -> None:
    known = functions.Functions.FUNCTION_TABLE
    if node["value"] not in known:
        raise InvalidExpressionError(
            f"{option} calls {node['value']}(), which JMESPath does not have",
            hint=f"It has {', '.join(sorted(known))}.",
        )
    takes, given = known[node["value"]]["signature"], len(node["children"])
    variadic = bool(takes) and takes[-1].get("variadic", False)
    if given < len(takes) or (given > len(takes) and not variadic):
        least = "at least " if variadic else ""
        raise InvalidExpressionError(
            f"{option} calls {node['value']}() with {given} arguments, and it takes {least}{len(takes)}"
        )


def _nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield tree
    for child in tree.get("children", ()):
        if isinstance(child, dict):  # of a slice they are numbers
            yield from _nodes(child)


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
