"""What work on dead letters needs of the world, as Protocols: queues, native moves, functions to invoke, streams.

An adapter returns our values and raises our errors (``core.errors``), as in the rest of the ports.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from lambdaops.ports import Alarms, Ask, Clock, Identity, Journals, Signals, Sink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import timedelta

    from lambdaops.core.dlq.dead import StreamBatch
    from lambdaops.core.dlq.letter import Batch, Letter, Outgoing, Queue
    from lambdaops.core.dlq.paths import AliasVersions, AsyncSettings, AsyncTraffic, Mapped, Published


class Queues(Protocol):
    """SQS queues. A batch is at most ten messages and 1 MiB; whoever calls keeps to that."""

    def find(self, queue: str) -> Queue:
        """A queue by its name, URL or ARN; one of another account by URL or ARN, of another region as well.

        Raises:
            InvalidQueueError: it is none of these.
            NotFoundError: there is none, or it is not ours to see: AWS does not say which.
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
        """Send a batch; tried again only where it certainly was not taken (throttled, no connection).

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

    def cancel(self, source: str, handle: str) -> None:
        """Ask it to stop; messages on their way still arrive, far more than one batch.

        Raises:
            NotFoundError: it is not running any more.
            AwsError: denied, throttled, unreachable.
        """


@dataclass(frozen=True, slots=True)
class Called:
    """What came of a synchronous invocation: ``error`` is AWS's FunctionError (Handled, Unhandled), or empty.

    ``what`` is the type of the error that the function named, never its message, which may repeat the event. ``failed``
    are the records that a function which reports them (ReportBatchItemFailures) could not take, by identifier, which is
    a sequence number; one that is empty means the whole batch.
    """

    request: str
    error: str = ""
    what: str = ""
    failed: tuple[str, ...] = ()


class Invocations(Protocol):
    """Functions, invoked."""

    def invoke(self, function: str, qualifier: str, payload: bytes, trace: str | None = None) -> str:
        """Have Lambda queue an event of at most 1 MB for an alias or version; gives the request id of the invocation.

        A function's failure is not known here: it would show in that function's own failure path, with this id.

        Raises:
            NotFoundError: no such function, alias or version.
            RejectedError: AWS refuses the event, as one over the limit.
            AwsError: ``ambiguous`` when it may have been queued all the same.
        """

    def call(self, function: str, qualifier: str, payload: bytes, trace: str | None = None) -> Called:
        """Invoke with an event of at most 6 MB and wait for the outcome; takes as long as the function does.

        Raises:
            NotFoundError, RejectedError: as above.
            AwsError: ``ambiguous`` when it may have run all the same.
        """


class Streams(Protocol):
    """Kinesis streams, and the streams of DynamoDB tables."""

    def fetch(self, batch: StreamBatch) -> tuple[dict[str, object], ...]:
        """The records of a batch that failed, each as Lambda's event source mapping gives it to a function.

        Raises:
            NotFoundError: the stream or the shard is gone, or records of the batch are older than its retention.
            RejectedError: the stream is neither Kinesis's nor DynamoDB's, or has more records there than the function
                was given, because the mapping filters.
            AwsError: denied, throttled, unreachable.
        """


class FailurePaths(Protocol):
    """Where a function's failed events go, as it is configured right now."""

    def published(self, function: str) -> tuple[Published, ...]:
        """The unpublished code and every published version, each with its own dead-letter queue; $LATEST first.

        Raises:
            NotFoundError: no such function.
            AwsError: denied, throttled, unreachable.
        """

    def aliases(self, function: str) -> tuple[AliasVersions, ...]:
        """Which versions each alias points at.

        Raises:
            NotFoundError, AwsError: as above.
        """

    def settings(self, function: str) -> tuple[AsyncSettings, ...]:
        """What is configured for asynchronous invocations: of the function, and of versions and aliases of it.

        Raises:
            NotFoundError, AwsError: as above.
        """

    def mapped(self, function: str, aliases: Iterable[str]) -> tuple[Mapped, ...]:
        """Every event source mapping of the function and of its aliases, which are these.

        Raises:
            NotFoundError, AwsError: as above.
        """

    def traffic(self, function: str, within: timedelta) -> AsyncTraffic:
        """What CloudWatch counted of the function's asynchronous events in the last days.

        Raises:
            AwsError: denied, throttled, unreachable.
        """

    def oldest(self, queues: Sequence[str]) -> dict[str, timedelta]:
        """How old the oldest message of each of these queues (by ARN) is, where CloudWatch knows.

        Raises:
            AwsError: denied, throttled, unreachable.
        """


class Pages(Protocol):
    """A file that letters are written into, a line each."""

    @property
    def name(self) -> str:
        """Where what was written is to be found."""

    def open(self) -> None:
        """Make the file.

        Raises:
            InvalidFileError: it is there already, or cannot be made.
        """

    def write(self, lines: Sequence[str]) -> None:
        """Write lines.

        Raises:
            InvalidFileError: the disk is full, or broken.
        """

    def keep(self) -> None:
        """Return when everything that was written is on the medium.

        Raises:
            InvalidFileError: it cannot be.
        """

    def finish(self) -> None:
        """Keep everything and give the file its own name.

        Raises:
            InvalidFileError: it cannot be.
        """

    def close(self) -> None:
        """Give the file back; its name says whether it was finished."""


class Lines(Protocol):
    """A file of letters, a line each."""

    @property
    def name(self) -> str:
        """As it was named."""

    def read(self) -> Iterator[tuple[int, str]]:
        """Every line that is not blank, with its number; as often as it is asked for.

        Raises:
            InvalidFileError: it is not there, unreadable, not UTF-8, or has a line that no letter can be.
        """


@dataclass(frozen=True, slots=True)
class DeadLetterPorts:
    """Everything that work on dead letters needs, wired once by the composition root."""

    clock: Clock
    signals: Signals
    queues: Queues
    moves: Moves
    invocations: Invocations
    streams: Streams
    alarms: Alarms
    identity: Identity
    journals: Journals
    sink: Sink
    ask: Ask
    host: str
    run: str = ""
    tool: str = ""
    commit: str = ""
