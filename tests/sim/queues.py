"""SQS in memory, as AWS documents it and at its worst where AWS leaves it open; single-threaded, on the sim clock.

Visibility by the clock, receive counts, FIFO group locking and five-minute deduplication, redrive policies with the
same MessageId and DeadLetterQueueSourceArn, retention, the in-flight limit. Verbs put messages there and make calls
fail: ``faults`` is asked before every call and may answer with a Fault.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.dlq.letter import Attribute, Batch, Letter, Outgoing, Queue, Refused
from lambdaops.core.dlq.packing import LARGEST, MOST, problem, size
from lambdaops.core.errors import (
    AwsFaultError,
    ConflictError,
    LambdaOpsError,
    NotFoundError,
    QueueFullError,
    ThrottledError,
    UnreachableError,
)
from lambdaops.ports.queues import Called
from tests.sim.clock import SimClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.core.dlq.dead import StreamBatch

ACCOUNT = "111122223333"
_DEDUPLICATED = timedelta(minutes=5)
_PATIENCE = timedelta(seconds=30)
"""How long a client waits for the answer to a send (``aws.session``)."""


def arn_of(name: str) -> str:
    return f"arn:aws:sqs:eu-central-1:{ACCOUNT}:{name}"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a call.

    ``error`` instead of an answer, ``after`` the call took effect; ``refused`` are the places of a batch that are not
    taken (``sender`` says whose fault); ``slow`` is how long the call takes.
    """

    error: LambdaOpsError | None = None
    after: bool = False
    refused: tuple[int, ...] = ()
    sender: bool = False
    slow: timedelta = timedelta()


THROTTLED = Fault(ThrottledError("slow down"))
TIMED_OUT = Fault(UnreachableError("no answer in time"), after=True)
LOST = Fault(UnreachableError("no connection"))
BROKEN = Fault(AwsFaultError("internal error"))
BROKEN_AFTER = Fault(AwsFaultError("internal error"), after=True)


@dataclass
class Message:
    """A message in a queue."""

    id: str
    body: str
    attributes: dict[str, Attribute]
    sent: datetime
    group: str | None = None
    deduplication: str | None = None
    sequence: str | None = None
    trace: str | None = None
    source: str | None = None
    receives: int = 0
    visible_at: datetime | None = None
    handle: str = ""

    @property
    def essence(self) -> tuple[object, ...]:
        """What must never be lost or changed."""
        return (
            self.body,
            tuple(sorted((name, one.type, one.value) for name, one in self.attributes.items())),
            self.trace,
            self.group,
        )


@dataclass
class Box:
    """A queue."""

    name: str
    visibility: timedelta = timedelta(seconds=30)
    retention: timedelta = timedelta(days=4)
    dead_letters: str = ""
    max_receives: int = 0
    in_flight: int = 120_000
    messages: list[Message] = field(default_factory=list)
    seen: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    sent: list[Message] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    @property
    def fifo(self) -> bool:
        return self.name.endswith(".fifo")


