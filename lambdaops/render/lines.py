"""Plain progress: one line per change, for logs, pipes and CI.

Rules this file guarantees: an unchanged look prints nothing, but a silent minute prints one line so that a log does not
look dead; a line says verb, object, number and reason; whatever comes from outside is inert; nothing here needs rich.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TextIO

from lambdaops.core.duration import format_duration
from lambdaops.core.notices import Looked, Notice
from lambdaops.render.console import Outlet
from lambdaops.render.view import ReleaseView, fold
from lambdaops.render.words import clock, plain

SILENCE = timedelta(seconds=60)


class Lines:
    """A sink that writes lines to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._outlet = Outlet(stream)
        self._view = ReleaseView()
        self._spoke_at: datetime | None = None

    @property
    def view(self) -> ReleaseView:
        """Everything told so far."""
        return self._view

    def emit(self, notice: Notice) -> None:
        """Write what changed."""
        before, self._view = self._view, fold(self._view, notice)
        for told in self._view.told:
            self._write(notice.at, told.text)
        if isinstance(notice, Looked) and (self._has_news(before) or self._silent_until(notice.at)):
            self._write(notice.at, standing(self._view, notice))

    def _has_news(self, before: ReleaseView) -> bool:
        """Whether the look has a reason that no gate's line just gave."""
        view = self._view
        return view.looked != before.looked and not view.told and view.looked not in {g.reason for g in view.gates}

    def _silent_until(self, now: datetime) -> bool:
        return self._spoke_at is None or now - self._spoke_at >= SILENCE or now < self._spoke_at

    def _write(self, at: datetime, text: str) -> None:
        self._spoke_at = at
        self._outlet.write(f"{clock(at)}  {plain(text)}\n")


def standing(view: ReleaseView, look: Looked) -> str:
    """Where a release stands although nothing changed: the sign of life of a log."""
    where = view.phase
    if view.stage is not None and view.plan is not None:
        where = f"stage {view.stage + 1}/{len(view.plan.stages)}"
    bake = view.bake
    if bake is not None and bake.good_since is not None:
        where += f", good for {format_duration(look.at - bake.good_since)} of {format_duration(bake.length)}"
    return f"{view.target or 'release'} {where}: {look.reason}; next look {clock(look.next_look)}"
