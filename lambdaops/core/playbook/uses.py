"""The catalogue's nouns: what a step may use, what it takes and gives, and what it means to do it twice."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from lambdaops.core.playbook.book import Json


class Shape(enum.Enum):
    """What a parameter takes."""

    TEXT = "text"
    NUMBER = "a number"
    FLAG = "true or false"
    LIST = "a list"
    MAPPING = "a mapping"
    ANY = "anything"


class Again(enum.Enum):
    """What doing a step once more means, when nobody knows whether it was done.

    ``SAFE``: what was done is recognised, or doing it again changes nothing. ``ASK``: it may happen twice; a person
    decides.
    """

    SAFE = "safe"
    ASK = "ask"


@dataclass(frozen=True)
class Parameter:
    """Something a step is given.

    Of a command, ``option`` is how it is said there, and ``off`` how its contrary is; without one it is an argument.
    """

    name: str
    shape: Shape = Shape.TEXT
    required: bool = False
    about: str = ""
    choices: tuple[str, ...] = ()
    option: str = ""
    off: str = ""


@dataclass(frozen=True)
class Spared:
    """Calls that a command does not make with certain options.

    Attributes:
        calls: which.
        given: not made if one of these is given, and is not ``false``.
        off: not made if this is given as ``false``.
        lacking: not made unless one of these is given, and is not ``false``.
    """

    calls: tuple[str, ...]
    given: tuple[str, ...] = ()
    off: str = ""
    lacking: tuple[str, ...] = ()

    def holds(self, given: Mapping[str, Json]) -> bool:
        """Whether the calls are not made; a value that only the run will know counts as one that is given."""
        said = {name for name, value in given.items() if value not in (False, None, [], "")}
        missing = bool(self.lacking) and not said & {*self.lacking}
        return bool(said & {*self.given}) or given.get(self.off) is False or missing


@dataclass(frozen=True)
class Use:
    """Something a step can do.

    Attributes:
        name: what ``uses`` says.
        about: a line for people.
        parameters: what ``with`` may say.
        changes: whether it changes anything outside the journal.
        stoppable: whether it can be asked to stop, by a timeout or an alarm, before it is done.
        subject: the parameter that names what it acts on, for the limit on targets.
        outputs: what it gives.
        calls: the AWS calls it may make, such as ``lambda:UpdateAlias``.
        spared: those that it does not make with certain options.
        again: see there.
        words: how the command is called; none for a step that is no command.
    """

    name: str
    about: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    changes: bool = False
    stoppable: bool = False
    subject: str = ""
    outputs: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    again: Again = Again.SAFE
    words: tuple[str, ...] = ()
    spared: tuple[Spared, ...] = ()

    def calls_with(self, given: Mapping[str, Json]) -> tuple[str, ...]:
        """The AWS calls it may make if it is given this."""
        spared = {call for one in self.spared if one.holds(given) for call in one.calls}
        return tuple(call for call in dict.fromkeys(self.calls) if call not in spared)


@dataclass(frozen=True)
class Result:
    """How a step went: the exit code as a command would have it, a line for people, what it gives.

    ``unsure`` when it failed and may have been done all the same.
    """

    code: int = 0
    message: str = ""
    outputs: Mapping[str, Json] = field(default_factory=dict)
    error: str = ""
    unsure: bool = False

    @property
    def done(self) -> bool:
        """Whether it did what it was to do."""
        return self.code == 0


def parameters(*all_: Parameter) -> dict[str, Parameter]:
    """By their names."""
    return {one.name: one for one in all_}
