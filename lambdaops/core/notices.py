"""What a running operation tells: journal entries as they are made, and looks and warnings that leave no record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lambdaops.core.dlq.plan import RedrivePlan
from lambdaops.core.dlq.records import Tally
from lambdaops.core.events import Entry
from lambdaops.core.gates import GateResult
from lambdaops.core.model import Finding, Routing, Target
from lambdaops.core.plan import Plan
from lambdaops.core.states import State


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan and what preflight found, before anything is written."""

    at: datetime
    target: Target
    plan: Plan
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """One tick: what was seen and when the next look is due."""

    at: datetime
    alias: Routing | None
    gates: tuple[GateResult, ...]
    state: State
    reason: str
    next_look: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """A long step of something that is not a release: uploading, waiting for a version."""

    at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the operator must know although the operation goes on."""

    at: datetime
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Redriving:
    """How far a redrive is: its tally, the stage it is in (from 1), and until when that is watched, if it is over.

    ``rate`` is in messages per 1000 s, over the last seconds; ``paused`` and ``stopping`` say why nothing moves.
    """

    at: datetime
    plan: RedrivePlan
    tally: Tally
    stage: int
    rate: int = 0
    watching: datetime | None = None
    paused: bool = False
    stopping: str = ""


Notice = Entry | Planned | Looked | Progress | Warned | Redriving
