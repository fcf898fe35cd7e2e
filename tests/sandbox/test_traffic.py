"""The customers: what each answer counts as, the one line at the end, and whose process is ended."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from lambdaops.sandbox import events, traffic
from lambdaops.sandbox.traffic import Customers, Shopping

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://127.0.0.1:1/000000000000/invoices"


def client(service: str) -> Any:
    return boto3.session.Session().client(
        service,  # type: ignore[call-overload]
        region_name="eu-central-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="sandbox",
        config=Config(retries={"total_max_attempts": 1}),
    )


class Counter:
    """The shop's side of the wire, scripted."""

    def __init__(self) -> None:
        self._functions, self._queues = client("lambda"), client("sqs")
        self.functions, self.queues = Stubber(self._functions), Stubber(self._queues)
        self.functions.activate()
        self.queues.activate()
        self.shopping = Shopping(self._functions, self._queues, "orders:live")

    def cut(self) -> None:
        """Nobody answers any more."""

        def refuse(**_: object) -> None:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

        for one, stub in ((self._functions, self.functions), (self._queues, self.queues)):
            stub.deactivate()
            one.meta.events.register("before-send", refuse)


@pytest.fixture
def counter() -> Counter:
    return Counter()


def answer(**more: object) -> dict[str, Any]:
    return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(b"{}"), 2), **more}


def test_an_order_invokes_the_alias_and_knows_no_version(counter: Counter) -> None:
    event = events.SAMPLE["orders"]
    wanted = {"FunctionName": "orders", "Qualifier": "live", "Payload": json.dumps(event).encode()}
    counter.functions.add_response("invoke", answer(), wanted)
    assert counter.shopping.order(event) == "ok"
    counter.functions.assert_no_pending_responses()


def test_a_function_error_is_counted_as_one(counter: Counter) -> None:
    counter.functions.add_response("invoke", answer(FunctionError="Unhandled"))
    assert counter.shopping.order({}) == "function errors"


@pytest.mark.parametrize(
    ("code", "status", "counted"),
    [
        ("TooManyRequestsException", 429, "throttled"),
        ("ResourceNotFoundException", 404, "refused"),
        ("ServiceException", 500, "refused"),
    ],
)
def test_a_refusal_is_counted_by_its_kind(counter: Counter, code: str, status: int, counted: str) -> None:
    counter.functions.add_client_error("invoke", code, http_status_code=status)
    assert counter.shopping.order({}) == counted


def test_who_cannot_connect_is_counted(counter: Counter) -> None:
    counter.cut()
    assert counter.shopping.order({}) == "unreachable"
    assert counter.shopping.invoice("{}") == "lost invoices"


def test_the_queue_is_looked_up_with_the_first_invoice_that_finds_it(counter: Counter) -> None:
    counter.queues.add_client_error("get_queue_url", "AWS.SimpleQueueService.NonExistentQueue", http_status_code=400)
    counter.queues.add_response("get_queue_url", {"QueueUrl": URL}, {"QueueName": "invoices"})
    for body in ("one", "two"):
        counter.queues.add_response(
            "send_message",
            {"MessageId": "m", "MD5OfMessageBody": "x"},
            {"QueueUrl": URL, "MessageBody": body},
        )
    assert [counter.shopping.invoice(body) for body in ("zero", "one", "two")] == [
        "lost invoices",
        "invoices",
        "invoices",
    ]
    counter.queues.assert_no_pending_responses()


def test_who_is_told_to_leave_sends_nothing_more(counter: Counter) -> None:
    customers = Customers(random.Random(1))
    customers.leave()
    assert customers.shop(counter.shopping, 20).total() == 0


def test_the_line_at_the_end_adds_up() -> None:
    line = traffic.summary({"ok": 5, "function errors": 2, "unanswered": 1, "dropped": 4, "invoices": 3})
    assert line == (
        "sent 8, ok 5, function errors 2, throttled 0, refused 0, unreachable 0, unanswered 1, "
        "dropped 4, invoices 3, lost invoices 0"
    )


@pytest.mark.parametrize(
    "words", [["--rate", "0"], ["--rate", "-1"], ["--rate", "inf"], ["--rate", "nan"], ["--for", "x"]]
)
def test_a_rate_that_is_none_is_a_usage_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        traffic.run(words)
    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err


@pytest.mark.parametrize("function", ["orders", "orders:", ":live"])
def test_a_function_without_its_alias_is_a_usage_error(function: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        traffic.run(["--function", function])
    assert ended.value.code == 2
    assert "is not FUNCTION:ALIAS" in capsys.readouterr().err


# -- the detached process -------------------------------------------------------------------------------------------


def test_nobody_elses_process_is_ended(tmp_path: Path) -> None:
    somebody = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    (tmp_path / "traffic.pid").write_text(str(somebody.pid), "utf-8")
    traffic.stop(tmp_path)
    assert somebody.poll() is None
    assert not (tmp_path / "traffic.pid").exists()
    somebody.communicate(b"\n", timeout=10)
    assert somebody.returncode == 0


@pytest.mark.parametrize("text", [None, "", "not a pid"])
def test_stopping_where_nobody_is_does_nothing(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "traffic.pid").write_text(text, "utf-8")
    traffic.stop(tmp_path)
    traffic.stop(tmp_path)
