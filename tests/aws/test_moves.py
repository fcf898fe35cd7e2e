"""SQS's own move tasks: what they are asked, and what AWS answered on 2024-04-30."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from lambdaops.aws.moves import SqsMoves
from lambdaops.core.errors import AccessDeniedError, ConflictError, NotFoundError, RejectedError
from lambdaops.ports.queues import Move

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.aws.session import Session

SOURCE = "arn:aws:sqs:us-east-1:111122223333:orders-dlq"
THERE = "arn:aws:sqs:us-east-1:111122223333:orders"
STARTED = datetime(2024, 4, 30, 10, 22, 14, tzinfo=UTC)


@pytest.fixture
def moves(session: Session) -> SqsMoves:
    return SqsMoves(session)


@contextmanager
def stubbed(session: Session, *, sending: bool = False) -> Iterator[Stubber]:
    with Stubber(session.queues("us-east-1", sending=sending)) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("destination", "rate", "request_"),
    [
        (None, None, {"SourceArn": SOURCE}),
        (THERE, 5, {"SourceArn": SOURCE, "DestinationArn": THERE, "MaxNumberOfMessagesPerSecond": 5}),
    ],
)
def test_start(
    session: Session, moves: SqsMoves, destination: str | None, rate: int | None, request_: dict[str, Any]
) -> None:
    with stubbed(session, sending=True) as calls:
        calls.add_response("start_message_move_task", {"TaskHandle": "handle"}, request_)
        assert moves.start(SOURCE, destination, rate) == "handle"


def test_the_newest_first(session: Session, moves: SqsMoves) -> None:
    milliseconds = int(STARTED.timestamp() * 1000)
    results: list[Any] = [
        {
            "Status": "FAILED",
            "SourceArn": SOURCE,
            "ApproximateNumberOfMessagesMoved": 3,
            "ApproximateNumberOfMessagesToMove": 10,
            "FailureReason": "AWS.SimpleQueueService.NonExistentQueue",
            "StartedTimestamp": milliseconds,
        },
        {
            "TaskHandle": "handle",
            "Status": "RUNNING",
            "SourceArn": SOURCE,
            "ApproximateNumberOfMessagesMoved": 2,
            "StartedTimestamp": milliseconds + 60_000,
        },
    ]
    with stubbed(session) as calls:
        asked = {"SourceArn": SOURCE, "MaxResults": 10}
        calls.add_response("list_message_move_tasks", {"Results": results}, asked)
        assert moves.recent(SOURCE) == (
            Move("RUNNING", 2, None, STARTED + timedelta(minutes=1), "handle"),
            Move("FAILED", 3, 10, STARTED, "", "AWS.SimpleQueueService.NonExistentQueue"),
        )


def test_none_at_all(session: Session, moves: SqsMoves) -> None:
    with stubbed(session) as calls:
        calls.add_response("list_message_move_tasks", {})
        assert moves.recent(SOURCE) == ()


def test_cancel(session: Session, moves: SqsMoves) -> None:
    with stubbed(session) as calls:
        calls.add_response(
            "cancel_message_move_task", {"ApproximateNumberOfMessagesMoved": 2}, {"TaskHandle": "handle"}
        )
        moves.cancel(SOURCE, "handle")


@pytest.mark.parametrize(
    ("code", "said", "cls", "hint"),
    [
        (
            "InvalidParameterValue",
            "Source queue must be configured as a Dead Letter Queue.",
            RejectedError,
            "--no-native",
        ),
        (
            "InvalidParameterValue",
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
            ConflictError,
            "wait for it, or cancel it",
        ),
        (
            "ResourceNotFoundException",
            "The resource that you specified for the DestinationArn parameter doesn't exist.",
            NotFoundError,
            "Check the name",
        ),
        ("AccessDenied", "no", AccessDeniedError, "sqs:StartMessageMoveTask"),
    ],
)
def test_what_a_start_is_refused_for(
    session: Session, moves: SqsMoves, code: str, said: str, cls: type[Exception], hint: str
) -> None:
    with stubbed(session, sending=True) as calls:
        calls.add_client_error("start_message_move_task", code, said, 400)
        with pytest.raises(cls, match=r"could not have SQS move the messages of orders-dlq: ") as caught:
            moves.start(SOURCE, THERE, None)
    assert type(caught.value) is cls
    assert hint in caught.value.hint  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ResourceNotFoundException", "Task does not exist."),
        ("InvalidParameterValue", "Value for parameter TaskHandle is invalid."),
    ],
)
def test_a_task_that_is_over(session: Session, moves: SqsMoves, code: str, said: str) -> None:
    with stubbed(session) as calls:
        calls.add_client_error("cancel_message_move_task", code, said, 404)
        with pytest.raises(NotFoundError) as caught:
            moves.cancel(SOURCE, "handle")
    assert "It is over" in caught.value.hint
