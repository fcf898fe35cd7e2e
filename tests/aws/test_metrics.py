"""GetMetricData: exact dimensions, one call for every series, every page, and nothing that is not complete."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.aws.metrics import CloudWatchMetrics
from lambdaops.core.errors import AccessDeniedError, RejectedError, ThrottledError, UnreachableError
from lambdaops.core.metric_gates import Metric
from lambdaops.core.series import Counts, Point, Reading
from lambdaops.ports.metrics import Compared, MetricsSeen, Versions, Watched

if TYPE_CHECKING:
    from botocore.stub import Stubber

    from lambdaops.aws.session import Session

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOW = NOON + timedelta(minutes=3, seconds=20)
BOTH = Versions("orders", "live", "41", "42")
SLOW = Versions("orders", "live", "41", "42", (timedelta(milliseconds=800), timedelta(seconds=2)))


@pytest.fixture
def metrics(session: Session) -> CloudWatchMetrics:
    return CloudWatchMetrics(session)


def query(name: str, metric: str, stat: str = "Sum", period: int = 60, **dimensions: str) -> dict[str, Any]:
    named = [{"Name": key, "Value": value} for key, value in {"FunctionName": "orders", **dimensions}.items()]
    metric_of = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": named}
    return {"Id": name, "MetricStat": {"Metric": metric_of, "Period": period, "Stat": stat}}


def of(version: str, prefix: str, *slow: str, period: int = 60) -> list[dict[str, Any]]:
    where = {"Resource": "orders:live", "ExecutedVersion": version}
    return [
        *(
            query(f"{prefix}_{name.lower()}", name, period=period, **where)
            for name in ("Invocations", "Errors", "Throttles")
        ),
        *(query(f"{prefix}_slow{n}", "Duration", stat, period, **where) for n, stat in enumerate(slow)),
    ]


def asked(*queries: dict[str, Any], end: datetime = NOON + 4 * MINUTE, **more: Any) -> dict[str, Any]:
    return {
        "MetricDataQueries": list(queries),
        "StartTime": NOON,
        "EndTime": end,
        "ScanBy": "TimestampAscending",
        **more,
    }


def series(name: str, *points: tuple[int, float], status: str = "Complete", **more: Any) -> dict[str, Any]:
    at, values = [NOON + minute * MINUTE for minute, _ in points], [value for _, value in points]
    return {"Id": name, "Label": "any", "Timestamps": at, "Values": values, "StatusCode": status, **more}


NAMES = [f"{prefix}_{name}" for prefix in "sc" for name in ("invocations", "errors", "throttles")]


def empty(*but: dict[str, Any], names: list[str] = NAMES) -> list[dict[str, Any]]:
    known = {result["Id"] for result in but}
    return [*but, *(series(name) for name in names if name not in known)]


def test_both_versions_are_one_call_on_the_three_dimensions_of_an_alias(
    metrics: CloudWatchMetrics, alarm_calls: Stubber
) -> None:
    answer = empty(
        series("s_invocations", (0, 900), (1, 880), (3, 100)),
        series("s_errors", (0, 3)),
        series("c_invocations", (0, 100), (2, 90)),
        series("c_errors", (2, 9)),
        series("c_throttles", (0, 4)),
    )
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": answer}, asked(*of("41", "s"), *of("42", "c")))
    found = metrics.look(Compared(BOTH, MINUTE, NOON + timedelta(seconds=12)), (), NOW).periods
    assert [(period.at - NOON) / MINUTE for period in found] == [0, 1, 2, 3]
    assert found[0].stable == Counts(900, 3)
    assert found[0].candidate == Counts(100, 0, 4)
    assert found[2].stable == Counts()
    assert found[2].candidate == Counts(90, 9)
    assert [period.closed for period in found] == [True, False, False, False]
    assert [period.over for period in found] == [True, True, True, False]


@pytest.mark.parametrize(("second", "over"), [(0, False), (14, False), (15, True)])
def test_a_period_is_over_when_its_last_datapoints_had_time_to_arrive(
    metrics: CloudWatchMetrics, alarm_calls: Stubber, second: int, over: bool
) -> None:
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": empty()})
    found = metrics.look(Compared(BOTH, MINUTE, NOON), (), NOON + MINUTE + timedelta(seconds=second)).periods
    assert found[0].over is over


def test_slow_requests_are_counted_by_cloudwatch(metrics: CloudWatchMetrics, alarm_calls: Stubber) -> None:
    """TC(800:) is how many took longer than 800 ms; a bound without % is absolute."""
    stats = ("TC(800:)", "TC(2000:)")
    names = [*NAMES, *(f"{prefix}_slow{number}" for prefix in "sc" for number in (0, 1))]
    answer = empty(series("s_slow0", (1, 7)), series("c_slow1", (1, 2)), names=names)
    alarm_calls.add_response(
        "get_metric_data", {"MetricDataResults": answer}, asked(*of("41", "s", *stats), *of("42", "c", *stats))
    )
    found = metrics.look(Compared(SLOW, MINUTE, NOON), (), NOW).periods
    assert found[1].stable == Counts(slow=(7, 0))
    assert found[1].candidate == Counts(slow=(0, 2))


def test_a_series_on_several_pages_is_put_together(metrics: CloudWatchMetrics, alarm_calls: Stubber) -> None:
    queries = (*of("41", "s"), *of("42", "c"))
    first = empty(series("s_invocations", (0, 1), status="PartialData"))
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": first, "NextToken": "more"}, asked(*queries))
    rest = [series("s_invocations", (1, 2))]
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": rest}, asked(*queries, NextToken="more"))
    found = metrics.look(Compared(BOTH, MINUTE, NOON), (), NOW).periods
    assert [period.stable.requests for period in found] == [1, 2, 0, 0]


@pytest.mark.parametrize(
    ("status", "error"),
    [("PartialData", UnreachableError), ("InternalError", UnreachableError), ("Forbidden", AccessDeniedError)],
)
def test_a_series_that_is_not_complete_is_an_error_and_no_zero(
    metrics: CloudWatchMetrics, alarm_calls: Stubber, status: str, error: type[Exception]
) -> None:
    why = [{"Code": status, "Value": "because"}]
    answer = empty(series("c_errors", status=status, Messages=why))
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": answer})
    seen = metrics.look(Compared(BOTH, MINUTE, NOON), (), NOW)
    assert seen.periods == ()
    assert isinstance(seen.trouble, error)
    assert f"did not answer in full: {status} because" in seen.trouble.message


def test_a_series_that_is_missing_from_the_answer_is_an_error(metrics: CloudWatchMetrics, alarm_calls: Stubber) -> None:
    answer = [result for result in empty() if result["Id"] != "c_errors"]
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": answer})
    seen = metrics.look(Compared(BOTH, MINUTE, NOON), (), NOW)
    assert "no answer" in str(seen.trouble)


@pytest.mark.parametrize(
    ("code", "status", "error"), [("AccessDenied", 403, AccessDeniedError), ("Throttling", 400, ThrottledError)]
)
def test_a_refusal_is_ours(
    metrics: CloudWatchMetrics, alarm_calls: Stubber, code: str, status: int, error: type[Exception]
) -> None:
    alarm_calls.add_client_error("get_metric_data", code, "no", http_status_code=status)
    with pytest.raises(error, match="could not read the metrics of orders:live"):
        metrics.look(Compared(BOTH, MINUTE, NOON), (), NOW)


def test_short_periods(metrics: CloudWatchMetrics, alarm_calls: Stubber) -> None:
    second = timedelta(seconds=5)
    queries = (*of("41", "s", period=5), *of("42", "c", period=5))
    alarm_calls.add_response(
        "get_metric_data", {"MetricDataResults": empty()}, asked(*queries, end=NOON + timedelta(seconds=15))
    )
    found = metrics.look(Compared(BOTH, second, NOON), (), NOON + timedelta(seconds=12)).periods
    assert [(period.at, period.over) for period in found] == [
        (NOON, True), (NOON + second, True), (NOON + 2 * second, False)
    ]  # fmt: skip


def test_the_past_has_only_what_has_settled_and_who_goes_around(
    metrics: CloudWatchMetrics, alarm_calls: Stubber
) -> None:
    names = [*NAMES[:3], "alias", "function"]
    answer = empty(
        series("s_invocations", (0, 10), (1, 20)), series("alias", (0, 30)), series("function", (0, 50), (1, 50)),
        names=names,
    )  # fmt: skip
    queries = (
        *of("41", "s"), query("alias", "Invocations", Resource="orders:live"), query("function", "Invocations")
    )  # fmt: skip
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": answer}, asked(*queries, end=NOON + 2 * MINUTE))
    past = metrics.history(BOTH, MINUTE, NOON, NOW)
    assert [(at, counts.requests) for at, counts in past.periods] == [(NOON, 10), (NOON + MINUTE, 20)]
    assert (past.alias_requests, past.function_requests) == (30, 100)


def test_no_datapoint_at_all_is_not_zero(metrics: CloudWatchMetrics, alarm_calls: Stubber) -> None:
    answer = empty(names=[*NAMES[:3], "alias", "function"])
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": answer})
    past = metrics.history(BOTH, MINUTE, NOON, NOW)
    assert (past.alias_requests, past.function_requests) == (None, None)


# -- gates on metrics --------------------------------------------------------------------------------------------------

AGE = Metric("AWS/SQS", "Age", "Maximum", (("QueueName", "q"),))
SENT = Metric("My Shop", "Sent", "Sum")
ALONE = Watched("backlog", "g0", "g0_0", (AGE,), MINUTE, 3 * MINUTE)
QUOTIENT = Watched("share", "g1", "100 * g1_0 / FILL(g1_1, 0)", (SENT, AGE), 5 * MINUTE, 10 * MINUTE)


def input_of(name: str, metric: Metric, period: int, **more: Any) -> dict[str, Any]:
    named = [{"Name": key, "Value": value} for key, value in metric.dimensions]
    what = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": named}
    return {"Id": name, "MetricStat": {"Metric": what, "Period": period, "Stat": metric.stat}, **more}


def test_gates_are_in_the_call_that_compares(metrics: CloudWatchMetrics, alarm_calls: Stubber) -> None:
    answer = [*empty(), series("g0", (0, 7), (1, 8), (3, 9.5)), series("g1", (0, 2.5))]
    queries = (
        *of("41", "s"), *of("42", "c"),
        input_of("g0", AGE, 60),
        input_of("g1_0", SENT, 300, ReturnData=False), input_of("g1_1", AGE, 300, ReturnData=False),
        {"Id": "g1", "Expression": "100 * g1_0 / FILL(g1_1, 0)"},
    )  # fmt: skip
    wanted = asked(*queries, end=NOON + 5 * MINUTE) | {"StartTime": NOON - 10 * MINUTE}
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": answer}, wanted)
    seen = metrics.look(Compared(BOTH, MINUTE, NOON), (ALONE, QUOTIENT), NOW)
    assert [period.at for period in seen.periods] == [NOON + number * MINUTE for number in range(4)]
    assert seen.readings["backlog"].points == (
        Point(NOON, 7), Point(NOON + MINUTE, 8, settled=False), Point(NOON + 3 * MINUTE, 9.5, settled=False)
    )  # fmt: skip
    assert seen.readings["share"].points == (Point(NOON, 2.5, settled=False),)


def test_gates_alone_are_one_call_too(metrics: CloudWatchMetrics, alarm_calls: Stubber) -> None:
    wanted = asked(input_of("g0", AGE, 60)) | {"StartTime": NOON}
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": [series("g0")]}, wanted)
    assert metrics.look(None, (ALONE,), NOW) == MetricsSeen(readings={"backlog": Reading()})


def test_a_query_says_its_period(metrics: CloudWatchMetrics, alarm_calls: Stubber) -> None:
    query = Watched("cpu", "g0", "SELECT MAX(CPU) FROM Shop", (), 5 * MINUTE, 5 * MINUTE)
    wanted = asked({"Id": "g0", "Expression": query.math, "Period": 300}, end=NOON + 5 * MINUTE)
    wanted["StartTime"] = NOON - 5 * MINUTE
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": [series("g0", (0, 1))]}, wanted)
    assert len(metrics.look(None, (query,), NOW).readings["cpu"].points) == 1


def test_nothing_asked_is_no_call(metrics: CloudWatchMetrics, alarm_calls: Stubber) -> None:
    assert metrics.look(None, (), NOW) == MetricsSeen()


@pytest.mark.parametrize(("minutes", "settled"), [(6, False), (7, True)])
def test_a_long_period_has_settled_two_minutes_after_its_end(
    metrics: CloudWatchMetrics, alarm_calls: Stubber, minutes: int, settled: bool
) -> None:
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": [series("g1", (0, 1))]})
    (point,) = metrics.look(None, (QUOTIENT,), NOON + minutes * MINUTE).readings["share"].points
    assert point.settled is settled


def test_a_gate_that_cannot_be_read_takes_nothing_from_the_others(
    metrics: CloudWatchMetrics, alarm_calls: Stubber
) -> None:
    why = [{"Code": "ArithmeticError", "Value": "one or more data-points have been dropped"}]
    answer = [*empty(), series("g0", (0, 1)), series("g1", status="InternalError", Messages=why)]
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": answer})
    seen = metrics.look(Compared(BOTH, MINUTE, NOON), (ALONE, QUOTIENT), NOW)
    assert seen.periods
    assert seen.readings["backlog"].points
    assert "InternalError one or more" in seen.readings["share"].trouble


def test_versions_that_cannot_be_compared_take_nothing_from_the_gates(
    metrics: CloudWatchMetrics, alarm_calls: Stubber
) -> None:
    answer = [*empty(series("c_errors", status="InternalError")), series("g0", (0, 1))]
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": answer})
    seen = metrics.look(Compared(BOTH, MINUTE, NOON), (ALONE,), NOW)
    assert seen.trouble is not None
    assert seen.readings["backlog"].points == (Point(NOON, 1),)


def test_an_expression_that_finds_several_series_is_no_one_value(
    metrics: CloudWatchMetrics, alarm_calls: Stubber
) -> None:
    answer = [{**series("g1", (0, 1)), "Label": label} for label in ("one", "other")]
    alarm_calls.add_response("get_metric_data", {"MetricDataResults": answer})
    assert "several series" in metrics.look(None, (QUOTIENT,), NOW).readings["share"].trouble


def test_an_expression_that_is_refused_is_said_as_cloudwatch_says_it(
    metrics: CloudWatchMetrics, alarm_calls: Stubber
) -> None:
    why = "Error in expression 'g1' [Unsupported operand type(s) for /]"
    alarm_calls.add_client_error("get_metric_data", "ValidationError", why, http_status_code=400)
    with pytest.raises(RejectedError, match="Unsupported operand type"):
        metrics.look(None, (QUOTIENT,), NOW)
