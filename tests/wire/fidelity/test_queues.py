"""corrections/queues: what SQS keeps, refuses, deletes and moves. Texts and codes as AWS gave them (test_sqs)."""

from __future__ import annotations

import itertools
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.wire.conftest import Clients

_numbers = itertools.count(1)
MOST = 1024 * 1024
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
WITHOUT_ID = (
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
)
EVERYTHING: dict[str, Any] = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}


@pytest.fixture
def sqs(clients: Clients) -> Any:
    return clients("sqs")


def make(sqs: Any, suffix: str = "", **attributes: str) -> str:
    name = f"fidelity-{next(_numbers)}{suffix}"
    fifo = {"FifoQueue": "true"} if suffix == ".fifo" else {}
    url: str = sqs.create_queue(QueueName=name, Attributes={**fifo, **attributes})["QueueUrl"]
    return url


def arn(sqs: Any, url: str) -> str:
    found: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return found


def source_of(sqs: Any, dead: str, suffix: str = "", receives: int = 1) -> str:
    policy = json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": receives})
    return make(sqs, suffix, RedrivePolicy=policy)


def receive(sqs: Any, url: str, hidden: int = 30) -> list[dict[str, Any]]:
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=hidden, **EVERYTHING)
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def refused(call: Any, **given: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**given)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def entry(name: str, body: str = "x", **more: Any) -> dict[str, Any]:
    return {"Id": name, "MessageBody": body, **more}


def text(value: str) -> dict[str, Any]:
    return {"DataType": "String", "StringValue": value}


# -- dead letters ----------------------------------------------------------------------------------------------------


def test_a_dead_letter_keeps_what_it_had_and_says_where_it_came_from(sqs: Any) -> None:
    dead = make(sqs)
    source = source_of(sqs, dead)
    sent = entry("1", "body", MessageAttributes={"a": text("v")})
    sent["MessageSystemAttributes"] = {"AWSTraceHeader": text(TRACE)}
    sqs.send_message_batch(QueueUrl=source, Entries=[sent])
    before = receive(sqs, source, hidden=0)[0]
    assert before["Attributes"]["AWSTraceHeader"] == TRACE
    assert receive(sqs, source) == []
    after = receive(sqs, dead)[0]
    same = ("MessageId", "Body", "MessageAttributes")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, source)
    assert after["Attributes"]["AWSTraceHeader"] == TRACE
    assert after["Attributes"]["SentTimestamp"] == before["Attributes"]["SentTimestamp"]
    assert [message["Attributes"]["ApproximateReceiveCount"] for message in (before, after)] == ["1", "2"]


def test_a_dead_letter_of_a_fifo_queue_has_its_own_id_for_deduplication(sqs: Any) -> None:
    dead = make(sqs, ".fifo")
    source = source_of(sqs, dead, ".fifo")
    sqs.send_message(QueueUrl=source, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d")
    assert receive(sqs, source, hidden=0)[0]["Attributes"]["MessageDeduplicationId"] == "d"
    assert receive(sqs, source) == []
    after = receive(sqs, dead)[0]
    assert after["Attributes"]["MessageDeduplicationId"] == after["MessageId"]
    assert after["Attributes"]["MessageGroupId"] == "g"


def test_the_queues_that_send_their_dead_letters_here(sqs: Any) -> None:
    dead = make(sqs)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == []
    sources = sorted(source_of(sqs, dead) for _ in range(3))
    assert sorted(sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"]) == sources
    pages = sqs.get_paginator("list_dead_letter_source_queues").paginate(
        QueueUrl=dead, PaginationConfig={"PageSize": 2}
    )
    found = [page["queueUrls"] for page in pages]
    assert [len(page) for page in found] == [2, 1]
    code, _ = refused(sqs.list_dead_letter_source_queues, QueueUrl=f"{dead}-gone")
    assert code == "AWS.SimpleQueueService.NonExistentQueue"


# -- what is refused -------------------------------------------------------------------------------------------------


def test_the_size_counts_bodies_names_types_and_values(sqs: Any) -> None:
    url = make(sqs)
    attributes = {"name": text("v" * 100), "raw": {"DataType": "Binary", "BinaryValue": b"\x00" * 100}}
    taken = 4 + 6 + 100 + 3 + 6 + 100
    sqs.send_message(QueueUrl=url, MessageBody="x" * (MOST - taken), MessageAttributes=attributes)
    too_long = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."
    again = {"QueueUrl": url, "MessageBody": "x" * (MOST - taken + 1), "MessageAttributes": attributes}
    assert refused(sqs.send_message, **again) == ("InvalidParameterValue", too_long)


def test_a_batch_of_more_than_a_mebibyte_is_refused_whole(sqs: Any) -> None:
    url = make(sqs)
    half = "x" * (MOST // 2)
    sqs.send_message_batch(QueueUrl=url, Entries=[entry("1", half), entry("2", half)])
    answer = refused(sqs.send_message_batch, QueueUrl=url, Entries=[entry("1", half), entry("2", half + "x")])
    assert answer == (
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
    )


def test_one_message_of_a_batch_is_refused_alone(sqs: Any) -> None:
    url = make(sqs, MaximumMessageSize="1024")
    many = {f"a{number}": text("v") for number in range(11)}
    entries = [
        entry("good"),
        entry("long", "x" * 1025),
        entry("many", MessageAttributes=many),
        entry("empty", MessageAttributes={"ErrorDetails": text("")}),
        entry("bad", "x\x00y"),
        entry("odd", MessageAttributes={"a": text("x\x01")}),
        entry("group", MessageGroupId="group 123"),
    ]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [item["Id"] for item in answer["Successful"]] == ["good"]
    failed = {item["Id"]: (item["Code"], item["Message"], item["SenderFault"]) for item in answer["Failed"]}
    too_long = "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes."
    assert failed["long"] == ("InvalidParameterValue", too_long, True)
    empty = "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'."
    assert failed["empty"] == ("InvalidParameterValue", empty, True)
    assert failed["many"][0] == "InvalidParameterValue"
    assert failed["bad"][0] == failed["odd"][0] == "InvalidMessageContents"
    group = (
        "Value group 123 for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include "
        "alphanumeric and punctuation characters. 1 to 128 in length."
    )
    assert failed["group"] == ("InvalidParameterValue", group, True)
    assert [message["Body"] for message in receive(sqs, url)] == ["x"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"MessageDeduplicationId": "d"}, "The request must contain the parameter MessageGroupId."),
        ({"MessageGroupId": "g"}, WITHOUT_ID),
    ],
)
def test_a_fifo_queue_refuses_the_whole_batch_for_a_missing_id(sqs: Any, given: dict[str, str], said: str) -> None:
    url = make(sqs, ".fifo")
    good = entry("good", MessageGroupId="g", MessageDeduplicationId="d1")
    answer = refused(sqs.send_message_batch, QueueUrl=url, Entries=[good, entry("bad", **given)])
    assert answer == ("InvalidParameterValue", said)
    assert receive(sqs, url) == []


