"""How a record says that it was written for a step of a playbook: in what its actor is part of (``Actor.run``)."""

from __future__ import annotations

TAG = "playbook:"
"""What such a name begins with; a run and a step follow: ``playbook:o-20261129-031500-1f2e/ship``."""


def step_of(run: str) -> str:
    """The run and step of an actor, ``RUN/STEP``; empty if it acted for none."""
    first = run.partition(" ")[0]
    return first.removeprefix(TAG) if first.startswith(TAG) else ""
