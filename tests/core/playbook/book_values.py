"""Playbooks and their runs in a few words, for the tests of this directory."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.events import Entry, from_record, to_record
from lambdaops.core.model import Actor
from lambdaops.core.playbook.book import Action, Json, Playbook, Step
from lambdaops.core.playbook.records import PlaybookOpened
from lambdaops.core.playbook.run import Run, runs
from tests.sim.playing import ADA, BOB, USES

if TYPE_CHECKING:
    from lambdaops.core.events import Event

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
ARN = "arn:aws:lambda:eu-central-1:111122223333:playbook:book"
__all__ = ["ADA", "ARN", "BOB", "NOON", "USES", "at", "book", "entry", "fold", "ship"]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def ship(name: str, uses: str = "ship", given: dict[str, Json] | None = None, **more: object) -> Step:
    return Step(name, Action(uses, {"name": name} if given is None else given), **more)  # type: ignore[arg-type]


def book(*steps: Step, **more: object) -> Playbook:
    return Playbook("book", steps, digest="d1", **more)  # type: ignore[arg-type]


def entry(seq: int, event: Event, seconds: float = 0, who: str = ADA, run: str = "o-1") -> Entry:
    """As a journal gives it back: through a line of text."""
    made = Entry(seq, at(seconds), ARN, run, Actor(who, "laptop"), event)
    return from_record(json.loads(json.dumps(to_record(made))))


def fold(*events: Event | tuple[Event, float] | tuple[Event, float, str]) -> Run:
    """A run of these records after it was opened; with how many seconds later, and by whom."""
    entries = [entry(1, PlaybookOpened("book", "d1", "p1", "{}"))]
    for number, one in enumerate(events, 2):
        event, seconds, who = (one if len(one) == 3 else (*one, ADA)) if isinstance(one, tuple) else (one, number, ADA)
        entries.append(entry(number, event, seconds, who))
    (run,) = runs(entries)
    return run
