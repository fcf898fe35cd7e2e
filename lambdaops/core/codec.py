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
_Writer = typing.Callable[[typing.Any], object]
_Reader = typing.Callable[[object], typing.Any]
_MILLISECOND = timedelta(milliseconds=1)


class CodecError(ValueError):
    """Data that is not what was written."""


@functools.cache
def tag(cls: type) -> str:
    """The name a class goes by in the journal: ``SetRouting`` is ``set-routing``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


def encode(value: object) -> object:
    """Turn a value made of dataclasses, enums, tuples, times and scalars into JSON-ready data."""
    cls: typing.Any = type(value)
    return _writer(cls)(value)


def encode_fields(value: object) -> dict[str, object]:
    """The fields of a dataclass, as :func:`encode` writes them, without the tag."""
    cls: typing.Any = type(value)
    return {key: encode(getattr(value, key)) for key in _names(cls)}


def decode(kind: type[T], data: object) -> T:
    """Read back what :func:`encode` wrote.

    Raises:
        CodecError: the data does not have the shape of ``kind``.
    """
    wanted: typing.Any = kind
    found: T = _reader(wanted)(data)
    return found


# -- writing: one function per class, made once ------------------------------------------------------------------------


@functools.cache
def _writer(cls: typing.Any) -> _Writer:  # noqa: ANN401 -- a class
    if issubclass(cls, enum.Enum):
        return _write_member
    if issubclass(cls, int | str | types.NoneType):
        return _as_it_is
    if issubclass(cls, datetime):
        return _write_time
    if issubclass(cls, timedelta):
        return _write_duration
    if issubclass(cls, tuple):
        return _write_tuple
    if dataclasses.is_dataclass(cls):
        return _writer_of_fields(typing.cast("type", cls))
    raise TypeError(f"a {cls.__name__} has no place in the journal")


def _write_member(value: typing.Any) -> object:  # noqa: ANN401 -- the class was looked at
    written: object = value.value
    return written


def _as_it_is(value: object) -> object:
    return value


def _write_time(value: typing.Any) -> object:  # noqa: ANN401
    if value.tzinfo is None:
        raise TypeError("a time without a zone has no place in the journal")
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _write_duration(value: typing.Any) -> object:  # noqa: ANN401
    return round(value / _MILLISECOND)


def _write_tuple(value: typing.Any) -> object:  # noqa: ANN401
    return [encode(item) for item in value]


def _writer_of_fields(cls: type) -> _Writer:
    name = tag(cls)

    def write(value: object) -> object:
        return {"is": name, **encode_fields(value)}

    return write


@functools.cache
def _names(cls: typing.Any) -> tuple[str, ...]:  # noqa: ANN401 -- of a dataclass
    return tuple(field.name for field in dataclasses.fields(cls))


# -- reading: one function per type, made once -------------------------------------------------------------------------


@functools.cache
def _reader(kind: typing.Any) -> _Reader:  # noqa: ANN401 -- a type expression, not a value
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _reader_of_union(typing.get_args(kind))
    if origin is tuple:
        return _reader_of_tuple(_reader(typing.get_args(kind)[0]))
    if dataclasses.is_dataclass(kind):
        return _reader_of_fields(typing.cast("type", kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _reader_of_members(kind)
    if kind is datetime:
        return _read_time
    if kind is timedelta:
        return _read_duration
    return _reader_of_scalar(kind)


def _reader_of_tuple(read_item: _Reader) -> _Reader:
    def read(data: object) -> object:
        if not isinstance(data, list):
            raise CodecError(f"expected a list, found {data!r}")
        return tuple([read_item(item) for item in data])

    return read


def _reader_of_members(kind: type[enum.Enum]) -> _Reader:
    def read(data: object) -> object:
        try:
            member = kind(data)
        except ValueError as error:
            raise CodecError(str(error)) from None
        if type(member.value) is not type(data):  # True == 1, and an enum of numbers would take it
            raise CodecError(f"expected {kind.__name__}, found {data!r}")
        return member

    return read


def _reader_of_scalar(kind: typing.Any) -> _Reader:  # noqa: ANN401
    known = kind in (str, int, bool)

    def read(data: object) -> object:
        if known and type(data) is kind:
            return data
        raise CodecError(f"expected {getattr(kind, '__name__', kind)}, found {data!r}")

    return read


def _read_duration(data: object) -> object:
    if type(data) is not int:
        raise CodecError(f"expected milliseconds, found {data!r}")
    try:
        return timedelta(milliseconds=data)
    except OverflowError as error:
        raise CodecError(str(error)) from None


def _read_time(data: object) -> object:
    try:
        moment = datetime.fromisoformat(data) if isinstance(data, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CodecError(f"expected a time with a zone, found {data!r}")
    return moment


def _reader_of_union(kinds: tuple[typing.Any, ...]) -> _Reader:
    classes = [typing.cast("typing.Any", kind) for kind in kinds if dataclasses.is_dataclass(kind)]
    tagged = {tag(kind): _reader(kind) for kind in classes}
    rest = [_reader(kind) for kind in kinds if kind is not types.NoneType and kind not in classes]
    optional = types.NoneType in kinds

    def read(data: object) -> object:
        if data is None and optional:
            return None
        name = data.get("is") if isinstance(data, dict) else None
        if isinstance(name, str):
            if name not in tagged:
                raise CodecError(f"unknown kind {name!r}")
            return tagged[name](data)
        if len(rest) == 1:
            return rest[0](data)
        raise CodecError(f"expected one of {len(kinds)} kinds, found {data!r}")

    return read


def _reader_of_fields(kind: type) -> _Reader:
    name = tag(kind)

    def read(data: object) -> object:
        if not isinstance(data, dict):
            raise CodecError(f"expected {name}, found {data!r}")
        if data.get("is", name) != name:
            raise CodecError(f"expected {name}, found {data['is']!r}")
        readers, required, known = _fields(kind)
        if not required <= data.keys() <= known:
            raise CodecError(f"{name}: unknown {sorted(data.keys() - known)}, missing {sorted(required - data.keys())}")
        return kind(**{key: readers[key](value) for key, value in data.items() if key != "is"})

    return read


@functools.cache
def _fields(kind: type) -> tuple[dict[str, _Reader], frozenset[str], frozenset[str]]:
    """How to read each field, which must be there and which may; found out at the first value: states hold states."""
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    required = frozenset(field.name for field in fields if field.default is dataclasses.MISSING)
    known = frozenset({"is", *(field.name for field in fields)})
    return {field.name: _reader(hints[field.name]) for field in fields}, required, known
