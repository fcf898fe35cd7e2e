"""A step as the command line that does the same."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from lambdaops.core.errors import StepRefusedError
from lambdaops.core.playbook.inputs import MASK, without
from lambdaops.core.playbook.uses import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lambdaops.core.playbook.book import Json
    from lambdaops.core.playbook.uses import Parameter, Use


def argv(use: Use, given: Mapping[str, Json]) -> list[str]:
    """The words after ``lambdaops``; a value is one word, whatever is in it.

    Raises:
        StepRefusedError: a value is not what its parameter takes.
    """
    options: list[str] = []
    arguments: list[str] = []
    for parameter in use.parameters.values():
        value = given.get(parameter.name)
        if value is None or (value == "" and parameter.option):
            continue  # nothing is said
        words = _words(use, parameter, value)
        if parameter.option:
            options += words
        else:
            arguments += words
    # What begins with a hyphen would be taken for an option.
    guard = ["--"] if any(word.startswith("-") for word in arguments) else []
    return [*use.words, *(options + guard + arguments if guard else arguments + options)]


def shown(words: Sequence[str], secrets: Sequence[str] = ()) -> str:
    """A command line as people type it, secrets masked before they are quoted."""
    masked = (without(word, secrets) for word in words)
    return " ".join(word if word == MASK else shlex.quote(word) for word in masked)


def _words(use: Use, parameter: Parameter, value: Json) -> list[str]:
    if parameter.shape is Shape.FLAG:
        if not isinstance(value, bool):
            raise _refused(use, parameter, value)
        return [parameter.option] if value else [parameter.off] if parameter.off else []
    if parameter.shape is Shape.LIST:
        items = value if isinstance(value, list) else [value]
        return [word for item in items for word in _option(parameter, _text(use, parameter, item))]
    if parameter.shape in (Shape.MAPPING, Shape.ANY):
        return _option(parameter, json.dumps(value, ensure_ascii=False, sort_keys=True))
    return _option(parameter, _text(use, parameter, value))


def _option(parameter: Parameter, word: str) -> list[str]:
    if not parameter.option:
        return [word]
    return [f"{parameter.option}={word}"] if word.startswith("-") else [parameter.option, word]


def _text(use: Use, parameter: Parameter, value: Json) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _refused(use, parameter, value)
    text = str(value)
    if "\x00" in text:
        raise _refused(use, parameter, value)
    return text


def _refused(use: Use, parameter: Parameter, value: Json) -> StepRefusedError:
    found = type(value).__name__ if isinstance(value, list | dict) else json.dumps(value)
    return StepRefusedError(
        f"{use.name}: {parameter.name} takes {parameter.shape.value}, and was given {found}",
        hint="Correct the playbook, or the input that it comes from.",
    )
