"""What a bad night left in the shop's dead-letter queues, so that there is something to look at and to redrive.

In ``invoices-dlq``: credit notes, which the first build refuses and the good one books, and two that nobody can read.
In ``orders-failed``: guests' orders that a broken build could not take, in the envelope of an on-failure destination,
as Lambda would have put them there; the build that is live takes them.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from lambdaops.sandbox.events import order

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_GUESTS = 5
_BROKEN = ('{"number": "i-broken", "amount_cents": ', "number;amount\ni-7;12.00")


def invoices() -> tuple[str, ...]:
    """Bodies for the queue of invoices that the first build cannot book: SQS moves them after three receives."""
    notes = [json.dumps({"number": f"c-{number:04d}", "amount_cents": -1200 * number}) for number in range(1, 5)]
    return (*notes, *_BROKEN)


def failed_orders(function: str, version: str) -> tuple[str, ...]:
    """Records of failed asynchronous invocations of the alias of this ARN."""
    chance = random.Random(7)  # noqa: S311 -- the same ones in every shop
    guests = (event for event in iter(lambda: order(chance), None) if _of_guest(event))
    return tuple(
        json.dumps(_envelope(function, version, next(guests), f"00000000-0000-4000-8000-{number:012d}"))
        for number in range(_GUESTS)
    )


def _of_guest(event: dict[str, Any]) -> bool:
    return not event["isBase64Encoded"] and '"email": "Ada' not in event["body"]


def _envelope(function: str, version: str, event: dict[str, Any], request: str) -> dict[str, Any]:
    return {
        "version": "1.0",
        "timestamp": "2026-11-22T02:14:07.000Z",
        "requestContext": {
            "requestId": request,
            "functionArn": function,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": version, "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "'email'", "errorType": "KeyError", "requestId": request},
    }


def leave(queues: SQSClient, invoices_url: str, orders_url: str, function: str) -> None:
    """Put them there: the invoices in front of the function, which will give them up; the orders where they ended."""
    for url, bodies in ((invoices_url, invoices()), (orders_url, failed_orders(function, "1"))):
        for body in bodies:
            queues.send_message(QueueUrl=url, MessageBody=body)
