"""Progress as a stream of JSON objects, one a line, for ``--output jsonl``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

from lambdaops.core.codec import encode
from lambdaops.core.events import Entry, to_record

if TYPE_CHECKING:
    from lambdaops.core.notices import Notice


class JsonLines:
    """A sink that writes every notice as one line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def emit(self, notice: Notice) -> None:
        """Write it."""
        if isinstance(notice, Entry):
            data: object = {"event": "entry", **to_record(notice)}
        else:
            encoded = encode(notice)
            assert isinstance(encoded, dict)  # noqa: S101 -- a dataclass encodes to an object
            data = {"event": encoded.pop("is"), **encoded}
        self._stream.write(json.dumps(data, ensure_ascii=False) + "\n")
        self._stream.flush()
