"""A redrive as it goes: one line for each stage and every half minute in logs, a bar on a terminal.

Rules this file guarantees: what somebody must see (stages, warnings, requests, the end) is a line of its own in both;
the bar never hides the cursor and goes away with its terminal without disturbing the run.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self, TextIO

from lambdaops.core.dlq.records import RedriveStep
from lambdaops.core.duration import format_duration
from lambdaops.core.events import Entry
from lambdaops.core.notices import Notice, Redriving
from lambdaops.render.console import Outlet
from lambdaops.render.lines import Dialect, Plain
from lambdaops.render.redrives import counts
from lambdaops.render.say import line
from lambdaops.render.words import plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_EVERY = timedelta(seconds=30)


def said(notice: Notice) -> str:
    """What a notice says as a line; empty for what only moves the bar."""
    moves = isinstance(notice, Entry) and isinstance(notice.event, RedriveStep)
    return "" if moves else line(notice)


def standing(at: Redriving) -> str:
    """How far it is, in one line."""
    asked = _asked(at)
    done = f"{counts(at.tally)} of {asked}" if not at.tally.kept else f"{counts(at.tally)}; {asked} asked for"
    return ", ".join(part for part in (done, pace(at), state(at)) if part)


def pace(at: Redriving) -> str:
    """The rate, and how long the rest takes at it."""
    if not at.rate:
        return ""
    left = max(0, _asked(at) - at.tally.moved - at.tally.left) * 1000 / at.rate
    return f"{at.rate / 1000:.{0 if at.rate >= 100_000 else 1}f}/s, {format_duration(timedelta(seconds=left))} left"  # noqa: PLR2004


def state(at: Redriving) -> str:
    """Why nothing moves, or which stage it is in."""
    if at.stopping:
        return f"stopping: {at.stopping}"
    if at.paused:
        return "paused"
    if at.watching is not None:
        left = format_duration(max(timedelta(), at.watching - at.at))
        return f"watching stage {at.stage}/{len(at.plan.stages)} for {left}"
    return f"stage {at.stage}/{len(at.plan.stages)}" if len(at.plan.stages) > 1 else ""


def _asked(at: Redriving) -> int:
    return min(at.plan.total, at.plan.limit) if at.plan.limit else at.plan.total


class RedriveLines:
    """A sink that writes lines."""

    def __init__(self, stream: TextIO, dialect: Dialect | None = None) -> None:
        self._outlet = Outlet(stream)
        self._dialect = dialect or Plain()
        self._spoke_at: datetime | None = None

    def emit(self, notice: Notice) -> None:
        """Write what is new; how far it is every half minute."""
        text = said(notice)
        if isinstance(notice, Redriving) and self._spoke_at is not None and notice.at - self._spoke_at >= _EVERY:
            text = standing(notice)
        if text:
            self._spoke_at = notice.at
            self._outlet.write(self._dialect.line(notice, text))


class RedriveBar:
    """A sink that keeps a bar on a terminal; use it as a context manager."""

    def __init__(self, stream: TextIO, variables: Mapping[str, str]) -> None:
        self._stream, self._variables = stream, variables
        self._lines = RedriveLines(stream)
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def emit(self, notice: Notice) -> None:
        """Show it."""
        if isinstance(notice, Redriving):
            self._show(notice)
            return
        text = said(notice)
        if self._bar is None:
            self._lines.emit(notice)
        elif text:
            self._bar.console.print(f"{notice.at:%H:%M:%S}  {plain(text)}", soft_wrap=True)

    def _show(self, at: Redriving) -> None:
        if self._bar is None:
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn  # noqa: PLC0415 -- a terminal only
            from rich.progress import Progress as Bar  # noqa: PLC0415

            from lambdaops.render.live import screen  # noqa: PLC0415

            self._bar = Bar(
                BarColumn(bar_width=30),
                MofNCompleteColumn(),
                TextColumn("{task.fields[about]}"),
                console=screen(self._stream, self._variables),
                refresh_per_second=4,
            )
            self._task = self._bar.add_task("", total=_asked(at), about="")
            self._bar.start()
        assert self._task is not None  # noqa: S101 -- made with the bar
        asked = max(_asked(at), at.tally.moved)
        about = ", ".join(part for part in (_beside(at), pace(at), state(at)) if part)
        self._bar.update(self._task, completed=at.tally.moved, total=asked, about=plain(about))


def _beside(at: Redriving) -> str:
    """What of the tally is not moved."""
    return counts(at.tally).partition(", ")[2]
