"""Kinesis and DynamoDB streams: the records of a batch that a function could not take, read once more.

Rule this file guarantees: either exactly the records of the batch, in their order and in the shape that Lambda's event
source mapping gives them, or an error.

Shapes: Lambda developer guide, "Using Lambda to process records from Amazon Kinesis Data Streams" and "Using AWS Lambda
with Amazon DynamoDB" (example events).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.core.errors import NotFoundError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.core.dlq.dead import StreamBatch

_EMPTY_PAGES = 20
"""A shard may answer with nothing although there is something further on; DynamoDB's does so for ever at its end."""
_ARN_PARTS = 6


@dataclass(frozen=True)
class AwsStreams:
    """Implements ports.queues.Streams."""

    session: Session

    def fetch(self, batch: StreamBatch) -> tuple[dict[str, object], ...]:
        """The records of a batch."""
        parts = batch.stream.split(":", _ARN_PARTS - 1)
        service = _SERVICES.get(parts[2]) if len(parts) == _ARN_PARTS else None
        if service is None or not (batch.first.isdecimal() and batch.last.isdecimal()):
            raise RejectedError(
                f"could not read the batch again: {batch.stream!r} is no stream of Kinesis or DynamoDB",
                hint="Only their records can be read once more; leave the letter, or --quarantine it.",
            )
        # With enhanced fan-out the mapping reads from a consumer: arn:...:stream/NAME/consumer/NAME:TIME.
        arn, region = batch.stream.partition("/consumer/")[0], parts[3]
        name = f"{arn.split(':', _ARN_PARTS - 1)[5]} {batch.shard}"
        client = self.session.streams(service.client, region)
        with translating(f"read {name} again", target=name):
            try:
                found = tuple(_records(client, service, arn, batch))
            except client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] != "TrimmedDataAccessException":
                    raise
                found = ()
        _check(found, service, batch, name)
        return tuple(service.shape(record, arn, batch.shard, region) for record in found)


@dataclass(frozen=True)
class _Service:
    """What the two APIs call the same things."""

    client: str
    arn: str
    start: str
    sequence: Callable[[Mapping[str, Any]], str]
    shape: Callable[[Mapping[str, Any], str, str, str], dict[str, object]]


def _records(client: Any, service: _Service, arn: str, batch: StreamBatch) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
    """From the first to the last sequence number, page by page."""
    last = int(batch.last)
    where: dict[str, str] = {service.arn: arn, "ShardId": batch.shard, service.start: batch.first}
    iterator = client.get_shard_iterator(ShardIteratorType="AT_SEQUENCE_NUMBER", **where)["ShardIterator"]
    empty = 0
    while iterator and empty < _EMPTY_PAGES:
        answer = client.get_records(ShardIterator=iterator)
        for record in answer["Records"]:
            number = int(service.sequence(record))
            if number <= last:
                yield record
            if number >= last:
                return
        empty = 0 if answer["Records"] else empty + 1
        iterator = answer.get("NextShardIterator")


def _check(found: tuple[Mapping[str, Any], ...], service: _Service, batch: StreamBatch, name: str) -> None:
    """Whether these are the records of the batch, all of them and no others.

    Raises:
        NotFoundError: the first ones are not there any more.
        RejectedError: there are more or fewer than the function was given.
    """
    if not found or int(service.sequence(found[0])) != int(batch.first):
        raise NotFoundError(
            f"could not read {name} again: records from {batch.first} on are not in the stream any more",
            hint="They are older than the stream's retention: the letter is all that is left of them.",
            target=name,
        )
    if batch.size and len(found) != batch.size:
        raise RejectedError(
            f"could not read {name} again: {len(found)} records are between {batch.first} and {batch.last}, and the "
            f"function was given {batch.size}",
            hint="The event source mapping has a filter: invoke the function with the right ones by hand.",
            target=name,
        )


def _kinesis(record: Mapping[str, Any], arn: str, shard: str, region: str) -> dict[str, object]:
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": base64.b64encode(record["Data"]).decode(),
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{record['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        # The role of the mapping, which the letter does not name.
        "invokeIdentityArn": "",
        "awsRegion": region,
        "eventSourceARN": arn,
    }


def _dynamodb(record: Mapping[str, Any], arn: str, _shard: str, region: str) -> dict[str, object]:
    change: Any = _plain(record["dynamodb"])
    event: dict[str, object] = {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": record["eventVersion"],
        "eventSource": record["eventSource"],
        "awsRegion": record.get("awsRegion", region),
        "dynamodb": change,
        "eventSourceARN": arn,
    }
    if identity := record.get("userIdentity"):  # AWS itself deleted it: time to live
        event["userIdentity"] = {"type": identity.get("Type", ""), "principalId": identity.get("PrincipalId", "")}
    return event


def _plain(value: object) -> object:
    """As JSON has it: binary in base64, times in seconds."""
    match value:
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            seconds = value.timestamp()
            return int(seconds) if seconds.is_integer() else seconds
        case _:
            return value


_SERVICES = {
    "kinesis": _Service(
        "kinesis", "StreamARN", "StartingSequenceNumber", lambda record: record["SequenceNumber"], _kinesis
    ),
    "dynamodb": _Service(
        "dynamodbstreams", "StreamArn", "SequenceNumber", lambda record: record["dynamodb"]["SequenceNumber"], _dynamodb
    ),
}
