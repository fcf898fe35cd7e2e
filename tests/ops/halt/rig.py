"""A function with event sources, and everything that halting it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lambdaops.core.errors import ConfirmationMissingError
from lambdaops.core.events import kind_of
from lambdaops.core.halt.memory import Halt, open_halt
from lambdaops.core.notices import Notice
from lambdaops.ops.halt import halting, starting
from lambdaops.ports.halting import HaltPorts
from tests.sim.journal import SimJournal, SimJournals
from tests.sim.levers import QUEUE, STREAM, TABLE, SimLevers
from tests.sim.world import ARN, World

if TYPE_CHECKING:
    from lambdaops.core.halt.reports import HaltReport, UnhaltReport


@dataclass
class HaltRig:
    """The simulated machine and account: two queues' worth of mappings poll, one was disabled by somebody."""

    world: World = field(default_factory=World)
    journals: SimJournals = field(default_factory=SimJournals)
    notices: list[Notice] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    refuses: bool = False
    on_notice: Callable[[Notice], None] | None = None

    def __post_init__(self) -> None:
        self.levers = SimLevers(self.world.clock)
        self.levers.polls(QUEUE, "u-queue")
        self.levers.polls(STREAM, "u-stream")
        self.levers.polls(TABLE, "u-table", state="Disabled")

    @property
    def ports(self) -> HaltPorts:
        world = self.world
        return HaltPorts(
            world.clock, self.levers, world, world, self.journals, self, self, "laptop", "", "lambdaops test"
        )

    @property
    def journal(self) -> SimJournal:
        return self.journals.open(ARN)

    @property
    def open(self) -> Halt | None:
        return open_halt(self.journal.read().entries)

    def emit(self, notice: Notice) -> None:
        self.notices.append(notice)
        if self.on_notice is not None:
            self.on_notice(notice)

    def confirm(self, question: str) -> None:
        self.questions.append(question)
        if self.refuses:
            raise ConfirmationMissingError("nobody said yes")

    def kinds(self) -> list[str]:
        return [kind_of(entry.event) for entry in self.journal.entries]

    def halt(self, *sources: str, **more: object) -> HaltReport:
        return halting.halt(self.ports, "orders", replace(halting.Request(sources), **more))  # type: ignore[arg-type]

    def unhalt(self, *sources: str, **more: object) -> UnhaltReport:
        request = replace(starting.Request(sources), **more)  # type: ignore[arg-type]
        return starting.unhalt(self.ports, "orders", request)
