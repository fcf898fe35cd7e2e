"""One pure fold of notices into what a person watching a release needs to see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from lambdaops.core.events import Closed, Decided, Entry, Intent, Landed, Observed, Opened, Resumed
from lambdaops.core.gates import GateResult
from lambdaops.core.machine import Baking, Held, Outcome, Reverting, State
from lambdaops.core.model import Routing
from lambdaops.core.notices import Looked, Notice, Planned, Progress, Warned
from lambdaops.core.plan import Plan
from lambdaops.core.replay import Release, advance, phase, releases
from lambdaops.render.lines import describe

KEPT = 5
"""How many of the last events stay in sight."""


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """A release at one moment; ``alias`` is what was last seen, the plan's stage is what was last set."""

    target: str = ""
    plan: Plan | None = None
    release: Release | None = None
    alias: Routing | None = None
    gates: tuple[GateResult, ...] = ()
    reason: str = ""
    next_look: datetime | None = None
    events: tuple[tuple[datetime, str], ...] = ()
    warning: str = ""

    @property
    def state(self) -> State | None:
        """The state the release is in."""
        return self.release.state if self.release else None

    @property
    def phase(self) -> str:
        """One word for it."""
        return phase(self.release.state) if self.release else "planned"

    @property
    def stage(self) -> int | None:
        """The stage whose routing is set, counted from 0; None before the first and while going back."""
        match self.state:
            case Baking(stage=stage) | Held(at=Baking(stage=stage)):
                return stage
            case _:
                return None

    @property
    def set_weight(self) -> int:
        """The candidate's share that the release last asked for, in basis points."""
        if self.release is None or self.stage is None:
            done = self.release.closed if self.release else None
            return 10_000 if done and done.outcome is Outcome.PROMOTED else 0
        return self.release.plan.stages[self.stage].weight

    @property
    def actual_weight(self) -> int | None:
        """The candidate's share on the alias as last seen."""
        return self.alias.share(self.plan.candidate) if self.alias and self.plan else None


def fold(view: ReleaseView, notice: Notice) -> ReleaseView:
    """The view after one more notice."""
    match notice:
        case Planned(target=target, plan=plan):
            return replace(view, target=str(target), plan=plan, reason="preflight done")
        case Looked(alias=alias, gates=gates, reason=reason, next_look=next_look):
            return replace(
                view, alias=alias or view.alias, gates=gates or view.gates, reason=reason, next_look=next_look
            )
        case Progress(at=at, message=message):
            return _with_event(view, at, message)
        case Warned(at=at, message=message):
            return _with_event(replace(view, warning=message), at, f"! {message}")
        case Entry():
            return _fold_entry(view, notice)
        case _:
            assert_never(notice)


def _fold_entry(view: ReleaseView, entry: Entry) -> ReleaseView:
    if isinstance(entry.event, Opened):
        (release,) = releases([entry])
        target = entry.target.split(":function:")[-1]
        now = replace(view, release=release, plan=release.plan, target=target, alias=release.plan.baseline)
    elif view.release is not None and view.release.id == entry.release:
        now = replace(view, release=advance(view.release, entry))
    else:
        now = view
    match entry.event:
        case Observed(alias=alias, gates=gates):
            now = replace(now, alias=alias or now.alias, gates=gates or now.gates)
        case Landed(routing=routing):
            now = replace(now, alias=routing)
        case Decided(state=state, reason=reason):
            now = replace(now, reason=reason, next_look=None if isinstance(state, Reverting) else now.next_look)
        case Intent(reason=reason) | Closed(reason=reason):
            now = replace(now, reason=reason, next_look=None)
        case Resumed(state=state):
            now = replace(now, reason=phase(state))
        case _:
            pass
    return _with_event(now, entry.at, describe(entry))


def _with_event(view: ReleaseView, at: datetime, text: str) -> ReleaseView:
    return replace(view, events=(*view.events, (at, text))[-KEPT:]) if text else view
