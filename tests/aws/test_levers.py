"""What starts a function: one call each, every page read, nothing changed but what was asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from lambdaops.aws.levers import LambdaLevers
from lambdaops.core.errors import AccessDeniedError, ConflictError, NotFoundError, RejectedError
from lambdaops.core.halt.callers import Caller
from lambdaops.core.halt.mappings import Mapping
from lambdaops.ports.halting import Concurrency

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.aws.session import Session

FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:orders"
QUEUE = "arn:aws:sqs:eu-central-1:111122223333:orders-queue"
UUID = "d665005a-433f-4752-a1f5-f9a28461dbe0"
OTHER = "0a1b2c3d-433f-4752-a1f5-f9a28461dbe0"
META = {"RequestId": "req-1", "HTTPStatusCode": 202, "HTTPHeaders": {}, "RetryAttempts": 0}


@pytest.fixture
def levers(session: Session) -> LambdaLevers:
    return LambdaLevers(session)


@pytest.fixture
def calls(session: Session) -> Iterator[Stubber]:
    with Stubber(session.functions(urgent=True)) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("reserved", [None, 0, 7])
def test_one_call_tells_the_arn_and_what_is_reserved(
    levers: LambdaLevers, calls: Stubber, reserved: int | None
) -> None:
    configuration = {"FunctionArn": FUNCTION, "Environment": {"Variables": {"SECRET": "s"}}}
    answer: dict[str, Any] = {"Configuration": configuration}
    if reserved is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": reserved}
    calls.add_response("get_function", answer, {"FunctionName": "orders"})
    assert levers.concurrency("orders") == Concurrency(FUNCTION, reserved)


def test_no_such_function(levers: LambdaLevers, calls: Stubber) -> None:
    calls.add_client_error("get_function", "ResourceNotFoundException", "Function not found", 404)
    with pytest.raises(NotFoundError):
        levers.concurrency("orders")


def test_every_page_of_mappings_by_source(levers: LambdaLevers, calls: Stubber) -> None:
    kafka = {"UUID": OTHER, "FunctionArn": FUNCTION, "State": "Enabling"}
    servers = {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["b1:9092", "b2:9092"]}}}
    queue = {"UUID": UUID, "FunctionArn": f"{FUNCTION}:live", "EventSourceArn": QUEUE, "State": "Disabled"}
    calls.add_response(
        "list_event_source_mappings",
        {"EventSourceMappings": [{**kafka, **servers}], "NextMarker": "m"},
        {"FunctionName": "orders"},
    )
    calls.add_response(
        "list_event_source_mappings", {"EventSourceMappings": [queue]}, {"FunctionName": "orders", "Marker": "m"}
    )
    assert levers.mappings("orders") == (
        Mapping(UUID, QUEUE, "live", "Disabled"),
        Mapping(OTHER, "b1:9092,b2:9092", "", "Enabling"),
    )


ALIAS = {"AliasArn": f"{FUNCTION}:live", "Name": "live", "FunctionVersion": "1", "RevisionId": "r"}


def test_where_no_mapping_of_an_alias_is_listed_each_alias_is_asked_for(levers: LambdaLevers, calls: Stubber) -> None:
    own = {"UUID": OTHER, "FunctionArn": FUNCTION, "EventSourceArn": QUEUE, "State": "Enabled"}
    hidden = {"UUID": UUID, "FunctionArn": f"{FUNCTION}:live", "EventSourceArn": QUEUE, "State": "Enabled"}
    calls.add_response("list_event_source_mappings", {"EventSourceMappings": [own]}, {"FunctionName": "orders"})
    calls.add_response("list_aliases", {"Aliases": [ALIAS]}, {"FunctionName": "orders"})
    calls.add_response(
        "list_event_source_mappings", {"EventSourceMappings": [own, hidden]}, {"FunctionName": "orders:live"}
    )
    assert levers.mappings("orders") == (Mapping(OTHER, QUEUE, "", "Enabled"), Mapping(UUID, QUEUE, "live", "Enabled"))


@pytest.mark.parametrize("on", [True, False])
def test_a_mapping_is_turned_and_nothing_else_of_it_changed(levers: LambdaLevers, calls: Stubber, on: bool) -> None:
    answer: dict[str, Any] = {"UUID": UUID, "State": "Disabling", "ResponseMetadata": META}
    calls.add_response("update_event_source_mapping", answer, {"UUID": UUID, "Enabled": on})
    assert levers.turn(UUID, on=on) == "req-1"


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ResourceInUseException", 400, ConflictError),
        ("ResourceConflictException", 409, ConflictError),
        ("ResourceNotFoundException", 404, NotFoundError),
        ("AccessDeniedException", 403, AccessDeniedError),
    ],
)
def test_why_a_mapping_cannot_be_turned(
    levers: LambdaLevers, calls: Stubber, code: str, status: int, error: type[Exception]
) -> None:
    calls.add_client_error("update_event_source_mapping", code, "no", status)
    with pytest.raises(error, match=f"could not disable event source mapping {UUID}: no"):
        levers.turn(UUID, on=False)


def test_the_permission_that_is_missing_is_named(levers: LambdaLevers, calls: Stubber) -> None:
    calls.add_client_error("update_event_source_mapping", "AccessDeniedException", "no", 403)
    with pytest.raises(AccessDeniedError) as caught:
        levers.turn(UUID, on=False)
    assert "lambda:UpdateEventSourceMapping" in caught.value.hint


def test_reserved_concurrency(levers: LambdaLevers, calls: Stubber) -> None:
    answer: dict[str, Any] = {"ReservedConcurrentExecutions": 0, "ResponseMetadata": META}
    calls.add_response(
        "put_function_concurrency", answer, {"FunctionName": "orders", "ReservedConcurrentExecutions": 0}
    )
    calls.add_response("delete_function_concurrency", {"ResponseMetadata": META}, {"FunctionName": "orders"})
    assert levers.reserve("orders", 0) == "req-1"
    assert levers.reserve("orders", None) == "req-1"


@pytest.mark.parametrize(("executions", "hint"), [(0, "provisioned concurrency"), (7, "unreserved")])
def test_a_reservation_that_aws_refuses_says_what_may_be_the_matter(
    levers: LambdaLevers, calls: Stubber, executions: int, hint: str
) -> None:
    calls.add_client_error("put_function_concurrency", "InvalidParameterValueException", "out of bounds", 400)
    with pytest.raises(RejectedError, match="out of bounds") as caught:
        levers.reserve("orders", executions)
    assert hint in caught.value.hint


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}


def allow(principal: object, **more: object) -> dict[str, Any]:
    usual = {"Sid": "s", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": f"{FUNCTION}:live"}
    return {**usual, "Principal": principal, **more}


def test_callers_of_the_function_and_of_every_alias(levers: LambdaLevers, calls: Stubber) -> None:
    rule = "arn:aws:events:eu-central-1:111122223333:rule/nightly"
    calls.add_client_error(
        "get_policy", "ResourceNotFoundException", "none", 404, expected_params={"FunctionName": "orders"}
    )
    calls.add_response("list_aliases", {"Aliases": [ALIAS]}, {"FunctionName": "orders"})
    event = allow({"Service": "events.amazonaws.com"}, Condition={"ArnLike": {"AWS:SourceArn": rule}})
    url = allow("*", Action="lambda:InvokeFunctionUrl", Condition={"StringEquals": {"lambda:FunctionUrlAuthType": "N"}})
    reads = allow({"AWS": "arn:aws:iam::1:root"}, Action="lambda:GetFunction")
    denied = allow("*", Effect="Deny")
    calls.add_response(
        "get_policy", policy(event, event, url, reads, denied), {"FunctionName": "orders", "Qualifier": "live"}
    )
    assert levers.callers("orders") == (
        Caller("events.amazonaws.com", "live", rule, "s"),
        Caller("*", "live", "", "s", url=True),
    )
