"""What can be written to a stream: a terminal's width and colours, found out from values that are passed in.

Rules this file guarantees: no ANSI code reaches a stream that is not a terminal, or any when NO_COLOR is set; a reader
that goes away (``| head``) never breaks the operation that is being told about.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from lambdaops.render.words import fits

_SGR = {"strong": "1", "dim": "2", "good": "32", "bad": "31", "warn": "33"}


@dataclass(frozen=True, slots=True)
class Paper:
    """What a text is written on; ``width`` is None where nothing needs to be fitted in."""

    colour: bool = False
    width: int | None = None

    def paint(self, text: str, style: str) -> str:
        """The text in a style (strong, dim, good, bad, warn), where there is colour."""
        code = _SGR.get(style)
        return f"\x1b[{code}m{text}\x1b[0m" if code and text and self.colour else text


PLAIN = Paper()


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a command writes, and what is known about it."""

    out: TextIO
    err: TextIO
    out_tty: bool
    err_tty: bool
    env: Mapping[str, str]

    @property
    def out_paper(self) -> Paper:
        """For data."""
        return paper(self.out, self.env, tty=self.out_tty)

    @property
    def err_paper(self) -> Paper:
        """For everything else."""
        return paper(self.err, self.env, tty=self.err_tty)


def coloured(env: Mapping[str, str], *, tty: bool) -> bool:
    """Whether colour may be used (https://no-color.org: NO_COLOR counts when it is not empty)."""
    return tty and not env.get("NO_COLOR") and env.get("TERM") != "dumb"


def paper(stream: TextIO, env: Mapping[str, str], *, tty: bool) -> Paper:
    """What can be written to this stream."""
    return Paper(coloured(env, tty=tty), _width(stream, env) if tty else None)


def _width(stream: TextIO, env: Mapping[str, str]) -> int | None:
    given = env.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


class Outlet:
    """A stream that is told things and may go away: a sink must not fail. File enough for rich to write to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False

    @property
    def encoding(self) -> str | None:
        """What characters it takes."""
        return getattr(self._stream, "encoding", None)

    def write(self, text: str) -> int:
        """Write and flush; after the reader went away, do nothing."""
        if not self._gone:
            try:
                self._stream.write(fits(text, self.encoding))
                self._stream.flush()
            except (OSError, ValueError):  # closed pipe, full disk, closed file
                self._gone = True
        return len(text)

    def flush(self) -> None:
        """Nothing: every write is flushed."""

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The file descriptor behind it."""
        return self._stream.fileno()
