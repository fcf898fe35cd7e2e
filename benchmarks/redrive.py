"""``python -m benchmarks.redrive --fauxqs DIR [--mover FILE]``: a redrive beside a bare loop and a mover of the index.

``npm install fauxqs@1.9.2`` in DIR, and ``sqs-mover`` in an environment of its own (FILE is its ``sqsmover``). The
server listens on 127.0.0.1 only. Runs alternate, so that a busy machine is busy for all; what counts are the ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from lambdaops.core.dlq.records import RedriveOpened, RedriveStep
from lambdaops.store.files import FileJournals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SERVER = """
import { buildApp } from 'fauxqs';
const delay = Number(process.argv[1]);
const app = buildApp({ logger: false });
if (delay) app.addHook('onRequest', (request, reply, done) => setTimeout(done, delay));
app.listen({ host: '127.0.0.1', port: 0 }).then(address => console.log(address));
"""
BARE = """
import sys, threading, time, boto3
from botocore.config import Config
dead, home, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
sqs = boto3.client("sqs", config=Config(max_pool_connections=threads))
urls = [sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in (dead, home)]
last = [time.time()] * threads
def work(n):
    empty = 0
    while empty < 2:
        got = sqs.receive_message(QueueUrl=urls[0], MaxNumberOfMessages=10, MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"], WaitTimeSeconds=1, VisibilityTimeout=120).get("Messages", [])
        if not got:
            empty += 1
            continue
        sqs.send_message_batch(QueueUrl=urls[1], Entries=[{"Id": str(i), "MessageBody": m["Body"],
            "MessageAttributes": m.get("MessageAttributes", {})} for i, m in enumerate(got)])
        sqs.delete_message_batch(QueueUrl=urls[0], Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]}
            for i, m in enumerate(got)])
        last[n] = time.time()
began = time.time()
everyone = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
[one.start() for one in everyone]
[one.join() for one in everyone]
print(max(last) - began)
"""


@dataclass
class Took:
    """One run: seconds from start to end, from the first receive to the last deletion, of CPU; megabytes at most."""

    wall: float
    moving: float
    cpu: float
    memory: float


@contextlib.contextmanager
def server(directory: Path, delay: int) -> Iterator[dict[str, str]]:
    """fauxqs, with so many milliseconds of latency."""
    command = ["node", "--input-type=module", "-e", SERVER, str(delay)]
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True) as process:
        out = process.stdout
        try:
            yield {
                **os.environ,
                "AWS_ENDPOINT_URL": out.readline().strip() if out else "",
                "AWS_ACCESS_KEY_ID": "000000000000",
                "AWS_SECRET_ACCESS_KEY": "x",
                "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1",
                "NO_PROXY": "127.0.0.1",
            }
        finally:
            process.kill()


def client(env: dict[str, str]) -> Any:  # noqa: ANN401 -- boto3's
    return boto3.client(
        "sqs",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="x",  # noqa: S106 -- an emulator's
    )


def fill(env: dict[str, str], name: str, count: int) -> None:
    sqs = client(env)
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def put(start: int) -> None:
        attributes = {"kind": {"DataType": "String", "StringValue": "order"}}
        sqs.send_message_batch(
            QueueUrl=url,
            Entries=[
                {"Id": str(n), "MessageBody": f"{n:08}" + "x" * 192, "MessageAttributes": attributes}
                for n in range(start, min(count, start + 10))
            ],
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(0, count, 10)))


def queues(env: dict[str, str], dead: str, home: str) -> None:
    sqs = client(env)
    url = sqs.create_queue(QueueName=dead)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    sqs.create_queue(QueueName=home, Attributes={"RedrivePolicy": policy})


def left(env: dict[str, str], name: str) -> int:
    sqs = client(env)
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))


def run(env: dict[str, str], command: list[str]) -> tuple[float, float, float, str]:
    """Seconds, seconds of CPU, megabytes at most, and what it said."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    if process.returncode:
        raise SystemExit(said)
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said


