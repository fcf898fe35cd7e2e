"""A machine that runs playbooks: commands whose effects are counted, functions, alarms, queues, and several people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self, cast

from lambdaops.core.dlq.letter import Queue
from lambdaops.core.errors import LambdaOpsError, PlaybookInProgressError
from lambdaops.core.events import kind_of, to_record
from lambdaops.core.model import AlarmKind, AlarmReading, AlarmState
from lambdaops.core.notices import Notice
from lambdaops.core.playbook.book import Json, Playbook
from lambdaops.core.playbook.builtin import BUILTIN
from lambdaops.core.playbook.inputs import resolve
from lambdaops.core.playbook.plan import Place
from lambdaops.core.playbook.records import StepEnded, Wish
from lambdaops.core.playbook.run import Run, runs
from lambdaops.core.playbook.uses import Again, Parameter, Result, Shape, Use, parameters
from lambdaops.core.states import Signal
from lambdaops.ops.playbook import runs as steer
from lambdaops.ops.playbook.prepare import Prepared, Request, planned, prepare
from lambdaops.ops.playbook.start import Ended, begin, take_up
from lambdaops.ports import Lease, Ports
from lambdaops.ports.playbooks import Answer, PlaybookPorts
from lambdaops.query.values import JmespathValues
from tests.sim.clock import SimClock
from tests.sim.journal import Crash, SimJournals

if TYPE_CHECKING:
    from lambdaops.ports.playbooks import Part
    from lambdaops.ports.queues import Queues

ADA = "arn:aws:sts::111122223333:assumed-role/oncall/ada"
BOB = "arn:aws:sts::111122223333:assumed-role/oncall/bob"
PLACE = Place("111122223333", "eu-central-1", "prod")
_NAME = Parameter("name", required=True, about="What it is done to.")
_MORE = (
    Parameter("count", Shape.NUMBER, option="--count"),
    Parameter("force", Shape.FLAG, option="--force", off="--no-force"),
    Parameter("mode", option="--mode", choices=("fast", "slow")),
    Parameter("tag", Shape.LIST, option="--tag"),
    Parameter("more", Shape.MAPPING, option="--more"),
)
USES: dict[str, Use] = BUILTIN | {
    use.name: use
    for use in (
        Use(
            "ship",
            "Ship something.",
            parameters(_NAME, *_MORE),
            changes=True,
            stoppable=True,
            subject="name",
            outputs=("value", "name"),
            calls=("lambda:GetAlias", "lambda:UpdateAlias"),
            words=("ship",),
        ),
        Use(
            "unship",
            "Take it back.",
            parameters(_NAME),
            changes=True,
            subject="name",
            outputs=("value", "name"),
            calls=("lambda:GetAlias", "lambda:UpdateAlias"),
            words=("unship",),
        ),
        Use("look", "Only look.", parameters(_NAME), subject="name", outputs=("value", "name"), words=("look", "up")),
        Use(
            "once",
            "What cannot be recognised.",
            parameters(_NAME),
            changes=True,
            outputs=("value", "name"),
            again=Again.ASK,
            words=("once",),
        ),
        Use("run-playbook", parameters=parameters(
            Parameter("playbook", required=True), Parameter("inputs", Shape.MAPPING, option="--inputs")
        ), changes=True, stoppable=True, outputs=("outputs",), words=("playbook", "run")),
    )
}  # fmt: skip
DEFAULT = Result(0, "it is done", {"value": "given", "name": "x"})


@dataclass
class SimCommands:
    """Commands that keep count of what they did, and recognise what they did for a step before.

    ``script`` says, for a step's key, what its calls do one after another; once it is used up they simply work:
    an exit code fails without an effect, ``partly`` fails with one, ``die-before`` and ``die-after`` end the process
    on this or that side of the effect, ``wait`` goes on until it is told to stop, ``slow`` takes a minute.
    """

    rig: PlayRig
    script: dict[str, list[int | str]] = field(default_factory=dict)
    effects: Counter[str] = field(default_factory=Counter)
    done: set[str] = field(default_factory=set)
    calls: list[tuple[str, bool]] = field(default_factory=list)
    given: list[tuple[str, Mapping[str, Json]]] = field(default_factory=list)
    outputs: dict[str, Mapping[str, Json]] = field(default_factory=dict)

    def perform(self, use: Use, given: Mapping[str, Json], part: Part) -> Result:
        tag = part.tag.partition("/")[2]
        key = tag.partition("#")[0]
        self.calls.append((key, part.again))
        self.given.append((key, given))
        done = Result(0, "it is done", {"value": f"of {key}", "name": given.get("name"), **self.outputs.get(key, {})})
        if part.again and use.again is Again.SAFE and tag in self.done:
            return done  # recognised by its tag
        queue = self.script.get(key) or ["works"]
        match queue.pop(0):
            case int() as code:
                return Result(code, f"failed with {code}", error="failed")
            case "die-before":
                raise Crash
            case "die-after":
                self._take_effect(key, tag, use)
                raise Crash
            case "partly":
                self._take_effect(key, tag, use)
                return Result(9, "half of it is done", {"value": "half of it"}, error="partly-done")
            case "works":
                pass
            case "wait":
                for _ in range(60):
                    told = part.signals.pending()
                    if told is not None:
                        return Result(130, f"stopped: {told[1]}", error="interrupted")
                    self.rig.clock.sleep(timedelta(seconds=5))
            case "slow":
                self.rig.clock.sleep(timedelta(minutes=1))
            case other:
                raise AssertionError(f"no command does {other!r}")
        self._take_effect(key, tag, use)
        return done

    def _take_effect(self, key: str, tag: str, use: Use) -> None:
        self.effects[key] += use.changes
        if use.changes:
            self.done.add(tag)


@dataclass
class PlayDrive:
    """The right to drive one run, or to begin one."""

    journals: PlayJournals
    name: str

    def __enter__(self) -> Self:
        if self.name in self.journals.held:
            raise PlaybookInProgressError(f"{self.name} is being driven")
        self.journals.held.add(self.name)
        return self

    def beat(self) -> None:
        self.journals.beats += 1

    def __exit__(self, *exc: object) -> None:
        self.journals.held.discard(self.name)


@dataclass
class PlayJournals(SimJournals):
    """Journals whose locks go by name, as those of runs do."""

    held: set[str] = field(default_factory=set)

    def drive(self, arn: str, release: str = "") -> PlayDrive:  # type: ignore[override]
        return PlayDrive(self, arn)

    def driver(self, arn: str) -> Lease | None:
        return Lease(4711, "laptop", None, "", None, live=True) if arn in self.held else None


@dataclass
class PlayRig:
    """The simulated machine and account; every operation is a process of its own."""

    clock: SimClock = field(default_factory=SimClock)
    journals: PlayJournals = field(default_factory=PlayJournals)
    who: str = ADA
    acting_for: str = ""
    asked: tuple[Signal, str] | None = None
    states: dict[str, AlarmState] = field(default_factory=dict)
    blind: LambdaOpsError | None = None
    looks: int = 0
    slow_looks: timedelta = timedelta()
    in_queue: int = 0
    invoked: list[bytes] = field(default_factory=list)
    answers: list[Answer | LambdaOpsError | str] = field(default_factory=list)
    asked_of_aws: list[tuple[str, str]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    on_notice: Callable[[Notice], None] | None = None
    commands: SimCommands = field(init=False)
    _changed: dict[str, tuple[AlarmState, datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.commands = SimCommands(self)

    @property
    def ports(self) -> PlaybookPorts:
        return PlaybookPorts(
            self.clock, self, self.commands, self, self, cast("Queues", self), JmespathValues(), self, self.journals,
            self, "laptop", self.acting_for, "lambdaops test",
        )  # fmt: skip

    @property
    def steering(self) -> Ports:
        """As far as requests need one: clock, journals, identity, sink."""
        return cast("Ports", self.ports)

    # -- the world -----------------------------------------------------------------------------------------------------

    def listen(self) -> None:
        """As always."""

    def pending(self) -> tuple[Signal, str] | None:
        return self.asked

    def caller(self) -> str:
        return self.who

    def emit(self, notice: Notice) -> None:
        self.notices.append(notice)
        if self.on_notice is not None:
            self.on_notice(notice)

    def confirm(self, question: str) -> None:
        """Always."""

    def read_alarms(self, names: Sequence[str]) -> tuple[AlarmReading, ...]:
        if not names:
            return ()
        self.looks += 1
        self.clock.advance(self.slow_looks)
        if self.blind is not None:
            raise self.blind
        return tuple(self._reading(name) for name in names if name in self.states)

    def _reading(self, name: str) -> AlarmReading:
        state, at = self._changed.get(name, (None, self.clock.now()))
        if state is not self.states[name]:
            at = self.clock.now()
        self._changed[name] = self.states[name], at
        return AlarmReading(name, AlarmKind.METRIC, self.states[name], at)

    def flap(self, name: str) -> None:
        """The alarm goes off and is OK again, before anybody looks."""
        self._changed[name] = AlarmState.OK, self.clock.now()

    def find(self, queue: str) -> Queue:
        hour = timedelta(hours=1)
        now = self.clock.now()
        return Queue(f"https://sqs/{queue}", f"arn:aws:sqs:x:1:{queue}", self.in_queue, 0, 0, hour, hour, now)

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Answer:
        self.invoked.append(payload)
        found = self.answers.pop(0) if self.answers else Answer("r-1", "7", "", "", {"ok": True})
        if found == "die":
            raise Crash
        if isinstance(found, LambdaOpsError):
            raise found
        assert isinstance(found, Answer)
        return found

    def ask(self, service: str, call: str, given: Mapping[str, Json]) -> Json:
        self.asked_of_aws.append((service, call))
        return {"Environment": {"Variables": {"TOKEN": "t0ken"}}, "Nested": [{"Environment": 1, "Kept": 2}], "N": 3}

    # -- operations ----------------------------------------------------------------------------------------------------

    def request(self, book: Playbook, said: Mapping[str, Json] | None = None, **more: object) -> Request:
        return replace(Request(book, resolve(book, said or {}), USES, PLACE, {}), **more)  # type: ignore[arg-type]

    def prepared(self, book: Playbook, said: Mapping[str, Json] | None = None, **more: object) -> Prepared:
        return prepare(self.ports, self.request(book, said, **more))

    def run(self, book: Playbook, said: Mapping[str, Json] | None = None, **more: object) -> Ended:
        """The command: begins a run, or takes up the one that is not over."""
        found = self.prepared(book, said, **more)
        if found.unfinished is not None:
            return take_up(self.ports, found, found.unfinished.id, "")
        return begin(self.ports, found)

    def resume(
        self, book: Playbook, said: Mapping[str, Json] | None = None, *, edited: bool = False, **more: object
    ) -> Ended:
        """Takes up the last run."""
        request = self.request(book, said, **more)
        return take_up(self.ports, planned(self.ports, request), self.found(book.name).run.id, edited=edited)

    def found(self, name: str = "book") -> steer.FoundRun:
        return steer.find(self.journals, name)

    def answer(self, wish: Wish, who: str = BOB, reason: str = "looked at it", name: str = "book") -> None:
        before, self.who = self.who, who
        try:
            steer.answer(self.steering, self.found(name), wish, reason)
        finally:
            self.who = before

    def cancel(self, reason: str = "enough", name: str = "book") -> None:
        """Asked for by somebody who waits for nothing."""
        found = replace(self.found(name), lease=None)
        before, self.who = self.who, BOB
        try:
            steer.cancel(self.steering, found, reason)
        finally:
            self.who = before

    # -- what there is -------------------------------------------------------------------------------------------------

    @property
    def journal(self) -> list[object]:
        """Every event, in order."""
        return [entry.event for journal in self.journals.journals.values() for entry in journal.entries]

    def replayed(self) -> Run:
        """The last run as its journal tells it."""
        (journal,) = self.journals.journals.values()
        return runs(journal.read().entries)[-1]

    def kinds(self) -> list[str]:
        return [kind_of(entry.event) for journal in self.journals.journals.values() for entry in journal.entries]

    def story(self) -> list[str]:
        """Each end of a step, in a word."""
        return [
            f"{'un' if one.undo else ''}{one.status.value} {one.step}"
            for one in self.journal
            if isinstance(one, StepEnded)
        ]

    def lines(self) -> str:
        """All records as text."""
        return "\n".join(
            json.dumps(to_record(entry), ensure_ascii=False)
            for journal in self.journals.journals.values()
            for entry in journal.entries
        )
