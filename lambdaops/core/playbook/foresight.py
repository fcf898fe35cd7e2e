"""What is known of a playbook's values before any of its steps is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidExpressionError
from lambdaops.core.playbook.book import Json, Playbook
from lambdaops.core.playbook.language import Expressions
from lambdaops.core.playbook.templates import expressions, fill, is_true
from lambdaops.core.playbook.turns import Turn

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Step


class UnknownError(Exception):
    """Only an earlier step can tell."""


_ANY_ITEM = "[?]"
"""What the key of a turn ends in that stands for all items of a list that is not known yet."""


@dataclass(frozen=True)
class Foresight:
    """A playbook with its inputs; ``blind`` are those that only earlier steps, of whoever runs it, can tell."""

    playbook: Playbook
    inputs: Mapping[str, Json]
    language: Expressions
    blind: frozenset[str] = frozenset()

    def known(self, value: Json, turn: Turn) -> Json:
        """The value.

        Raises:
            UnknownError: only an earlier step can tell.
            InvalidExpressionError: an expression gives no value.
        """
        return fill(value, lambda text: self._answer(text, turn))

    def told(self, value: Json, turn: Turn) -> Json:
        """The value, with ``<...>`` for each expression that cannot be answered yet."""
        try:
            return self.known(value, turn)
        except UnknownError:
            pass
        except InvalidExpressionError as error:
            return f"<{error.message}>"
        if isinstance(value, list):
            return [self.told(item, turn) for item in value]
        if isinstance(value, dict):
            return {key: self.told(item, turn) for key, item in value.items()}
        try:
            return fill(value, lambda text: self._answer(text, turn, known=False))
        except InvalidExpressionError as error:
            return f"<{error.message}>"

    def when(self, condition: Json, turn: Turn) -> str:
        """``always``, ``not``, or the condition, which only earlier steps can answer."""
        if isinstance(condition, bool):
            return "always" if condition else "not"
        try:
            found = [expression.text for _, expression in expressions(condition)]
            answers = [self._answer(text, turn) for text in found]
            # Of a playbook that is run it may be no expression at all, which is told when it is.
            return "always" if answers and is_true(answers[0]) else "not" if answers else str(condition)
        except UnknownError:
            return str(condition)
        except InvalidExpressionError as error:
            return f"<{error.message}>"

    def turns(self, step: Step) -> list[Turn]:
        """The turns of a step; one that stands for all where the list is not known yet."""
        if step.each is None:
            return [Turn(step.id, step)]
        try:
            items = self.known(step.each, Turn(step.id, replace(step, each=None)))
        except (UnknownError, InvalidExpressionError):
            items = None
        if not isinstance(items, list):
            return [Turn(f"{step.id}{_ANY_ITEM}", step)]
        return [Turn(f"{step.id}[{number}]", step, item) for number, item in enumerate(items)]

    def _answer(self, text: str, turn: Turn, *, known: bool = True) -> Json:
        paths = self.language.read(text).paths
        roots = {path[0] for path in paths}
        unsaid = any(path[0] == "inputs" and (len(path) == 1 or path[1] in self.blind) for path in paths if self.blind)
        no_item = "item" in roots and turn.key.endswith(_ANY_ITEM)
        if roots & {"steps", "run", "outputs"} or unsaid or no_item:
            if known:
                raise UnknownError(text)
            return f"<{text}>"
        context: dict[str, Json] = {"inputs": dict(self.inputs)}
        if turn.step.each is not None:
            context["item"] = turn.item
        return self.language.evaluate(text, context)
