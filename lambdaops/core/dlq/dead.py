"""What a dead letter is: who gave it up, why, and what would have to be given again.

Rules this file guarantees: ``decode`` takes any letter and never raises; a letter that is not certainly one of the
known kinds is UNKNOWN, which nothing invokes a function with; payloads and error messages never show in a
representation; a payload is cut out of its envelope as it stands there, never written anew.

How a letter is recognised, in this order, because what AWS attaches is better evidence than what a body looks like:

1. ``DeadLetterQueueSourceArn``: SQS itself moved it, so that its body is somebody's message, whatever it looks like.
2. Attributes ``RULE_ARN`` and ``TARGET_ARN``: an EventBridge rule could not deliver this event.
3. Attributes ``RequestID`` and ``ErrorCode``: a function's dead-letter queue; the body is the event as it was. Should
   the body be a bare SNS notification, which no function is ever invoked with, then SNS said it.
4. The body is an envelope: an SNS notification; Lambda's record of a failed stream batch, or of a failed asynchronous
   invocation (one that tells of a *success* is none of these); the record of an EventBridge custom bus.

Sources: AWS Lambda guide, *Retaining records of asynchronous invocations* and *Retaining discarded records* for
Kinesis and DynamoDB; EventBridge guide, *Using dead-letter queues* and *Retry policies and dead-letter queues* of
custom buses; SNS guide, *Amazon SQS message format*; SQS API reference, *MessageSystemAttributeNames*.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lambdaops.core.dlq import bodies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambdaops.core.dlq.letter import Letter


class Kind(enum.Enum):
    """Who gave the letter up."""

    QUEUE = "queue"
    FUNCTION = "function"
    DESTINATION = "destination"
    STREAM = "stream"
    RULE = "rule"
    BUS = "bus"
    TOPIC = "topic"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StreamBatch:
    """Which records of a stream a function could not take; the letter does not have the records themselves.

    Attributes:
        stream: ARN of the Kinesis stream, or of the DynamoDB stream.
        shard: shard id.
        first: sequence number of the first record; ``last`` that of the last one, which belongs to the batch.
        size: how many records.
        arrived: when the first one arrived, as AWS writes it; empty where it is not said.
    """

    stream: str
    shard: str
    first: str
    last: str
    size: int
    arrived: str = ""

    @property
    def table(self) -> bool:
        """Whether it is a DynamoDB table's stream."""
        return self.stream.split(":")[2] == "dynamodb"


@dataclass(frozen=True, slots=True)
class Dead:
    """A letter, understood.

    Attributes:
        kind: who gave it up.
        function: ARN of the function that failed, without qualifier; empty where the letter does not say.
        qualifier: alias, version or ``$LATEST`` by which it had been invoked; empty where none was said.
        version: the version that ran, where it is said.
        error: a word for what went wrong, without anything of the payload; empty where the letter does not say.
        message: what the error said.
        payload: the event to give a function again, unwrapped; None where the letter does not carry it.
        origin: ARN of the queue, the rule's or subscriber's target, or the topic.
        request: request id of the failed invocation.
        attempts: how often it was tried; 0 where it is not said.
        batch: of a stream, the records.
        wraps: of a topic, the kind of failure record that the notification holds, if it holds one.
    """

    kind: Kind
    function: str = ""
    qualifier: str = ""
    version: str = ""
    error: str = ""
    message: str = field(default="", repr=False)
    payload: str | None = field(default=None, repr=False)
    origin: str = ""
    request: str = ""
    attempts: int = 0
    batch: StreamBatch | None = None
    wraps: Kind | None = None


def decode(letter: Letter) -> Dead:
    """Understand a letter. Total: every letter gives a value, those that nothing fits UNKNOWN."""
    if letter.source:
        return Dead(Kind.QUEUE, payload=letter.body, origin=letter.source)
    return _attached(letter) or _enveloped(letter.body) or Dead(Kind.UNKNOWN)


def split_function(arn: str) -> tuple[str, str]:
    """A function's ARN without qualifier, and the qualifier; two empty strings when it is no function's ARN."""
    found = _FUNCTION.fullmatch(arn)
    return (found["function"], found["qualifier"] or "") if found else ("", "")


_FUNCTION = re.compile(
    r"(?P<function>arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]+)(:(?P<qualifier>[\w-]+|\$LATEST))?", re.ASCII
)
_STREAM = re.compile(r"arn:[\w-]+:(kinesis:[\w-]+:\d{12}:stream|dynamodb:[\w-]+:\d{12}:table)/\S+", re.ASCII)
_TOPIC = re.compile(r"arn:[\w-]+:sns:[\w-]+:\d{12}:[\w.-]+", re.ASCII)
_BATCHES = ("KinesisBatchInfo", "DDBStreamBatchInfo")
# What Lambda itself writes when there is no exception to name. Its own words: nothing of the payload is in them.
_LAMBDA_SAYS = (
    (re.compile(r"Task timed out after \d+\.\d+ seconds"), "Timeout"),
    (re.compile(r"Runtime exited|Process exited before completing request"), "Runtime.ExitError"),
)
_ERROR_WORD = re.compile(r"(?=[^A-Za-z]*[A-Za-z])[\w.$:&<>\[\]`+-]{1,128}", re.ASCII)