def test_a_purge_a_minute(sqs: Any) -> None:
    url = make(sqs)
    sqs.purge_queue(QueueUrl=url)
    code, said = refused(sqs.purge_queue, QueueUrl=url)
    assert code == "AWS.SimpleQueueService.PurgeQueueInProgress"
    assert said.startswith("Only one PurgeQueue operation on ")


# -- handles ---------------------------------------------------------------------------------------------------------


def test_an_old_handle_of_a_standard_queue_is_taken_and_deletes_nothing(sqs: Any) -> None:
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    old = receive(sqs, url, hidden=0)[0]["ReceiptHandle"]
    new = receive(sqs, url, hidden=0)[0]["ReceiptHandle"]
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "1", "ReceiptHandle": old}])
    assert answer["Successful"] == [{"Id": "1"}]
    assert len(receive(sqs, url, hidden=0)) == 1
    del new


def test_a_message_can_be_deleted_twice_and_after_its_visibility(sqs: Any) -> None:
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    handle = receive(sqs, url, hidden=0)[0]["ReceiptHandle"]
    for _ in range(2):
        answer = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "1", "ReceiptHandle": handle}])
        assert answer["Successful"] == [{"Id": "1"}]
    assert receive(sqs, url) == []
    unheard = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "1", "ReceiptHandle": "unheard of"}])
    assert [item["Code"] for item in unheard["Failed"]] == ["ReceiptHandleIsInvalid"]


def test_a_handle_of_a_fifo_queue_expires(sqs: Any) -> None:
    url = make(sqs, ".fifo")
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d")
    handle = receive(sqs, url, hidden=0)[0]["ReceiptHandle"]
    said = f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
    assert refused(sqs.delete_message, QueueUrl=url, ReceiptHandle=handle) == ("InvalidParameterValue", said)
    assert len(receive(sqs, url)) == 1


# -- FIFO ------------------------------------------------------------------------------------------------------------


def test_a_group_with_a_message_in_flight_waits(sqs: Any) -> None:
    url = make(sqs, ".fifo")
    for group, body in [("a", "1"), ("a", "2"), ("b", "3")]:
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body)
    first = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]
    assert [message["Body"] for message in first] == ["1"]
    assert [message["Body"] for message in receive(sqs, url)] == ["3"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first[0]["ReceiptHandle"])
    assert [message["Body"] for message in receive(sqs, url)] == ["2"]


def test_a_deduplication_id_seen_before_is_taken_and_not_delivered(sqs: Any) -> None:
    """Hazard 5: and it is answered with the first message's id."""
    url = make(sqs, ".fifo")
    twice = [
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId="d")["MessageId"]
        for body in ("x", "y")
    ]
    assert twice[0] == twice[1]
    assert [message["Body"] for message in receive(sqs, url)] == ["x"]


# -- many at once ----------------------------------------------------------------------------------------------------


def test_nothing_is_lost_between_threads(sqs: Any) -> None:
    url, there = make(sqs), make(sqs)
    senders = [threading.Thread(target=_fill, args=(sqs, url, range(start, 400, 4))) for start in range(4)]
    movers = [threading.Thread(target=_move, args=(sqs, url, there)) for _ in range(3)]
    for thread in (*senders, *movers):
        thread.start()
    for thread in (*senders, *movers):
        thread.join()
    found: list[str] = []
    while batch := receive(sqs, there):
        found += [message["Body"] for message in batch]
    assert sorted(found, key=int) == [str(number) for number in range(400)]


def _fill(sqs: Any, url: str, numbers: range) -> None:
    for number in numbers:
        sqs.send_message(QueueUrl=url, MessageBody=str(number))


def _move(sqs: Any, url: str, there: str) -> None:
    quiet = time.monotonic()
    while time.monotonic() - quiet < 3:
        for message in receive(sqs, url):
            quiet = time.monotonic()
            sqs.send_message(QueueUrl=there, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
