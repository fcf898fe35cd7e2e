"""The values of one run: what steps are given, what expressions see, and what of it may be told and recorded.

Rules this file guarantees: what leaves here as text or JSON has every secret masked, and is no longer than a record
takes; a value is filled in once; of a step that gave nothing it is not guessed whether there is anything to take back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidExpressionError, NothingGivenError
from lambdaops.core.playbook.argv import argv, shown
from lambdaops.core.playbook.book import Json, Playbook
from lambdaops.core.playbook.builtin import ASSERT
from lambdaops.core.playbook.inputs import secrets_of, value_without, without
from lambdaops.core.playbook.language import Expressions
from lambdaops.core.playbook.plan import Place
from lambdaops.core.playbook.records import Status
from lambdaops.core.playbook.run import Tried
from lambdaops.core.playbook.templates import expressions, fill, is_true, said_of
from lambdaops.core.playbook.turns import Turn, failed_so_far, steps_seen

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Action
    from lambdaops.core.playbook.run import Run
    from lambdaops.core.playbook.uses import Use

_LONGEST = 4_000
"""Characters of a text in a record."""
_MOST_OUTPUT = 32 * 1024
"""Bytes of JSON that a step may give; what is larger is left out, name by name: a row of a table takes 400 KiB."""


@dataclass(frozen=True)
class Values:
    """What a run is made with: its playbook, inputs and turns, the language of its expressions, and where it acts."""

    playbook: Playbook
    inputs: Mapping[str, Json]
    turns: list[Turn]
    language: Expressions
    place: Place

    @cached_property
    def _secrets(self) -> Sequence[str]:
        return secrets_of(self.playbook, self.inputs)

    # -- in ------------------------------------------------------------------------------------------------------------

    def wanted(self, run: Run, turn: Turn) -> bool:
        """Whether a step is to be done.

        Raises:
            InvalidExpressionError: its condition gives no value.
        """
        condition = turn.step.condition
        return condition if isinstance(condition, bool) else self._true(condition, run, turn)

    def to_take_back(self, run: Run, turn: Turn) -> bool:
        """Whether there is anything of a step to take back.

        Raises:
            InvalidExpressionError: its condition gives no value, or reads of the step what is not on record.
        """
        undo = turn.step.undo
        condition = undo.condition if undo is not None else False
        if isinstance(condition, bool):
            return condition
        missing = self._not_on_record(condition, run, turn)
        if missing:
            raise InvalidExpressionError(
                f"{missing} is not on record, so whether there is anything to take back is not known; look, take it "
                f"back by hand, then end the run: lambdaops playbook cancel {run.id} --no-compensate"
            )
        return self._true(condition, run, turn, back=True)

    def may_be_taken_back(self, run: Run, turn: Turn) -> bool:
        """The same, where what cannot be told counts as yes: whoever takes it back says what is wrong."""
        try:
            return self.to_take_back(run, turn)
        except InvalidExpressionError:
            return True

    def _not_on_record(self, condition: Json, run: Run, turn: Turn) -> str:
        """What a condition reads of what the step gave and the journal does not have; empty if it has all of it."""
        tried = run.tried.get(turn.key, Tried())
        left_out = tried.outputs.get("left_out")
        for _, expression in expressions(condition):
            for path in self.language.read(expression.text).paths:
                own = path[:3] == ("steps", turn.step.id, "outputs") and turn.step.each is None
                if path[0] != "outputs" and not own:
                    continue
                if tried.status is not Status.DONE and not tried.outputs:
                    return "what it gave"
                names = path[3:] if own else path[1:]
                if isinstance(left_out, list) and (not names or names[0] in left_out):
                    return f"{'.'.join(path)} was too large and"
        return ""

    def given(self, run: Run, turn: Turn, action: Action, use: Use, *, back: bool = False) -> dict[str, Json]:
        """What an action is given; ``back`` if it takes the step back.

        Raises:
            InvalidExpressionError: an expression gives no value, or nothing.
        """
        given: dict[str, Json] = {}
        for name, value in said_of(action, self.inputs).items():
            if use is ASSERT and name == "that":
                given[name] = self._true(value, run, turn, back=back)
            else:
                given[name] = fill(value, lambda text: self._evaluate(text, run, turn, back=back))
        return given

    def outputs(self, run: Run) -> dict[str, Json]:
        """What the playbook gives; what cannot be told is null."""
        found: dict[str, Json] = {}
        for name, value in self.playbook.outputs.items():
            try:
                found[name] = fill(value, lambda text: self._evaluate(text, run, None))
            except InvalidExpressionError:
                found[name] = None
        return found

    def _true(self, value: Json, run: Run, turn: Turn, *, back: bool = False) -> bool:
        """Whether it is so; where the expression gives nothing, it is not."""
        try:
            return is_true(fill(value, lambda text: self._evaluate(text, run, turn, back=back)))
        except NothingGivenError:
            return False

    def _evaluate(self, text: str, run: Run, turn: Turn | None, *, back: bool = False) -> Json:
        said = run.said
        context: dict[str, Json] = {
            "inputs": dict(self.inputs),
            "steps": steps_seen(self.playbook, self.turns, run),
            "run": {
                "id": run.id,
                "name": said.name,
                "environment": self.place.environment,
                "account": self.place.account,
                "region": self.place.region,
                "actor": run.opened.actor.arn,
                "reason": said.reason,
                "ticket": said.ticket,
                "failed": failed_so_far(run),
            },
        }
        if turn is not None and turn.step.each is not None:
            context["item"] = turn.item
        if turn is not None and back:
            context["outputs"] = run.tried.get(turn.key, Tried()).outputs
        return self.language.evaluate(text, context)

    # -- out -----------------------------------------------------------------------------------------------------------

    def masked(self, text: str) -> str:
        """A text for people, cut where it is too long for a record."""
        told = without(text, self._secrets)
        return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 3]}..."

    def said(self, use: Use, given: Mapping[str, Json]) -> str:
        """What a step does, in words.

        Raises:
            StepRefusedError: a value is not what its parameter takes.
        """
        if use.words:
            return self.masked(shown(argv(use, given), self._secrets))
        told = {name: value for name, value in given.items() if name != "payload"}
        words = (f"{name}={value if isinstance(value, str) else _json(value)}" for name, value in told.items())
        return self.masked(" ".join([use.name, *words]))

    def acts_on(self, turn: Turn, use: Use, given: Mapping[str, Json]) -> tuple[str, ...]:
        """The targets of a step that changes something.

        Secrets are masked; what may be another target counts as one, so that none is missed: they are told apart by the
        steps that they belong to.
        """
        value = given.get(use.subject) if use.subject and use.changes else None
        items = value if isinstance(value, list) else [value]
        told = [str(item) for item in items if item is not None]
        masked = [(item, self.masked(item)) for item in told]
        return tuple(dict.fromkeys(shown if shown == item else f"{shown} of {turn.key}" for item, shown in masked))

    def kept(self, given: Mapping[str, Json]) -> str:
        """As JSON; of more than fits, what is large is left out, and said to be."""
        outputs = {without(name, self._secrets): value_without(value, self._secrets) for name, value in given.items()}
        text = _json(dict(outputs))
        if len(text.encode()) <= _MOST_OUTPUT:
            return text
        kept: dict[str, Json] = {}
        left_out: list[Json] = []
        for name, value in sorted(outputs.items(), key=lambda item: len(_json(item[1]))):
            if len(_json({**kept, name: value}).encode()) <= _MOST_OUTPUT // 2:
                kept[name] = value
            else:
                left_out.append(name)
        return _json({**kept, "left_out": left_out})


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
