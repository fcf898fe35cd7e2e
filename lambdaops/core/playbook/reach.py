"""What a run will act on, as far as that is known before it: its own targets, and those of playbooks that it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidExpressionError, LambdaOpsError
from lambdaops.core.playbook.foresight import Foresight, UnknownError
from lambdaops.core.playbook.inputs import secrets_of, value_of, without
from lambdaops.core.playbook.scope import Books
from lambdaops.core.playbook.templates import said_of
from lambdaops.core.playbook.uses import Use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.core.playbook.book import Action, Input, Json
    from lambdaops.core.playbook.turns import Turn


@dataclass(frozen=True, slots=True)
class Aim:
    """Something that a step acts on, or the expression that will tell what."""

    name: str
    known: bool


@dataclass(frozen=True)
class Reach:
    """Follows steps into the playbooks that they run; ``books`` are those there are."""

    uses: Mapping[str, Use]
    books: Books

    def of(self, seen: Foresight, turn: Turn) -> Iterator[Aim]:
        """What a step acts on, unless it is not to be done."""
        action = turn.step.action
        use = self.uses.get(action.uses)  # a playbook that is run may have a flaw, which is told when it is
        if use is None or not use.changes or seen.when(turn.step.condition, turn) == "not":
            return
        for inner, each in inside(self.books, seen, action, turn):
            yield from self.of(inner, each)
        value = action.given.get(use.subject) if use.subject else None
        if value is None:
            return
        try:
            found, known = seen.known(value, turn), True
        except (UnknownError, InvalidExpressionError):
            found, known = seen.told(value, turn), False
        secrets = secrets_of(seen.playbook, seen.inputs)
        for one in found if isinstance(found, list) else [found]:
            yield Aim(without(str(one), secrets), known)


def inside(books: Books, seen: Foresight, action: Action, turn: Turn) -> Iterator[tuple[Foresight, Turn]]:
    """The steps of the playbook that an action runs, if it runs one, with the inputs that it is given."""
    name = action.given.get("playbook")
    other = books(name) if action.uses == "run-playbook" and isinstance(name, str) else None
    if other is None:
        return
    said = said_of(action, seen.inputs).get("inputs", {})
    inputs: dict[str, Json] = {}
    blind: set[str] = set()
    for one in other.inputs:
        try:
            inputs[one.name] = _handed(seen, one, said, turn)
        except (UnknownError, LambdaOpsError):
            inputs[one.name] = f"<inputs.{one.name}>"  # null would be nothing, which is something that is known
            blind.add(one.name)
    inner = Foresight(other, inputs, seen.language, frozenset(blind))
    for step in other.steps:
        for each in inner.turns(step):
            yield inner, each


def _handed(seen: Foresight, wanted: Input, said: Json, turn: Turn) -> Json:
    """The value of an input of another playbook.

    Raises:
        UnknownError: only an earlier step can tell.
        LambdaOpsError: it cannot be told, or does not fit.
    """
    given = seen.known(said, turn) if isinstance(said, str) else said
    if not isinstance(given, dict) or (wanted.name not in given and wanted.required):
        raise UnknownError(wanted.name)
    if wanted.name in given:
        return value_of(wanted, seen.known(given[wanted.name], turn) if given is said else given[wanted.name])
    return value_of(wanted, wanted.default) if wanted.default is not None else None
