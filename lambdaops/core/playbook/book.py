"""What a playbook says: inputs, steps, limits. Texts in it may hold expressions, which nothing here evaluates."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""A value as JSON knows it; what a file says, what a step gives."""

Loc = tuple[str | int, ...]
"""The way to a part of the file: keys of mappings, and numbers in lists."""

ABORT, CONTINUE = "abort", "continue"
"""What may follow a failed step; anything else is the id of a later step."""


class Kind(enum.Enum):
    """What an input is."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DURATION = "duration"
    TARGET = "target"
    FUNCTION = "function"
    VERSION = "version"
    QUEUE = "queue"
    ALARM = "alarm"
    LIST = "list"


@dataclass(frozen=True)
class Input:
    """Something that whoever runs the playbook says.

    ``of`` is the kind of a list's items. ``default`` counts only if the input is not ``required``. A ``secret`` is
    never journaled and never shown.
    """

    name: str
    kind: Kind = Kind.STRING
    of: Kind = Kind.STRING
    description: str = ""
    required: bool = True
    default: Json = None
    allowed: tuple[Json, ...] = ()
    pattern: str = ""
    secret: bool = False


@dataclass(frozen=True)
class Retry:
    """How often a step is tried altogether, and how long is waited in between."""

    attempts: int
    every: timedelta = timedelta(seconds=10)


@dataclass(frozen=True)
class Action:
    """What a step does: a name of the catalogue, and what it is given."""

    uses: str
    given: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Undo(Action):
    """What takes a step back; ``condition`` (``if``) says whether there is anything to take back."""

    condition: Json = True


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        id: its name in expressions and in the journal.
        action: what it does.
        about: a line for people.
        condition: ``if``: an expression, or true or false.
        retry: how often it is tried, if more than once.
        timeout: how long it may take; for steps that can be asked to stop.
        on_failure: ABORT, CONTINUE, or the id of the step that follows.
        undo: ``compensate``: what takes it back when a later step fails.
        each: ``for-each``: a list of inputs; the step is done once for each item.
        end: whether the run is over once this step was done.
    """

    id: str
    action: Action
    about: str = ""
    condition: Json = True
    retry: Retry | None = None
    timeout: timedelta | None = None
    on_failure: str = ABORT
    undo: Undo | None = None
    each: Json = None
    end: bool = False


@dataclass(frozen=True)
class Limits:
    """How far a playbook may reach: targets of one run, and runs in an hour. None: without limit."""

    targets: int | None = None
    runs_per_hour: int | None = None


@dataclass(frozen=True)
class Playbook:
    """A playbook as it is written; ``digest`` is the SHA-256 of its file, ``source`` where that is."""

    name: str
    steps: tuple[Step, ...]
    description: str = ""
    inputs: tuple[Input, ...] = ()
    outputs: Mapping[str, Json] = field(default_factory=dict)
    limits: Limits = Limits()
    digest: str = ""
    source: str = ""

    def step(self, name: str) -> Step:
        """The step of this id."""
        return next(step for step in self.steps if step.id == name)

    @property
    def runs(self) -> tuple[str, ...]:
        """The names of the playbooks that its steps run, or run to take something back; in order."""
        actions = [action for step in self.steps for action in (step.action, step.undo) if action is not None]
        named = [action.given.get("playbook") for action in actions if action.uses == "run-playbook"]
        return tuple(name for name in named if isinstance(name, str))
