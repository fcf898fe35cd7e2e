"""Runs a command into a fault, many side by side, and says what came of it.

Commands run in this process, through ``main``, with botocore's real retries against the sandbox. Only waiting is left
out: the tool's clock skips ahead, and botocore's pauses between attempts are not slept.
"""

from __future__ import annotations

import io
import itertools
import json
import queue
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import botocore.endpoint
from botocore.loaders import Loader

from lambdaops.aws import session as aws
from lambdaops.aws.alarms import CloudWatchAlarms
from lambdaops.aws.functions import LambdaFunctions
from lambdaops.aws.identity import StsIdentity
from lambdaops.aws.metrics import CloudWatchMetrics
from lambdaops.cli.clock import NoSignals
from lambdaops.cli.env import Env
from lambdaops.cli.main import main
from lambdaops.core.events import Landed
from lambdaops.core.model import Routing
from lambdaops.core.replay import Release, releases
from lambdaops.sandbox import server as sandbox
from lambdaops.sandbox.server import Server
from lambdaops.store.files import FileJournals
from tests.wire.conftest import Clients, Function, answering, make_function
from tests.wire.injected import JUDGED, REVERT, ROLLBACK, SILENCE, STRANDING, ZIP, Call, Case
from tests.wire.proxy import Answer, wire_to

if TYPE_CHECKING:
    from collections.abc import Iterable

    import boto3.session

    from lambdaops.core.events import Entry
    from lambdaops.ports import Ports
    from tests.wire.proxy import Wire

ENDLESS = 60.0
"""Seconds of real time after which a command is taken to go on for ever; the longest takes a tenth of that."""


class EndlessError(Exception):
    """A command that does not come to an end."""


@dataclass
class SkippingClock:
    """Goes only while it is slept by, and sleeps a two-hundredth: how often a command looks is its own affair then,
    not that of a busy machine."""

    skipped: timedelta = timedelta()
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    until: float = field(default_factory=lambda: time.monotonic() + ENDLESS)

    def now(self) -> datetime:
        if time.monotonic() > self.until:
            raise EndlessError
        return self.began + self.skipped

    def sleep(self, duration: timedelta) -> None:
        waited = duration / 200
        time.sleep(waited.total_seconds())
        self.skipped += duration

    def interrupt(self) -> None:
        """Its sleep is over already."""


class WireSession(aws.Session):
    """Reads the services' descriptions once for all; ``hasty`` shortens what silence it bears, and nothing else."""

    descriptions = Loader()
    hasty = False

    def _boto(self) -> boto3.session.Session:
        made = super()._boto()
        made._session.register_component("data_loader", self.descriptions)
        return made

    def _make(self, service: str, purpose: Any, region: str | None) -> Any:
        return super()._make(service, replace(purpose, read_timeout=SILENCE) if self.hasty else purpose, region)


class WireEnv(Env):
    """The environment of a process whose AWS is on the wire, and which other processes share with it."""

    session: WireSession

    def ports(self, **asked: Any) -> Ports:
        # Signals are the main thread's alone.
        ports = super().ports(**{**asked, "signals": NoSignals()})
        functions = LambdaFunctions(self.session, self.clock, urgent=asked.get("urgent", False))
        return replace(
            ports,
            functions=functions,
            alarms=CloudWatchAlarms(self.session),
            metrics=CloudWatchMetrics(self.session),
            identity=StsIdentity(self.session),
        )


@dataclass
class Came:
    """What came of a case: the exit code, the alias and what the journal says of it, and what the command said.

    ``met`` is whether the fault was; ``then`` what the person's next command came to, where one was needed.
    """

    case: Case
    code: int
    alias: Routing
    said: frozenset[Routing]
    release: Release | None
    out: dict[str, Any]
    err: str
    calls: list[str]
    published: int
    verified: bool
    candidate: str
    fell: str
    met: bool
    then: str = ""

    @property
    def where(self) -> str:
        return _where(self.alias, self.candidate)

    @property
    def error(self) -> dict[str, Any]:
        found = self.out.get("errors") or [{}]
        first: dict[str, Any] = found[0]
        return first

    def __str__(self) -> str:
        return f"{self.code} {self.where}"


def _where(alias: Routing, candidate: str) -> str:
    if alias == Routing("1"):
        return "stable"
    return "candidate" if alias == Routing(candidate) else f"{alias.weight / 100:.0f} %"


