"""Every fault on every AWS call of a release and a rollback: what is injected, where, and what came of it.

Commands run in this process, through ``main``, with botocore's real retries against the sandbox. Only waiting is left
out: the tool's clock skips ahead, and botocore's pauses between attempts are not slept.

``python -m tests.wire.faults`` runs them all and prints the table.
"""

from __future__ import annotations

import enum
import io
import itertools
import json
import queue
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3.session
import botocore.endpoint
from botocore.loaders import Loader

from lambdaops.aws import session as aws
from lambdaops.aws.alarms import CloudWatchAlarms
from lambdaops.aws.functions import LambdaFunctions
from lambdaops.aws.identity import StsIdentity
from lambdaops.cli.clock import NoSignals
from lambdaops.cli.env import Env
from lambdaops.cli.main import main
from lambdaops.core.events import Landed
from lambdaops.core.model import Routing
from lambdaops.core.replay import releases
from lambdaops.sandbox import server as sandbox
from lambdaops.store.files import FileJournals
from tests.wire.conftest import Clients, Function, answering, make_function
from tests.wire.proxy import ANY, FOR_EVER, PASSED, Answer, wire_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lambdaops.core.events import Entry
    from lambdaops.core.replay import Release
    from lambdaops.ports import Ports
    from lambdaops.sandbox.server import Server
    from tests.wire.proxy import Wire

# -- what is injected ----------------------------------------------------------------------------------------------

SILENCE = 0.5
"""The read timeout in seconds of a client that meets a slow answer; the product's is 5."""
HOURS = timedelta(hours=3)
ENDLESS = 10.0
"""Seconds of real time after which a command is taken to go on for ever; the longest takes a fifth of that."""


@dataclass(frozen=True)
class Fault:
    """One way for a call to go wrong; ``slow`` ones need real time."""

    name: str
    answer: Answer
    slow: bool = False

    def on(self, call: Call, times: int) -> Answer:
        return replace(self.answer, spare=call.nth - 1, times=times)


def _signed_too_early() -> str:
    now = datetime.now(UTC)
    ours, theirs, least = (f"{at:%Y%m%dT%H%M%SZ}" for at in (now, now + HOURS, now + HOURS - timedelta(minutes=5)))
    return f"Signature expired: {ours} is now earlier than {least} ({theirs} - 5 min.)"


