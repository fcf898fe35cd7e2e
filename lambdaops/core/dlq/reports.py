"""What commands on redrives answer, for people (render) and machines (codec) alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lambdaops.core.dlq.plan import RedrivePlan
from lambdaops.core.dlq.records import Tally
from lambdaops.core.model import Finding


@dataclass(frozen=True, slots=True)
class Problem:
    """A message that was asked for and stays: what hinders it, in a word and in detail."""

    id: str
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a run besides its journal.

    ``places`` says how many went where; ``unsure`` counts batches that were sent again because an answer was lost.
    """

    problems: tuple[Problem, ...]
    places: Mapping[str, int]
    unsure: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """One redrive; ``driver`` says who is at work on it, ``why`` what for, ``reason`` how it ended or why it holds."""

    run: str
    queue: str
    phase: str
    started: datetime
    ended: datetime | None
    total: int
    moved: int
    tally: Tally | None
    reason: str
    why: str
    actor: str
    ticket: str
    driver: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Share:
    """So many of a sample: where they would go, or why they would stay."""

    what: str
    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would be done.

    Attributes:
        plan: the whole plan.
        sampled: how many letters were looked at; each was received once more.
        goes: where they would go.
        stays: why others would stay, each with a few reasons.
        expires: when the oldest of the sample is deleted by SQS.
        findings: what was found out before.
        blocked: whether it would be refused.
        native: why SQS itself would not move them; empty when it would.
    """

    plan: RedrivePlan
    sampled: int
    goes: tuple[Share, ...]
    stays: tuple[Share, ...]
    expires: datetime | None
    findings: tuple[Finding, ...]
    blocked: bool
    native: str = ""
