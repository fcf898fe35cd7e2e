"""The expressions of playbooks: what they read, found from their text, and what they give.

JMESPath and nothing more: it comes with botocore, operators know it from the AWS CLI's --query, it has no side effects,
no loops and no access to anything but the value it is given, and it is evaluated within a budget.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from lambdaops.core.playbook.language import Read
from lambdaops.query.language import evaluate, nodes, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.core.playbook.book import Json

# What follows these parts sees what their first part gave.
_CHAINS: Final = {"index_expression", "projection", "value_projection", "filter_projection", "flatten", "pipe"}


class JmespathValues:
    """Implements core.playbook.language.Expressions."""

    def read(self, text: str) -> Read:
        """What an expression reads.

        Raises:
            InvalidExpressionError: it cannot be understood.
        """
        tree = _parsed(text)
        paths = tuple(dict.fromkeys(path for path in _paths(tree) if path))
        return Read(paths, any(node["type"] == "or_expression" for node in nodes(tree)))

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
    return parsed(_called(text), text)


def _called(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= 60 else f"{shown[:57]}..."  # noqa: PLR2004 -- a line should stay a line


def _paths(tree: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """The names that are looked up from the root on, one after another, as far as they are plain fields."""
    kind = tree["type"]
    if kind == "field":
        yield (tree["value"],)
    elif kind == "subexpression":
        yield from _path_of(tree)
    elif kind in _CHAINS:
        yield from _paths(tree["children"][0])
        if kind == "filter_projection":
            yield ()  # its condition sees the items
    else:
        for child in tree.get("children", ()):
            if isinstance(child, dict):
                yield from _paths(child)


def _path_of(tree: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """``a.b.c`` has three parts; what follows something that is no field is looked up elsewhere."""
    first, *rest = tree["children"]
    if first["type"] == "subexpression":
        (path,) = list(_path_of(first)) or [()]
    elif first["type"] == "field":
        path = (first["value"],)
    else:
        yield from _paths(first)
        return
    for part in rest:
        if part["type"] != "field":
            break
        path = (*path, part["value"])
    yield path
