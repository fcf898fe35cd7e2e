"""The configuration file, read and checked: everything wrong with it at once, each with line and column."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from lambdaops.config.document import Document, Loc, mistake_at, read_document
from lambdaops.config.mistakes import translated
from lambdaops.config.models import File, validate
from lambdaops.config.templates import Spot
from lambdaops.config.words import nearest
from lambdaops.core.errors import FileMistake, InvalidConfigError


@dataclass(frozen=True)
class Config:
    """A file without a mistake, and where its parts stand."""

    path: Path
    file: File
    spots: dict[Loc, Spot] = field(default_factory=dict)


def read_config(path: Path, shown: Path | None = None) -> Config:
    """Read a file; ``shown`` is how it is called in messages.

    Raises:
        InvalidFileError: it cannot be read at all.
        InvalidConfigError: with every mistake in it.
    """
    document = read_document(path, shown)
    found: File | None = None
    mistakes = list(document.mistakes)
    if document.data is not None:
        try:
            found = validate(document.data)
        except ValidationError as error:
            mistakes += [translated(item, document, File) for item in error.errors(include_url=False)]
        mistakes += _beyond(document)
    mistakes = sorted(set(mistakes), key=lambda item: (item.line, item.column, item.message))
    if mistakes or found is None:
        count = f"{len(mistakes)} mistakes" if len(mistakes) > 1 else "a mistake"
        raise InvalidConfigError(
            f"{document.path} has {count}: {mistakes[0]}",
            hint=mistakes[0].hint or "Correct it there; lambdaops config check looks again.",
            mistakes=tuple(mistakes),
        )
    return Config(document.path, found, document.spots | document.keys)


def _beyond(document: Document) -> list[FileMistake]:
    """What no single value shows: accounts without their quotes, and overrides of nothing."""
    data = document.data if isinstance(document.data, dict) else {}
    functions = data.get("functions")
    known = tuple(functions) if isinstance(functions, dict) else ()
    mistakes = []
    environments = data.get("environments")
    for name, environment in environments.items() if isinstance(environments, dict) else ():
        if not isinstance(environment, dict):
            continue
        loc: Loc = ("environments", name, "account")
        account = environment.get("account")
        if loc in document.unquoted and isinstance(account, str) and account.startswith("0"):
            what = f"the account {account} begins with a zero and is not quoted: YAML may read it as another number"
            mistakes.append(mistake_at(document.spot(loc), what, f'Write it in quotes: "{account}".'))
        overrides = environment.get("functions")
        for function in overrides if isinstance(overrides, dict) else ():
            if function not in known:
                spot = document.keys["environments", name, "functions", function]
                what = f"{function!r} is not among the functions of this file"
                near = nearest(function, known) or f"Add it: under functions, {function}: {{}}."
                mistakes.append(mistake_at(spot, what, near))
    return mistakes
