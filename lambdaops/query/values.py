"""The expressions of playbooks: what they read, found from their text, and what they give.

JMESPath and nothing more: it comes with botocore, operators know it from the AWS CLI's --query, it has no side effects,
no loops and no access to anything but the value it is given, and it is evaluated within a budget.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from lambdaops.core.errors import InvalidExpressionError
from lambdaops.core.playbook.language import Read
from lambdaops.query.language import evaluate, nodes, parsed

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Json

_FIRST: Final = {"index_expression", "projection", "value_projection", "filter_projection", "flatten"}

_Path = tuple[str, ...]


class JmespathValues:
    """Implements core.playbook.language.Expressions."""

    def read(self, text: str) -> Read:
        """What an expression reads.

        Raises:
            InvalidExpressionError: it cannot be understood.
        """
        tree = _parsed(text)
        found: list[_Path] = []
        last = _visit(tree, (), found)
        paths = dict.fromkeys([*found, *([last] if last is not None else [])])
        fallback = any(node["type"] == "or_expression" for node in nodes(tree))
        return Read(tuple(path for path in paths if path), fallback, whole=() in paths)

    def evaluate(self, text: str, context: object) -> Json:
        """What it gives.

        Raises:
            InvalidExpressionError: it gives no value.
        """
        found, _ = evaluate(_called(text), _parsed(text), context)
        given: Json = found
        return given


@functools.lru_cache(maxsize=512)
def _parsed(text: str) -> dict[str, Any]:
    tree = parsed(_called(text), text)
    for node in nodes(tree):
        if node["type"] == "subexpression" and node["children"][0]["type"] == "not_expression":
            raise InvalidExpressionError(
                f"{_called(text)} never gives anything: ! comes before the dot in JMESPath",
                hint="Put what is not to be so into parentheses: !(inputs.name).",
            )
    return tree


def _called(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= 60 else f"{shown[:57]}..."  # noqa: PLR2004 -- a line should stay a line


def _visit(tree: dict[str, Any], at: _Path | None, found: list[_Path]) -> _Path | None:
    """Follow an expression that is looked up at ``at``; ``found`` takes what it reads.

    Gives where its value stands, from the root on; None where that is no longer told by plain names.
    """
    kind, children = tree["type"], tree.get("children", ())
    match kind:
        case "field":
            return (*at, tree["value"]) if at is not None else None
        case "current" | "identity":
            return at
        case "subexpression" | "pipe":
            for child in children:
                at = _visit(child, at, found)
            return at
        case "expref" | "literal":
            return None
        case _ if kind in _FIRST:
            # What follows sees the items of the first part.
            children = children[:1]
        case _:
            pass
    if kind in ("index", "slice"):
        found += [at] if at is not None else []
        return None
    for child in children:
        read = _visit(child, at, found)
        found += [read] if read is not None else []
    return None
