"""Every kind of dead letter is known for what it is, and nothing else is."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.dlq import bodies
from lambdaops.core.dlq.dead import Dead, Kind, StreamBatch, decode
from lambdaops.core.dlq.letter import Attribute
from tests.core import letters

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambdaops.core.dlq.letter import Letter

EXAMPLES: dict[Kind, tuple[Callable[[], Letter], Dead]] = {
    Kind.QUEUE: (letters.queue, Dead(Kind.QUEUE, payload='{"order": 7}', origin=letters.ORDERS)),
    Kind.FUNCTION: (
        letters.function,
        Dead(
            Kind.FUNCTION,
            error="FunctionError",
            message="division by zero",
            payload='{"invoice": 12}',
            request=letters.REQUEST,
        ),
    ),
    Kind.DESTINATION: (
        letters.destination,
        Dead(
            Kind.DESTINATION,
            function=letters.FUNCTION,
            qualifier="live",
            version="7",
            error="CustomerMissing",
            message="no such customer: 4711",
            payload='{"invoice": 1.50, "a":1, "a":2}',
            request=letters.REQUEST,
            attempts=3,
        ),
    ),
    Kind.STREAM: (
        letters.stream,
        Dead(
            Kind.STREAM,
            function=letters.FUNCTION,
            qualifier="live",
            version="7",
            error="Unhandled",
            origin=letters.STREAM,
            request=letters.REQUEST,
            attempts=1,
            batch=StreamBatch(
                letters.STREAM,
                "shardId-000000000001",
                "49601189658422359378836298521827638475320189012309704722",
                "49601189658422359378836298522902373528957594348623495186",
                500,
                "2026-11-01T07:38:04.835Z",
            ),
        ),
    ),
    Kind.RULE: (
        letters.rule,
        Dead(
            Kind.RULE,
            function=letters.FUNCTION,
            qualifier="live",
            error="NO_PERMISSIONS",
            message="Lack of permissions to invoke cross account target.",
            payload=letters.rule().body,
            origin=f"{letters.FUNCTION}:live",
        ),
    ),
    Kind.BUS: (
        letters.bus,
        Dead(
            Kind.BUS,
            error="ACCESS_DENIED",
            message="The delivery role is not authorized to perform sqs:SendMessage on the target.",
            origin="arn:aws:sqs:eu-west-1:123456789012:large-orders",
            attempts=4,
        ),
    ),
    Kind.TOPIC: (letters.topic, Dead(Kind.TOPIC, payload='{"parcel": 3}', origin=letters.TOPIC)),
}


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.UNKNOWN], ids=lambda kind: kind.value)
def test_a_letter_of_every_kind_is_understood(kind: Kind) -> None:
    example, dead = EXAMPLES[kind]
    assert decode(example()) == dead


def test_a_table_s_stream_is_told_from_a_stream() -> None:
    table, stream = decode(letters.table()).batch, decode(letters.stream()).batch
    assert table is not None
    assert stream is not None
    assert (table.table, stream.table) == (True, False)
    assert table.stream == letters.TABLE


def test_hazard_12_what_sqs_moved_is_a_message_whatever_it_looks_like() -> None:
    for example in (letters.destination(), letters.topic(), letters.stream(), letters.bus(), letters.rule()):
        moved = dataclasses.replace(example, source=letters.ORDERS)
        assert decode(moved) == Dead(Kind.QUEUE, payload=example.body, origin=letters.ORDERS)


def test_attributes_count_before_the_body() -> None:
    said = decode(letters.function(body=letters.envelope()))
    assert (said.kind, said.payload) == (Kind.FUNCTION, letters.envelope())


def test_a_bare_notification_was_never_a_function_s_event() -> None:
    said = decode(letters.function(body=letters.topic().body))
    assert (said.kind, said.payload) == (Kind.TOPIC, '{"parcel": 3}')


def test_a_success_is_no_dead_letter() -> None:
    """One queue may be the destination of both, as in what was recorded of AWS."""
    about = json.loads(letters.envelope())["requestContext"] | {"condition": "Success"}
    body = letters.envelope(requestContext=about)
    assert decode(letters.letter(body)) == Dead(Kind.UNKNOWN)


@pytest.mark.parametrize(
    ("message", "code", "error"),
    [
        ("2026-11-01T08:00:00.000Z 3f5c Task timed out after 3.01 seconds", "200", "Timeout"),
        ("RequestId: 3f5c Process exited before completing request", "200", "Runtime.ExitError"),
        ("RequestId: 3f5c Error: Runtime exited with error: signal: killed", "200", "Runtime.ExitError"),
        ("Rate exceeded", "429", "ErrorCode.429"),
        ("anything", "200", "FunctionError"),
        ("anything", "card 4111 1111", "(not a name)"),
    ],
)
def test_a_function_s_error_has_a_name(message: str, code: str, error: str) -> None:
    said = decode(letters.function(message, code))
    assert (said.kind, said.error, said.message) == (Kind.FUNCTION, error, message)


def test_an_event_that_grew_too_old_says_so() -> None:
    about = json.loads(letters.envelope())["requestContext"] | {"condition": "EventAgeExceeded"}
    body = letters.envelope(requestContext=about, responseContext={}, responsePayload=None)
    assert decode(letters.letter(body)).error == "EventAgeExceeded"


@pytest.mark.parametrize("error", ["customer anna@example.com", "4111111111111111", "a" * 200, "x\x1b[2J", "x\n"])
def test_an_error_that_is_no_name_is_not_repeated(error: str) -> None:
    body = letters.envelope(responsePayload={"errorType": error, "errorMessage": "x"})
    assert decode(letters.letter(body)).error == "(not a name)"


@pytest.mark.parametrize(
    "payload",
    [
        "null",
        "[]",
        '"text"',
        "1.0",
        "12345678901234567890.10",
        '{"e": 1e400, "u": "\\u00e4\\ud83d\\ude00"}',
        '{ "a" : [ 1 ] }',
    ],
)
def test_a_payload_is_cut_out_as_it_was_written(payload: str) -> None:
    assert decode(letters.destination(payload=payload)).payload == payload


def test_a_payload_that_lambda_left_out_is_none() -> None:
    said = decode(letters.destination(payload=None))
    assert (said.kind, said.payload) == (Kind.DESTINATION, None)


@pytest.mark.parametrize(
    ("message", "wraps"),
    [(letters.envelope(), Kind.DESTINATION), (letters.stream().body, Kind.STREAM), ('{"x": 1}', None)],
)
def test_a_failure_record_in_a_notification_is_noticed(message: str, wraps: Kind | None) -> None:
    assert decode(letters.topic(message)).wraps is wraps


def test_a_function_s_dead_letter_topic_is_noticed() -> None:
    attributes = {"RequestID": {"Type": "String", "Value": "r"}, "ErrorCode": {"Type": "Number", "Value": "200"}}
    assert decode(letters.topic(MessageAttributes=attributes)).wraps is Kind.FUNCTION


# A change to one member each, after which AWS could not have written it.
UNKNOWN = {
    "empty": "",
    "text": "hello",
    "number": "12",
    "list": "[1]",
    "cut off": letters.envelope()[:-1],
    "more after it": letters.envelope() + "x",
    "NaN": letters.envelope(payload="NaN"),
    "a function elsewhere": letters.envelope().replace(":lambda:", ":states:"),
    "no condition": letters.envelope().replace("condition", "conditions"),
    "neither payload": letters.envelope(payload=None).replace("responsePayload", "answer"),
    "a list as context": letters.envelope(requestContext=[1]),
    "another type": letters.topic().body.replace("Notification", "SubscriptionConfirmation"),
    "no topic": letters.topic().body.replace(":sns:", ":sqs:"),
    "message not text": letters.topic().body.replace('"{\\"parcel\\": 3}"', "3"),
    "no sequence": letters.stream(startSequenceNumber="first").body,
    "no stream": letters.stream("arn:aws:s3:::clicks").body,
    "no records": letters.stream(batchSize=0).body,
    "true records": letters.stream(batchSize=True).body,
    "kafka": letters.stream().body.replace("KinesisBatchInfo", "KafkaBatchInfo"),
    "a pipe": json.dumps({"context": {"condition": "RetryAttemptsExhausted"}, "DDBStreamBatchInfo": {}}),
    "no bus": letters.bus().body.replace("busArn", "bus"),
    "failures not a list": letters.bus().body.replace('"failedMessages": [', '"failedMessages": 1, "x": ['),
    "deep": "[" * 200_000,
    "deep within": '{"requestContext":' * 50_000,
    "a long number": '{"requestPayload":' + "9" * 10_000 + "}",
    "lone surrogates": '{"Type": "\\ud800", "TopicArn": "\\udfff"}',
}


@pytest.mark.parametrize("body", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_certain_is_unknown(body: str) -> None:
    assert decode(letters.letter(body)) == Dead(Kind.UNKNOWN)


@pytest.mark.parametrize("name", ["RULE_ARN", "TARGET_ARN"])
def test_a_rule_s_letter_needs_both_arns(name: str) -> None:
    example = letters.rule()
    attributes = {key: value for key, value in example.attributes.items() if key != name}
    assert decode(dataclasses.replace(example, attributes=attributes)).kind is Kind.UNKNOWN


def test_binary_attributes_say_nothing() -> None:
    example = letters.function()
    attributes = {**example.attributes, "RequestID": Attribute("Binary", b"r")}
    assert decode(dataclasses.replace(example, attributes=attributes)).kind is Kind.UNKNOWN


ANY_TEXT = (
    st.text() | st.text('{}[]",:\\ 1eE+-.0"nulltruefalse') | st.sampled_from(sorted(UNKNOWN.values(), key=len)[:20])
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = sorted(
    {
        name
        for example in (
            letters.envelope(),
            letters.stream().body,
            letters.table().body,
            letters.bus().body,
            letters.topic().body,
        )
        for name in json.loads(example)
    }
)


@given(ANY_TEXT | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_no_body_raises(body: str) -> None:
    decode(letters.letter(body))
    bodies.member(body, "requestPayload")


@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.sampled_from(["envelope", "stream", "table", "bus", "topic"]))
def test_no_envelope_with_anything_in_it_raises(changes: dict[str, Any], which: str) -> None:
    example = letters.envelope() if which == "envelope" else getattr(letters, which)().body
    decode(letters.letter(json.dumps(json.loads(example) | changes)))


@given(
    st.dictionaries(
        st.sampled_from(["RequestID", "ErrorCode", "ErrorMessage", "RULE_ARN", "TARGET_ARN"]), st.text() | st.binary()
    )
)
def test_no_attributes_raise(values: dict[str, str | bytes]) -> None:
    decode(letters.letter("{}", {name: Attribute("String", value) for name, value in values.items()}))


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_a_member_is_found_as_it_was_written(said: dict[str, Any]) -> None:
    said = json.loads(json.dumps(said), parse_constant=lambda _: None)
    for indent in (None, 2):
        text = json.dumps(said, indent=indent)
        for name, value in said.items():
            found = bodies.member(text, name)
            assert found is not None
            assert json.loads(found) == value
            assert found in text
        assert bodies.member(text, "no such\x00name") is None


def test_nothing_of_a_payload_shows_in_a_representation() -> None:
    for example, _ in EXAMPLES.values():
        one = example()
        shown = repr(decode(one)) + repr(one)
        for secret in ("4711", "1.50", "parcel", "order", "division"):
            assert secret not in shown.replace(letters.ORDERS, "").replace("large-orders", "")
