"""A dead letter of every kind, written from the shapes that AWS documents and from what it was recorded to send."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lambdaops.core.dlq.letter import Attribute, Letter

if TYPE_CHECKING:
    from collections.abc import Mapping

SENT = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
ORDERS = "arn:aws:sqs:eu-west-1:123456789012:orders"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:invoices"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:shipments"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/stock/stream/2026-10-01T00:00:00.000"
REQUEST = "3f5c1f6e-6a8d-4f8b-9a39-0d8f3f8f2b11"


def letter(
    body: str,
    attributes: Mapping[str, Attribute] | None = None,
    *,
    id: str = "5fea7756-0ea4-451a-a703-a558b933e274",  # noqa: A002
    sent: datetime = SENT,
    receives: int = 1,
    group: str | None = None,
    trace: str | None = None,
    source: str | None = None,
) -> Letter:
    return Letter(id, f"handle-{id}", body, attributes or {}, sent, receives, group=group, trace=trace, source=source)


def text(value: str, type: str = "String") -> Attribute:  # noqa: A002
    return Attribute(type, value)


def queue() -> Letter:
    """Moved by SQS itself, by a redrive policy."""
    return letter('{"order": 7}', {"tenant": text("acme")}, receives=4, source=ORDERS)


def function(message: str = "division by zero", code: str = "200", body: str = '{"invoice": 12}') -> Letter:
    """Lambda guide, *Adding a dead-letter queue*: the event, and three attributes."""
    attributes = {"RequestID": text(REQUEST), "ErrorCode": text(code, "Number"), "ErrorMessage": text(message)}
    return letter(body, attributes)


def envelope(
    qualifier: str = ":live", payload: str | None = '{"invoice": 1.50, "a":1, "a":2}', **changed: object
) -> str:
    """Lambda guide, *Capturing records of asynchronous invocations*; the payload as text, to be found again."""
    said: dict[str, object] = {
        "version": "1.0",
        "timestamp": "2026-11-01T08:00:00.000Z",
        "requestContext": {
            "requestId": REQUEST,
            "functionArn": FUNCTION + qualifier,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": "@payload@",
        "responseContext": {"statusCode": 200, "executedVersion": "7", "functionError": "Unhandled"},
        "responsePayload": {
            "errorMessage": "no such customer: 4711",
            "errorType": "CustomerMissing",
            "requestId": REQUEST,
            "stackTrace": ['  File "/var/task/app.py", line 7, in handler\n'],
        },
    } | changed
    if payload is None:
        del said["requestPayload"]
    return json.dumps(said).replace('"@payload@"', payload or "")


def destination(qualifier: str = ":live", payload: str | None = '{"invoice": 1.50, "a":1, "a":2}') -> Letter:
    return letter(envelope(qualifier, payload))


def stream(where: str = STREAM, info: str = "KinesisBatchInfo", qualifier: str = ":live", **changed: object) -> Letter:
    """Lambda guide, *Retaining discarded batch records* of Kinesis and of DynamoDB."""
    batch: dict[str, object] = {
        "shardId": "shardId-000000000001",
        "startSequenceNumber": "49601189658422359378836298521827638475320189012309704722",
        "endSequenceNumber": "49601189658422359378836298522902373528957594348623495186",
        "approximateArrivalOfFirstRecord": "2026-11-01T07:38:04.835Z",
        "approximateArrivalOfLastRecord": "2026-11-01T07:38:05.580Z",
        "batchSize": 500,
        "streamArn": where,
    }
    said = {
        "requestContext": {
            "requestId": REQUEST,
            "functionArn": FUNCTION + qualifier,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "7", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-11-01T07:38:06.021Z",
        info: batch | changed,
    }
    return letter(json.dumps(said))


def table() -> Letter:
    return stream(TABLE, "DDBStreamBatchInfo")


def rule(target: str = f"{FUNCTION}:live") -> Letter:
    """EventBridge guide, *Using dead-letter queues to process undelivered events*: the event, and six attributes."""
    event = {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "Order placed",
        "source": "shop",
        "account": "123456789012",
        "time": "2026-11-01T07:00:00Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": {"order": 7},
    }
    return letter(
        json.dumps(event),
        {
            "RULE_ARN": text("arn:aws:events:eu-west-1:123456789012:rule/orders"),
            "TARGET_ARN": text(target),
            "ERROR_CODE": text("NO_PERMISSIONS"),
            "ERROR_MESSAGE": text("Lack of permissions to invoke cross account target."),
            "EXHAUSTED_RETRY_CONDITION": text("MaximumRetryAttempts"),
            "RETRY_ATTEMPTS": text("0", "Number"),
        },
    )


def bus() -> Letter:
    """EventBridge guide, *Retry policies and dead-letter queues* of custom event buses."""
    said = {
        "version": "1.0",
        "busArn": "arn:aws:events:eu-west-1:123456789012:event-busv2/orders/EXAMPLE1234567890abcdef",
        "subscriberArn": "arn:aws:events:eu-west-1:123456789012:subscriber/large-orders/EXAMPLEabcdef1234567890",
        "targetArn": "arn:aws:sqs:eu-west-1:123456789012:large-orders",
        "errorCode": "ACCESS_DENIED",
        "errorMessage": "The delivery role is not authorized to perform sqs:SendMessage on the target.",
        "exhaustedRetryCondition": "MaximumEventAgeInSeconds",
        "retryAttempts": 4,
        "failedMessages": [
            {"eventId": "a1b2c3d4", "eventGroupId": "order-1001", "deduplicationId": None, "targetRequestId": "r"},
            {"eventId": "e5f6a7b8", "eventGroupId": "order-1002", "deduplicationId": None, "targetRequestId": "r"},
        ],
    }
    return letter(json.dumps(said))


def topic(message: str = '{"parcel": 3}', **more: object) -> Letter:
    """SNS guide, *Amazon SNS message format* for SQS."""
    said = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Subject": "My first message",
        "Message": message,
        "Timestamp": "2026-11-01T00:54:06.655Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLEw6JRN",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-f3ecfb72.pem",
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn="
        f"{TOPIC}:c9135db0-26c4-47ec-8998-413945fb5a96",
    } | more
    return letter(json.dumps(said))
