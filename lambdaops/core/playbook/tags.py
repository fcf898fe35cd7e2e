"""How a record says that it was written for a step of a playbook: in what its actor is part of (``Actor.run``)."""

from __future__ import annotations

TAG = "playbook:"
"""What such a name begins with; a run and a step follow: ``playbook:o-20261129-031500-1f2e/ship``."""


def tag_of(run: str, step: str, attempt: int, *, undo: bool) -> str:
    """``RUN/STEP``, with ``~undo`` where the step is taken back, and ``#2`` for the second attempt.

    Attempts are told apart because only what this very attempt has done ends it.
    """
    return f"{run}/{step}{'~undo' if undo else ''}{f'#{attempt}' if attempt > 1 else ''}"


def step_of(run: str) -> str:
    """What :func:`tag_of` gave; empty if the actor acted for no step."""
    first = run.partition(" ")[0]
    return first.removeprefix(TAG) if first.startswith(TAG) else ""


def owner_of(run: str) -> tuple[str, str]:
    """The run and the key of the step that an actor acted for, whichever attempt that was; empty if for none."""
    owner, _, step = step_of(run).partition("/")
    return owner, step.partition("#")[0]


def same_step(run: str, other: str) -> bool:
    """Whether two actors acted for the same attempt of a step; both are ``Actor.run``, and without a step none is."""
    step = step_of(run)
    return bool(step) and step_of(other) == step
