"""The configuration file, read and checked: everything wrong with it at once, each with line and column."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from lambdaops.config.document import Document, Loc, mistake_at, read_document
from lambdaops.config.models import File, validate
from lambdaops.config.templates import Spot
from lambdaops.config.words import NOTHING, OWN, nearest
from lambdaops.core.errors import FileMistake, InvalidConfigError

_KINDS = {
    "string_type": "text",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "list_type": "a list",
}
_KEY = "[key]"


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
            mistakes += [_translated(item, document) for item in error.errors(include_url=False)]
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


# -- pydantic's errors in our words ------------------------------------------------------------------------------------


def _translated(error: Any, document: Document) -> FileMistake:  # noqa: ANN401 -- pydantic's ErrorDetails
    loc, kind = tuple(error["loc"]), error["type"]
    context = error.get("ctx", {})
    name = ".".join(str(part) for part in loc if part != _KEY)
    if loc and loc[-1] == _KEY and kind != "extra_forbidden":
        spot = document.keys.get(loc[:-1], document.spot(loc[:-1]))
        return mistake_at(spot, context.get("message", error["msg"]), context.get("hint", ""))
    spot = document.spot(loc)
    if kind == OWN:
        return mistake_at(spot, f"{name}: {context['message']}" if name else context["message"], context["hint"])
    if kind == "extra_forbidden":
        keys = _keys(loc[:-1])
        hint = nearest(str(loc[-1]), keys) or f"What may be here: {', '.join(keys)}."
        return mistake_at(document.keys.get(loc, spot), f"{name}: nothing is called {loc[-1]!r} here", hint)
    if kind == "missing":
        hint = _description(loc)
        return mistake_at(document.keys.get(loc[:-1], spot), f"{name} is missing", hint)
    if kind == "literal_error":
        return mistake_at(spot, f"{name}: expected {context['expected']}, found {_shown(error['input'])}")
    if kind in _KINDS:
        quote = kind == "string_type" and isinstance(error["input"], (bool, int))
        hint = "Put it into quotes if it is meant as text." if quote else ""
        return mistake_at(spot, f"{name or 'the file'}: expected {_KINDS[kind]}, found {_shown(error['input'])}", hint)
    if kind in ("too_short", "string_too_short"):
        return mistake_at(spot, f"{name}: {NOTHING[0]}", NOTHING[1])
    return mistake_at(spot, f"{name}: {error['msg'][:1].lower()}{error['msg'][1:]}")


def _shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "nothing"
        case str() if "://" in value:
            return "a URL"  # a webhook's is a secret
        case _:
            text = repr(value)
            return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 -- a line should stay a line


def _keys(loc: Loc) -> list[str]:
    """The keys that a mapping of the file may have."""
    model = _model(loc)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _description(loc: Loc) -> str:
    model = _model(loc[:-1])
    for field_ in model.model_fields.values() if model else ():
        if field_.alias == loc[-1]:
            return field_.description or ""
    return ""


def _model(loc: Loc) -> type[BaseModel] | None:
    """The model of the mapping at this place."""
    kind: Any = File
    for part in loc:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {field_.alias: field_.annotation for field_ in kind.model_fields.values()}
            kind = _bare(fields.get(str(part)))
        elif typing.get_origin(kind) in (dict, list):
            kind = _bare(typing.get_args(kind)[-1])
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _bare(kind: Any) -> Any:  # noqa: ANN401 -- a type expression
    """Without None and what is annotated."""
    while True:
        inner = [part for part in typing.get_args(kind) if part is not type(None)]
        if typing.get_origin(kind) is typing.Annotated or type(None) in typing.get_args(kind):
            kind = inner[0]
        else:
            return kind
