"""orders: the payment provider's webhook. Adds the tax line to the receipt."""

import base64
import json

TAX_PERCENT = 19


def handler(event, context):
    body = event.get("body") or "{}"
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    order = json.loads(body)
    total = sum(item["price_cents"] * item["quantity"] for item in order["items"])
    if order.get("coupon"):
        total -= order["coupon"]["discount_cents"]
    total = max(total, 0)
    tax = total * TAX_PERCENT // (100 + TAX_PERCENT)
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"order": order["id"], "kind": order["kind"], "total_cents": total, "tax_cents": tax}),
    }
