"""Delivering what the desk granted: send, then delete exactly what was confirmed as sent.

Rules this file guarantees: only what was confirmed as sent is deleted; a message whose time runs out is not sent, and
not taken for deleted; the messages of a group go in their order, and one that stays stops those behind it; every
message of a batch has an end.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lambdaops.core.dlq.fate import Go
from lambdaops.core.dlq.letter import Batch, Letter, Outgoing
from lambdaops.core.dlq.packing import pack, rounds
from lambdaops.core.dlq.records import Failure, Sending, Sent
from lambdaops.core.dlq.route import ToFunction, ToQueue, ToStream
from lambdaops.core.dlq.talk import Trouble
from lambdaops.core.errors import AwsError, LambdaOpsError, NotFoundError, RejectedError
from lambdaops.ops.dlq.deeds import Deed, Delete, Invoke, Replay, Send, Sleep, trouble

_TRIES = 3
_BACKOFF = timedelta(milliseconds=200)
BEHIND, LATE, GONE = "behind", "too-late", "no-destination"


@dataclass
class Delivery:
    """Delivers the batches of one grant.

    Attributes:
        letters: what is in hand, by id; ``going`` what becomes of each.
        latest: when it is too late to send.
        hidden: until when what is in hand is hidden; then its handles are worth nothing, whatever SQS answers.
        fifo: whether the dead-letter queue keeps the order of groups.
        now: the clock.
        gone: destinations that are not there any more.
        blocked: groups of which a message stays.
        failures: what was not sent, or not deleted, by id.
        refused: ids that will never be taken, and why.
        ended: the end of each batch.
        trouble: what ends the run, or interrupts it.
    """

    letters: Mapping[str, Letter]
    going: Mapping[str, Go]
    latest: datetime
    hidden: datetime
    fifo: bool
    now: Callable[[], datetime]
    gone: set[str]
    blocked: set[str]
    failures: dict[str, Failure] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)
    ended: list[Sent] = field(default_factory=list)
    trouble: Trouble | None = None
    _unsure: set[str] = field(default_factory=set)
    _new: list[str] = field(default_factory=list)

    def deliver(self, batch: Sending) -> Generator[Deed, object, None]:
        """Send and delete a batch, or only delete it."""
        self._new = []
        if not batch.to:
            yield from self._delete([self.letters[name] for name in batch.ids])
        elif isinstance(where := self.going[batch.ids[0]].where, ToQueue):
            yield from self._send(where.arn, [self.going[name].outgoing for name in batch.ids])
        else:
            for name in batch.ids:
                yield from self._give(name)
        failures = tuple(self.failures[name] for name in batch.ids if name in self.failures)
        unsure = any(name in self._unsure for name in batch.ids)
        self.ended.append(Sent(batch.batch, failures, unsure, tuple(self._new)))

    # -- to a queue --------------------------------------------------------------------------------------------------

    def _send(self, to: str, messages: Sequence[Outgoing]) -> Generator[Deed, object, None]:
        ordered = self.fifo or to.endswith(".fifo")
        for round_ in rounds(messages) if ordered else [tuple(messages)]:
            going = []
            for message in round_:
                if ordered and message.group in self.blocked:
                    self.failures[message.id] = Failure(message.id, BEHIND)
                else:
                    going.append(message)
            for part in pack(going):
                sent = yield from self._send_part(to, part)
                self.blocked |= {message.group for message in part if message.id not in sent and message.group}
                yield from self._delete([self.letters[message.id] for message in part if message.id in sent])

    def _send_part(self, to: str, part: tuple[Outgoing, ...]) -> Generator[Deed, object, set[str]]:
        """Send until all are taken or nothing helps; the ids that were."""
        left = {message.id: message for message in part}
        sent: set[str] = set()
        code = LATE
        for attempt in range(_TRIES):
            if attempt:
                yield Sleep(_BACKOFF * attempt)
            if self._is_late():
                break
            try:
                answer = yield Send(to, tuple(left.values()))
            except NotFoundError:
                self.gone.add(to)
                code = GONE
                break
            except LambdaOpsError as error:
                code = error.code
                if isinstance(error, AwsError) and error.ambiguous:
                    self._unsure |= left.keys()
                if isinstance(error, AwsError) and error.permanent and not isinstance(error, RejectedError):
                    self.trouble = trouble(error)
                    break
                continue
            assert isinstance(answer, Batch)  # noqa: S101 -- the shell's promise
            refused = self._taken(answer, left, sent)
            if not left:
                break
            code = refused
        self.failures |= {name: self._unsent(name, code) for name in left if name not in self.failures}
        return sent

    def _taken(self, answer: Batch, left: dict[str, Outgoing], sent: set[str]) -> str:
        """Take in what a batch's answer says; AWS's code for those that may be tried again."""
        code = ""
        for name in answer.taken:
            left.pop(name, None)
            sent.add(name)
        self._new += answer.new
        for one in answer.refused:
            code = one.code
            if one.fault:
                left.pop(one.id, None)
                self.failures[one.id] = self._unsent(one.id, one.code)
                self.refused.append((one.id, f"{one.code}: {one.why}"))
        return code

    # -- to a function -----------------------------------------------------------------------------------------------

    def _give(self, name: str) -> Generator[Deed, object, None]:
        """Give one event to a function."""
        fate, letter = self.going[name], self.letters[name]
        if self.fifo and letter.group in self.blocked:
            self.failures[name] = Failure(name, BEHIND)
            return
        code = LATE
        for attempt in range(_TRIES):
            if attempt:
                yield Sleep(_BACKOFF * attempt)
            if self._is_late():
                break
            try:
                if isinstance(fate.where, ToStream):
                    yield Replay(fate.where, fate.outgoing)
                else:
                    assert isinstance(fate.where, ToFunction)  # noqa: S101 -- for the type checker
                    self._new.append(str((yield Invoke(fate.where, fate.outgoing))))
            except NotFoundError as error:
                code = GONE
                if isinstance(fate.where, ToStream):
                    self.refused.append((name, error.message))
                else:
                    self.gone.add(fate.to)
                break
            except RejectedError as error:
                code = error.code
                self.refused.append((name, error.message))
                break
            except LambdaOpsError as error:
                code = error.code
                if isinstance(error, AwsError) and error.ambiguous:
                    self._unsure.add(name)
                if isinstance(error, AwsError) and error.permanent:
                    self.trouble = trouble(error)
                    break
                continue
            yield from self._delete([letter])
            return
        self.failures[name] = self._unsent(name, code)
        if letter.group:
            self.blocked.add(letter.group)

    # -- and then ----------------------------------------------------------------------------------------------------

    def _delete(self, letters: Sequence[Letter]) -> Generator[Deed, object, None]:
        """Delete what was sent; what cannot be deleted is remembered as sent."""
        left = {letter.id: letter for letter in letters}
        code = ""
        for attempt in range(_TRIES):
            if not left:
                return
            if attempt:
                yield Sleep(_BACKOFF * attempt)
            if self.now() >= self.hidden:
                code = LATE
                break
            try:
                answer = yield Delete(tuple(left.values()))
            except LambdaOpsError as error:
                code = error.code
                if isinstance(error, NotFoundError) or (isinstance(error, AwsError) and error.permanent):
                    self.trouble = trouble(error)
                    break
                continue
            assert isinstance(answer, Batch)  # noqa: S101 -- the shell's promise
            for name in answer.taken:
                left.pop(name, None)
            for one in answer.refused:
                code = one.code
                if one.fault and one.id in left:  # an expired handle: it comes again, and is deleted then
                    del left[one.id]
                    self.failures[one.id] = Failure(one.id, one.code, sent=True)
        self.failures |= {name: Failure(name, code, sent=True) for name in left}

    def _unsent(self, name: str, code: str) -> Failure:
        return Failure(name, code, unsure=name in self._unsure)

    def _is_late(self) -> bool:
        return self.now() > self.latest
