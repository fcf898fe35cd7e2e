"""Streams: a batch is read again, whole and alone, in the shape that a function gets."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from lambdaops.aws.streams import AwsStreams
from lambdaops.core.dlq.dead import StreamBatch
from lambdaops.core.errors import NotFoundError, RejectedError, ThrottledError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.aws.session import Session

STREAM = "arn:aws:kinesis:us-east-2:111122223333:stream/clicks"
TABLE = "arn:aws:dynamodb:us-east-2:111122223333:table/orders/stream/2026-11-28T00:00:00.000"
SHARD = "shardId-000000000006"
BIG = 49590338271490256608559692538361571095921575989136588898
ARRIVED = datetime.fromtimestamp(1545084650.987, UTC)
KINESIS = StreamBatch(STREAM, SHARD, str(BIG), str(BIG + 2), 2)
TABLE_SHARD = "shardId-00000001573689847184-864758bb"
DYNAMODB = StreamBatch(TABLE, TABLE_SHARD, "800000000003126276362", "800000000003126276363", 2)


@contextmanager
def stubbed(session: Session, service: str = "kinesis") -> Iterator[Stubber]:
    with Stubber(session.streams(service, "us-east-2")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def record(number: int, data: bytes = b"hello") -> dict[str, Any]:
    return {
        "SequenceNumber": str(number),
        "ApproximateArrivalTimestamp": ARRIVED,
        "Data": data,
        "PartitionKey": "1",
    }


def page(*records: dict[str, Any], then: str | None = "next", behind: int = 0) -> dict[str, Any]:
    more = {} if then is None else {"NextShardIterator": then}
    return {"Records": list(records), "MillisBehindLatest": behind, **more}


def begin(calls: Stubber, batch: StreamBatch = KINESIS) -> None:
    where = {"StreamARN": STREAM, "ShardId": SHARD, "StartingSequenceNumber": batch.first}
    calls.add_response(
        "get_shard_iterator", {"ShardIterator": "it"}, {**where, "ShardIteratorType": "AT_SEQUENCE_NUMBER"}
    )


def test_records_of_kinesis_over_pages_and_empty_ones(session: Session) -> None:
    with stubbed(session) as calls:
        begin(calls)
        calls.add_response("get_records", page(record(BIG), behind=5), {"ShardIterator": "it"})
        calls.add_response("get_records", page(then="third", behind=5), {"ShardIterator": "next"})
        # The one after the last is somebody else's.
        calls.add_response("get_records", page(record(BIG + 2, b"\x00"), record(BIG + 3)), {"ShardIterator": "third"})
        found = AwsStreams(session).fetch(KINESIS)
    assert found[0] == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "1",
            "sequenceNumber": str(BIG),
            "data": "aGVsbG8=",
            "approximateArrivalTimestamp": 1545084650.987,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{SHARD}:{BIG}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "",
        "awsRegion": "us-east-2",
        "eventSourceARN": STREAM,
    }
    assert [it["kinesis"]["sequenceNumber"] for it in found] == [str(BIG), str(BIG + 2)]  # type: ignore[index]
    json.dumps(found)


def test_a_mapping_that_reads_as_a_consumer(session: Session) -> None:
    batch = StreamBatch(f"{STREAM}/consumer/app:1545084650", SHARD, str(BIG), str(BIG), 1)
    with stubbed(session) as calls:
        begin(calls, batch)
        calls.add_response("get_records", page(record(BIG)))
        assert AwsStreams(session).fetch(batch)[0]["eventSourceARN"] == STREAM


def test_records_of_dynamodb_in_the_shape_a_function_gets(session: Session) -> None:
    def change(number: int, event: str) -> dict[str, Any]:
        return {
            "eventID": f"e-{number}",
            "eventName": event,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-2",
            "dynamodb": {
                "ApproximateCreationDateTime": datetime(2026, 11, 28, tzinfo=UTC),
                "Keys": {"id": {"N": "101"}},
                "NewImage": {
                    "raw": {"B": b"\x00\xff"},
                    "set": {"BS": [b"\x00"]},
                    "deep": {"M": {"l": {"L": [{"S": "x"}]}}},
                },
                "SequenceNumber": str(number),
                "SizeBytes": 26,
                "StreamViewType": "NEW_IMAGE",
            },
        }

    gone = {
        **change(800000000003126276363, "REMOVE"),
        "userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"},
    }
    with stubbed(session, "dynamodbstreams") as calls:
        calls.add_response(
            "get_shard_iterator",
            {"ShardIterator": "it"},
            {
                "StreamArn": TABLE,
                "ShardId": TABLE_SHARD,
                "ShardIteratorType": "AT_SEQUENCE_NUMBER",
                "SequenceNumber": DYNAMODB.first,
            },
        )
        calls.add_response("get_records", {"Records": [change(800000000003126276362, "INSERT"), gone]})
        found = AwsStreams(session).fetch(DYNAMODB)
    assert found[0] == {
        "eventID": "e-800000000003126276362",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-2",
        "dynamodb": {
            "ApproximateCreationDateTime": 1795824000,
            "Keys": {"id": {"N": "101"}},
            "NewImage": {"raw": {"B": "AP8="}, "set": {"BS": ["AA=="]}, "deep": {"M": {"l": {"L": [{"S": "x"}]}}}},
            "SequenceNumber": "800000000003126276362",
            "SizeBytes": 26,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": TABLE,
    }
    assert found[1]["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    json.dumps(found)


@pytest.mark.parametrize("pages", [[page(record(BIG + 1), record(BIG + 2))], [page(then=None)], [page()] * 20])
def test_records_that_are_not_there_any_more(session: Session, pages: list[dict[str, Any]]) -> None:
    with stubbed(session) as calls:
        begin(calls)
        for answer in pages:
            calls.add_response("get_records", answer)
        with pytest.raises(NotFoundError, match="not in the stream any more") as caught:
            AwsStreams(session).fetch(KINESIS)
    assert "retention" in caught.value.hint


def test_records_that_dynamodb_has_trimmed(session: Session) -> None:
    with stubbed(session, "dynamodbstreams") as calls:
        calls.add_client_error("get_shard_iterator", "TrimmedDataAccessException", "beyond the trim horizon", 400)
        with pytest.raises(NotFoundError, match="not in the stream any more"):
            AwsStreams(session).fetch(DYNAMODB)


@pytest.mark.parametrize(
    "records",
    [[record(BIG), record(BIG + 1), record(BIG + 2)], [record(BIG)], [record(BIG), record(BIG + 3)]],
    ids=["filtered", "fewer", "beyond"],
)
def test_other_records_than_the_function_was_given_are_refused(session: Session, records: list[dict[str, Any]]) -> None:
    with stubbed(session) as calls:
        begin(calls)
        calls.add_response("get_records", page(*records, then=None))
        with pytest.raises(RejectedError, match="the function was given 2"):
            AwsStreams(session).fetch(KINESIS)


@pytest.mark.parametrize(
    "batch",
    [
        StreamBatch("arn:aws:kafka:us-east-2:111122223333:cluster/c", SHARD, "1", "2", 1),
        StreamBatch("orders", SHARD, "1", "2", 1),
        StreamBatch(STREAM, SHARD, "", "2", 1),
        StreamBatch(STREAM, SHARD, "1", "two", 1),
    ],
)
def test_what_is_no_batch_of_a_stream_is_not_asked_for(session: Session, batch: StreamBatch) -> None:
    with pytest.raises(RejectedError, match="no stream of Kinesis or DynamoDB"):
        AwsStreams(session).fetch(batch)


@pytest.mark.parametrize(
    ("code", "cls"),
    [("ResourceNotFoundException", NotFoundError), ("ProvisionedThroughputExceededException", ThrottledError)],
)
def test_what_a_stream_refuses(session: Session, code: str, cls: type[Exception]) -> None:
    with stubbed(session) as calls:
        calls.add_client_error("get_shard_iterator", code, "no", 400)
        with pytest.raises(cls, match=f"could not read stream/clicks {SHARD} again: no"):
            AwsStreams(session).fetch(KINESIS)
