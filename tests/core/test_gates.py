"""Alarms become verdicts: every state, seen before or not, ignored or not, there or gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.gates import GateResult, Verdict, assess_alarms, preflight_alarms, unreadable, worst
from lambdaops.core.model import AlarmKind, AlarmReading, AlarmState, Level
from lambdaops.core.plan import Plan, resolve_strategy

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EARLIER = NOON - timedelta(hours=1)
OK, ALARM, NO_DATA = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA


def plan_of(*alarms: str, ignored: tuple[str, ...] = ()) -> Plan:
    return Plan("1", "2", resolve_strategy("canary"), "canary", alarms=alarms, ignored=ignored)


def reading(
    state: AlarmState, changed_at: datetime | None = EARLIER, kind: AlarmKind = AlarmKind.METRIC, name: str = "errors"
) -> AlarmReading:
    return AlarmReading(name, kind, state, changed_at)


def broken(state: AlarmState, evaluation: str) -> AlarmReading:
    return replace(reading(state), evaluation=evaluation)


def judge(before: AlarmReading | None, now: AlarmReading | None, *, ignored: bool = False) -> GateResult:
    spared = ("errors",) if ignored else ()
    (result,) = assess_alarms(["errors"], [before] if before else [], [now] if now else [], spared)
    return result


# -- during a release ----------------------------------------------------------------------------------------------

FLAPPED = "errors: left OK and came back at 12:00:00, between two looks"


@pytest.mark.parametrize(
    ("before", "now", "verdict", "reason"),
    [
        # seen for the first time
        (None, reading(OK), Verdict.PASS, "errors: OK"),
        (None, reading(OK, NOON), Verdict.PASS, "errors: OK"),
        (None, reading(ALARM, NOON), Verdict.FAIL, "errors: ALARM since 12:00:00"),
        (None, reading(NO_DATA, NOON), Verdict.INCONCLUSIVE, "errors: INSUFFICIENT_DATA since 12:00:00"),
        (None, None, Verdict.ERROR, "errors: no longer exists"),
        # was OK
        (reading(OK), reading(OK), Verdict.PASS, "errors: OK"),
        (reading(OK), reading(OK, NOON), Verdict.FAIL, FLAPPED),
        (reading(OK), reading(ALARM, NOON), Verdict.FAIL, "errors: ALARM since 12:00:00 (was OK before)"),
        (reading(OK), reading(NO_DATA, NOON), Verdict.INCONCLUSIVE, "errors: INSUFFICIENT_DATA since 12:00:00"),
        (reading(OK), None, Verdict.ERROR, "errors: no longer exists"),
        # was in ALARM
        (reading(ALARM), reading(OK, NOON), Verdict.PASS, "errors: OK"),
        (reading(ALARM), reading(ALARM), Verdict.FAIL, "errors: ALARM since 11:00:00"),
        (reading(ALARM), reading(NO_DATA, NOON), Verdict.INCONCLUSIVE, "errors: INSUFFICIENT_DATA since 12:00:00"),
        (reading(ALARM), None, Verdict.ERROR, "errors: no longer exists"),
        # had no data
        (reading(NO_DATA), reading(OK, NOON), Verdict.PASS, "errors: OK"),
        (
            reading(NO_DATA),
            reading(ALARM, NOON),
            Verdict.FAIL,
            "errors: ALARM since 12:00:00 (was INSUFFICIENT_DATA before)",
        ),
        (reading(NO_DATA), reading(NO_DATA), Verdict.INCONCLUSIVE, "errors: INSUFFICIENT_DATA since 11:00:00"),
        (reading(NO_DATA), None, Verdict.ERROR, "errors: no longer exists"),
        # AWS gave no time of the last change: what can be seen still counts, a flap cannot be
        (reading(OK, None), reading(OK, None), Verdict.PASS, "errors: OK"),
        (reading(OK, None), reading(OK, NOON), Verdict.PASS, "errors: OK"),
        (reading(OK), reading(OK, None), Verdict.PASS, "errors: OK"),
        (reading(OK, None), reading(ALARM, None), Verdict.FAIL, "errors: ALARM (was OK before)"),
        (None, reading(NO_DATA, None), Verdict.INCONCLUSIVE, "errors: INSUFFICIENT_DATA"),
        # CloudWatch cannot evaluate it: an OK of the past is no pass; an objection stays one
        (
            reading(OK),
            broken(OK, "EVALUATION_ERROR"),
            Verdict.ERROR,
            "errors: CloudWatch cannot evaluate it (EVALUATION_ERROR), so its OK is an old one",
        ),
        (
            None,
            broken(OK, "EVALUATION_FAILURE"),
            Verdict.ERROR,
            "errors: CloudWatch cannot evaluate it (EVALUATION_FAILURE), so its OK is an old one",
        ),
        (
            reading(OK),
            broken(ALARM, "EVALUATION_FAILURE"),
            Verdict.FAIL,
            "errors: ALARM since 11:00:00 (was OK before)",
        ),
        (reading(OK), replace(broken(OK, "EVALUATION_ERROR"), changed_at=NOON), Verdict.FAIL, FLAPPED),
        (reading(OK), broken(OK, "PARTIAL_DATA"), Verdict.PASS, "errors: OK"),
        # a time that went back is no transition
        (reading(OK, NOON), reading(OK, EARLIER), Verdict.PASS, "errors: OK"),
    ],
)
def test_an_alarm_is_judged_by_what_it_is_and_was(
    before: AlarmReading | None, now: AlarmReading | None, verdict: Verdict, reason: str
) -> None:
    assert judge(before, now) == GateResult("errors", verdict, reason)
    assert judge(before, now, ignored=True) == GateResult("errors", verdict, f"{reason} (ignored)", acts=False)


@pytest.mark.parametrize("kind", AlarmKind)
def test_metric_and_composite_alarms_are_judged_alike(kind: AlarmKind) -> None:
    assert judge(reading(OK, kind=kind), reading(ALARM, kind=kind)).verdict is Verdict.FAIL


READINGS = [None, *(reading(state, at) for state, at in product(AlarmState, [None, EARLIER, NOON]))]


@pytest.mark.parametrize("now", READINGS)
@pytest.mark.parametrize("before", READINGS)
def test_only_an_alarm_that_is_ok_passes(before: AlarmReading | None, now: AlarmReading | None) -> None:
    passes = judge(before, now).verdict is Verdict.PASS
    assert not passes or (now is not None and now.state is OK)


def test_every_alarm_of_the_plan_is_judged_and_no_other() -> None:
    seen = (reading(OK, name="b"), reading(ALARM, name="stranger"), reading(ALARM, name="c"))
    results = assess_alarms(("a", "b", "c"), (), seen, ("c",))
    assert [(result.name, result.verdict, result.acts) for result in results] == [
        ("a", Verdict.ERROR, True),
        ("b", Verdict.PASS, True),
        ("c", Verdict.FAIL, False),
    ]


def test_a_plan_without_alarms_has_no_results() -> None:
    assert assess_alarms((), (), (reading(ALARM),)) == ()


def test_alarms_that_cannot_be_read_are_errors() -> None:
    assert unreadable(("a", "b"), "throttled") == (
        GateResult("a", Verdict.ERROR, "a: cannot be read: throttled"),
        GateResult("b", Verdict.ERROR, "b: cannot be read: throttled"),
    )


# -- all together --------------------------------------------------------------------------------------------------


def gate(verdict: Verdict, name: str = "x", *, acts: bool = True) -> GateResult:
    return GateResult(name, verdict, f"{name} {verdict.name}", acts)


PASS, INCONCLUSIVE, ERROR, FAIL = Verdict


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], (PASS, "no gate objects")),
        ([gate(PASS)], (PASS, "1 of 1 gates pass")),
        ([gate(PASS), gate(PASS), gate(FAIL, acts=False)], (PASS, "2 of 2 gates pass")),
        ([gate(FAIL, acts=False)], (PASS, "no gate objects")),
        ([gate(PASS), gate(INCONCLUSIVE)], (INCONCLUSIVE, "x INCONCLUSIVE")),
        ([gate(INCONCLUSIVE), gate(ERROR)], (ERROR, "x ERROR")),
        ([gate(ERROR), gate(FAIL), gate(INCONCLUSIVE)], (FAIL, "x FAIL")),
        ([gate(FAIL, "a"), gate(FAIL, "b")], (FAIL, "a FAIL")),
        ([gate(PASS, "a"), gate(ERROR, "b"), gate(ERROR, "c")], (ERROR, "b ERROR")),
    ],
)
def test_the_worst_gate_speaks_for_all(results: list[GateResult], expected: tuple[Verdict, str]) -> None:
    assert worst(results) == expected


@given(st.lists(st.builds(gate, st.sampled_from(Verdict), acts=st.booleans())))
def test_one_objection_is_never_outvoted(results: list[GateResult]) -> None:
    verdict, reason = worst(results)
    assert verdict == max((result.verdict for result in results if result.acts), default=PASS)
    assert reason


# -- before a release ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "level", "message"),
    [
        (reading(OK), Level.OK, "metric alarm errors is OK since 11:00:00"),
        (reading(OK, None), Level.OK, "metric alarm errors is OK"),
        (reading(OK, kind=AlarmKind.COMPOSITE), Level.OK, "composite alarm errors is OK since 11:00:00"),
        (
            reading(ALARM),
            Level.BLOCK,
            "metric alarm errors is ALARM since 11:00:00: it would roll the release back at once",
        ),
        (
            reading(NO_DATA),
            Level.WARN,
            (
                "metric alarm errors is INSUFFICIENT_DATA since 11:00:00: no data is not success, "
                "so the release waits for it at most 10m"
            ),
        ),
        (None, Level.BLOCK, "alarm errors does not exist in this account and region"),
    ],
)
def test_preflight_of_one_alarm(now: AlarmReading | None, level: Level, message: str) -> None:
    (finding,) = preflight_alarms(plan_of("errors"), [now] if now else [])
    assert (finding.level, finding.check, finding.message) == (level, "alarms", message)
    assert finding.hint or level is Level.OK


@pytest.mark.parametrize(
    ("now", "level", "message"),
    [
        (reading(OK), Level.WARN, "metric alarm errors is OK since 11:00:00, ignored for this release"),
        (reading(ALARM), Level.WARN, "metric alarm errors is ALARM since 11:00:00, ignored for this release"),
        (None, Level.BLOCK, "alarm errors does not exist in this account and region"),
    ],
)
def test_preflight_of_an_ignored_alarm(now: AlarmReading | None, level: Level, message: str) -> None:
    """A misspelt name is a mistake even if it is to be ignored."""
    (finding,) = preflight_alarms(plan_of("errors", ignored=("errors",)), [now] if now else [])
    assert (finding.level, finding.message) == (level, message)


def test_preflight_says_how_to_release_the_fix_for_an_alarm() -> None:
    (finding,) = preflight_alarms(plan_of("errors"), [reading(ALARM)])
    assert "--ignore-alarm errors" in finding.hint


def test_preflight_finds_every_missing_name() -> None:
    findings = preflight_alarms(plan_of("a", "errors", "b"), [reading(OK)])
    assert [(finding.level, finding.message.split(" does")[0]) for finding in findings] == [
        (Level.BLOCK, "alarm a"),
        (Level.OK, "metric alarm errors is OK since 11:00:00"),
        (Level.BLOCK, "alarm b"),
    ]


def test_preflight_without_alarms_warns() -> None:
    (finding,) = preflight_alarms(plan_of(), ())
    assert (finding.level, finding.check) == (Level.WARN, "alarms")
    assert "--alarm" in finding.hint


@pytest.mark.parametrize(
    ("evaluation", "level", "said"),
    [
        ("EVALUATION_ERROR", Level.BLOCK, "is OK since 11:00:00, but CloudWatch cannot evaluate it (EVALUATION_ERROR)"),
        ("EVALUATION_FAILURE", Level.WARN, "(EVALUATION_FAILURE): the release waits for it at most 10m"),
        ("PARTIAL_DATA", Level.WARN, "on a part of its data (PARTIAL_DATA)"),
        ("", Level.OK, "metric alarm errors is OK since 11:00:00"),
    ],
)
def test_an_alarm_that_cannot_be_evaluated_is_found_before_the_first_write(
    evaluation: str, level: Level, said: str
) -> None:
    (finding,) = preflight_alarms(plan_of("errors"), [broken(OK, evaluation)])
    assert finding.level is level
    assert said in finding.message
