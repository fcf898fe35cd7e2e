"""What refers to a version, and DeleteFunction: asked, answered, refused; and never for a whole function."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from lambdaops.aws.published import AwsPublishedVersions
from lambdaops.core.errors import (
    AccessDeniedError,
    InvalidTargetError,
    InvalidVersionError,
    NotFoundError,
    RejectedError,
    ThrottledError,
)
from lambdaops.core.model import Routing, VersionNumber
from lambdaops.core.prune import Stock, StoredVersion
from lambdaops.ports.published import Deletion

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    from lambdaops.aws.session import Session

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:orders"
SECRET = "hunter2"


@pytest.fixture
def versions(session: Session) -> AwsPublishedVersions:
    return AwsPublishedVersions(session)


def configuration(number: str, **more: Any) -> dict[str, Any]:
    arn = ARN if number == "$LATEST" else f"{ARN}:{number}"
    return {"FunctionName": "orders", "FunctionArn": arn, "Version": number, **more}


# -- what there is -------------------------------------------------------------------------------------------------


def test_versions_of_all_pages_by_number_with_their_size(versions: AwsPublishedVersions, calls: Stubber) -> None:
    full = configuration(
        "10",
        CodeSize=1234,
        CodeSha256="sha10",
        Description="build",
        LastModified="2026-11-23T03:00:00.000+0000",
        DurableConfig={"RetentionPeriodInDays": 7},
        Environment={"Variables": {"PASSWORD": SECRET}},
    )
    calls.add_response(
        "list_versions_by_function",
        {"NextMarker": "2", "Versions": [configuration("$LATEST", CodeSize=99), full]},
        {"FunctionName": "orders", "MaxItems": 50},
    )
    calls.add_response(
        "list_versions_by_function",
        {"Versions": [configuration("9", CodeSize=0)]},
        {"FunctionName": "orders", "MaxItems": 50, "Marker": "2"},
    )
    stock = versions.stock("orders")
    ten = StoredVersion("10", 1234, "sha10", "build", "2026-11-23T03:00:00.000+0000", durable=True)
    assert stock == Stock(ARN, (StoredVersion("9"), ten))
    assert SECRET not in repr(stock)


def test_a_function_that_does_not_exist(versions: AwsPublishedVersions, calls: Stubber) -> None:
    calls.add_client_error("list_versions_by_function", "ResourceNotFoundException", "Function not found", 404)
    with pytest.raises(NotFoundError):
        versions.stock("orders")


def test_both_sides_of_every_alias(versions: AwsPublishedVersions, calls: Stubber) -> None:
    live = {
        "AliasArn": f"{ARN}:live",
        "FunctionVersion": "3",
        "RevisionId": "r",
        "RoutingConfig": {"AdditionalVersionWeights": {"4": 0.1}},
    }
    beta = {"AliasArn": f"{ARN}:beta", "FunctionVersion": "9", "RevisionId": "r"}
    calls.add_response(
        "list_aliases", {"NextMarker": "2", "Aliases": [live]}, {"FunctionName": "orders", "MaxItems": 50}
    )
    calls.add_response("list_aliases", {"Aliases": [beta]}, {"FunctionName": "orders", "MaxItems": 50, "Marker": "2"})
    assert [alias.routing for alias in versions.aliases("orders")] == [Routing("9"), Routing("3", "4", 1_000)]


def test_provisioned_concurrency_of_versions_and_aliases(versions: AwsPublishedVersions, calls: Stubber) -> None:
    calls.add_response(
        "list_provisioned_concurrency_configs",
        {"ProvisionedConcurrencyConfigs": [{"FunctionArn": f"{ARN}:7"}, {"FunctionArn": f"{ARN}:live"}]},
        {"FunctionName": "orders", "MaxItems": 50},
    )
    assert versions.provisioned("orders") == {"7", "live"}


def test_asynchronous_settings_of_versions_and_aliases(versions: AwsPublishedVersions, calls: Stubber) -> None:
    listed = [{"FunctionArn": f"{ARN}:7"}, {"FunctionArn": f"{ARN}:$LATEST"}, {"FunctionArn": ARN}]
    calls.add_response(
        "list_function_event_invoke_configs",
        {"FunctionEventInvokeConfigs": listed},
        {"FunctionName": "orders", "MaxItems": 50},
    )
    assert versions.asynchronous("orders") == {"7", "$LATEST"}


def test_event_sources_are_asked_for_by_the_version_s_own_name(versions: AwsPublishedVersions, calls: Stubber) -> None:
    queue = "arn:aws:sqs:eu-central-1:123456789012:orders"
    mapped = [
        {"UUID": f"{1:036}", "EventSourceArn": queue, "FunctionArn": f"{ARN}:7"},
        {"UUID": f"{2:036}", "FunctionArn": f"{ARN}:7"},
        {"UUID": f"{3:036}", "EventSourceArn": "another", "FunctionArn": ARN},
        {"UUID": f"{4:036}", "EventSourceArn": "another", "FunctionArn": f"{ARN}:77"},
    ]
    calls.add_response(
        "list_event_source_mappings",
        {"EventSourceMappings": mapped},
        {"FunctionName": "orders:7", "MaxItems": 50},
    )
    assert versions.event_sources("orders", "7") == (f"{2:036}", queue)


def test_whom_a_version_s_policy_speaks_of(versions: AwsPublishedVersions, calls: Stubber) -> None:
    statements = [
        {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction"},
        {"Effect": "Allow", "Principal": {"AWS": ["arn:a", "arn:b"]}, "Action": "lambda:InvokeFunction"},
        {"Effect": "Deny", "Principal": "*", "Action": "*"},
    ]
    asked = {"FunctionName": "orders", "Qualifier": "7"}
    calls.add_response("get_policy", {"Policy": json.dumps({"Statement": statements})}, asked)
    assert versions.policy("orders", "7") == ("s3.amazonaws.com", "arn:a, arn:b", "*")


def test_a_version_without_a_policy(versions: AwsPublishedVersions, calls: Stubber) -> None:
    calls.add_client_error("get_policy", "ResourceNotFoundException", "No policy", 404)
    assert versions.policy("orders", "7") == ()


@pytest.mark.parametrize(("found", "running"), [([], False), (["RUNNING"], True)])
def test_durable_executions_of_a_version(
    versions: AwsPublishedVersions, calls: Stubber, found: list[str], *, running: bool
) -> None:
    calls.add_response(
        "list_durable_executions_by_function",
        {
            "DurableExecutions": [
                {
                    "DurableExecutionArn": f"{ARN}:7/durable-execution/name/id",
                    "DurableExecutionName": "name",
                    "FunctionArn": f"{ARN}:7",
                    "Status": status,
                    "StartTimestamp": 0,
                }
                for status in found
            ]
        },
        {"FunctionName": "orders", "Qualifier": "7", "Statuses": ["RUNNING"]},
    )
    assert versions.durable_running("orders", "7") is running


@pytest.mark.parametrize(
    ("operation", "ask", "action"),
    [
        ("list_provisioned_concurrency_configs", "provisioned", "lambda:ListProvisionedConcurrencyConfigs"),
        ("list_function_event_invoke_configs", "asynchronous", "lambda:ListFunctionEventInvokeConfigs"),
        ("list_aliases", "aliases", "lambda:ListAliases"),
        ("get_policy", "policy", "lambda:GetPolicy"),
        ("list_event_source_mappings", "event_sources", "lambda:ListEventSourceMappings"),
        ("list_durable_executions_by_function", "durable_running", "lambda:ListDurableExecutionsByFunction"),
    ],
)
def test_what_is_denied_names_the_permission(
    versions: AwsPublishedVersions, calls: Stubber, operation: str, ask: str, action: str
) -> None:
    calls.add_client_error(operation, "AccessDeniedException", "not authorized", 403)
    arguments = ("orders",) if ask in ("provisioned", "asynchronous", "aliases") else ("orders", "7")
    with pytest.raises(AccessDeniedError) as raised:
        getattr(versions, ask)(*arguments)
    assert action in raised.value.hint


# -- deleting ------------------------------------------------------------------------------------------------------


def test_a_version_is_deleted_by_its_number(versions: AwsPublishedVersions, calls: Stubber) -> None:
    answer = {"StatusCode": 204, "ResponseMetadata": {"RequestId": "req-1"}}
    calls.add_response("delete_function", answer, {"FunctionName": "orders", "Qualifier": "7"})
    assert versions.delete("orders", VersionNumber("7")) == Deletion("req-1")


def test_one_that_is_gone_is_deleted(versions: AwsPublishedVersions, calls: Stubber) -> None:
    calls.add_client_error("delete_function", "ResourceNotFoundException", "Function not found", 404)
    assert versions.delete("orders", VersionNumber("7")).gone


@pytest.mark.parametrize(
    ("code", "words", "status"),
    [
        (
            "ResourceConflictException",
            "Function version 7 cannot be deleted because it is referenced by an alias.",
            409,
        ),
        (
            "InvalidParameterValueException",
            f"Lambda was unable to delete {ARN}:7 because it is a replicated function.",
            400,
        ),
    ],
)
def test_what_aws_keeps_is_an_answer(
    versions: AwsPublishedVersions, calls: Stubber, code: str, words: str, status: int
) -> None:
    calls.add_client_error("delete_function", code, words, status)
    done = versions.delete("orders", VersionNumber("7"))
    assert done.refused == f"could not delete orders:7: {words}"
    assert not done.gone


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("InvalidParameterValueException", 400, RejectedError),
        ("AccessDeniedException", 403, AccessDeniedError),
        ("TooManyRequestsException", 429, ThrottledError),
    ],
)
def test_anything_else_is_a_failure(
    versions: AwsPublishedVersions, calls: Stubber, code: str, status: int, error: type[Exception]
) -> None:
    calls.add_client_error("delete_function", code, "no", status)
    with pytest.raises(error):
        versions.delete("orders", VersionNumber("7"))


class Slipped:
    """What somebody could take for a number: nothing checks it where it is made."""

    def __init__(self, number: object) -> None:
        self.number = number

    def __repr__(self) -> str:
        return f"Slipped({self.number!r})"


NO_VERSIONS: list[object] = ["", "7", "$LATEST", "live", None, 7, Slipped(""), Slipped("$LATEST"), Slipped(None)]


@pytest.mark.parametrize("version", NO_VERSIONS, ids=repr)
def test_nothing_but_a_number_that_was_checked_is_sent(
    versions: AwsPublishedVersions, calls: Stubber, version: object
) -> None:
    with pytest.raises(InvalidVersionError):  # and AWS was not asked: nothing is stubbed
        versions.delete("orders", cast("VersionNumber", version))


@pytest.mark.parametrize("number", ["", "$LATEST", "live"])
def test_a_number_that_was_forged_is_not_sent(versions: AwsPublishedVersions, calls: Stubber, number: str) -> None:
    forged = VersionNumber("7")
    object.__setattr__(forged, "number", number)
    with pytest.raises(InvalidVersionError):
        versions.delete("orders", forged)


@pytest.mark.parametrize("function", ["orders:7", "orders:live", ARN, ""])
def test_a_function_is_named_by_its_bare_name(versions: AwsPublishedVersions, calls: Stubber, function: str) -> None:
    with pytest.raises(InvalidTargetError):
        versions.delete(function, VersionNumber("7"))


@pytest.mark.parametrize(
    "parameters",
    [
        {"FunctionName": "orders"},
        {"FunctionName": "orders", "Qualifier": ""},
        {"FunctionName": "orders", "Qualifier": None},
        {"FunctionName": "orders", "Qualifier": "$LATEST"},
        {"FunctionName": "orders", "Qualifier": "live"},
        {"FunctionName": "orders:7"},
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize("client", ["functions", "publishing", "urgent", "invocations"])
def test_no_client_of_ours_can_delete_a_function(session: Session, client: str, parameters: dict[str, Any]) -> None:
    """Whoever calls it, and with whatever: the call ends before it is made."""
    clients: dict[str, Callable[[], Any]] = {
        "functions": session.functions,
        "publishing": session.publishing,
        "urgent": lambda: session.functions(urgent=True),
        "invocations": session.invocations,
    }
    with pytest.raises((InvalidVersionError, InvalidTargetError)):
        clients[client]().delete_function(**parameters)


class Unguarded:
    """A session whose client takes anything, as boto3's own does."""

    def __init__(self) -> None:
        self.deleted: list[dict[str, Any]] = []

    def functions(self) -> Unguarded:
        return self

    def delete_function(self, **parameters: Any) -> dict[str, Any]:
        self.deleted.append(parameters)
        return {}


@pytest.mark.parametrize("version", [*NO_VERSIONS, "forged"], ids=repr)
def test_the_gateway_checks_by_itself(version: object) -> None:
    session = Unguarded()
    if version == "forged":
        version = VersionNumber("7")
        object.__setattr__(version, "number", "")
    gateway = AwsPublishedVersions(cast("Session", session))
    with pytest.raises(InvalidVersionError):
        gateway.delete("orders", cast("VersionNumber", version))
    with pytest.raises(InvalidTargetError):
        gateway.delete("orders:7", VersionNumber("7"))
    assert session.deleted == []
    gateway.delete("orders", VersionNumber("7"))
    assert session.deleted == [{"FunctionName": "orders", "Qualifier": "7"}]
