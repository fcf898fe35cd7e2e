"""A redrive on simulated queues, stepped call by call: workers are interleaved, and killed, wherever a test wants."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lambdaops.core.dlq.fate import Fates
from lambdaops.core.dlq.plan import ALL, RedrivePlan
from lambdaops.core.dlq.records import RedriveSignalled, Wish
from lambdaops.core.dlq.run import Run, exit_code, runs
from lambdaops.core.dlq.talk import Leave, Turn
from lambdaops.core.errors import LambdaOpsError
from lambdaops.core.model import Actor, AlarmKind, AlarmReading, AlarmState
from lambdaops.core.notices import Notice
from lambdaops.core.states import Signal
from lambdaops.ops.dlq.hands import Hands
from lambdaops.ops.dlq.redrive import Prepared, Request, begin, prepare, require_clear
from lambdaops.ops.dlq.worker import Worker
from lambdaops.ops.recorder import Recorder
from lambdaops.ports.queues import DeadLetterPorts, Move
from tests.sim.clock import Machine, SimClock
from tests.sim.journal import SimJournal, SimJournals
from tests.sim.queues import ACCOUNT, Functions, Sqs, arn_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambdaops.core.dlq.route import ToFunction, ToQueue
    from lambdaops.core.errors import ExitCode
    from lambdaops.ops.dlq.deeds import Deed, Work
    from lambdaops.ops.dlq.shift import Shift

ACTOR = Actor("arn:aws:sts::111122223333:assumed-role/ops/ann", "laptop")
MOST_STEPS = 60_000


def quick(**changes: Any) -> RedrivePlan:
    """A plan without stages, unless a test wants some."""
    return RedrivePlan("", **{"stages": (ALL,), "workers": 1, "watch": timedelta(seconds=10), **changes})


@dataclass
class Post:
    """The machine, the account, and everything that happened."""

    clock: SimClock = field(default_factory=SimClock)
    machine: Machine = field(init=False)
    sqs: Sqs = field(init=False)
    functions: Functions = field(default_factory=Functions)
    journals: SimJournals = field(default_factory=SimJournals)
    notices: list[Notice] = field(default_factory=list)
    alarms: dict[str, AlarmReading] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    looks: int = 0
    blind: LambdaOpsError | None = None
    asked: tuple[Signal, str] | None = None
    alias: dict[str, str] = field(default_factory=dict)
    fates: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sqs = Sqs(self.clock)
        self.machine = Machine(self.clock)

    @property
    def ports(self) -> DeadLetterPorts:
        return DeadLetterPorts(
            self.machine, self, self.sqs, self, self.functions, self.functions, self, self, self.journals, self, self,
            "laptop", "", "lambdaops test",
        )  # fmt: skip

    @property
    def journal(self) -> SimJournal:
        return self.journals.open(arn_of("dlq.fifo" if "dlq.fifo" in self.sqs.boxes else "dlq"))

    # -- ports -----------------------------------------------------------------------------------------------------

    def listen(self) -> None:
        pass

    def pending(self) -> tuple[Signal, str] | None:
        return self.asked

    def emit(self, notice: Notice) -> None:
        self.notices.append(notice)

    def confirm(self, question: str) -> None:
        pass

    def caller(self) -> str:
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/ann"

    def read_alarms(self, names: Sequence[str]) -> tuple[AlarmReading, ...]:
        self.looks += 1
        if self.blind is not None:
            raise self.blind
        return tuple(self.alarms[name] for name in names if name in self.alarms)

    def recent(self, source: str) -> tuple[Move, ...]:
        return tuple(self.moves)

    def start(self, source: str, destination: str | None, rate: int | None) -> str:
        raise NotImplementedError

    def cancel(self, source: str, handle: str) -> None:
        raise NotImplementedError

    # -- verbs -----------------------------------------------------------------------------------------------------

    def alarm(self, name: str, state: AlarmState = AlarmState.OK) -> None:
        self.alarms[name] = AlarmReading(name, AlarmKind.METRIC, state, self.clock.now())

    def ask(self, wish: Wish, run: str, reason: str = "") -> None:
        """Somebody asks in another shell."""
        self.journal.append(self.clock.now(), run, ACTOR, RedriveSignalled(wish, reason))

    def run(self) -> Run:
        return runs(self.journal.read().entries)[-1]

    # -- a process -------------------------------------------------------------------------------------------------

    def request(
        self, plan: RedrivePlan | None = None, to: ToQueue | ToFunction | None = None, *, resend: bool = False
    ) -> Request:
        def fates(plan: RedrivePlan, to: ToQueue | ToFunction | None, sources: tuple[str, ...]) -> Fates:
            return Fates(plan, to, sources, self.alias.get, **self.fates)

        plan = plan or quick()
        return Request(plan, fates, to, "the fix is out", resend=resend, watch=plan.watch)

    def prepare(self, request: Request) -> Prepared:
        name = next(name for name in self.sqs.boxes if name.startswith("dlq"))
        return prepare(self.ports, self.sqs.find(name), request)

    def process(self, request: Request | None = None) -> Process:
        """A process that has just taken the run up."""
        return Process(self, request or self.request())

    def redrive(self, request: Request | None = None) -> ExitCode:
        """One process from beginning to end."""
        process = self.process(request)
        process.finish()
        return exit_code(self.run())


class Process:
    """Workers as generators, and the desk; ``step`` makes one worker do one thing."""

    def __init__(self, post: Post, request: Request) -> None:
        self.post = post
        prepared = post.prepare(request)
        require_clear(prepared)
        self.id = prepared.unfinished.id if prepared.unfinished else f"d-{len(runs(post.journal.entries)) + 1}"
        self.drive = post.journals.drive(prepared.queue.arn, self.id)
        self.drive.__enter__()
        recorder = Recorder(post.ports, prepared.journal, prepared.queue.arn, self.id, ACTOR)
        self.shift: Shift = begin(recorder, prepared, request, self.drive)
        plan = self.shift.desk.run.plan
        fates = request.fates(plan, request.to, prepared.sources)
        hands = Hands(post.sqs, post.functions, post.functions, prepared.queue, self._pause)
        self.perform: Callable[[Deed], object] = hands.perform
        self.works: list[Work] = [Worker(n, fates, self.shift.steady.now).work() for n in range(plan.workers)]
        self.deeds: list[Deed | None] = [next(work) for work in self.works]
        self.log: list[Deed] = []

    @property
    def alive(self) -> bool:
        return any(deed is not None for deed in self.deeds)

    def step(self, which: int) -> None:
        """One worker, of those that are there, does what it wants done next."""
        there = [n for n, deed in enumerate(self.deeds) if deed is not None]
        number = there[which % len(there)]
        deed, work = self.deeds[number], self.works[number]
        assert deed is not None
        self.log.append(deed)
        # The desk's hand is never slower than a tenth of a second in real life.
        try:
            if isinstance(deed, Turn):
                answers = dict(self.shift.serve([deed]))
                if deed.left:
                    self.deeds[number] = None
                    return
                self.deeds[number] = work.send(answers.get(number, Leave()))
            else:
                self.deeds[number] = work.send(self.perform(deed))
        except LambdaOpsError as error:
            if isinstance(deed, Turn):
                raise
            self.deeds[number] = work.throw(error)

    def finish(self, choose: Callable[[], int] = lambda: 0) -> None:
        """Go on until every worker is gone, and close the run."""
        steps, turn = 0, 0
        while self.alive:
            self.step(turn + choose())
            turn += 1
            steps += 1
            assert steps < MOST_STEPS, "it does not end"
        self.close()

    def close(self) -> None:
        entry = self.shift.end()
        self.shift.desk.run.take(entry)
        self.drive.__exit__(None, None, None)

    def kill(self) -> None:
        """SIGKILL: nothing more happens, the lock is free."""
        self.deeds = [None for _ in self.deeds]
        self.drive.__exit__(None, None, None)

    def _pause(self, lasts: timedelta) -> None:
        self.post.clock.advance(lasts)
