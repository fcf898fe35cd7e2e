"""Any value that may stand in the journal, made from the types themselves: a new field is covered without a change."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from lambdaops.core.events import KINDS, Entry, Event
from lambdaops.core.model import Actor

# The journal's grain is the millisecond. Years: with a day to spare on both ends for time zones.
MOMENTS = st.integers(-62_135_000_000_000, 253_402_000_000_000).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
SPANS = st.integers(0, 10**12).map(lambda ms: timedelta(milliseconds=ms))
# Everything UTF-8 can hold: quotes, newlines, NUL, U+2028 and the planes above.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)

SCALARS: dict[object, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(-(2**63), 2**63),
    bool: st.booleans(),
    datetime: MOMENTS,
    timedelta: SPANS,
    types.NoneType: st.none(),
}
_MADE: dict[object, st.SearchStrategy[Any]] = {}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type expression as the events use them; made once, which takes longer than drawing them."""
    if kind not in _MADE:
        _MADE[kind] = _values(kind)
    return _MADE[kind]


def _values(kind: Any) -> st.SearchStrategy[Any]:
    if kind in SCALARS:
        return SCALARS[kind]
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return st.one_of([values(part) for part in typing.get_args(kind)])
    if typing.get_origin(kind) is tuple:
        return st.lists(values(typing.get_args(kind)[0]), max_size=3).map(tuple)
    if issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{field.name: values(hints[field.name]) for field in dataclasses.fields(kind)})


def entries(kind: type[Event]) -> st.SearchStrategy[Entry]:
    """Entries of this kind of event; made once, too."""
    if (Entry, kind) not in _MADE:
        _MADE[Entry, kind] = st.builds(
            Entry,
            seq=st.integers(1, 10**9),
            at=MOMENTS,
            target=TEXTS,
            release=TEXTS,
            actor=values(Actor),
            event=values(kind),
        )
    return _MADE[Entry, kind]


EVENTS = st.one_of([values(kind) for kind in KINDS.values()])