def ours(env: dict[str, str], dead: str, home: str, threads: int, *more: str) -> Took:
    with tempfile.TemporaryDirectory() as directory:
        words = ["--to", home, "--stages", "all", "--no-native", "--yes", "--workers", str(threads), *more]
        command = [sys.executable, "-m", "lambdaops", "dlq", "redrive", dead, *words]
        wall, cpu, memory, _ = run({**env, "LAMBDAOPS_HOME": directory}, command)
        journals = FileJournals(Path(directory))
        (arn,) = journals.targets()
        entries = journals.open(arn).read().entries
        opened = next(entry.at for entry in entries if isinstance(entry.event, RedriveOpened))
        last = max(entry.at for entry in entries if isinstance(entry.event, RedriveStep))
    return Took(wall, (last - opened).total_seconds(), cpu, memory)


def bare(env: dict[str, str], dead: str, home: str, threads: int) -> Took:
    wall, cpu, memory, said = run(env, [sys.executable, "-c", BARE, dead, home, str(threads)])
    return Took(wall, float(said.split()[-1]), cpu, memory)


def mover(env: dict[str, str], dead: str, home: str, path: str) -> Took:
    wall, cpu, memory, _ = run(env, [path, "-s", dead, "-d", home])
    return Took(wall, wall, cpu, memory)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--fauxqs", type=Path, required=True)
    words.add_argument("--mover", default="")
    words.add_argument("--runs", type=int, default=3)
    words.add_argument("--threads", type=int, default=16)
    words.add_argument("--count", type=int, default=10_000)
    words.add_argument("--large", type=int, default=100_000)
    words.add_argument("--what", default="loopback,latency,memory")
    asked = words.parse_args()
    if "loopback" in asked.what:
        beside(asked, 0, mover_too=bool(asked.mover))
    if "latency" in asked.what:
        beside(asked, 20, mover_too=bool(asked.mover))
    if "memory" in asked.what:
        memory(asked)


def beside(asked: argparse.Namespace, delay: int, *, mover_too: bool) -> None:
    took: dict[str, list[Took]] = {"ours": [], "bare": [], "mover": []}
    with server(asked.fauxqs, delay) as env:
        for number in range(asked.runs):
            for name in ("ours", "bare", *(["mover"] if mover_too else [])):
                dead, home = f"{name}-{delay}-{number}-dlq", f"{name}-{delay}-{number}"
                queues(env, dead, home)
                fill(env, dead, asked.count)
                if name == "ours":
                    one = ours(env, dead, home, asked.threads)
                elif name == "bare":
                    one = bare(env, dead, home, asked.threads)
                else:
                    one = mover(env, dead, home, asked.mover)
                if (left(env, dead), left(env, home)) != (0, asked.count):
                    raise SystemExit(f"{name} lost or doubled something")
                took[name].append(one)
    print(f"{asked.count} messages, {asked.threads} threads, {delay} ms added latency, {asked.runs} runs, medians")
    for name, runs in took.items():
        if runs:
            moving, wall, cpu = (
                statistics.median(getattr(one, what) for one in runs) for what in ("moving", "wall", "cpu")
            )
            rate = asked.count / moving
            print(f"  {name:<6} moving {moving:6.2f} s ({rate:6.0f}/s)  wall {wall:6.2f}  CPU {cpu:6.2f}")
    beside_bare = list(zip(took["bare"], took["ours"], strict=True))
    print(f"  ours / bare loop: {spread(b.moving / o.moving for b, o in beside_bare)}")
    print(f"  by CPU: {spread(b.cpu / o.cpu for b, o in beside_bare)}")
    if took["mover"]:
        faster = spread(m.wall / o.wall for m, o in zip(took["mover"], took["ours"], strict=True))
        print(f"  ours / sqs-mover, from start to end: {faster}")


def spread(ratios: Iterable[float]) -> str:
    """The median, and the worst and best run."""
    found = list(ratios)
    return f"{statistics.median(found):.2f} (worst {min(found):.2f}, best {max(found):.2f})"


def memory(asked: argparse.Namespace) -> None:
    found = {}
    with server(asked.fauxqs, 0) as env:
        for count in (1_000, asked.large):
            dead, home = f"memory-{count}-dlq", f"memory-{count}"
            queues(env, dead, home)
            fill(env, dead, count)
            found[count] = ours(env, dead, home, asked.threads).memory
    small, large = found.values()
    print(f"memory: {small:.0f} MB at 1000 messages, {large:.0f} MB at {asked.large}: {large / small:.2f} times")


if __name__ == "__main__":
    main()
