"""Plain progress: one line per change, for logs, pipes and CI.

Rules this file guarantees: an unchanged look prints nothing, but a silent minute prints one line so that a log does not
look dead; a line says verb, object, number and reason; whatever comes from outside is inert; nothing here needs rich.
A CI system's log differs only in its dialect: how a line is marked and how a section is opened and closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TextIO

from lambdaops.core.duration import format_duration
from lambdaops.core.events import Entry, Published, PublishFailed, PublishStarted
from lambdaops.core.model import percent
from lambdaops.core.notices import Looked, Notice
from lambdaops.core.states import Awaiting, Done, Held
from lambdaops.render.console import Outlet
from lambdaops.render.view import ReleaseView, fold
from lambdaops.render.words import clock, plain

SILENCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the log that a CI system can fold away; ``name`` is unique within one run of a command."""

    name: str
    title: str


class Dialect(Protocol):
    """How a log wants it; every answer ends with a line break or is empty."""

    def line(self, notice: Notice, text: str) -> str:
        """One line that a notice says."""

    def opened(self, section: Section, at: datetime, /) -> str:
        """What opens a section."""

    def closed(self, section: Section, at: datetime, /) -> str:
        """What closes it."""


class Plain:
    """A log without sections: the time of day and the text."""

    def line(self, notice: Notice, text: str) -> str:
        """The time and the text."""
        return f"{clock(notice.at)}  {plain(text)}\n"

    def opened(self, _section: Section, _at: datetime, /) -> str:
        """Nothing."""
        return ""

    def closed(self, _section: Section, _at: datetime, /) -> str:
        """Nothing."""
        return ""


class Sections:
    """The section that is open, ``now``, if one is; ``told_at`` is when the log said something last."""

    def __init__(self, outlet: Outlet, dialect: Dialect) -> None:
        self._outlet, self._dialect = outlet, dialect
        self.now: Section | None = None
        self.told_at: datetime | None = None

    def enter(self, wanted: Section | None) -> None:
        """Close the one that is open and open this one, unless it is the same."""
        if wanted == self.now or self.told_at is None:
            return
        left, self.now = self.now, wanted
        self._outlet.write(self._dialect.closed(left, self.told_at) if left else "")
        self._outlet.write(self._dialect.opened(wanted, self.told_at) if wanted else "")

    def close(self) -> None:
        """Close the one that is open; for the end of an operation, however it ended."""
        self.enter(None)


class Lines:
    """A sink that writes lines to a stream."""

    def __init__(self, stream: TextIO, dialect: Dialect | None = None) -> None:
        self._outlet = Outlet(stream)
        self._dialect = dialect or Plain()
        self._view = ReleaseView()
        self._sections = Sections(self._outlet, self._dialect)
        self._spoke_at: datetime | None = None

    @property
    def view(self) -> ReleaseView:
        """Everything told so far."""
        return self._view

    def emit(self, notice: Notice) -> None:
        """Write what changed."""
        before, self._view = self._view, fold(self._view, notice)
        self._sections.told_at = notice.at
        self._sections.enter(section(self._sections.now, self._view, notice))
        for told in self._view.told:
            self._write(notice, told.text)
        if isinstance(notice, Looked) and (self._has_news(before) or self._silent_until(notice.at)):
            self._write(notice, standing(self._view, notice))

    def close(self) -> None:
        """Close the section that is open; for the end of an operation, however it ended."""
        self._sections.close()

    def _has_news(self, before: ReleaseView) -> bool:
        """Whether the look has a reason that no gate's line just gave."""
        view = self._view
        return view.looked != before.looked and not view.told and view.looked not in {g.reason for g in view.gates}

    def _silent_until(self, now: datetime) -> bool:
        return self._spoke_at is None or now - self._spoke_at >= SILENCE or now < self._spoke_at

    def _write(self, notice: Notice, text: str) -> None:
        self._spoke_at = notice.at
        self._outlet.write(self._dialect.line(notice, text))


def section(now: Section | None, view: ReleaseView, notice: Notice) -> Section | None:
    """The section that what is said about a notice belongs to: a stage or a publication.

    What somebody must see is in none: that it waits for approval, goes back or is held, and how it ended.
    """
    match notice:
        case Entry(event=PublishStarted(source=source)):
            return Section("publish", f"publish {source}")
        case Entry(event=Published() | PublishFailed()):
            return None
        case _:
            pass
    at, stages = view.stage, view.stages
    if at is None or not 0 <= at < len(stages) or isinstance(view.state, Awaiting | Held | Done):
        return now if now is not None and now.name == "publish" else None
    return Section(
        f"stage-{at + 1}",
        f"stage {at + 1}/{len(stages)}: {percent(stages[at].weight)} of {view.target} to {view.candidate}, "
        f"{format_duration(stages[at].bake)}",
    )


def standing(view: ReleaseView, look: Looked) -> str:
    """Where a release stands although nothing changed: the sign of life of a log."""
    where = view.phase
    if view.stage is not None and view.plan is not None:
        where = f"stage {view.stage + 1}/{len(view.plan.stages)}"
    bake = view.bake
    if bake is not None and bake.good_since is not None:
        where += f", good for {format_duration(look.at - bake.good_since)} of {format_duration(bake.length)}"
    return f"{view.target or 'release'} {where}: {look.reason}; next look {clock(look.next_look)}"
