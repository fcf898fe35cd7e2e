"""What a record of a run of a playbook says, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.playbook.records import (
    ApprovalAsked,
    PlaybookClosed,
    PlaybookHeld,
    PlaybookOpened,
    PlaybookResumed,
    PlaybookSignalled,
    PlaybookUndoing,
    Status,
    StepBegan,
    StepEnded,
    Wish,
)

if TYPE_CHECKING:
    from lambdaops.core.events import Event

ICON = {Status.DONE: "✔", Status.FAILED: "✖", Status.SKIPPED: "·"}
_WISHES = {Wish.APPROVE: "approved", Wish.REJECT: "rejected", Wish.CANCEL: "asked to cancel"}


def told(event: Event, who: str, host: str) -> str:
    """One line; empty for a record of something else."""
    match event:
        case PlaybookOpened(name=name, plan=plan, reason=reason, overrides=overrides):
            return f"playbook {name}, plan {plan}{f', because: {reason}' if reason else ''}{_excused(overrides)}"
        case PlaybookResumed(reason=reason, overrides=overrides):
            return f"taken up by {who} on {host}{f', because: {reason}' if reason else ''}{_excused(overrides)}"
        case StepBegan(step=step, attempt=attempt, what=what, undo=undo):
            tries = f" (attempt {attempt})" if attempt > 1 else ""
            return f"{'take back ' if undo else '▶ '}{step}{tries}: {what}"
        case StepEnded(step=step, status=status, message=message, undo=undo):
            name = f"take back {step}" if undo else step
            return f"{ICON[status]} {name} {status.value}: {message}"
        case ApprovalAsked(step=step, message=message, until=until):
            return f"{step} waits for approval until {until:%H:%M:%S} UTC: {message}"
        case PlaybookSignalled(wish=wish, reason=reason, step=step):
            what = f" {step}" if step else ""
            return f"{_WISHES[wish]}{what} by {who}{f': {reason}' if reason else ''}"
        case PlaybookUndoing(reason=reason):
            return f"taking back what was done: {reason}"
        case PlaybookHeld(reason=reason):
            return f"held: {reason}"
        case PlaybookClosed(outcome=outcome, reason=reason):
            return f"{outcome.value}: {reason}"
        case _:
            return ""


def _excused(overrides: tuple[str, ...]) -> str:
    return "".join(f"; overrides {override}" for override in overrides)
