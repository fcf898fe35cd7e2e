"""What botocore tries again, how often, and what it never does: real HTTP to a server that fails on request.

Only the waiting is left out: botocore's own sleep is replaced, and what it would have slept is checked.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import botocore.endpoint
import pytest

from lambdaops.aws.alarms import CloudWatchAlarms
from lambdaops.aws.functions import LambdaFunctions
from lambdaops.aws.identity import StsIdentity
from lambdaops.aws.session import Session
from lambdaops.core.errors import (
    AccessDeniedError,
    AliasChangedError,
    AwsFaultError,
    ConflictError,
    FunctionChangedError,
    LambdaOpsError,
    NotFoundError,
    RejectedError,
    ThrottledError,
    UnreachableError,
)
from lambdaops.core.model import Routing
from lambdaops.ports import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sim.clock import SimClock

WATCHING = 4
URGENT = 6
ALIAS = {
    "AliasArn": "arn:aws:lambda:eu-central-1:123456789012:function:orders:live",
    "FunctionVersion": "7",
    "RevisionId": "rev-1",
}
RESET = (0, "")
STRANGER = "Stranger"
PAGE = "<!DOCTYPE html>\n<html>Please sign in, alice"


@dataclass
class Service:
    """Answers each request with the next of ``answers`` (status and code; 0 hangs up), then with an alias."""

    endpoint: str = ""
    answers: list[tuple[int, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    traces: list[str | None] = field(default_factory=list)

    def fail(self, answer: tuple[int, str], times: int) -> None:
        self.answers = [answer] * times


@contextmanager
def serving() -> Iterator[Service]:
    service = Service()

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # head and body in one packet: two would wait for each other's acknowledgement, 40 ms

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            service.asked.append(f"{self.command} {self.path}")
            service.traces.append(self.headers.get("X-Amzn-Trace-Id"))
            status, code = service.answers.pop(0) if service.answers else (200, "")
            if status == 0:
                self.close_connection = True
                return
            if code == PAGE:
                body = PAGE.encode()
            else:
                body = json.dumps({"__type": code, "message": "no"} if code else ALIAS).encode()
            self.send_response(status)
            if code == PAGE:
                self.send_header("Content-Type", "text/html; charset=utf-8")
            elif code == STRANGER:
                self.send_header("Content-Type", "application/json")
            else:
                self.send_header("x-amzn-requestid", "req-1")
                self.send_header("x-amzn-errortype", code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = answer  # noqa: N815 -- the base class looks for these

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    service.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as running:
        yield running


@pytest.fixture
def near(service: Service, session: Session) -> Session:
    """Clients of the test's own: they have the retry quotas. Only the parsed service models are shared, for speed."""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    near = Session(variables={"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": service.endpoint, **keys})
    near._session = session._boto()
    return near


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What botocore would have slept between attempts, in seconds."""
    seconds: list[float] = []
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=seconds.append))
    return seconds


TRANSIENT: list[Any] = [
    pytest.param((429, "TooManyRequestsException"), ThrottledError, id="429"),
    pytest.param((500, "ServiceException"), AwsFaultError, id="500"),
    pytest.param((503, "ServiceUnavailable"), AwsFaultError, id="503"),
    pytest.param(RESET, UnreachableError, id="reset"),
]
PURPOSES: list[Any] = [pytest.param(False, WATCHING, id="watching"), pytest.param(True, URGENT, id="urgent")]


@pytest.mark.parametrize(("urgent", "attempts"), PURPOSES)
@pytest.mark.parametrize(("answer", "error"), TRANSIENT)
def test_the_last_attempt_may_succeed(
    service: Service,
    near: Session,
    clock: SimClock,
    slept: list[float],
    answer: tuple[int, str],
    error: type[LambdaOpsError],
    urgent: bool,
    attempts: int,
) -> None:
    service.fail(answer, attempts - 1)
    assert LambdaFunctions(near, clock, urgent=urgent).get_alias("orders", "live").routing == Routing("7")
    assert len(service.asked) == attempts
    assert len(slept) == attempts - 1
    assert all(0 <= seconds <= 20 for seconds in slept)


@pytest.mark.parametrize(("urgent", "attempts"), PURPOSES)
@pytest.mark.parametrize(("answer", "error"), TRANSIENT)
def test_after_the_last_attempt_it_is_our_error(
    service: Service,
    near: Session,
    clock: SimClock,
    answer: tuple[int, str],
    error: type[LambdaOpsError],
    urgent: bool,
    attempts: int,
) -> None:
    service.fail(answer, attempts)  # one more would succeed
    with pytest.raises(error) as raised:
        LambdaFunctions(near, clock, urgent=urgent).set_routing("orders", "live", Routing("7"), "rev-0")
    assert len(service.asked) == attempts
    assert raised.value.request_id == ("" if answer == RESET else "req-1")


@pytest.mark.parametrize("urgent", [False, True], ids=["watching", "urgent"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((412, "PreconditionFailedException"), AliasChangedError),
        ((403, "AccessDeniedException"), AccessDeniedError),
        ((404, "ResourceNotFoundException"), NotFoundError),
        ((409, "ResourceConflictException"), ConflictError),
        ((400, "InvalidParameterValueException"), RejectedError),
    ],
    ids=str,
)
def test_a_refusal_is_final(
    service: Service,
    near: Session,
    clock: SimClock,
    slept: list[float],
    answer: tuple[int, str],
    error: type[LambdaOpsError],
    urgent: bool,
) -> None:
    service.fail(answer, 1)
    with pytest.raises(error) as raised:
        LambdaFunctions(near, clock, urgent=urgent).set_routing("orders", "live", Routing("7"), "rev-0")
    assert service.asked == ["PUT /2015-03-31/functions/orders/aliases/live"]
    assert slept == []
    assert raised.value.request_id == "req-1"


def test_a_write_whose_answer_was_lost_meets_its_own_revision(service: Service, near: Session, clock: SimClock) -> None:
    """Why a stale revision after a write is looked at again rather than believed."""
    service.answers = [RESET, (412, "PreconditionFailedException")]
    with pytest.raises(AliasChangedError):
        LambdaFunctions(near, clock).set_routing("orders", "live", Routing("7"), "rev-0")
    assert len(service.asked) == 2


def test_alarms_and_identity_are_watching(service: Service, near: Session) -> None:
    service.fail((500, "InternalFailure"), WATCHING)
    with pytest.raises(AwsFaultError):
        CloudWatchAlarms(near).read_alarms(["errors"])
    assert len(service.asked) == WATCHING
    service.fail(RESET, WATCHING)
    with pytest.raises(UnreachableError):
        StsIdentity(near).caller()
    assert len(service.asked) == 2 * WATCHING


def test_watching_does_not_use_up_the_retries_of_a_rollback(service: Service, near: Session, clock: SimClock) -> None:
    """botocore's retry quota belongs to a client: 500 tokens, 5 a retry, none back for a failure."""
    watching, urgent = LambdaFunctions(near, clock), LambdaFunctions(near, clock, urgent=True)
    service.fail((500, "ServiceException"), 10_000)
    while True:
        before = len(service.asked)
        with pytest.raises(AwsFaultError):
            watching.get_alias("orders", "live")
        if len(service.asked) == before + 1:
            break  # the quota is used up: no retry at all
        assert len(service.asked) < 500
    service.fail((500, "ServiceException"), URGENT - 1)
    before = len(service.asked)
    assert urgent.get_alias("orders", "live").routing == Routing("7")
    assert len(service.asked) == before + URGENT


