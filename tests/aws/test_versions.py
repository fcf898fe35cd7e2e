"""GetFunction, ListVersionsByFunction, UpdateFunctionCode, PublishVersion: asked, answered, refused, repeated."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.core.errors import (
    AccessDeniedError,
    ConflictError,
    FunctionChangedError,
    LambdaOpsError,
    NotFoundError,
    RejectedError,
    ThrottledError,
)
from lambdaops.core.model import Version
from lambdaops.ports import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.stub import Stubber

    from lambdaops.aws.functions import LambdaFunctions
    from tests.sim.clock import SimClock

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:orders"
ROLE = "arn:aws:iam::123456789012:role/orders"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:orders-dead"
SECRET = "hunter2"
# As recorded on AWS, with other hashes.
WRONG_HASH = (
    "CodeSHA256 (YWFh) is different from current CodeSHA256 in $LATEST (YmJi). "
    "Please try again with the CodeSHA256 in $LATEST."
)


@pytest.fixture(autouse=True)
def no_real_sleep(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Waiting is the injected clock's; tenacity would otherwise sleep for real."""

    def refuse(seconds: float) -> None:
        raise AssertionError(f"slept {seconds} s for real")

    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", refuse)
        yield


def configuration(number: str, **more: Any) -> dict[str, Any]:
    """A configuration with the least that Lambda answers for an old function."""
    arn = ARN if number == "$LATEST" else f"{ARN}:{number}"
    return {"FunctionName": "orders", "FunctionArn": arn, "Version": number, "CodeSha256": f"sha{number}", **more}


FULL = configuration(
    "8",
    Role=ROLE,
    RevisionId="rev-8",
    ConfigSha256="config8",
    State="Failed",
    StateReason="no image",
    StateReasonCode="ImageDeleted",
    LastUpdateStatus="InProgress",
    LastUpdateStatusReason="creating",
    LastUpdateStatusReasonCode="EniLimitExceeded",
    DeadLetterConfig={"TargetArn": QUEUE},
    Description="build 42",
    LastModified="2026-11-23T03:00:00.000+0000",
    PackageType="Image",
    SnapStart={"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"},
    Environment={"Variables": {"PASSWORD": SECRET}},
)


# -- GetFunction ---------------------------------------------------------------------------------------------------


def test_everything_a_release_asks_of_a_version(functions: LambdaFunctions, calls: Stubber) -> None:
    calls.add_response(
        "get_function",
        {"Configuration": FULL, "Code": {"RepositoryType": "S3", "Location": f"https://code.example/{SECRET}"}},
        {"FunctionName": "orders", "Qualifier": "8"},
    )
    version = functions.get_version("orders", "8")
    assert version == Version(
        number="8",
        state="Failed",
        code_sha256="sha8",
        role=ROLE,
        revision="rev-8",
        config_sha256="config8",
        state_reason="no image",
        state_reason_code="ImageDeleted",
        update="InProgress",
        update_reason="creating",
        update_reason_code="EniLimitExceeded",
        dead_letter=QUEUE,
        description="build 42",
        modified="2026-11-23T03:00:00.000+0000",
        package="Image",
        snap_start=True,
        arn=ARN,
    )


def test_environment_and_code_address_are_not_kept(functions: LambdaFunctions, calls: Stubber) -> None:
    code = {"Location": f"https://code.example/{SECRET}"}
    calls.add_response("get_function", {"Configuration": FULL, "Code": code})
    version = functions.get_version("orders", "8")
    assert SECRET not in repr(version)
    assert SECRET not in repr(asdict(version))


def test_the_unpublished_code_is_asked_for_by_name(functions: LambdaFunctions, calls: Stubber) -> None:
    asked = {"FunctionName": "orders", "Qualifier": "$LATEST"}
    calls.add_response("get_function", {"Configuration": configuration("$LATEST")}, asked)
    assert functions.get_version("orders").arn == ARN


