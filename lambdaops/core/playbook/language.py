"""What checking a playbook needs of the language of its expressions, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lambdaops.core.playbook.book import Loc

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Json


@dataclass(frozen=True)
class Flaw:
    """Something wrong, and where; ``key`` when it is the key there, not its value."""

    loc: Loc
    message: str
    hint: str = ""
    key: bool = False


@dataclass(frozen=True)
class Read:
    """What an expression reads: names from the root on, as far as they are plain.

    ``fallback`` is whether it has an ``||``, ``whole`` whether it reads all there is at once.
    """

    paths: tuple[tuple[str, ...], ...]
    fallback: bool = False
    whole: bool = False


class Expressions(Protocol):
    """The language of expressions."""

    def read(self, text: str) -> Read:
        """Understand one.

        Raises:
            InvalidExpressionError: it cannot be understood.
        """

    def evaluate(self, text: str, context: object) -> Json:
        """What it gives for this context.

        Raises:
            InvalidExpressionError: it gives no value.
        """
