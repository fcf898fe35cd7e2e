"""``dlq redrive`` to where it is not a queue that is sent to: SQS's own move, functions, and streams fetched again."""

from __future__ import annotations

import base64
import json
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambdaops.core.dlq.run import runs
from lambdaops.store.files import FileJournals
from tests.wire.conftest import FAILING, planned, until, zipped
from tests.wire.test_dlq_redrive import Pair

if TYPE_CHECKING:
    import subprocess

    from lambdaops.core.dlq.run import Run
    from tests.wire.conftest import Clients, Function, Shell

PERMISSIONS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "permissions.json").read_text("utf-8"))
YES = ("--stages", "all", "--yes", "--output", "json")
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"


def granted(*given: str) -> set[str]:
    """The calls of a redrive; ``given`` are the conditions that hold beside what is always so."""
    rows = [row for name in PERMISSIONS["commands"]["dlq redrive"] for row in PERMISSIONS["sets"][name]]
    holds = {None, "the queue is not named by its URL", *given}
    return {row["call"] for row in rows if row["call"] and row.get("when") in holds}


def keeping(url: str) -> bytes:
    """Code that sends every event, as it came, to a queue."""
    return zipped(
        "import json, os, urllib.request\n"
        "import boto3\n"
        "def handler(event, context):\n"
        "    if event.get('poison'):\n"
        "        raise ValueError('poison')\n"
        f"    boto3.client('sqs').send_message(QueueUrl={url!r}, MessageBody=json.dumps(event))\n"
    )


def run_of(shell: Shell, arn: str) -> Run:
    return runs(FileJournals(shell.home).open(arn).each())[-1]


def told(process: subprocess.Popen[str]) -> tuple[str, str]:
    return process.communicate(timeout=60)


# -- by SQS itself -------------------------------------------------------------------------------------------------


