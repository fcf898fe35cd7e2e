"""corrections/ages: how old the oldest message of a queue is; of a dead-letter queue, since it came there."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.wire.fidelity.test_queues import make, receive, source_of

if TYPE_CHECKING:
    from tests.wire.conftest import Clients


def age(clients: Clients, url: str) -> list[float]:
    metric = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateAgeOfOldestMessage",
        "Dimensions": [{"Name": "QueueName", "Value": url.rpartition("/")[2]}],
    }
    now = datetime.now(UTC)
    answer: Any = clients("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
    )
    values: list[float] = answer["MetricDataResults"][0]["Values"]
    return values


def test_the_age_of_the_oldest_message(clients: Clients) -> None:
    sqs = clients("sqs")
    dead = make(sqs)
    source = source_of(sqs, dead)
    assert age(clients, source) == []
    sqs.send_message(QueueUrl=source, MessageBody="x")
    time.sleep(2)
    (old,) = age(clients, source)
    assert 2 <= old < 60
    assert len(receive(sqs, source, hidden=0)) == 1
    assert receive(sqs, source) == []
    (moved,) = age(clients, dead)
    assert moved < old
