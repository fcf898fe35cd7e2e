"""Lambda: what it is invoked with, and what is made of the answer."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from lambdaops.aws.invocations import LambdaInvocations
from lambdaops.core.errors import AccessDeniedError, AwsFaultError, NotFoundError, RejectedError, ThrottledError
from lambdaops.ports.queues import Called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.aws.session import Session

ARN = "arn:aws:lambda:us-east-1:111122223333:function:orders"


@pytest.fixture
def invocations(session: Session) -> LambdaInvocations:
    return LambdaInvocations(session)


@contextmanager
def stubbed(session: Session, region: str | None = None, *, waiting: bool = False) -> Iterator[Stubber]:
    with Stubber(session.invocations(region, waiting=waiting)) as stub:
        yield stub
        stub.assert_no_pending_responses()


def answer(payload: bytes = b"", **more: object) -> dict[str, Any]:
    body = StreamingBody(io.BytesIO(payload), len(payload))
    meta = {"RequestId": "req-1", "HTTPStatusCode": 200, "HTTPHeaders": {}}
    return {"StatusCode": 200, "Payload": body, "ResponseMetadata": meta, **more}


def asked(how: str, function: str = "orders") -> dict[str, Any]:
    return {"FunctionName": function, "Qualifier": "live", "InvocationType": how, "Payload": b'{"id": 1}'}


def test_an_event_is_queued_for_an_alias(session: Session, invocations: LambdaInvocations) -> None:
    with stubbed(session) as calls:
        calls.add_response("invoke", answer(), asked("Event"))
        assert invocations.invoke("orders", "live", b'{"id": 1}') == "req-1"


def test_in_the_region_of_the_function_s_arn(session: Session, invocations: LambdaInvocations) -> None:
    with stubbed(session, "us-east-1") as calls:
        calls.add_response("invoke", answer(), asked("Event", ARN))
        assert invocations.invoke(ARN, "live", b'{"id": 1}') == "req-1"


@pytest.mark.parametrize(
    ("payload", "error", "called"),
    [
        (b'"done"', None, Called("req-1")),
        (b"", None, Called("req-1")),
        (b"\xff", None, Called("req-1")),
        (b'{"batchItemFailures": []}', None, Called("req-1")),
        (
            b'{"batchItemFailures": [{"itemIdentifier": "495"}, {"itemIdentifier": null}, 7]}',
            None,
            Called("req-1", failed=("495", "", "")),
        ),
        (
            b'{"errorMessage": "card 4111", "errorType": "KeyError", "stackTrace": []}',
            "Unhandled",
            Called("req-1", "Unhandled", "KeyError"),
        ),
        (b"not JSON", "Unhandled", Called("req-1", "Unhandled")),
    ],
)
def test_what_came_of_a_call(
    session: Session, invocations: LambdaInvocations, payload: bytes, error: str | None, called: Called
) -> None:
    more = {"FunctionError": error} if error else {}
    with stubbed(session, waiting=True) as calls:
        calls.add_response("invoke", answer(payload, **more), asked("RequestResponse"))
        got = invocations.call("orders", "live", b'{"id": 1}')
    assert got == called
    assert "4111" not in repr(got)


@pytest.mark.parametrize(
    ("code", "status", "said", "cls", "shown"),
    [
        ("ResourceNotFoundException", 404, "Function not found: x", NotFoundError, "Function not found: x"),
        ("RequestTooLargeException", 413, "1200000 byte payload is too large", RejectedError, "1200000 byte"),
        (
            "InvalidRequestContentException",
            400,
            "Could not parse request body into json: Unrecognized token '4111'",
            RejectedError,
            "Could not parse request body into json",
        ),
        ("TooManyRequestsException", 429, "Rate Exceeded.", ThrottledError, "Rate"),
        ("AccessDeniedException", 403, "no", AccessDeniedError, "no"),
        ("ServiceException", 500, "no", AwsFaultError, "no"),
    ],
)
def test_what_lambda_refuses(
    session: Session,
    invocations: LambdaInvocations,
    code: str,
    status: int,
    said: str,
    cls: type[Exception],
    shown: str,
) -> None:
    with stubbed(session) as calls:
        calls.add_client_error("invoke", code, said, status)
        with pytest.raises(cls, match=f"could not invoke orders:live: {shown}") as caught:
            invocations.invoke("orders", "live", b"4111")
    assert "4111" not in str(caught.value)
    if cls is AccessDeniedError:
        assert "lambda:InvokeFunction" in caught.value.hint  # type: ignore[attr-defined]
