"""What lies in the shop's dead-letter queues is what the tool can practise on."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from lambdaops.core.dlq.dead import Kind, decode
from lambdaops.core.dlq.letter import Letter
from lambdaops.sandbox.leftovers import failed_orders, invoices
from tests.sandbox.test_builds import fails, load

ALIAS = "arn:aws:lambda:eu-central-1:000000000000:function:orders:live"


def test_the_first_build_books_none_of_the_invoices_and_the_good_one_all_that_can_be_read() -> None:
    bodies = invoices()
    batch = {"Records": [{"messageId": str(at), "body": body} for at, body in enumerate(bodies)]}
    first, good = (load("invoices", build)(batch)["batchItemFailures"] for build in ("v1", "good"))
    assert len(first) == len(bodies)
    assert 0 < len(good) < len(bodies)


def test_the_orders_are_letters_of_a_destination_that_only_the_broken_build_fails_on() -> None:
    bodies = failed_orders(ALIAS, "1")
    assert len(set(bodies)) == 5
    for number, body in enumerate(bodies):
        dead = decode(Letter(f"m-{number}", "", body, {}, datetime(2026, 11, 22, tzinfo=UTC), 1))
        assert (dead.kind, dead.qualifier, dead.error) == (Kind.DESTINATION, "live", "KeyError")
        assert dead.payload is not None
        event = json.loads(dead.payload)
        assert fails(load("orders", "broken"), event)
        assert load("orders", "v1")(event)["statusCode"] == 200


def test_they_are_the_same_in_every_shop() -> None:
    assert failed_orders(ALIAS, "1") == failed_orders(ALIAS, "1")
