"""What else preflight asks of Lambda: event sources, the resource policy, provisioned concurrency."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.core.errors import AccessDeniedError, NotFoundError
from lambdaops.core.model import EventSource, Permission, Provisioned

if TYPE_CHECKING:
    from botocore.stub import Stubber

    from lambdaops.aws.functions import LambdaFunctions

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:orders"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:orders-in"
ASKED = {"FunctionName": "orders"}

# -- ListEventSourceMappings ---------------------------------------------------------------------------------------


def test_event_sources_of_all_pages_with_their_qualifier(functions: LambdaFunctions, calls: Stubber) -> None:
    first = {"EventSourceArn": QUEUE, "FunctionArn": f"{ARN}:live", "State": "Enabled"}
    second = {"EventSourceArn": f"{QUEUE}-2", "FunctionArn": ARN, "State": "Enabled"}
    third = {"EventSourceArn": f"{QUEUE}-3", "FunctionArn": f"{ARN}:7", "State": "Enabled"}
    operation = "list_event_source_mappings"
    calls.add_response(operation, {"NextMarker": "page2", "EventSourceMappings": [first]}, ASKED)
    calls.add_response(operation, {"EventSourceMappings": [second, third]}, {**ASKED, "Marker": "page2"})
    assert list(functions.event_sources("orders")) == [
        EventSource(QUEUE, "live", enabled=True),
        EventSource(f"{QUEUE}-2", "", enabled=True),
        EventSource(f"{QUEUE}-3", "7", enabled=True),
    ]


@pytest.mark.parametrize(
    ("state", "enabled"),
    [
        ("Creating", True),
        ("Enabling", True),
        ("Enabled", True),
        ("Updating", True),
        ("Disabling", False),
        ("Disabled", False),
        ("Deleting", False),
    ],
)
def test_a_mapping_on_its_way_to_invoke_counts(
    functions: LambdaFunctions, calls: Stubber, state: str, enabled: bool
) -> None:
    mapping = {"EventSourceArn": QUEUE, "FunctionArn": ARN, "State": state}
    calls.add_response("list_event_source_mappings", {"EventSourceMappings": [mapping]}, ASKED)
    assert [source.enabled for source in functions.event_sources("orders")] == [enabled]


def test_self_managed_kafka_is_named_by_its_servers(functions: LambdaFunctions, calls: Stubber) -> None:
    mapping = {
        "FunctionArn": f"{ARN}:live",
        "State": "Enabled",
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["a.example:9092", "b.example:9092"]}},
    }
    calls.add_response("list_event_source_mappings", {"EventSourceMappings": [mapping]}, ASKED)
    (source,) = functions.event_sources("orders")
    assert source == EventSource("a.example:9092,b.example:9092", "live", enabled=True)


# -- GetPolicy -----------------------------------------------------------------------------------------------------


def policy(*statements: dict[str, Any]) -> dict[str, str]:
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements}), "RevisionId": "rev-1"}


def allow(sid: str, **more: Any) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": ARN, **more}


def test_no_policy_lets_nobody_in(functions: LambdaFunctions, calls: Stubber) -> None:
    calls.add_client_error("get_policy", "ResourceNotFoundException", "no policy", 404, expected_params=ASKED)
    assert list(functions.permissions("orders")) == []


@pytest.mark.parametrize(
    ("principal", "said"),
    [
        ({"Service": "s3.amazonaws.com"}, "s3.amazonaws.com"),
        ({"AWS": "arn:aws:iam::123456789012:root"}, "arn:aws:iam::123456789012:root"),
        ("*", "*"),
        ({"AWS": "*"}, "*"),
        ({}, "*"),
    ],
    ids=str,
)
def test_who_may_invoke(functions: LambdaFunctions, calls: Stubber, principal: Any, said: str) -> None:
    calls.add_response("get_policy", policy(allow("in", Principal=principal)), ASKED)
    assert list(functions.permissions("orders")) == [Permission(said, "", "in")]


def test_a_statement_says_which_qualifier_it_opens(functions: LambdaFunctions, calls: Stubber) -> None:
    service = {"Service": "events.amazonaws.com"}
    statements = policy(
        allow("latest", Principal=service),
        allow("alias", Principal=service, Resource=f"{ARN}:live"),
        allow("version", Principal=service, Resource=f"{ARN}:7"),
    )
    calls.add_response("get_policy", statements, ASKED)
    found = [(one.sid, one.qualifier) for one in functions.permissions("orders")]
    assert found == [("latest", ""), ("alias", "live"), ("version", "7")]


def test_a_deny_lets_nobody_in(functions: LambdaFunctions, calls: Stubber) -> None:
    calls.add_response("get_policy", policy(allow("no", Principal="*") | {"Effect": "Deny"}), ASKED)
    assert list(functions.permissions("orders")) == []


@pytest.mark.parametrize(
    ("action", "counts"),
    [
        ("lambda:InvokeFunction", True),
        ("lambda:InvokeFunctionUrl", True),
        ("lambda:*", True),
        ("*", True),
        (["lambda:GetFunction", "lambda:InvokeFunction"], True),
        ("lambda:GetFunction", False),
        (["lambda:GetFunction"], False),
    ],
    ids=str,
)
def test_only_who_may_invoke_counts(functions: LambdaFunctions, calls: Stubber, action: Any, counts: bool) -> None:
    calls.add_response("get_policy", policy(allow("in", Principal="*", Action=action)), ASKED)
    assert bool(functions.permissions("orders")) is counts


def test_a_policy_without_statements(functions: LambdaFunctions, calls: Stubber) -> None:
    calls.add_response("get_policy", {"Policy": "{}"}, ASKED)
    assert list(functions.permissions("orders")) == []


def test_a_policy_we_may_not_read_is_not_an_empty_one(functions: LambdaFunctions, calls: Stubber) -> None:
    calls.add_client_error("get_policy", "AccessDeniedException", "not authorized", 403)
    with pytest.raises(AccessDeniedError, match="could not read the policy of orders: not authorized"):
        functions.permissions("orders")


# -- GetProvisionedConcurrencyConfig -------------------------------------------------------------------------------

PROVISIONED_OF = {"FunctionName": "orders", "Qualifier": "live"}
PROVISIONED = "get_provisioned_concurrency_config"


def test_no_provisioned_concurrency(functions: LambdaFunctions, calls: Stubber) -> None:
    code = "ProvisionedConcurrencyConfigNotFoundException"
    calls.add_client_error(PROVISIONED, code, "none", 404, expected_params=PROVISIONED_OF)
    assert functions.provisioned("orders", "live") is None


def test_an_alias_that_is_not_there_is_not_one_without_provisioned_concurrency(
    functions: LambdaFunctions, calls: Stubber
) -> None:
    calls.add_client_error(PROVISIONED, "ResourceNotFoundException", "no alias", 404)
    with pytest.raises(NotFoundError):
        functions.provisioned("orders", "live")


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (
            {
                "Status": "READY",
                "RequestedProvisionedConcurrentExecutions": 5,
                "AvailableProvisionedConcurrentExecutions": 4,
                "AllocatedProvisionedConcurrentExecutions": 3,
            },
            Provisioned("READY", 5, 4),
        ),
        (
            {"Status": "FAILED", "RequestedProvisionedConcurrentExecutions": 5, "StatusReason": "limit"},
            Provisioned("FAILED", 5, 0, "limit"),
        ),
    ],
    ids=["ready", "failed"],
)
def test_provisioned_concurrency(
    functions: LambdaFunctions, calls: Stubber, answer: dict[str, Any], read: Provisioned
) -> None:
    calls.add_response(PROVISIONED, answer, PROVISIONED_OF)
    assert functions.provisioned("orders", "live") == read
