"""Halting against the sandbox: what is disabled is polled no more, and again once it is started; and after a kill."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.wire.conftest import until, zipped
from tests.wire.proxy import PASSED, Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.conftest import Function, Shell
    from tests.wire.proxy import Wire


@pytest.fixture
def queue(function: Function) -> Iterator[str]:
    """A queue whose messages go to the function's alias; its URL."""
    url: str = function.clients("sqs").create_queue(
        QueueName=f"{function.name}-queue", Attributes={"VisibilityTimeout": "5"}
    )["QueueUrl"]
    mapping = mapped(function, f"{function.name}-queue")
    yield url
    function.clients("lambda").delete_event_source_mapping(UUID=mapping)
    function.clients("sqs").delete_queue(QueueUrl=url)


def mapped(function: Function, queue: str, **more: object) -> str:
    arn = f"arn:aws:sqs:eu-central-1:000000000000:{queue}"
    made: dict[str, Any] = function.clients("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName=function.target, BatchSize=1, **more
    )
    return str(made["UUID"])


def waiting(function: Function, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = function.clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in found.values())


def state(function: Function) -> dict[str, str]:
    """The state of each mapping, by the name of its queue."""
    found = function.clients("lambda").list_event_source_mappings(FunctionName=function.name)["EventSourceMappings"]
    return {one["EventSourceArn"].rpartition(":")[2]: one["State"] for one in found}


def send(function: Function, url: str) -> None:
    function.clients("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"order": 1}))


def test_what_is_halted_is_polled_no_more_and_again_once_it_is_started(
    function: Function, queue: str, shell: Shell
) -> None:
    send(function, queue)
    until(lambda: waiting(function, queue) == 0)
    ran = shell("halt", function.name, "--yes", "--output", "json")
    assert ran.code == 0, ran.err
    assert [one["qualifier"] for one in ran.data["halted"]] == ["live"]
    assert state(function) == {f"{function.name}-queue": "Disabled"}
    time.sleep(1)  # a poll that was under way
    send(function, queue)
    time.sleep(3)
    assert waiting(function, queue) == 1, "somebody polls"
    assert shell("status", function.target).out.count("halted ") == 1
    again = shell("halt", function.name, "--yes", "--output", "json")
    assert (again.code, again.data["changed"]) == (0, False)
    assert shell("unhalt", function.name, "--yes").code == 0
    assert state(function) == {f"{function.name}-queue": "Enabled"}
    until(lambda: waiting(function, queue) == 0)


def test_nothing_runs_and_what_was_reserved_comes_back(function: Function, queue: str, shell: Shell) -> None:
    invoke = function.clients("lambda")
    invoke.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=7)
    assert queue
    ran = shell("halt", function.name, "--all-invocations", "--yes", "--output", "json")
    assert (ran.code, ran.data["reserved"]) == (0, {"before": 7, "now": 0})
    with pytest.raises(invoke.exceptions.TooManyRequestsException):
        invoke.invoke(FunctionName=function.name, Qualifier="live")
    assert shell("unhalt", function.name, "--yes").code == 0
    assert invoke.get_function_concurrency(FunctionName=function.name)["ReservedConcurrentExecutions"] == 7
    assert invoke.invoke(FunctionName=function.name, Qualifier="live")["StatusCode"] == 200


def test_where_nothing_was_reserved_nothing_is_again(function: Function, shell: Shell) -> None:
    assert shell("halt", function.name, "--all-invocations", "--yes").code == 0
    assert shell("unhalt", function.name, "--yes").code == 0
    found = function.clients("lambda").get_function_concurrency(FunctionName=function.name)
    assert "ReservedConcurrentExecutions" not in found


def test_a_function_that_fails_is_halted_and_its_messages_wait(function: Function, queue: str, shell: Shell) -> None:
    """The harm of a poison message: it comes back and back. Halted, it waits."""
    function.point(function.publish(zipped("def handler(event, context):\n    raise ValueError('no')\n")))
    send(function, queue)
    time.sleep(1)
    assert shell("halt", function.name, "--yes").code == 0
    time.sleep(6)  # it is visible again
    before = waiting(function, queue)
    time.sleep(2)
    assert (before, waiting(function, queue)) == (1, 1)


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not taken"])
def test_killed_with_a_write_on_the_wire_and_run_again(
    function: Function, queue: str, shell: Shell, wire: Wire, taken: bool
) -> None:
    """The process dies before it hears whether its write took effect; the same command completes it."""
    assert queue
    for command, wanted in (("halt", "Disabled"), ("unhalt", "Enabled")):
        wire.calls.clear()
        wire.answers = {"UpdateEventSourceMapping": Answer(PASSED if taken else 0, "", times=1, delay=5)}
        process = shell.start(command, function.name, "--yes")
        until(lambda: "UpdateEventSourceMapping" in wire.calls)
        if taken:
            until(partial(lambda state_of: state(function) == state_of, {f"{function.name}-queue": wanted}))
        process.kill()
        process.communicate()
        wire.answers = {}
        ran = shell(command, function.name, "--yes", "--output", "json")
        assert ran.code == 0, ran.err
        assert state(function) == {f"{function.name}-queue": wanted}
    kinds = [one["kind"] for one in shell("audit", "show", function.arn, "--output", "json").data["records"]]
    assert kinds.count("halt-intent") == kinds.count("halt-done") + kinds.count("halt-failed")
    assert kinds[-1] == "unhalted"


def test_lambda_is_busy_or_lost_and_it_is_halted_all_the_same(
    function: Function, queue: str, shell: Shell, wire: Wire
) -> None:
    assert queue
    wire.answers = {"UpdateEventSourceMapping": Answer(400, "ResourceInUseException", times=2)}
    assert shell("halt", function.name, "--yes").code == 0
    wire.answers = {"UpdateEventSourceMapping": Answer(0, "", times=1, after=True)}
    assert shell("unhalt", function.name, "--yes").code == 0
    assert state(function) == {f"{function.name}-queue": "Enabled"}
    wire.answers = {"UpdateEventSourceMapping": Answer(403, "AccessDeniedException")}
    ran = shell("halt", function.name, "--yes", "--output", "json")
    assert (ran.code, len(ran.data["left"])) == (9, 1)
    assert "lambda:UpdateEventSourceMapping" in ran.out + ran.err
