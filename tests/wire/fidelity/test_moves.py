"""corrections/moves: message move tasks as AWS answered on 2024-04-30 (test_sqs_move_task)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.wire.conftest import until
from tests.wire.fidelity.test_queues import TRACE, arn, entry, make, receive, refused, source_of, text

if TYPE_CHECKING:
    from tests.wire.conftest import Clients


@pytest.fixture
def sqs(clients: Clients) -> Any:
    return clients("sqs")


def die(sqs: Any, source: str, *bodies: str) -> None:
    """Send messages and let them become dead letters."""
    for body in bodies:
        sent = entry("1", body, MessageAttributes={"n": {"DataType": "Number.x", "StringValue": "7"}})
        sent |= {"MessageSystemAttributes": {"AWSTraceHeader": text(TRACE)}, "MessageGroupId": "tenant"}
        sqs.send_message_batch(QueueUrl=source, Entries=[sent])
    while receive(sqs, source, hidden=0):
        pass


def tasks(sqs: Any, dead: str, most: int = 10) -> list[dict[str, Any]]:
    answer = sqs.list_message_move_tasks(SourceArn=arn(sqs, dead), MaxResults=most)
    found: list[dict[str, Any]] = answer.get("Results", [])
    return found


def over(sqs: Any, dead: str) -> dict[str, Any]:
    until(lambda: tasks(sqs, dead, 1)[0]["Status"] not in ("RUNNING", "CANCELLING"))
    return tasks(sqs, dead, 1)[0]


def test_each_message_goes_back_to_where_it_came_from(sqs: Any) -> None:
    dead = make(sqs)
    first, second = source_of(sqs, dead), source_of(sqs, dead)
    die(sqs, first, "one", "two")
    die(sqs, second, "three")
    assert sqs.start_message_move_task(SourceArn=arn(sqs, dead))["TaskHandle"]
    done = over(sqs, dead)
    assert (done["Status"], done["ApproximateNumberOfMessagesMoved"], done["ApproximateNumberOfMessagesToMove"]) == (
        "COMPLETED",
        3,
        3,
    )
    assert "TaskHandle" not in done
    assert "DestinationArn" not in done
    moved = receive(sqs, first)
    assert sorted(message["Body"] for message in moved) == ["one", "two"]
    assert [message["Body"] for message in receive(sqs, second)] == ["three"]
    assert receive(sqs, dead) == []
    system = moved[0]["Attributes"]
    assert (system["ApproximateReceiveCount"], system["AWSTraceHeader"], system["MessageGroupId"]) == (
        "1",
        TRACE,
        "tenant",
    )
    assert "DeadLetterQueueSourceArn" not in system
    assert moved[0]["MessageAttributes"] == {"n": {"DataType": "Number.x", "StringValue": "7"}}


def test_all_to_one_queue_at_a_rate_and_cancelled_not_at_once(sqs: Any) -> None:
    dead, there = make(sqs), make(sqs)
    die(sqs, source_of(sqs, dead), *map(str, range(25)))
    wanted = {"SourceArn": arn(sqs, dead), "DestinationArn": arn(sqs, there)}
    handle = sqs.start_message_move_task(**wanted, MaxNumberOfMessagesPerSecond=5)["TaskHandle"]
    until(lambda: tasks(sqs, dead)[0]["ApproximateNumberOfMessagesMoved"] >= 2)
    task = tasks(sqs, dead)[0]
    assert task["TaskHandle"] == handle
    assert (task["Status"], task["DestinationArn"], task["MaxNumberOfMessagesPerSecond"]) == (
        "RUNNING",
        arn(sqs, there),
        5,
    )
    assert refused(sqs.start_message_move_task, **wanted) == (
        "InvalidParameterValue",
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
    )
    asked = sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]
    done = over(sqs, dead)
    assert done["Status"] == "CANCELLED"
    assert asked < done["ApproximateNumberOfMessagesMoved"] <= 20
    gone = ("ResourceNotFoundException", "Task does not exist.")
    assert refused(sqs.cancel_message_move_task, TaskHandle=handle) == gone
    assert [task["Status"] for task in tasks(sqs, dead)] == ["CANCELLED"]


def test_a_destination_that_goes_away_fails_the_task(sqs: Any) -> None:
    dead, there = make(sqs), make(sqs)
    die(sqs, source_of(sqs, dead), *map(str, range(10)))
    sqs.start_message_move_task(
        SourceArn=arn(sqs, dead), DestinationArn=arn(sqs, there), MaxNumberOfMessagesPerSecond=5
    )
    until(lambda: tasks(sqs, dead)[0]["ApproximateNumberOfMessagesMoved"] >= 2)
    sqs.delete_queue(QueueUrl=there)
    done = over(sqs, dead)
    assert (done["Status"], done["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    assert 2 <= done["ApproximateNumberOfMessagesMoved"] < 10


def test_what_a_task_is_refused_for(sqs: Any) -> None:
    plain, dead = make(sqs), make(sqs)
    source_of(sqs, dead)
    assert refused(sqs.start_message_move_task, SourceArn=arn(sqs, plain)) == (
        "InvalidParameterValue",
        "Source queue must be configured as a Dead Letter Queue.",
    )
    missing = "The resource that you specified for the {} parameter doesn't exist."
    nowhere = f"{arn(sqs, dead)}-gone"
    assert refused(sqs.start_message_move_task, SourceArn=arn(sqs, dead), DestinationArn=nowhere) == (
        "ResourceNotFoundException",
        missing.format("DestinationArn"),
    )
    assert refused(sqs.start_message_move_task, SourceArn=nowhere) == (
        "ResourceNotFoundException",
        missing.format("SourceArn"),
    )
    assert refused(sqs.cancel_message_move_task, TaskHandle="foobared") == (
        "InvalidParameterValue",
        "Value for parameter TaskHandle is invalid.",
    )
    assert tasks(sqs, dead) == []
