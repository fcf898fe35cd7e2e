"""What a worker of a redrive may want done: the calls to AWS, a wait, or a word with the desk, as values."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta

from lambdaops.core.dlq.letter import Letter, Outgoing
from lambdaops.core.dlq.route import ToFunction, ToStream
from lambdaops.core.dlq.talk import Trouble, Turn
from lambdaops.core.errors import AwsError, LambdaOpsError, NotFoundError


@dataclass(frozen=True, slots=True)
class Take:
    """Receive from the dead-letter queue."""

    at_most: int
    hidden: timedelta
    wait: timedelta


@dataclass(frozen=True, slots=True)
class Send:
    """Send a batch to a queue."""

    queue: str
    messages: tuple[Outgoing, ...]


@dataclass(frozen=True, slots=True)
class Invoke:
    """Invoke a function asynchronously."""

    where: ToFunction
    message: Outgoing


@dataclass(frozen=True, slots=True)
class Replay:
    """Fetch the records of a stream's batch and invoke the function with them, waiting for the outcome."""

    where: ToStream
    message: Outgoing


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete from the dead-letter queue."""

    letters: tuple[Letter, ...]


@dataclass(frozen=True, slots=True)
class Hide:
    """Change how long letters stay hidden; nothing gives them back at once."""

    letters: tuple[Letter, ...]
    hidden: timedelta


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait."""

    lasts: timedelta


Deed = Turn | Take | Send | Invoke | Replay | Delete | Hide | Sleep
Work = Generator[Deed, object, None]
"""What is sent in: the desk's answer, letters, a batch's answer, a request id, or nothing, as the deed asks for."""


def trouble(error: LambdaOpsError) -> Trouble:
    """An error as the desk hears it."""
    fatal = isinstance(error, NotFoundError) or (isinstance(error, AwsError) and error.permanent)
    return Trouble(error.code, error.message, error.hint, fatal)
