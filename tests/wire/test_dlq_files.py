"""``dlq inspect``, ``dump``, ``load`` and ``purge`` on real queues, killed at moments of their own."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.core.dlq.letter import Attribute
from tests.core import letters
from tests.wire.conftest import planned, until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable

    from lambdaops.core.dlq.letter import Letter
    from tests.wire.conftest import Clients, Shell
    from tests.wire.proxy import Wire

_numbers = itertools.count(1)
PERMISSIONS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "permissions.json").read_text("utf-8"))
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
KINDS = (
    letters.function(),
    letters.destination(),
    letters.stream(),
    letters.table(),
    letters.rule(),
    letters.bus(),
    letters.topic(),
    letters.letter("ä text", {"b": Attribute("Binary.gz", b"\x00\xff"), "n": letters.text("12", "Number.int")}),
)


class Box:
    """A queue of a test's own."""

    def __init__(self, clients: Clients, suffix: str = "", **attributes: str) -> None:
        self.sqs = clients("sqs")
        self.name = f"letters-{next(_numbers)}{suffix}"
        fifo = {"FifoQueue": "true"} if suffix else {}
        self.url = self.sqs.create_queue(QueueName=self.name, Attributes={**fifo, **attributes})["QueueUrl"]

    def send(self, those: Iterable[Letter]) -> None:
        every = list(those)
        for start in range(0, len(every), 10):
            entries = [_entry(number, one) for number, one in enumerate(every[start : start + 10])]
            answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
            assert len(answer["Successful"]) == len(entries), answer

    def counts(self) -> tuple[int, int]:
        """To be received, and hidden."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        waiting, hidden = (int(found[name]) for name in names)
        return waiting, hidden


def _entry(number: int, one: Letter) -> dict[str, Any]:
    attributes = {
        name: {
            "DataType": value.type,
            ("BinaryValue" if isinstance(value.value, bytes) else "StringValue"): value.value,
        }
        for name, value in one.attributes.items()
    }
    entry: dict[str, Any] = {"Id": str(number), "MessageBody": one.body, "MessageAttributes": attributes}
    if one.group is not None:
        entry |= {"MessageGroupId": one.group, "MessageDeduplicationId": one.id}
    if one.trace is not None:
        entry["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": one.trace}}
    return entry


def contents(path: Path) -> Counter[str]:
    """What the letters of a file are, apart from what a new sending changes."""
    kept = ("body", "attributes", "group", "trace")
    return Counter(
        json.dumps({name: data[name] for name in kept}, sort_keys=True)
        for data in map(json.loads, path.read_text("utf-8").splitlines())
    )


def granted(command: str) -> set[str]:
    rows = [row for name in PERMISSIONS["commands"][command] for row in PERMISSIONS["sets"][name]]
    return {row["call"] for row in rows if row["call"] and row.get("when") != "--no-dump"}


def _moved_on(box: Box, sent: int, process: subprocess.Popen[str]) -> bool:
    return sum(box.counts()) > sent or process.poll() is not None


@pytest.fixture
def dead(clients: Clients) -> Box:
    box = Box(clients)
    box.send(
        letters.letter(one.body, one.attributes, trace=TRACE if number % 2 else None)
        for number, one in enumerate(KINDS)
    )
    return box


def test_every_kind_is_understood_and_nothing_is_changed(dead: Box, shell: Shell, wire: Wire) -> None:
    ran = shell("dlq", "inspect", dead.name, "--group-by", "kind", "--output", "json")
    assert ran.code == 0, ran.err
    found = {one["names"][0]: one["count"] for one in ran.data["groups"]}
    assert found == {
        kind: 1 + (kind == "stream")
        for kind in ("function", "destination", "stream", "rule", "bus", "topic", "unknown")
    }
    assert set(wire.calls) == granted("dlq inspect")
    assert dead.counts() == (8, 0)


def test_what_is_dumped_purged_and_loaded_is_what_it_was(dead: Box, shell: Shell, wire: Wire, tmp_path: Path) -> None:
    before, kept, after = (tmp_path / name for name in ("before.jsonl", "kept.jsonl", "after.jsonl"))
    assert shell("dlq", "dump", dead.name, str(before)).code == 0
    assert set(wire.calls) == granted("dlq dump")
    assert dead.counts() == (8, 0)
    wire.calls.clear()
    assert shell("dlq", "purge", dead.name, "--dump", str(kept), "--yes").code == 0
    assert set(wire.calls) == granted("dlq purge") - {"ChangeMessageVisibilityBatch"}  # nothing was left to give back
    assert set(wire.calls) <= planned("dlq.purge", dump="kept.jsonl")
    assert dead.counts() == (0, 0)
    wire.calls.clear()
    assert shell("dlq", "load", str(kept), "--yes").code == 0
    assert set(wire.calls) == granted("dlq load")
    assert shell("dlq", "dump", dead.name, str(after)).code == 0
    assert contents(before) == contents(kept) == contents(after)
    assert sum(contents(after).values()) == 8


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_a_load_that_is_killed_again_and_again_loses_nothing(
    clients: Clients, shell: Shell, tmp_path: Path, suffix: str
) -> None:
    path, box = tmp_path / "letters.jsonl", Box(clients, suffix)
    lines = [
        {"v": 1, "queue": "x", "id": f"i{n}", "body": f"letter {n}", "group": f"g{n % 7}" if suffix else None}
        for n in range(400)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    kills = 0
    for _ in range(3):
        process = shell.start("dlq", "load", str(path), "--to", box.name, "--yes")
        sent = sum(box.counts())
        until(partial(_moved_on, box, sent, process))
        time.sleep(random.uniform(0, 0.1))
        kills += process.poll() is None
        process.kill()
        process.communicate()
    ran = shell("dlq", "load", str(path), "--to", box.name, "--yes")
    assert ran.code == 0, ran.err
    there = tmp_path / "there.jsonl"
    # A FIFO queue gives no more of a group while its first letters are in hand: only a purge reaches all.
    assert shell("dlq", "purge", box.name, "--dump", str(there), "--yes").code == 0
    found = Counter(json.loads(line)["body"] for line in there.read_text("utf-8").splitlines())
    assert set(found) == {f"letter {n}" for n in range(400)}
    assert sum(found.values()) - 400 <= (0 if suffix else 10 * kills)
    for group in range(7 if suffix else 0):
        of_group = [
            data["body"]
            for data in map(json.loads, there.read_text("utf-8").splitlines())
            if data["group"] == f"g{group}"
        ]
        assert of_group == [f"letter {n}" for n in range(400) if n % 7 == group]


def test_a_purge_that_is_killed_loses_nothing(clients: Clients, shell: Shell, tmp_path: Path) -> None:
    box = Box(clients)
    box.send(letters.letter(f"letter {n}") for n in range(400))
    first, rest = tmp_path / "first.jsonl", tmp_path / "rest.jsonl"
    process = shell.start("dlq", "purge", box.name, "--dump", str(first), "--yes")
    until(lambda: sum(box.counts()) < 400)
    process.kill()
    process.communicate()
    until(lambda: box.counts()[1] == 0, within=90)  # what it had in hand comes back by itself
    assert 0 < box.counts()[0] < 400
    assert shell("dlq", "purge", box.name, "--dump", str(rest), "--yes").code == 0
    bodies = {json.loads(line)["body"] for path in (first, rest) for line in path.read_text("utf-8").splitlines()}
    assert bodies == {f"letter {n}" for n in range(400)}


def test_a_look_that_dead_letters_is_asked_for(clients: Clients, shell: Shell, dead: Box) -> None:
    target = dead.sqs.get_queue_attributes(QueueUrl=dead.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    box = Box(clients, RedrivePolicy=json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 1}))
    box.send([letters.letter("x")])
    assert shell("dlq", "inspect", box.name).code == 3
    assert box.counts() == (1, 0)
    ran = shell("dlq", "inspect", box.name, "--yes", "--output", "json")
    assert (ran.code, ran.data["left"], ran.data["looked"]) == (0, 0, 1)
    moved = shell("dlq", "inspect", box.name, "--yes", "--output", "json")
    assert (moved.data["looked"], dead.counts()) == (0, (9, 0))
    kinds = shell("dlq", "inspect", dead.name, "--group-by", "kind,function", "--output", "json").data["groups"]
    assert ["queue", f"queue {box.name}"] in [one["names"] for one in kinds]
