"""A run of a playbook as it goes: a line when a step begins, one when it ends, a section of its own in CI logs.

Rules this file guarantees: what a step itself tells stands between the two; whatever comes from outside is inert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from lambdaops.core.events import Entry
from lambdaops.core.playbook.records import PlaybookClosed, PlaybookHeld, StepBegan, StepEnded
from lambdaops.render.console import Outlet
from lambdaops.render.lines import Dialect, Plain, Section, Sections
from lambdaops.render.say import line

if TYPE_CHECKING:
    from lambdaops.core.notices import Notice


class PlaybookLines:
    """A sink that writes lines to a stream."""

    def __init__(self, stream: TextIO, dialect: Dialect | None = None) -> None:
        self._outlet = Outlet(stream)
        self._dialect = dialect or Plain()
        self._sections = Sections(self._outlet, self._dialect)

    def emit(self, notice: Notice) -> None:
        """Write what it says."""
        self._sections.told_at = notice.at
        match notice:
            case Entry(event=StepBegan(step=step, undo=undo)):
                self._sections.enter(Section(f"step-{step}{'-undo' if undo else ''}", f"step {step}"))
            case Entry(event=PlaybookClosed() | PlaybookHeld()):
                self._sections.close()
            case _:
                pass
        text = line(notice)
        if text:
            self._outlet.write(self._dialect.line(notice, text))
        if isinstance(notice, Entry) and isinstance(notice.event, StepEnded):
            self._sections.close()

    def close(self) -> None:
        """Close the section that is open."""
        self._sections.close()
