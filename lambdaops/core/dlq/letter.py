"""A message in a queue, and one to be sent: values that keep everything SQS keeps.

Rules this file guarantees: bodies, attribute values and receipt handles never show in a representation, so that no log
or traceback repeats a payload; what is sent carries every part of what was received that SQS lets a sender set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MAX_BYTES = 1024 * 1024
"""The most that a message, and a batch of them, may have (SQS quotas)."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A message attribute: ``type`` is String, Number or Binary, with a custom label after a dot where it has one."""

    type: str
    value: str | bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as received.

    Attributes:
        id: SQS's MessageId; stays the same when SQS itself moves a message to a dead-letter queue.
        handle: receipt handle of this receive; what deletes it or changes its visibility.
        body: as it is, to the byte.
        attributes: by name.
        sent: SentTimestamp: to a standard dead-letter queue, of the first send; its retention counts from there.
        receives: ApproximateReceiveCount, this receive included.
        group: MessageGroupId, of FIFO queues and of fair standard ones.
        deduplication: MessageDeduplicationId.
        sequence: SequenceNumber, of FIFO queues.
        trace: AWSTraceHeader.
        source: DeadLetterQueueSourceArn: the queue that SQS took it from; only where a redrive policy moved it.
    """

    id: str
    handle: str = field(repr=False)
    body: str = field(repr=False)
    attributes: Mapping[str, Attribute] = field(repr=False)
    sent: datetime
    receives: int
    group: str | None = None
    deduplication: str | None = None
    sequence: str | None = None
    trace: str | None = field(default=None, repr=False)
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send; ``id`` is the dead message's, and tells which of a batch was taken."""

    id: str
    body: str = field(repr=False)
    attributes: Mapping[str, Attribute] = field(repr=False)
    group: str | None = None
    deduplication: str | None = None
    trace: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """One message of a batch that AWS did not take: its id, AWS's code, and why. ``fault`` is ours, not AWS's."""

    id: str
    code: str
    why: str
    fault: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of a batch: the ids of those that were taken, and those that were not. No id is in neither.

    ``new`` goes with ``taken``, of a batch that was sent: the MessageIds that SQS gave (a duplicate that a FIFO queue
    absorbed has the first one's).
    """

    taken: tuple[str, ...]
    refused: tuple[Refused, ...] = ()
    new: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue as it is now.

    Attributes:
        url: what calls name it by.
        arn: what AWS and our journal name it by.
        waiting: approximate number of messages to be received; ``hidden`` in flight, ``delayed`` not yet.
        retention: how long a message is kept.
        visibility: the queue's own visibility timeout.
        at: AWS's own clock when it said so; what SentTimestamp may be compared with.
        dead_letters: ARN of its own dead-letter queue, or empty.
        max_receives: after so many receives SQS moves a message there; 0 without a redrive policy.
        max_bytes: the largest message it takes, attributes included; 1 MiB unless the queue says less.
    """

    url: str
    arn: str
    waiting: int
    hidden: int
    delayed: int
    retention: timedelta
    visibility: timedelta
    at: datetime
    dead_letters: str = ""
    max_receives: int = 0
    max_bytes: int = MAX_BYTES

    @property
    def name(self) -> str:
        """Its name."""
        return self.arn.rpartition(":")[2]

    @property
    def account(self) -> str:
        """The account it is in."""
        return self.arn.split(":")[4]

    @property
    def region(self) -> str:
        """The region it is in."""
        return self.arn.split(":")[3]

    @property
    def fifo(self) -> bool:
        """Whether it keeps the order of groups."""
        return self.name.endswith(".fifo")

    @property
    def total(self) -> int:
        """Approximate number of messages of every state."""
        return self.waiting + self.hidden + self.delayed
