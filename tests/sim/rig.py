"""A world with everything wired to it, and the operations in short form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import ConfirmationMissingError
from lambdaops.core.events import kind_of
from lambdaops.core.model import Routing, Target
from lambdaops.core.notices import Notice
from lambdaops.core.plan import OnInconclusive, Plan, Stage
from lambdaops.core.states import Signal
from lambdaops.ops import release as op
from lambdaops.ops.rollback import Rollback, roll_back
from lambdaops.ports import Ports
from tests.sim.journal import SimJournal, SimJournals
from tests.sim.world import ARN, World

if TYPE_CHECKING:
    from lambdaops.ops.preflight import Preflight
    from lambdaops.ports import Code

TARGET = Target("orders", "live")
STAGES = (
    Stage(1_000, timedelta(seconds=60)),
    Stage(5_000, timedelta(seconds=60)),
    Stage(10_000, timedelta(seconds=60)),
)


def plan_of(
    stages: tuple[Stage, ...] = STAGES,
    candidate: str = "2",
    alarms: tuple[str, ...] = ("errors",),
    ignored: tuple[str, ...] = (),
    on_inconclusive: OnInconclusive = OnInconclusive.ROLLBACK,
) -> Plan:
    return Plan(
        "",
        candidate,
        stages,
        "custom",
        alarms=alarms,
        ignored=ignored,
        look_every=timedelta(seconds=10),
        patience=timedelta(minutes=3),
        on_inconclusive=on_inconclusive,
    )


@dataclass
class Rig:
    """The simulated machine and account."""

    world: World = field(default_factory=World)
    journals: SimJournals = field(default_factory=SimJournals)
    notices: list[Notice] = field(default_factory=list)
    asked: tuple[Signal, str] | None = None
    listening: bool = False
    questions: list[str] = field(default_factory=list)
    refuses: bool = False
    on_notice: Callable[[Notice], None] | None = None

    @property
    def ports(self) -> Ports:
        world = self.world
        self.listening = False  # every operation is a process of its own
        return Ports(
            world.clock,
            self,
            world,
            world,
            world,
            world,
            world,
            self.journals,
            self,
            self,
            "laptop",
            "",
            "lambdaops test",
        )

    @property
    def journal(self) -> SimJournal:
        return self.journals.open(f"{ARN}:live")

    def emit(self, notice: Notice) -> None:
        self.notices.append(notice)
        if self.on_notice is not None:
            self.on_notice(notice)

    def listen(self) -> None:
        self.listening = True

    def pending(self) -> tuple[Signal, str] | None:
        return self.asked

    def confirm(self, question: str) -> None:
        assert not self.listening, "a prompt that Ctrl-C cannot leave"
        self.questions.append(question)
        if self.refuses:
            raise ConfirmationMissingError("nobody said yes")

    def kinds(self) -> list[str]:
        """What the journal holds, in order."""
        return [kind_of(entry.event) for entry in self.journal.entries]

    # -- operations ------------------------------------------------------------------------------------------------

    def preflight(self, plan: Plan | None = None) -> Preflight:
        return op.prepare(self.ports, op.look(self.ports, TARGET), op.Request(TARGET, plan or plan_of()))

    def release(self, plan: Plan | None = None, code: Code | None = None, reason: str = "") -> op.Ended:
        ended = op.release(self.ports, op.Request(TARGET, plan or plan_of(), code, "3f2a91c", reason))
        assert ended is not None, "nothing to do"
        return ended

    def roll_back_now(self) -> None:
        self.rollback(reason="customers call")

    def rollback(self, to: str | None = None, reason: str = "") -> Rollback:
        return roll_back(self.ports, TARGET, to, reason, "")

    def expect(self, routing: str, weight: int = 0, additional: str | None = None) -> None:
        assert self.world.routing == Routing(routing, additional, weight)