THROTTLED = Fault("throttled", Answer(429, "TooManyRequestsException", "Rate exceeded"))
BROKEN = Fault("500", Answer(500, "ServiceException", "An error occurred and the request cannot be processed."))
BUSY = Fault("503", Answer(503, "ServiceUnavailable", "Service is unable to handle request."))
RESET = Fault("reset before", Answer(0, ""))
LOST = Fault("reset after", Answer(0, "", after=True))
SILENT = Fault("timeout", Answer(PASSED, "", delay=SILENCE * 2), slow=True)
SLOW = Fault("slow", Answer(PASSED, "", delay=SILENCE / 2), slow=True)
CUT = Fault("cut off", Answer(PASSED, "", cut=True))
SKEWED = Fault("clock skew", Answer(403, "InvalidSignatureException", _signed_too_early(), skew=HOURS))
EXPIRED = Fault(
    "expired", Answer(403, "ExpiredTokenException", "The security token included in the request is expired")
)
UNKNOWN = Fault(
    "unknown key", Answer(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
)
DENIED = Fault("denied", Answer(403, "AccessDeniedException", "User is not authorized to perform this"))
FOREIGN = Fault("foreign page", Answer(200, ""))

PASSING = (THROTTLED, BROKEN, BUSY, RESET, LOST, SILENT, SLOW, CUT)
"""What botocore tries again, or need not."""
SIGNING = (SKEWED, EXPIRED, UNKNOWN)
FAULTS = (*PASSING, *SIGNING, DENIED, FOREIGN)


# -- where it is injected ------------------------------------------------------------------------------------------


class Phase(enum.Enum):
    """How far the command has come when it makes a call."""

    OPTIONAL = "it can do without"
    BEFORE = "nothing was begun"
    READY = "begun, nothing written"
    FIRST_WRITE = "the first write"
    BAKING = "traffic is split"
    LATER_WRITE = "a write while traffic is split"
    GOING_BACK = "the write that takes traffic back"
    PROOF = "the read that proves it"


@dataclass(frozen=True)
class Call:
    """The ``nth`` request of an operation in a scene, counted from the answer to ``since`` if that is given.

    ``where`` is what the alias is on until then.
    """

    scene: str
    operation: str
    nth: int
    what: str
    phase: Phase
    where: str = "stable"
    since: str = ""

    @property
    def writes(self) -> bool:
        return self.operation in ("UpdateAlias", "UpdateFunctionCode", "PublishVersion")

    def __str__(self) -> str:
        return f"{self.scene}: {self.operation}, {self.what}"


RELEASE, ZIP, ROLLBACK, REVERT = "release", "release --zip", "rollback", "automatic rollback"
CALLS = (
    Call(RELEASE, "GetAlias", 1, "first look", Phase.BEFORE),
    Call(RELEASE, "DescribeAlarms", 1, "preflight", Phase.BEFORE),
    Call(RELEASE, "GetProvisionedConcurrencyConfig", 1, "preflight", Phase.OPTIONAL),
    Call(RELEASE, "GetFunction", 1, "stable", Phase.BEFORE),
    Call(RELEASE, "GetFunction", 2, "candidate", Phase.BEFORE),
    Call(RELEASE, "ListEventSourceMappings", 1, "preflight", Phase.OPTIONAL),
    Call(RELEASE, "GetPolicy", 1, "preflight", Phase.OPTIONAL),
    Call(RELEASE, "GetCallerIdentity", 1, "actor", Phase.BEFORE),
    Call(RELEASE, "GetAlias", 2, "before the first write", Phase.READY),
    Call(RELEASE, "DescribeAlarms", 2, "before the first write", Phase.READY),
    Call(RELEASE, "UpdateAlias", 1, "first stage", Phase.FIRST_WRITE),
    Call(RELEASE, "GetAlias", 3, "baking", Phase.BAKING, "10 %"),
    Call(RELEASE, "DescribeAlarms", 3, "baking", Phase.BAKING, "10 %"),
    Call(RELEASE, "UpdateAlias", 2, "second stage", Phase.LATER_WRITE, "10 %"),
    Call(RELEASE, "UpdateAlias", 3, "promotion", Phase.LATER_WRITE, "50 %"),
    Call(RELEASE, "GetAlias", 7, "baking at 100 %", Phase.BAKING, "candidate"),
    Call(ZIP, "GetFunction", 2, "what is unpublished", Phase.BEFORE),
    Call(ZIP, "GetCallerIdentity", 1, "actor", Phase.BEFORE),
    Call(ZIP, "ListVersionsByFunction", 1, "what is there", Phase.BEFORE),
    Call(ZIP, "UpdateFunctionCode", 1, "upload", Phase.BEFORE),
    Call(ZIP, "GetFunction", 1, "settling", Phase.BEFORE, since="UpdateFunctionCode"),
    Call(ZIP, "PublishVersion", 1, "publish", Phase.BEFORE),
    Call(ZIP, "GetFunction", 1, "the new version", Phase.BEFORE, since="PublishVersion"),
    Call(ZIP, "GetAlias", 1, "look again", Phase.BEFORE, since="PublishVersion"),
    Call(ROLLBACK, "GetAlias", 1, "first look", Phase.BEFORE, "50 %"),
    Call(ROLLBACK, "UpdateAlias", 1, "going back", Phase.GOING_BACK, "50 %"),
    Call(ROLLBACK, "GetAlias", 2, "proof", Phase.PROOF),
    Call(ROLLBACK, "GetCallerIdentity", 1, "actor", Phase.OPTIONAL),
    Call(REVERT, "UpdateAlias", 2, "going back", Phase.GOING_BACK, "10 %"),
    Call(REVERT, "GetAlias", 4, "proof", Phase.PROOF),
)
# A release that meets nothing makes 25 requests: ten before the first write, and five for each stage.
_SPANS = (
    (range(1, 9), Phase.BEFORE, "stable"),
    (range(9, 11), Phase.READY, "stable"),
    (range(11, 12), Phase.FIRST_WRITE, "stable"),
    (range(12, 17), Phase.BAKING, "10 %"),
    (range(17, 22), Phase.BAKING, "50 %"),
    (range(22, 26), Phase.BAKING, "candidate"),
)
EVERY_REQUEST = tuple(
    Call(RELEASE, ANY, nth, f"from request {nth} on", phase, where) for span, phase, where in _SPANS for nth in span
)


@dataclass(frozen=True)
class Case:
    """One run: ``times`` requests meet the fault, from ``call`` on."""

    call: Call
    fault: Fault
    times: int

    @property
    def lasting(self) -> bool:
        return self.times == FOR_EVER

    def __str__(self) -> str:
        return f"{self.call}; {self.fault.name} {'lasting' if self.lasting else f'{self.times}x'}"


def _worth_running(case: Case) -> bool:
    if case.fault is LOST and not case.call.writes:
        return False  # to a read, it makes no difference when the connection is reset
    if case.fault is SILENT and case.lasting:
        # Slow by nature: a lasting reset is the same to the command, and comes at once.
        return case.call.writes or case.call.phase is Phase.BEFORE
    return not (case.fault is SLOW and case.lasting)


def cases() -> list[Case]:
    """Every fault on every call, once and lasting; and all calls failing together from any request on."""
    single = (Case(*each) for each in itertools.product(CALLS, FAULTS, (1, FOR_EVER)))
    expired = (Case(call, EXPIRED, times) for call in EVERY_REQUEST for times in (2, FOR_EVER))
    cut_off = (Case(call, RESET, times) for call in EVERY_REQUEST[::4] for times in (2, FOR_EVER))
    return [case for case in (*single, *expired, *cut_off) if _worth_running(case)]


# -- running it ----------------------------------------------------------------------------------------------------


class EndlessError(Exception):
    """A command that does not come to an end."""


@dataclass
class SkippingClock:
    """Waits a moment, and then is as late as it was asked to be."""

    skipped: timedelta = timedelta()
    until: float = field(default_factory=lambda: time.monotonic() + ENDLESS)

    def now(self) -> datetime:
        if time.monotonic() > self.until:
            raise EndlessError
        return datetime.now(UTC) + self.skipped

    def sleep(self, duration: timedelta) -> None:
        waited = min(duration, timedelta(seconds=0.03))
        time.sleep(waited.total_seconds())
        self.skipped += duration - waited

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

    def _make(self, service: str, purpose: Any) -> Any:
        return super()._make(service, replace(purpose, read_timeout=SILENCE) if self.hasty else purpose)


class WireEnv(Env):
    """The environment of a process whose AWS is on the wire, and which other processes share with it."""

    session: WireSession

    def ports(self, **asked: Any) -> Ports:
        # Signals are the main thread's alone.
        ports = super().ports(**{**asked, "signals": NoSignals()})
        functions = LambdaFunctions(self.session, self.clock, urgent=asked.get("urgent", False))
        return replace(
            ports, functions=functions, alarms=CloudWatchAlarms(self.session), identity=StsIdentity(self.session)
        )


@dataclass
class Came:
    """What came of a case: the exit code, the alias and what the journal says of it, and what the command said."""

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
    took: float = 0.0

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
        before = len(self.versions())
        began = time.monotonic()
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
            len(self.versions()) - before,
            journals.verify(arn).count == len(entries) if entries else True,
            candidate,
            fell,
            met=answer.spare == 0 and answer.times < case.times,
        )
        if code and case.call.scene == ZIP:
            came.then = self._afterwards(home, words, candidate)
            came.published = len(self.versions()) - before
        elif came.where != "stable" and code:
            came.then = self._afterwards(home, ("rollback", self.function.target), candidate)
        came.took = time.monotonic() - began
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

    def command(self, wire: Wire, home: Path, words: Iterable[str], *, hasty: bool = False) -> tuple[int, str, str, str]:
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

    def versions(self) -> list[str]:
        pages = self.function.clients("lambda").list_versions_by_function(FunctionName=self.function.name)["Versions"]
        return [item["Version"] for item in pages]

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
        if scene == ZIP:
            archive = home / "new.zip"
            archive.write_bytes(answering(f"{number} {time.time_ns()}"))
            return (*words, "--zip", str(archive)), str(len(self.versions()))
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
    """Botocore tries again at once."""
    kept = botocore.endpoint.time
    botocore.endpoint.time = SimpleNamespace(sleep=lambda _: None)
    try:
        yield
    finally:
        botocore.endpoint.time = kept