def test_a_function_older_than_function_states_is_active(functions: LambdaFunctions, calls: Stubber) -> None:
    calls.add_response("get_function", {"Configuration": configuration("8")})
    version = functions.get_version("orders", "8")
    assert version == Version("8", "Active", "sha8", role="", update="Successful", package="Zip", arn=ARN)


@pytest.mark.parametrize("status", ["Off", None])
def test_snap_start_counts_only_when_it_is_on(functions: LambdaFunctions, calls: Stubber, status: str | None) -> None:
    snap = {"ApplyOn": "PublishedVersions"} | ({"OptimizationStatus": status} if status else {})
    calls.add_response("get_function", {"Configuration": configuration("8", SnapStart=snap)})
    assert functions.get_version("orders", "8").snap_start is False


@pytest.mark.parametrize(("qualifier", "name"), [("8", "orders:8"), (None, "orders")])
def test_a_version_that_does_not_exist(
    functions: LambdaFunctions, calls: Stubber, qualifier: str | None, name: str
) -> None:
    calls.add_client_error("get_function", "ResourceNotFoundException", "Function not found", 404)
    with pytest.raises(NotFoundError) as raised:
        functions.get_version("orders", qualifier)
    assert raised.value.message == f"could not read {name}: Function not found"
    assert raised.value.target == name


# -- ListVersionsByFunction ----------------------------------------------------------------------------------------


def test_versions_of_all_pages_by_number_without_latest(functions: LambdaFunctions, calls: Stubber) -> None:
    first = [configuration("$LATEST"), configuration("10"), configuration("2")]
    calls.add_response(
        "list_versions_by_function", {"NextMarker": "page2", "Versions": first}, {"FunctionName": "orders"}
    )
    calls.add_response(
        "list_versions_by_function",
        {"Versions": [configuration("9"), configuration("100")]},
        {"FunctionName": "orders", "Marker": "page2"},
    )
    assert [version.number for version in functions.list_versions("orders")] == ["2", "9", "10", "100"]


def test_a_function_that_was_never_published(functions: LambdaFunctions, calls: Stubber) -> None:
    calls.add_response("list_versions_by_function", {"Versions": [configuration("$LATEST")]})
    assert list(functions.list_versions("orders")) == []


# -- UpdateFunctionCode --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        (Code(zip=b"PK"), {"ZipFile": b"PK"}),
        (Code(s3=("builds", "orders.zip", None)), {"S3Bucket": "builds", "S3Key": "orders.zip"}),
        (
            Code(s3=("builds", "orders.zip", "v1")),
            {"S3Bucket": "builds", "S3Key": "orders.zip", "S3ObjectVersion": "v1"},
        ),
        (Code(image="1.dkr.ecr.eu-central-1.amazonaws.com/orders@sha256:00"), None),
    ],
    ids=["zip", "s3", "s3 with version", "image"],
)
def test_code_is_uploaded_unpublished_and_guarded(
    functions: LambdaFunctions, publish_calls: Stubber, code: Code, asked: dict[str, Any] | None
) -> None:
    publish_calls.add_response(
        "update_function_code",
        configuration("$LATEST", RevisionId="rev-2"),
        {
            "FunctionName": "orders",
            "RevisionId": "rev-1",
            "Publish": False,
            **({"ImageUri": code.image} if asked is None else asked),
        },
    )
    uploaded = functions.update_code("orders", code, "rev-1")
    assert (uploaded.code_sha256, uploaded.revision) == ("sha$LATEST", "rev-2")


def test_a_stale_revision_is_a_function_somebody_changed(functions: LambdaFunctions, publish_calls: Stubber) -> None:
    publish_calls.add_client_error("update_function_code", "PreconditionFailedException", "stale", 412)
    with pytest.raises(FunctionChangedError) as raised:
        functions.update_code("orders", Code(zip=b"PK"), "rev-0")
    assert raised.value.target == "orders"


# -- PublishVersion ------------------------------------------------------------------------------------------------

GUARDED = {"FunctionName": "orders", "RevisionId": "rev-1", "Description": "build 42", "CodeSha256": "shaX"}


