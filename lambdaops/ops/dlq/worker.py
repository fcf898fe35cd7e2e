"""One worker of a redrive, as a generator of what it wants done: it can be stopped, and killed, between any two calls.

Rules this file guarantees: nothing is sent that the desk did not grant; only what was confirmed as sent is deleted; a
message whose time runs out is given back, not sent; the messages of a group go in their order, and one that stays stops
those behind it; whatever is in hand when the run stops is given back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lambdaops.core.dlq.fate import Fates, Go, Stay, Why
from lambdaops.core.dlq.letter import Batch, Letter, Outgoing
from lambdaops.core.dlq.packing import pack, rounds
from lambdaops.core.dlq.records import Failure, Sending, Sent
from lambdaops.core.dlq.route import ToFunction, ToQueue, ToStream
from lambdaops.core.dlq.talk import Grant, Kept, Leave, Receive, Rest, Trouble, Turn, Wanted
from lambdaops.core.errors import AwsError, LambdaOpsError, NotFoundError, QueueFullError, RejectedError

MOST_HELD = 1_000
"""Messages that one worker keeps hidden; past that the oldest are given back."""
_TRIES = 3
_BACKOFF = timedelta(milliseconds=200)
_MOST_EVENT = 6_000_000
BEHIND, LATE, GONE = "behind", "too-late", "no-destination"


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


@dataclass
class _Hand:
    """What one order brought: letters in the order received, what becomes of each, and until when they are hidden."""

    letters: dict[str, Letter]
    going: dict[str, Go]
    until: datetime


@dataclass
class _Outcome:
    """What came of a grant."""

    failures: dict[str, Failure] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)
    trouble: Trouble | None = None


@dataclass
class Worker:
    """Receives, sends and deletes as the desk says.

    Attributes:
        number: its number in the run.
        fates: what becomes of letters.
        now: the clock.
    """

    number: int
    fates: Fates
    now: Callable[[], datetime]
    _held: list[tuple[datetime, Letter]] = field(default_factory=list)
    _ready: list[tuple[datetime, Letter]] = field(default_factory=list)
    _gone: set[str] = field(default_factory=set)

    def work(self) -> Work:
        """Everything it does, call by call; what is sent in is what came of the call, an error is thrown in."""
        turn = Turn(self.number)
        while not isinstance(order := (yield turn), Leave):
            match order:
                case Receive():
                    turn = yield from self._receive(order)
                case Rest(lasts=lasts, keep=keep):
                    if not keep:
                        yield from self._give_ready()
                    yield from self._renew()
                    yield Sleep(lasts)
                    turn = self._turn()
                case _:
                    raise AssertionError(f"the desk answered {order!r}")
        yield from self._give_back([*self._held, *self._ready])
        yield Turn(self.number, left=True)

    # -- an order ----------------------------------------------------------------------------------------------------

    def _receive(self, order: Receive) -> Generator[Deed, object, Turn]:
        if not order.peek:
            yield from self._give_ready()
        yield from self._renew()
        began = self.now()
        visibility = self.fates.plan.visibility
        try:
            letters = yield Take(order.at_most, visibility, order.wait)
        except QueueFullError:
            half = self._held[: max(1, len(self._held) // 2)]
            self._held = self._held[len(half) :]
            yield from self._give_back(half)
            return self._turn(trouble=None if half else Trouble("queue-full", "too many messages are in flight"))
        except LambdaOpsError as error:
            return self._turn(trouble=trouble(error))
        assert isinstance(letters, tuple)  # noqa: S101 -- the shell's promise
        return (yield from self._handle(_Hand({}, {}, began + visibility), letters))

    def _handle(self, hand: _Hand, letters: Sequence[Letter]) -> Generator[Deed, object, Turn]:
        kept = []
        blocked: set[str] = set()
        for letter in letters:
            hand.letters[letter.id] = letter
            fate = self._fate(letter)
            if isinstance(fate, Go) and self._is_behind(letter, blocked):
                fate = Stay(Why.BEHIND)
            if isinstance(fate, Go):
                hand.going[letter.id] = fate
                continue
            if fate.why.asked_for and letter.group and self.fates.plan.fifo:
                blocked.add(letter.group)
            kept.append(Kept(letter.id, fate.why, fate.detail, fate.request))
        self._hold(hand, [one.id for one in kept])
        if not hand.going:
            return self._turn(received=len(letters), kept=tuple(kept))
        wanted = tuple(Wanted(name, fate.to, fate.quarantine) for name, fate in hand.going.items())
        grant = yield Turn(
            self.number,
            received=len(letters),
            wanted=wanted,
            kept=tuple(kept),
            held=len(self._held),
            ready=len(self._ready),
        )
        assert isinstance(grant, Grant)  # noqa: S101 -- the desk's promise
        return (yield from self._carry_out(hand, grant))

    def _fate(self, letter: Letter) -> Go | Stay:
        fate = self.fates.of(letter)
        if isinstance(fate, Go) and fate.to in self._gone:
            return self.fates.stranded(letter, f"{fate.to} does not exist any more")
        return fate

    def _is_behind(self, letter: Letter, blocked: set[str]) -> bool:
        return self.fates.plan.fifo and letter.group is not None and letter.group in blocked

    def _carry_out(self, hand: _Hand, grant: Grant) -> Generator[Deed, object, Turn]:
        granted = {name for batch in grant.batches for name in batch.ids}
        self._hold(hand, grant.keep)
        rest = [name for name in hand.going if name not in granted and name not in grant.keep]
        if grant.later:
            self._ready += [(hand.until, hand.letters[name]) for name in rest]
        outcome = _Outcome()
        blocked = {
            group
            for name in hand.going
            if name not in granted and self.fates.plan.fifo and (group := hand.letters[name].group)
        }
        for batch in grant.batches:
            if batch.to:
                yield from self._send(hand, batch, blocked, outcome)
            else:
                yield from self._delete([hand.letters[name] for name in batch.ids], outcome)
        back = [] if grant.later else rest
        back += [name for name, failure in outcome.failures.items() if not failure.sent]
        yield from self._give_back([(hand.until, hand.letters[name]) for name in back])
        return self._turn(
            ended=tuple(_end(batch, outcome) for batch in grant.batches),
            new=tuple(outcome.new),
            refused=tuple(outcome.refused),
            trouble=outcome.trouble,
        )

    # -- sending -----------------------------------------------------------------------------------------------------

    def _send(self, hand: _Hand, batch: Sending, blocked: set[str], outcome: _Outcome) -> Generator[Deed, object, None]:
        first = hand.going[batch.ids[0]].where
        messages = [hand.going[name].outgoing for name in batch.ids]
        if not isinstance(first, ToQueue):
            for name in batch.ids:
                yield from self._send_each(hand, name, blocked, outcome)
            return
        ordered = self.fates.plan.fifo or first.arn.endswith(".fifo")
        for round_ in rounds(messages) if ordered else [tuple(messages)]:
            going = []
            for message in round_:
                if ordered and message.group in blocked:
                    outcome.failures[message.id] = Failure(message.id, BEHIND)
                else:
                    going.append(message)
            for part in pack(going):
                sent = yield from self._send_part(hand, first.arn, part, outcome)
                blocked |= {message.group for message in part if message.id not in sent and message.group}
                yield from self._delete([hand.letters[message.id] for message in part if message.id in sent], outcome)

    def _send_part(
        self, hand: _Hand, to: str, part: tuple[Outgoing, ...], outcome: _Outcome
    ) -> Generator[Deed, object, set[str]]:
        """Send until all are taken or nothing helps; the ids that were."""
        left = {message.id: message for message in part}
        sent: set[str] = set()
        code = LATE
        for attempt in range(_TRIES):
            if attempt:
                yield Sleep(_BACKOFF * attempt)
            if self._is_late(hand):
                break
            try:
                answer = yield Send(to, tuple(left.values()))
            except NotFoundError:
                self._gone.add(to)
                code = GONE
                break
            except LambdaOpsError as error:
                code = error.code
                if isinstance(error, AwsError) and error.ambiguous:
                    outcome.unsure |= left.keys()
                if isinstance(error, AwsError) and error.permanent and not isinstance(error, RejectedError):
                    outcome.trouble = trouble(error)
                    break
                continue
            assert isinstance(answer, Batch)  # noqa: S101 -- the shell's promise
            refused = _taken(answer, left, sent, outcome)
            if not left:
                break
            code = refused
        outcome.failures |= {name: Failure(name, code) for name in left if name not in outcome.failures}
        return sent

    def _send_each(self, hand: _Hand, name: str, blocked: set[str], outcome: _Outcome) -> Generator[Deed, object, None]:
        """Give one event to a function."""
        fate, letter = hand.going[name], hand.letters[name]
        if self.fates.plan.fifo and letter.group in blocked:
            outcome.failures[name] = Failure(name, BEHIND)
            return
        code = LATE
        for attempt in range(_TRIES):
            if attempt:
                yield Sleep(_BACKOFF * attempt)
            if self._is_late(hand):
                break
            try:
                if isinstance(fate.where, ToStream):
                    yield Replay(fate.where, fate.outgoing)
                else:
                    assert isinstance(fate.where, ToFunction)  # noqa: S101 -- for the type checker
                    request = yield Invoke(fate.where, fate.outgoing)
                    outcome.new.append(str(request))
            except NotFoundError as error:
                code = GONE
                if isinstance(fate.where, ToStream):
                    outcome.refused.append((name, error.message))
                else:
                    self._gone.add(fate.to)
                break
            except RejectedError as error:
                code = error.code
                outcome.refused.append((name, error.message))
                break
            except LambdaOpsError as error:
                code = error.code
                if isinstance(error, AwsError) and error.ambiguous:
                    outcome.unsure.add(name)
                if isinstance(error, AwsError) and error.permanent:
                    outcome.trouble = trouble(error)
                    break
                continue
            yield from self._delete([letter], outcome)
            return
        outcome.failures[name] = Failure(name, code)
        if letter.group:
            blocked.add(letter.group)

    def _delete(self, letters: Sequence[Letter], outcome: _Outcome) -> Generator[Deed, object, None]:
        """Delete what was sent; what cannot be deleted is remembered as sent."""
        left = {letter.id: letter for letter in letters}
        code = ""
        for attempt in range(_TRIES):
            if not left:
                return
            if attempt:
                yield Sleep(_BACKOFF * attempt)
            try:
                answer = yield Delete(tuple(left.values()))
            except LambdaOpsError as error:
                code = error.code
                if isinstance(error, NotFoundError) or (isinstance(error, AwsError) and error.permanent):
                    outcome.trouble = trouble(error)
                    break
                continue
            assert isinstance(answer, Batch)  # noqa: S101 -- the shell's promise
            for name in answer.taken:
                left.pop(name, None)
            for one in answer.refused:
                code = one.code
                if one.fault and one.id in left:  # an expired handle: it comes again, and is deleted then
                    del left[one.id]
                    outcome.failures[one.id] = Failure(one.id, one.code, sent=True)
        outcome.failures |= {name: Failure(name, code, sent=True) for name in left}

    def _is_late(self, hand: _Hand) -> bool:
        return self.now() > hand.until - self.fates.plan.visibility / 4

    # -- what stays --------------------------------------------------------------------------------------------------

    def _hold(self, hand: _Hand, names: Sequence[str]) -> None:
        self._held += [(hand.until, hand.letters[name]) for name in names]

    def _renew(self) -> Generator[Deed, object, None]:
        """Keep hidden what stays, for as long as the run lasts; too many of them are given back."""
        over = len(self._held) - MOST_HELD
        if over > 0:
            back, self._held = self._held[: over + MOST_HELD // 4], self._held[over + MOST_HELD // 4 :]
            yield from self._give_back(back)
        visibility = self.fates.plan.visibility
        soon = self.now() + visibility / 2
        for kept in (self._held, self._ready):
            due = [place for place, (until, _) in enumerate(kept) if until < soon]
            for start in range(0, len(due), 10):
                places = due[start : start + 10]
                began = self.now()
                try:
                    yield Hide(tuple(kept[place][1] for place in places), visibility)
                except LambdaOpsError:
                    continue  # they come again, and are left again
                for place in places:
                    kept[place] = (began + visibility, kept[place][1])

    def _give_ready(self) -> Generator[Deed, object, None]:
        ready, self._ready = self._ready, []
        yield from self._give_back(ready)

    def _give_back(self, kept: Sequence[tuple[datetime, Letter]]) -> Generator[Deed, object, None]:
        """Make letters visible again; one whose time is up is so already."""
        now = self.now()
        there = [letter for until, letter in kept if until > now]
        for start in range(0, len(there), 10):
            try:
                yield Hide(tuple(there[start : start + 10]), timedelta())
            except LambdaOpsError:
                continue  # then they come back when their time is up

    def _turn(
        self,
        *,
        received: int | None = None,
        kept: tuple[Kept, ...] = (),
        ended: tuple[Sent, ...] = (),
        new: tuple[str, ...] = (),
        refused: tuple[tuple[str, str], ...] = (),
        trouble: Trouble | None = None,
    ) -> Turn:
        return Turn(
            self.number,
            received,
            kept=kept,
            ended=ended,
            new=new,
            refused=refused,
            held=len(self._held),
            ready=len(self._ready),
            trouble=trouble,
        )


def _taken(answer: Batch, left: dict[str, Outgoing], sent: set[str], outcome: _Outcome) -> str:
    """Take in what a batch's answer says; AWS's code for those that may be tried again."""
    code = ""
    for name in answer.taken:
        left.pop(name, None)
        sent.add(name)
    outcome.new += answer.new
    for one in answer.refused:
        code = one.code
        if one.fault:
            left.pop(one.id, None)
            outcome.failures[one.id] = Failure(one.id, one.code)
            outcome.refused.append((one.id, f"{one.code}: {one.why}"))
    return code


def event_of(records: Sequence[dict[str, object]]) -> bytes:
    """What a function gets for a batch of a stream.

    Raises:
        RejectedError: more than a synchronous invocation takes.
    """
    event = json.dumps({"Records": list(records)}, separators=(",", ":")).encode()
    if len(event) > _MOST_EVENT:
        raise RejectedError(f"{len(event)} bytes of records, and an invocation takes {_MOST_EVENT}")
    return event


def trouble(error: LambdaOpsError) -> Trouble:
    """An error as the desk hears it."""
    fatal = isinstance(error, NotFoundError) or (isinstance(error, AwsError) and error.permanent)
    return Trouble(error.code, error.message, error.hint, fatal)


def _end(batch: Sending, outcome: _Outcome) -> Sent:
    failures = tuple(outcome.failures[name] for name in batch.ids if name in outcome.failures)
    return Sent(batch.batch, failures, unsure=any(name in outcome.unsure for name in batch.ids))
