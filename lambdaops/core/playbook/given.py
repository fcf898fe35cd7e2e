"""What a step is given, held against what it takes; and the rules that single steps have of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.duration import parse_duration
from lambdaops.core.errors import InvalidExpressionError, LambdaOpsError
from lambdaops.core.playbook.book import Kind, Playbook
from lambdaops.core.playbook.builtin import ALLOWED_CALLS
from lambdaops.core.playbook.commands import NEVER
from lambdaops.core.playbook.hints import listed, near
from lambdaops.core.playbook.language import Expressions, Flaw
from lambdaops.core.playbook.scope import Books, Scope, fits, has_expression
from lambdaops.core.playbook.templates import expressions, only_input
from lambdaops.core.playbook.uses import Shape, Use

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Action, Json, Loc
    from lambdaops.core.playbook.uses import Parameter


@dataclass
class Given:
    """Checks what steps of a playbook are given."""

    playbook: Playbook
    uses: Mapping[str, Use]
    language: Expressions
    books: Books

    def flaws(self, loc: Loc, action: Action, scope: Scope) -> Iterator[Flaw]:
        """What is wrong with what one action is given; ``loc`` is that of its step."""
        use = self.uses.get(action.uses)
        if use is None:
            hint = near(action.uses, self.uses) or f"There is {', '.join(sorted(self.uses))}."
            yield Flaw((*loc, "uses"), f"no step uses {action.uses!r}", hint)
            return
        for name, value in action.given.items():
            here: Loc = (*loc, "with", name)
            parameter = use.parameters.get(name)
            if parameter is None:
                yield Flaw(here, f"{use.name} takes no {name!r}", _instead(name, use), key=True)
                continue
            before = scope.count
            yield from scope.flaws(here, value)
            if use.words and (use.name, name) != ("run-playbook", "inputs"):
                yield from self._secrets(here, use.name, value)
            if scope.count == before:
                yield from self._shape(here, use, parameter, value)
        for parameter in use.parameters.values():
            if parameter.required and parameter.name not in action.given:
                yield Flaw((*loc, "uses"), f"{use.name} needs {parameter.name}", parameter.about)
            elif parameter.required and self._may_be_nothing(action.given[parameter.name]):
                here = (*loc, "with", parameter.name)
                yield Flaw(here, f"{use.name} needs {parameter.name}, and this input may be null", "Give it a default.")
        yield from self._own_rules(loc, use, action)

    def _may_be_nothing(self, value: Json) -> bool:
        try:
            name = only_input(value)
        except InvalidExpressionError:
            return False  # told already
        return any(one.name == name and not one.required and one.default is None for one in self.playbook.inputs)

    def _secrets(self, loc: Loc, where: str, value: Json) -> Iterator[Flaw]:
        """A command journals what it is given; what steps that are none record is masked."""
        secret = {one.name for one in self.playbook.inputs if one.secret}
        if not secret:
            return
        try:
            read = [self.language.read(one.text) for _, one in expressions(value)]
        except InvalidExpressionError:
            return  # told already
        for path in (path for one in read for path in one.paths if path[0] == "inputs"):
            if len(path) == 1 or path[1] in secret:
                yield Flaw(
                    loc,
                    f"{where} would put the secret {'.'.join(path)} on record",
                    "Secrets go to invoke's payload, to aws, or to a secret input of run-playbook.",
                )

    def _shape(self, loc: Loc, use: Use, parameter: Parameter, value: Json) -> Iterator[Flaw]:
        shape = parameter.shape
        told = f"{use.name}: {parameter.name} takes {'text' if shape is Shape.TEXT else shape.value}"
        kind = kind_of(self.playbook, value)
        if kind is not None:
            if not _takes(shape, kind):
                yield Flaw(loc, f"{told}, and this input is a {kind.value}", "Give the input another type.")
            return
        if has_expression(value) and isinstance(value, str):
            return
        right = {
            Shape.TEXT: isinstance(value, str | int | float) and not isinstance(value, bool),
            Shape.NUMBER: isinstance(value, int) and not isinstance(value, bool),
            Shape.FLAG: isinstance(value, bool),
            Shape.LIST: isinstance(value, list | str),
            Shape.MAPPING: isinstance(value, dict),
            Shape.ANY: True,
        }[shape]
        if not right:
            hint = "Put it into quotes if it is meant as text." if isinstance(value, bool) else ""
            yield Flaw(loc, told, hint)
        elif parameter.choices and isinstance(value, str) and value not in parameter.choices:
            hint = near(value, parameter.choices) or f"Allowed: {', '.join(parameter.choices)}."
            yield Flaw(loc, f"{use.name}: {parameter.name} cannot be {value!r}", hint)

    def _own_rules(self, loc: Loc, use: Use, action: Action) -> Iterator[Flaw]:
        given = action.given
        if use.name == "wait-for":
            ways = [name for name in ("time", "alarms", "queue") if name in given]
            if len(ways) != 1:
                yield Flaw((*loc, "uses"), "wait-for takes exactly one of time, alarms and queue")
        if use.name in ("wait-for", "approve"):
            yield from (
                flaw
                for name in ("time", "for", "within")
                if name in given
                for flaw in _duration(loc, name, given[name])
            )
        if use.name == "aws":
            yield from _call(loc, given)
        if use.name in ("invoke", "aws") and isinstance(given.get("select"), str):
            try:
                self.language.read(str(given["select"]))
            except InvalidExpressionError as error:
                yield Flaw((*loc, "with", "select"), error.message, error.hint)
        if use.name == "run-playbook":
            yield from self._other(loc, given)

    def _other(self, loc: Loc, given: Mapping[str, Json]) -> Iterator[Flaw]:
        """A playbook that another one runs: it is there, runs nothing in a circle, and gets its inputs."""
        name = given.get("playbook")
        here: Loc = (*loc, "with", "playbook")
        if not isinstance(name, str):
            return
        if has_expression(name):
            yield Flaw(here, "which playbook is run must be known beforehand", "Write its name.")
            return
        other = self.playbook if name == self.playbook.name else self.books(name)
        if other is None:
            yield Flaw(here, f"there is no playbook {name!r}", "lambdaops playbook list shows those there are.")
            return
        circle = self._circle((self.playbook.name,), other)
        if circle:
            yield Flaw(here, f"it runs in a circle: {' -> '.join(circle)}", "Take one of them out.")
            return
        said = given.get("inputs", {})
        if not isinstance(said, dict):
            return
        known = {one.name: one for one in other.inputs}
        for key in said:
            if key not in known:
                yield Flaw((*loc, "with", "inputs", key), f"{name} has no input {key!r}", near(key, known), key=True)
        for one in known.values():
            if one.required and one.name not in said:
                yield Flaw((*loc, "uses"), f"{name} needs the input {one.name}", one.description)
            elif one.required and self._may_be_nothing(said[one.name]):
                here = (*loc, "with", "inputs", one.name)
                yield Flaw(here, f"{name} needs the input {one.name}, and this input may be null", "Give it a default.")
            elif one.name in said and not one.secret:
                yield from self._secrets((*loc, "with", "inputs", one.name), name, said[one.name])
                if not has_expression(said[one.name]):
                    yield from fits((*loc, "with", "inputs", one.name), one, said[one.name])

    def _circle(self, above: tuple[str, ...], other: Playbook) -> tuple[str, ...]:
        if other.name in above:
            return (*above[above.index(other.name) :], other.name)
        for name in other.runs:
            if name in (*above, other.name):
                return (*above, other.name, name)
            inner = self.books(name)
            found = self._circle((*above, other.name), inner) if inner is not None else ()
            if found:
                return found
        return ()


def kind_of(playbook: Playbook, value: Json) -> Kind | None:
    """The kind of the input that a value is, if it is nothing else."""
    name = only_input(value)
    return next((one.kind for one in playbook.inputs if one.name == name), None)


def _duration(loc: Loc, name: str, value: Json) -> Iterator[Flaw]:
    if has_expression(value):
        return
    try:
        parse_duration(value if isinstance(value, str) else str(value))
    except LambdaOpsError as error:
        yield Flaw((*loc, "with", name), error.message, error.hint)


def _call(loc: Loc, given: Mapping[str, Json]) -> Iterator[Flaw]:
    service, call = given.get("service"), given.get("call")
    for name, value in (("service", service), ("call", call)):
        if has_expression(value):
            yield Flaw((*loc, "with", name), "which call is made must be known beforehand", "Write its name.")
            return
    if not isinstance(service, str) or not isinstance(call, str):
        return
    if service not in ALLOWED_CALLS:
        hint = near(service, ALLOWED_CALLS) or listed("There is", ALLOWED_CALLS)
        yield Flaw((*loc, "with", "service"), f"nothing of {service} may be called", hint)
    elif call not in ALLOWED_CALLS[service]:
        allowed = sorted(ALLOWED_CALLS[service])
        hint = near(call, allowed) or listed("Allowed:", allowed)
        yield Flaw((*loc, "with", "call"), f"{service} {call} may not be called: only what reads may", hint)


def _takes(shape: Shape, kind: Kind) -> bool:
    match shape:
        case Shape.FLAG:
            return kind is Kind.BOOLEAN
        case Shape.NUMBER:
            return kind in (Kind.INTEGER, Kind.NUMBER)
        case Shape.LIST:
            return kind is not Kind.BOOLEAN
        case Shape.TEXT:
            return kind not in (Kind.LIST, Kind.BOOLEAN)
        case Shape.MAPPING:
            return False
        case Shape.ANY:
            return True


def _instead(name: str, use: Use) -> str:
    if name in NEVER:
        return "The run decides that: it keeps to one environment, and asks once."
    return near(name, use.parameters) or listed("It takes", use.parameters)
