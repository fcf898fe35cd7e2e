"""Brisk calls: what botocore would have answered, from botocore's own request, and nothing of it sent twice."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ReadTimeoutError

from lambdaops.aws.brisk import make_brisk

URL = "https://sqs.eu-central-1.amazonaws.com/111122223333/q"
FOUND = {
    "Messages": [
        {
            "MessageId": "5fea7756-0ea4-451a-a703-a558b933e274",
            "ReceiptHandle": "handle",
            "MD5OfBody": "x",
            "Body": '{"b" :1,"\u00e4": "\ud83d\ude00"}',
            "Attributes": {"SentTimestamp": "1700000000000", "AWSTraceHeader": "Root=1"},
            "MessageAttributes": {
                "raw": {"DataType": "Binary.png", "BinaryValue": "AP8="},
                "text": {"DataType": "String.custom", "StringValue": "v"},
                "number": {"DataType": "Number", "StringValue": "12345678901234567890.5"},
            },
        }
    ]
}
SENT = {
    "Successful": [{"Id": "0", "MessageId": "m", "MD5OfMessageBody": "x"}],
    "Failed": [{"Id": "1", "SenderFault": True, "Code": "InvalidMessageContents", "Message": "no"}],
}
ENTRIES: list[Any] = [{"Id": "0", "MessageBody": "a"}, {"Id": "1", "MessageBody": "b"}]


class Body:
    """A body that is read once."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self, **_: object) -> list[bytes]:
        return [self._data]


class Line:
    """Connections that answer with what a test wants, and keep what was asked."""

    def __init__(self, *answers: tuple[int, bytes] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []

    def send(self, request: Any) -> AWSResponse:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        raw: Any = Body(body)
        headers: Any = {"x-amzn-requestid": "r", "content-type": "application/json"}
        return AWSResponse(request.url, status, headers, raw)


def client(line: Line, *, brisk: bool, once: bool = False) -> Any:
    made: Any = boto3.session.Session().client(
        "sqs", region_name="eu-central-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    made._endpoint.http_session = line
    if brisk:
        make_brisk(made, once=once)
    return made


def asked(sqs: Any, call: str) -> Any:
    if call == "receive_message":
        return sqs.receive_message(QueueUrl=URL, MessageAttributeNames=["All"])
    return sqs.send_message_batch(QueueUrl=URL, Entries=ENTRIES)


@pytest.mark.parametrize(
    ("call", "answer"),
    [("receive_message", FOUND), ("receive_message", {}), ("send_message_batch", SENT)],
    ids=["messages", "none", "batch"],
)
def test_an_answer_and_a_request_are_what_botocore_makes_of_them(call: str, answer: dict[str, Any]) -> None:
    lines = [Line((200, json.dumps(answer).encode())) for _ in range(2)]
    brisk, plain = (asked(client(line, brisk=line is lines[0]), call) for line in lines)
    plain.pop("ResponseMetadata")
    assert brisk == plain
    (quick,), (usual,) = lines[0].asked, lines[1].asked
    assert (quick.method, quick.url, quick.body) == (usual.method, usual.url, usual.body)
    own = {name for name in usual.headers if name.lower().startswith("amz-sdk")}  # botocore's count of its tries
    assert set(usual.headers) - set(quick.headers) == own
    assert quick.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=k/")
    assert quick.headers["X-Amz-Target"].encode() == usual.headers["X-Amz-Target"]


def test_botocore_does_not_do_it_all_again() -> None:
    line = Line((200, b"{}"))
    sqs = client(line, brisk=True)
    made: list[str] = []
    sqs.meta.events.register("request-created.sqs", lambda **about: made.append(about["operation_name"]))
    sqs.receive_message(QueueUrl=URL)
    assert len(line.asked) == 1
    assert made == []


@pytest.mark.parametrize("answer", [(500, b"{}"), (503, b""), ReadTimeoutError(endpoint_url=URL)])
def test_what_may_have_been_done_is_not_done_again(answer: Any) -> None:
    line = Line(answer, (200, b"{}"))
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- whatever botocore calls it
        asked(client(line, brisk=True, once=True), "send_message_batch")
    assert len(line.asked) == 1
    assert caught.type.__module__.startswith("botocore")


def test_a_success_that_cannot_be_read_is_not_done_again() -> None:
    """Botocore reads it as an answer with nothing in it; no message counts as taken, then."""
    line = Line((200, b"<html>"), (200, b"{}"))
    assert "Successful" not in asked(client(line, brisk=True, once=True), "send_message_batch")
    assert len(line.asked) == 1


@pytest.mark.parametrize("answer", [(500, b"{}"), (200, b"<html>"), ReadTimeoutError(endpoint_url=URL)])
def test_what_may_be_done_again_is_given_to_botocore(answer: Any) -> None:
    line = Line(answer, (200, b"{}"))
    assert "Messages" not in asked(client(line, brisk=True), "receive_message")
    assert len(line.asked) == 2


def test_a_refusal_is_botocore_s_to_read() -> None:
    said = b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no such queue"}'
    line = Line((400, said), (400, said))
    with pytest.raises(ClientError) as caught:
        asked(client(line, brisk=True, once=True), "send_message_batch")
    assert type(caught.value).__name__ == "QueueDoesNotExist"


def test_other_calls_and_another_botocore_are_left_alone() -> None:
    line = Line((200, b'{"QueueUrl": "u"}'))
    sqs = client(line, brisk=True)
    assert sqs.get_queue_url(QueueName="q")["ResponseMetadata"]["HTTPStatusCode"] == 200
    other: Any = boto3.session.Session().client("sqs", region_name="eu-central-1")
    del other._endpoint
    make_brisk(other, once=False)
