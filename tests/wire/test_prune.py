"""``prune`` against the sandbox: what is gone, what stays, what it calls, and that no function ever goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.wire.conftest import answering, until
from tests.wire.proxy import Answer
from tests.wire.test_iam import granted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.conftest import Function, Shell
    from tests.wire.proxy import Wire

JSON = ("--output", "json")


@pytest.fixture
def seven(function: Function) -> Function:
    """Seven versions, and the alias live on 3."""
    for number in range(3, 8):
        assert function.publish(answering(f"build {number}")) == str(number)
    function.point("3")
    return function


def there(function: Function) -> list[str]:
    listed = function.clients("lambda").list_versions_by_function(FunctionName=function.name)["Versions"]
    return [version["Version"] for version in listed]


def why(data: dict[str, Any]) -> dict[str, str]:
    return {kept["version"]: kept["why"] for kept in data["kept"]}


def test_versions_go_and_aliases_stay(seven: Function, shell: Shell, wire: Wire) -> None:
    dry = shell("prune", seven.name, "--keep", "2", *JSON)
    assert dry.code == 0, dry.err
    assert dry.data["would_delete"] == ["1", "2", "4", "5"]
    assert (dry.data["deleted"], dry.data["changed"], dry.data["dry_run"]) == ([], False, True)
    assert dry.data["freed_bytes"] > 0
    assert there(seven) == ["$LATEST", "1", "2", "3", "4", "5", "6", "7"]
    assert set(wire.calls) == granted("prune") - DURABLE

    wire.calls.clear()
    ran = shell("prune", seven.name, "--keep", "2", "--delete", "--yes", "--reason", "storage", *JSON)
    assert ran.code == 0, ran.err
    assert ran.data["deleted"] == ["1", "2", "4", "5"]
    assert ran.data["freed_bytes"] == dry.data["freed_bytes"]
    assert there(seven) == ["$LATEST", "3", "6", "7"]
    assert seven.alias() == ("3", {})
    assert set(wire.calls) == granted("prune --delete") - DURABLE

    again = shell("prune", seven.name, "--keep", "2", "--delete", "--yes", *JSON)
    assert (again.code, again.data["deleted"], again.data["changed"]) == (0, [], False)
    shown = shell("audit", "show", seven.name)
    assert "prune 4 versions: 1, 2, 4, 5" in shown.out
    assert "pruned 4 versions" in shown.out
    verified = shell("audit", "verify", seven.name)
    assert verified.code == 0, verified.err
    assert "version-deleted" in shell("audit", "search", "--outcome", "pruned").out


DURABLE = {"ListDurableExecutionsByFunction"}  # no version here has a durable configuration


def test_everything_that_refers_to_a_version_keeps_it(seven: Function, shell: Shell) -> None:
    functions = seven.clients("lambda")
    functions.create_alias(
        FunctionName=seven.name,
        Name="split",
        FunctionVersion="7",
        RoutingConfig={"AdditionalVersionWeights": {"1": 0.1}},
    )
    functions.put_provisioned_concurrency_config(
        FunctionName=seven.name, Qualifier="2", ProvisionedConcurrentExecutions=1
    )
    functions.put_function_event_invoke_config(FunctionName=seven.name, Qualifier="4", MaximumRetryAttempts=0)
    functions.add_permission(
        FunctionName=seven.name,
        Qualifier="5",
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
    )
    ran = shell("prune", seven.name, "--keep", "1", "--delete", "--yes", *JSON)
    assert ran.code == 0, ran.err
    assert ran.data["deleted"] == ["6"]
    assert why(ran.data) == {
        "7": f"the newest; {seven.name}:split sends it 90 %; "
        f"a rollback of {seven.name}:split goes to it (the primary version of a weighted alias)",
        "5": "its policy speaks of s3.amazonaws.com",
        "4": "has settings of its own for asynchronous invocations",
        "3": f"{seven.target} points at it",
        "2": "has provisioned concurrency",
        "1": f"{seven.name}:split sends it 10 %",
    }
    assert there(seven) == ["$LATEST", "1", "2", "3", "4", "5", "7"]


def test_an_event_source_keeps_its_version(seven: Function, shell: Shell, queue: str) -> None:
    seven.clients("lambda").create_event_source_mapping(
        FunctionName=f"{seven.name}:2", EventSourceArn=queue, Enabled=False
    )
    ran = shell("prune", seven.name, "--keep", "1", *JSON)
    assert ran.data["would_delete"] == ["1", "4", "5", "6"]
    assert why(ran.data)["2"] == f"event source {queue} invokes it"


@pytest.fixture
def queue(function: Function) -> Iterator[str]:
    sqs = function.clients("sqs")
    url = sqs.create_queue(QueueName=f"{function.name}-jobs")["QueueUrl"]
    yield sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for mapping in function.clients("lambda").list_event_source_mappings(FunctionName=function.name)[
        "EventSourceMappings"
    ]:
        function.clients("lambda").delete_event_source_mapping(UUID=mapping["UUID"])
    sqs.delete_queue(QueueUrl=url)


def test_after_a_release_a_rollback_still_finds_its_version(seven: Function, shell: Shell) -> None:
    fast = ("--strategy", "all-at-once", "--bake", "1s", "--look-every", "1s", "--compare", "none", "--yes")
    assert shell("release", seven.target, "--to", "7", *fast).code == 0
    ran = shell("prune", seven.name, "--keep", "1", "--recent", "0d", "--delete", "--yes", *JSON)
    assert ran.code == 0, ran.err
    assert there(seven) == ["$LATEST", "3", "7"]
    assert f"a rollback of {seven.target} goes to it" in why(ran.data)["3"]
    assert shell("rollback", seven.target).code == 0
    assert seven.alias() == ("3", {})


def test_killed_in_the_middle_the_same_command_completes_it(seven: Function, shell: Shell) -> None:
    words = ("prune", seven.name, "--keep", "1", "--delete", "--yes", *JSON)
    process = shell.start(*words)
    until(lambda: "1" not in there(seven))
    process.kill()
    process.communicate()
    assert "3" in there(seven)
    ran = shell(*words)
    assert ran.code == 0, ran.err
    assert there(seven) == ["$LATEST", "3", "7"]
    assert seven.alias() == ("3", {})
    shown = shell("audit", "show", seven.name, *JSON).data["records"]
    kinds = [record["kind"] for record in shown]
    assert kinds.count("prune-opened") == kinds.count("prune-closed")
    assert kinds.count("version-deleting") == sum(
        kinds.count(kind) for kind in ("version-deleted", "version-spared", "version-delete-failed")
    )


@pytest.mark.parametrize("call", ["ListAliases", "GetPolicy", "ListProvisionedConcurrencyConfigs"])
def test_what_is_denied_keeps_versions_and_names_the_permission(
    seven: Function, shell: Shell, wire: Wire, call: str
) -> None:
    wire.answers[call] = Answer(403, "AccessDeniedException")
    ran = shell("prune", seven.name, "--keep", "1", "--delete", "--yes", *JSON)
    assert ran.code == 8
    assert ran.envelope["errors"][0]["code"] == "access-denied"
    assert f"lambda:{call}" in ran.envelope["errors"][0]["hint"]
    assert there(seven) == ["$LATEST", *"1234567"]
