"""One sandbox for the session; each test gets functions of its own in it, and a wire to watch."""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from lambdaops.cli.playbook.catalogue import Catalogue
from lambdaops.sandbox import server as sandbox
from lambdaops.sandbox.server import Server
from tests.wire import forked
from tests.wire.proxy import Wire, wire_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lambdaops.core.playbook.book import Json


_numbers = itertools.count(1)
ROLE = "arn:aws:iam::000000000000:role/test"


ORDER = (
    "test_demo.py",
    "shop/test_alarms.py",
    "shop/test_opening.py",
    "test_dlq_redrive.py",
    "test_interrupts.py",
    "test_dlq_elsewhere.py",
    "test_judge.py",
    "test_refusals.py",
    "test_team.py",
    "test_faults.py",
    "test_kill.py",
    "test_dlq_files.py",
    "test_stopped.py",
)
"""Files that take longest come first: a process that began one last would be waited for by the others.

The process that is given the demo, a single test, is given the third file with it.
"""


def pytest_configure() -> None:
    """What ``nohup`` or a shell's ``&`` lets us ignore would be ignored by every command that is started here."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / name: place for place, name in enumerate(ORDER)}
    items.sort(key=lambda item: places.get(item.path, len(ORDER)))
    for item in items:
        if "wire" in item.path.parts:
            item.add_marker(pytest.mark.wire)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = sandbox.start(tmp_path_factory.mktemp("sandbox"))
    try:
        yield running
    finally:
        sandbox.stop(running)


@pytest.fixture(scope="session")
def clients(server: Server) -> Clients:
    return Clients(server)


@dataclass
class Clients:
    """boto3 clients that do not retry, so that one call is one answer; of another account, if one is given."""

    server: Server
    account: str = ""
    _made: dict[str, Any] = field(default_factory=dict)

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            variables = sandbox.environment(self.server)
            self._made[service] = boto3.session.Session().client(
                service,  # type: ignore[call-overload]
                endpoint_url=self.server.endpoint,
                region_name=variables["AWS_REGION"],
                aws_access_key_id=self.account or variables["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
                config=Config(retries={"total_max_attempts": 1}),
            )
        return self._made[service]


def zipped(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py", (1980, 1, 1, 0, 0, 0)), source)
    return packed.getvalue()


def answering(text: str) -> bytes:
    """Code that answers with a text."""
    return zipped(f"def handler(event, context):\n    return {text!r}\n")


FAILING = zipped("def handler(event, context):\n    raise ValueError('no')\n")


@dataclass
class Function:
    """A function of a test's own with versions 1 and 2 and the alias live on 1."""

    name: str
    clients: Clients

    @property
    def target(self) -> str:
        return f"{self.name}:live"

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:eu-central-1:000000000000:function:{self.name}"

    def settle(self) -> dict[str, Any]:
        """Wait until no update is in progress."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            config: dict[str, Any] = self.clients("lambda").get_function(FunctionName=self.name)["Configuration"]
            if config["State"] == "Active" and config["LastUpdateStatus"] == "Successful":
                return config
            time.sleep(0.05)
        raise AssertionError(f"{self.name} never settled")

    def publish(self, code: bytes) -> str:
        self.settle()
        self.clients("lambda").update_function_code(FunctionName=self.name, ZipFile=code)
        self.settle()
        version: str = self.clients("lambda").publish_version(FunctionName=self.name)["Version"]
        return version

    def alias(self) -> tuple[str, dict[str, float]]:
        answer = self.clients("lambda").get_alias(FunctionName=self.name, Name="live")
        return answer["FunctionVersion"], (answer.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {})

    def point(self, version: str, weights: dict[str, float] | None = None) -> None:
        """Somebody else sets the alias."""
        self.clients("lambda").update_alias(
            FunctionName=self.name,
            Name="live",
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights or {}},
        )

    def alarm(self, suffix: str = "errors", **more: object) -> str:
        """An alarm on the alias that is OK while nothing fails."""
        name = f"{self.name}-{suffix}"
        what: dict[str, Any] = {
            "AlarmName": name,
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [
                {"Name": "FunctionName", "Value": self.name},
                {"Name": "Resource", "Value": self.target},
            ],
            "Statistic": "Sum",
            "Period": 10,
            "EvaluationPeriods": 1,
            "Threshold": 0.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
        self.clients("cloudwatch").put_metric_alarm(**{**what, **more})
        return name

    def state_of(self, name: str) -> str:
        answer = self.clients("cloudwatch").describe_alarms(
            AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        return str([*answer["MetricAlarms"], *answer["CompositeAlarms"]][0]["StateValue"])

    def wait_for(self, name: str, state: str, within: float = 20.0) -> None:
        deadline = time.monotonic() + within
        while self.state_of(name) != state:
            assert time.monotonic() < deadline, f"{name} is {self.state_of(name)}, not {state}"
            time.sleep(0.1)


def planned(command: str, **given: Json) -> set[str]:
    """The calls that a playbook's plan names for a step with these options."""
    options = {name.replace("_", "-"): value for name, value in given.items()}
    return {call.partition(":")[2] for call in Catalogue()[command].calls_with(options)}


def until(condition: Callable[[], bool], within: float = 20.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "never happened"
        time.sleep(0.05)


def make_function(clients: Clients, name: str) -> Function:
    made = Function(name, clients)
    clients("lambda").create_function(
        FunctionName=made.name,
        Runtime="python3.11",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": answering("one")},
        Timeout=5,
    )
    made.settle()
    clients("lambda").publish_version(FunctionName=made.name)
    made.publish(answering("two"))
    clients("lambda").create_alias(FunctionName=made.name, Name="live", FunctionVersion="1")
    return made


@pytest.fixture(scope="module")
def supply(request: pytest.FixtureRequest, clients: Clients) -> Iterator[Function]:
    """As many functions as the module's chosen tests use, made side by side: each takes a second to settle."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    users = [item for item in items if item.module is request.module and "function" in item.fixturenames]
    names = [f"fn{next(_numbers)}" for _ in users]
    clients("lambda")  # made here: boto3 does not make two at a time
    with ThreadPoolExecutor(6) as pool:
        return iter(list(pool.map(lambda name: make_function(clients, name), names)))


@pytest.fixture
def function(supply: Iterator[Function]) -> Iterator[Function]:
    chosen = next(supply)
    yield chosen
    # The sandbox is everybody's: no alias may stay split for whoever looks at all of them.
    with suppress(chosen.clients("lambda").exceptions.ResourceNotFoundException):
        chosen.clients("lambda").delete_function(FunctionName=chosen.name)


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with wire_to(server.endpoint) as wire:
        yield wire


@dataclass
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.out)
        return answer

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.envelope["data"]
        return data


@dataclass
class Shell:
    """Runs the real command as a process of its own, over the wire."""

    server: Server
    wire: Wire
    home: Path
    variables: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBDAOPS_"))}
        local = {**sandbox.environment(self.server), "AWS_ENDPOINT_URL": self.wire.endpoint}
        return {**kept, **local, "LAMBDAOPS_HOME": str(self.home), "AWS_CONFIG_FILE": "/nonexistent", **self.variables}

    def start(self, *words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "lambdaops", *words],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def __call__(self, *words: str, within: float = 90.0) -> Ran:
        """Run one to its end, which takes so many seconds at most."""
        return Ran(*forked.run(words, self.environment(), within))


@pytest.fixture
def shell(server: Server, wire: Wire, tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(server, wire, tmp_path / "home")
    try:
        yield shell
    finally:
        for process in shell.started:  # a test that failed leaves them at work
            with process:
                process.kill()
