"""What comes next in a run of a playbook: a pure function of the playbook and of what its journal tells.

Rules this file guarantees: a step that was done is never done again; steps go forward only, so every run has an end; a
step whose end nobody knows is looked at before anything else is done; once something is being taken back, nothing new
begins; a run of which nothing is to be taken back is held, and can go on; a run ends as done only if every step was
done, or was not to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lambdaops.core.errors import ExitCode
from lambdaops.core.playbook.book import ABORT, CONTINUE, Action
from lambdaops.core.playbook.records import Outcome, Status
from lambdaops.core.playbook.turns import Turn
from lambdaops.core.playbook.uses import Again

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambdaops.core.playbook.book import Playbook
    from lambdaops.core.playbook.records import StepEnded
    from lambdaops.core.playbook.run import Run, Tried
    from lambdaops.core.playbook.uses import Use


@dataclass(frozen=True)
class Do:
    """Do this, or take it back (``undo``); ``again`` when an attempt was begun whose end nobody knows."""

    turn: Turn
    action: Action
    attempt: int
    again: bool = False
    undo: bool = False


@dataclass(frozen=True)
class Wait:
    """The step failed and is tried once more, not before then."""

    turn: Turn
    until: datetime


@dataclass(frozen=True)
class TakeBack:
    """From now on what was done is taken back."""

    reason: str
    cancelled: bool = False


@dataclass(frozen=True)
class Hold:
    """Nothing more can be done without a person."""

    code: ExitCode
    reason: str


@dataclass(frozen=True)
class Close:
    """The run is over."""

    outcome: Outcome
    reason: str


Move = Do | Wait | TakeBack | Hold | Close

_KEEP = {ExitCode.ROLLBACK_INCOMPLETE, ExitCode.AWS, ExitCode.INTERRUPTED}
"""The exit codes of a step that its run ends with as well: what to do is the same."""


def decide(
    playbook: Playbook,
    turns: list[Turn],
    run: Run,
    uses: Mapping[str, Use],
    now: datetime,
    *,
    repeat: bool = False,
    due: Callable[[Turn], bool] = lambda _: True,
) -> Move:
    """What comes next.

    Args:
        playbook: what is run.
        turns: its steps in this run.
        run: how far it is; not closed.
        uses: the catalogue.
        now: the time of day.
        repeat: whether a step may be repeated although it may have been done already.
        due: whether there is anything of a turn to take back, as its ``compensate`` says, or whether that is not known.
    """
    if run.undoing is not None:
        return _take_back(turns, run, uses, repeat=repeat)
    if run.cancelled is not None:
        return _turn_back(turns, run, "cancelled" + _why(run), due, cancelled=True)
    at = 0
    while at < len(turns):
        turn = turns[at]
        tried = run.tried.get(turn.key)
        if tried is None:
            return Do(turn, turn.step.action, 1)
        end = tried.end
        if end is None:
            return _settle(turn, tried, uses, undo=False, repeat=repeat)
        if end.status is Status.FAILED:
            once_more = _once_more(turn, tried, end, uses, now)
            if once_more is not None:
                return once_more
            if turn.step.on_failure == ABORT:
                return _turn_back(turns, run, f"step {turn.key} failed: {end.message}", due, end=end)
            at = at + 1 if turn.step.on_failure == CONTINUE else _position(playbook, turns, turn.step.on_failure)
        elif turn.step.end and _over(turns, at, run):
            break
        else:
            at += 1
    failed = [turn.key for turn in turns if _failed(run.tried.get(turn.key))]
    if failed:
        return Close(Outcome.PARTLY, f"it came to its end, and {', '.join(failed)} failed")
    return Close(Outcome.DONE, "every step is done")


def _over(turns: list[Turn], at: int, run: Run) -> bool:
    """Whether the step of this turn is over with it, and was done, for one item at least, and failed for none."""
    step = turns[at].step
    if at + 1 < len(turns) and turns[at + 1].step is step:
        return False
    ends = [run.tried[turn.key].status for turn in turns if turn.step is step and turn.key in run.tried]
    return Status.DONE in ends and Status.FAILED not in ends


def _settle(turn: Turn, tried: Tried, uses: Mapping[str, Use], *, undo: bool, repeat: bool) -> Move:
    action = turn.step.undo if undo and turn.step.undo is not None else turn.step.action
    if uses[action.uses].again is Again.ASK and not (repeat or repeatable(action)):
        return Hold(
            ExitCode.HELD,
            f"step {turn.key} was begun, and whether it was done is not known: {action.uses} may happen twice; "
            "--repeat does it once more",
        )
    return Do(turn, action, max(tried.attempt, 1), again=True, undo=undo)


def _once_more(turn: Turn, tried: Tried, end: StepEnded, uses: Mapping[str, Use], now: datetime) -> Move | None:
    """Another attempt, if there is to be one: the run was taken up at this step, or its ``retry`` says so."""
    if tried.tries == 0 and turn.step.on_failure == ABORT:
        return Do(turn, turn.step.action, tried.attempt + 1)
    retry, use = turn.step.retry, uses[turn.step.action.uses]
    used = tried.tries if turn.step.on_failure == ABORT else tried.attempt
    if retry is None or used >= retry.attempts or not _passing(end, use) or tried.ended is None:
        return None
    until = tried.ended.at + retry.every
    return Wait(turn, until) if now < until else Do(turn, turn.step.action, tried.attempt + 1)


def _passing(end: StepEnded, use: Use) -> bool:
    """Whether trying again may help, and does no harm: AWS gave no answer, or the step only looks."""
    return end.code == ExitCode.AWS or (not use.changes and end.code != ExitCode.USAGE)


def repeatable(action: Action) -> bool:
    """Whether the playbook says that doing it twice does no harm."""
    return action.given.get("repeatable") is True


def _turn_back(
    turns: list[Turn],
    run: Run,
    reason: str,
    due: Callable[[Turn], bool],
    *,
    end: StepEnded | None = None,
    cancelled: bool = False,
) -> Move:
    if any(due(turn) for turn in _undoable(turns, run)):
        return TakeBack(reason, cancelled)
    if cancelled:
        return Close(Outcome.CANCELLED, reason)
    code = ExitCode(end.code) if end is not None else ExitCode.HELD
    return Hold(code if code in _KEEP else ExitCode.HELD, reason)


def _take_back(turns: list[Turn], run: Run, uses: Mapping[str, Use], *, repeat: bool) -> Move:
    failed: list[StepEnded] = []
    for turn in _undoable(turns, run):
        tried = run.undone.get(turn.key)
        action = turn.step.undo
        assert action is not None  # noqa: S101 -- only such turns are undoable
        if tried is None:
            return Do(turn, action, 1, undo=True)
        end = tried.end
        if end is None:
            return _settle(turn, tried, uses, undo=True, repeat=repeat)
        if end.status is Status.FAILED:
            if tried.tries == 0:
                return Do(turn, action, tried.attempt + 1, undo=True)
            failed.append(end)
    assert run.undoing is not None  # noqa: S101 -- asked for only then
    if failed:
        worst = next((end for end in failed if end.code in _KEEP), failed[0])
        code = ExitCode(worst.code) if worst.code in _KEEP else ExitCode.HELD
        return Hold(code, f"{', '.join(end.step for end in failed)} could not be taken back: {worst.message}")
    outcome = Outcome.CANCELLED if run.undoing.cancelled else Outcome.UNDONE
    return Close(outcome, f"{run.undoing.reason}; what was done before is taken back")


def _undoable(turns: list[Turn], run: Run) -> list[Turn]:
    """What is to be taken back, the newest first: what was done, was done in part, or may have been done."""
    by_key = {turn.key: turn for turn in turns}
    return [
        by_key[key]
        for key, tried in reversed(run.tried.items())
        if key in by_key and by_key[key].step.undo is not None and tried.happened
    ]


def _position(playbook: Playbook, turns: list[Turn], step: str) -> int:
    """Where a step's first turn is; where it has none (no item), the one that comes after it."""
    order = [one.id for one in playbook.steps]
    wanted = order.index(step)
    return next((at for at, turn in enumerate(turns) if order.index(turn.step.id) >= wanted), len(turns))


def _failed(tried: Tried | None) -> bool:
    return tried is not None and tried.status is Status.FAILED


def _why(run: Run) -> str:
    reason = getattr(run.cancelled.event, "reason", "") if run.cancelled is not None else ""
    return f": {reason}" if reason else ""
