"""Releases that metrics with a threshold watch, on a simulated account."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.comparison import Comparison, Measure
from lambdaops.core.errors import BlockedError, ExitCode, RejectedError, ThrottledError
from lambdaops.core.events import Observed
from lambdaops.core.gates import Verdict
from lambdaops.core.metric_gates import MetricGate, parse_metric
from lambdaops.core.model import FULL, Level, Routing
from lambdaops.core.notices import Looked
from lambdaops.core.plan import OnInconclusive, Plan, Stage, differences
from lambdaops.core.states import Done
from lambdaops.ops import release as op
from lambdaops.ops.explain import explain
from tests.sim.rig import TARGET, Rig, plan_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

MINUTE = timedelta(minutes=1)
STAGES = (Stage(1_000, 10 * MINUTE), Stage(FULL, 10 * MINUTE))
BACKLOG = parse_metric("backlog: [AWS/SQS Age Maximum QueueName={function}-queue] > 300")
OWN = parse_metric("own: [Shop Failed Average Version={candidate}] > 5")
RATIO = parse_metric("ratio: [Shop Failed Sum V={candidate}] / [Shop Failed Sum V={stable}] > 2")


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.world.measured["backlog"] = lambda _: 12.0
    return rig


def watched(*gates: MetricGate, on_inconclusive: OnInconclusive = OnInconclusive.ROLLBACK) -> Plan:
    return replace(plan_of(stages=STAGES, alarms=()), metrics=gates or (BACKLOG,), on_inconclusive=on_inconclusive)


def after(rig: Rig, wait: timedelta, value: float | None, before: float | None = 12.0) -> Callable[[datetime], float]:
    begins = rig.world.clock.now() + wait
    return lambda at: before if at < begins else value  # type: ignore[return-value]


def findings(rig: Rig, plan: Plan) -> list[tuple[Level, str]]:
    prepared = op.prepare(rig.ports, op.look(rig.ports, TARGET), op.Request(TARGET, plan))
    return [(found.level, found.message) for found in prepared.findings if found.check == "metric"]


# -- during the release ------------------------------------------------------------------------------------------------


def test_a_metric_that_stays_within_its_threshold_lets_it_pass(rig: Rig) -> None:
    assert rig.release(watched()).exit_code is ExitCode.DONE
    assert rig.world.writes == [Routing("1", "2", 1_000), Routing("2")]


def test_one_that_goes_beyond_takes_the_candidate_back(rig: Rig) -> None:
    rig.world.measured["backlog"] = after(rig, 5 * MINUTE, 301.5)
    ended = rig.release(watched())
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert rig.world.routing == Routing("1")
    assert isinstance(ended.state, Done)
    assert ended.state.reason.startswith("backlog: 301.5 is > 300, since ")


def test_it_is_read_in_the_call_that_compares_with_its_names_filled_in(rig: Rig) -> None:
    rig.world.traffic.rate = 1_000
    rig.release(replace(watched(BACKLOG, RATIO), comparisons=(Comparison(Measure.ERRORS),)))
    looks = [notice for notice in rig.notices if isinstance(notice, Looked)]
    assert rig.world.calls.count("look") <= len(looks) + 5  # one a tick, and preflight's
    assert {gate.name for gate in looks[0].gates} == {"errors", "backlog", "ratio"}
    backlog, ratio = rig.world.watched
    assert backlog.metrics[0].dimensions == (("QueueName", "orders-queue"),)
    assert [metric.dimensions for metric in ratio.metrics] == [(("V", "2"),), (("V", "1"),)]
    assert ratio.math == "g1_0 / g1_1"


def test_a_stage_waits_for_a_datapoint_of_its_own(rig: Rig) -> None:
    short = (Stage(1_000, timedelta(seconds=10)), Stage(FULL, timedelta(seconds=10)))
    ended = rig.release(replace(watched(), stages=short, patience=10 * MINUTE))
    assert ended.exit_code is ExitCode.DONE
    assert sum(rig.world.clock.slept, timedelta()) >= 6 * MINUTE
    assert any("not enough: backlog: a datapoint of this stage" in str(notice) for notice in rig.notices)


def test_the_candidate_s_own_metric_may_be_silent_until_it_has_traffic(rig: Rig) -> None:
    rig.world.measured["own"] = after(rig, MINUTE, 1.0, None)
    assert rig.release(watched(OWN)).exit_code is ExitCode.DONE


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (OnInconclusive.ROLLBACK, ExitCode.ROLLED_BACK),
        (OnInconclusive.HOLD, ExitCode.HELD),
        (OnInconclusive.PROMOTE, ExitCode.DONE),
    ],
)
def test_silence_is_no_success(rig: Rig, policy: OnInconclusive, code: ExitCode) -> None:
    rig.world.measured["backlog"] = after(rig, MINUTE, None)
    ended = rig.release(watched(on_inconclusive=policy))
    assert ended.exit_code is code
    if code is ExitCode.ROLLED_BACK:
        assert "backlog: no datapoint within 6m; waited 3m" in ended.state.reason  # type: ignore[union-attr]


def test_what_is_only_observed_is_told_and_does_not_act(rig: Rig) -> None:
    rig.world.measured["backlog"] = after(rig, 5 * MINUTE, 301.5)
    assert rig.release(watched(replace(BACKLOG, acts=False))).exit_code is ExitCode.DONE
    seen = [gate for entry in rig.journal.entries if isinstance(entry.event, Observed) for gate in entry.event.gates]
    assert any(gate.verdict is Verdict.FAIL and "observed only" in gate.reason for gate in seen)


def test_a_comparison_with_stable_is_not_asked_at_full_traffic(rig: Rig) -> None:
    rig.world.measured["ratio"] = after(rig, 12 * MINUTE, None, 1.0)
    assert rig.release(watched(RATIO)).exit_code is ExitCode.DONE


def test_it_is_journaled_when_it_changes_and_not_at_every_look(rig: Rig) -> None:
    begins = rig.world.clock.now()
    rig.world.measured["backlog"] = lambda at: float((at - begins) / MINUTE)  # another value every minute
    rig.release(watched())
    assert len([entry for entry in rig.journal.entries if isinstance(entry.event, Observed)]) <= 4
    again = Rig()
    again.world.measured["backlog"] = after(again, 5 * MINUTE, 301.5)
    again.release(watched())
    assert any("301.5 is > 300" in row.said for row in explain(again.journal.entries, ""))


def test_metrics_that_fail_for_a_while_undo_nothing_and_for_good_go_back(rig: Rig) -> None:
    rig.world.clock.after(200, lambda: rig.world.fail("look", ThrottledError("Rate exceeded"), times=3))
    assert rig.release(watched()).exit_code is ExitCode.DONE
    again = Rig()
    again.world.measured["backlog"] = lambda _: 1.0
    again.world.clock.after(200, lambda: again.world.fail("look", ThrottledError("Rate exceeded"), times=10_000))
    ended = again.release(watched())
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert "backlog: cannot be read: Rate exceeded" in ended.state.reason  # type: ignore[union-attr]


def test_another_threshold_is_another_plan(rig: Rig) -> None:
    other = replace(BACKLOG, threshold="400")
    assert differences(watched(other), watched()) == (f"metrics {BACKLOG}, now {other}",)


# -- before the first write --------------------------------------------------------------------------------------------


def test_what_it_says_now_is_said_before(rig: Rig) -> None:
    ((level, said),) = findings(rig, watched())
    assert level is Level.OK
    assert said.startswith("metric backlog: [AWS/SQS Age Maximum QueueName={function}-queue] > 300 every 1m; 12 at ")


@pytest.mark.parametrize("acts", [True, False])
@pytest.mark.parametrize(
    ("value", "trouble", "said"),
    [
        (None, "", "metric backlog has no datapoint within 3h: [AWS/SQS Age Maximum"),
        (301.0, "", "metric backlog: 301 is > 300, since "),
        (1.0, "it finds several series", "metric backlog cannot be read: it finds several series"),
    ],
)
def test_one_that_is_blind_objects_or_cannot_be_read_blocks_if_it_acts(
    rig: Rig, acts: bool, value: float | None, trouble: str, said: str
) -> None:
    rig.world.measured["backlog"] = lambda _: value
    if trouble:
        rig.world.unreadable["backlog"] = trouble
    plan = watched(replace(BACKLOG, acts=acts))
    ((level, message),) = findings(rig, plan)
    assert level is (Level.BLOCK if acts else Level.WARN)
    assert message.startswith(said)
    if acts:
        with pytest.raises(BlockedError):
            rig.release(plan)
        assert rig.world.writes == []


def test_the_candidate_s_own_metric_has_nothing_to_say_yet(rig: Rig) -> None:
    ((level, said),) = findings(rig, watched(OWN))
    assert level is Level.OK
    assert "is the candidate's" in said


@pytest.mark.parametrize(
    ("acts", "policy", "level"),
    [
        (True, OnInconclusive.ROLLBACK, Level.BLOCK),
        (True, OnInconclusive.PROMOTE, Level.WARN),
        (False, OnInconclusive.ROLLBACK, None),
    ],
)
def test_periods_that_are_longer_than_a_stage_can_wait_are_found_before(
    rig: Rig, acts: bool, policy: OnInconclusive, level: Level | None
) -> None:
    hourly = replace(BACKLOG, period=60 * MINUTE, acts=acts)
    found = [(level, said) for level, said in findings(rig, watched(hourly, on_inconclusive=policy)) if "13m" in said]
    assert [level for level, _ in found] == ([level] if level else [])
    if level:
        assert "a datapoint of a stage may take 2h2m, and a stage of 10m waits 13m at most" in found[0][1]


def test_of_several_the_one_that_cloudwatch_refuses_is_named(rig: Rig) -> None:
    rig.world.measured["own"] = lambda _: 1.0
    rig.world.fail("look", RejectedError("bad expression"), times=1)

    def refuse_own() -> None:
        rig.world.fail("look", RejectedError("bad expression"), times=1)

    plan = watched(BACKLOG, OWN)
    rig.world.on_call = lambda name: refuse_own() if name == "look" and rig.world.calls.count("look") == 2 else None
    found = findings(rig, plan)
    assert [level for level, _ in found] == [Level.OK, Level.BLOCK]
    assert found[1][1] == "metric own cannot be read: bad expression"
