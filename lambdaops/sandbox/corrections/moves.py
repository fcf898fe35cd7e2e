"""Message move tasks, which ministack does not have.

AWS (test_sqs_move_task, recorded 2024-04-30): only out of a queue that is another's dead-letter queue; one task a
queue; each message to where it came from, or all to one queue; a cancel lets those on their way arrive (at one a
second, 2 had been moved when it was asked for, 8 when it was over: here those of a batch of ten); a destination that
goes away fails the task.
"""

from __future__ import annotations

import base64
import binascii
import contextvars
import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

_BATCH = 10
_NEWEST = 10
_SECONDS_HIDDEN = 60
_GONE = "The resource that you specified for the {} parameter doesn't exist."


@dataclass
class _Task:
    source: str
    destination: str | None
    rate: int | None
    total: int
    id: str
    started: int = field(default_factory=lambda: int(time.time() * 1000))
    state: str = "RUNNING"
    moved: int = 0
    why: str = ""

    @property
    def handle(self) -> str:
        return base64.b64encode(json.dumps({"taskId": self.id, "sourceArn": self.source}).encode()).decode()


_tasks: list[_Task] = []
_numbers = itertools.count(1)


def apply() -> None:
    """Add the three calls."""
    from ministack.services import sqs

    sqs._HANDLERS.update(
        {"StartMessageMoveTask": _start, "ListMessageMoveTasks": _list, "CancelMessageMoveTask": _cancel}
    )
    reset = sqs.reset

    def reset_all() -> None:
        for task in _tasks:
            task.state = "CANCELLING"
        _tasks.clear()
        reset()

    sqs.reset = reset_all


def _start(data: dict[str, Any], _url: str) -> dict[str, Any]:
    from ministack.services import sqs

    source, destination = _named(data["SourceArn"], "SourceArn"), None
    # ARNs are unique over accounts, and a redrive policy stays within one.
    if not sqs._HANDLERS["ListDeadLetterSourceQueues"]({"QueueUrl": source["url"]}, "")["queueUrls"]:
        raise sqs._Err("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    if "DestinationArn" in data:
        destination = _named(data["DestinationArn"], "DestinationArn")["attributes"]["QueueArn"]
    arn = source["attributes"]["QueueArn"]
    if any(task.source == arn and task.state in ("RUNNING", "CANCELLING") for task in _tasks):
        said = (
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
        raise sqs._Err("InvalidParameterValue", said)
    rate = data.get("MaxNumberOfMessagesPerSecond")
    task = _Task(arn, destination, rate and int(rate), len(source["messages"]), f"task-{next(_numbers)}")
    _tasks.append(task)
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_run, task, source), daemon=True).start()
    return {"TaskHandle": task.handle}


def _list(data: dict[str, Any], _url: str) -> dict[str, Any]:
    arn = _named(data["SourceArn"], "SourceArn")["attributes"]["QueueArn"]
    found = [task for task in reversed(_tasks) if task.source == arn]
    return {"Results": [_shown(task) for task in found[: min(int(data.get("MaxResults") or 1), _NEWEST)]]}


def _shown(task: _Task) -> dict[str, Any]:
    optional = {
        "TaskHandle": task.handle if task.state == "RUNNING" else None,
        "DestinationArn": task.destination,
        "MaxNumberOfMessagesPerSecond": task.rate,
        "FailureReason": task.why or None,
    }
    return {
        "Status": task.state,
        "SourceArn": task.source,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.total,
        "StartedTimestamp": task.started,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _cancel(data: dict[str, Any], _url: str) -> dict[str, Any]:
    from ministack.services import sqs

    try:
        named = json.loads(base64.b64decode(data["TaskHandle"], validate=True))
        wanted, arn = named["taskId"], named["sourceArn"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise sqs._Err("InvalidParameterValue", "Value for parameter TaskHandle is invalid.") from None
    _named(arn, "SourceArn")
    task = next((task for task in _tasks if task.id == wanted and task.source == arn and task.state == "RUNNING"), None)
    if task is None:
        raise sqs._Err("ResourceNotFoundException", "Task does not exist.", 404)
    task.state = "CANCELLING"
    return {"ApproximateNumberOfMessagesMoved": task.moved}


def _named(arn: str, parameter: str) -> dict[str, Any]:
    from ministack.services import sqs

    queue: dict[str, Any] | None = sqs._queue_by_arn(arn)
    if queue is None:
        raise sqs._Err("ResourceNotFoundException", _GONE.format(parameter), 404)
    return queue


def _run(task: _Task, source: dict[str, Any]) -> None:
    """Receive, send, delete, batch by batch, until nothing is left, it is cancelled, or a message cannot be sent."""
    from ministack.services import sqs

    while task.state == "RUNNING" and task.moved < task.total:
        batch = sqs._collect_msgs(source, _BATCH, _SECONDS_HIDDEN)
        if not batch:
            break
        for message in batch:
            if task.rate:
                time.sleep(1 / task.rate)
            arn = task.destination or message["sys"].get("DeadLetterQueueSourceArn", "")
            destination = sqs._queue_by_arn(arn)
            if destination is None:
                task.state = "FAILED"
                task.why = "AWS.SimpleQueueService.NonExistentQueue" if arn else "CouldNotDetermineMessageSource"
                return
            _send(message, destination)
            sqs._delete_messages_for_esm(source["url"], {message["receipt_handle"]})
            task.moved += 1
    task.state = "CANCELLED" if task.state == "CANCELLING" else "COMPLETED"


def _send(message: dict[str, Any], destination: dict[str, Any]) -> None:
    """As a new message: id, time and receives begin anew; body, attributes, trace, group and deduplication id stay."""
    from ministack.services import sqs

    trace = message["sys"].get("AWSTraceHeader")
    sqs._act_send_message(
        {
            "QueueUrl": destination["url"],
            "MessageBody": message["body"],
            "MessageAttributes": message["message_attributes"],
            "MessageSystemAttributes": {"AWSTraceHeader": {"StringValue": trace}} if trace else {},
            "MessageGroupId": message["group_id"],
            "MessageDeduplicationId": message["dedup_id"],
        },
        destination["url"],
    )
