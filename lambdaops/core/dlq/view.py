"""What a filter or a transformation sees of a letter; the table in ``docs/dlq.md`` names the same fields."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from lambdaops.core.dlq import bodies

if TYPE_CHECKING:
    from datetime import datetime

    from lambdaops.core.dlq.dead import Dead
    from lambdaops.core.dlq.letter import Letter

FIELDS: Final = {
    "id": "message id",
    "body": "the body: as JSON if it is JSON, else as text",
    "payload": "the event without the envelope around it: as JSON if it is JSON, else as text; null if it is not there",
    "attributes": "message attributes by name, each as text; a binary one in base64",
    "kind": "queue, function, destination, stream, rule, bus, topic or unknown",
    "function": "name of the function that failed, where the letter says it",
    "alias": "alias, version or $LATEST by which it had been invoked",
    "version": "the version that ran, where the letter says it",
    "error": "a name for what went wrong",
    "message": "what the error said",
    "origin": "ARN of the queue, target, stream or topic that it came from",
    "request": "request id of the failed invocation",
    "attempts": "how often it was tried; 0 where the letter does not say it",
    "sent": "when it was sent, as 2026-11-01T08:00:00Z",
    "age": "seconds since then",
    "receives": "how often it was received, this time included",
    "group": "message group, or null",
    "source": "ARN of the queue that SQS took it from, or null",
}
"""Every field, and what it is."""


def document(letter: Letter, dead: Dead, now: datetime) -> dict[str, object]:
    """The letter as a filter or a transformation sees it; exactly the fields of ``FIELDS``."""
    return {
        "id": letter.id,
        "body": _value(letter.body),
        "payload": None if dead.payload is None else _value(dead.payload),
        "attributes": {name: _shown(one.value) for name, one in letter.attributes.items()},
        "kind": dead.kind.value,
        "function": dead.function.rpartition(":")[2],
        "alias": dead.qualifier,
        "version": dead.version,
        "error": dead.error,
        "message": dead.message,
        "origin": dead.origin,
        "request": dead.request,
        "attempts": dead.attempts,
        "sent": letter.sent.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "age": max(0, int((now - letter.sent).total_seconds())),
        "receives": letter.receives,
        "group": letter.group,
        "source": letter.source,
    }


def _value(text: str) -> object:
    """JSON as its value, anything else as it is."""
    found = bodies.parsed(text)
    return text if found is bodies.ABSENT else found


def _shown(value: str | bytes) -> str:
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
