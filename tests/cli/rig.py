"""The command line on the simulated account: ``main(argv, env)`` with everything real but AWS and time."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambdaops.cli.clock import NoSignals
from lambdaops.cli.env import Env
from lambdaops.cli.main import main
from lambdaops.core.audit.reconcile import Change
from lambdaops.core.errors import LambdaOpsError, NotToldError
from lambdaops.core.notes import Note
from lambdaops.core.notifications import Channel, Message
from lambdaops.core.playbook.book import Json
from lambdaops.ports import Ports
from lambdaops.ports.halting import HaltPorts
from lambdaops.ports.playbooks import Answer
from lambdaops.store.disk import Disk
from lambdaops.store.files import FileJournals
from tests.ops.dlq.post import Post
from tests.sim.disk import SteadyDisk
from tests.sim.failures import SimFailures
from tests.sim.inventory import SimInventory
from tests.sim.levers import SimLevers
from tests.sim.published import SimPublished
from tests.sim.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lambdaops.core.messages import Said
    from lambdaops.ports import Ask, Inventory, Journals, Notifier, Signals, Sink
    from lambdaops.ports.playbooks import Answers
    from lambdaops.ports.published import PublishedVersions
    from lambdaops.ports.queues import DeadLetterPorts, FailurePaths, Queues
    from lambdaops.ports.trails import Trail


class Stream(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, text: str = "", *, tty: bool = False) -> None:
        super().__init__(text)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


@dataclass
class SimChannels:
    """Who was told what; a deaf channel takes nothing, one that is missing cannot even be tried."""

    told: list[tuple[str, Message]] = field(default_factory=list)
    notes: list[tuple[str, Note]] = field(default_factory=list)
    deaf: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)


@dataclass
class SimTrail:
    """What CloudTrail tells of orders:live."""

    changes: list[Change] = field(default_factory=list)
    error: LambdaOpsError | None = None

    def alias_changes(self, function: str, alias: str, since: datetime, until: datetime) -> tuple[Change, ...]:
        assert (function, alias) == ("orders", "live")
        if self.error is not None:
            raise self.error
        return tuple(change for change in self.changes if since <= change.at <= until)


@dataclass(frozen=True)
class SimNotifier:
    channel: Channel
    channels: SimChannels

    def tell(self, message: Said) -> None:
        if str(self.channel) in self.channels.deaf:
            raise NotToldError(f"{self.channel}: it answered 503", hint="Try again.")
        if isinstance(message, Note):
            self.channels.notes.append((str(self.channel), message))
        else:
            self.channels.told.append((str(self.channel), message))


@dataclass
class SimAnswers:
    """Functions that answer what they are given, and an AWS that answers what a test put here.

    ``invoked`` and ``asked`` are what was called, in order; ``error`` is what a function fails with.
    """

    invoked: list[tuple[str, str, bytes]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, Json]]] = field(default_factory=list)
    error: str = ""
    body: Json = None
    answer: Json = None
    raises: list[LambdaOpsError] = field(default_factory=list)

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Answer:
        self.invoked.append((function, qualifier, payload))
        if self.raises:
            raise self.raises.pop(0)
        said = self.body if self.body is not None else json.loads(payload)
        return Answer("req-1", "1", self.error, self.error and "Boom", None if self.error else said)

    def ask(self, service: str, call: str, parameters: Mapping[str, Json]) -> Json:
        self.asked.append((service, call, dict(parameters)))
        if self.raises:
            raise self.raises.pop(0)
        return self.answer


class SimEnv(Env):
    """The environment of a process whose AWS is a World: that of the profile, if it has one of its own."""

    world: World
    worlds: dict[str, World]
    account: SimInventory
    reached: list[tuple[str | None, str | None]]
    channels: SimChannels
    post: Post
    failures: SimFailures
    sim_trail: SimTrail
    shelf: SimPublished
    levers: SimLevers
    sim_answers: SimAnswers
    disk: Disk

    def published(self, *, region: str | None = None, profile: str | None = None) -> PublishedVersions:
        self.reached.append((region, profile))
        self.shelf.world = self.worlds.get(profile or "", self.world)
        return self.shelf

    def halt_ports(
        self, *, sink: Sink, ask: Ask, journals: Journals, region: str | None = None, profile: str | None = None
    ) -> HaltPorts:
        self.reached.append((region, profile))
        world = self.worlds.get(profile or "", self.world)
        return HaltPorts(
            world.clock, self.levers, world, world, journals, sink, ask, "laptop", self.ci_run, "lambdaops test"
        )

    def answers(self, *, region: str | None = None, profile: str | None = None) -> Answers:
        self.reached.append((region, profile))
        return self.sim_answers

    def trail(self, *, region: str | None = None, profile: str | None = None) -> Trail:
        self.reached.append((region, profile))
        return self.sim_trail

    @cached_property
    def files(self) -> FileJournals:
        return FileJournals(self.home, disk=self.disk)

    def queues(self, *, region: str | None = None, profile: str | None = None) -> Queues:
        self.reached.append((region, profile))
        queues: Queues = getattr(self.post, "sqs", self.post)
        return queues

    def failure_paths(self, *, region: str | None = None, profile: str | None = None) -> FailurePaths:
        self.reached.append((region, profile))
        return self.failures

    def dead_letter_ports(
        self,
        *,
        sink: Sink,
        ask: Ask,
        journals: Journals,
        region: str | None = None,
        profile: str | None = None,
        signals: Signals | None = None,
    ) -> DeadLetterPorts:
        self.reached.append((region, profile))
        quiet = signals if signals is not None else NoSignals()
        return replace(self.post.ports, signals=quiet, sink=sink, ask=ask, journals=journals, run=self.ci_run)

    def notifier(self, channel: Channel, *, region: str | None = None, profile: str | None = None) -> Notifier:
        if str(channel) in self.channels.missing:
            raise NotToldError(f"{channel}: the variable is not set", hint="Set it.")
        return SimNotifier(channel, self.channels)

    def inventory(self, *, region: str | None = None, profile: str | None = None) -> Inventory:
        self.reached.append((region, profile))
        return self.account

    def ports(
        self,
        *,
        sink: Sink,
        ask: Ask,
        journals: Journals,
        region: str | None = None,
        profile: str | None = None,
        signals: Signals | None = None,
        urgent: bool = False,
    ) -> Ports:
        self.reached.append((region, profile))
        world = self.worlds.get(profile or "", self.world)
        quiet = signals if signals is not None else NoSignals()
        return Ports(
            world.clock,
            quiet,
            world,
            world,
            world,
            world,
            world,
            journals,
            sink,
            ask,
            "laptop",
            self.ci_run,
            "lambdaops test",
            self.ci_commit,
        )


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.out.splitlines()[-1] if "\n{" in self.out else self.out)
        return answer


@dataclass
class Cli:
    """Runs command lines one after another on the same world and home.

    ``worlds`` are those of profiles; ``reached`` is the region and profile of every session; ``directory`` is where
    the commands stand.
    """

    home: Path
    world: World = field(default_factory=World)
    worlds: dict[str, World] = field(default_factory=dict)
    reached: list[tuple[str | None, str | None]] = field(default_factory=list)
    directory: Path | None = None
    account: SimInventory = field(default_factory=SimInventory)
    channels: SimChannels = field(default_factory=SimChannels)
    post: Post = field(default_factory=Post)
    failures: SimFailures = field(default_factory=SimFailures)
    trail: SimTrail = field(default_factory=SimTrail)
    shelf: SimPublished = field(default_factory=lambda: SimPublished(World()))
    levers: SimLevers = field(init=False)
    answers: SimAnswers = field(default_factory=SimAnswers)
    disk: Disk = field(default_factory=SteadyDisk)
    answer: str = ""
    stdin: type[Stream] = Stream
    tty: bool = False
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.levers = SimLevers(self.world.clock)

    def __call__(self, *argv: str) -> Ran:
        out, err = Stream(), Stream(tty=self.tty)
        variables = {"LAMBDAOPS_HOME": str(self.home), "NO_COLOR": "1", "TERM": "dumb", **self.variables}
        env = SimEnv(
            variables, self.stdin(self.answer, tty=self.tty), out, err, self.directory or self.home, self.world.clock
        )
        env.world, env.worlds, env.reached = self.world, self.worlds, self.reached
        env.account, env.channels, env.post = self.account, self.channels, self.post
        env.failures, env.sim_trail, env.shelf = self.failures, self.trail, self.shelf
        env.levers = self.levers
        env.failures, env.sim_trail, env.sim_answers = self.failures, self.trail, self.answers
        env.disk = self.disk
        return Ran(main(argv, env), out.getvalue(), err.getvalue())
