"""What becomes of a state when a write lands, a process dies, or it is compared or reported: no decisions.

Rules this file guarantees: every state has an answer; times from the future are pulled back to now, so that a clock set
back delays a wait by its own length at most.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from lambdaops.core.errors import ExitCode
from lambdaops.core.states import (
    Awaiting,
    Baking,
    Cause,
    Done,
    Held,
    Outcome,
    Paused,
    Promoting,
    Ready,
    Reverting,
    State,
)

if TYPE_CHECKING:
    from datetime import datetime


def landed(then: State, at: datetime) -> State:
    """The state once a write has landed: a bake counts from when the routing was in place, not from the decision."""
    if isinstance(then, Baking):
        return replace(then, entered_at=at, good_since=at, signal_at=at)
    return then


def settled(state: State, then: State, at: datetime) -> State:
    """The state when a write is found to have landed after something else was decided.

    Going back stays decided, and a pause stays a pause, at the stage that is now in place.
    """
    match state:
        case Reverting() if not isinstance(then, Reverting):
            return state
        case Paused() if isinstance(then, Baking):
            return replace(state, at=replace(then, entered_at=at, good_since=at, signal_at=at))
        case _:
            return landed(then, at)


def resumed(state: State, now: datetime) -> State:
    """Where a release goes on when a process takes it up again.

    Whatever it waits for is waited for anew: nobody was looking. After a hold the whole bake starts anew as well:
    nothing proves that the time in between was good. A crash keeps its bake; the alarms' own time stamps cover the gap.
    """
    match state:
        case Held(at=at):
            again = resumed(at, now)
            return replace(again, good_since=None) if isinstance(again, Baking) else again
        case Paused() | Promoting():
            return replace(state, at=afresh(state.at, now), since=now)
        case Awaiting():
            return replace(state, at=afresh_bake(state.at, now), since=now)
        case Ready() | Baking():
            return afresh(state, now)
        case Reverting():
            return replace(state, since=now, attempts=0)
        case Done():
            return state
        case _:
            assert_never(state)


def afresh(state: Ready | Baking, now: datetime) -> Ready | Baking:
    """The same place, with its waits begun anew; what was good so far still counts."""
    return replace(state, since=now) if isinstance(state, Ready) else afresh_bake(state, now)


def afresh_bake(state: Baking, now: datetime) -> Baking:
    """As :func:`afresh`, for a stage."""
    return replace(rebased_bake(state, now), entered_at=now, signal_at=now)


def rebased(state: Ready | Baking, now: datetime) -> Ready | Baking:
    """Pull times from the future back to now."""
    return replace(state, since=min(state.since, now)) if isinstance(state, Ready) else rebased_bake(state, now)


def rebased_bake(state: Baking, now: datetime) -> Baking:
    """As :func:`rebased`, for a stage."""
    return replace(
        state,
        entered_at=min(state.entered_at, now),
        good_since=None if state.good_since is None else min(state.good_since, now),
        signal_at=min(state.signal_at, now),
    )


def same(one: State, other: State) -> bool:
    """Whether two states differ in nothing a restarted process needs: the time of the last pass does not count."""
    return _durable(one) == _durable(other)


def _durable(state: State) -> State:
    match state:
        case Baking():
            return replace(state, signal_at=state.entered_at)
        case Paused(at=Baking() as at) | Promoting(at=Baking() as at) | Awaiting(at=at):
            return replace(state, at=replace(at, signal_at=at.entered_at))
        case _:
            return state


def place(state: State) -> Ready | Baking | Reverting | Done:
    """Where a release stands, whatever it waits for there."""
    match state:
        case Held(at=at):
            return place(at)
        case Paused(at=at) | Promoting(at=at):
            return at
        case Awaiting(at=at):
            return at
        case _:
            return state


def exit_code(state: State) -> ExitCode:
    """What the shell is told about a release that stopped in this state."""
    match state:
        case Done(outcome, _):
            return _OUTCOME_EXIT[outcome]
        case Held(_, cause, _):
            return _CAUSE_EXIT[cause]
        case _:
            return ExitCode.INTERNAL


_OUTCOME_EXIT = {
    Outcome.PROMOTED: ExitCode.DONE,
    Outcome.ROLLED_BACK: ExitCode.ROLLED_BACK,
    Outcome.REFUSED: ExitCode.BLOCKED,
    Outcome.SUPERSEDED: ExitCode.CONFLICT,
}
_CAUSE_EXIT = {
    Cause.DRIFT: ExitCode.CONFLICT,
    Cause.INCONCLUSIVE: ExitCode.HELD,
    Cause.INTERRUPTED: ExitCode.INTERRUPTED,
    Cause.PAUSED: ExitCode.HELD,
    Cause.DENIED: ExitCode.AWS,
    Cause.STUCK: ExitCode.ROLLBACK_INCOMPLETE,
}
