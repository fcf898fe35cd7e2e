"""Runs of playbooks as they are told, for people and machines alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of a run.

    ``status`` is done, failed, skipped, ``waiting`` for approval, or ``unknown`` when it was begun and nobody knows.
    """

    step: str
    status: str
    attempts: int
    began: datetime | None
    ended: datetime | None
    what: str
    message: str
    code: int = 0
    undo: bool = False


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run; ``waits`` is what somebody is to approve, ``until`` by when."""

    run: str
    playbook: str
    phase: str
    started: datetime
    ended: datetime | None
    reason: str
    why: str
    ticket: str
    actor: str
    environment: str
    account: str
    region: str
    plan: str
    inputs: str
    steps: tuple[StepRow, ...]
    driver: str = ""
    waits: str = ""
    until: datetime | None = None
    next_step: str = ""
