"""Frozen dataclasses to JSON-ready data and back, strictly.

A union of dataclasses is tagged with the class's name in kebab-case under ``is``. Reading refuses unknown and missing
keys and wrong types, so that a journal written by another program or another version is noticed, not guessed at.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import re
import types
import typing
from datetime import UTC, datetime, timedelta

T = typing.TypeVar("T")


class CodecError(ValueError):
    """Data that is not what was written."""


def tag(cls: type) -> str:
    """The name a class goes by in the journal: ``SetRouting`` is ``set-routing``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


def encode(value: object) -> object:
    """Turn a value made of dataclasses, enums, tuples, times and scalars into JSON-ready data."""
    match value:
        case enum.Enum():
            return value.value
        case None | bool() | int() | str():
            return value
        case datetime():
            if value.tzinfo is None:
                raise TypeError("a time without a zone has no place in the journal")
            return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case timedelta():
            return round(value / timedelta(milliseconds=1))
        case tuple():
            return [encode(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            data = {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
            return {"is": tag(type(value)), **data}
        case _:
            raise TypeError(f"a {type(value).__name__} has no place in the journal")


def decode(kind: type[T], data: object) -> T:
    """Read back what :func:`encode` wrote.

    Raises:
        CodecError: the data does not have the shape of ``kind``.
    """
    return typing.cast("T", _decode(kind, data))


def _decode(kind: typing.Any, data: object) -> object:  # noqa: ANN401 -- a type expression, not a value
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(typing.get_args(kind), data)
    if origin is tuple:
        if not isinstance(data, list):
            raise CodecError(f"expected a list, found {data!r}")
        return tuple(_decode(typing.get_args(kind)[0], item) for item in data)
    if dataclasses.is_dataclass(kind):
        return _decode_fields(typing.cast("type", kind), data)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            member = kind(data)
        except ValueError as error:
            raise CodecError(str(error)) from None
        if type(member.value) is not type(data):  # True == 1, and an enum of numbers would take it
            raise CodecError(f"expected {kind.__name__}, found {data!r}")
        return member
    if kind is datetime:
        return _decode_time(data)
    if kind is timedelta:
        if type(data) is not int:
            raise CodecError(f"expected milliseconds, found {data!r}")
        try:
            return timedelta(milliseconds=data)
        except OverflowError as error:
            raise CodecError(str(error)) from None
    if kind in (str, int, bool) and type(data) is kind:
        return data
    raise CodecError(f"expected {getattr(kind, '__name__', kind)}, found {data!r}")


def _decode_time(data: object) -> datetime:
    try:
        moment = datetime.fromisoformat(data) if isinstance(data, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CodecError(f"expected a time with a zone, found {data!r}")
    return moment


def _decode_union(kinds: tuple[typing.Any, ...], data: object) -> object:
    if data is None and types.NoneType in kinds:
        return None
    if isinstance(data, dict) and isinstance(data.get("is"), str):
        for kind in kinds:
            if dataclasses.is_dataclass(kind) and tag(typing.cast("type", kind)) == data["is"]:
                return _decode_fields(typing.cast("type", kind), data)
        raise CodecError(f"unknown kind {data['is']!r}")
    rest = [kind for kind in kinds if kind is not types.NoneType and not dataclasses.is_dataclass(kind)]
    if len(rest) == 1:
        return _decode(rest[0], data)
    raise CodecError(f"expected one of {len(kinds)} kinds, found {data!r}")


@functools.cache
def _fields(kind: type) -> dict[str, tuple[object, bool]]:
    hints = typing.get_type_hints(kind)
    return {field.name: (hints[field.name], field.default is dataclasses.MISSING) for field in dataclasses.fields(kind)}


def _decode_fields(kind: type, data: object) -> object:
    if not isinstance(data, dict):
        raise CodecError(f"expected {tag(kind)}, found {data!r}")
    fields = _fields(kind)
    given = {key: value for key, value in data.items() if key != "is"}
    if data.get("is", tag(kind)) != tag(kind):
        raise CodecError(f"expected {tag(kind)}, found {data['is']!r}")
    unknown = given.keys() - fields.keys()
    missing = {name for name, (_, required) in fields.items() if required} - given.keys()
    if unknown or missing:
        raise CodecError(f"{tag(kind)}: unknown {sorted(unknown)}, missing {sorted(missing)}")
    return kind(**{name: _decode(fields[name][0], value) for name, value in given.items()})
