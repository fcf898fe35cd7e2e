"""orders: asks a fraud service about larger orders, and waits for it."""

import base64
import json
import time

FRAUD_CHECK_SECONDS = 1.2
LARGE_CENTS = 5_000


def handler(event, context):
    body = event.get("body") or "{}"
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    order = json.loads(body)
    total = sum(item["price_cents"] * item["quantity"] for item in order["items"])
    if total >= LARGE_CENTS:
        time.sleep(FRAUD_CHECK_SECONDS)
    if order.get("coupon"):
        total -= order["coupon"]["discount_cents"]
    receipt = {"order": order["id"], "kind": order["kind"], "total_cents": max(total, 0), "checked": True}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(receipt)}
