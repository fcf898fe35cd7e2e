"""What steps may use: our own commands, with the options they have, and what is built in.

Rules this file guarantees: a command's parameters are read from the command itself, so that a step can be given what
the command takes and nothing else; only the commands that a playbook names are imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lambdaops.core.playbook.builtin import BUILTIN
from lambdaops.core.playbook.commands import COMMANDS, NEVER, Command
from lambdaops.core.playbook.uses import Parameter, Shape, Use

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass
class Catalogue(Mapping[str, Use]):
    """Every use by its name; those of commands are made when they are asked for."""

    _made: dict[str, Use] = field(default_factory=lambda: dict(BUILTIN))

    def __getitem__(self, name: str) -> Use:
        if name not in self._made:
            self._made[name] = _use(name, COMMANDS[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter([*COMMANDS, *BUILTIN])

    def __len__(self) -> int:
        return len(COMMANDS) + len(BUILTIN)


def command_of(words: Iterable[str]) -> Any:  # noqa: ANN401 -- the class is of typer's private part
    """The command that these words call, as typer made it."""
    from lambdaops.cli.commands import tree

    first, *_ = words = tuple(words)
    found = tree(first)
    for word in words:
        found = found.commands[word]
    return found


def _use(name: str, command: Command) -> Use:
    made = command_of(command.words)
    parameters = [_parameter(one, command) for one in made.params]
    kept = {
        one.name: one
        for one in parameters
        if one is not None and one.name not in NEVER and one.name not in command.without
    }
    return Use(
        name,
        (made.help or "").strip().partition("\n")[0],
        kept,
        command.changes,
        command.stoppable,
        command.subject,
        command.outputs,
        command.calls,
        command.again,
        command.words,
        command.spared,
    )


def _parameter(made: Any, command: Command) -> Parameter | None:  # noqa: ANN401
    option = next((word for word in made.opts if word.startswith("--")), "")
    if made.param_type_name == "option" and not option:
        return None
    name = option.removeprefix("--") if option else command.called.get(made.name, made.name).replace("_", "-")
    off = next((word for word in made.secondary_opts if word.startswith("--")), "")
    choices = tuple(str(getattr(one, "value", one)) for one in getattr(made.type, "choices", ()))
    required = bool(made.required) and not made.envvar
    return Parameter(name, _shape(made, name, command), required, made.help or "", choices, option, off)


def _shape(made: Any, name: str, command: Command) -> Shape:  # noqa: ANN401
    if name in command.mappings:
        return Shape.MAPPING
    if getattr(made, "multiple", False) or made.nargs == -1:
        return Shape.LIST
    if getattr(made, "is_flag", False):
        return Shape.FLAG
    return Shape.NUMBER if made.type.name.startswith("integer") else Shape.TEXT
