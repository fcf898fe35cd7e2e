"""JMESPath as it is used here: read with clear errors, and evaluated with an end.

Rules this file guarantees: what cannot be read, or calls no function that exists, is refused when it is read; what goes
wrong with a value is an error in which nothing of the value is repeated.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import jmespath
from jmespath import exceptions, functions

from lambdaops.core.errors import InvalidExpressionError
from lambdaops.query.bounded import BoundedInterpreter, TooMuchError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST: Final = 4_096
NO_VALUE: Final = (TypeError, ArithmeticError, RecursionError, ValueError)
"""What an evaluation raises where a value is not what a function takes."""


def evaluate(called: str, tree: dict[str, Any], value: object) -> tuple[Any, BoundedInterpreter]:
    """What an expression gives for a value, and the interpreter with what is left of its budget.

    Args:
        called: what people call the expression.
        tree: the expression, parsed.
        value: what it is evaluated for.

    Raises:
        InvalidExpressionError: it gives no value.
    """
    interpreter = BoundedInterpreter()
    try:
        return interpreter.visit(tree, value), interpreter
    except exceptions.JMESPathTypeError as error:
        raise InvalidExpressionError(
            f"{called}: {error.function_name}() got a value of type {error.actual_type} from it, "
            f"and takes {' or '.join(error.expected_types)}"
        ) from None
    except TooMuchError:
        raise too_much(called) from None
    except NO_VALUE as error:
        raise InvalidExpressionError(f"{called} cannot be evaluated for it ({type(error).__name__})") from None


def too_much(called: str) -> InvalidExpressionError:
    """The budget is used up."""
    return InvalidExpressionError(f"{called} takes too many steps for it", hint="Make the expression do less.")


def parsed(called: str, text: str) -> dict[str, Any]:
    """The expression as a tree, all of whose calls can be made.

    Raises:
        InvalidExpressionError: it cannot be read; where, and what would be right.
    """
    tree = _tree(called, text)
    try:
        for node in nodes(tree):
            if node["type"] == "function_expression":
                _check_call(called, node)
    except RecursionError:
        raise InvalidExpressionError(f"{called} is nested too deeply") from None
    return tree


def _tree(called: str, text: str) -> dict[str, Any]:
    if len(text) > _LONGEST:
        raise InvalidExpressionError(f"{called} has {len(text)} characters, more than {_LONGEST}")
    shown = " ".join(text.split())
    try:
        with warnings.catch_warnings():
            # What stands in backticks and is no JSON was once a text; jmespath still takes it for one and warns.
            warnings.simplefilter("error", PendingDeprecationWarning)
            tree: dict[str, Any] = jmespath.compile(text).parsed
    except PendingDeprecationWarning:
        raise InvalidExpressionError(
            f"{called} has something in backticks that is not JSON: {shown[:80]}",
            hint="Texts stand in single quotes, numbers and other JSON in backticks: kind == 'rule' && age > `3600`.",
        ) from None
    except exceptions.EmptyExpressionError:
        raise InvalidExpressionError(
            f"{called} is empty", hint="Write a JMESPath expression, for instance error == 'Timeout'."
        ) from None
    except exceptions.ArityError as error:
        raise InvalidExpressionError(f"{called}: {error}: {shown}") from None
    except exceptions.LexerError as error:
        raise InvalidExpressionError(
            f"{called} cannot be read at column {error.lexer_position + 1}: {shown}",
            hint="Texts stand in single quotes, numbers and other JSON in backticks: kind == 'rule' && age > `3600`.",
        ) from None
    except exceptions.ParseError as error:
        at = len(text) if error.lex_position is None else error.lex_position
        what = f" ({str(error.token_value)!r})" if error.token_value is not None else " (it ends too early)"
        raise InvalidExpressionError(
            f"{called} cannot be read at column {at + 1}{what}: {shown}",
            hint="Texts stand in single quotes, numbers and other JSON in backticks: kind == 'rule' && age > `3600`.",
        ) from None
    except (RecursionError, ValueError):
        raise InvalidExpressionError(f"{called} cannot be read: {shown[:80]}") from None
    return tree


def _check_call(called: str, node: dict[str, Any]) -> None:
    known = functions.Functions.FUNCTION_TABLE
    if node["value"] not in known:
        raise InvalidExpressionError(
            f"{called} calls {node['value']}(), which JMESPath does not have",
            hint=f"It has {', '.join(sorted(known))}.",
        )
    takes, given = known[node["value"]]["signature"], len(node["children"])
    variadic = bool(takes) and takes[-1].get("variadic", False)
    if given < len(takes) or (given > len(takes) and not variadic):
        least = "at least " if variadic else ""
        raise InvalidExpressionError(
            f"{called} calls {node['value']}() with {given} arguments, and it takes {least}{len(takes)}"
        )


def nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every part of an expression."""
    yield tree
    for child in tree.get("children", ()):
        if isinstance(child, dict):  # of a slice they are numbers
            yield from nodes(child)
