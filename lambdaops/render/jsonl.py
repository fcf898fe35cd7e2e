"""Progress as a stream of JSON objects, one a line, for ``--output jsonl``; the envelope comes last (``to_line``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from lambdaops.core.codec import encode
from lambdaops.core.events import Entry, to_record
from lambdaops.render.console import Outlet
from lambdaops.render.envelope import dumped

if TYPE_CHECKING:
    from lambdaops.core.notices import Notice


class JsonLines:
    """A sink that writes every notice as one line: ``{"event": KIND, "at": TIME, ...}``."""

    def __init__(self, stream: TextIO) -> None:
        self._outlet = Outlet(stream)

    def emit(self, notice: Notice) -> None:
        """Write it."""
        self._outlet.write(dumped(_object(notice)))


def _object(notice: Notice) -> dict[str, object]:
    """A journal entry goes by its kind in the journal, every other notice by its own name."""
    if isinstance(notice, Entry):
        data, name = to_record(notice), "kind"
    else:
        encoded = encode(notice)
        assert isinstance(encoded, dict)  # noqa: S101 -- a dataclass encodes to an object
        data, name = encoded, "is"
    return {"event": data.pop(name), "at": data.pop("at"), **data}
