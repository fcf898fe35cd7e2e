"""History is read from its end: as much as is asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lambdaops.core.events import Opened, RolledBack
from lambdaops.core.model import Actor, Routing
from lambdaops.ops.reports import history
from tests.sim.clock import SimClock
from tests.sim.journal import SimJournal
from tests.sim.rig import plan_of
from tests.sim.world import ARN

ADA = Actor("arn:aws:sts::111122223333:assumed-role/oncall/ada", "laptop")


@pytest.fixture
def journal() -> SimJournal:
    """Five releases and two rollbacks."""
    journal, clock = SimJournal(f"{ARN}:live"), SimClock()
    for number in range(5):
        clock.advance(timedelta(minutes=1))
        journal.append(clock.now(), f"r-{number}", ADA, Opened(plan_of(), f"rev-{number}", ()))
        if number in (1, 3):
            clock.advance(timedelta(minutes=1))
            event = RolledBack(Routing("2"), Routing("1"), "rev", "basis")
            journal.append(clock.now(), f"b-{number}", ADA, event)
    return journal


@pytest.mark.parametrize(
    ("limit", "names", "older"),
    [
        (0, ["r-4", "b-3", "r-3", "r-2", "b-1", "r-1", "r-0"], False),
        (1, ["r-4"], True),
        (3, ["r-4", "b-3", "r-3"], True),
        (6, ["r-4", "b-3", "r-3", "r-2", "b-1", "r-1"], True),
        (7, ["r-4", "b-3", "r-3", "r-2", "b-1", "r-1", "r-0"], False),
        (99, ["r-4", "b-3", "r-3", "r-2", "b-1", "r-1", "r-0"], False),
    ],
)
def test_the_newest(journal: SimJournal, limit: int, names: list[str], older: bool) -> None:
    rows, more = history(journal, limit)
    assert ([row.release for row in rows], more) == (names, older)
