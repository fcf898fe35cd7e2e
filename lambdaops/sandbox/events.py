"""Realistic events for the shop, of several shapes at fixed shares, from a given source of chance. Pure.

``SAMPLE`` are the events a developer would test with: every build works for them, the broken ones too.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

_ITEMS = (("tea", 480), ("mug", 1250), ("kettle", 3990), ("teapot", 6400))
_KINDS = ("card", "wallet", "refund")
# A third of the customers buy as guests: they have no e-mail address on file.
GUEST_SHARE = 0.35
# The provider's three ways to say "guest", by the age of the checkout page the order came from.
_GUESTS: tuple[dict[str, Any] | None, ...] = ({"email": None, "guest": True}, {"guest": True}, None)
_BASE64_SHARE = 0.2
_COUPON_SHARE = 0.3
_MALFORMED_SHARE = 0.1
_PRIVATE_SHARE = 0.4
_BATCH = 3


def event(function: str, chance: random.Random) -> dict[str, Any]:
    """What the function is invoked with, by whoever invokes it: an HTTP API, a queue, or a schedule."""
    match function:
        case "orders":
            return order(chance)
        case "invoices":
            return _batch([invoice(chance) for _ in range(chance.randint(1, _BATCH))])
        case "nightly":
            return _scheduled(f"2026-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}T03:00:00Z")
        case _:
            raise ValueError(f"the shop has no function {function!r}")


def order(chance: random.Random) -> dict[str, Any]:
    """A webhook call as an HTTP API passes it on (payload format 2.0)."""
    items = [
        {"sku": sku, "price_cents": price, "quantity": chance.randint(1, 2)}
        for sku, price in chance.sample(_ITEMS, k=chance.randint(1, 2))
    ]
    guest = chance.random() < GUEST_SHARE
    body = {
        "id": f"o-{chance.randrange(16**8):08x}",
        "kind": chance.choice(_KINDS),
        "items": items,
        "coupon": {"discount_cents": 300} if chance.random() < _COUPON_SHARE else None,
        "customer": chance.choice(_GUESTS) if guest else {"email": "Ada@Example.org", "guest": False},
    }
    return _webhook(body, encoded=chance.random() < _BASE64_SHARE)


def invoice(chance: random.Random) -> str:
    """A message body for the invoices queue; a few are malformed, as in life."""
    if chance.random() < _MALFORMED_SHARE:
        return '{"number": "i-broken", "amount_cents": '
    body = {"number": f"i-{chance.randrange(10**6):06d}", "amount_cents": chance.randint(500, 90_000)}
    if chance.random() >= _PRIVATE_SHARE:
        body["vat_id"] = "de123456789"
    return json.dumps(body)


def _webhook(body: dict[str, Any], *, encoded: bool) -> dict[str, Any]:
    text = json.dumps(body)
    return {
        "version": "2.0",
        "routeKey": "POST /orders",
        "rawPath": "/orders",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/orders"}, "stage": "$default"},
        "body": base64.b64encode(text.encode()).decode() if encoded else text,
        "isBase64Encoded": encoded,
    }


def _batch(bodies: list[str]) -> dict[str, Any]:
    records = [
        {"messageId": f"m-{number}", "body": body, "attributes": {}, "eventSource": "aws:sqs"}
        for number, body in enumerate(bodies, start=1)
    ]
    return {"Records": records}


def _scheduled(at: str) -> dict[str, Any]:
    return {"source": "aws.events", "detail-type": "Scheduled Event", "time": at}


SAMPLE: dict[str, dict[str, Any]] = {
    "orders": _webhook(
        {
            "id": "o-00000001",
            "kind": "card",
            "items": [{"sku": "tea", "price_cents": 480, "quantity": 2}],
            "coupon": None,
            "customer": {"email": "Ada@Example.org", "guest": False},
        },
        encoded=False,
    ),
    "invoices": _batch(['{"number": "i-1", "amount_cents": 1200, "vat_id": "de1"}']),
    "nightly": _scheduled("2026-11-23T03:00:00Z"),
}
