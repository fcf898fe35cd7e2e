"""``dlq redrive`` on real queues: killed at random moments, and through a proxy that spoils what AWS answers.

``REDRIVE_KILLED=10000 REDRIVE_SEED=7 pytest -m wire tests/wire/test_dlq_redrive.py`` kills a larger one at others.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.core.dlq.run import runs
from lambdaops.store.files import FileJournals
from tests.wire.conftest import until
from tests.wire.proxy import Answer, Entries

if TYPE_CHECKING:
    from tests.wire.conftest import Clients, Ran, Shell
    from tests.wire.proxy import Wire

SEED = int(os.environ.get("REDRIVE_SEED", "1"))
KILLED = int(os.environ.get("REDRIVE_KILLED", "600"))
WORKERS = 4
_numbers = itertools.count(1)


class Pair:
    """A queue and its dead-letter queue, of a test's own."""

    def __init__(self, clients: Clients, suffix: str = "") -> None:
        self.sqs = clients("sqs")
        number = next(_numbers)
        self.dead, self.home = f"redrive-{number}-dlq{suffix}", f"redrive-{number}{suffix}"
        fifo = {"FifoQueue": "true"} if suffix else {}
        self.dead_url = self.sqs.create_queue(QueueName=self.dead, Attributes=fifo)["QueueUrl"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.dead_url, AttributeNames=["QueueArn"])
        self.arn = found["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": self.arn, "maxReceiveCount": 3})
        attributes = {**fifo, "RedrivePolicy": policy, "VisibilityTimeout": "2"}
        self.home_url = self.sqs.create_queue(QueueName=self.home, Attributes=attributes)["QueueUrl"]

    def fill(self, count: int) -> Counter[tuple[str, ...]]:
        """So many dead letters; what they are."""
        batches = [range(start, min(count, start + 10)) for start in range(0, count, 10)]
        if self.dead.endswith(".fifo"):
            for batch in batches:
                self._put(batch)
        else:
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(self._put, batches))
        return Counter(_essence(f"letter {n}", _attributes(n)) for n in range(count))

    def _put(self, batch: range) -> None:
        entries: list[dict[str, Any]] = []
        for n in batch:
            entry: dict[str, Any] = {"Id": str(n), "MessageBody": f"letter {n}", "MessageAttributes": _attributes(n)}
            if self.dead.endswith(".fifo"):
                entry |= {"MessageGroupId": f"g{n % 7}", "MessageDeduplicationId": f"d{n}"}
            entries.append(entry)
        answer = self.sqs.send_message_batch(QueueUrl=self.dead_url, Entries=entries)
        assert len(answer["Successful"]) == len(entries)

    def count(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return sum(map(int, self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))

    def drained(self, url: str) -> list[tuple[str, ...]]:
        """Everything in a queue, in the order it comes, taken out."""
        found: list[tuple[str, ...]] = []
        while self.count(url):
            answer = self.sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                WaitTimeSeconds=1,
                VisibilityTimeout=60,
            )
            for message in answer.get("Messages", []):
                found.append(_essence(message["Body"], message.get("MessageAttributes", {})))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found


def _attributes(n: int) -> dict[str, Any]:
    return {
        "n": {"DataType": "Number", "StringValue": str(n)},
        "raw": {"DataType": "Binary.png", "BinaryValue": bytes([n % 256, 0, 255])},
        "who": {"DataType": "String.custom", "StringValue": "ä"},
    }


def _essence(body: str, attributes: dict[str, Any]) -> tuple[str, ...]:
    told = sorted(
        (name, one["DataType"], str(one.get("StringValue", one.get("BinaryValue")))) for name, one in attributes.items()
    )
    return body, json.dumps(told)


@pytest.fixture
def pair(clients: Clients) -> Pair:
    return Pair(clients)


def redrive(shell: Shell, pair: Pair, *options: str) -> Ran:
    words = ("--stages", "all", "--no-native", "--visibility", "30s", "--yes", "--output", "json")
    return shell("dlq", "redrive", pair.dead, *words, *options, within=180)


