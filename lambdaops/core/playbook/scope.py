"""What expressions may read at one place of a playbook: inputs, the run, and steps that are done by then.

Where a step is taken back they may read what it gave, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidExpressionError, UsageError
from lambdaops.core.playbook.book import Playbook, Step
from lambdaops.core.playbook.hints import listed, near
from lambdaops.core.playbook.inputs import value_of
from lambdaops.core.playbook.language import Expressions, Flaw
from lambdaops.core.playbook.templates import expressions
from lambdaops.core.playbook.turns import ATTRIBUTES, ATTRIBUTES_EACH, RUN
from lambdaops.core.playbook.uses import Use

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Input, Json, Loc

Books = Callable[[str], "Playbook | None"]
"""The playbook of a name, for those that run others."""


@dataclass
class Scope:
    """What expressions at one place may read: the steps in ``sure`` with their outputs; counts the flaws it found.

    ``back`` is the step that is taken back there, if one is: ``outputs`` are its own.
    """

    playbook: Playbook
    uses: Mapping[str, Use]
    language: Expressions
    books: Books
    sure: frozenset[str]
    each: bool = False
    condition: bool = False
    fallback: bool = False
    inputs_only: bool = False
    back: Step | None = None
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
        elif root == "outputs":
            yield from self._of_what_is_taken_back(loc, rest)
        else:
            known = ["inputs", "steps", "run", "item", *(["outputs"] if self.back is not None else [])]
            yield Flaw(
                loc,
                f"there is no {root!r}",
                near(root, known) or "There is inputs, steps and run. A text stands in 'quotes'.",
            )

    def _of_what_is_taken_back(self, loc: Loc, path: tuple[str, ...]) -> Iterator[Flaw]:
        if self.back is None:
            yield Flaw(
                loc,
                "outputs stands alone only in compensate, for what the step gave that is taken back",
                "Name the step: ${{ steps.ID.outputs.NAME }}.",
            )
            return
        yield from self._given_by(loc, self.back, path)

    def _given_by(self, loc: Loc, step: Step, path: tuple[str, ...]) -> Iterator[Flaw]:
        """What is wrong with a name of what one turn of a step gives, or of what the playbook gives that it runs."""
        use = self.uses.get(step.action.uses)
        if use is None or not path:
            return
        other = self._run_by(step) if use.name == "run-playbook" and path[0] == "outputs" else None
        names: Collection[str] = use.outputs
        who, name = use.name, path[0]
        if other is not None and path[1:]:
            names, who, name = other.outputs, other.name, path[1]
        if name not in names:
            yield Flaw(loc, f"{who} gives no {name!r}", near(name, names) or listed("It gives", names))

    def _run_by(self, step: Step) -> Playbook | None:
        """The playbook that a step runs, if it is there."""
        name = step.action.given.get("playbook")
        return self.books(name) if isinstance(name, str) else None

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
        unknown = list(self._given_by(loc, step, rest[1:])) if step.each is None else []
        if unknown:
            yield from unknown
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
