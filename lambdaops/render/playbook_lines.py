"""A run of a playbook as it goes: a line when a step begins, one when it ends, a section of its own in CI logs.

Rules this file guarantees: what a step itself tells stands between the two; whatever comes from outside is inert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from lambdaops.core.events import Entry
from lambdaops.core.notices import Notice, Progress, Warned
from lambdaops.core.playbook.records import PlaybookClosed, PlaybookHeld, StepBegan, StepEnded
from lambdaops.render.console import PLAIN, Outlet, Paper
from lambdaops.render.lines import Dialect, Plain, Section
from lambdaops.render.say import describe

if TYPE_CHECKING:
    from datetime import datetime


class PlaybookLines:
    """A sink that writes lines to a stream."""

    def __init__(self, stream: TextIO, dialect: Dialect | None = None, paper: Paper = PLAIN) -> None:
        self._outlet = Outlet(stream)
        self._dialect = dialect or Plain()
        self._paper = paper
        self._section: Section | None = None
        self._told_at: datetime | None = None

    def emit(self, notice: Notice) -> None:
        """Write what it says."""
        self._told_at = notice.at
        match notice:
            case Entry(event=StepBegan(step=step, undo=undo)):
                self._enter(Section(f"step-{step}{'-undo' if undo else ''}", f"step {step}"), notice.at)
            case Entry(event=PlaybookClosed() | PlaybookHeld()):
                self._enter(None, notice.at)
            case _:
                pass
        text = said(notice)
        if text:
            self._outlet.write(self._dialect.line(notice, text))
        if isinstance(notice, Entry) and isinstance(notice.event, StepEnded):
            self._enter(None, notice.at)

    def close(self) -> None:
        """Close the section that is open."""
        if self._told_at is not None:
            self._enter(None, self._told_at)

    def _enter(self, wanted: Section | None, at: datetime) -> None:
        if wanted == self._section:
            return
        left, self._section = self._section, wanted
        self._outlet.write(self._dialect.closed(left, at) if left else "")
        self._outlet.write(self._dialect.opened(wanted, at) if wanted else "")


def said(notice: Notice) -> str:
    """What a notice says as a line."""
    match notice:
        case Entry():
            return describe(notice)
        case Warned(message=message, hint=hint):
            return f"warning: {message}" + (f". {hint}" if hint else "")
        case Progress(message=message):
            return message
        case _:
            return ""
