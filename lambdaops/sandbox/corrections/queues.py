"""Messages of SQS: none is lost between threads, what SQS refuses is refused, a stale receipt handle deletes nothing.

ministack changes a queue's messages from the event loop and from its pollers at once, each by putting a new list in
place of the old one: what the other appended meanwhile is gone. It drops AWSTraceHeader from batches, counts only
bodies towards the size, takes any attributes, groups and ids, and goes through the whole queue, field by field, for
every message. AWS: test_sqs, and the SQS API reference (DeleteMessage: with an old handle of a standard queue "the
request will succeed, but the message will not be deleted", that of a FIFO queue "has expired"; PurgeQueue: once in 60
seconds).
"""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MOST = 1024 * 1024
_ATTRIBUTES = 10
_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_PURGE_SECONDS = 60.0
Message = dict[str, Any]


def apply() -> None:
    """Replace what sends, receives, deletes and hides messages."""
    from ministack.services import sqs

    # Reentrant: ministack's pollers take it, too, before they call what is replaced here.
    sqs._queues_lock = threading.RLock()
    sqs._expire_retained, sqs._dlq_sweep = _locked(_expire), _locked(_sweep)
    sqs._collect_msgs = _locked(_collect)
    sqs._delete_messages_for_esm = _locked(lambda url, handles: _remove(sqs._get_q(url), handles))
    send = sqs._act_send_message
    sqs._act_send_message = _locked(lambda data, url: _send(send, data, url))
    handlers: dict[str, Callable[[dict[str, Any], str], object]] = {
        "SendMessage": sqs._act_send_message,
        "SendMessageBatch": _locked(_send_batch),
        "DeleteMessage": _locked(_delete),
        "DeleteMessageBatch": _locked(_delete_batch),
        "ChangeMessageVisibility": _locked(sqs._act_change_visibility),
        "ChangeMessageVisibilityBatch": _locked(sqs._act_change_visibility_batch),
        "PurgeQueue": _locked(_purge),
        "ListDeadLetterSourceQueues": _sources,
    }
    sqs._HANDLERS.update(handlers)


def _locked(call: Callable[..., Any]) -> Callable[..., Any]:
    from ministack.services import sqs

    def alone(*given: object) -> object:
        with sqs._queues_lock:
            return call(*given)

    return alone


# -- sending ---------------------------------------------------------------------------------------------------------


def _send(send: Callable[..., dict[str, Any]], data: dict[str, Any], url: str) -> dict[str, Any]:
    queue = _queue(data, url)
    _check(queue, data, "One or more parameters are invalid.")
    return send(data, url)


def _send_batch(data: dict[str, Any], url: str) -> dict[str, Any]:
    from ministack.services import sqs

    queue = _queue(data, url, "sqs:SendMessage")
    entries = data.get("Entries") or []
    sqs._validate_batch_entries(entries, "SendMessageBatchRequestEntry")
    total = sum(map(_size, entries))
    if total > _MOST:
        said = f"Batch requests cannot be longer than {_MOST} bytes. You have sent {total} bytes."
        raise sqs._Err("BatchRequestTooLong", said)
    by_content = queue["attributes"].get("ContentBasedDeduplication") == "true"
    for entry in entries if queue["is_fifo"] else ():
        # AWS refuses the whole batch for these.
        if not entry.get("MessageGroupId"):
            raise sqs._Err("InvalidParameterValue", "The request must contain the parameter MessageGroupId.")
        if not entry.get("MessageDeduplicationId") and not by_content:
            said = "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided"
            raise sqs._Err("InvalidParameterValue", f"{said} explicitly")
    done: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for entry in entries:
        try:
            _check(queue, entry, "One or more parameters cannot be validated.")
            done.append({**sqs._act_send_message({**entry, "QueueUrl": queue["url"]}, url), "Id": entry["Id"]})
        except sqs._Err as error:
            failed.append({"Id": entry["Id"], "Code": error.code, "Message": error.message, "SenderFault": True})
    return {"Successful": done, "Failed": failed}