def test_stages_and_everything_arrives_as_it_was(pair: Pair, shell: Shell) -> None:
    before = pair.fill(130)
    ran = shell("dlq", "redrive", pair.dead, "--watch", "1s", "--yes")
    assert ran.code == 0, ran.err
    assert "stage 1 over, 10 messages moved" in ran.err
    assert "stage 2 over, 100 messages moved" in ran.err
    assert Counter(pair.drained(pair.home_url)) == before
    assert pair.count(pair.dead_url) == 0
    assert shell("audit", "verify").code == 0
    assert f"130 to {pair.home}" in ran.out


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("suffix", ["", pytest.param(".fifo", marks=pytest.mark.exhaustive)])
def test_killed_at_random_moments_and_resumed_it_loses_nothing(clients: Clients, shell: Shell, suffix: str) -> None:
    """Hazards 2, 5 and 6: bodies and attributes equal as multisets; duplicates at most a batch a worker a kill."""
    shell.variables["AWS_ENDPOINT_URL"] = shell.server.endpoint
    pair, chance = Pair(clients, suffix), random.Random(SEED)
    before = pair.fill(KILLED)
    words = ("dlq", "redrive", pair.dead, "--stages", "all", "--no-native", "--visibility", "30s", "--yes")
    kills = 0
    for _ in range(4):
        there = pair.count(pair.dead_url)
        process = shell.start(*words, "--workers", str(WORKERS))
        until(lambda there=there, process=process: _under_way(pair, there, process), within=120)  # type: ignore[misc]
        time.sleep(chance.uniform(0, max(0.3, KILLED / 2_000)))
        alive = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += alive
    assert kills, f"seed {SEED}: none was killed"
    ran = shell(*words, "--workers", str(WORKERS), "--output", "json", within=900)
    assert ran.code == 0, ran.out + ran.err
    assert pair.count(pair.dead_url) == 0
    found = pair.drained(pair.home_url)
    assert not before - Counter(found), f"seed {SEED}: lost"
    assert set(found) == set(before), f"seed {SEED}: changed"
    twice = len(found) - KILLED
    print(f"{KILLED} messages{suffix}, {kills} kills, {twice} duplicates")  # noqa: T201 -- what was measured
    assert twice <= (0 if suffix else 10 * WORKERS * kills), f"seed {SEED}: {twice} duplicates"
    if suffix:
        for group in range(7):
            numbers = [n for body, _ in found if (n := int(body.split()[1])) % 7 == group]
            assert numbers == sorted(numbers), f"seed {SEED}: group {group} out of order"
    assert shell("audit", "verify").code == 0
    closed = [run.closed for run in runs(FileJournals(shell.home).open(pair.arn).read().entries)]
    # More than one where a process was done before its kill: the next command then began another.
    assert sum(end.tally.moved for end in closed if end is not None) == KILLED
    assert None not in closed


def _under_way(pair: Pair, there: int, process: Any) -> bool:
    return pair.count(pair.dead_url) < there or process.poll() is not None


def test_hazard_2_entries_that_fail_in_send_and_delete_are_neither_lost_nor_doubled(
    pair: Pair, shell: Shell, wire: Wire
) -> None:
    before = pair.fill(60)
    wire.batches["SendMessageBatch"] = Entries(lambda place: place in (1, 4), times=4)
    wire.batches["DeleteMessageBatch"] = Entries(lambda place: place % 3 == 0, times=4)
    ran = redrive(shell, pair, "--workers", "2")
    assert ran.code == 0, ran.out + ran.err
    assert Counter(pair.drained(pair.home_url)) == before
    assert pair.count(pair.dead_url) == 0


def test_entries_that_are_refused_for_good_are_told_of_and_stay(pair: Pair, shell: Shell, wire: Wire) -> None:
    pair.fill(20)
    wire.batches["SendMessageBatch"] = Entries(lambda place: place == 0, "InvalidMessageContents", sender=True, times=1)
    ran = redrive(shell, pair, "--workers", "1")
    assert ran.code == 9, ran.out + ran.err
    assert ran.data["tally"]["moved"] == 19
    assert ran.data["problems"][0]["detail"].startswith("InvalidMessageContents")
    assert pair.count(pair.dead_url) == 1


