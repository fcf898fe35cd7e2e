"""Releases that the judge watches, on a simulated account with traffic: what it takes back, lets pass, waits for."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.comparison import Comparison, Measure
from lambdaops.core.errors import AccessDeniedError, BlockedError, ExitCode, NotFoundError, ThrottledError
from lambdaops.core.events import Judged, Observed
from lambdaops.core.model import FULL, Level, Routing
from lambdaops.core.plan import OnInconclusive, Plan, Stage, resolve_strategy
from lambdaops.core.replay import releases
from lambdaops.core.states import Done, Held, Signal
from lambdaops.ops import release as op
from lambdaops.ops.explain import explain
from tests.sim.rig import TARGET, Rig, plan_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

MINUTE = timedelta(minutes=1)
ERRORS = Comparison(Measure.ERRORS)
SLOW = Comparison(Measure.LATENCY, timedelta(milliseconds=800))


@pytest.fixture
def rig() -> Rig:
    """A thousand requests a minute, one in a thousand fails."""
    rig = Rig()
    rig.world.traffic.rate = 1_000
    rig.world.traffic.bad = {"1": 0.001, "2": 0.001}
    return rig


def judged(*comparisons: Comparison, bake: timedelta = 10 * MINUTE) -> Plan:
    stages = (Stage(1_000, bake), Stage(FULL, bake))
    return replace(plan_of(stages=stages, alarms=()), comparisons=comparisons or (ERRORS,))


def release(rig: Rig, plan: Plan, *, insists: bool = True) -> op.Ended:
    ended = op.release(rig.ports, op.Request(TARGET, plan, insists=insists))
    assert ended is not None
    return ended


def test_a_candidate_that_is_no_worse_is_promoted(rig: Rig) -> None:
    ended = release(rig, judged())
    assert ended.exit_code is ExitCode.DONE
    assert rig.world.writes == [Routing("1", "2", 1_000), Routing("2")]


def test_a_worse_candidate_is_taken_back_without_any_alarm(rig: Rig) -> None:
    rig.world.traffic.bad["2"] = 0.02  # one shape of fifty
    ended = release(rig, judged(bake=30 * MINUTE))
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert rig.world.routing == Routing("1")
    assert isinstance(ended.state, Done)
    assert ended.state.reason.startswith("errors: ")
    assert "surely over 1.5 times stable's" in ended.state.reason


def test_a_slower_candidate_is_taken_back(rig: Rig) -> None:
    rig.world.traffic.slow = {"1": 0.01, "2": 0.2}
    ended = release(rig, judged(ERRORS, SLOW))
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert ended.state.reason.startswith("latency:800ms: ")  # type: ignore[union-attr]


def test_an_incident_that_hits_both_versions_takes_nothing_back(rig: Rig) -> None:
    def incident(at: datetime) -> float:
        return 0.3 if at.minute % 10 < 5 else 0.001

    rig.world.traffic.bad = {"1": incident, "2": incident}
    assert release(rig, judged(bake=20 * MINUTE)).exit_code is ExitCode.DONE


def test_what_is_only_observed_is_told_and_does_not_act(rig: Rig) -> None:
    rig.world.traffic.bad["2"] = 0.5
    ended = release(rig, judged(replace(ERRORS, acts=False)))
    assert ended.exit_code is ExitCode.DONE
    seen = [gate for entry in rig.journal.entries if isinstance(entry.event, Observed) for gate in entry.event.gates]
    assert any("observed only" in gate.reason and "surely over" in gate.reason for gate in seen)


# -- too little traffic ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "code", "routing"),
    [
        (OnInconclusive.ROLLBACK, ExitCode.ROLLED_BACK, Routing("1")),
        (OnInconclusive.HOLD, ExitCode.HELD, Routing("1", "2", 1_000)),
        (OnInconclusive.PROMOTE, ExitCode.DONE, Routing("2")),
    ],
)
def test_too_little_traffic_waits_and_then_does_as_the_plan_says(
    rig: Rig, policy: OnInconclusive, code: ExitCode, routing: Routing
) -> None:
    rig.world.traffic.rate = 10
    ended = release(rig, replace(judged(replace(ERRORS, min_requests=100)), on_inconclusive=policy))
    assert (ended.exit_code, rig.world.routing) == (code, routing)
    if isinstance(ended.state, Held):
        assert "not enough: errors: " in ended.state.reason
        assert "more requests of the candidate" in ended.state.reason


def test_a_default_never_stands_in_the_way_of_a_function_that_has_hardly_any_traffic(rig: Rig) -> None:
    rig.world.traffic.rate = 10
    assert release(rig, judged(), insists=False).exit_code is ExitCode.DONE


def test_a_default_convicts_where_unexpected_traffic_fails(rig: Rig) -> None:
    rig.world.traffic.rate = 0
    rig.world.clock.after(60, lambda: setattr(rig.world.traffic, "rate", 1_000))
    rig.world.traffic.bad["2"] = 0.9
    rig.world.traffic.bad["1"] = 0.0
    assert release(rig, judged(), insists=False).exit_code is ExitCode.ROLLED_BACK


# -- before the first write --------------------------------------------------------------------------------------------


def findings(rig: Rig, plan: Plan, *, insists: bool = True) -> list[tuple[Level, str]]:
    prepared = op.prepare(rig.ports, op.look(rig.ports, TARGET), op.Request(TARGET, plan, insists=insists))
    return [(found.level, found.message) for found in prepared.findings if found.check == "compare"]


def test_what_is_usual_is_said_before(rig: Rig) -> None:
    ((level, said),) = findings(rig, judged())
    assert level is Level.OK
    assert said.startswith("errors at most 1.5 x; version 1 had ")
    assert " within 23h" in said


@pytest.mark.parametrize(
    ("alias", "function", "said"),
    [
        (None, None, "orders:live had no request in the 23h5"),
        (None, 5_000, "its callers go around the alias"),
        (7, 5_000, "version 1 had no request"),
    ],
)
def test_a_judge_that_would_be_blind_blocks_if_it_was_asked_for(
    rig: Rig, alias: int | None, function: int | None, said: str
) -> None:
    rig.world.traffic.rate = 0
    rig.world.traffic.past_alias, rig.world.traffic.past_function = alias, function
    ((level, message),) = findings(rig, judged())
    assert level is Level.BLOCK
    assert said in message
    with pytest.raises(BlockedError):
        release(rig, judged())
    assert rig.world.writes == []
    ((level, message),) = findings(rig, judged(), insists=False)
    assert level is Level.WARN
    assert said in message


def test_traffic_of_the_newest_minutes_is_not_said_to_be_none(rig: Rig) -> None:
    """Version 1 became stable a minute and a half ago, and has served since: those minutes are not counted yet."""
    now = rig.world.clock.now()
    rig.world.traffic.routing = Routing("0")
    rig.world.traffic.moved = [(now - timedelta(seconds=90), Routing("1"))]
    rig.world.traffic.past_alias = 300
    ((level, said),) = findings(rig, judged(), insists=False)
    assert level is Level.WARN
    counted = re.match(
        r"version 1 had no request in the 23h5\dm before (\d\d:\d\d:\d\d) UTC \(newer ones are not counted yet\), "
        r"though orders:live had 300; ",
        said,
    )
    assert counted, said
    assert counted[1] <= f"{now - MINUTE:%H:%M:%S}"


def test_that_there_is_no_traffic_may_be_said(rig: Rig) -> None:
    rig.world.traffic.rate = 0
    plan = judged(replace(ERRORS, min_requests=0))
    ((level, _),) = findings(rig, plan)
    assert level is Level.WARN
    assert release(rig, plan).exit_code is ExitCode.DONE


@pytest.mark.parametrize("insists", [True, False])
def test_metrics_that_may_not_be_read(rig: Rig, *, insists: bool) -> None:
    rig.world.fail("history", AccessDeniedError("not authorized"), times=99)
    ((level, said),) = findings(rig, judged(), insists=insists)
    assert level is (Level.BLOCK if insists else Level.WARN)
    assert "cannot be read: not authorized" in said


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (judged(replace(ERRORS, min_requests=5_000)), "10 % for 10m is about 1000 requests of the candidate"),
        (judged(bake=MINUTE), "a stage of 1m is over before its metrics are there (3m)"),
    ],
)
def test_a_stage_that_will_see_too_little_is_said_before(rig: Rig, plan: Plan, said: str) -> None:
    warned = [message for level, message in findings(rig, plan) if level is Level.WARN]
    assert len(warned) == 1
    assert said in warned[0]


def test_all_at_once_leaves_nothing_to_compare_with(rig: Rig) -> None:
    plan = replace(judged(), stages=(Stage(FULL, MINUTE),))
    assert [level for level, _ in findings(rig, plan)] == [Level.WARN]
    assert release(rig, plan).exit_code is ExitCode.DONE
    assert "look" not in rig.world.calls


# -- metrics that fail, a process that dies ----------------------------------------------------------------------------


def test_metrics_that_fail_for_a_while_undo_nothing(rig: Rig) -> None:
    rig.world.clock.after(200, lambda: rig.world.fail("look", ThrottledError("Rate exceeded"), times=3))
    assert release(rig, judged()).exit_code is ExitCode.DONE


def test_metrics_that_fail_for_good_take_the_candidate_back(rig: Rig) -> None:
    rig.world.clock.after(200, lambda: rig.world.fail("look", ThrottledError("Rate exceeded"), times=10_000))
    ended = release(rig, judged())
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert "errors: cannot be read: Rate exceeded" in ended.state.reason  # type: ignore[union-attr]


def test_a_minute_that_comes_in_late_is_read_again_until_it_has_settled(rig: Rig) -> None:
    """The errors of every minute are there only two minutes after it began, when it is over but may still change."""
    clock = rig.world.clock
    rig.world.traffic.bad["2"] = lambda at: 0.01 if clock.now() >= at + 2 * MINUTE else 0.0
    ended = release(rig, judged(bake=60 * MINUTE))
    assert ended.exit_code is ExitCode.ROLLED_BACK
    rows = [row for entry in rig.journal.entries if isinstance(entry.event, Judged) for row in entry.event.rows]
    assert [row.candidate_bad for row in rows if row.candidate] == [1] * (len(rows) - 1)  # each with all its errors


def test_every_settled_period_is_journaled_once(rig: Rig) -> None:
    release(rig, judged())
    at = [entry.event.at for entry in rig.journal.entries if isinstance(entry.event, Judged)]
    assert at == sorted(set(at))
    assert {late - early for early, late in pairwise(at)} == {MINUTE}


def die() -> None:
    raise KeyboardInterrupt


def test_what_was_seen_survives_the_process(rig: Rig) -> None:
    """Half the evidence comes from a process that dies; the other half convicts."""
    rig.world.traffic.bad["2"] = 0.01
    plan = judged(bake=60 * MINUTE)
    whole = Rig()
    whole.world.traffic = replace(rig.world.traffic, bad=dict(rig.world.traffic.bad), moved=[])
    assert release(whole, plan).exit_code is ExitCode.ROLLED_BACK
    took = sum(whole.world.clock.slept, timedelta())

    rig.world.clock.after(took.total_seconds() - 90, die)
    with pytest.raises(KeyboardInterrupt):
        release(rig, plan)
    before = releases(rig.journal.entries)[-1].sums
    assert before.evidence["errors"].candidate_bad > 0
    assert release(rig, plan).exit_code is ExitCode.ROLLED_BACK
    assert sum(rig.world.clock.slept, timedelta()) <= took + 2 * MINUTE


def test_harm_that_begins_after_an_hour_is_found_as_soon_by_a_process_that_took_over(rig: Rig) -> None:
    """The bets on when it began are made again from the journal, and are the ones that were placed."""

    def begins(began: datetime) -> Callable[[datetime], float]:
        return lambda at: 0.05 if at >= began + 60 * MINUTE else 0.01

    plan = judged(bake=120 * MINUTE)
    ended = []
    for dies in (False, True):
        again = Rig()
        again.world.traffic = replace(rig.world.traffic, rate=10_000, bad={}, moved=[])
        again.world.traffic.bad = {"1": 0.01, "2": begins(again.world.clock.now())}
        if dies:
            again.world.clock.after(30 * 60, die)
            with pytest.raises(KeyboardInterrupt):
                release(again, plan)
        ended.append((release(again, plan).exit_code, releases(again.journal.entries)[-1].sums.evidence["errors"]))
        assert sum(again.world.clock.slept, timedelta()) <= 64 * MINUTE
    whole, resumed = ended
    assert whole[0] == resumed[0] == ExitCode.ROLLED_BACK
    assert whole[1] == resumed[1]
    assert whole[1].told > 50


def test_a_driver_that_catches_up_after_days_on_hold_is_not_taken_for_dead(rig: Rig) -> None:
    plan = judged(bake=60 * MINUTE)
    rig.world.clock.after(90, lambda: setattr(rig, "asked", (Signal.HOLD, "the weekend")))
    assert isinstance(release(rig, plan).state, Held)
    rig.asked = None
    rig.world.clock.advance(timedelta(days=5))
    writes, beaten = rig.journal.writes, Counter[int]()
    rig.on_notice = lambda notice: beaten.update([rig.journals.beats])
    rig.world.clock.after(60, lambda: setattr(rig, "asked", (Signal.HOLD, "it is seen")))
    release(rig, plan)
    told = sum(isinstance(entry.event, Judged) for entry in rig.journal.entries)
    assert told > 5 * 24 * 60 - 5
    assert max(beaten.values()) <= 510, "periods journaled between two heartbeats"
    assert rig.journal.writes - writes < 40


# -- adaptive ----------------------------------------------------------------------------------------------------------


def test_adaptive_ends_a_stage_as_soon_as_the_judge_is_sure(rig: Rig) -> None:
    rig.world.traffic.rate = 10_000
    rig.world.traffic.bad = {"1": 0.05, "2": 0.05}
    slow = judged(bake=60 * MINUTE)
    assert release(rig, replace(slow, adaptive=True)).exit_code is ExitCode.DONE
    took = sum(rig.world.clock.slept, timedelta())
    assert took < 100 * MINUTE
    said = [entry.event.reason for entry in rig.journal.entries if hasattr(entry.event, "reason")]
    assert any("the judge is sure already" in reason for reason in said)


@pytest.mark.parametrize(("rate", "bad"), [(1_000, 0.01), (1_000, 0.05), (10_000, 0.001), (10_000, 0.05)])
def test_adaptive_waits_for_no_requests_where_the_judge_is_sure(rig: Rig, rate: int, bad: float) -> None:
    """Through all stages in minutes, though 20 settled requests in each would take four times three."""
    rig.world.traffic.rate = rate
    rig.world.traffic.bad = {"1": bad, "2": bad}
    one = replace(ERRORS, min_requests=20, budget=round(3_000_000 * bad))
    plan = replace(judged(one), stages=resolve_strategy("adaptive", MINUTE), adaptive=True)
    assert release(rig, plan).exit_code is ExitCode.DONE
    assert [routing.share("2") for routing in rig.world.writes] == [100, 500, 2_000, FULL]
    moves = [at for at, routing in rig.world.traffic.moved if routing in rig.world.writes]
    assert moves[-1] - moves[0] <= 7 * MINUTE


def test_adaptive_does_not_give_up_the_comparison_before_five_times_one_in_a_thousand_shows(rig: Rig) -> None:
    rig.world.traffic.bad = {"1": 0.001, "2": 0.005}
    one = replace(ERRORS, min_requests=20, budget=3_000)
    plan = replace(judged(one), stages=resolve_strategy("adaptive", MINUTE), adaptive=True)
    assert release(rig, plan).exit_code is ExitCode.ROLLED_BACK


def test_a_plan_that_is_not_adaptive_bakes_to_the_end(rig: Rig) -> None:
    rig.world.traffic.rate = 10_000
    rig.world.traffic.bad = {"1": 0.05, "2": 0.05}
    release(rig, judged(bake=60 * MINUTE))
    assert sum(rig.world.clock.slept, timedelta()) >= 120 * MINUTE


def test_an_incident_of_both_while_the_weight_changes_blames_nobody(rig: Rig) -> None:
    """Periods that are not settled yet are not added up: half of them have another weight."""
    began = rig.world.clock.now()

    def incident(at: datetime) -> float:
        return 0.3 if 10 <= (at - began) / MINUTE < 14 else 0.0

    rig.world.traffic.rate = 10_000
    rig.world.traffic.bad = {"1": incident, "2": incident}
    stages = (Stage(500, 10 * MINUTE), Stage(5_000, 10 * MINUTE), Stage(FULL, MINUTE))
    assert release(rig, replace(judged(), stages=stages)).exit_code is ExitCode.DONE


# -- why ---------------------------------------------------------------------------------------------------------------


def test_a_release_is_explained_period_by_period(rig: Rig) -> None:
    rig.world.traffic.bad["2"] = 0.006
    release(rig, judged(bake=60 * MINUTE))
    rows = explain(rig.journal.entries, "")
    seen = [row for row in rows if row.comparison]
    assert {row.comparison for row in seen} == {"errors"}
    assert sum(row.candidate for row in seen) > 200
    assert sum(row.candidate_bad for row in seen) > 3
    assert all(row.evidence.endswith(" of 100") for row in seen)
    said = [row.said for row in rows if not row.comparison]
    assert any("surely over 1.5 times stable's" in text for text in said)
    assert said[-1] == "over: rolled back"
    assert explain(rig.journal.entries, rig.journal.entries[-1].release) == rows


def test_a_release_that_is_not_there_is_not_explained(rig: Rig) -> None:
    with pytest.raises(NotFoundError, match="no release r-1"):
        explain(rig.journal.entries, "r-1")
    with pytest.raises(NotFoundError, match="has no release"):
        explain((), "")
