"""GetAlias and UpdateAlias: what is asked, what is made of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.core.errors import AliasChangedError, ConflictError, NotFoundError
from lambdaops.core.model import Alias, Routing

if TYPE_CHECKING:
    from botocore.stub import Stubber

    from lambdaops.aws.functions import LambdaFunctions
    from lambdaops.aws.session import Session

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:orders:live"
ASKED = {"FunctionName": "orders", "Name": "live"}


def answer(primary: str, weights: dict[str, float] | None = None, **more: Any) -> dict[str, Any]:
    """An alias as Lambda answers; without weights, without RoutingConfig."""
    routing = {} if weights is None else {"RoutingConfig": {"AdditionalVersionWeights": weights}}
    return {"AliasArn": ARN, "Name": "live", "FunctionVersion": primary, "RevisionId": "rev-1", **routing, **more}


# -- reading -------------------------------------------------------------------------------------------------------


def test_an_alias_on_one_version(functions: LambdaFunctions, calls: Stubber) -> None:
    calls.add_response("get_alias", answer("7", Description="who calls it"), ASKED)
    assert functions.get_alias("orders", "live") == Alias(ARN, Routing("7"), "rev-1", "who calls it")


def test_an_alias_without_a_description(functions: LambdaFunctions, calls: Stubber) -> None:
    calls.add_response("get_alias", answer("7"), ASKED)
    assert functions.get_alias("orders", "live").description == ""


@pytest.mark.parametrize(("share", "weight"), [(0.1, 1000), (0.0001, 1), (0.1234, 1234), (0.57, 5700), (1.0, 10_000)])
def test_weights_are_read_as_basis_points(
    functions: LambdaFunctions, calls: Stubber, share: float, weight: int
) -> None:
    calls.add_response("get_alias", answer("7", {"8": share}), ASKED)
    routing = functions.get_alias("orders", "live").routing
    assert routing == Routing("7", "8", weight)
    assert type(routing.weight) is int


@pytest.mark.parametrize("empty", [{"RoutingConfig": {}}, {"RoutingConfig": {"AdditionalVersionWeights": {}}}])
def test_an_empty_routing_config_is_one_version(
    functions: LambdaFunctions, calls: Stubber, empty: dict[str, Any]
) -> None:
    calls.add_response("get_alias", answer("7", **empty), ASKED)
    assert functions.get_alias("orders", "live").routing == Routing("7")


def test_an_alias_that_does_not_exist(functions: LambdaFunctions, calls: Stubber) -> None:
    calls.add_client_error("get_alias", "ResourceNotFoundException", "Cannot find alias", 404, expected_params=ASKED)
    with pytest.raises(NotFoundError) as raised:
        functions.get_alias("orders", "live")
    assert raised.value.message == "could not read orders:live: Cannot find alias"
    assert raised.value.target == "orders:live"


# -- writing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("routing", "weights"),
    [
        (Routing("7"), {}),
        (Routing("7", "8", 1000), {"8": 0.1}),
        (Routing("7", "8", 1), {"8": 0.0001}),
        (Routing("7", "8", 1234), {"8": 0.1234}),
        (Routing("8", "7", 5700), {"7": 0.57}),
    ],
    ids=str,
)
def test_a_write_always_says_version_weights_and_revision(
    functions: LambdaFunctions, calls: Stubber, routing: Routing, weights: dict[str, float]
) -> None:
    asked = {
        **ASKED,
        "FunctionVersion": routing.primary,
        "RoutingConfig": {"AdditionalVersionWeights": weights},
        "RevisionId": "rev-1",
    }
    written = answer(routing.primary, weights, RevisionId="rev-2")
    calls.add_response("update_alias", written, asked)
    assert functions.set_routing("orders", "live", routing, "rev-1") == Alias(ARN, routing, "rev-2")


def test_what_was_written_is_what_aws_says_it_is(functions: LambdaFunctions, calls: Stubber) -> None:
    calls.add_response("update_alias", answer("9", {"8": 0.25}))
    assert functions.set_routing("orders", "live", Routing("7"), "rev-1").routing == Routing("9", "8", 2500)


def test_a_stale_revision_is_an_alias_somebody_changed(functions: LambdaFunctions, calls: Stubber) -> None:
    calls.add_client_error("update_alias", "PreconditionFailedException", "The Revision Id provided is stale", 412)
    with pytest.raises(AliasChangedError) as raised:
        functions.set_routing("orders", "live", Routing("7", "8", 1000), "rev-0")
    assert raised.value.message.startswith("could not set orders:live to 7 90 % + 8 10 %: ")


def test_a_busy_alias_is_not_tried_again_here(functions: LambdaFunctions, calls: Stubber) -> None:
    """The release loop looks again; only publishing waits for a busy function."""
    calls.add_client_error("update_alias", "ResourceConflictException", "busy", 409)
    with pytest.raises(ConflictError):
        functions.set_routing("orders", "live", Routing("7"), "rev-1")


def test_urgent_calls_have_a_client_of_their_own(functions: LambdaFunctions, session: Session, calls: Stubber) -> None:
    """A stub on one client is not seen by the other: nothing is pending there."""
    assert session.functions() is session.functions()
    assert session.functions(urgent=True) is session.functions(urgent=True)
    assert session.functions(urgent=True) is not session.functions()
