"""Where a dead letter goes, and as what."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.dlq.dead import Kind, decode
from lambdaops.core.dlq.route import (
    Destination,
    Nowhere,
    ToFunction,
    ToQueue,
    ToStream,
    is_queue_arn,
    outgoing,
    parse_destination,
    route,
)
from lambdaops.core.errors import InvalidTargetError, UsageError
from tests.core import letters

if TYPE_CHECKING:
    from lambdaops.core.dlq.letter import Letter
    from lambdaops.core.dlq.route import Route

LIVE = ToFunction(letters.FUNCTION, "live")
ELSEWHERE = ToQueue("arn:aws:sqs:eu-west-1:123456789012:elsewhere")
PLACED = ToFunction("mailer", "live")
UNKNOWN = letters.letter("hello")


def going(
    letter: Letter,
    to: ToQueue | ToFunction | None = None,
    sources: tuple[str, ...] = (),
    aliases: dict[str, str] | None = None,
    *,
    shaped: bool = False,
) -> Route:
    return route(letter, decode(letter), to, sources, (aliases or {}).get, shaped=shaped)


def nowhere(where: Route) -> str:
    assert isinstance(where, Nowhere)
    return where.why


def batch(letter: Letter) -> ToStream:
    found = decode(letter).batch
    assert found is not None
    return ToStream(letters.FUNCTION, "live", found)


INFERRED: dict[str, tuple[Letter, Route]] = {
    "where sqs took it from": (letters.queue(), ToQueue(letters.ORDERS)),
    "the alias that was invoked": (letters.destination(), LIVE),
    "the alias of a stream's function": (letters.stream(), batch(letters.stream())),
    "a table's stream": (letters.table(), batch(letters.table())),
    "a rule's function": (letters.rule(), LIVE),
    "a rule's queue": (letters.rule(letters.ORDERS), ToQueue(letters.ORDERS)),
    "a rule's fifo queue": (letters.rule(f"{letters.ORDERS}.fifo"), ToQueue(f"{letters.ORDERS}.fifo")),
}


@pytest.mark.parametrize(("letter", "where"), INFERRED.values(), ids=INFERRED)
def test_a_letter_that_says_where_it_belongs_goes_there(letter: Letter, where: Route) -> None:
    assert going(letter) == where


STRANDED: dict[str, tuple[Letter, str]] = {
    "function": (letters.function(), "a function's dead-letter queue does not say which function"),
    "latest": (letters.destination(":$LATEST"), "invoices was invoked without an alias"),
    "unqualified": (letters.destination(""), "invoices was invoked without an alias"),
    "version": (letters.destination(":7"), "invoices was invoked as version 7"),
    "stream of latest": (letters.stream(qualifier=""), "invoices was invoked without an alias"),
    "rule of a function": (letters.rule(letters.FUNCTION), "invoices was invoked without an alias"),
    "rule of a bus": (
        letters.rule("arn:aws:events:eu-west-1:123456789012:event-bus/b"),
        "the rule's target is neither",
    ),
    "topic": (letters.topic(), "a notification of topic shipments does not say whom it was for"),
    "bus": (letters.bus(), "the record of a custom event bus has the ids of the events"),
    "unknown": (UNKNOWN, "it is of no kind that says where it came from"),
}


@pytest.mark.parametrize(("letter", "why"), STRANDED.values(), ids=STRANDED)
def test_a_letter_that_does_not_say_it_goes_nowhere(letter: Letter, why: str) -> None:
    where = going(letter)
    assert nowhere(where).startswith(why)
    assert isinstance(where, Nowhere)
    assert where.hint


def test_hazard_13_latest_and_numbers_are_replaced_by_the_configured_alias() -> None:
    for qualifier in ("", ":$LATEST", ":7"):
        assert going(letters.destination(qualifier), aliases={"invoices": "prod"}) == ToFunction(
            letters.FUNCTION, "prod"
        )
        assert going(letters.rule(letters.FUNCTION + qualifier), aliases={"invoices": "prod"}) == ToFunction(
            letters.FUNCTION, "prod"
        )
        found = going(letters.stream(qualifier=qualifier), aliases={"invoices": "prod"})
        assert isinstance(found, ToStream)
        assert (found.function, found.qualifier) == (letters.FUNCTION, "prod")


def test_the_alias_that_was_invoked_counts_before_the_configured_one() -> None:
    assert going(letters.destination(":blue"), aliases={"invoices": "prod"}) == ToFunction(letters.FUNCTION, "blue")


def test_what_sqs_took_from_a_queue_goes_there_and_not_to_another_source() -> None:
    assert going(letters.queue(), sources=("arn:aws:sqs:eu-west-1:123456789012:other",)) == ToQueue(letters.ORDERS)


def test_a_letter_without_origin_goes_to_the_only_source_there_is() -> None:
    assert going(UNKNOWN, sources=(letters.ORDERS,)) == ToQueue(letters.ORDERS)
    why = nowhere(going(UNKNOWN, sources=(letters.ORDERS, f"{letters.ORDERS}2")))
    assert why == "nothing says which of 2 queues it came from (orders, orders2)"


@pytest.mark.parametrize(
    "letter",
    [
        letters.queue(),
        letters.function(),
        letters.destination(),
        letters.stream(),
        letters.rule(),
        letters.bus(),
        UNKNOWN,
    ],
)
def test_a_named_queue_takes_every_letter_as_it_is(letter: Letter) -> None:
    assert going(letter, ELSEWHERE) == ELSEWHERE
    assert outgoing(letter, decode(letter), ELSEWHERE, None).body == letter.body


@pytest.mark.parametrize("letter", [letters.function(), letters.destination(), letters.rule(), letters.topic()])
def test_a_named_function_takes_events(letter: Letter) -> None:
    assert going(letter, PLACED) == PLACED


def test_a_named_function_takes_the_records_of_a_stream() -> None:
    found = going(letters.stream(), PLACED)
    assert isinstance(found, ToStream)
    assert (found.function, found.qualifier) == ("mailer", "live")


@pytest.mark.parametrize("shaped", [False, True])
@pytest.mark.parametrize(
    ("letter", "why"),
    [
        (UNKNOWN, "it is of no kind that we know, and no function is invoked with a guess"),
        (letters.bus(), "the record of a custom event bus has the ids of the events, not the events"),
        (letters.queue(), "it is a queue's message"),
    ],
)
def test_no_function_is_invoked_with_what_was_no_event(letter: Letter, why: str, shaped: bool) -> None:
    assert nowhere(going(letter, PLACED, shaped=shaped)).startswith(why)


def test_hazard_12_no_function_is_invoked_with_an_envelope() -> None:
    record = letters.destination()
    assert outgoing(record, decode(record), LIVE, None).body == '{"invoice": 1.50, "a":1, "a":2}'
    dropped = letters.destination(payload=None)
    assert nowhere(going(dropped)).startswith("the record came without the event")
    assert going(dropped, shaped=True) == LIVE
    wrapped = letters.topic(letters.envelope())
    assert "another failure record (destination)" in nowhere(going(wrapped, PLACED))
    assert going(wrapped, PLACED, shaped=True) == PLACED


def test_a_notification_becomes_the_event_that_lambda_makes_of_it() -> None:
    one = letters.topic("{}")
    event = json.loads(outgoing(one, decode(one), PLACED, None).body)
    (record,) = event["Records"]
    assert record["EventSource"] == "aws:sns"
    assert record["EventVersion"] == "1.0"
    assert record["EventSubscriptionArn"] == f"{letters.TOPIC}:c9135db0-26c4-47ec-8998-413945fb5a96"
    said = json.loads(one.body)
    said["SigningCertUrl"], said["UnsubscribeUrl"] = said.pop("SigningCertURL"), said.pop("UnsubscribeURL")
    assert record["Sns"] == said | {"MessageAttributes": {}}


def test_a_notification_without_subject_or_links_still_becomes_an_event() -> None:
    bare = json.loads(letters.topic().body)
    for name in ("Subject", "UnsubscribeURL"):
        del bare[name]
    bare["MessageAttributes"] = {"colour": {"Type": "String", "Value": "red"}}
    one = letters.letter(json.dumps(bare))
    (record,) = json.loads(outgoing(one, decode(one), PLACED, None).body)["Records"]
    assert record["EventSubscriptionArn"] == ""
    assert record["Sns"]["Subject"] is None
    assert record["Sns"]["MessageAttributes"] == {"colour": {"Type": "String", "Value": "red"}}


def test_hazard_9_attributes_trace_and_tenant_go_along() -> None:
    one = dataclasses.replace(letters.queue(), trace="Root=1-5759e988-bd862e3fe1be46a994272793", group="tenant-7")
    sent = outgoing(one, decode(one), ToQueue(letters.ORDERS), None)
    assert (sent.attributes, sent.trace, sent.group) == (one.attributes, one.trace, "tenant-7")
    assert (sent.id, sent.deduplication) == (one.id, None)


def test_hazard_5_a_fifo_queue_deduplicates_by_the_dead_message_s_id() -> None:
    fifo = ToQueue(f"{letters.ORDERS}.fifo")
    one = dataclasses.replace(letters.queue(), group="customer-1", deduplication="hash of the body")
    sent = outgoing(one, decode(one), fifo, None)
    assert (sent.group, sent.deduplication) == ("customer-1", one.id)
    alone = outgoing(letters.queue(), decode(one), fifo, None)
    assert (alone.group, alone.deduplication) == (one.id, one.id)


def test_a_new_body_goes_in_place_of_the_old_one() -> None:
    one = letters.destination()
    for where in (LIVE, ToQueue(letters.ORDERS)):
        assert outgoing(one, decode(one), where, "new").body == "new"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("orders", Destination(queue="orders")),
        ("orders.fifo", Destination(queue="orders.fifo")),
        (letters.ORDERS, Destination(queue=letters.ORDERS)),
        (
            "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
            Destination(queue="https://sqs.eu-west-1.amazonaws.com/123456789012/orders"),
        ),
        ("mailer:live", Destination(function=PLACED)),
        ("mailer:7", Destination(function=ToFunction("mailer", "7"))),
        ("mailer:$LATEST", Destination(function=ToFunction("mailer", "$LATEST"))),
        (f"{letters.FUNCTION}:live", Destination(function=LIVE)),
    ],
)
def test_a_destination_is_read(text: str, meant: Destination) -> None:
    assert parse_destination(text) == meant


@pytest.mark.parametrize("text", [letters.FUNCTION, "mailer:", "mailer:a b", "mailer:a:b"])
def test_a_function_needs_an_alias(text: str) -> None:
    with pytest.raises(InvalidTargetError):
        parse_destination(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "or ders",
        "a" * 81,
        "orders.fifo.fifo",
        ".fifo",
        "../orders",
        "https://",
        "https://host/orders",
        "ftp://h/1/orders",
        "arn:aws:sqs:eu-west-1:1:orders",
        "arn:aws:sqs:eu-west-1:123456789012:",
        "arn:aws:s3:::bucket",
        "orders\n",
    ],
)
def test_what_is_no_queue_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_destination(text)


def test_a_queue_s_arn_is_told_from_other_texts() -> None:
    assert is_queue_arn(letters.ORDERS)
    assert not is_queue_arn("orders")
    assert not is_queue_arn(letters.TOPIC)


def test_unknown_is_a_kind_of_its_own_here() -> None:
    assert decode(UNKNOWN).kind is Kind.UNKNOWN
