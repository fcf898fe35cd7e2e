"""SQS: what it is asked, and what becomes of its answers."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY, Stubber
from botocore.validate import ParamValidationDecorator

from lambdaops.aws.queues import SqsQueues
from lambdaops.core.dlq.letter import Attribute, Batch, Letter, Outgoing, Queue, Refused
from lambdaops.core.errors import (
    AccessDeniedError,
    AwsFaultError,
    ConflictError,
    InvalidQueueError,
    NotFoundError,
    QueueFullError,
    RejectedError,
    ThrottledError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lambdaops.aws.session import Session
    from tests.sim.clock import SimClock

ACCOUNT = "111122223333"
ARN = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:orders-dlq"
URL = f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/orders-dlq"
ASKED = [
    "QueueArn",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "MessageRetentionPeriod",
    "VisibilityTimeout",
    "MaximumMessageSize",
    "RedrivePolicy",
]
ATTRIBUTES = {
    "QueueArn": ARN,
    "ApproximateNumberOfMessages": "7",
    "ApproximateNumberOfMessagesNotVisible": "2",
    "ApproximateNumberOfMessagesDelayed": "1",
    "MessageRetentionPeriod": "345600",
    "VisibilityTimeout": "30",
    "MaximumMessageSize": "262144",
    "RedrivePolicy": f'{{"deadLetterTargetArn":"{ARN}-2","maxReceiveCount":"3"}}',
}
AT = {"ResponseMetadata": {"HTTPHeaders": {"date": "Sat, 28 Nov 2026 19:27:05 GMT"}, "HTTPStatusCode": 200}}
NOW = datetime(2026, 11, 28, 19, 27, 6, tzinfo=UTC)
QUEUE = Queue(URL, ARN, 7, 2, 1, timedelta(days=4), timedelta(seconds=30), NOW, f"{ARN}-2", 3, 262144)
FIFO = Queue(f"{URL}.fifo", f"{ARN}.fifo", 0, 0, 0, timedelta(days=4), timedelta(seconds=30), NOW)
HANDLE = "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"


@pytest.fixture
def queues(session: Session, clock: SimClock) -> SqsQueues:
    return SqsQueues(session, clock)


@contextmanager
def stubbed(session: Session, region: str | None = "eu-central-1", *, sending: bool = False) -> Iterator[Stubber]:
    with Stubber(session.queues(region, sending=sending)) as stub:
        yield stub
        stub.assert_no_pending_responses()


def letter(name: str, handle: str = HANDLE) -> Letter:
    return Letter(name, handle, "body", {}, NOW, 1)


# -- finding -------------------------------------------------------------------------------------------------------


def test_a_queue_by_name_in_the_session_s_own_region(session: Session, queues: SqsQueues) -> None:
    with stubbed(session, None) as calls:
        calls.add_response("get_queue_url", {"QueueUrl": URL}, {"QueueName": "orders-dlq"})
        calls.add_response(
            "get_queue_attributes", {"Attributes": ATTRIBUTES, **AT}, {"QueueUrl": URL, "AttributeNames": ASKED}
        )
        assert queues.find("orders-dlq") == QUEUE


def test_a_queue_by_arn_in_its_own_account_and_region(session: Session, queues: SqsQueues) -> None:
    there = {"QueueName": "orders-dlq", "QueueOwnerAWSAccountId": "999988887777"}
    with stubbed(session, "us-east-1") as calls:
        calls.add_response("get_queue_url", {"QueueUrl": URL}, there)
        calls.add_response("get_queue_attributes", {"Attributes": ATTRIBUTES}, {"QueueUrl": URL, "AttributeNames": ANY})
        queues.find("arn:aws:sqs:us-east-1:999988887777:orders-dlq")


def test_a_queue_by_url_needs_no_permission_to_look_it_up(session: Session, queues: SqsQueues) -> None:
    with stubbed(session) as calls:
        calls.add_response(
            "get_queue_attributes", {"Attributes": ATTRIBUTES, **AT}, {"QueueUrl": URL, "AttributeNames": ASKED}
        )
        assert queues.find(URL) == QUEUE


def test_nothing_is_asked_about_what_can_be_no_queue(queues: SqsQueues) -> None:
    with pytest.raises(InvalidQueueError):
        queues.find("orders:live")


def test_a_queue_without_a_policy_and_a_clock(session: Session, queues: SqsQueues, clock: SimClock) -> None:
    bare = {"QueueArn": ARN, "VisibilityTimeout": "0", "MessageRetentionPeriod": "60"}
    with stubbed(session) as calls:
        calls.add_response("get_queue_attributes", {"Attributes": bare})
        found = queues.find(URL)
    assert (found.dead_letters, found.max_receives, found.max_bytes, found.at) == ("", 0, 1048576, clock.now())
    assert (found.name, found.account, found.region, found.fifo, found.total) == (
        "orders-dlq",
        ACCOUNT,
        "eu-central-1",
        False,
        0,
    )


def test_every_page_of_the_queues_that_send_their_dead_letters_here(session: Session, queues: SqsQueues) -> None:
    urls = [f"http://127.0.0.1:4566/{ACCOUNT}/{name}" for name in ("orders", "invoices")]
    with stubbed(session) as calls:
        page = {"QueueUrl": URL, "MaxResults": 1000}
        calls.add_response("list_dead_letter_source_queues", {"queueUrls": urls[:1], "NextToken": "more"}, page)
        calls.add_response("list_dead_letter_source_queues", {"queueUrls": urls[1:]}, {**page, "NextToken": "more"})
        beside = f"arn:aws:sqs:eu-central-1:{ACCOUNT}"
        assert queues.sources(QUEUE) == (f"{beside}:invoices", f"{beside}:orders")


# -- receiving -----------------------------------------------------------------------------------------------------


def test_everything_that_sqs_keeps_of_a_message_is_received(session: Session, queues: SqsQueues) -> None:
    message = {
        "MessageId": "m-1",
        "ReceiptHandle": HANDLE,
        "Body": '{"b" : 1}\r\n',
        "Attributes": {
            "SentTimestamp": "1795893965610",
            "ApproximateReceiveCount": "4",
            "MessageGroupId": "tenant-7",
            "MessageDeduplicationId": "d-1",
            "SequenceNumber": "18849",
            "AWSTraceHeader": TRACE,
            "DeadLetterQueueSourceArn": f"{ARN}-source",
            "SenderId": "AIDA",
            "ApproximateFirstReceiveTimestamp": "1795893965611",
        },
        "MessageAttributes": {
            "text": {"DataType": "String", "StringValue": "v"},
            "none": {"DataType": "String", "StringValue": ""},
            "count": {"DataType": "Number.int", "StringValue": "12345678901234567890.5"},
            "raw": {"DataType": "Binary.gif", "BinaryValue": b"\x00\xff"},
        },
    }
    request = {
        "QueueUrl": URL,
        "MaxNumberOfMessages": 10,
        "VisibilityTimeout": 300,
        "WaitTimeSeconds": 20,
        "MessageSystemAttributeNames": ["All"],
        "MessageAttributeNames": ["All"],
    }
    with stubbed(session) as calls:
        calls.add_response("receive_message", {"Messages": [message]}, request)
        found = queues.receive(QUEUE, 10, timedelta(minutes=5), timedelta(seconds=20))
    assert found == (
        Letter(
            id="m-1",
            handle=HANDLE,
            body='{"b" : 1}\r\n',
            attributes={
                "text": Attribute("String", "v"),
                "none": Attribute("String", ""),
                "count": Attribute("Number.int", "12345678901234567890.5"),
                "raw": Attribute("Binary.gif", b"\x00\xff"),
            },
            sent=datetime(2026, 11, 28, 19, 26, 5, 610000, tzinfo=UTC),
            receives=4,
            group="tenant-7",
            deduplication="d-1",
            sequence="18849",
            trace=TRACE,
            source=f"{ARN}-source",
        ),
    )
    assert HANDLE not in repr(found)
    assert "12345" not in repr(found)


def test_an_answer_without_messages(session: Session, queues: SqsQueues) -> None:
    with stubbed(session) as calls:
        calls.add_response("receive_message", {})
        assert queues.receive(QUEUE, 10, timedelta(0), timedelta(0)) == ()


def test_a_lost_answer_of_a_fifo_queue_can_be_given_again(session: Session, queues: SqsQueues) -> None:
    with stubbed(session) as calls:
        fixed = {"QueueUrl": FIFO.url, "ReceiveRequestAttemptId": ANY}
        rest = dict.fromkeys(
            (
                "MaxNumberOfMessages",
                "VisibilityTimeout",
                "WaitTimeSeconds",
                "MessageSystemAttributeNames",
                "MessageAttributeNames",
            ),
            ANY,
        )
        calls.add_response("receive_message", {}, {**fixed, **rest})
        queues.receive(FIFO, 1, timedelta(seconds=1), timedelta(0))


# -- sending, deleting, hiding -------------------------------------------------------------------------------------


def test_everything_that_sqs_lets_one_set_is_sent(session: Session, queues: SqsQueues) -> None:
    plain = Outgoing("m-1", "one", {})
    full = Outgoing(
        "m-2",
        "two",
        {"n": Attribute("Number.int", "1"), "b": Attribute("Binary", b"\x00")},
        group="g",
        deduplication="m-2",
        trace=TRACE,
    )
    entries = [
        {"Id": "0", "MessageBody": "one"},
        {
            "Id": "1",
            "MessageBody": "two",
            "MessageAttributes": {
                "n": {"DataType": "Number.int", "StringValue": "1"},
                "b": {"DataType": "Binary", "BinaryValue": b"\x00"},
            },
            "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}},
            "MessageGroupId": "g",
            "MessageDeduplicationId": "m-2",
        },
    ]
    done = [{"Id": str(place), "MessageId": f"new-{place}", "MD5OfMessageBody": "0"} for place in (1, 0)]
    with stubbed(session, sending=True) as calls:
        answer: dict[str, Any] = {"Successful": done, "Failed": []}
        calls.add_response("send_message_batch", answer, {"QueueUrl": FIFO.url, "Entries": entries})
        assert queues.send(FIFO, [plain, full]) == Batch(("m-1", "m-2"), (), ("new-0", "new-1"))


def test_a_batch_is_answered_message_by_message(session: Session, queues: SqsQueues) -> None:
    """Hazard 2: 200 with failures. What is in neither list was not taken."""
    answer: dict[str, Any] = {
        "Successful": [{"Id": "1", "MessageId": "new-1", "MD5OfMessageBody": "0"}],
        "Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}],
    }
    with stubbed(session, sending=True) as calls:
        calls.add_response("send_message_batch", answer)
        batch = queues.send(QUEUE, [Outgoing(name, "x", {}) for name in ("a", "b", "c")])
    assert batch.taken == ("b",)
    assert batch.new == ("new-1",)
    assert batch.refused == (
        Refused("a", "InternalError", "InternalError", fault=False),
        Refused("c", "Unanswered", "AWS's answer does not mention it", fault=False),
    )


def test_one_that_is_in_both_lists_was_not_taken(session: Session, queues: SqsQueues) -> None:
    answer: dict[str, Any] = {
        "Successful": [{"Id": "0"}],
        "Failed": [{"Id": "0", "Code": "ReceiptHandleIsInvalid", "Message": "no", "SenderFault": True}],
    }
    with stubbed(session) as calls:
        calls.add_response("delete_message_batch", answer)
        assert queues.delete(QUEUE, [letter("a")]) == Batch(
            (), (Refused("a", "ReceiptHandleIsInvalid", "no", fault=True),)
        )


def test_a_batch_is_deleted_by_handle(session: Session, queues: SqsQueues) -> None:
    entries = [{"Id": "0", "ReceiptHandle": "h-1"}, {"Id": "1", "ReceiptHandle": "h-2"}]
    answer: dict[str, Any] = {"Successful": [{"Id": "0"}, {"Id": "1"}], "Failed": []}
    with stubbed(session) as calls:
        calls.add_response("delete_message_batch", answer, {"QueueUrl": URL, "Entries": entries})
        assert queues.delete(QUEUE, [letter("a", "h-1"), letter("b", "h-2")]) == Batch(("a", "b"))


@pytest.mark.parametrize("hidden", [0, 43200])
def test_a_batch_is_hidden_or_given_back(session: Session, queues: SqsQueues, hidden: int) -> None:
    entries = [{"Id": "0", "ReceiptHandle": HANDLE, "VisibilityTimeout": hidden}]
    answer: dict[str, Any] = {"Successful": [{"Id": "0"}], "Failed": []}
    with stubbed(session) as calls:
        calls.add_response("change_message_visibility_batch", answer, {"QueueUrl": URL, "Entries": entries})
        assert queues.hide(QUEUE, [letter("a")], timedelta(seconds=hidden)) == Batch(("a",))


def test_purge(session: Session, queues: SqsQueues) -> None:
    with stubbed(session) as calls:
        calls.add_response("purge_queue", {}, {"QueueUrl": URL})
        queues.purge(QUEUE)


def test_a_handle_that_aws_repeats_is_not_repeated(session: Session, queues: SqsQueues) -> None:
    said = f"Value {HANDLE} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
    answer: dict[str, Any] = {
        "Successful": [],
        "Failed": [{"Id": "0", "Code": "InvalidParameterValue", "Message": said, "SenderFault": True}],
    }
    with stubbed(session) as calls:
        calls.add_response("delete_message_batch", answer)
        refused = queues.delete(QUEUE, [letter("a")]).refused[0]
    assert refused.why == "the value of parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."


def test_botocore_does_not_look_into_messages_and_so_repeats_none(queues: SqsQueues) -> None:
    """Its validation would repeat a body that it does not like; the client of messages is made without."""
    for sending in (True, False):
        client: Any = queues.session.queues(QUEUE.region, sending=sending)
        assert not isinstance(client._serializer, ParamValidationDecorator)


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "cls", "hint"),
    [
        ("AWS.SimpleQueueService.NonExistentQueue", 400, NotFoundError, "another account"),
        ("QueueDoesNotExist", 400, NotFoundError, "another account"),
        ("InvalidAddress", 404, NotFoundError, "another account"),
        ("OverLimit", 403, QueueFullError, "in flight"),
        ("KmsAccessDenied", 400, AccessDeniedError, "kms:Decrypt"),
        ("KMS.AccessDeniedException", 400, AccessDeniedError, "kms:Decrypt"),
        ("KmsThrottled", 400, ThrottledError, "minute"),
        ("KMS.ThrottlingException", 400, ThrottledError, "minute"),
        ("KmsDisabled", 400, RejectedError, "KMS key"),
        ("KMS.NotFoundException", 400, RejectedError, "KMS key"),
        ("KMS.OptInRequired", 403, RejectedError, "KMS key"),
        ("RequestThrottled", 403, ThrottledError, "minute"),
        ("AccessDenied", 403, AccessDeniedError, "needs sqs:ReceiveMessage on it"),
        ("InvalidSecurity", 403, RejectedError, "HTTPS"),
        ("UnsupportedOperation", 400, RejectedError, "cannot do that"),
        ("InternalError", 500, AwsFaultError, "AWS failed"),
    ],
)
def test_what_sqs_refuses(
    session: Session, queues: SqsQueues, code: str, status: int, cls: type[Exception], hint: str
) -> None:
    with stubbed(session) as calls:
        calls.add_client_error("receive_message", code, "no", status)
        with pytest.raises(cls, match="could not receive from orders-dlq: no") as caught:
            queues.receive(QUEUE, 10, timedelta(0), timedelta(0))
    assert hint in caught.value.hint  # type: ignore[attr-defined]
    assert type(caught.value) is cls


def test_the_newer_protocol_s_code_counts_as_well(session: Session, queues: SqsQueues) -> None:
    with stubbed(session) as calls:
        calls.add_client_error(
            "receive_message",
            "Unheard",
            "no",
            400,
            modeled_fields={},
            service_error_meta={"QueryErrorCode": "OverLimit"},
        )
        with pytest.raises(QueueFullError):
            queues.receive(QUEUE, 10, timedelta(0), timedelta(0))


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        ("AWS.SimpleQueueService.BatchRequestTooLong", RejectedError),
        ("InvalidMessageContents", RejectedError),
        ("AWS.SimpleQueueService.NonExistentQueue", NotFoundError),
    ],
)
def test_a_batch_that_is_refused_whole(session: Session, queues: SqsQueues, code: str, cls: type[Exception]) -> None:
    with stubbed(session, sending=True) as calls:
        calls.add_client_error("send_message_batch", code, "no", 400)
        with pytest.raises(cls):
            queues.send(QUEUE, [Outgoing("a", "x", {})])


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("send_message_batch", "sqs:SendMessage on"),
        ("delete_message_batch", "sqs:DeleteMessage on"),
        ("change_message_visibility_batch", "sqs:ChangeMessageVisibility on"),
    ],
)
def test_the_permission_of_a_batch_is_that_of_the_single_call(
    session: Session, queues: SqsQueues, method: str, words: str
) -> None:
    does: dict[str, Callable[[], object]] = {
        "send_message_batch": lambda: queues.send(QUEUE, [Outgoing("a", "x", {})]),
        "delete_message_batch": lambda: queues.delete(QUEUE, [letter("a")]),
        "change_message_visibility_batch": lambda: queues.hide(QUEUE, [letter("a")], timedelta(0)),
    }
    with stubbed(session, sending=method.startswith("send")) as calls:
        calls.add_client_error(method, "AccessDenied", "no", 403)
        with pytest.raises(AccessDeniedError) as caught:
            does[method]()
    assert words in caught.value.hint


def test_a_queue_that_was_purged_a_moment_ago(session: Session, queues: SqsQueues) -> None:
    with stubbed(session) as calls:
        calls.add_client_error("purge_queue", "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue", 403)
        with pytest.raises(ConflictError) as caught:
            queues.purge(QUEUE)
    assert "minute" in caught.value.hint


def test_a_queue_that_is_gone(session: Session, queues: SqsQueues) -> None:
    with stubbed(session, None) as calls:
        calls.add_client_error(
            "get_queue_url", "AWS.SimpleQueueService.NonExistentQueue", "The queue does not exist.", 400
        )
        with pytest.raises(NotFoundError, match="could not read queue nosuch: The queue does not exist"):
            queues.find("nosuch")
