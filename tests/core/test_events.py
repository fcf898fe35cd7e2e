"""Every kind of event goes into a record and comes back; a record of anything else is refused."""

from __future__ import annotations

import dataclasses
import json
import typing
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.codec import CodecError, tag
from lambdaops.core.events import KINDS, SCHEMA, Decided, Entry, Event, Intent, from_record, kind_of, to_record
from lambdaops.core.model import Actor, Routing
from lambdaops.core.states import Ready
from tests.core.journal_values import entries

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
ACTOR = Actor("arn:aws:sts::123456789012:assumed-role/deploy/ann", "ci-7", "run-1")
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live"
INTENT = Entry(7, NOON, ARN, "r-1", ACTOR, Intent(3, Routing("1"), Routing("1", "2", 500), "rev", "why", Ready(NOON)))
DECIDED = Entry(8, NOON, ARN, "r-1", ACTOR, Decided(Ready(NOON), "why"))


def record_of(entry: Entry) -> dict[str, object]:
    record: dict[str, object] = json.loads(json.dumps(to_record(entry)))
    return record


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_every_kind_comes_back_equal_through_json(kind: str, data: st.DataObject) -> None:
    entry = data.draw(entries(KINDS[kind]))
    record = record_of(entry)
    assert record["kind"] == kind
    assert from_record(record) == entry


def test_every_event_has_one_kind_and_the_kinds_are_stable() -> None:
    assert set(KINDS.values()) == set(typing.get_args(Event))
    assert len(set(KINDS.values())) == len(KINDS)
    # Journals of released versions hold these names: one may be added, none may change.
    assert {kind: cls.__name__ for kind, cls in KINDS.items()}.items() >= {
        "opened": "Opened",
        "observed": "Observed",
        "decided": "Decided",
        "intent": "Intent",
        "done": "Landed",
        "failed": "Failed",
        "signal": "Signalled",
        "resumed": "Resumed",
        "closed": "Closed",
        "rollback": "RolledBack",
        "publish": "PublishStarted",
        "published": "Published",
        "publish-failed": "PublishFailed",
        "prune-opened": "PruneOpened",
        "version-deleting": "VersionDeleting",
        "version-deleted": "VersionDeleted",
        "version-spared": "VersionSpared",
        "version-delete-failed": "VersionDeleteFailed",
        "prune-closed": "PruneClosed",
        "redrive-opened": "RedriveOpened",
        "redrive-resumed": "RedriveResumed",
        "redrive-step": "RedriveStep",
        "redrive-stage": "RedriveStage",
        "redrive-signal": "RedriveSignalled",
        "redrive-heard": "RedriveHeard",
        "redrive-held": "RedriveHeld",
        "redrive-closed": "RedriveClosed",
        "queue-changing": "QueueChanging",
        "load-step": "LoadStep",
        "queue-changed": "QueueChanged",
    }.items()
    assert kind_of(DECIDED.event) == "decided"


def test_the_layout_of_a_record_is_fixed() -> None:
    assert record_of(INTENT) == {
        "v": SCHEMA,
        "seq": 7,
        "at": "2026-08-01T12:00:00.000000Z",
        "target": ARN,
        "release": "r-1",
        "kind": "intent",
        "op": 3,
        "actor": {"arn": ACTOR.arn, "host": "ci-7", "run": "run-1", "commit": "", "tool": ""},
        "data": {
            "before": {"is": "routing", "primary": "1", "additional": None, "weight": 0},
            "desired": {"is": "routing", "primary": "1", "additional": "2", "weight": 500},
            "revision": "rev",
            "reason": "why",
            "then": {"is": "ready", "since": "2026-08-01T12:00:00.000000Z"},
        },
    }
    assert record_of(DECIDED)["op"] is None


@pytest.mark.parametrize("key", sorted(record_of(DECIDED)))
def test_a_missing_key_is_refused(key: str) -> None:
    record = record_of(DECIDED)
    del record[key]
    with pytest.raises(CodecError):
        from_record(record)


@pytest.mark.parametrize("key", sorted(typing.cast("dict[str, object]", record_of(INTENT)["data"])))
def test_a_missing_key_of_the_event_is_refused(key: str) -> None:
    record = record_of(INTENT)
    del typing.cast("dict[str, object]", record["data"])[key]
    with pytest.raises(CodecError, match=f"missing \\['{key}'\\]"):
        from_record(record)


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"prev": "0"},
        {"v": SCHEMA + 1},
        {"v": 0},
        {"v": True},
        {"v": 1.0},
        {"v": "1"},
        {"v": None},
        {"seq": True},
        {"seq": "8"},
        {"seq": 8.0},
        {"seq": None},
        {"at": "2026-08-01T12:00:00"},
        {"at": 0},
        {"at": None},
        {"target": 1},
        {"release": None},
        {"kind": "unheard-of"},
        {"kind": None},
        {"kind": ["decided"]},
        {"kind": "intent"},
        {"op": 1},
        {"actor": None},
        {"actor": {"arn": "a"}},
        {"actor": {"arn": "a", "host": "h", "run": "", "root": True}},
        {"actor": {"arn": "a", "host": 1}},
        {"data": None},
        {"data": []},
        {"data": {"state": None, "reason": "why"}},
        {"data": {"state": {"is": "unheard-of"}, "reason": "why"}},
    ],
    ids=str,
)
def test_a_record_that_was_not_written_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(CodecError):
        from_record({**record_of(DECIDED), **change})


@pytest.mark.parametrize("op", [None, True, "3", 3.0], ids=str)
def test_an_event_of_a_write_needs_the_number_of_the_write(op: object) -> None:
    with pytest.raises(CodecError):
        from_record({**record_of(INTENT), "op": op})


def test_nothing_naive_is_written() -> None:
    with pytest.raises(TypeError, match="without a zone"):
        to_record(dataclasses.replace(DECIDED, at=datetime(2026, 8, 1)))  # noqa: DTZ001 -- the point


@pytest.mark.parametrize("cls", KINDS.values(), ids=tag)
def test_no_field_of_an_event_takes_the_name_of_the_tag(cls: type[Event]) -> None:
    names = {field.name for field in dataclasses.fields(cls)}
    assert "is" not in names