def test_publishing_is_guarded_by_hash_and_revision(functions: LambdaFunctions, publish_calls: Stubber) -> None:
    publish_calls.add_response("publish_version", configuration("8"), GUARDED)
    assert functions.publish_version("orders", "shaX", "rev-1", "build 42").number == "8"


def test_a_hash_aws_does_not_report_is_not_sent(functions: LambdaFunctions, publish_calls: Stubber) -> None:
    guards = {name: value for name, value in GUARDED.items() if name != "CodeSha256"}
    publish_calls.add_response("publish_version", configuration("8"), guards)
    assert functions.publish_version("orders", "", "rev-1", "build 42").number == "8"


def test_other_code_than_was_uploaded(functions: LambdaFunctions, publish_calls: Stubber) -> None:
    publish_calls.add_client_error("publish_version", "InvalidParameterValueException", WRONG_HASH, 400)
    with pytest.raises(FunctionChangedError) as raised:
        functions.publish_version("orders", "YWFh", "rev-1", "")
    assert raised.value.message == f"could not publish orders: {WRONG_HASH}"


# -- a function that is busy ---------------------------------------------------------------------------------------


def busy(publish_calls: Stubber, operation: str, times: int) -> None:
    for _ in range(times):
        publish_calls.add_client_error(operation, "ResourceConflictException", "An update is in progress", 409)


@pytest.mark.parametrize("times", [1, 7])
def test_a_busy_function_is_published_when_it_is_free(
    functions: LambdaFunctions, publish_calls: Stubber, clock: SimClock, times: int
) -> None:
    for _ in range(times):
        publish_calls.add_client_error(
            "publish_version", "ResourceConflictException", "in progress", 409, expected_params=GUARDED
        )
    publish_calls.add_response("publish_version", configuration("8"), GUARDED)
    assert functions.publish_version("orders", "shaX", "rev-1", "build 42").number == "8"
    assert len(clock.slept) == times


def test_code_waits_for_a_busy_function_too(
    functions: LambdaFunctions, publish_calls: Stubber, clock: SimClock
) -> None:
    busy(publish_calls, "update_function_code", 2)
    publish_calls.add_response("update_function_code", configuration("$LATEST"))
    assert functions.update_code("orders", Code(zip=b"PK"), "rev-1").number == "$LATEST"
    assert len(clock.slept) == 2


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("publish_version", lambda functions: functions.publish_version("orders", "shaX", "rev-1", "")),
        ("update_function_code", lambda functions: functions.update_code("orders", Code(zip=b"PK"), "rev-1")),
    ],
    ids=["publish", "upload"],
)
def test_a_function_that_stays_busy_is_given_up(
    functions: LambdaFunctions,
    publish_calls: Stubber,
    clock: SimClock,
    operation: str,
    call: Callable[[LambdaFunctions], Version],
) -> None:
    busy(publish_calls, operation, 8)  # a ninth call would find nothing stubbed
    with pytest.raises(ConflictError):
        call(functions)
    assert len(clock.slept) == 7
    assert max(clock.slept) <= timedelta(seconds=15)
    assert sum(clock.slept, timedelta()) <= timedelta(minutes=1)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("PreconditionFailedException", 412, FunctionChangedError),
        ("ResourceNotFoundException", 404, NotFoundError),
        ("AccessDeniedException", 403, AccessDeniedError),
        ("InvalidParameterValueException", 400, RejectedError),
        ("CodeStorageExceededException", 400, RejectedError),
        ("TooManyRequestsException", 429, ThrottledError),  # botocore has tried that again already
    ],
)
def test_nothing_but_a_busy_function_is_tried_again(
    functions: LambdaFunctions,
    publish_calls: Stubber,
    clock: SimClock,
    code: str,
    status: int,
    error: type[LambdaOpsError],
) -> None:
    publish_calls.add_client_error("publish_version", code, "no", status)
    with pytest.raises(error):
        functions.publish_version("orders", "shaX", "rev-1", "")
    assert clock.slept == []
