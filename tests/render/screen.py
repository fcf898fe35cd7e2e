"""A terminal small enough to check by hand: what stays on the screen after everything rich wrote."""

from __future__ import annotations

import io
import re

_TOKEN = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


class Terminal(io.StringIO):
    """A stream that says it is a terminal and keeps everything written to it."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    @property
    def written(self) -> str:
        return self.getvalue()

    @property
    def screen(self) -> list[str]:
        rows = [""]
        at = column = 0
        for code, letter, back, down, text in _TOKEN.findall(self.written):
            if text:
                rows[at] = rows[at][:column].ljust(column) + text + rows[at][column + len(text) :]
                column += len(text)
            elif back:
                column = 0
            elif down:
                at, column = at + 1, 0
                rows += [""] * (at + 1 - len(rows))
            elif letter == "A":
                at -= int(code or 1)
                assert at >= 0, "moved above the screen"
            elif letter == "K":
                assert code == "2"
                rows[at] = ""
            else:
                assert letter == "m", f"unexpected control {code}{letter}"
        return [row.rstrip() for row in rows]


class AsciiTerminal(Terminal):
    encoding = "ascii"
