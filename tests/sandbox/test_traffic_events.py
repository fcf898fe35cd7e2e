"""The customers' events: the same for the same seed, of every shape, at the shares that the alarms count on."""

from __future__ import annotations

import base64
import json
import math
import random
from collections import Counter
from typing import Any

import pytest

from lambdaops.sandbox import events
from lambdaops.sandbox.builds import FUNCTIONS

COUNT = 4_000


def orders() -> list[dict[str, Any]]:
    chance = random.Random(3)
    return [events.event("orders", chance) for _ in range(COUNT)]


def body_of(event: dict[str, Any]) -> dict[str, Any]:
    text = base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"]
    body: dict[str, Any] = json.loads(text)
    return body


def near(count: int, share: float) -> bool:
    """Within four standard deviations."""
    return abs(count - COUNT * share) < 4 * math.sqrt(COUNT * share * (1 - share))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_same_seed_gives_the_same_events(function: str) -> None:
    one, other, third = (random.Random(seed) for seed in (1, 1, 2))
    first = [events.event(function, one) for _ in range(20)]
    assert first == [events.event(function, other) for _ in range(20)]
    assert first != [events.event(function, third) for _ in range(20)]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_event_has_the_form_of_its_sample(function: str) -> None:
    made = events.event(function, random.Random(1))
    assert made.keys() == events.SAMPLE[function].keys()
    assert json.loads(json.dumps(made)) == made


def test_a_function_the_shop_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="no function 'payments'"):
        events.event("payments", random.Random(1))


def test_orders_come_in_every_shape_at_fixed_shares() -> None:
    made = orders()
    bodies = [body_of(event) for event in made]
    assert near(sum(event["isBase64Encoded"] for event in made), 0.2)
    assert near(sum(body["coupon"] is not None for body in bodies), 0.3)
    kinds = Counter(body["kind"] for body in bodies)
    assert set(kinds) == {"card", "wallet", "refund"}
    assert all(near(count, 1 / 3) for count in kinds.values())
    assert len({body["id"] for body in bodies}) == COUNT


def test_a_guest_comes_in_three_forms() -> None:
    customers = Counter(json.dumps(body_of(event)["customer"]) for event in orders())
    assert near(COUNT - customers.pop('{"email": "Ada@Example.org", "guest": false}'), 0.35)
    assert set(customers) == {'{"email": null, "guest": true}', '{"guest": true}', "null"}


def test_a_tenth_of_the_invoices_is_malformed() -> None:
    chance = random.Random(5)
    malformed = 0
    for _ in range(COUNT):
        try:
            json.loads(events.invoice(chance))
        except ValueError:
            malformed += 1
    assert near(malformed, 0.1)
