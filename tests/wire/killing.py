"""Kills a release from outside, lets somebody go on with it, and says what came of it.

A killed process is a real one, either ``tests.wire.killed`` or plainly ``lambdaops`` with a SIGKILL to its group. Who
goes on afterwards runs in this process, through ``main``, so that many runs fit into a minute.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambdaops.cli.main import main
from lambdaops.core.events import Intent, Landed
from lambdaops.core.model import Routing
from lambdaops.core.replay import open_release, releases
from lambdaops.ports import JournalReading
from lambdaops.sandbox import server as sandbox
from lambdaops.sandbox.server import Server
from lambdaops.store.files import FileJournals
from tests.wire.bench import SkippingClock, WireEnv, WireSession, without_pauses
from tests.wire.conftest import Clients, Function, Shell, answering, make_function
from tests.wire.killed import Moment
from tests.wire.proxy import Wire, wire_to

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lambdaops.core.events import Entry

FORWARD, ZIP, BACK = "forward", "zip", "back"
"""A release to version 2; one of a new zip; one whose alarm fires as soon as traffic is split."""
AGAIN, RESUME, ROLLBACK = "again", "resume", "rollback"
"""Who goes on: the same command, ``resume``, ``rollback``."""
PLAN = ("--strategy", "10%:1s,50%:1s,100%:1s", "--look-every", "1s", "--yes")
_LIFE = 30.0


@dataclass(frozen=True)
class AtAppend:
    """Dies by its own hand, at the append of this number."""

    number: int
    moment: Moment

    def __str__(self) -> str:
        return f"{self.number}-{self.moment}"


@dataclass(frozen=True)
class AtRandom:
    """Is killed a while after it started, or after the ``nth`` call of this name was answered."""

    phase: str
    call: str
    nth: int
    within: tuple[float, float]
    seed: int = 0

    @property
    def delay(self) -> float:
        return random.Random(f"{self.phase}{self.seed}").uniform(*self.within)

    def __str__(self) -> str:
        return f"{self.phase}-{self.seed}"


@dataclass(frozen=True)
class Case:
    """A scene, how it is killed, how whoever goes on is killed, and who goes on then."""

    scene: str
    kill: AtAppend | AtRandom
    then: str
    second: AtAppend | None = None

    def __str__(self) -> str:
        second = f"-{self.second}" if self.second else ""
        return f"{self.scene}-{self.kill}{second}-{self.then}"


@dataclass(frozen=True)
class Seen:
    """The world right after a kill."""

    code: int
    alias: Routing
    reading: JournalReading
    appended: int
    said: frozenset[Routing]
    alarmed: bool
    err: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def open(self) -> bool:
        return open_release(self.reading.entries) is not None

    @property
    def moved(self) -> bool:
        return any(isinstance(entry.event, Intent) for entry in self.reading.entries)

    @property
    def kinds(self) -> list[str]:
        return [type(entry.event).__name__ for entry in self.reading.entries]


@dataclass(frozen=True)
class Came:
    """What came of a case."""

    case: Case
    candidate: str
    kills: tuple[Seen, ...]
    code: int
    out: dict[str, Any]
    err: str
    alias: Routing
    reading: JournalReading
    published: int
    verified: int
    torn: bool
    took: float

    def __str__(self) -> str:
        """Everything needed to see what happened, and to replay it."""
        delay = f" after {self.case.kill.delay:.3f} s" if isinstance(self.case.kill, AtRandom) else ""
        lines = [f"{self.case}: {self.case.kill!r}{delay}"]
        lines += [f"killed ({seen.code}) at {seen.alias}, journal {seen.kinds}" for seen in self.kills]
        lines += [f"{self.case.then}: exit {self.code}, alias {self.alias}", json.dumps(self.out), self.err]
        return "\n".join(lines)


@dataclass
class Bench:
    """A function and what it takes to kill releases of it, one after another."""

    server: Server
    function: Function
    directory: Path
    runs: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def run(self, case: Case) -> Came:
        began = time.monotonic()
        here, words, candidate = self.scene(case.scene)
        before = self._versions()
        with wire_to(self.server.endpoint) as wire:
            shell = Shell(self.server, wire, here / "home")
            scene = Scene(wire, self.function, case.scene)
            kills = [self._killed(shell, scene, case.kill, words)]
            if case.second is not None:
                kills.append(self._killed(shell, scene, case.second, words))
            wire.watch = scene.alarm
            after = {
                AGAIN: words,
                RESUME: ("resume", self.function.target, "--yes"),
                ROLLBACK: ("rollback", self.function.target),
            }[case.then]
            code, out, err = self.command(wire, here, after, ahead=timedelta(minutes=1))
            alias = self.alias()
            if case.then == ROLLBACK and case.scene == FORWARD:
                # Nothing that a kill left behind stands in the way of the next release.
                self.command(wire, here, words, ahead=timedelta(minutes=2))
                assert self.alias() == Routing(candidate), f"{case}: the next release ended at {self.alias()}"
        verified, *_ = self.command(wire, here, ("audit", "verify"), ahead=timedelta())
        reading = _journals(here).open(f"{self.function.arn}:live").read()
        published = self._versions() - before
        took = time.monotonic() - began
        journals = _journals(here)
        torn = any(journals.open(arn).read().torn for arn in journals.targets())
        return Came(
            case, candidate, tuple(kills), code, json.loads(out), err, alias, reading, published, verified, torn, took
        )

    def scene(self, name: str) -> tuple[Path, tuple[str, ...], str]:
        """Set it: a directory of its own, the command, and the version that it is about."""
        number = next(self.runs)
        here = self.directory / f"{self.function.name}-{number}"
        here.mkdir(parents=True)
        self.function.settle()
        self.function.clients("cloudwatch").set_alarm_state(
            AlarmName=f"{self.function.name}-errors", StateValue="OK", StateReason="a new scene"
        )
        self.function.point("1")
        words = ("release", self.function.target, "--alarm", f"{self.function.name}-errors", *PLAN)
        if name != ZIP:
            return here, (*words, "--to", "2"), "2"
        archive = here / "new.zip"
        archive.write_bytes(answering(f"{self.function.name} {number} {time.time_ns()}"))
        return here, (*words, "--zip", str(archive)), str(self._versions())

    def command(self, wire: Wire, here: Path, words: Sequence[str], *, ahead: timedelta) -> tuple[int, str, str]:
        """A command of somebody else, in this process, which comes ``ahead`` of now, after whatever was killed."""
        out, err = io.StringIO(), io.StringIO()
        variables = {"LAMBDAOPS_HOME": str(here / "home"), "NO_COLOR": "1", "TERM": "dumb"}
        env = WireEnv(variables, io.StringIO(), out, err, here, SkippingClock(ahead))
        env.files = FileJournals(here / "home", wait=timedelta(seconds=1))
        env.session = WireSession(variables={**sandbox.environment(self.server), "AWS_ENDPOINT_URL": wire.endpoint})
        code = main([*words, "--output", "json"], env)
        return code, out.getvalue(), err.getvalue()

    def alias(self) -> Routing:
        version, weights = self.function.alias()
        (additional, share), *_ = [*weights.items(), (None, 0.0)]
        return Routing(version, additional, round(share * 10_000))

    def _killed(self, shell: Shell, scene: Scene, kill: AtAppend | AtRandom, words: Sequence[str]) -> Seen:
        here = shell.home.parent
        before = _appended(here)
        match kill:
            case AtAppend(number=number, moment=moment):
                shell.wire.watch = scene.alarm
                program = ("tests.wire.killed", "SIGKILL", str(number), moment.value)
                code, err = _ended(_start(shell, program, words), until=None)
            case _:
                begun = threading.Event()
                shell.wire.watch = scene.telling(kill, begun)
                process = _start(shell, ("lambdaops",), words)
                if kill.call:
                    begun.wait(_LIFE)
                code, err = _ended(process, until=kill.delay)
        reading = _journals(here).open(f"{self.function.arn}:live").read()
        appended = _appended(here) - before
        return Seen(code, self.alias(), reading, appended, _said(reading.entries), scene.alarmed, err)

    def _versions(self) -> int:
        """How many there are, the unpublished one included."""
        pages = self.function.clients("lambda").get_paginator("list_versions_by_function")
        return sum(len(page["Versions"]) for page in pages.paginate(FunctionName=self.function.name))


@dataclass
class Scene:
    """What the world does as calls come by."""

    wire: Wire
    function: Function
    name: str
    alarmed: bool = False

    def alarm(self, name: str) -> None:
        """Let the alarm fire as soon as traffic is split, in the scene that is about it."""
        if self.name == BACK and name == "UpdateAlias" and not self.alarmed:
            self.alarmed = True
            self.function.clients("cloudwatch").set_alarm_state(
                AlarmName=f"{self.function.name}-errors", StateValue="ALARM", StateReason="drill"
            )

    def telling(self, kill: AtRandom, begun: threading.Event) -> Callable[[str], None]:
        """As :meth:`alarm`, and tell when the call has come after which the process is to die."""

        def watch(name: str) -> None:
            self.alarm(name)
            if name == kill.call and self.wire.calls.count(name) == kill.nth:
                begun.set()

        return watch


def _start(shell: Shell, program: Sequence[str], words: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *program, *words],
        env=shell.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _ended(process: subprocess.Popen[str], until: float | None) -> tuple[int, str]:
    """The exit code; after ``until`` seconds its whole process group is killed."""
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(until if until is not None else _LIFE)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        _, err = process.communicate(timeout=_LIFE)
    finally:
        process.kill()
        process.wait()
    return process.returncode, err


def _journals(here: Path) -> FileJournals:
    return FileJournals(here / "home")


def _appended(here: Path) -> int:
    """How many records there are in all journals."""
    journals = _journals(here)
    return sum(len(journals.open(arn).read().entries) for arn in journals.targets())


def _said(entries: Sequence[Entry]) -> frozenset[Routing]:
    """What the journal says of the alias: the last write that landed, and the one that may have."""
    landed = [entry.event.routing for entry in entries if isinstance(entry.event, Landed)]
    pending = [release.pending.desired for release in releases(entries) if release.pending]
    return frozenset({landed[-1] if landed else Routing("1"), *pending})


def run_all(server: Server, directory: Path, chosen: list[Case], workers: int) -> Mapping[str, Came | str]:
    """Run cases side by side, each worker on a function of its own; of one that fell, its traceback."""
    benches: queue.SimpleQueue[Bench] = queue.SimpleQueue()
    for number in range(workers):
        function = make_function(Clients(server), f"killed{workers}-{number}")
        function.alarm()
        benches.put(Bench(server, function, directory))

    def run(case: Case) -> Came | str:
        bench = benches.get()
        try:
            return bench.run(case)
        except Exception:  # noqa: BLE001 -- whatever it is, the test of this case tells it
            return f"{case}: {case.kill!r}\n{traceback.format_exc()}"
        finally:
            benches.put(bench)

    with without_pauses(), ThreadPoolExecutor(workers) as pool:
        return dict(zip(map(str, chosen), pool.map(run, chosen), strict=True))