def dead_by_sqs(clients: Clients, count: int) -> Pair:
    """Letters that SQS itself moved there: a native move takes only such."""
    pair = Pair(clients)
    for n in range(count):
        pair.sqs.send_message(QueueUrl=pair.home_url, MessageBody=f"letter {n}")

    def all_dead() -> bool:
        pair.sqs.receive_message(QueueUrl=pair.home_url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return pair.count(pair.dead_url) == count

    until(all_dead)
    return pair


def test_sqs_moves_them_itself_when_it_serves_and_is_followed(clients: Clients, shell: Shell) -> None:
    pair = dead_by_sqs(clients, 30)
    process = shell.start("dlq", "redrive", pair.dead, *YES[:-1], "jsonl", "--rate", "10/s")
    out, err = told(process)
    assert process.returncode == 0, out + err
    assert "not by SQS's own move" not in out + err
    seen = [int(found) for found in re.findall(r'"moved": ?(\d+)', out)]
    assert any(0 < moved < 30 for moved in seen), "followed in motion"
    assert "StartMessageMoveTask" in shell.wire.calls
    assert set(shell.wire.calls) <= granted("SQS itself moves them (--native)")
    assert pair.count(pair.home_url) == 30
    run = run_of(shell, pair.arn)
    assert run.plan.native
    assert run.closed is not None
    assert run.closed.tally.moved == 30
    (task,) = pair.sqs.list_message_move_tasks(SourceArn=pair.arn)["Results"]
    assert (task["Status"], task["MaxNumberOfMessagesPerSecond"]) == ("COMPLETED", 10)


def test_a_cancel_of_sqs_s_own_move_ends_it_and_says_that_it_is_late(clients: Clients, shell: Shell) -> None:
    pair = dead_by_sqs(clients, 40)
    process = shell.start("dlq", "redrive", pair.dead, "--native", "--stages", "all", "--rate", "1/s", "--yes")
    until(lambda: bool(pair.sqs.list_message_move_tasks(SourceArn=pair.arn).get("Results")))
    until(lambda: "stage" in shell("dlq", "status", pair.dead).out)
    cancelled = shell("dlq", "cancel", pair.dead, "--yes", "--reason", "wrong queue")
    out, err = told(process)
    assert cancelled.code == 0, cancelled.err
    assert process.returncode == 9, out + err
    assert "SQS stops late" in err
    closed = run_of(shell, pair.arn).closed
    assert closed is not None
    assert closed.reason == "wrong queue"
    left, there = pair.count(pair.dead_url), pair.count(pair.home_url)
    assert left + there == 40
    assert left > 0
    assert closed.tally.moved == there


def test_ctrl_c_cancels_sqs_s_own_move(clients: Clients, shell: Shell) -> None:
    pair = dead_by_sqs(clients, 40)
    process = shell.start("dlq", "redrive", pair.dead, "--native", "--stages", "all", "--rate", "1/s", "--yes")
    until(lambda: bool(pair.sqs.list_message_move_tasks(SourceArn=pair.arn).get("Results")))
    process.send_signal(signal.SIGINT)
    out, err = told(process)
    assert process.returncode == 9, out + err
    (task,) = pair.sqs.list_message_move_tasks(SourceArn=pair.arn)["Results"]
    assert task["Status"] == "CANCELLED"
    assert pair.count(pair.dead_url) > 0


def test_a_native_move_whose_process_was_killed_is_taken_up_and_followed_to_its_end(
    clients: Clients, shell: Shell
) -> None:
    pair = dead_by_sqs(clients, 40)
    process = shell.start("dlq", "redrive", pair.dead, "--native", "--stages", "all", "--rate", "5/s", "--yes")
    until(lambda: bool(pair.sqs.list_message_move_tasks(SourceArn=pair.arn).get("Results")))
    process.kill()
    process.communicate()
    ran = shell("dlq", "resume", pair.dead, "--yes", "--output", "json")
    assert ran.code == 0, ran.out + ran.err
    assert ran.data["resumed"]
    assert ran.data["native"]
    assert pair.count(pair.home_url) == 40
    assert len(pair.sqs.list_message_move_tasks(SourceArn=pair.arn, MaxResults=10)["Results"]) == 1, "one task, not two"


def test_a_redrive_calls_what_its_policy_allows_and_nothing_else(clients: Clients, shell: Shell) -> None:
    pair = Pair(clients)
    pair.fill(20)
    time.sleep(1)
    ran = shell("dlq", "redrive", pair.dead, "--filter", "to_number(attributes.n) < `15`", *YES)
    assert ran.code == 0, ran.out + ran.err
    assert (ran.data["tally"]["moved"], ran.data["tally"]["left"]) == (15, 5)
    assert set(shell.wire.calls) == granted()
    assert set(shell.wire.calls) <= planned("dlq.redrive", filter="to_number(attributes.n) < `15`")


# -- to a function -------------------------------------------------------------------------------------------------


def bodies(pair: Pair, url: str, count: int) -> list[Any]:
    until(lambda: pair.count(url) >= count)
    time.sleep(0.5)  # one more than there should be would be there by now
    return [json.loads(body) for body, _ in pair.drained(url)]


def test_events_of_a_destination_go_to_the_alias_unwrapped(clients: Clients, shell: Shell, function: Function) -> None:
    """Failed there, mended, and sent again: the function sees the event that it had failed with."""
    pair = Pair(clients)
    function.point(function.publish(FAILING))
    function.clients("lambda").put_function_event_invoke_config(
        FunctionName=function.name,
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": pair.arn}},
    )
    for n in range(12):
        function.clients("lambda").invoke(
            FunctionName=function.target, InvocationType="Event", Payload=json.dumps({"order": n}).encode()
        )
    until(lambda: pair.count(pair.dead_url) == 12)
    time.sleep(1)  # a run takes what was there before the second that it begins in
    function.point(function.publish(keeping(pair.home_url)))
    ran = shell("dlq", "redrive", pair.dead, *YES)
    assert ran.code == 0, ran.out + ran.err
    assert "CouldNotDetermineMessageSource: doing the rest here" in ran.err, "SQS's own move was tried first"
    assert ran.data["tally"]["moved"] == 12
    assert pair.count(pair.dead_url) == 0
    found = bodies(pair, pair.home_url, 12)
    assert sorted(found, key=lambda event: event["order"]) == [{"order": n} for n in range(12)]


def test_what_fails_again_in_the_function_comes_back_and_stops_it(
    clients: Clients, shell: Shell, function: Function
) -> None:
    """Its new letter has the request id that the invocation was given: it is known for what it is."""
    pair = Pair(clients)
    function.point(function.publish(FAILING))
    function.clients("lambda").put_function_event_invoke_config(
        FunctionName=function.name,
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": pair.arn}},
    )
    for n in range(6):
        function.clients("lambda").invoke(
            FunctionName=function.target, InvocationType="Event", Payload=json.dumps({"order": n}).encode()
        )
    until(lambda: pair.count(pair.dead_url) == 6)
    time.sleep(1)
    ran = shell("dlq", "redrive", pair.dead, "--stages", "3,all", "--watch", "20s", "--yes", "--output", "json")
    assert ran.code == 6, ran.out + ran.err
    assert ran.data["tally"]["moved"] == 3
    assert ran.data["tally"]["came_back"] >= 1
    assert pair.count(pair.dead_url) == 6


# -- a stream ------------------------------------------------------------------------------------------------------


def test_records_of_a_stream_are_fetched_again_and_a_batch_that_fails_stays(
    clients: Clients, shell: Shell, function: Function
) -> None:
    pair, kinesis, name = Pair(clients), clients("kinesis"), f"replayed-{function.name}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    until(
        lambda: kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
    )
    stream = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    put = [kinesis.put_record(StreamName=name, Data=f"{n}".encode(), PartitionKey="p") for n in range(6)]
    function.point(function.publish(keeping(pair.home_url)))

    def letter(first: int, last: int, arn: str = stream) -> str:
        batch = {
            "shardId": put[0]["ShardId"],
            "startSequenceNumber": put[first]["SequenceNumber"],
            "endSequenceNumber": put[last]["SequenceNumber"],
            "approximateArrivalOfFirstRecord": "2026-11-01T07:38:04.835Z",
            "approximateArrivalOfLastRecord": "2026-11-01T07:38:05.580Z",
            "batchSize": last - first + 1,
            "streamArn": arn,
        }
        about = {
            "requestId": "3f5c1f6e-6a8d-4f8b-9a39-0d8f3f8f2b11",
            "functionArn": f"{function.arn}:live",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        }
        answer = {"statusCode": 200, "executedVersion": "1", "functionError": "Unhandled"}
        said = {"requestContext": about, "responseContext": answer, "version": "1.0", "KinesisBatchInfo": batch}
        return json.dumps({**said, "timestamp": "2026-11-01T07:38:06.021Z"})

    for body in (letter(1, 2), letter(3, 5), letter(0, 0, stream.replace(name, "nosuch"))):
        pair.sqs.send_message(QueueUrl=pair.dead_url, MessageBody=body)
    time.sleep(1)
    ran = shell("dlq", "redrive", pair.dead, "--no-native", *YES)
    assert ran.code == 9, ran.out + ran.err
    assert ran.data["tally"]["moved"] == 2
    assert ran.data["tally"]["unsendable"] == 1, "the stream is gone, and the letter stays"
    assert pair.count(pair.dead_url) == 1
    events = sorted(bodies(pair, pair.home_url, 2), key=lambda event: len(event["Records"]))
    data = [[base64.b64decode(one["kinesis"]["data"]).decode() for one in event["Records"]] for event in events]
    assert data == [["1", "2"], ["3", "4", "5"]]
    assert {one["eventSourceARN"] for event in events for one in event["Records"]} == {stream}
    function.point(function.publish(FAILING))
    pair.sqs.purge_queue(QueueUrl=pair.dead_url)
    until(lambda: pair.count(pair.dead_url) == 0)
    pair.sqs.send_message(QueueUrl=pair.dead_url, MessageBody=letter(1, 2))
    time.sleep(1)
    again = shell("dlq", "redrive", pair.dead, "--no-native", *YES)
    assert again.code == 9, again.out + again.err
    assert pair.count(pair.dead_url) == 1, "what the function did not take is not deleted"
    assert "failed again: ValueError" in again.data["problems"][0]["detail"]
