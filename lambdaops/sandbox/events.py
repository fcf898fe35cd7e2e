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
_GUEST_SHARE = 0.35
_BASE64_SHARE = 0.2
_COUPON_SHARE = 0.3
_MALFORMED_SHARE = 0.1
_PRIVATE_SHARE = 0.4


def order(chance: random.Random) -> dict[str, Any]:
    """A webhook call as an HTTP API passes it on (payload format 2.0)."""
    items = [
        {"sku": sku, "price_cents": price, "quantity": chance.randint(1, 2)}
        for sku, price in chance.sample(_ITEMS, k=chance.randint(1, 2))
    ]
    guest = chance.random() < _GUEST_SHARE
    body = {
        "id": f"o-{chance.randrange(16**8):08x}",
        "kind": chance.choice(_KINDS),
        "items": items,
        "coupon": {"discount_cents": 300} if chance.random() < _COUPON_SHARE else None,
        "customer": {"email": None if guest else "Ada@Example.org", "guest": guest},
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
    "invoices": {
        "Records": [
            {"messageId": "m-1", "body": '{"number": "i-1", "amount_cents": 1200, "vat_id": "de1"}', "attributes": {}}
        ]
    },
    "nightly": {"source": "aws.events", "detail-type": "Scheduled Event", "time": "2026-11-23T03:00:00Z"},
}