@dataclass
class Sqs:
    """Implements ports.queues.Queues."""

    clock: SimClock = field(default_factory=SimClock)
    seed: int = 0
    boxes: dict[str, Box] = field(default_factory=dict)
    faults: Callable[[str], Fault | None] = lambda _: None
    calls: list[str] = field(default_factory=list)
    on_send: Callable[[Box, Message], None] | None = None

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._ids = itertools.count(1)
        self._handles = itertools.count(1)
        self._sequence = itertools.count(1)

    # -- verbs -----------------------------------------------------------------------------------------------------

    def box(self, name: str, **settings: object) -> Box:
        """A queue exists."""
        return self.boxes.setdefault(name, Box(name, **settings))  # type: ignore[arg-type]

    def put(
        self,
        name: str,
        body: str,
        attributes: dict[str, Attribute] | None = None,
        *,
        source: str = "",
        group: str | None = None,
        trace: str | None = None,
        ago: float = 60,
    ) -> Message:
        """A dead letter lies there since a while."""
        box = self.boxes[name]
        message = Message(
            self._new_id(),
            body,
            dict(attributes or {}),
            self.clock.now() - timedelta(seconds=ago),
            group=group,
            trace=trace,
            source=arn_of(source) if source else None,
            sequence=str(next(self._sequence)) if box.fifo else None,
        )
        box.messages.append(message)
        return message

    def bury(self, name: str, message: Message) -> None:
        """A consumer of this queue failed too often: SQS moves the message to the queue's dead-letter queue."""
        box = self.boxes[name]
        box.messages.remove(message)
        self._bury(box, message)

    def delete_queue(self, name: str) -> None:
        del self.boxes[name]

    def essences(self, *names: str) -> list[tuple[object, ...]]:
        """What lies in these queues, whether visible or not."""
        return [message.essence for name in names if name in self.boxes for message in self.boxes[name].messages]

    # -- Queues ----------------------------------------------------------------------------------------------------

    def find(self, queue: str) -> Queue:
        self._begin("find")
        box = self._box(queue.rpartition(":")[2])
        self._expire(box)
        now = self.clock.now()
        hidden = sum(1 for one in box.messages if one.visible_at and one.visible_at > now)
        return Queue(
            url=f"http://sqs/{box.name}",
            arn=arn_of(box.name),
            waiting=len(box.messages) - hidden,
            hidden=hidden,
            delayed=0,
            retention=box.retention,
            visibility=box.visibility,
            at=now.replace(microsecond=0),
            dead_letters=arn_of(box.dead_letters) if box.dead_letters else "",
            max_receives=box.max_receives,
        )

    def sources(self, queue: Queue) -> tuple[str, ...]:
        return tuple(arn_of(name) for name, box in self.boxes.items() if arn_of(box.dead_letters) == queue.arn)

    def receive(self, queue: Queue, at_most: int, hidden: timedelta, wait: timedelta) -> tuple[Letter, ...]:
        assert 1 <= at_most <= 10
        fault = self._begin("receive")
        box = self._box(queue.name)
        found = self._receive(box, at_most, hidden)
        if not found:
            self.clock.advance(wait)
            found = self._receive(box, at_most, hidden)
        self._end(fault)
        return tuple(found)

    def _receive(self, box: Box, at_most: int, hidden: timedelta) -> list[Letter]:
        self._expire(box)
        now = self.clock.now()
        flying = sum(1 for one in box.messages if one.visible_at and one.visible_at > now)
        if flying >= box.in_flight:
            raise QueueFullError("too many messages in flight")
        locked = {one.group for one in box.messages if one.visible_at and one.visible_at > now} if box.fifo else set()
        there = [
            one
            for one in box.messages
            if (one.visible_at is None or one.visible_at <= now) and (not box.fifo or one.group not in locked)
        ]
        if not box.fifo:
            self._random.shuffle(there)
        letters: list[Letter] = []
        for message in there:
            if len(letters) == at_most:
                break
            if box.max_receives and message.receives >= box.max_receives:
                box.messages.remove(message)
                self._bury(box, message)
                continue
            message.receives += 1
            message.visible_at = now + hidden
            message.handle = f"{message.id}#{next(self._handles)}"
            letters.append(self._letter(message))
        return letters

    def send(self, queue: Queue, messages: Sequence[Outgoing]) -> Batch:
        assert 1 <= len(messages) <= MOST
        assert sum(size(one) for one in messages) <= LARGEST
        fault = self._begin("send", patience=_PATIENCE)
        box = self._box(queue.name)
        taken, refused, new = [], [], []
        for place, message in enumerate(messages):
            said = problem(message, fifo=box.fifo)
            if said:
                refused.append(Refused(message.id, "InvalidParameterValue", said, fault=True))
            elif fault and place in fault.refused:
                refused.append(_refused(message.id, fault))
            else:
                taken.append(message.id)
                new.append(self._store(box, message))
        self._end(fault)
        return Batch(tuple(taken), tuple(refused), tuple(new))

    def delete(self, queue: Queue, letters: Sequence[Letter]) -> Batch:
        assert 1 <= len(letters) <= MOST
        fault = self._begin("delete")
        box = self._box(queue.name)
        now = self.clock.now()
        taken, refused = [], []
        for place, letter in enumerate(letters):
            message = next((one for one in box.messages if one.id == letter.id), None)
            if fault and place in fault.refused:
                refused.append(_refused(letter.id, fault))
                continue
            old = message is not None and message.handle != letter.handle
            if message is not None and box.fifo and (old or message.visible_at is None or message.visible_at <= now):
                why = "The receipt handle has expired"
                refused.append(Refused(letter.id, "InvalidParameterValue", why, fault=True))
                continue
            if message is not None and message.handle == letter.handle:
                box.messages.remove(message)
                box.deleted.append(letter.id)
            # With an older handle than the newest a standard queue says yes and may delete nothing (SQS API reference,
            # DeleteMessage): the worst is played here.
            taken.append(letter.id)
        self._end(fault)
        return Batch(tuple(taken), tuple(refused))

    def hide(self, queue: Queue, letters: Sequence[Letter], hidden: timedelta) -> Batch:
        assert 1 <= len(letters) <= MOST
        fault = self._begin("hide")
        box = self._box(queue.name)
        now = self.clock.now()
        taken, refused = [], []
        for place, letter in enumerate(letters):
            message = next((one for one in box.messages if one.id == letter.id), None)
            if fault and place in fault.refused:
                refused.append(_refused(letter.id, fault))
            elif message is None or message.handle != letter.handle or not message.visible_at:
                refused.append(Refused(letter.id, "ReceiptHandleIsInvalid", "not yours any more", fault=True))
            elif message.visible_at <= now:
                refused.append(Refused(letter.id, "InvalidParameterValue", "Message is not in flight", fault=True))
            else:
                message.visible_at = now + hidden
                taken.append(letter.id)
        self._end(fault)
        return Batch(tuple(taken), tuple(refused))

    def purge(self, queue: Queue) -> None:
        raise ConflictError("not here")

    # -- inside ----------------------------------------------------------------------------------------------------

    def _store(self, box: Box, outgoing: Outgoing) -> str:
        now = self.clock.now()
        if box.fifo:
            assert outgoing.deduplication, "a FIFO queue without content-based deduplication needs an id"
            known = box.seen.get(outgoing.deduplication)
            if known is not None and now - known[0] < _DEDUPLICATED:
                return known[1]
        message = Message(
            self._new_id(),
            outgoing.body,
            dict(outgoing.attributes),
            now,
            group=outgoing.group,
            deduplication=outgoing.deduplication,
            trace=outgoing.trace,
            sequence=str(next(self._sequence)) if box.fifo else None,
        )
        if box.fifo and outgoing.deduplication:
            box.seen[outgoing.deduplication] = (now, message.id)
        box.messages.append(message)
        box.sent.append(replace(message))
        if self.on_send is not None:
            self.on_send(box, message)
        return message.id

    def _bury(self, box: Box, message: Message) -> None:
        dead = self.boxes[box.dead_letters]
        sent = self.clock.now() if box.fifo else message.sent
        dead.messages.append(replace(message, source=arn_of(box.name), sent=sent, visible_at=None, handle=""))

    def _letter(self, message: Message) -> Letter:
        return Letter(
            message.id,
            message.handle,
            message.body,
            message.attributes,
            message.sent,
            message.receives,
            message.group,
            message.deduplication,
            message.sequence,
            message.trace,
            message.source,
        )

    def _expire(self, box: Box) -> None:
        oldest = self.clock.now() - box.retention
        box.messages = [one for one in box.messages if one.sent > oldest]

    def _begin(self, call: str, patience: timedelta = timedelta.max) -> Fault | None:
        """Note a call and find out what goes wrong; one that takes longer than its client waits ends without answer."""
        self.calls.append(call)
        fault = self.faults(call)
        if fault is not None:
            self.clock.advance(min(fault.slow, patience))
            if fault.slow > patience and fault.error is None:
                fault = replace(fault, error=UnreachableError("no answer in time"), after=True)
            if fault.error is not None and not fault.after:
                raise fault.error
        return fault

    def _end(self, fault: Fault | None) -> None:
        if fault is not None and fault.error is not None:
            raise fault.error

    def _box(self, name: str) -> Box:
        name = name.rpartition(":")[2].rpartition("/")[2]
        if name not in self.boxes:
            raise NotFoundError(f"queue {name} does not exist", hint="Check the name and the region.", target=name)
        return self.boxes[name]

    def _new_id(self) -> str:
        number = next(self._ids) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128)
        text = f"{number:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _refused(name: str, fault: Fault) -> Refused:
    code = "InvalidParameterValue" if fault.sender else "InternalError"
    return Refused(name, code, "refused by the test", fault=fault.sender)


