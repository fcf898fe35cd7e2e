"""ListFunctions, ListAliases and DescribeAlarms over a whole account: every page, both kinds, one sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.aws.inventory import AwsInventory
from lambdaops.core.errors import AccessDeniedError, NotFoundError, ThrottledError
from lambdaops.core.model import Alias, Routing
from lambdaops.ports import AlarmLink

if TYPE_CHECKING:
    from botocore.stub import Stubber

    from lambdaops.aws.session import Session

ARN = "arn:aws:lambda:eu-central-1:111122223333:function:orders"
ALARM_ARN = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:"


@pytest.fixture
def inventory(session: Session) -> AwsInventory:
    return AwsInventory(session)


def functions_page(*names: str, marker: str | None = None) -> dict[str, Any]:
    page: dict[str, Any] = {"Functions": [{"FunctionName": name} for name in names]}
    return page if marker is None else page | {"NextMarker": marker}


def alias_item(name: str, version: str = "1", weights: dict[str, float] | None = None) -> dict[str, Any]:
    routing = {} if weights is None else {"RoutingConfig": {"AdditionalVersionWeights": weights}}
    return {"AliasArn": f"{ARN}:{name}", "Name": name, "FunctionVersion": version, "RevisionId": f"r-{name}", **routing}


def asked(**more: str) -> dict[str, Any]:
    return {"AlarmTypes": ["MetricAlarm", "CompositeAlarm", "LogAlarm"], "MaxRecords": 100, **more}


def metric(name: str, **dimensions: str) -> dict[str, Any]:
    return {"AlarmName": name, "Dimensions": dims(**dimensions)}


def dims(**values: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def test_the_region(inventory: AwsInventory) -> None:
    assert inventory.region == "eu-central-1"


# -- functions ---------------------------------------------------------------------------------------------------------


def test_every_page_of_functions(inventory: AwsInventory, calls: Stubber) -> None:
    calls.add_response("list_functions", functions_page("b", "a", marker="m1"), {"MaxItems": 50})
    calls.add_response("list_functions", functions_page(marker="m2"), {"MaxItems": 50, "Marker": "m1"})
    calls.add_response("list_functions", functions_page("c"), {"MaxItems": 50, "Marker": "m2"})
    assert list(inventory.functions()) == ["b", "a", "c"]


def test_functions_are_asked_for_as_they_are_needed(inventory: AwsInventory, calls: Stubber) -> None:
    calls.add_response("list_functions", functions_page("a", marker="m1"), {"MaxItems": 50})
    assert next(inventory.functions()) == "a"


def test_no_permission_to_list_functions_names_it(inventory: AwsInventory, calls: Stubber) -> None:
    calls.add_client_error("list_functions", "AccessDeniedException", "no", 403)
    with pytest.raises(AccessDeniedError, match="could not list the functions: no") as caught:
        list(inventory.functions())
    assert "lambda:ListFunctions on *" in caught.value.hint


def test_a_refusal_on_a_later_page_of_functions_is_a_refusal(inventory: AwsInventory, calls: Stubber) -> None:
    calls.add_response("list_functions", functions_page("a", marker="m1"))
    calls.add_client_error("list_functions", "TooManyRequestsException", "slow down", 429)
    with pytest.raises(ThrottledError):
        list(inventory.functions())


# -- aliases -----------------------------------------------------------------------------------------------------------


def test_every_page_of_aliases_with_weights(inventory: AwsInventory, calls: Stubber) -> None:
    first = {"Aliases": [alias_item("live", "1", {"2": 0.1})], "NextMarker": "m1"}
    calls.add_response("list_aliases", first, {"FunctionName": "orders", "MaxItems": 50})
    second = {"Aliases": [alias_item("beta", "2")]}
    calls.add_response("list_aliases", second, {"FunctionName": "orders", "MaxItems": 50, "Marker": "m1"})
    assert inventory.aliases("orders") == (
        Alias(f"{ARN}:beta", Routing("2"), "r-beta"),
        Alias(f"{ARN}:live", Routing("1", "2", 1000), "r-live"),
    )


def test_a_function_without_aliases(inventory: AwsInventory, calls: Stubber) -> None:
    calls.add_response("list_aliases", {"Aliases": []}, {"FunctionName": "orders", "MaxItems": 50})
    assert inventory.aliases("orders") == ()


def test_a_function_that_is_gone(inventory: AwsInventory, calls: Stubber) -> None:
    calls.add_client_error("list_aliases", "ResourceNotFoundException", "gone", 404)
    with pytest.raises(NotFoundError, match="could not list the aliases of orders: gone") as caught:
        inventory.aliases("orders")
    assert caught.value.target == "orders"


# -- alarms ------------------------------------------------------------------------------------------------------------


def test_alarm_names_by_prefix_on_every_page(inventory: AwsInventory, alarm_calls: Stubber) -> None:
    first = {"MetricAlarms": [metric("orders-b")], "NextToken": "2"}
    alarm_calls.add_response("describe_alarms", first, asked(AlarmNamePrefix="orders-"))
    second = {"CompositeAlarms": [{"AlarmName": "orders-a", "AlarmRule": "TRUE"}]}
    alarm_calls.add_response("describe_alarms", second, asked(AlarmNamePrefix="orders-", NextToken="2"))
    assert inventory.alarm_names("orders-") == ("orders-a", "orders-b")


def test_an_empty_prefix_is_not_sent(inventory: AwsInventory, alarm_calls: Stubber) -> None:
    """AlarmNamePrefix has at least one character; without it, every alarm is meant, and that is what was asked."""
    alarm_calls.add_response("describe_alarms", {"MetricAlarms": [metric("x")]}, asked())
    assert inventory.alarm_names("") == ("x",)


def test_no_permission_to_list_alarms_names_it(inventory: AwsInventory, alarm_calls: Stubber) -> None:
    alarm_calls.add_client_error("describe_alarms", "AccessDenied", "no", 403)
    with pytest.raises(AccessDeniedError, match="could not list the alarms") as caught:
        inventory.alarm_links()
    assert "cloudwatch:DescribeAlarms" in caught.value.hint


QUERY = {
    "Id": "m1",
    "MetricStat": {
        "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": dims(FunctionName="orders")},
        "Period": 60,
        "Stat": "Sum",
    },
}


@pytest.mark.parametrize(
    ("item", "links"),
    [
        (metric("a", FunctionName="orders"), [("orders", "")]),
        (metric("a", FunctionName="orders", Resource="orders"), [("orders", "")]),
        (metric("a", FunctionName="orders", Resource="orders:live"), [("orders", "live")]),
        (metric("a", FunctionName="orders", Resource="orders:3"), [("orders", "3")]),
        (metric("a", FunctionName="orders", Resource="orders:live", ExecutedVersion="3"), [("orders", "live")]),
        (metric("a", FunctionName="orders", Resource="someone-elses-dimension"), [("orders", "")]),
        (metric("a", FunctionName="orders", Resource="carts:live"), [("orders", "")]),
        (metric("a", Resource="orders:live"), []),  # not Lambda's: it always sends FunctionName with it
        (metric("a", QueueName="orders"), []),
        ({"AlarmName": "a"}, []),
        ({"AlarmName": "a", "Metrics": [QUERY, {"Id": "e", "Expression": "m1*2"}]}, [("orders", "")]),
    ],
)
def test_what_an_alarm_is_about(
    inventory: AwsInventory, alarm_calls: Stubber, item: dict[str, Any], links: list[tuple[str, str]]
) -> None:
    alarm_calls.add_response("describe_alarms", {"MetricAlarms": [item]}, asked())
    assert inventory.alarm_links() == tuple(AlarmLink("a", function, qualifier) for function, qualifier in links)


@pytest.mark.parametrize(
    "rule",
    [
        'ALARM("errors")',
        "ALARM('errors') OR TRUE",
        "NOT (OK(errors))",
        f'(ALARM("gone") AND INSUFFICIENT_DATA ( "{ALARM_ARN}errors" ))',
        'ALARM("inner")',
    ],
)
def test_a_composite_alarm_is_about_what_its_children_are(
    inventory: AwsInventory, alarm_calls: Stubber, rule: str
) -> None:
    answer = {
        "CompositeAlarms": [
            {"AlarmName": "health", "AlarmRule": rule},
            # One that leads back to where it came from must end.
            {"AlarmName": "inner", "AlarmRule": 'ALARM("health") OR ALARM("errors")'},
        ],
        "NextToken": "2",
    }
    alarm_calls.add_response("describe_alarms", answer, asked())
    # Its child comes on a later page.
    alarm_calls.add_response(
        "describe_alarms", {"MetricAlarms": [metric("errors", FunctionName="orders")]}, asked(NextToken="2")
    )
    assert AlarmLink("health", "orders") in inventory.alarm_links()


def test_a_composite_alarm_of_nothing_we_know(inventory: AwsInventory, alarm_calls: Stubber) -> None:
    answer = {"CompositeAlarms": [{"AlarmName": "never", "AlarmRule": "FALSE"}, {"AlarmName": "a", "AlarmRule": "!!"}]}
    alarm_calls.add_response("describe_alarms", answer, asked())
    assert inventory.alarm_links() == ()


def test_an_alarm_on_two_functions_is_linked_to_both_once(inventory: AwsInventory, alarm_calls: Stubber) -> None:
    answer = {
        "MetricAlarms": [metric("b", FunctionName="orders"), metric("a", FunctionName="carts")],
        "CompositeAlarms": [{"AlarmName": "shop", "AlarmRule": 'ALARM("a") OR ALARM("b") OR OK("b")'}],
    }
    alarm_calls.add_response("describe_alarms", answer, asked())
    assert inventory.alarm_links() == (
        AlarmLink("a", "carts"),
        AlarmLink("shop", "carts"),
        AlarmLink("b", "orders"),
        AlarmLink("shop", "orders"),
    )
