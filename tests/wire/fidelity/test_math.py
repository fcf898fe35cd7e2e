"""corrections/math: metric math in GetMetricData, in one call with the metrics it is made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.wire.conftest import Clients

NOW = datetime.now(UTC).replace(second=0, microsecond=0)


def metric(name: str, *, returned: bool = True) -> dict[str, Any]:
    what = {"Namespace": "Fidelity", "MetricName": name, "Dimensions": [{"Name": "Of", "Value": "math"}]}
    return {"Id": name, "MetricStat": {"Metric": what, "Period": 60, "Stat": "Sum"}, "ReturnData": returned}


def get(clients: Clients, *queries: dict[str, Any]) -> dict[str, dict[datetime, float]]:
    answer = clients("cloudwatch").get_metric_data(
        MetricDataQueries=list(queries), StartTime=NOW - timedelta(minutes=10), EndTime=NOW + timedelta(minutes=1)
    )
    assert {result["StatusCode"] for result in answer["MetricDataResults"]} <= {"Complete"}
    return {
        result["Id"]: dict(zip(result["Timestamps"], result["Values"], strict=True))
        for result in answer["MetricDataResults"]
    }


@pytest.fixture(scope="module", autouse=True)
def put(clients: Clients) -> None:
    for name, values in {"errors": (1, 2), "requests": (10, 10, 10)}.items():
        for back, value in enumerate(values, 1):
            at = NOW - timedelta(minutes=back)
            data = {
                "MetricName": name,
                "Timestamp": at,
                "Value": value,
                "Dimensions": [{"Name": "Of", "Value": "math"}],
            }
            clients("cloudwatch").put_metric_data(Namespace="Fidelity", MetricData=[data])


def test_math_over_inputs_that_are_not_returned(clients: Clients) -> None:
    share = {"Id": "share", "Expression": "100 * errors / requests"}
    found = get(clients, metric("errors", returned=False), metric("requests"), share)
    assert set(found) == {"requests", "share"}
    assert sorted(found["share"].values()) == [10, 20]  # where either has no datapoint, there is none
    assert min(found["share"]) == NOW - timedelta(minutes=2)


def test_fill_and_math_over_math(clients: Clients) -> None:
    filled = {"Id": "filled", "Expression": "FILL(errors, 0)", "ReturnData": False}
    share = {"Id": "share", "Expression": "filled / requests"}
    found = get(clients, metric("errors", returned=False), metric("requests", returned=False), filled, share)
    assert sorted(found["share"].values()) == [0, 0.1, 0.2]


def test_a_series_without_data_is_empty(clients: Clients) -> None:
    found = get(clients, metric("nothing", returned=False), {"Id": "twice", "Expression": "2 * nothing"})
    assert found == {"twice": {}}


def test_an_expression_that_makes_no_sense_is_refused(clients: Clients) -> None:
    with pytest.raises(ClientError) as caught:
        get(clients, metric("errors"), {"Id": "bad", "Expression": "errors +* 2"})
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert "Error in expression 'bad'" in caught.value.response["Error"]["Message"]