@dataclass
class Functions:
    """Implements ports.queues.Invocations and Streams: what functions were given, and what becomes of it."""

    given: list[tuple[str, str, bytes, str | None]] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    refuses: Callable[[bytes], LambdaOpsError | None] = lambda _: None
    records: dict[str, tuple[dict[str, object], ...]] = field(default_factory=dict)
    fails: bool = False

    def invoke(self, function: str, qualifier: str, payload: bytes, trace: str | None = None) -> str:
        name = function.rpartition(":")[2]
        if name in self.missing:
            raise NotFoundError(f"function {name} does not exist")
        error = self.refuses(payload)
        if error is not None and not (isinstance(error, UnreachableError) and error.ambiguous):
            raise error
        self.given.append((name, qualifier, payload, trace))
        if error is not None:
            raise error
        return f"request-{len(self.given)}"

    def call(self, function: str, qualifier: str, payload: bytes, trace: str | None = None) -> Called:
        self.given.append((function.rpartition(":")[2], qualifier, payload, trace))
        return Called("request", "Unhandled", "ValueError") if self.fails else Called("request")

    def fetch(self, batch: StreamBatch) -> tuple[dict[str, object], ...]:
        if batch.first not in self.records:
            raise NotFoundError("the records are older than the stream's retention")
        return self.records[batch.first]