def run_all(server: Server, directory: Path, chosen: list[Case], workers: int = 4) -> dict[str, Came]:
    """Run cases side by side, each worker on a function of its own."""
    benches: queue.SimpleQueue[Bench] = queue.SimpleQueue()
    for number in range(workers):
        function = make_function(Clients(server), f"faults{number}")
        function.alarm()
        benches.put(Bench(server, function, directory))

    def run(case: Case) -> Came:
        bench = benches.get()
        try:
            return bench.run(case)
        finally:
            benches.put(bench)

    with without_pauses(), ThreadPoolExecutor(workers) as pool:
        return dict(zip(map(str, chosen), pool.map(run, chosen), strict=True))


def table(came: Iterable[Came]) -> str:
    """Markdown: a row per call, a column per fault; in it ``once / lasting``, each the exit code and the alias."""
    came = list(came)
    found = {(each.case.call, each.case.fault.name, each.case.lasting): each for each in came}
    lines = [
        "| call | " + " | ".join(fault.name for fault in FAULTS) + " |",
        "|---|" + "---|" * len(FAULTS),
    ]
    calls = dict.fromkeys(each.case.call for each in came)
    for call in calls:
        cells = []
        for fault in FAULTS:
            both = [str(found[key]) for lasting in (False, True) if (key := (call, fault.name, lasting)) in found]
            cells.append(" / ".join(dict.fromkeys(both)))
        lines.append(f"| {call} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def report(words: list[str]) -> None:
    """Run every case that has all these words in its name, and print the table."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = sandbox.start(directory)
        stack.callback(sandbox.stop, server)
        chosen = [case for case in cases() if all(word in str(case) for word in words)]
        came = run_all(server, directory, chosen)
        print(table(came.values()))  # noqa: T201 -- what it is for


if __name__ == "__main__":
    report(sys.argv[1:])
