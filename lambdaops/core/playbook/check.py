"""Everything that can be known to be wrong with a playbook before its first step, without asking anybody.

Rules this file guarantees: all flaws are found at once, each with the place where it stands; a playbook without one
refers only to what there is, and only to outputs of steps that are surely done by then.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidExpressionError
from lambdaops.core.playbook.book import ABORT, CONTINUE, Input, Kind, Playbook
from lambdaops.core.playbook.flow import flow_of
from lambdaops.core.playbook.given import Given, kind_of
from lambdaops.core.playbook.hints import near
from lambdaops.core.playbook.language import Expressions, Flaw
from lambdaops.core.playbook.scope import Books, Scope, fits
from lambdaops.core.playbook.templates import Expression, expressions, only_input, parts
from lambdaops.core.playbook.uses import Use

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Json, Loc, Step, Undo
    from lambdaops.core.playbook.flow import Flow


def check(playbook: Playbook, uses: Mapping[str, Use], language: Expressions, books: Books) -> list[Flaw]:
    """Every flaw, in no order."""
    return list(_Check(playbook, uses, language, Given(playbook, uses, language, books)).flaws())


@dataclass
class _Check:
    playbook: Playbook
    uses: Mapping[str, Use]
    language: Expressions
    given: Given

    def flaws(self) -> Iterator[Flaw]:
        yield from self._inputs()
        twice = [name for name, count in Counter(step.id for step in self.playbook.steps).items() if count > 1]
        for number, step in enumerate(self.playbook.steps):
            if step.id in twice:
                yield Flaw(("steps", number, "id"), f"two steps are called {step.id}", "Give each a name of its own.")
        if twice:
            return  # what refers to which of them is not worth telling
        flow = flow_of(self.playbook)
        for number, step in enumerate(self.playbook.steps):
            yield from self._step(("steps", number), step, flow)
        for name, value in self.playbook.outputs.items():
            scope = self._scope(frozenset(step.id for step in self.playbook.steps), fallback=True)
            yield from scope.flaws(("outputs", name), value)

    # -- inputs --------------------------------------------------------------------------------------------------------

    def _inputs(self) -> Iterator[Flaw]:
        for one in self.playbook.inputs:
            loc: Loc = ("inputs", one.name)
            if one.pattern:
                try:
                    re.compile(one.pattern)
                except re.error as error:
                    yield Flaw((*loc, "pattern"), f"{one.pattern!r} is no regular expression: {error}")
                    continue
            if one.secret and not one.required:
                yield Flaw((*loc, "default"), "a secret has no default: a file is no place for it", "Leave it out.")
            plain = replace(one, allowed=(), pattern="", secret=False)
            item = Input(one.name, one.of) if one.kind is Kind.LIST else plain
            for number, allowed in enumerate(one.allowed):
                yield from fits((*loc, "allowed", number), item, allowed)
            if not one.required and not one.secret and one.default is not None:
                yield from fits((*loc, "default"), one, one.default)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _step(self, loc: Loc, step: Step, flow: Flow) -> Iterator[Flaw]:
        sure, each = flow.sure(step.id), step.each is not None
        scope = self._scope(sure | self._guarded(step.condition), each=each)
        if not flow.reached(step.id):
            yield Flaw(
                (*loc, "id"),
                f"step {step.id} is never reached",
                "A step before it ends the run, or never fails to where it leads.",
            )
        if step.condition is False:
            yield Flaw((*loc, "if"), f"step {step.id} is never done", "Delete it, or write a condition: ${{ ... }}.")
        yield from self._condition(loc, step.condition, self._scope(sure, each=each))
        yield from self._where_to(loc, step)
        if step.each is not None:
            yield from self._each(loc, step)
        yield from self.given.flaws(loc, step.action, scope)
        use = self.uses.get(step.action.uses)
        if use is not None and step.timeout is not None and not use.stoppable:
            stoppable = ", ".join(sorted(name for name, one in self.uses.items() if one.stoppable))
            yield Flaw(
                (*loc, "timeout"),
                f"{use.name} cannot be stopped half-way, so it takes no timeout",
                f"What can be: {stoppable}.",
            )
        if step.undo is not None:
            known = sure | {step.id} | self._guarded(step.condition)
            yield from self._undo((*loc, "compensate"), step, step.undo, known)

    def _undo(self, loc: Loc, step: Step, undo: Undo, known: frozenset[str]) -> Iterator[Flaw]:
        if undo.condition is False:
            hint = "Delete compensate, or write a condition: ${{ ... }}."
            yield Flaw((*loc, "if"), f"step {step.id} is never taken back", hint)
        there = replace(self._scope(known, each=step.each is not None), back=step)
        yield from self._condition(loc, undo.condition, there)
        yield from self.given.flaws(loc, undo, replace(there, sure=known | self._guarded(undo.condition)))
        use = self.uses.get(undo.uses)
        if use is not None and use.name in ("approve", "wait-for", "run-playbook"):
            yield Flaw((*loc, "uses"), f"{use.name} takes nothing back", "Use what does.")

    def _scope(
        self, sure: frozenset[str], *, each: bool = False, fallback: bool = False, inputs_only: bool = False
    ) -> Scope:
        return Scope(
            self.playbook,
            self.uses,
            self.language,
            self.given.books,
            sure,
            each=each,
            fallback=fallback,
            inputs_only=inputs_only,
        )

    def _guarded(self, condition: Json) -> frozenset[str]:
        """The steps that a condition asks about: whoever does that knows that they may not be done."""
        if not isinstance(condition, str):
            return frozenset()
        try:
            found = [self.language.read(one.text) for _, one in expressions(condition)]
        except InvalidExpressionError:
            return frozenset()
        return frozenset(path[1] for read in found for path in read.paths if len(path) > 1 and path[0] == "steps")

    def _condition(self, loc: Loc, condition: Json, scope: Scope) -> Iterator[Flaw]:
        if isinstance(condition, bool):
            return
        here: Loc = (*loc, "if")
        try:
            whole = isinstance(condition, str) and [type(part) for part in parts(condition)] == [Expression]
        except InvalidExpressionError as error:
            yield Flaw(here, error.message, error.hint)
            return
        if not whole:
            yield Flaw(here, "a condition is one expression, or true or false", "Write it as ${{ ... }}.")
            return
        yield from replace(scope, condition=True).flaws(here, condition)

    def _where_to(self, loc: Loc, step: Step) -> Iterator[Flaw]:
        if step.on_failure in (ABORT, CONTINUE):
            return
        here: Loc = (*loc, "on-failure")
        order = [one.id for one in self.playbook.steps]
        if step.on_failure not in order:
            hint = near(step.on_failure, [ABORT, CONTINUE, *order]) or "Write abort, continue, or the id of a step."
            yield Flaw(here, f"there is no step {step.on_failure!r}", hint)
        elif order.index(step.on_failure) <= order.index(step.id):
            yield Flaw(
                here,
                f"step {step.on_failure} is not after {step.id}: that would be a cycle",
                "Steps go forward only; retry tries a step again.",
            )

    def _each(self, loc: Loc, step: Step) -> Iterator[Flaw]:
        here: Loc = (*loc, "for-each")
        if isinstance(step.each, list):
            yield from self._scope(frozenset(), inputs_only=True).flaws(here, step.each)
            return
        try:
            found = list(expressions(step.each))
        except InvalidExpressionError as error:
            yield Flaw(here, error.message, error.hint)
            return
        if not isinstance(step.each, str) or len(parts(step.each)) != 1 or not found:
            yield Flaw(here, "for-each takes a list, or one expression of inputs", "Write ${{ inputs.NAME }}.")
            return
        yield from self._scope(frozenset(), inputs_only=True).flaws(here, step.each)
        name = only_input(step.each)
        if any(one.secret and one.name == name for one in self.playbook.inputs):
            yield Flaw(here, f"{name} is secret: steps are not done for each of its items", "Leave secret out.")
        kind = kind_of(self.playbook, step.each)
        if kind is not None and kind is not Kind.LIST:
            yield Flaw(here, f"for-each takes a list, and this input is a {kind.value}", "Give it type: list.")
