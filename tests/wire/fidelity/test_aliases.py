"""corrections/aliases: bad routing is refused as AWS refused it (codes, statuses and messages as recorded on AWS)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.conftest import answering

if TYPE_CHECKING:
    from tests.wire.conftest import Function


def refused(function: Function, **what: Any) -> tuple[str, int, str]:
    """How AWS answers this UpdateAlias; the alias must stay as it was."""
    before = function.alias()
    with pytest.raises(ClientError) as caught:
        function.clients("lambda").update_alias(FunctionName=function.name, Name="live", **what)
    assert function.alias() == before
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def weights(**shares: float) -> dict[str, Any]:
    return {"RoutingConfig": {"AdditionalVersionWeights": {key.lstrip("v"): value for key, value in shares.items()}}}


def test_two_additional_versions(function: Function) -> None:
    function.publish(answering("three"))
    assert refused(function, FunctionVersion="1", **weights(v2=0.1, v3=0.1)) == (
        "InvalidParameterValueException",
        400,
        "Number of items in AdditionalVersionWeights cannot be greater than 1",
    )


@pytest.mark.parametrize("weight", [2.0, 1.5])
def test_a_weight_outside_0_to_1(function: Function, weight: float) -> None:
    code, status, message = refused(function, FunctionVersion="1", **weights(v2=weight))
    assert (code, status) == ("ValidationException", 400)
    assert message.startswith(
        f"1 validation error detected: Value '{{2={weight}}}' at 'routingConfig.additionalVersionWeights' failed to "
        "satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0"
    )


def test_latest_as_additional_version(function: Function) -> None:
    routing = {"RoutingConfig": {"AdditionalVersionWeights": {"$LATEST": 0.5}}}
    code, status, message = refused(function, FunctionVersion="1", **routing)
    assert (code, status) == ("ValidationException", 400)
    assert "Member must satisfy regular expression pattern: [0-9]+" in message


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
