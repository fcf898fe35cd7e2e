"""``python -m lambdaops.sandbox.traffic``: the shop's customers, an ordinary client that knows no versions.

It reads the AWS variables like any tool, invokes ``orders:live`` at a steady rate, now and then sends an invoice, and
counts what comes back. An error of the shop is the shop's: the customers keep coming.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from lambdaops.sandbox import events, process
from lambdaops.sandbox.pacing import Pace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

MODULE = "lambdaops.sandbox.traffic"
_THREADS = 12
_INVOICE_EVERY = 10
_PID_FILE = "traffic.pid"


def start(variables: Mapping[str, str], directory: Path, rate: int) -> int:
    """Let customers in, as a process of their own."""
    pid = process.launch(MODULE, ("--rate", str(rate)), variables, directory / "traffic.log")
    (directory / _PID_FILE).write_text(str(pid), "utf-8")
    return pid


def stop(directory: Path) -> None:
    """Send the customers home; safe to repeat."""
    path = directory / _PID_FILE
    try:
        pid = int(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return
    process.end(pid, MODULE)
    path.unlink(missing_ok=True)


class Customers:
    """Sends requests until told to stop."""

    def __init__(self, functions: LambdaClient, queues: SQSClient, queue_url: str, target: str, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._functions = functions
        self._queues = queues
        self._queue_url = queue_url
        self._function, _, self._qualifier = target.partition(":")
        self._chance = random.Random(seed)  # noqa: S311 -- customers, not secrets
        self._stop = threading.Event()
        self._free = threading.Semaphore(_THREADS * 2)

    def leave(self, *_: object) -> None:
        """Stop soon; also a signal handler."""
        self._stop.set()

    def shop(self, rate: float, seconds: float | None) -> None:
        """Send ``rate`` orders a second; a shop that is too slow loses customers rather than slowing them down."""
        began = time.monotonic()
        pace = Pace(1 / rate, began)
        with ThreadPoolExecutor(_THREADS) as pool:
            while not self._stop.wait(pace.wait(time.monotonic())):
                now = time.monotonic()
                if seconds is not None and now - began >= seconds:
                    return
                pace = pace.sent(now)
                self.counts["sent"] += 1
                if not self._free.acquire(blocking=False):
                    self.counts["dropped"] += 1
                    continue
                pool.submit(self._order, events.order(self._chance))
                if self.counts["sent"] % _INVOICE_EVERY == 0:
                    pool.submit(self._invoice, events.invoice(self._chance))

    def _order(self, event: dict[str, Any]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._functions.invoke(
                FunctionName=self._function, Qualifier=self._qualifier, Payload=json.dumps(event).encode()
            )
            answer["Payload"].read()
            self.counts["failed" if answer.get("FunctionError") else "ok"] += 1
        except ClientError:
            self.counts["refused"] += 1
        except BotoCoreError:
            self.counts["unreachable"] += 1
        finally:
            self._free.release()

    def _invoice(self, body: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._queues.send_message(QueueUrl=self._queue_url, MessageBody=body)
        except (ClientError, BotoCoreError):
            self.counts["unreachable"] += 1


def run() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}")
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--target", default="orders:live")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()

    import boto3
    from botocore.config import Config

    config = Config(max_pool_connections=_THREADS, retries={"total_max_attempts": 1}, read_timeout=10)
    queues = boto3.client("sqs", config=config)
    url = queues.get_queue_url(QueueName="invoices")["QueueUrl"]
    customers = Customers(boto3.client("lambda", config=config), queues, url, asked.target, asked.seed)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, customers.leave)
    customers.shop(asked.rate, asked.seconds)
    sys.stderr.write(" ".join(f"{name} {count}" for name, count in sorted(customers.counts.items())) + "\n")


if __name__ == "__main__":
    run()
