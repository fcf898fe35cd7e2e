"""What is encoded comes back equal; anything that was not encoded here is refused."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given

from lambdaops.core.codec import CodecError, decode, encode, tag
from lambdaops.core.model import Actor, AlarmState, Routing
from lambdaops.core.plan import Plan, Stage
from lambdaops.core.states import Baking, Cause, Held, State
from tests.core.journal_values import values

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


class Level(enum.IntEnum):
    LOW = 0
    HIGH = 1


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    count: int
    sure: bool
    at: datetime | None = None
    level: Level = Level.LOW
    tags: tuple[str, ...] = ()
    wait: timedelta = timedelta()


FACT = {"is": "fact", "name": "a", "count": 1, "sure": True}


@given(values(Fact))
def test_a_value_comes_back_equal_through_json(fact: Fact) -> None:
    assert decode(Fact, json.loads(json.dumps(encode(fact)))) == fact


@given(values(State))
def test_a_member_of_a_union_comes_back_as_that_member(state: State) -> None:
    assert decode(State, json.loads(json.dumps(encode(state)))) == state  # type: ignore[arg-type]  # a union is no class


@given(values(Plan))
def test_a_plan_comes_back_equal(plan: Plan) -> None:
    assert decode(Plan, json.loads(json.dumps(encode(plan)))) == plan


def test_the_written_form_is_fixed() -> None:
    held = Held("why", Cause.DRIFT, Baking(1, NOON, None, NOON + timedelta(milliseconds=5)))
    assert encode(held) == {
        "is": "held",
        "reason": "why",
        "cause": "drift",
        "at": {
            "is": "baking",
            "stage": 1,
            "entered_at": "2026-08-01T12:00:00.000000Z",
            "good_since": None,
            "signal_at": "2026-08-01T12:00:00.005000Z",
        },
    }
    assert encode(Stage(500, timedelta(minutes=2))) == {"is": "stage", "weight": 500, "bake": 120_000, "gate": None}
    assert tag(Routing) == "routing"
    assert tag(CodecError) == "codec-error"


def test_a_time_of_another_zone_is_written_in_utc() -> None:
    assert encode(datetime(2026, 8, 1, 14, tzinfo=timezone(timedelta(hours=2)))) == "2026-08-01T12:00:00.000000Z"


@pytest.mark.parametrize(
    "value",
    [datetime(2026, 8, 1, 12), 1.5, {"a": 1}, [1], b"x", object()],  # noqa: DTZ001 -- the point
    ids=["naive time", "float", "dict", "list", "bytes", "object"],
)
def test_what_could_not_be_read_back_is_not_encoded(value: object) -> None:
    with pytest.raises(TypeError, match="has no place in the journal"):
        encode(value)


def test_what_has_a_default_may_be_missing() -> None:
    assert decode(Fact, FACT) == Fact("a", 1, sure=True)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"extra": 1}, "unknown ['extra'], missing []"),
        ({"count": "1"}, "expected int"),
        ({"count": True}, "expected int"),
        ({"count": 1.0}, "expected int"),
        ({"count": None}, "expected int"),
        ({"sure": 1}, "expected bool"),
        ({"name": 1}, "expected str"),
        ({"name": None}, "expected str"),
        ({"at": "2026-08-01T12:00:00"}, "expected a time with a zone"),
        ({"at": "yesterday"}, "expected a time with a zone"),
        ({"at": 1}, "expected a time with a zone"),
        ({"level": 2}, "2 is not a valid Level"),
        ({"level": True}, "expected Level"),
        ({"level": 1.0}, "expected Level"),
        ({"level": [1]}, "is not a valid Level"),
        ({"tags": "ab"}, "expected a list"),
        ({"tags": ["a", 1]}, "expected str"),
        ({"wait": True}, "expected milliseconds"),
        ({"wait": 1.5}, "expected milliseconds"),
        ({"wait": 10**30}, "int"),
        ({"is": "fiction"}, "expected fact"),
        ({"is": 1}, "expected fact"),
    ],
    ids=str,
)
def test_what_was_not_encoded_is_refused(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(CodecError) as caught:
        decode(Fact, {**FACT, **change})
    assert complaint in str(caught.value)


@pytest.mark.parametrize("missing", ["name", "count", "sure"])
def test_a_missing_key_is_named(missing: str) -> None:
    with pytest.raises(CodecError, match=f"missing \\['{missing}'\\]"):
        decode(Fact, {key: value for key, value in FACT.items() if key != missing})


@pytest.mark.parametrize("data", [None, 1, "fact", [FACT]], ids=str)
def test_no_object_is_no_value(data: object) -> None:
    with pytest.raises(CodecError, match="expected fact"):
        decode(Fact, data)


@pytest.mark.parametrize(
    "data",
    [
        {"is": "unheard-of"},
        {"is": "routing", "primary": "7"},
        {"is": "ready", "since": "2026-08-01T12:00:00.000000Z", "until": 1},
        {"since": "2026-08-01T12:00:00.000000Z"},
        {"is": None, "since": "2026-08-01T12:00:00.000000Z"},
        None,
        "ready",
        ["ready"],
    ],
    ids=str,
)
def test_a_union_takes_only_its_members(data: object) -> None:
    with pytest.raises(CodecError):
        decode(State, data)  # type: ignore[arg-type]  # a union is no class


def test_an_optional_value_is_none_only_when_it_says_so() -> None:
    assert decode(Routing | None, None) is None  # type: ignore[arg-type]
    with pytest.raises(CodecError):
        decode(Routing | None, {})  # type: ignore[arg-type]
    with pytest.raises(CodecError):
        decode(Actor, None)


def test_an_enum_is_read_by_its_value_not_its_name() -> None:
    assert decode(AlarmState, "OK") is AlarmState.OK
    assert decode(Cause, "drift") is Cause.DRIFT
    with pytest.raises(CodecError):
        decode(Cause, "DRIFT")