def test_handles_that_expired_are_deleted_when_they_come_again(pair: Pair, shell: Shell, wire: Wire) -> None:
    """Sent, not deleted: it must come again, be deleted, and not be sent again."""
    before = pair.fill(20)
    wire.batches["DeleteMessageBatch"] = Entries(
        lambda place: place < 2, "ReceiptHandleIsInvalid", sender=True, times=1
    )
    ran = redrive(shell, pair, "--workers", "1")
    assert ran.code == 0, ran.out + ran.err
    assert Counter(pair.drained(pair.home_url)) == before
    assert pair.count(pair.dead_url) == 0


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_an_answer_that_is_lost_after_the_send_took_effect(
    clients: Clients, shell: Shell, wire: Wire, suffix: str
) -> None:
    pair = Pair(clients, suffix)
    before = pair.fill(30)
    wire.answers["SendMessageBatch"] = Answer(0, "", times=1, after=True)
    ran = redrive(shell, pair, "--workers", "1")
    assert ran.code == 0, ran.out + ran.err
    found = Counter(pair.drained(pair.home_url))
    assert not before - found
    assert sum((found - before).values()) <= (0 if suffix else 10)
    assert pair.count(pair.dead_url) == 0
    if not suffix:
        assert ran.data["unsure"] == 1


def test_throttling_is_waited_out(pair: Pair, shell: Shell, wire: Wire) -> None:
    before = pair.fill(40)
    for call in ("ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch"):
        wire.answers[call] = Answer(400, "ThrottlingException", times=4, spare=1)
    ran = redrive(shell, pair, "--workers", "2")
    assert ran.code == 0, ran.out + ran.err
    assert Counter(pair.drained(pair.home_url)) == before


def test_hazard_15_a_destination_that_is_deleted_in_mid_run_is_no_crash(pair: Pair, shell: Shell, wire: Wire) -> None:
    pair.fill(60)
    seen = itertools.count(1)

    def watch(call: str) -> None:
        if call == "SendMessageBatch" and next(seen) == 2:
            pair.sqs.delete_queue(QueueUrl=pair.home_url)

    wire.watch = watch
    ran = redrive(shell, pair, "--workers", "1", "--to", pair.home)
    assert ran.code == 9, ran.out + ran.err
    assert ran.data["tally"]["moved"] == 20
    assert ran.data["tally"]["unroutable"] == 40
    assert pair.count(pair.dead_url) == 40


def test_a_dead_letter_queue_that_is_deleted_in_mid_run_ends_it(pair: Pair, shell: Shell, wire: Wire) -> None:
    pair.fill(60)
    seen = itertools.count(1)

    def watch(call: str) -> None:
        if call == "ReceiveMessage" and next(seen) == 3:
            pair.sqs.delete_queue(QueueUrl=pair.dead_url)

    wire.watch = watch
    ran = redrive(shell, pair, "--workers", "1")
    assert ran.code == 8, ran.out + ran.err
    assert "does not exist" in json.dumps(ran.envelope["errors"])


def test_ctrl_c_gives_back_what_is_in_hand_and_resume_goes_on(pair: Pair, shell: Shell) -> None:
    before = pair.fill(60)
    process = shell.start("dlq", "redrive", pair.dead, "--stages", "20,all", "--watch", "1h", "--yes")
    until(lambda: pair.count(pair.dead_url) <= 40)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "lambdaops dlq resume" in out
    waiting = pair.sqs.get_queue_attributes(QueueUrl=pair.dead_url, AttributeNames=["ApproximateNumberOfMessages"])[
        "Attributes"
    ]["ApproximateNumberOfMessages"]
    assert int(waiting) == 40, "everything is visible again"
    ran = shell("dlq", "redrive", pair.dead, "--stages", "20,all", "--watch", "1h", "--limit", "5", "--yes")
    assert ran.code == 3
    run = runs(FileJournals(shell.home).open(pair.arn).read().entries)[0]
    assert run.held is not None
    process = shell.start("dlq", "resume", run.id, "--yes")
    until(lambda: "watching" in shell("dlq", "status", run.id).out)
    assert shell("dlq", "pause", run.id, "--reason", "wait").code == 0
    assert "paused" in shell("dlq", "status", run.id).out
    refused = shell("dlq", "redrive", pair.dead, "--stages", "20,all", "--watch", "1h", "--yes")
    assert refused.code == 7
    assert shell("dlq", "cancel", run.id, "--yes", "--reason", "enough").code == 0
    assert process.wait(timeout=30) == 9
    assert Counter([*pair.drained(pair.home_url), *pair.drained(pair.dead_url)]) == before