def _check(queue: dict[str, Any], data: dict[str, Any], too_long: str) -> None:
    from ministack.services import sqs

    attributes = data.get("MessageAttributes") or {}
    if len(attributes) > _ATTRIBUTES:
        said = f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{_ATTRIBUTES}]."
        raise sqs._Err("InvalidParameterValue", said)
    for name, value in attributes.items():
        if value.get("StringListValues") or value.get("BinaryListValues"):
            raise sqs._Err(
                "UnsupportedOperation", "Message attribute list values in SendMessage operation are not supported."
            )
        kind = value.get("DataType", "")
        if not value.get("BinaryValue" if kind.startswith("Binary") else "StringValue"):
            said = (
                f"Message (user) attribute '{name}' must contain a non-empty value of type '{kind.partition('.')[0]}'."
            )
            raise sqs._Err("InvalidParameterValue", said)
        if sqs._INVALID_SQS_CHARS_RE.search(value.get("StringValue") or ""):
            raise sqs._Err("InvalidMessageContents", "Message attributes contain characters outside the allowed set.")
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        value = data.get(name)
        if value is not None and not _ID.fullmatch(value):
            said = f"Value {value} for parameter {name} is invalid. Reason: {name} can only include alphanumeric and "
            raise sqs._Err("InvalidParameterValue", f"{said}punctuation characters. 1 to 128 in length.")
    most = int(queue["attributes"].get("MaximumMessageSize", _MOST))
    if _size(data) > most:
        raise sqs._Err("InvalidParameterValue", f"{too_long} Reason: Message must be shorter than {most} bytes.")


def _size(data: dict[str, Any]) -> int:
    """Body, and name, type and value of each attribute (SQS guide, "Message metadata")."""
    return len((data.get("MessageBody") or "").encode()) + sum(
        len(name.encode()) + len(value.get("DataType", "").encode()) + _value_size(value)
        for name, value in (data.get("MessageAttributes") or {}).items()
    )


def _value_size(value: dict[str, Any]) -> int:
    if value.get("BinaryValue"):
        return len(base64.b64decode(value["BinaryValue"]))
    return len((value.get("StringValue") or "").encode())


# -- receiving -------------------------------------------------------------------------------------------------------


def _expire(queue: dict[str, Any]) -> None:
    """At most once a second: messages are kept for a minute at least."""
    now = time.time()
    if now - queue.get("expired_at", 0.0) < 1:
        return
    queue["expired_at"] = now
    oldest = now - int(queue["attributes"].get("MessageRetentionPeriod", "345600"))
    _take(queue, [m for m in queue["messages"] if m.get("enqueued_at", m.get("sent_at", now)) <= oldest])


def _sweep(queue: dict[str, Any]) -> None:
    """Move what was received too often to the dead-letter queue, as ministack does, but in place."""
    import json

    from ministack.core.concurrency import esm_wake
    from ministack.services import sqs

    policy = json.loads(queue["attributes"].get("RedrivePolicy") or "{}")
    dead = sqs._queue_by_arn(policy.get("deadLetterTargetArn", ""))
    if dead is None:
        return
    now, most = time.time(), int(policy["maxReceiveCount"])
    over = [m for m in queue["messages"] if m.get("receive_count", 0) >= most and m.get("visible_at", 0) <= now]
    for message in over:
        # Id, attributes, trace and the count of receives stay; what SQS adds is where it came from.
        system = {**message.get("sys", {}), "DeadLetterQueueSourceArn": queue["attributes"]["QueueArn"]}
        moved = {**message, "receipt_handle": None, "visible_at": now, "moved_at": now, "sys": system}
        if dead["is_fifo"]:
            # SQS guide: the enqueue time begins anew, and the deduplication id is replaced with the message's own.
            dead["fifo_seq"] += 1
            moved |= {"enqueued_at": now, "dedup_id": message["id"], "seq": str(dead["fifo_seq"]).zfill(20)}
        dead["messages"].append(moved)
        esm_wake.set()
    _take(queue, over)


def _collect(queue: dict[str, Any], at_most: int, hidden: int) -> list[Message]:
    """The first messages that are visible; of a FIFO queue none of a group that has one in flight."""
    from ministack.services import sqs

    now = time.time()
    busy = set()
    if queue["is_fifo"]:
        busy = {m["group_id"] for m in queue["messages"] if m.get("receive_count") and m["visible_at"] > now}
    found: list[Message] = []
    for message in queue["messages"]:
        if len(found) == at_most:
            break
        if message.get("visible_at", 0) > now or message.get("group_id") in busy:
            # A message that is delayed holds up those of its group that were sent later.
            if queue["is_fifo"]:
                busy.add(message["group_id"])
            continue
        sqs._ensure_msg_fields(message)
        handle = sqs.new_uuid()
        message["receipt_handle"], message["visible_at"] = handle, now + hidden
        message["receive_count"] += 1
        if message["first_receive_at"] is None:
            message["first_receive_at"] = now
        queue.setdefault("handles", set()).add(_digest(handle))
        found.append(message)
    return found


