"""corrections/publishing: guarded, idempotent, and really in progress (as recorded on AWS)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.conftest import answering, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.conftest import Function


def refused(call: Callable[[], object]) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def test_a_wrong_code_hash(function: Function) -> None:
    functions, config = function.clients("lambda"), function.settle()
    assert refused(lambda: functions.publish_version(FunctionName=function.name, CodeSha256="wrong")) == (
        "InvalidParameterValueException",
        400,
        (
            f"CodeSHA256 (wrong) is different from current CodeSHA256 in $LATEST ({config['CodeSha256']}). "
            "Please try again with the CodeSHA256 in $LATEST."
        ),
    )


STALE = (
    "PreconditionFailedException",
    412,
    (
        "The Revision Id provided does not match the latest Revision Id. "
        "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
    ),
)


def test_a_stale_revision(function: Function) -> None:
    functions, name, wrong = function.clients("lambda"), function.name, "00000000-0000-0000-0000-000000000000"
    code, config = functions.update_function_code, functions.update_function_configuration
    assert refused(lambda: functions.publish_version(FunctionName=name, RevisionId=wrong)) == STALE
    assert refused(lambda: code(FunctionName=name, ZipFile=answering("x"), RevisionId=wrong)) == STALE
    assert refused(lambda: code(FunctionName=name, ZipFile=answering("x"), RevisionId=wrong, DryRun=True)) == STALE
    assert refused(lambda: config(FunctionName=name, MemorySize=256, RevisionId=wrong)) == STALE
    assert len(functions.list_versions_by_function(FunctionName=name)["Versions"]) == 3


def test_the_right_hash_and_revision_publish(function: Function) -> None:
    functions = function.clients("lambda")
    functions.update_function_code(FunctionName=function.name, ZipFile=answering("three"))
    now = function.settle()
    made = functions.publish_version(
        FunctionName=function.name, CodeSha256=now["CodeSha256"], RevisionId=now["RevisionId"], Description="why"
    )
    assert (made["Version"], made["CodeSha256"], made["Description"]) == ("3", now["CodeSha256"], "why")
    assert made["FunctionArn"] == f"{function.arn}:3"


def test_nothing_overlaps_an_update_in_progress(function: Function) -> None:
    functions = function.clients("lambda")
    functions.update_function_code(FunctionName=function.name, ZipFile=answering("three"))
    calls: list[Callable[[], Any]] = [
        lambda: functions.publish_version(FunctionName=function.name),
        lambda: functions.update_function_code(FunctionName=function.name, ZipFile=answering("four")),
        lambda: functions.update_function_configuration(FunctionName=function.name, MemorySize=256),
    ]
    for call in calls:
        code, status, message = refused(call)
        assert (code, status) == ("ResourceConflictException", 409)
        assert message.endswith(f"An update is in progress for resource: {function.arn}")
    config = functions.get_function(FunctionName=function.name)["Configuration"]
    assert (config["State"], config["LastUpdateStatus"]) == ("Active", "InProgress")


def test_the_same_zip_again_is_the_same_version(function: Function) -> None:
    assert function.publish(answering("two")) == "2"
    assert function.publish(answering("two")) == "2"
    assert function.publish(answering("three")) == "3"


def test_a_change_of_configuration_alone_is_a_new_version(function: Function) -> None:
    functions = function.clients("lambda")
    functions.update_function_configuration(FunctionName=function.name, MemorySize=512)
    function.settle()
    assert functions.publish_version(FunctionName=function.name)["Version"] == "3"
    assert functions.publish_version(FunctionName=function.name)["Version"] == "3"


def test_a_dry_run_does_not_deploy(function: Function) -> None:
    before = function.settle()["CodeSha256"]
    functions = function.clients("lambda")
    functions.update_function_code(FunctionName=function.name, ZipFile=answering("three"), DryRun=True)
    assert function.settle()["CodeSha256"] == before


def test_a_publish_and_the_end_of_an_update_change_the_revision(function: Function) -> None:
    functions = function.clients("lambda")
    update = functions.update_function_code(FunctionName=function.name, ZipFile=answering("three"))["RevisionId"]
    settled = function.settle()["RevisionId"]
    functions.publish_version(FunctionName=function.name)
    published = function.settle()["RevisionId"]
    assert len({update, settled, published}) == 3


def test_a_published_version_is_active_and_frozen(function: Function) -> None:
    version = function.publish(answering("three"))
    functions = function.clients("lambda")

    def state() -> str:
        found = functions.get_function(FunctionName=function.name, Qualifier=version)["Configuration"]
        return str(found["State"])

    until(lambda: state() == "Active", within=5)
    function.publish(answering("four"))
    answer = functions.invoke(FunctionName=function.name, Qualifier=version)["Payload"].read()
    assert answer == b'"three"'
