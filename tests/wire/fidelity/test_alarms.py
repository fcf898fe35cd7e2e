"""corrections/alarms: evaluated as CloudWatch does, and as time passes (CloudWatch user guide)."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.wire.conftest import until

if TYPE_CHECKING:
    from tests.wire.conftest import Function


def put(function: Function, value: float, *, dimension: str = "a", ago: float = 0, metric: str = "m") -> None:
    """One value of a metric of the test's own."""
    function.clients("cloudwatch").put_metric_data(
        Namespace=function.name,
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": "d", "Value": dimension}],
                "Timestamp": datetime.now(UTC) - timedelta(seconds=ago),
                "Value": value,
            }
        ],
    )


def alarm(function: Function, suffix: str, dimension: str = "a", **more: Any) -> str:
    own = {"Namespace": function.name, "MetricName": "m", "Dimensions": [{"Name": "d", "Value": dimension}]}
    return function.alarm(suffix, **{**own, **more})


def test_only_its_own_dimensions_count(function: Function) -> None:
    mine, other = alarm(function, "mine"), alarm(function, "other", dimension="b")
    put(function, 5)
    function.wait_for(mine, "ALARM", within=5)
    assert function.state_of(other) == "OK"


def test_it_recovers_as_time_passes_without_a_request(function: Function) -> None:
    name = alarm(function, "passing")
    put(function, 5)
    function.wait_for(name, "ALARM", within=5)
    time.sleep(1)
    function.wait_for(name, "OK", within=25)


def test_m_out_of_n(function: Function) -> None:
    two_of_three = alarm(function, "2of3", EvaluationPeriods=3, DatapointsToAlarm=2)
    one_of_three = alarm(function, "1of3", EvaluationPeriods=3, DatapointsToAlarm=1)
    put(function, 5, ago=10)
    function.wait_for(one_of_three, "ALARM", within=5)
    assert function.state_of(two_of_three) == "OK"
    put(function, 5, ago=0)
    function.wait_for(two_of_three, "ALARM", within=5)


def test_missing_data(function: Function) -> None:
    names = {kind: alarm(function, kind, TreatMissingData=kind) for kind in ("missing", "breaching", "notBreaching")}
    function.wait_for(names["notBreaching"], "OK", within=5)
    function.wait_for(names["breaching"], "ALARM", within=5)
    assert function.state_of(names["missing"]) == "INSUFFICIENT_DATA"


def test_a_percentile(function: Function) -> None:
    name = f"{function.name}-p90"
    function.clients("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace=function.name,
        MetricName="m",
        Dimensions=[{"Name": "d", "Value": "a"}],
        ExtendedStatistic="p90",
        Period=60,
        EvaluationPeriods=1,
        Threshold=100,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    for _ in range(9):
        put(function, 10)
    put(function, 1000)
    time.sleep(2)
    assert function.state_of(name) == "OK"
    put(function, 1000)
    function.wait_for(name, "ALARM", within=5)


def test_an_error_rate_by_metric_math(function: Function) -> None:
    name = f"{function.name}-rate"
    dimensions = [{"Name": "d", "Value": "a"}]

    def query(identifier: str, metric: str) -> dict[str, Any]:
        stat = {"Namespace": function.name, "MetricName": metric, "Dimensions": dimensions}
        return {
            "Id": identifier,
            "MetricStat": {"Metric": stat, "Period": 60, "Stat": "Sum"},
            "ReturnData": False,
        }

    metrics = [query("e", "errors"), query("i", "calls"), {"Id": "r", "Expression": "100*e/i", "ReturnData": True}]
    function.clients("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Metrics=metrics,
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    put(function, 100, metric="calls")
    put(function, 4, metric="errors")
    time.sleep(2)
    assert function.state_of(name) == "OK"
    put(function, 4, metric="errors")
    function.wait_for(name, "ALARM", within=5)
    found = function.clients("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    assert [item["Id"] for item in found["Metrics"]] == ["e", "i", "r"]


def test_a_composite_follows_its_children(function: Function) -> None:
    child = alarm(function, "child")
    function.wait_for(child, "OK", within=5)
    parent = f"{function.name}-parent"
    function.clients("cloudwatch").put_composite_alarm(AlarmName=parent, AlarmRule=f'ALARM("{child}")')
    put(function, 5)
    function.wait_for(parent, "ALARM", within=5)
    function.wait_for(parent, "OK", within=25)


def test_times_are_precise_and_only_move_with_the_state(function: Function) -> None:
    name = alarm(function, "times")
    function.wait_for(name, "OK", within=5)

    def changed() -> datetime:
        found = function.clients("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        at: datetime = found["StateTransitionedTimestamp"]
        return at

    before = changed()
    time.sleep(2)
    assert changed() == before
    put(function, 5)
    function.wait_for(name, "ALARM", within=5)
    assert changed() > before
    assert abs((datetime.now(UTC) - changed()).total_seconds()) < 5


def test_without_alarm_types_composites_are_silently_absent(function: Function) -> None:
    child = alarm(function, "child")
    parent = f"{function.name}-parent"
    cloudwatch = function.clients("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName=parent, AlarmRule=f'ALARM("{child}")')
    answer = cloudwatch.describe_alarms(AlarmNames=[child, parent, "nosuch"])
    assert [item["AlarmName"] for item in answer["MetricAlarms"]] == [child]
    assert answer["CompositeAlarms"] == []


def test_a_state_that_was_set_by_hand_gives_way_to_the_next_evaluation(function: Function) -> None:
    name = alarm(function, "byhand")
    function.wait_for(name, "OK", within=5)
    function.clients("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="drill")
    assert function.state_of(name) == "ALARM"
    until(lambda: function.state_of(name) == "OK", within=20)
