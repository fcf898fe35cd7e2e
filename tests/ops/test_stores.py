"""Making a team's table: what it lacks, in order, and nothing twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import BlockedError, ConflictError
from lambdaops.ops.stores import make_table
from lambdaops.ports.tables import TableFacts
from tests.sim.clock import SimClock

if TYPE_CHECKING:
    from lambdaops.core.notices import Notice


@dataclass
class SimAdmin:
    """A table that takes ``slow`` looks to be ready; ``young`` tries before it can have backups."""

    table: TableFacts | None = None
    slow: int = 0
    young: int = 0
    calls: list[str] = field(default_factory=list)

    def facts(self) -> TableFacts | None:
        if self.table is not None and not self.table.ready:
            self.slow -= 1
            self.table = replace(self.table, ready=self.slow <= 0)
        return self.table

    def create(self) -> None:
        self.calls.append("create")
        self.table = TableFacts(ready=self.slow <= 0, fits=True, recoverable=False, protected=True)

    def protect(self) -> None:
        self.calls.append("protect")
        assert self.table is not None
        self.table = replace(self.table, protected=True)

    def make_recoverable(self) -> None:
        self.calls.append("make_recoverable")
        if self.young:
            self.young -= 1
            raise ConflictError("too young")
        assert self.table is not None
        self.table = replace(self.table, recoverable=True)


class Nobody:
    def emit(self, notice: Notice) -> None:
        """Nobody listens."""


RIGHT = TableFacts(ready=True, fits=True, recoverable=True, protected=True)


def made(admin: SimAdmin, clock: SimClock | None = None) -> tuple[str, ...]:
    return make_table(admin, "team", clock or SimClock(), Nobody()).steps


@pytest.mark.parametrize(
    ("before", "steps", "calls"),
    [
        (None, ("create", "keep backups"), ["create", "make_recoverable"]),
        (RIGHT, (), []),
        (replace(RIGHT, recoverable=False), ("keep backups",), ["make_recoverable"]),
        (replace(RIGHT, protected=False), ("protect from deletion",), ["protect"]),
        (replace(RIGHT, ready=False), (), []),
    ],
)
def test_what_it_lacks_is_put_right(before: TableFacts | None, steps: tuple[str, ...], calls: list[str]) -> None:
    admin = SimAdmin(before)
    assert made(admin) == steps
    assert admin.calls == calls
    assert admin.table == RIGHT
    assert made(admin) == ()


def test_it_is_waited_for() -> None:
    admin, clock = SimAdmin(slow=3, young=2), SimClock()
    made(admin, clock)
    assert admin.table == RIGHT
    assert sum(clock.slept, timedelta()) == timedelta(seconds=8)


def test_not_for_ever() -> None:
    with pytest.raises(ConflictError, match="not ready after five minutes"):
        made(SimAdmin(slow=1_000))
    with pytest.raises(ConflictError, match="too young"):
        made(SimAdmin(young=1_000))


def test_another_table_of_that_name_is_left_alone() -> None:
    admin = SimAdmin(replace(RIGHT, fits=False, protected=False))
    with pytest.raises(BlockedError, match="it is not a store of lambdaops"):
        made(admin)
    assert admin.calls == []


def test_somebody_else_may_be_first() -> None:
    class Second(SimAdmin):
        def create(self) -> None:
            super().create()
            raise ConflictError("in use")

    admin = Second()
    assert made(admin) == ("create", "keep backups")
    assert admin.table == RIGHT
