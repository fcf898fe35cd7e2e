"""What expressions may read at one place of a playbook: inputs, the run, and steps that are done by then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidExpressionError, UsageError
from lambdaops.core.playbook.book import Playbook
from lambdaops.core.playbook.hints import listed, near
from lambdaops.core.playbook.inputs import value_of
from lambdaops.core.playbook.language import Expressions, Flaw
from lambdaops.core.playbook.templates import expressions
from lambdaops.core.playbook.turns import ATTRIBUTES, ATTRIBUTES_EACH, RUN
from lambdaops.core.playbook.uses import Use

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Input, Json, Loc


@dataclass
class Scope:
    """What expressions at one place may read: the steps in ``sure`` with their outputs; counts the flaws it found."""

    playbook: Playbook
    uses: Mapping[str, Use]
    language: Expressions
    sure: frozenset[str]
    each: bool = False
    condition: bool = False
    fallback: bool = False
    inputs_only: bool = False
    count: int = 0

    def flaws(self, loc: Loc, value: Json) -> Iterator[Flaw]:
        """What is wrong with the expressions in a value."""
        for flaw in self._flaws(loc, value):
            self.count += 1
            yield flaw

    def _flaws(self, loc: Loc, value: Json) -> Iterator[Flaw]:
        try:
            found = list(expressions(value, loc))
        except InvalidExpressionError as error:
            yield Flaw(loc, error.message, error.hint)
            return
        for here, expression in found:
            try:
                read = self.language.read(expression.text)
            except InvalidExpressionError as error:
                yield Flaw(here, error.message, error.hint)
                continue
            if read.whole:
                yield Flaw(here, "it reads everything there is at once", "Name what it reads, such as inputs.NAME.")
            for path in read.paths:
                yield from self._path(here, path, spared=read.fallback or self.fallback)

    def _path(self, loc: Loc, path: tuple[str, ...], *, spared: bool) -> Iterator[Flaw]:
        root, rest = path[0], path[1:]
        if self.inputs_only and root != "inputs":
            yield Flaw(loc, f"{root} is not known before the run: for-each goes by inputs", "Write ${{ inputs.NAME }}.")
        elif root == "inputs":
            names = [one.name for one in self.playbook.inputs]
            if rest and rest[0] not in names:
                yield Flaw(loc, f"there is no input {rest[0]!r}", near(rest[0], names) or listed("It has", names))
        elif root == "steps":
            yield from self._of_step(loc, rest, spared=spared) if rest else ()
        elif root == "run":
            if rest and rest[0] not in RUN:
                yield Flaw(loc, f"run has no {rest[0]!r}", near(rest[0], RUN) or listed("It has", RUN))
        elif root == "item":
            if not self.each:
                yield Flaw(loc, "there is an item only in a step with for-each")
        else:
            meant = near(root, ["inputs", "steps", "run", "item"])
            yield Flaw(
                loc, f"there is no {root!r}", meant or "There is inputs, steps and run. A text stands in 'quotes'."
            )

    def _of_step(self, loc: Loc, path: tuple[str, ...], *, spared: bool) -> Iterator[Flaw]:
        steps = {step.id: step for step in self.playbook.steps}
        name, rest = path[0], path[1:]
        step = steps.get(name)
        if step is None:
            yield Flaw(loc, f"there is no step {name!r}", near(name, steps) or listed("There is", steps))
            return
        place = list(steps).index
        own = loc[1] if loc and loc[0] == "steps" else len(steps)
        allowed = name in self.sure  # its own, where it is taken back
        if isinstance(own, int) and place(name) >= own and not (allowed and place(name) == own):
            yield Flaw(loc, f"step {name} is not before this one: nothing is known of it yet")
            return
        attributes = ATTRIBUTES_EACH if step.each is not None else ATTRIBUTES
        if not rest:
            return
        if rest[0] not in attributes:
            yield Flaw(loc, f"a step has no {rest[0]!r}", near(rest[0], attributes) or listed("It has", attributes))
            return
        if rest[0] != "outputs":
            return
        use = self.uses.get(step.action.uses)
        if step.each is None and use is not None and rest[1:] and rest[1] not in use.outputs:
            hint = near(rest[1], use.outputs) or listed("It gives", use.outputs)
            yield Flaw(loc, f"{use.name} gives no {rest[1]!r}", hint)
        elif not (allowed or spared or self.condition):
            yield Flaw(
                loc,
                f"step {name} may not be done by then: it has a condition, may fail, or is gone past",
                f"Ask first: if: ${{{{ steps.{name}.status == 'done' }}}}, or fall back: A || 'text'.",
            )


def fits(loc: Loc, wanted: Input, value: Json) -> Iterator[Flaw]:
    """What is wrong with a value that is meant for an input."""
    try:
        value_of(wanted, value)
    except UsageError as error:
        yield Flaw(loc, error.message.removeprefix(f"input {wanted.name}: "), error.hint)


def has_expression(value: Json) -> bool:
    """Whether a value is not known before the run."""
    try:
        return any(True for _ in expressions(value))
    except InvalidExpressionError:
        return True
