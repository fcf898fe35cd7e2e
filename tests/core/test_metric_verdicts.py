"""Readings of metrics against their thresholds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lambdaops.core.gates import GateResult, Verdict
from lambdaops.core.metric_gates import MetricGate, parse_metric
from lambdaops.core.metric_verdicts import assess_metrics, unread
from lambdaops.core.series import Point, Reading

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STAGE = (NOON, 1_000)
GATE = parse_metric("backlog: [AWS/SQS Age Maximum] > 300")
AVERAGE = parse_metric("backlog: [AWS/SQS Age Average] > 300")


def reading(*values: float | None, until: int = 10, unsettled: int = 0) -> Reading:
    """One value a minute, the last at ``until`` past noon, None for no datapoint; the last ones are not settled."""
    first = until - len(values) + 1
    points = [
        Point(NOON + (first + number) * MINUTE, value, settled=number < len(values) - unsettled)
        for number, value in enumerate(values)
        if value is not None
    ]
    return Reading(tuple(points))


def said(gate: MetricGate, seen: Reading, *, now: int = 13, stage: tuple[datetime, int] | None = STAGE) -> GateResult:
    (result,) = assess_metrics((gate,), {gate.name: seen}, NOON + now * MINUTE, stage)
    return result


def test_a_value_beyond_the_threshold_fails() -> None:
    found = said(GATE, reading(1, 2, 301))
    assert found == GateResult("backlog", Verdict.FAIL, "backlog: 301 is > 300, since 12:10:00")


@pytest.mark.parametrize(
    ("condition", "value", "verdict"),
    [
        ("> 300", 300, Verdict.PASS),
        (">= 300", 300, Verdict.FAIL),
        ("< 0.5", 0.5, Verdict.PASS),
        ("<= 0.5", 0.5, Verdict.FAIL),
        ("< -1", -2, Verdict.FAIL),
        ("> 300", float("nan"), Verdict.PASS),
        ("> 300", float("inf"), Verdict.FAIL),
    ],
)
def test_each_side(condition: str, value: float, verdict: Verdict) -> None:
    assert said(parse_metric(f"a: [A B Average] {condition}"), reading(value)).verdict is verdict


def test_what_passes_says_its_last_value_which_is_no_part_of_the_reason() -> None:
    found = said(GATE, reading(1, 2, 12.5))
    assert (found.verdict, found.reason, found.detail) == (Verdict.PASS, "backlog: not > 300", "12.5 at 12:10:00")
    assert found.waits_for == ""


def test_it_takes_as_many_periods_in_a_row() -> None:
    gate = replace(GATE, periods=3)
    assert said(gate, reading(301, 302)).verdict is Verdict.PASS
    assert said(gate, reading(301, 1, 302, 303)).verdict is Verdict.PASS
    found = said(gate, reading(1, 301, 302, 303))
    assert (found.verdict, found.reason) == (Verdict.FAIL, "backlog: 301, 302, 303 is > 300, since 12:08:00")
    assert said(gate, reading(301, 302, 303, 1)).verdict is Verdict.PASS


def test_a_datapoint_that_is_missing_in_between_ends_no_row() -> None:
    assert said(replace(GATE, periods=2), reading(301, None, 302)).verdict is Verdict.FAIL


@pytest.mark.parametrize(("gate", "verdict"), [(GATE, Verdict.FAIL), (AVERAGE, Verdict.PASS)])
def test_what_has_not_settled_fails_only_where_more_data_cannot_undo_it(gate: MetricGate, verdict: Verdict) -> None:
    assert said(gate, reading(1, 2, 301, unsettled=1)).verdict is verdict
    assert said(replace(gate, periods=2), reading(1, 301, 302, unsettled=1)).verdict is verdict


def test_what_has_not_settled_acquits_nobody() -> None:
    assert said(GATE, reading(301, 1, unsettled=1)).verdict is Verdict.FAIL
    assert said(AVERAGE, reading(301, 1, 1, unsettled=2)).verdict is Verdict.FAIL


def test_silence_is_no_success() -> None:
    found = said(GATE, reading())
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "backlog: no datapoint within 6m")
    long_ago = reading(1, 2, 3, until=2)
    assert said(GATE, long_ago, now=20).verdict is Verdict.INCONCLUSIVE
    assert said(GATE, reading(1, 2, 3, unsettled=3)).verdict is Verdict.INCONCLUSIVE


def test_a_young_stage_waits_for_its_first_datapoint() -> None:
    found = said(GATE, reading(), now=4)
    assert (found.verdict, found.waits_for) == (Verdict.PASS, "backlog: a datapoint of this stage")
    before = reading(1, 2, until=-1)
    found = said(GATE, before, now=2)
    assert (found.verdict, found.waits_for) == (Verdict.PASS, "backlog: a datapoint of this stage")
    assert said(GATE, reading(1, until=0), now=3).waits_for == ""


def test_before_the_first_write_nothing_is_waited_for() -> None:
    assert said(GATE, reading(), stage=None).verdict is Verdict.PASS


def test_what_cannot_be_read_is_an_error() -> None:
    found = said(GATE, Reading(trouble="Forbidden"))
    assert (found.verdict, found.reason) == (Verdict.ERROR, "backlog: cannot be read: Forbidden")
    (found,) = assess_metrics((GATE,), {}, NOON, STAGE)
    assert found.verdict is Verdict.ERROR
    (found,) = unread((GATE,), "throttled")
    assert (found.verdict, found.reason) == (Verdict.ERROR, "backlog: cannot be read: throttled")


def test_what_is_only_observed_does_not_act_nor_wait() -> None:
    gate = replace(GATE, acts=False)
    found = said(gate, reading(301))
    assert (found.verdict, found.acts) == (Verdict.FAIL, False)
    assert found.reason.endswith("(observed only)")
    assert said(gate, reading(), now=1).waits_for == ""


def test_what_compares_with_stable_is_not_asked_at_full_traffic() -> None:
    gate = parse_metric("twice: [A B Sum V={candidate}] / [A B Sum V={stable}] > 2")
    assert said(gate, reading()).verdict is Verdict.INCONCLUSIVE
    found = said(gate, reading(), stage=(NOON, 10_000))
    assert (found.verdict, found.acts, found.reason) == (Verdict.PASS, False, "twice: not asked at 100 %")
