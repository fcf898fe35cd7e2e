"""The shop's alarms, of ten seconds each: a broken build is noticed, and so is a slow one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from lambdaops.sandbox import traffic
from tests.wire.conftest import until

if TYPE_CHECKING:
    from tests.wire.shop.conftest import Place

pytestmark = pytest.mark.undisturbed


def test_a_good_build_trips_nothing_and_a_broken_one_is_noticed_at_a_tenth(place: Place) -> None:
    good, broken = place.publish("good"), place.publish("broken")
    traffic.start(place.variables, place.directory, 20)
    place.point("1", {good: 0.5})
    until(lambda: place.state_of("orders-errors") == "OK", within=20)
    place.point(good)
    watched = time.monotonic()
    while time.monotonic() - watched < 12:  # a whole period and then some
        assert place.state_of("orders-errors") == "OK"
        time.sleep(0.5)

    place.point(good, {broken: 0.1})
    until(lambda: place.state_of("orders-errors") == "ALARM", within=30)
    until(lambda: place.state_of("orders-health") == "ALARM", within=5)
    place.point(good)
    until(lambda: place.state_of("orders-health") == "OK", within=40)


def test_a_slow_build_is_noticed_by_its_latency_and_not_by_its_errors(place: Place) -> None:
    slow = place.publish("slow")
    traffic.start(place.variables, place.directory, 20)
    until(lambda: place.state_of("orders-latency") == "OK", within=20)
    place.point(slow)
    until(lambda: place.state_of("orders-latency") == "ALARM", within=50)
    assert place.state_of("orders-health") == "ALARM"
    assert place.state_of("orders-errors") == "OK"
