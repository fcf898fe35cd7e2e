"""How old the oldest message of a queue is: ApproximateAgeOfOldestMessage, which ministack does not publish.

AWS publishes it by the minute; here it is taken when somebody asks CloudWatch for data. Of a dead-letter queue it is
the time since the message came there, not since it was sent first (SQS guide, "Available CloudWatch metrics").
"""

from __future__ import annotations

import time
from typing import Any

_NAME = ("AWS/SQS", "ApproximateAgeOfOldestMessage")


def apply() -> None:
    """Measure before CloudWatch answers."""
    from ministack.services import cloudwatch

    answer = cloudwatch._get_metric_data

    def measured(*given: object, **named: object) -> object:
        _measure()
        return answer(*given, **named)

    cloudwatch._get_metric_data = measured


def _measure() -> None:
    from ministack.services import cloudwatch, sqs

    now = time.time()
    for queue in list(sqs._queues.values()):
        with sqs._queues_lock:
            came = min((_came(message) for message in queue["messages"]), default=None)
        if came is None:
            continue
        dimensions = {"QueueName": queue["name"]}
        points = cloudwatch._metric_bucket((*_NAME, cloudwatch._dims_key(dimensions)))
        points[:] = [{"Timestamp": now, "Value": now - came, "Unit": "Seconds", "Dimensions": dimensions, "Count": 1.0}]


def _came(message: dict[str, Any]) -> float:
    return float(message.get("moved_at") or message.get("enqueued_at") or message.get("sent_at") or time.time())
