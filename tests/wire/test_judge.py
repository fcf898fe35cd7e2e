"""The judge end to end: real handlers, invocations through the alias, metrics over the wire, and no alarm at all."""

from __future__ import annotations

import itertools
import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.wire.conftest import zipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.conftest import Function, Shell
    from tests.wire.proxy import Wire

pytestmark = pytest.mark.timeout(300)

CUSTOMERS = 6
PERIOD = ("--period", "1s", "--look-every", "1s", "--yes", "--output", "json")
# What every build does with an event; the builds differ in one line.
BUILD = """
import time

def handler(event, context):
    if event["incident"]:
        raise RuntimeError("the database is down")
    {}
    return "done"
"""
GOOD = BUILD.format("pass")
BROKEN = BUILD.format('assert event["shape"] != 7')
SLOW = BUILD.format("time.sleep(0.25)")


class Street:
    """Customers who invoke the alias for as long as the street is open, one event shape in fifty being the seventh."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.closed = threading.Event()
        self.incident = threading.Event()
        self.served = itertools.count()

    def come(self, number: int) -> None:
        chance = random.Random(number)
        client = self.function.clients("lambda")
        while not self.closed.is_set():
            event = {
                "shape": chance.randrange(50),
                "incident": self.incident.is_set() and chance.random() < 0.3,
            }
            client.invoke(FunctionName=self.function.name, Qualifier="live", Payload=json.dumps(event).encode())
            next(self.served)


@pytest.fixture
def street(function: Function) -> Iterator[Street]:
    """The good build has been live for a while, and customers come."""
    function.point(function.publish(zipped(GOOD)))
    street = Street(function)
    with ThreadPoolExecutor(CUSTOMERS) as pool:
        for number in range(CUSTOMERS):
            pool.submit(street.come, number)
        try:
            while next(street.served) < 300:
                street.closed.wait(0.1)
            yield street
        finally:
            street.closed.set()


def test_a_build_that_breaks_on_one_shape_in_fifty_is_taken_back(
    street: Street, function: Function, shell: Shell, wire: Wire
) -> None:
    stable = function.alias()
    candidate = function.publish(zipped(BROKEN))
    ran = shell("release", function.target, "--to", candidate, "--strategy", "30%:2m,100%:2s", *PERIOD, within=170)
    assert ran.code == 4, ran.err
    assert ran.data["reason"].startswith("errors: ")
    assert "surely over 1.5 times stable's" in ran.data["reason"]
    assert function.alias() == stable
    assert "GetMetricData" in wire.calls
    logged = ran.data["logged"]
    assert (logged["group"], logged["note"]) == (f"/aws/lambda/{function.name}", "")
    assert logged["errors"][0]["message"] == "AssertionError"  # and of the stable version's errors none
    assert len(logged["errors"]) == 1
    assert "AssertionError" not in shell("audit", "show", function.target, "--output", "json").out
    assert shell("audit", "verify", function.target).code == 0
    told = shell("history", function.target, "--explain").out
    assert "COMPARED" in told
    assert " of 100" in told
    assert "over: rolled back" in told


def test_a_slow_build_is_taken_back(street: Street, function: Function, shell: Shell) -> None:
    stable = function.alias()
    candidate = function.publish(zipped(SLOW))
    compared = ("--compare", "errors,latency:200ms", "--strategy", "30%:2m,100%:2s")
    ran = shell("release", function.target, "--to", candidate, *compared, *PERIOD, within=170)
    assert ran.code == 4, ran.err
    assert ran.data["reason"].startswith("latency:200ms: ")
    assert function.alias() == stable


def test_a_good_build_is_promoted_while_both_versions_fail(street: Street, function: Function, shell: Shell) -> None:
    candidate = function.publish(zipped(GOOD + "\n# another build\n"))
    threading.Timer(8, street.incident.set).start()
    threading.Timer(14, street.incident.clear).start()
    ran = shell("release", function.target, "--to", candidate, "--strategy", "30%:20s,100%:2s", *PERIOD, within=100)
    assert ran.code == 0, ran.err
    assert function.alias() == (candidate, {})
    shown = shell("audit", "show", function.target).out
    assert "judged" in shown


def test_a_good_build_moves_on_as_soon_as_the_judge_is_sure(street: Street, function: Function, shell: Shell) -> None:
    candidate = function.publish(zipped(GOOD + "\n# another build\n"))
    words = ("--strategy", "adaptive:1m", "--bake", "2s", *PERIOD)
    ran = shell("release", function.target, "--to", candidate, *words, within=200)
    assert ran.code == 0, ran.err
    assert function.alias() == (candidate, {})
    assert "the judge is sure already" in shell("audit", "show", function.target).out
