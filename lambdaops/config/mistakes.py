"""Pydantic's errors in our words, with the line and column of what is wrong."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from lambdaops.config.document import Document, Loc, mistake_at
from lambdaops.config.words import NOTHING, OWN, nearest

if TYPE_CHECKING:
    from lambdaops.core.errors import FileMistake

_KINDS = {
    "string_type": "text",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "list_type": "a list",
}
_KEY = "[key]"


def translated(error: Any, document: Document, root: type[BaseModel]) -> FileMistake:  # noqa: ANN401
    """One of pydantic's ErrorDetails as a mistake of the file; ``root`` is the model of the whole."""
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
        keys = _keys(loc[:-1], root)
        hint = nearest(str(loc[-1]), keys) or f"What may be here: {', '.join(keys)}."
        return mistake_at(document.keys.get(loc, spot), f"{name}: nothing is called {loc[-1]!r} here", hint)
    if kind == "missing":
        hint = _description(loc, root)
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


def _keys(loc: Loc, root: type[BaseModel]) -> list[str]:
    """The keys that a mapping of the file may have."""
    model = _model(loc, root)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _description(loc: Loc, root: type[BaseModel]) -> str:
    model = _model(loc[:-1], root)
    for field_ in model.model_fields.values() if model else ():
        if field_.alias == loc[-1]:
            return field_.description or ""
    return ""


def _model(loc: Loc, root: type[BaseModel]) -> type[BaseModel] | None:
    """The model of the mapping at this place."""
    kind: Any = root
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
