"""The names in a configuration file, without checking it: for a shell that waits for completions.

What is not as it should be is left out; the commands themselves say what is wrong with the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from lambdaops.config.contents import contents
from lambdaops.config.loader import ShallowLoader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Outline:
    """What a file names; ``alarms`` are those written out in full, by function."""

    functions: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    alarms: tuple[tuple[str, str], ...] = ()


def outline(path: Path) -> Outline:
    """What the file names; nothing if it cannot be read."""
    try:
        data = contents(path, _MOST_BYTES)
        found = yaml.load(data, Loader=ShallowLoader) if len(data) <= _MOST_BYTES else None  # noqa: S506 -- it is safe
    except (OSError, yaml.YAMLError, ValueError, RecursionError):
        return Outline()
    top = _mapping(found)
    usual = _mapping(top.get("defaults")).get("alias")
    functions = _mapping(top.get("functions"))
    aliases = {name: _mapping(settings).get("alias", usual) for name, settings in functions.items()}
    return Outline(
        functions=tuple(functions),
        targets=tuple(f"{name}:{alias}" for name, alias in aliases.items() if isinstance(alias, str)),
        strategies=tuple(_mapping(top.get("strategies"))),
        environments=tuple(_mapping(top.get("environments"))),
        alarms=tuple(_alarms({"": top.get("defaults"), **functions})),
    )


def _mapping(value: object) -> Mapping[str, object]:
    """The value's entries with text for a key, if it is a mapping."""
    return {key: part for key, part in value.items() if isinstance(key, str)} if isinstance(value, dict) else {}


def _alarms(functions: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for function, settings in functions.items():
        alarms = _mapping(settings).get("alarms")
        for alarm in alarms if isinstance(alarms, list) else ():
            if isinstance(alarm, str) and not set(alarm) & set("*?[{"):
                yield function, alarm