def _attached(letter: Letter) -> Dead | None:
    """What EventBridge rules and functions' dead-letter queues say in message attributes."""
    said = {name: one.value for name, one in letter.attributes.items() if isinstance(one.value, str)}
    if "RULE_ARN" in said and "TARGET_ARN" in said:
        function, qualifier = split_function(said["TARGET_ARN"])
        return Dead(
            Kind.RULE,
            function=function,
            qualifier=qualifier,
            error=_word(said.get("ERROR_CODE", "")),
            message=said.get("ERROR_MESSAGE", ""),
            payload=letter.body,
            origin=said["TARGET_ARN"],
            attempts=_count(said.get("RETRY_ATTEMPTS")),
        )
    if "RequestID" in said and "ErrorCode" in said and not _is_notification(letter.body):
        message, code = said.get("ErrorMessage", ""), said["ErrorCode"]
        unnamed = "FunctionError" if code == "200" else f"ErrorCode.{code}"
        return Dead(
            Kind.FUNCTION,
            error=_word(_spoken(message) or unnamed),
            message=message,
            payload=letter.body,
            request=said["RequestID"],
        )
    return None


def _is_notification(body: str) -> bool:
    """Whether it is what SNS writes: functions get notifications as records of an event, never bare."""
    found = bodies.parsed(body) if '"TopicArn"' in body else None
    return isinstance(found, dict) and _notification(found) is not None


def _enveloped(body: str) -> Dead | None:
    """What SNS, Lambda and EventBridge custom buses say in the body."""
    if not body.lstrip(bodies.SPACE).startswith("{"):
        return None
    found = bodies.parsed(body)
    if not isinstance(found, dict):
        return None
    return _notification(found) or _record(found, body) or _bus(found)


def _notification(said: Mapping[str, object]) -> Dead | None:
    topic, message = said.get("TopicArn"), said.get("Message")
    known = said.get("Type") == "Notification" and isinstance(said.get("MessageId"), str)
    if not (known and isinstance(topic, str) and _TOPIC.fullmatch(topic) and isinstance(message, str)):
        return None
    within = _enveloped(message)
    return Dead(Kind.TOPIC, payload=message, origin=topic, wraps=within.kind if within else _forwarded(said))


def _forwarded(said: Mapping[str, object]) -> Kind | None:
    """A function's dead-letter *topic*: its three attributes are in the notification."""
    attributes = _mapping(said.get("MessageAttributes"))
    return Kind.FUNCTION if "RequestID" in attributes and "ErrorCode" in attributes else None


def _record(said: Mapping[str, object], body: str) -> Dead | None:
    """Lambda's record of an invocation; None for one that succeeded."""
    about, outcome, answer = (
        _mapping(said.get(name)) for name in ("requestContext", "responseContext", "responsePayload")
    )
    function, qualifier = split_function(_text(about.get("functionArn")))
    condition = _text(about.get("condition"))
    if not function or not condition or condition == "Success":
        return None
    message = _text(answer.get("errorMessage"))
    error = _text(answer.get("errorType")) or _spoken(message) or _text(outcome.get("functionError")) or condition
    stream = any(name in said for name in _BATCHES)
    batch = _batch(said)
    if (stream and batch is None) or (not stream and not ("requestPayload" in said or "responsePayload" in said)):
        return None
    return Dead(
        Kind.STREAM if stream else Kind.DESTINATION,
        function=function,
        qualifier=qualifier,
        version=_text(outcome.get("executedVersion")),
        error=_word(error),
        message=message,
        payload=None if stream else bodies.member(body, "requestPayload"),
        request=_text(about.get("requestId")),
        origin=batch.stream if batch else "",
        attempts=_count(about.get("approximateInvokeCount")),
        batch=batch,
    )


def _batch(said: Mapping[str, object]) -> StreamBatch | None:
    about = _mapping(next((said[name] for name in _BATCHES if name in said), None))
    stream, shard, first, last = (
        _text(about.get(name)) for name in ("streamArn", "shardId", "startSequenceNumber", "endSequenceNumber")
    )
    size = _count(about.get("batchSize"))
    if not (_STREAM.fullmatch(stream) and shard and first.isdecimal() and last.isdecimal() and size):
        return None
    arrived = about.get("approximateArrivalOfFirstRecord") or about.get("approximateArrivalTimestampOfFirstRecord")
    return StreamBatch(stream, shard, first, last, size, arrived=_text(arrived))


def _bus(said: Mapping[str, object]) -> Dead | None:
    failed = said.get("failedMessages")
    target = _text(said.get("targetArn"))
    if not (_text(said.get("busArn")) and _text(said.get("subscriberArn")) and isinstance(failed, list)):
        return None
    function, qualifier = split_function(target)
    return Dead(
        Kind.BUS,
        function=function,
        qualifier=qualifier,
        error=_word(_text(said.get("errorCode"))),
        message=_text(said.get("errorMessage")),
        origin=target,
        attempts=_count(said.get("retryAttempts")),
    )


def _spoken(message: str) -> str:
    return next((word for pattern, word in _LAMBDA_SAYS if pattern.search(message)), "")


def _word(error: str) -> str:
    """An error's name; whatever is none (a sentence, control characters) could repeat a payload and is not shown."""
    return error if _ERROR_WORD.fullmatch(error) else "(not a name)" if error else ""


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    """A count that AWS wrote as a number or as digits; 0 for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:  # noqa: PLR2004
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