def _digest(handle: str) -> bytes:
    return hashlib.blake2b(handle.encode(), digest_size=8).digest()


# -- deleting --------------------------------------------------------------------------------------------------------


def _delete(data: dict[str, Any], url: str) -> dict[str, Any]:
    from ministack.services import sqs

    queue = _queue(data, url, "sqs:DeleteMessage")
    handle = data.get("ReceiptHandle", "")
    why = _refused(queue, [handle])[handle]
    if why is not None:
        raise sqs._Err(*why)
    _remove(queue, {handle})
    return {}


def _delete_batch(data: dict[str, Any], url: str) -> dict[str, Any]:
    from ministack.services import sqs

    queue = _queue(data, url, "sqs:DeleteMessage")
    entries = data.get("Entries") or []
    sqs._validate_batch_entries(entries, "DeleteMessageBatchRequestEntry")
    why = _refused(queue, [entry.get("ReceiptHandle", "") for entry in entries])
    done = [{"Id": entry["Id"]} for entry in entries if why[entry.get("ReceiptHandle", "")] is None]
    failed = [
        {"Id": entry["Id"], "Code": no[0], "Message": no[1], "SenderFault": True}
        for entry in entries
        if (no := why[entry.get("ReceiptHandle", "")]) is not None
    ]
    _remove(queue, {handle for handle, no in why.items() if no is None})
    return {"Successful": done, "Failed": failed}


def _refused(queue: dict[str, Any], handles: Iterable[str]) -> dict[str, tuple[str, str] | None]:
    """Why a handle deletes nothing; None where AWS says that it did, even if the message was deleted or given away."""
    now = time.time()
    current = {m["receipt_handle"]: m for m in queue["messages"] if m.get("receipt_handle")}
    issued = queue.get("handles", set())
    why: dict[str, tuple[str, str] | None] = {}
    for handle in handles:
        message = current.get(handle)
        if _digest(handle) not in issued:
            why[handle] = ("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
        elif queue["is_fifo"] and message is not None and message["visible_at"] <= now:
            said = f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
            why[handle] = ("InvalidParameterValue", said)
        else:
            why[handle] = None
    return why


def _remove(queue: dict[str, Any], handles: set[str]) -> None:
    _take(queue, [m for m in queue["messages"] if m.get("receipt_handle") in handles] if handles else [])


def _take(queue: dict[str, Any], gone: list[Message]) -> None:
    """Out of the list that is there: whatever others append to it meanwhile stays."""
    if gone:
        these = {id(message) for message in gone}
        messages: list[Message] = queue["messages"]
        for place in [place for place, message in enumerate(messages) if id(message) in these][::-1]:
            del messages[place]


def _purge(data: dict[str, Any], url: str) -> dict[str, Any]:
    from ministack.services import sqs

    queue = _queue(data, url, "sqs:PurgeQueue")
    now = time.time()
    if now - queue.get("purged_at", 0.0) < _PURGE_SECONDS:
        said = f"Only one PurgeQueue operation on {queue['name']} is allowed every 60 seconds."
        raise sqs._Err("PurgeQueueInProgress", said, 403)
    queue["purged_at"] = now
    queue["messages"].clear()
    return {}


# -- queues ----------------------------------------------------------------------------------------------------------


def _sources(data: dict[str, Any], url: str) -> dict[str, Any]:
    """The queues of this account and region whose redrive policy names this one."""
    import json

    from ministack.services import sqs

    arn = _queue(data, url, "sqs:ListDeadLetterSourceQueues")["attributes"]["QueueArn"]
    urls = [
        sqs._externalize_url(address)
        for address, queue in sqs._queues.items()
        if json.loads(queue["attributes"].get("RedrivePolicy") or "{}").get("deadLetterTargetArn") == arn
    ]
    first, most = int(data.get("NextToken") or 0), int(data.get("MaxResults") or len(urls) or 1)
    more = {"NextToken": str(first + most)} if first + most < len(urls) else {}
    return {"queueUrls": urls[first : first + most], **more}


def _queue(data: dict[str, Any], url: str, action: str | None = None) -> dict[str, Any]:
    from ministack.services import sqs

    found: dict[str, Any] = sqs._get_q(data.get("QueueUrl", url), action)
    return found
