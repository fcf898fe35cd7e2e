"""A message is sent once, and a function invoked once: real HTTP to a server that fails on request."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.aws.invocations import LambdaInvocations
from lambdaops.aws.once import ATTEMPTS
from lambdaops.aws.queues import SqsQueues
from lambdaops.aws.session import Session
from lambdaops.core.dlq.letter import Outgoing, Queue
from lambdaops.core.errors import AwsError, AwsFaultError, ThrottledError, UnreachableError
from tests.aws.test_retries import PAGE, RESET, WATCHING, Service, near, service, slept

if TYPE_CHECKING:
    from tests.sim.clock import SimClock

__all__ = ["near", "service", "slept"]

QUEUE = Queue(
    "https://sqs.eu-central-1.amazonaws.com/111122223333/q",
    "arn:aws:sqs:eu-central-1:111122223333:q",
    0,
    0,
    0,
    timedelta(days=4),
    timedelta(seconds=30),
    datetime(2026, 11, 28, tzinfo=UTC),
)
LETTERS = [Outgoing("a", "x", {})]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((500, "InternalError"), AwsFaultError),
        ((503, "ServiceUnavailable"), AwsFaultError),
        (RESET, UnreachableError),
        ((200, PAGE), UnreachableError),
    ],
    ids=["500", "503", "reset", "page"],
)
def test_what_may_have_been_taken_is_not_sent_again(
    service: Service, near: Session, clock: SimClock, answer: tuple[int, str], error: type[AwsError]
) -> None:
    service.fail(answer, 1)  # a second try would succeed
    with pytest.raises(error) as caught:
        SqsQueues(near, clock).send(QUEUE, LETTERS)
    assert caught.value.ambiguous
    assert len(service.asked) == 1
    service.fail(answer, 1)
    with pytest.raises(error):
        LambdaInvocations(near).invoke("orders", "live", b"{}")
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    "refusal", [(403, "RequestThrottled"), (400, "KmsThrottled"), (429, "TooManyRequestsException")]
)
def test_what_was_refused_for_rate_is_sent_again(
    service: Service, near: Session, clock: SimClock, slept: list[float], refusal: tuple[int, str]
) -> None:
    service.fail(refusal, ATTEMPTS - 1)
    SqsQueues(near, clock).send(QUEUE, LETTERS)
    assert len(service.asked) == ATTEMPTS
    assert len(slept) == ATTEMPTS - 2  # the first try is brisk, and botocore makes its own after that
    assert sum(slept) <= 8
    service.fail(refusal, ATTEMPTS + 1)
    with pytest.raises(ThrottledError) as caught:
        SqsQueues(near, clock).send(QUEUE, LETTERS)
    assert not caught.value.ambiguous
    assert len(service.asked) == 2 * ATTEMPTS + 1


def test_a_connection_that_never_was_is_tried_again(session: Session, clock: SimClock, slept: list[float]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-central-1"}
        deaf = Session(variables={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{taken.getsockname()[1]}", **keys})
        deaf._session = session._boto()
        with pytest.raises(UnreachableError):
            SqsQueues(deaf, clock).send(QUEUE, LETTERS)
    assert len(slept) == ATTEMPTS - 1


def test_receiving_is_tried_again_as_ever(service: Service, near: Session, clock: SimClock) -> None:
    service.fail(RESET, WATCHING - 1)
    assert SqsQueues(near, clock).receive(QUEUE, 10, timedelta(seconds=30), timedelta(0)) == ()
    assert len(service.asked) == WATCHING


def test_the_trace_goes_with_its_own_event_only(service: Service, near: Session) -> None:
    invocations = LambdaInvocations(near)
    traces = [f"Root=1-5759e988-{number:024d}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda trace: invocations.invoke("orders", "live", b"{}", trace), traces))
    invocations.invoke("orders", "live", b"{}")
    assert sorted(filter(None, service.traces)) == traces
    assert service.traces[-1] is None


def test_threads_share_one_client(near: Session) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: id(near.queues("eu-central-1")), range(16)))
    assert len(made) == 1
    client: Any = near.queues("eu-central-1")
    assert client.meta.config.max_pool_connections == 64
    assert client.meta.config.read_timeout > 20  # a long poll
    assert near.queues("eu-central-1", sending=True) is not client
    waiting: Any = near.invocations(waiting=True)
    assert waiting.meta.config.read_timeout > 15 * 60
