"""corrections/aliases: bad routing is refused as AWS refused it (codes, statuses and messages as recorded on AWS)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lambdaops.sandbox import server as sandbox
from tests.wire.conftest import answering

if TYPE_CHECKING:
    from tests.wire.conftest import Function


def refused(function: Function, **what: Any) -> tuple[str, int, str]:
    """How AWS answers this UpdateAlias; the alias must stay as it was."""
    before = function.alias()
    with pytest.raises(ClientError) as caught:
        unchecked(function).update_alias(FunctionName=function.name, Name="live", **what)
    assert function.alias() == before
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def unchecked(function: Function) -> Any:
    """A client that leaves it to AWS to look at the parameters."""
    server = function.clients.server
    variables = sandbox.environment(server)
    return boto3.session.Session().client(
        "lambda",
        endpoint_url=server.endpoint,
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )


def weights(**shares: float) -> dict[str, Any]:
    return {"RoutingConfig": {"AdditionalVersionWeights": {key.lstrip("v"): value for key, value in shares.items()}}}


def test_two_additional_versions(function: Function) -> None:
    function.publish(answering("three"))
    assert refused(function, FunctionVersion="1", **weights(v2=0.1, v3=0.1)) == (
        "InvalidParameterValueException",
        400,
        "Number of items in AdditionalVersionWeights cannot be greater than 1",
    )


@pytest.mark.parametrize("weight", [2.0, 1.5, -1.0])
def test_a_weight_outside_0_to_1(function: Function, weight: float) -> None:
    assert refused(function, FunctionVersion="1", **weights(v2=weight)) == (
        "ValidationException",
        400,
        (
            f"1 validation error detected: Value '{{2={weight}}}' at 'routingConfig.additionalVersionWeights' failed "
            "to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to "
            "1.0, Member must have value greater than or equal to 0.0, Member must not be null]"
        ),
    )


def test_latest_as_additional_version(function: Function) -> None:
    routing = {"RoutingConfig": {"AdditionalVersionWeights": {"$LATEST": 0.5}}}
    assert refused(function, FunctionVersion="1", **routing) == (
        "ValidationException",
        400,
        (
            "1 validation error detected: Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed "
            "to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to "
            "1024, Member must have length greater than or equal to 1, Member must satisfy regular expression "
            "pattern: [0-9]+]"
        ),
    )


def test_the_same_version_twice(function: Function) -> None:
    assert refused(function, FunctionVersion="1", **weights(v1=0.5)) == (
        "InvalidParameterValueException",
        400,
        "Invalid function version 1. Function version 1 is already included in routing configuration.",
    )


def test_the_primary_moved_onto_the_additional_version(function: Function) -> None:
    """UpdateAlias without RoutingConfig keeps the weights, so this is the same version twice."""
    function.point("1", {"2": 0.5})
    assert refused(function, FunctionVersion="2")[2].endswith("already included in routing configuration.")


@pytest.mark.parametrize("what", [{"FunctionVersion": "10"}, {"FunctionVersion": "1", **weights(v10=0.5)}])
def test_a_version_that_does_not_exist(function: Function, what: dict[str, Any]) -> None:
    assert refused(function, **what) == ("ResourceNotFoundException", 404, f"Function not found: {function.arn}:10")


def test_latest_with_weights(function: Function) -> None:
    assert refused(function, FunctionVersion="$LATEST", **weights(v2=0.5)) == (
        "InvalidParameterValueException",
        400,
        "$LATEST is not supported for an alias pointing to more than 1 version",
    )


def test_versions_with_different_roles(function: Function) -> None:
    functions = function.clients("lambda")
    functions.update_function_configuration(FunctionName=function.name, Role="arn:aws:iam::000000000000:role/other")
    version = function.publish(answering("three"))
    code, status, message = refused(
        function, FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {version: 0.1}}
    )
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert "execution role" in message


def test_a_stale_revision(function: Function) -> None:
    assert refused(function, FunctionVersion="2", RevisionId="00000000-0000-0000-0000-000000000000") == (
        "PreconditionFailedException",
        412,
        (
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
        ),
    )


def test_each_write_changes_the_revision_and_an_empty_map_clears_the_weights(function: Function) -> None:
    functions = function.clients("lambda")
    seen = {functions.get_alias(FunctionName=function.name, Name="live")["RevisionId"]}
    for routing in ({"2": 0.25}, {}):
        function.point("1", routing)
        assert function.alias() == ("1", routing)
        seen.add(functions.get_alias(FunctionName=function.name, Name="live")["RevisionId"])
    assert len(seen) == 3


def test_without_routing_config_the_weights_stay(function: Function) -> None:
    function.point("1", {"2": 0.25})
    function.clients("lambda").update_alias(FunctionName=function.name, Name="live", Description="only this")
    assert function.alias() == ("1", {"2": 0.25})


def test_aliases_are_listed_by_version(function: Function) -> None:
    functions = function.clients("lambda")
    functions.create_alias(FunctionName=function.name, Name="beta", FunctionVersion="2")
    listed = functions.list_aliases(FunctionName=function.name, FunctionVersion="2")["Aliases"]
    assert [alias["Name"] for alias in listed] == ["beta"]


def test_versions_with_different_dead_letter_queues(function: Function) -> None:
    functions = function.clients("lambda")
    queue = function.clients("sqs").create_queue(QueueName=function.name)["QueueUrl"]
    settings = function.clients("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    functions.update_function_configuration(
        FunctionName=function.name, DeadLetterConfig={"TargetArn": settings["QueueArn"]}
    )
    version = function.publish(answering("three"))
    routing = {"AdditionalVersionWeights": {version: 0.1}}
    code, status, message = refused(function, FunctionVersion="1", RoutingConfig=routing)
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert "dead letter" in message


def test_latest_alone_may_be_pointed_at(function: Function) -> None:
    function.point("$LATEST")
    assert function.alias() == ("$LATEST", {})


def test_the_current_revision_is_taken(function: Function) -> None:
    functions = function.clients("lambda")
    revision = functions.get_alias(FunctionName=function.name, Name="live")["RevisionId"]
    moved = functions.update_alias(FunctionName=function.name, Name="live", FunctionVersion="2", RevisionId=revision)
    assert moved["RevisionId"] != revision
    assert refused(function, FunctionVersion="1", RevisionId=revision)[1] == 412


@pytest.mark.parametrize(
    ("name", "what", "answer"),
    [
        ("live", {}, ("ResourceConflictException", 409, "Alias already exists: {arn}:live")),
        ("new", {"FunctionVersion": "10"}, ("ResourceNotFoundException", 404, "Function not found: {arn}:10")),
        (
            "new",
            {"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1, "3": 0.1}}},
            (
                "InvalidParameterValueException",
                400,
                "Number of items in AdditionalVersionWeights cannot be greater than 1",
            ),
        ),
    ],
)
def test_create_alias_is_held_to_the_same_rules(
    function: Function, name: str, what: dict[str, Any], answer: tuple[str, int, str]
) -> None:
    functions = function.clients("lambda")
    with pytest.raises(ClientError) as caught:
        functions.create_alias(FunctionName=function.name, Name=name, **{"FunctionVersion": "1", **what})
    found = caught.value.response
    code, status, message = answer
    assert (found["Error"]["Code"], found["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert found["Error"]["Message"] == message.format(arn=function.arn)
    assert [alias["Name"] for alias in functions.list_aliases(FunctionName=function.name)["Aliases"]] == ["live"]


def test_an_alias_of_no_function(function: Function) -> None:
    with pytest.raises(ClientError, match=f"Function not found: {function.arn}-unknown:1"):
        function.clients("lambda").create_alias(FunctionName=f"{function.name}-unknown", Name="x", FunctionVersion="1")


def test_an_empty_routing_is_none_at_all(function: Function) -> None:
    made = function.clients("lambda").create_alias(
        FunctionName=function.name, Name="plain", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {}}
    )
    assert "RoutingConfig" not in made
