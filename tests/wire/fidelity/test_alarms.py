"""corrections/alarms: evaluated as CloudWatch does, and as time passes (CloudWatch user guide)."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.wire.conftest import Function, until

if TYPE_CHECKING:
    from tests.wire.conftest import Clients


_numbers = itertools.count(1)


@pytest.fixture
def function(clients: Clients) -> Function:
    """Only a name of the test's own, for its metrics and alarms: nothing runs here."""
    return Function(f"alarms{next(_numbers)}", clients)


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


def put_before(function: Function, value: float) -> None:
    """One value in the period that closed last: an alarm that looks at one period recovers at the next."""
    if time.time() % 10 > 6:  # leave the evaluation time to see it
        time.sleep(10.1 - time.time() % 10)
    put(function, value, ago=10)


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
    put_before(function, 5)
    function.wait_for(name, "ALARM", within=5)
    function.wait_for(name, "OK", within=15)


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


def by_percentile(function: Function, statistic: str, period: int = 10) -> str:
    name = f"{function.name}-{statistic}"
    function.clients("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace=function.name,
        MetricName="m",
        Dimensions=[{"Name": "d", "Value": "a"}],
        ExtendedStatistic=statistic,
        Period=period,
        EvaluationPeriods=1,
        Threshold=100,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    return name


def test_a_percentile(function: Function) -> None:
    name = by_percentile(function, "p90", period=60)
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
    put_before(function, 5)
    function.wait_for(parent, "ALARM", within=5)
    function.wait_for(parent, "OK", within=15)


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


def described(function: Function, name: str) -> dict[str, Any]:
    answer = function.clients("cloudwatch").describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    found: dict[str, Any] = [*answer["MetricAlarms"], *answer["CompositeAlarms"]][0]
    return found


def test_it_is_evaluated_without_any_request(function: Function) -> None:
    """Nobody looks for a while; the alarm changed long before somebody does, and says when."""
    name = alarm(function, "unseen")
    parent = f"{function.name}-above"
    function.clients("cloudwatch").put_composite_alarm(AlarmName=parent, AlarmRule=f'ALARM("{name}")')
    put(function, 5)
    time.sleep(4)
    asked = datetime.now(UTC)
    for each in (name, parent):
        found = described(function, each)
        assert found["StateValue"] == "ALARM"
        assert found["StateTransitionedTimestamp"] < asked - timedelta(seconds=1)
        assert found["StateTransitionedTimestamp"].microsecond, "precise, or a flap within the second goes unseen"
        assert found["StateUpdatedTimestamp"] >= found["StateTransitionedTimestamp"]
    assert described(function, name)["StateReason"].endswith("was greater than the threshold (0.0).")
    assert described(function, parent)["StateReason"].startswith(described(function, name)["AlarmArn"])


def test_setting_a_state_moves_the_composite_and_its_times(function: Function) -> None:
    name = alarm(function, "drilled")
    function.wait_for(name, "OK", within=5)
    parent = f"{function.name}-above"
    cloudwatch = function.clients("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName=parent, AlarmRule=f'ALARM("{name}")')
    before = described(function, name)["StateTransitionedTimestamp"]
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="drill")
    found = described(function, name)
    assert (found["StateValue"], found["StateReason"]) == ("ALARM", "drill")
    assert found["StateTransitionedTimestamp"] > before
    assert found["StateTransitionedTimestamp"].microsecond
    assert function.state_of(parent) == "ALARM"


def test_putting_an_alarm_again_keeps_its_state_and_its_time(function: Function) -> None:
    name = alarm(function, "again")
    put(function, 5)
    function.wait_for(name, "ALARM", within=5)
    before = described(function, name)
    alarm(function, "again", AlarmDescription="now with a description")
    after = described(function, name)
    for field in ("StateValue", "StateReason", "StateTransitionedTimestamp"):
        assert after[field] == before[field]


def test_a_new_alarm_says_that_it_was_not_looked_at(function: Function) -> None:
    name = alarm(function, "new", TreatMissingData="missing")
    found = described(function, name)
    assert found["StateValue"] == "INSUFFICIENT_DATA"
    assert found["StateReason"] == "Unchecked: Initial alarm creation"  # as recorded on AWS


def test_what_was_not_asked_for_is_not_described(function: Function) -> None:
    """A percentile has no Statistic; an expression has its statistics and periods in its queries."""
    percentile = by_percentile(function, "p90")
    assert "Statistic" not in described(function, percentile)
    assert "DatapointsToAlarm" not in described(function, percentile)


def test_an_alarm_of_another_kind_does_not_stop_the_others(function: Function) -> None:
    """Anomaly detection and trimmed means are not understood here; those alarms keep their state."""
    cloudwatch = function.clients("cloudwatch")
    stat = {"Namespace": function.name, "MetricName": "m", "Dimensions": [{"Name": "d", "Value": "a"}]}
    odd = f"{function.name}-anomaly"
    cloudwatch.put_metric_alarm(
        AlarmName=odd,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanUpperThreshold",
        ThresholdMetricId="band",
        Metrics=[
            {"Id": "m1", "MetricStat": {"Metric": stat, "Period": 10, "Stat": "Sum"}, "ReturnData": True},
            {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)", "ReturnData": True},
        ],
    )
    trimmed = by_percentile(function, "tm90")
    fine = alarm(function, "understood")
    try:
        put(function, 5)
        function.wait_for(fine, "ALARM", within=5)
        assert function.state_of(odd) == function.state_of(trimmed) == "INSUFFICIENT_DATA"
        assert {"Statistic", "Period"}.isdisjoint(described(function, odd))
    finally:
        cloudwatch.delete_alarms(AlarmNames=[odd, trimmed])
