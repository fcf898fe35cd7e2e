"""An SNS notification as SQS gets it, made into the event that Lambda gives a function for it.

Source: Lambda guide, *Invoking Lambda functions with Amazon SNS notifications*; SNS guide, *Amazon SQS message format*.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from lambdaops.core.dlq import bodies

# The same members are spelled otherwise in an event.
_SPELLED: dict[str, str] = {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl"}


def function_event(body: str) -> str:
    """The event for a body that was decoded as a notification: one record, with every member that was there."""
    said = bodies.parsed(body)
    # An event always has these two; an envelope only where they are set.
    notification: dict[str, object] = {"Subject": None, "MessageAttributes": {}}
    if isinstance(said, dict):
        notification |= {_SPELLED.get(str(name), str(name)): value for name, value in said.items()}
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": _subscription(notification.get("UnsubscribeUrl")),
        "Sns": notification,
    }
    return json.dumps({"Records": [record]}, ensure_ascii=False, separators=(",", ":"))


def _subscription(url: object) -> str:
    """The subscription's ARN, which only the link to unsubscribe names; empty without it."""
    try:
        return parse_qs(urlsplit(url).query).get("SubscriptionArn", [""])[0] if isinstance(url, str) else ""
    except ValueError:  # not a URL after all
        return ""
