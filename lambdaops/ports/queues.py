"""What work on dead letters needs of the world, as Protocols: queues, native moves, functions to invoke, streams.

An adapter returns our values and raises our errors (``core.errors``), as in the rest of the ports.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from lambdaops.core.dlq.letter import Batch, Letter, Outgoing, Queue


class Queues(Protocol):
    """SQS queues. A batch is at most ten messages and 1 MiB; whoever calls keeps to that."""

    def find(self, queue: str) -> Queue:
        """A queue by its name, URL or ARN.

        Raises:
            NotFoundError: there is none.
            AwsError: denied, throttled, unreachable.
        """

    def sources(self, queue: Queue) -> tuple[str, ...]:
        """ARNs of the queues whose dead-letter queue this is."""

    def receive(self, queue: Queue, at_most: int, hidden: timedelta, wait: timedelta) -> tuple[Letter, ...]:
        """Receive up to ten messages and hide them for so long; long polling for up to ``wait``.

        An answer without messages does not mean that there are none.

        Raises:
            NotFoundError: the queue is gone.
            QueueFullError: too many messages are in flight.
            AwsError: denied, throttled, unreachable.
        """

    def send(self, queue: Queue, messages: Sequence[Outgoing]) -> Batch:
        """Send a batch.

        Raises:
            NotFoundError: the queue is gone.
            AwsError: ``ambiguous`` when some may have been taken all the same.
        """

    def delete(self, queue: Queue, letters: Sequence[Letter]) -> Batch:
        """Delete a batch by receipt handle.

        Raises:
            NotFoundError, AwsError: as above.
        """

    def hide(self, queue: Queue, letters: Sequence[Letter], hidden: timedelta) -> Batch:
        """Change how long a received batch stays hidden from now on; nothing gives them back at once.

        Raises:
            NotFoundError, AwsError: as above.
        """

    def purge(self, queue: Queue) -> None:
        """Delete every message; takes up to a minute, and once a minute is all that SQS allows.

        Raises:
            ConflictError: it was purged less than a minute ago.
            NotFoundError, AwsError: as above.
        """


@dataclass(frozen=True, slots=True)
class Move:
    """A native move of messages, as SQS reports it.

    ``state`` is SQS's own word: RUNNING, COMPLETED, CANCELLING, CANCELLED or FAILED; ``handle`` is there while it runs.
    """

    state: str
    moved: int
    total: int | None
    started: datetime
    handle: str = ""
    why: str = ""


class Moves(Protocol):
    """SQS's own message move tasks; they serve dead-letter queues of SQS queues only."""

    def start(self, source: str, destination: str | None, rate: int | None) -> str:
        """Start moving everything, to where each message came from or to one queue; gives the handle.

        Raises:
            ConflictError: one is running already.
            NotFoundError, RejectedError, AwsError: AWS's word on it.
        """

    def recent(self, source: str) -> tuple[Move, ...]:
        """The newest moves of this queue, newest first."""

    def cancel(self, handle: str) -> None:
        """Ask it to stop; messages on their way still arrive, far more than one batch.

        Raises:
            NotFoundError: it is not running any more.
            AwsError: denied, throttled, unreachable.
        """


class Invocations(Protocol):
    """Functions, invoked asynchronously."""

    def invoke(self, function: str, qualifier: str, payload: bytes, trace: str | None = None) -> None:
        """Have Lambda queue an event of at most 1 MB for an alias or version.

        Raises:
            NotFoundError: no such function, alias or version.
            RejectedError: AWS refuses the event, as one over the limit.
            AwsError: ``ambiguous`` when it may have been queued all the same.
        """
