"""Metrics of one's own and metric math as gates, over the wire: what is put into CloudWatch decides."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.wire.conftest import answering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.conftest import Function, Shell
    from tests.wire.proxy import Wire

pytestmark = pytest.mark.timeout(200)

WORDS = ("--strategy", "30%:4s,100%:2s", "--look-every", "1s", "--period", "1s", "--yes", "--output", "json")
DIMENSION = "Function={function}"
SHARE = f"share: 100 * FILL([Shop Failed Sum {DIMENSION}], 0) / [Shop Orders Sum {DIMENSION}] > 20 for 2"


class Shop:
    """Counts an order five times a second, and a failed one with every second order while it is ``broken``."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.broken = threading.Event()
        self.closed = threading.Event()
        self.counted = threading.Event()

    def run(self) -> None:
        client, even = self.function.clients("cloudwatch"), False
        while not self.closed.wait(0.2):
            even = not even
            names = ["Orders", *(["Failed"] if even and self.broken.is_set() else [])]
            where = [{"Name": "Function", "Value": self.function.name}]
            data = [{"MetricName": name, "Value": 1.0, "Dimensions": where} for name in names]
            client.put_metric_data(Namespace="Shop", MetricData=data)
            self.counted.set()


@pytest.fixture
def shop(function: Function) -> Iterator[Shop]:
    shop = Shop(function)
    thread = threading.Thread(target=shop.run)
    thread.start()
    try:
        assert shop.counted.wait(20)
        yield shop
    finally:
        shop.closed.set()
        thread.join()


def test_metric_math_takes_a_release_back(shop: Shop, function: Function, shell: Shell, wire: Wire) -> None:
    stable, candidate = function.alias(), function.publish(answering("new"))
    threading.Timer(6, shop.broken.set).start()
    words = ("--compare", "none", "--metric", SHARE, "--strategy", "30%:60s,100%:2s", *WORDS[2:])
    ran = shell("release", function.target, "--to", candidate, *words, within=120)
    assert ran.code == 4, ran.err
    assert ran.data["reason"].startswith("share: ")
    assert " is > 20, since " in ran.data["reason"]
    assert function.alias() == stable
    assert "GetMetricData" in wire.calls
    assert "is > 20" in shell("history", function.target, "--explain").out


def test_one_that_stays_within_its_threshold_lets_it_pass(shop: Shop, function: Function, shell: Shell) -> None:
    candidate = function.publish(answering("new"))
    ran = shell("release", function.target, "--to", candidate, "--metric", SHARE, *WORDS, within=120)
    assert ran.code == 0, ran.err
    assert function.alias() == (candidate, {})


def test_one_that_says_nothing_or_makes_no_sense_blocks_before_the_first_write(
    function: Function, shell: Shell
) -> None:
    before, candidate = function.alias(), function.publish(answering("new"))
    words = ("--metric", SHARE, "--metric", f"odd: [Shop Orders Sum {DIMENSION}] +* 2 > 1", *WORDS)
    ran = shell("release", function.target, "--to", candidate, *words, within=120)
    assert ran.code == 3, ran.err
    told = " ".join(finding["message"] for finding in ran.data["findings"]) if "findings" in ran.data else ran.err
    assert "has no datapoint within 3h" in told
    assert "Error in expression" in told
    assert function.alias() == before
