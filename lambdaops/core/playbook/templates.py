"""``${{ ... }}`` in the texts of a playbook: found, and filled in once.

Rules this file guarantees: a text that is one expression gives that value with its type; what an expression gives is
data and is never looked at for expressions again; ``$${{`` stands for the characters themselves. An expression ends at
the first ``}}`` outside of its own quotes and braces.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidExpressionError, NothingGivenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lambdaops.core.playbook.book import Action, Json, Loc

OPEN, CLOSE, ESCAPED = "${{", "}}", "$${{"
_INPUT = re.compile(r"inputs\.([a-z][a-z0-9_]*)")
_QUOTES = "'\"`"


@dataclass(frozen=True)
class Expression:
    """What stands between the braces, and the column it begins at (from 1)."""

    text: str
    column: int = 1


def parts(text: str) -> tuple[str | Expression, ...]:
    """A text taken apart: what is written as it is, and expressions; no part is empty.

    Raises:
        InvalidExpressionError: an expression has no end, or nothing in it.
    """
    found: list[str | Expression] = []
    plain, at = "", 0
    while at < len(text):
        if text.startswith(ESCAPED, at):
            plain, at = plain + OPEN, at + len(ESCAPED)
        elif text.startswith(OPEN, at):
            end = _end(text, at + len(OPEN))
            inner = text[at + len(OPEN) : end]
            if not inner.strip():
                raise InvalidExpressionError(
                    f"the expression at column {at + 1} is empty", hint="Write ${{ inputs.NAME }}."
                )
            found += [plain] if plain else []
            found.append(Expression(inner.strip(), at + 1))
            plain, at = "", end + len(CLOSE)
        else:
            plain, at = plain + text[at], at + 1
    return (*found, plain) if plain or not found else tuple(found)


def _end(text: str, start: int) -> int:
    depth, quote, at = 0, "", start
    while at < len(text):
        char = text[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in _QUOTES:
            quote = char
        elif char == "{":
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        elif text.startswith(CLOSE, at):
            return at
        at += 1
    raise InvalidExpressionError(
        f"the expression at column {start - len(OPEN) + 1} has no end",
        hint="End it with }}; a ${{ that is meant as text is written $${{.",
    )


def expressions(value: Json, loc: Loc = ()) -> Iterator[tuple[Loc, Expression]]:
    """Every expression in a value, and the way to the text it stands in.

    Raises:
        InvalidExpressionError: a text cannot be taken apart.
    """
    if isinstance(value, str):
        yield from ((loc, part) for part in parts(value) if isinstance(part, Expression))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from expressions(item, (*loc, number))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from expressions(item, (*loc, key))


def fill(value: Json, evaluate: Callable[[str], Json]) -> Json:
    """The value with what its expressions give.

    Raises:
        InvalidExpressionError: an expression fails, or gives a list or a mapping inside a text.
        NothingGivenError: an expression gives null.
    """
    if isinstance(value, list):
        return [fill(item, evaluate) for item in value]
    if isinstance(value, dict):
        return {key: fill(item, evaluate) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    found = parts(value)
    if len(found) == 1 and isinstance(found[0], Expression):
        return _given(found[0], evaluate)
    return "".join(part if isinstance(part, str) else _as_text(part, evaluate) for part in found)


def _given(expression: Expression, evaluate: Callable[[str], Json]) -> Json:
    given = evaluate(expression.text)
    if given is None:
        raise NothingGivenError(
            f"{expression.text} gives nothing", hint="Give it something else to fall back on: A || 'text'."
        )
    return given


def _as_text(expression: Expression, evaluate: Callable[[str], Json]) -> str:
    given = _given(expression, evaluate)
    if isinstance(given, str):
        return given
    if isinstance(given, list | dict):
        raise InvalidExpressionError(
            f"{expression.text} gives {'a list' if isinstance(given, list) else 'a mapping'}, which is no text",
            hint="Let it be the whole value, or write to_string(...).",
        )
    return json.dumps(given)


def only_input(value: Json) -> str | None:
    """The input that a value is, and nothing else: ``${{ inputs.NAME }}``; None for any other value.

    Raises:
        InvalidExpressionError: the text cannot be taken apart.
    """
    if not isinstance(value, str):
        return None
    found = parts(value)
    if len(found) != 1 or not isinstance(found[0], Expression):
        return None
    named = _INPUT.fullmatch(found[0].text)
    return named[1] if named else None


def said_of(action: Action, inputs: Mapping[str, Json]) -> dict[str, Json]:
    """What an action is given, as it is written, without inputs of which nothing was said.

    What these would be is left to the command; of what another playbook is given, to that.

    Raises:
        InvalidExpressionError: a text cannot be taken apart.
    """

    def left(value: Json) -> bool:
        name = only_input(value)
        return name is not None and inputs.get(name) is None

    given = {name: value for name, value in action.given.items() if not left(value)}
    others = given.get("inputs")
    if action.uses == "run-playbook" and isinstance(others, dict):
        given["inputs"] = {name: value for name, value in others.items() if not left(value)}
    return given


def is_true(value: Json) -> bool:
    """What counts as true for ``if``, as in JMESPath: anything but null, false and what is empty; 0 is true."""
    return not (value is None or value is False or value in ("", [], {}))
