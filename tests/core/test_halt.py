"""Halting as decisions: what a source is called, what there is to do, who else invokes."""

from __future__ import annotations

import pytest

from lambdaops.core.errors import NotFoundError
from lambdaops.core.halt.callers import Caller, not_stopped
from lambdaops.core.halt.mappings import Mapping, Step, is_called, named, source_name, step
from lambdaops.core.halt.plan import staged, took_effect
from lambdaops.core.halt.records import Turn

STATES = ("Creating", "Enabling", "Enabled", "Disabling", "Disabled", "Updating", "Deleting")


def mapping(uuid: str = "u", source: str = "arn:aws:sqs:r:1:q", state: str = "Enabled") -> Mapping:
    return Mapping(uuid, source, "live", state)


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:sqs:eu-central-1:111122223333:orders.fifo", "orders.fifo"),
        ("arn:aws:kinesis:eu-central-1:111122223333:stream/clicks", "clicks"),
        ("arn:aws:kinesis:eu-central-1:111122223333:stream/clicks/consumer/fast:1", "clicks"),
        ("arn:aws:dynamodb:eu-central-1:111122223333:table/carts/stream/2026-01-01T00:00:00.000", "carts"),
        ("arn:aws:kafka:eu-central-1:111122223333:cluster/events/0d4c-1", "events"),
        ("arn:aws:mq:eu-central-1:111122223333:broker:jobs:b-12", "jobs"),
        ("arn:aws:rds:eu-central-1:111122223333:cluster:docs", "docs"),
        ("b1:9092,b2:9092", "b1:9092,b2:9092"),
        ("arn:short", "arn:short"),
        ("", ""),
    ],
)
def test_what_a_source_is_called(arn: str, name: str) -> None:
    assert source_name(arn) == name
    assert is_called(mapping(source=arn), name)


def test_a_broker_of_a_cluster_without_an_arn() -> None:
    assert is_called(mapping(source="b1:9092,b2:9092"), "b2:9092")


def test_one_name_may_mean_several_mappings() -> None:
    both = (mapping("a"), mapping("b"), mapping("c", "arn:aws:sqs:r:1:other"))
    assert named(both, ["q"], "f") == {"a", "b"}
    assert named(both, ["q", "c"], "f") == named(both, [], "f") == {"a", "b", "c"}
    with pytest.raises(NotFoundError):
        named(both, ["q", "nothing"], "f")


@pytest.mark.parametrize("state", [*STATES, "Anything"])
def test_what_there_is_to_do(state: str) -> None:
    off, on = step(mapping(state=state), on=False), step(mapping(state=state), on=True)
    wanted = {"Enabled": (Step.WRITE, Step.DONE), "Disabled": (Step.DONE, Step.WRITE), "Deleting": (Step.GONE,) * 2}
    assert (off, on) == wanted.get(state, (Step.WAIT, Step.WAIT))
    assert step(None, on=True) is Step.GONE


def test_what_is_changing_counts_as_polling_unless_it_stops() -> None:
    assert {state for state in STATES if mapping(state=state).polls} == {"Creating", "Enabling", "Enabled", "Updating"}


@pytest.mark.parametrize(
    ("state", "on", "took"),
    [
        ("Enabled", True, True),
        ("Enabling", True, True),
        ("Disabled", True, False),
        ("Disabling", False, True),
        ("Disabled", False, True),
        ("Enabled", False, False),
        ("Updating", False, True),
        ("Deleting", False, False),
    ],
)
def test_whether_a_write_without_an_end_took_effect(state: str, on: bool, took: bool) -> None:
    assert took_effect(Turn("u", on), mapping(state=state), None) is took
    assert not took_effect(Turn("u", on), None, None)


def test_whether_a_reservation_without_an_end_took_effect() -> None:
    assert took_effect(Turn("", on=False, reserved=0), None, 0)
    assert not took_effect(Turn("", on=False, reserved=0), None, None)
    assert took_effect(Turn("", on=True), None, None)


def test_stages_are_totals() -> None:
    five = [mapping(str(number)) for number in range(5)]
    assert [len(stage) for stage in staged(five, (1, 3, 0))] == [1, 2, 2]
    assert [len(stage) for stage in staged(five, (7, 0))] == [5]
    assert staged([], (1, 0)) == ()


@pytest.mark.parametrize(
    ("caller", "by", "told"),
    [
        (
            Caller("events.amazonaws.com", "live", "arn:aws:events:r:1:rule/nightly"),
            "events.amazonaws.com arn:aws:events:r:1:rule/nightly",
            "aws events disable-rule --name nightly",
        ),
        (Caller("s3.amazonaws.com", "", "arn:aws:s3:::uploads"), "s3.amazonaws.com arn:aws:s3:::uploads", "uploads"),
        (
            Caller("apigateway.amazonaws.com", "live", "arn:aws:execute-api:r:1:abc123/*/GET/"),
            "apigateway.amazonaws.com arn:aws:execute-api:r:1:abc123/*/GET/",
            "API abc123 to 0",
        ),
        (Caller("*", "live", url=True), "the function's URL", "delete-function-url-config"),
        (Caller("arn:aws:iam::1:root", ""), "arn:aws:iam::1:root", "stop it where it is"),
        (Caller("events.amazonaws.com", ""), "events.amazonaws.com", "--name NAME"),
    ],
)
def test_what_to_do_about_who_else_invokes(caller: Caller, by: str, told: str) -> None:
    found = not_stopped(caller, "orders")
    assert (found.by, found.qualifier) == (by, caller.qualifier)
    assert told in found.next
    assert "lambdaops halt orders --all-invocations" in found.next
