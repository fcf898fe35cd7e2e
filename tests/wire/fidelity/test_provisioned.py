"""corrections/provisioned: what has provisioned concurrency is listed (Lambda API reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.wire.conftest import Clients, Function


def test_versions_and_aliases_are_listed(function: Function) -> None:
    functions = function.clients("lambda")

    def listed() -> list[str]:
        answer = functions.list_provisioned_concurrency_configs(FunctionName=function.name)
        return sorted(config["FunctionArn"] for config in answer["ProvisionedConcurrencyConfigs"])

    assert listed() == []
    for qualifier in ("2", "live"):
        functions.put_provisioned_concurrency_config(
            FunctionName=function.name, Qualifier=qualifier, ProvisionedConcurrentExecutions=1
        )
    assert listed() == [f"{function.arn}:2", f"{function.arn}:live"]
    functions.delete_provisioned_concurrency_config(FunctionName=function.name, Qualifier="live")
    assert listed() == [f"{function.arn}:2"]
    # One version's own is still answered.
    one = functions.get_provisioned_concurrency_config(FunctionName=function.name, Qualifier="2")
    assert one["RequestedProvisionedConcurrentExecutions"] == 1


def test_of_a_function_that_is_not_there(clients: Clients) -> None:
    with pytest.raises(ClientError) as caught:
        clients("lambda").list_provisioned_concurrency_configs(FunctionName="nobody")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
