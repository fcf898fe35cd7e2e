"""The shop's customers, who come at a pace, and the queue that their invoices go through."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from lambdaops.sandbox import events, leftovers, process, shop, traffic
from tests.wire.conftest import until
from tests.wire.shop.conftest import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.shop.conftest import Place

pytestmark = pytest.mark.undisturbed


@dataclass
class Street:
    """Starts customers as processes of the test, and ends those that a failed test left behind."""

    children: list[subprocess.Popen[str]]

    def __call__(self, variables: dict[str, str], *words: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-m", traffic.MODULE, *words],
            env={**os.environ, **variables},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.children.append(child)
        return child


@pytest.fixture
def customers() -> Iterator[Street]:
    street = Street([])
    yield street
    for child in street.children:
        child.kill()
        child.communicate()


def counts_in(line: str) -> dict[str, int]:
    return {name: int(number) for name, number in re.findall(r"([a-z ]+?) (\d+)(?:, |\n|$)", line)}


def test_version_1_answers_every_shape(place: Place) -> None:
    chance = random.Random(1)
    for _ in range(60):
        answer = place.clients("lambda").invoke(
            FunctionName="orders", Qualifier="live", Payload=json.dumps(events.order(chance)).encode()
        )
        assert "FunctionError" not in answer
        assert json.loads(answer["Payload"].read())["statusCode"] == 200


def test_customers_come_no_faster_than_asked_for_and_each_is_counted(place: Place, customers: Street) -> None:
    _, line = customers(place.variables, "--rate", "20", "--for", "5").communicate(timeout=30)
    counts = counts_in(line)
    assert 10 <= counts["sent"] <= 101, "a busy machine may be late, and the pace has tests of its own"
    assert counts["ok"] + counts["unanswered"] == counts["sent"], "on a busy machine the last are still waiting"
    assert counts["ok"] > 0
    assert counts["invoices"] + counts["lost invoices"] == (counts["sent"] + counts["dropped"]) // 10


def test_customers_survive_a_shop_that_closes_and_opens_again(place: Place, customers: Street) -> None:
    child = customers(place.variables, "--rate", "20")
    until(place.visited)
    shop.reset(place.server.endpoint, place.variables, place.directory)
    until(place.visited)
    assert child.poll() is None
    child.send_signal(signal.SIGTERM)
    _, line = child.communicate(timeout=10)
    assert child.returncode == 0
    assert counts_in(line)["ok"] > 0


def test_customers_survive_a_server_that_is_not_there(place: Place, customers: Street) -> None:
    child = customers({**place.variables, "AWS_ENDPOINT_URL": NOBODY}, "--rate", "20", "--for", "1")
    _, line = child.communicate(timeout=30)
    counts = counts_in(line)
    assert child.returncode == 0
    assert counts["unreachable"] == counts["sent"] > 15
    assert counts["ok"] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_customers_leave_promptly_even_when_nobody_answers(
    place: Place, customers: Street, number: signal.Signals
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        child = customers({**place.variables, "AWS_ENDPOINT_URL": endpoint}, "--rate", "20")
        silent.settimeout(10)
        waiting, _ = silent.accept()
        with waiting:
            told = time.monotonic()
            child.send_signal(number)
            _, line = child.communicate(timeout=10)
    assert child.returncode == 0
    assert time.monotonic() - told < 4
    assert counts_in(line)["unanswered"] >= 1


def test_detached_customers_run_until_they_are_stopped(place: Place) -> None:
    pid = traffic.start(place.variables, place.directory, 20)
    assert process.running(pid, traffic.MODULE)
    assert os.getsid(pid) == pid
    until(place.visited)
    second = traffic.start(place.variables, place.directory, 20)
    assert not process.running(pid, traffic.MODULE), "the second ones come in place of the first"
    traffic.stop(place.directory)
    traffic.stop(place.directory)
    assert not process.running(second, traffic.MODULE)
    assert (place.directory / "traffic.log").read_text("utf-8").startswith("sent "), "the first ones said goodbye"


# -- the queue ------------------------------------------------------------------------------------------------------


def test_invoices_are_booked_and_malformed_ones_end_in_the_dead_letter_queue(place: Place) -> None:
    queues = place.clients("sqs")
    url, dead = (queues.get_queue_url(QueueName=name)["QueueUrl"] for name in ("invoices", "invoices-dlq"))
    good = [f'{{"number": "i-{number}", "amount_cents": 100}}' for number in range(8)]
    torn = ['{"number": "torn-1"', '{"number": "torn-2"']
    for body in (*good, *torn):
        queues.send_message(QueueUrl=url, MessageBody=body)

    def sizes(queue: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    left = leftovers.invoices()  # from before
    until(lambda: (sizes(url), sizes(dead)) == (0, len(left) + 2), within=60)
    received = queues.receive_message(QueueUrl=dead, MaxNumberOfMessages=10)["Messages"]
    assert sorted(message["Body"] for message in received) == sorted((*left, *torn))
    assert place.state_of("invoices-errors") != "ALARM", "a malformed invoice is reported, it is no error"