def test_the_process_s_retry_settings_change_nothing(
    service: Service, near: Session, clock: SimClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    service.fail((500, "ServiceException"), 100)
    with pytest.raises(AwsFaultError):
        LambdaFunctions(near, clock).get_alias("orders", "live")
    assert len(service.asked) == WATCHING


# -- a portal's or a proxy's page ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 302, 403])
@pytest.mark.parametrize(
    "call",
    [
        lambda near, clock: LambdaFunctions(near, clock).get_alias("orders", "live"),
        lambda near, clock: LambdaFunctions(near, clock).set_routing("orders", "live", Routing("7"), "rev-1"),
        lambda near, clock: CloudWatchAlarms(near).read_alarms(["errors"]),
        lambda near, clock: StsIdentity(near).caller(),
    ],
    ids=["read", "write", "alarms", "identity"],
)
def test_a_sign_in_page_is_no_answer_of_aws_s(
    service: Service, near: Session, clock: SimClock, call: Callable[[Session, SimClock], object], status: int
) -> None:
    """Above all, it does not say that there are no alarms."""
    service.fail((status, PAGE), 1)
    with pytest.raises(UnreachableError) as raised:
        call(near, clock)
    assert "alice" not in raised.value.message
    assert "proxy" in raised.value.hint


CALLS: list[Any] = [
    pytest.param(lambda functions: functions.get_alias("orders", "live"), id="GetAlias"),
    pytest.param(lambda functions: functions.set_routing("orders", "live", Routing("7"), "rev-1"), id="UpdateAlias"),
    pytest.param(lambda functions: functions.get_version("orders", "7"), id="GetFunction"),
    pytest.param(lambda functions: functions.list_versions("orders"), id="ListVersionsByFunction"),
    pytest.param(lambda functions: functions.update_code("orders", Code(zip=b"PK"), "rev-1"), id="UpdateFunctionCode"),
    pytest.param(lambda functions: functions.publish_version("orders", "sha", "rev-1", ""), id="PublishVersion"),
    pytest.param(lambda functions: functions.event_sources("orders"), id="ListEventSourceMappings"),
    pytest.param(lambda functions: functions.permissions("orders"), id="GetPolicy"),
    pytest.param(lambda functions: functions.provisioned("orders", "live"), id="GetProvisionedConcurrencyConfig"),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_success_that_says_nothing_is_no_answer_of_aws_s(
    service: Service, near: Session, clock: SimClock, call: Callable[[LambdaFunctions], object]
) -> None:
    """A proxy may answer 200 and a body of its own; a rollback must not end on a KeyError."""
    service.answers = [(200, STRANGER)]
    with pytest.raises(UnreachableError) as raised:
        call(LambdaFunctions(near, clock))
    assert raised.value.ambiguous
    assert raised.value.message.endswith("the answer is not AWS's")
    assert len(service.asked) == 1


def test_a_write_that_came_too_late_says_it_may_be_its_own(service: Service, near: Session, clock: SimClock) -> None:
    service.answers = [RESET, (412, "PreconditionFailedException")]
    with pytest.raises(FunctionChangedError) as raised:
        LambdaFunctions(near, clock).update_code("orders", Code(zip=b"PK"), "rev-1")
    assert "this very call" in raised.value.hint


def test_a_proxy_s_page_for_a_fault_is_a_fault(service: Service, near: Session, clock: SimClock) -> None:
    service.fail((502, PAGE), WATCHING)
    with pytest.raises(AwsFaultError) as raised:
        LambdaFunctions(near, clock).get_alias("orders", "live")
    assert "alice" not in raised.value.message
    assert len(service.asked) == WATCHING
