"""Answers of the read-only commands as plain values, for people (render) and machines (codec) alike."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from lambdaops.core.model import AlarmReading, Finding, Routing
from lambdaops.core.plan import Plan


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a release would do, and what preflight found; ``config`` says which file spoke, and for what."""

    target: str
    plan: Plan
    findings: tuple[Finding, ...]
    starts_at: datetime
    blocked: bool
    environment: str = ""
    config: str = ""


@dataclass(frozen=True, slots=True)
class StatusReport:
    """How a target stands.

    ``split_without_release`` marks a split that no release of this machine accounts for, ``stranded`` one that no live
    process drives; ``driver`` says who drives, or drove, the release; ``halted`` since when and by whom it is.
    """

    target: str
    arn: str
    routing: Routing
    revision: str
    phase: str
    reason: str
    release: str | None
    next_step: str
    split_without_release: bool
    alarms: tuple[AlarmReading, ...]
    rollback_target: str | None
    driver: str = ""
    stranded: bool = False
    halted: str = ""


class Standing(enum.StrEnum):
    """Who accounts for an alias that sends traffic to two versions."""

    DRIVEN = "driven"
    """A live process drives a release of it."""
    HELD = "held"
    """A release of this machine is held there and waits for a person."""
    ABANDONED = "abandoned"
    """A release of this machine is not over, and no process drives it."""
    UNACCOUNTED = "unaccounted"
    """This machine knows of no release that could have left it so."""
    UNREADABLE = "unreadable"
    """Its journal cannot be read."""


@dataclass(frozen=True, slots=True)
class AliasStanding:
    """An alias that is split between two versions, and who accounts for it; ``detail`` says it in words."""

    target: str
    arn: str
    routing: Routing
    standing: Standing
    release: str | None
    detail: str
    next_step: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One published version; ``live_share`` in basis points, ``live_since`` when it last took all the traffic."""

    number: str
    state: str
    live_share: int
    live_since: datetime | None
    by: str
    description: str
    rollback_target: bool
    modified: str


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One release, one rollback by hand, or one halt: then ``strategy`` says so, and ``candidate`` what was stopped."""

    release: str
    started: datetime
    ended: datetime | None
    stable: str
    candidate: str
    strategy: str
    outcome: str
    reason: str
    actor: str
    ticket: str


@dataclass(frozen=True, slots=True)
class ExplainRow:
    """One judged period of one comparison, or something that happened meanwhile (``comparison`` is empty).

    ``weight`` is the stage's in basis points; ``evidence`` is against the candidate, and how much convicts.
    """

    at: datetime
    weight: int
    comparison: str
    stable: int
    stable_bad: int
    candidate: int
    candidate_bad: int
    evidence: str
    said: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One journal; ``problem`` says why it cannot be read; ``releases`` counts releases, or redrives of a queue."""

    arn: str
    problem: str
    records: int
    releases: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as people see it: its key in the file, its value, and where that comes from."""

    key: str
    value: str
    origin: str
