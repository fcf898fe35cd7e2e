"""``python -m lambdaops.sandbox.traffic``: the shop's customers, an ordinary client that knows no versions.

Rules this file guarantees: it reads the AWS variables like any tool; it invokes the alias at a steady rate whatever
comes back; an error of the shop is counted and the customers keep coming; SIGTERM and SIGINT end it with exit 0 within
seconds, even when the shop no longer answers.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import signal
import sys
import time
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from lambdaops.sandbox import events, process
from lambdaops.sandbox.crowd import DROPPED, UNANSWERED, Crowd
from lambdaops.sandbox.pacing import Pace

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

MODULE = "lambdaops.sandbox.traffic"
# A build that waits 1.2 s on half of 20 orders a second has twelve of them in flight.
IN_FLIGHT = 32
_INVOICES_IN_FLIGHT = 4
_INVOICE_EVERY = 10
_PID_FILE = "traffic.pid"
# How long a signal may go unnoticed, and how long those in flight are waited for; together well below the time after
# which whoever stops us loses patience.
_NAP_SECONDS = 0.2
_FAREWELL_SECONDS = 2.0
# Longer than any function here may run, so that a timeout is the function's and not ours.
_READ_SECONDS = 10

OK, FAILED, THROTTLED, REFUSED, UNREACHABLE = "ok", "function errors", "throttled", "refused", "unreachable"
INVOICES, LOST_INVOICES = "invoices", "lost invoices"
_ORDERS = (OK, FAILED, THROTTLED, REFUSED, UNREACHABLE, UNANSWERED)


def start(variables: Mapping[str, str], directory: Path, rate: float) -> int:
    """Let customers in, as a process of their own, in place of those who came before; gives its pid."""
    stop(directory)
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


class Shopping:
    """What one customer does, and what came of it in a word."""

    def __init__(self, functions: LambdaClient, queues: SQSClient, function: str) -> None:
        self._functions = functions
        self._queues = queues
        self._name, _, self._qualifier = function.partition(":")

    def order(self, event: dict[str, Any]) -> str:
        """Invoke the function and wait for its answer."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._functions.invoke(
                FunctionName=self._name, Qualifier=self._qualifier, Payload=json.dumps(event).encode()
            )
            answer["Payload"].read()
        except self._functions.exceptions.TooManyRequestsException:
            return THROTTLED
        except ClientError:
            return REFUSED
        except BotoCoreError:
            return UNREACHABLE
        return FAILED if answer.get("FunctionError") else OK

    def invoice(self, body: str) -> str:
        """Send a message to the invoices queue."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._queues.send_message(QueueUrl=self._queue_url, MessageBody=body)
        except (ClientError, BotoCoreError):
            return LOST_INVOICES
        return INVOICES

    @cached_property
    def _queue_url(self) -> str:
        """Asked for with the first invoice: customers may come before the shop is open."""
        return self._queues.get_queue_url(QueueName="invoices")["QueueUrl"]


class Customers:
    """Come at a steady rate until told to leave."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._leaving = False

    def leave(self, *_: object) -> None:
        """Stop soon; also a signal handler, hence no lock: the interrupted code might hold it."""
        self._leaving = True

    def shop(self, shopping: Shopping, rate: float, seconds: float | None = None) -> Counter[str]:
        """Send ``rate`` orders a second, and an invoice now and then; gives the counts."""
        orders, invoices = Crowd(IN_FLIGHT), Crowd(_INVOICES_IN_FLIGHT)
        began = time.monotonic()
        pace = Pace(1 / rate, began)
        number = 0
        while not self._leaving and (seconds is None or time.monotonic() - began < seconds):
            wait = pace.wait(time.monotonic())
            if wait > 0:
                # A signal does not cut a sleep short, so a long one is taken in naps.
                time.sleep(min(wait, _NAP_SECONDS))
                continue
            pace = pace.sent(time.monotonic())
            number += 1
            orders.offer(partial(shopping.order, events.order(self._chance)))
            if number % _INVOICE_EVERY == 0:
                invoices.offer(partial(shopping.invoice, events.invoice(self._chance)))
        counts, posted = orders.gather(_FAREWELL_SECONDS), invoices.gather(_FAREWELL_SECONDS)
        counts[INVOICES] = posted[INVOICES]
        counts[LOST_INVOICES] = posted.total() - posted[INVOICES]
        return counts


def summary(counts: Mapping[str, int]) -> str:
    """One line that says what came of all orders."""
    sent = sum(counts.get(name, 0) for name in _ORDERS)
    rest = (*_ORDERS, DROPPED, INVOICES, LOST_INVOICES)
    return ", ".join([f"sent {sent}", *(f"{name} {counts.get(name, 0)}" for name in rest)])


def run(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description="Customers for the sandbox's shop.")
    parser.add_argument("--rate", type=_positive, default=20.0, metavar="N", help="orders a second (default 20)")
    parser.add_argument("--function", type=_alias, default="orders:live", metavar="FUNCTION:ALIAS")
    parser.add_argument("--for", type=_positive, dest="seconds", metavar="SECONDS", help="default: until told to stop")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, other customers")
    asked = parser.parse_args(arguments)

    # The signals first: loading boto3 takes a while, and who is told to leave meanwhile leaves politely, too.
    customers = Customers(random.Random(asked.seed))  # noqa: S311 -- customers, not secrets
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, customers.leave)
    sys.stderr.write(summary(customers.shop(_connect(asked.function), asked.rate, asked.seconds)) + "\n")


def _connect(function: str) -> Shopping:
    import boto3
    from botocore.config import Config

    config = Config(
        max_pool_connections=IN_FLIGHT,
        retries={"total_max_attempts": 1},  # a customer who retries would hide an error and raise the rate
        connect_timeout=2,
        read_timeout=_READ_SECONDS,
        proxies={},  # the shop is on this machine
    )
    return Shopping(boto3.client("lambda", config=config), boto3.client("sqs", config=config), function)


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _alias(text: str) -> str:
    name, _, qualifier = text.partition(":")
    if not (name and qualifier):
        raise argparse.ArgumentTypeError(f"{text} is not FUNCTION:ALIAS")
    return text


if __name__ == "__main__":
    run()
