"""The live panel on a terminal: lines until the release begins (somebody may be asked something), then the panel.

Rules this file guarantees: the last frame stays on the screen; the cursor is never hidden, so a killed process leaves
a usable terminal; a terminal that goes away does not disturb the release; the frame is drawn anew four times a second
without any event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TextIO, cast

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.style import Style
from rich.text import Text

from lambdaops.core.events import Entry, Opened, Resumed
from lambdaops.render.console import Outlet, coloured
from lambdaops.render.lines import Lines
from lambdaops.render.panel import MOST_LINES, Size, panel
from lambdaops.render.view import ReleaseView, fold
from lambdaops.render.words import takes_unicode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from types import TracebackType

    from lambdaops.core.notices import Notice
    from lambdaops.render.panel import Line

REFRESHES = 4
"""Frames a second."""

STYLES = {
    "strong": Style(bold=True),
    "dim": Style(dim=True),
    "good": Style(color="green"),
    "bad": Style(color="red", bold=True),
    "warn": Style(color="yellow"),
}


class LivePanel:
    """A sink that keeps one panel up to date; use it as a context manager.

    Args:
        stream: a terminal, usually stderr.
        now: the clock's ``now``.
        variables: the process's environment (NO_COLOR, TERM, COLUMNS).
    """

    def __init__(self, stream: TextIO, now: Callable[[], datetime], variables: Mapping[str, str]) -> None:
        self._now = now
        self._lines = Lines(stream)
        self._view = ReleaseView()
        self._unicode = takes_unicode(getattr(stream, "encoding", None))
        self._console = screen(stream, variables)
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def emit(self, notice: Notice) -> None:
        """Show it."""
        self._view = fold(self._view, notice)
        if self._live is not None:
            self._live.refresh()
        elif isinstance(notice, Entry) and isinstance(notice.event, Opened | Resumed):
            self._begin()
        else:
            self._lines.emit(notice)

    def _begin(self) -> None:
        self._live = Live(
            self,
            console=self._console,
            refresh_per_second=REFRESHES,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start(refresh=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The frame of this moment."""
        size = Size(options.max_width, min(MOST_LINES, options.size.height), self._unicode)
        yield Group(*(_text(line) for line in panel(self._view, self._now(), size)))


def _text(line: Line) -> Text:
    text = Text(no_wrap=True, overflow="crop")
    for part, style in line:
        text.append(part, STYLES.get(style))
    return text


class _Screen(Console):
    """A console that never hides the cursor: a second Ctrl-C leaves at once and would leave it hidden."""

    def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002 -- rich's signature
        return False


def screen(stream: TextIO, variables: Mapping[str, str]) -> Console:
    """A terminal as rich sees it."""
    colour = coloured(variables, tty=True)
    return _Screen(
        file=cast("TextIO", Outlet(stream)),
        force_terminal=True,
        color_system="auto" if colour else None,
        no_color=not colour,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ=variables,
    )
