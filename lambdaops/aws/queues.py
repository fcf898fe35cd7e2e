"""SQS: queues and their messages, in our words.

Rules this file guarantees: a message is received with everything SQS keeps of it; a batch is answered for message by
message, and one that AWS's answer does not mention counts as not taken; a batch is sent once (``aws.once``); bodies,
attribute values and receipt handles never get into an error.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.queue_faults import discreet
from lambdaops.aws.session import Session
from lambdaops.core.dlq.letter import MAX_BYTES, Attribute, Batch, Letter, Queue, Refused
from lambdaops.core.dlq.naming import QueueName, queue_name
from lambdaops.ports import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef, SendMessageBatchRequestEntryTypeDef

    from lambdaops.core.dlq.letter import Outgoing

_MILLISECOND = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ASKED: list[Any] = [
    "QueueArn",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "MessageRetentionPeriod",
    "VisibilityTimeout",
    "MaximumMessageSize",
    "RedrivePolicy",
]
# The largest page that ListDeadLetterSourceQueues gives.
_PAGE = 1000


@dataclass(frozen=True)
class SqsQueues:
    """Implements ports.queues.Queues."""

    session: Session
    clock: Clock

    def find(self, queue: str) -> Queue:
        """A queue by its name, URL or ARN."""
        named = queue_name(queue)
        client = self.session.queues(named.region or None)
        with translating(f"read queue {named.name}", target=named.name):
            url = named.url or self._url(client, named)
            answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=_ASKED)
        return _queue(url, answer["Attributes"], self._at(answer))

    def _url(self, client: SQSClient, named: QueueName) -> str:
        if named.account:
            answer = client.get_queue_url(QueueName=named.name, QueueOwnerAWSAccountId=named.account)
        else:
            answer = client.get_queue_url(QueueName=named.name)
        return answer["QueueUrl"]

    def _at(self, answer: Mapping[str, Any]) -> datetime:
        """AWS's clock. A Date header has whole seconds: the end of that second, so that nothing sent before is late."""
        header = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        try:
            said = parsedate_to_datetime(header)
        except ValueError:
            return self.clock.now()
        return (said if said.tzinfo else said.replace(tzinfo=UTC)) + _SECOND

    def sources(self, queue: Queue) -> tuple[str, ...]:
        """ARNs of the queues whose dead-letter queue this is; they are in its account and region (SQS guide)."""
        beside = queue.arn.rpartition(":")[0]
        with translating(f"list the queues that {queue.name} is the dead-letter queue of", target=queue.name):
            pages = self._client(queue).get_paginator("list_dead_letter_source_queues")
            found = pages.paginate(QueueUrl=queue.url, PaginationConfig={"PageSize": _PAGE})
            urls = [url for page in found for url in page.get("queueUrls", [])]
        return tuple(sorted(f"{beside}:{url.rpartition('/')[2]}" for url in urls))

    def receive(self, queue: Queue, at_most: int, hidden: timedelta, wait: timedelta) -> tuple[Letter, ...]:
        """Receive up to ten messages and hide them for so long; long polling for up to ``wait``."""
        request: dict[str, Any] = {
            "QueueUrl": queue.url,
            "MaxNumberOfMessages": at_most,
            "VisibilityTimeout": int(hidden / _SECOND),
            "WaitTimeSeconds": int(wait / _SECOND),
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        if queue.fifo:
            # An answer that was lost on its way is given again to the same attempt; else its groups would stay locked.
            request["ReceiveRequestAttemptId"] = uuid.uuid4().hex
        with translating(f"receive from {queue.name}", target=queue.name):
            answer = self._client(queue).receive_message(**request)
        return tuple(_letter(item) for item in answer.get("Messages", []))

    def send(self, queue: Queue, messages: Sequence[Outgoing]) -> Batch:
        """Send a batch."""
        ids = [message.id for message in messages]
        entries = [_entry(str(place), message) for place, message in enumerate(messages)]
        client = self.session.queues(queue.region, sending=True)
        with translating(f"send to {queue.name}", target=queue.name):
            answer = client.send_message_batch(QueueUrl=queue.url, Entries=entries)
        return _batch(answer, ids)

    def delete(self, queue: Queue, letters: Sequence[Letter]) -> Batch:
        """Delete a batch by receipt handle."""
        entries: list[Any] = [{"Id": str(place), "ReceiptHandle": it.handle} for place, it in enumerate(letters)]
        return self._change(queue, "delete from", self._client(queue).delete_message_batch, entries, letters)

    def hide(self, queue: Queue, letters: Sequence[Letter], hidden: timedelta) -> Batch:
        """Change how long a received batch stays hidden from now on."""
        seconds = int(hidden / _SECOND)
        entries = [
            {"Id": str(place), "ReceiptHandle": letter.handle, "VisibilityTimeout": seconds}
            for place, letter in enumerate(letters)
        ]
        call = self._client(queue).change_message_visibility_batch
        return self._change(
            queue, "give back messages of" if not seconds else "hide messages of", call, entries, letters
        )

    def _change(
        self, queue: Queue, doing: str, call: Callable[..., Any], entries: list[Any], letters: Sequence[Letter]
    ) -> Batch:
        with translating(f"{doing} {queue.name}", target=queue.name):
            answer = call(QueueUrl=queue.url, Entries=entries)
        return _batch(answer, [letter.id for letter in letters])

    def purge(self, queue: Queue) -> None:
        """Delete every message."""
        with translating(f"purge {queue.name}", target=queue.name):
            self._client(queue).purge_queue(QueueUrl=queue.url)

    def _client(self, queue: Queue) -> SQSClient:
        return self.session.queues(queue.region)


def _queue(url: str, attributes: Mapping[Any, str], at: datetime) -> Queue:
    policy = _policy(attributes.get("RedrivePolicy", ""))
    return Queue(
        url=url,
        arn=attributes["QueueArn"],
        waiting=int(attributes.get("ApproximateNumberOfMessages", 0)),
        hidden=int(attributes.get("ApproximateNumberOfMessagesNotVisible", 0)),
        delayed=int(attributes.get("ApproximateNumberOfMessagesDelayed", 0)),
        retention=timedelta(seconds=int(attributes.get("MessageRetentionPeriod", 0))),
        visibility=timedelta(seconds=int(attributes.get("VisibilityTimeout", 0))),
        at=at,
        dead_letters=str(policy.get("deadLetterTargetArn", "")),
        # A number, or its digits: SQS gives back what was set.
        max_receives=int(policy.get("maxReceiveCount", 0)),
        max_bytes=int(attributes.get("MaximumMessageSize", MAX_BYTES)),
    )


def _policy(text: str) -> Mapping[str, Any]:
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def _letter(item: Mapping[str, Any]) -> Letter:
    system: Mapping[str, str] = item.get("Attributes", {})
    return Letter(
        id=item["MessageId"],
        handle=item["ReceiptHandle"],
        # SQS takes no empty body; one that is absent could be no message's.
        body=item["Body"],
        attributes={name: _attribute(value) for name, value in item.get("MessageAttributes", {}).items()},
        sent=_EPOCH + int(system.get("SentTimestamp", 0)) * _MILLISECOND,
        receives=int(system.get("ApproximateReceiveCount", 0)),
        group=system.get("MessageGroupId"),
        deduplication=system.get("MessageDeduplicationId"),
        sequence=system.get("SequenceNumber"),
        trace=system.get("AWSTraceHeader"),
        source=system.get("DeadLetterQueueSourceArn"),
    )


def _attribute(value: Mapping[str, Any]) -> Attribute:
    binary = value.get("BinaryValue")
    # Lists are in the API, "not implemented": sending one back is refused, receiving one does not happen.
    return Attribute(value["DataType"], value.get("StringValue", "") if binary is None else bytes(binary))


def _entry(place: str, message: Outgoing) -> SendMessageBatchRequestEntryTypeDef:
    entry: SendMessageBatchRequestEntryTypeDef = {"Id": place, "MessageBody": message.body}
    if message.attributes:
        entry["MessageAttributes"] = {name: _value(value) for name, value in message.attributes.items()}
    if message.trace is not None:
        entry["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": message.trace}}
    if message.group is not None:
        entry["MessageGroupId"] = message.group
    if message.deduplication is not None:
        entry["MessageDeduplicationId"] = message.deduplication
    return entry


def _value(attribute: Attribute) -> MessageAttributeValueTypeDef:
    if isinstance(attribute.value, bytes):
        return {"DataType": attribute.type, "BinaryValue": attribute.value}
    return {"DataType": attribute.type, "StringValue": attribute.value}


def _batch(answer: Mapping[str, Any], ids: Sequence[str]) -> Batch:
    """What came of each, by its place in the batch. Whatever is not confirmed was not done."""
    failed = {item["Id"]: item for item in answer.get("Failed", [])}
    done = {item["Id"]: item for item in answer.get("Successful", []) if item["Id"] not in failed}
    taken, refused, new = [], [], []
    for place, name in enumerate(ids):
        if (item := done.get(str(place))) is not None:
            taken.append(name)
            new.append(item.get("MessageId", ""))
        elif (item := failed.get(str(place))) is not None:
            why = discreet(item.get("Message") or item["Code"])
            refused.append(Refused(name, item["Code"], why, bool(item.get("SenderFault"))))
        else:
            refused.append(Refused(name, "Unanswered", "AWS's answer does not mention it", fault=False))
    return Batch(tuple(taken), tuple(refused), tuple(new) if any(new) else ())
