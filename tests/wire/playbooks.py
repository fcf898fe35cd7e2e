"""What tests of the shipped playbooks need: an alarm that rings when told, queues, and a run as it is on record."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdaops.core.playbook.run import Run, runs
from lambdaops.store.files import FileJournals
from tests.wire.conftest import Function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.conftest import Ran, Shell

REGION, ACCOUNT = "eu-central-1", "000000000000"


def words(name: str, inputs: dict[str, str], *more: str) -> tuple[str, ...]:
    """The command line that runs a playbook."""
    said = [word for key, value in inputs.items() for word in ("--input", f"{key}={value}")]
    return ("playbook", "run", name, *said, "--yes", "--output", "json", *more)


def play(shell: Shell, name: str, inputs: dict[str, str], *more: str) -> Ran:
    """Run a playbook to its end."""
    return shell(*words(name, inputs, *more))


def recorded(shell: Shell, name: str) -> Run:
    """The newest run of a playbook, as its journal tells it."""
    journal = FileJournals(shell.home).open(f"arn:aws:lambda:{REGION}:{ACCOUNT}:playbook:{name}")
    return runs(journal.read().entries)[-1]


def statuses(run: Run) -> dict[str, str]:
    """How each step of a run ended."""
    return {key: tried.status.value for key, tried in run.tried.items() if tried.status is not None}


def undone(run: Run) -> dict[str, str]:
    """How what takes steps back ended."""
    return {key: tried.status.value for key, tried in run.undone.items() if tried.status is not None}


@dataclass
class Bell:
    """An alarm that is what it is told to be: nothing is ever measured for it."""

    function: Function
    name: str

    def ring(self) -> None:
        self._set("breaching", "ALARM")

    def hush(self) -> None:
        self._set("notBreaching", "OK")

    def _set(self, missing: str, state: str) -> None:
        self.function.alarm(self.name, MetricName="Nothing", TreatMissingData=missing)
        self.function.wait_for(str(self), state)

    def __str__(self) -> str:
        return f"{self.function.name}-{self.name}"


def bell(function: Function, name: str = "bell") -> Bell:
    """One that is quiet."""
    made = Bell(function, name)
    made.hush()
    return made


@dataclass
class Line:
    """A queue of a test's own, and the mapping through which a function reads it."""

    function: Function
    name: str
    url: str
    mapping: str

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.function.clients("sqs").send_message(QueueUrl=self.url, MessageBody=body)

    def waiting(self) -> int:
        return count(self.function, self.url)

    def state(self) -> str:
        return str(self.function.clients("lambda").get_event_source_mapping(UUID=self.mapping)["State"])


def queue(function: Function, name: str) -> str:
    """The URL of a queue of its own."""
    made = function.clients("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5"})
    return str(made["QueueUrl"])


def count(function: Function, url: str) -> int:
    """How many messages a queue has, hidden ones included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = function.clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(map(int, found.values()))


def bodies(function: Function, url: str) -> list[str]:
    """What is in a queue; it stays there, hidden."""
    found: list[str] = []
    deadline = time.monotonic() + 5
    while len(found) < count(function, url) and time.monotonic() < deadline:
        answer = function.clients("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60)
        found += [message["Body"] for message in answer.get("Messages", [])]
    return found


def line(function: Function) -> Iterator[Line]:
    """A queue that the function reads; gone when the test is over."""
    name = f"{function.name}-line"
    url = queue(function, name)
    made: dict[str, Any] = function.clients("lambda").create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", FunctionName=function.target, BatchSize=1
    )
    yield Line(function, name, url, str(made["UUID"]))
    function.clients("lambda").delete_event_source_mapping(UUID=made["UUID"])
    function.clients("sqs").delete_queue(QueueUrl=url)