@dataclass
class Bench:
    """A function and what it takes to run cases on it, one after another."""

    server: Server
    function: Function
    directory: Path
    runs: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def run(self, case: Case) -> Came:
        number = next(self.runs)
        home = self.directory / f"{self.function.name}-{number}"
        home.mkdir(parents=True)
        words, candidate = self._scene(case.call.scene, home, number)
        before = self.versions()
        with wire_to(self.server.endpoint) as wire:
            answer = case.fault.on(case.call, case.times)
            wire.watch = partial(self._watch, wire, case.call, answer)
            if not case.call.since:
                wire.answers[case.call.operation] = answer
            code, out, err, fell = self.command(wire, home, words, hasty=case.fault.slow)
        journals = FileJournals(home / "home")
        arn = f"{self.function.arn}:live"
        entries = journals.open(arn).read().entries
        release = next(reversed(releases(entries)), None)
        came = Came(
            case,
            code,
            self.alias(),
            _said(entries, release),
            release,
            json.loads(out or "{}"),
            err,
            list(wire.calls),
            self.versions() - before,
            journals.verify(arn).count == len(entries) if entries else True,
            candidate,
            fell,
            met=answer.spare == 0 and answer.times < case.times,
        )
        if code and case.call.scene == ZIP and case.fault in STRANDING:
            came.then = self._afterwards(home, words, candidate)
            came.published = self.versions() - before
        elif came.where != "stable" and code:
            came.then = self._afterwards(home, ("rollback", self.function.target), candidate)
        return came

    def _afterwards(self, home: Path, words: Iterable[str], candidate: str) -> str:
        """What a person does next, when nothing is in the way any more."""
        with wire_to(self.server.endpoint) as wire:
            code, *_ = self.command(wire, home, words)
        return f"{code} {_where(self.alias(), candidate)}"

    def alias(self) -> Routing:
        version, weights = self.function.alias()
        (additional, share), *_ = [*weights.items(), (None, 0.0)]
        return Routing(version, additional, round(share * 10_000))

    def command(
        self, wire: Wire, home: Path, words: Iterable[str], *, hasty: bool = False
    ) -> tuple[int, str, str, str]:
        """One command: exit code, output, messages, and the traceback of what nobody caught."""
        out, err = io.StringIO(), io.StringIO()
        variables = {"LAMBDAOPS_HOME": str(home / "home"), "NO_COLOR": "1", "TERM": "dumb"}
        env = WireEnv(variables, io.StringIO(), out, err, home, SkippingClock())
        env.session = WireSession(variables={**sandbox.environment(self.server), "AWS_ENDPOINT_URL": wire.endpoint})
        env.session.hasty = hasty
        try:
            return main([*words, "--output", "json"], env), out.getvalue(), err.getvalue(), ""
        except Exception:  # noqa: BLE001 -- whatever it is, it is what the test is about
            return 1, out.getvalue(), err.getvalue(), traceback.format_exc()

    def versions(self) -> int:
        """How many there are, the unpublished one included."""
        pages = self.function.clients("lambda").get_paginator("list_versions_by_function")
        return sum(len(page["Versions"]) for page in pages.paginate(FunctionName=self.function.name))

    def _scene(self, scene: str, home: Path, number: int) -> tuple[tuple[str, ...], str]:
        """Set it; gives the command and the version that it is about."""
        function, target = self.function, self.function.target
        function.clients("cloudwatch").set_alarm_state(
            AlarmName=f"{function.name}-errors", StateValue="OK", StateReason="a new scene"
        )
        function.point("1", {"2": 0.5} if scene == ROLLBACK else None)
        if scene == ROLLBACK:
            return ("rollback", target), "2"
        plan = ("--strategy", "10%:1s,50%:1s,100%:1s", "--look-every", "1s", "--patience", "10s", "--yes")
        words = ("release", target, "--alarm", f"{function.name}-errors", *plan)
        words = (*words, *(() if scene == JUDGED else ("--compare", "none")))
        if scene == ZIP:
            archive = home / "new.zip"
            archive.write_bytes(answering(f"{number} {time.time_ns()}"))
            return (*words, "--zip", str(archive)), str(self.versions())
        return (*words, "--to", "2"), "2"

    def _watch(self, wire: Wire, call: Call, answer: Answer, name: str) -> None:
        """What happens in the world as soon as AWS has done something."""
        if name == call.since:
            wire.answers[call.operation] = answer
        if call.scene == REVERT and name == "UpdateAlias" and wire.calls.count(name) == 1:
            self.function.clients("cloudwatch").set_alarm_state(
                AlarmName=f"{self.function.name}-errors", StateValue="ALARM", StateReason="drill"
            )


def _said(entries: Iterable[Entry], release: Release | None) -> frozenset[Routing]:
    """What the journal says of the alias: the last write that landed, and the one that may have."""
    if release is None:
        return frozenset()
    landed = [entry.event.routing for entry in entries if isinstance(entry.event, Landed)]
    pending = {release.pending.desired} if release.pending else set()
    return frozenset({landed[-1] if landed else release.plan.baseline} | pending)


@contextmanager
def without_pauses() -> Iterator[None]:
    """Let botocore try again at once."""
    with patch.object(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None)):
        yield


def run_all(server: Server, directory: Path, chosen: list[Case], workers: int = 4) -> dict[str, Came]:
    """Run cases side by side, each worker on a function of its own."""
    benches: queue.SimpleQueue[Bench] = queue.SimpleQueue()
    functions = [make_function(Clients(server), f"faults{number}") for number in range(workers)]
    for function in functions:
        function.alarm()
        benches.put(Bench(server, function, directory))

    def run(case: Case) -> Came:
        bench = benches.get()
        try:
            return bench.run(case)
        finally:
            benches.put(bench)

    try:
        with without_pauses(), ThreadPoolExecutor(workers) as pool:
            return dict(zip(map(str, chosen), pool.map(run, chosen), strict=True))
    finally:
        for function in functions:
            function.clients("lambda").delete_function(FunctionName=function.name)
