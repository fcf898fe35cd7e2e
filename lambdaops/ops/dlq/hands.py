"""Does what a worker wants done: the calls to AWS, one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.dlq.letter import Queue
from lambdaops.core.errors import LambdaOpsError, RejectedError
from lambdaops.ops.dlq.deeds import Deed, Delete, Hide, Invoke, Replay, Send, Sleep, Take
from lambdaops.ports.queues import Invocations, Queues, Streams

if TYPE_CHECKING:
    from lambdaops.core.dlq.talk import Answer, Turn
    from lambdaops.ops.dlq.deeds import Work

_MOST_EVENT = 6_000_000


@dataclass
class Hands:
    """The calls of one worker.

    Attributes:
        queues, invocations, streams: what is called.
        queue: the dead-letter queue.
        pause: waits.
        known: destinations found so far, by ARN; of all workers.
    """

    queues: Queues
    invocations: Invocations
    streams: Streams
    queue: Queue
    pause: Callable[[timedelta], None]
    known: dict[str, Queue] = field(default_factory=dict)

    def perform(self, deed: Deed) -> object:
        """Do one thing.

        Raises:
            LambdaOpsError: what the call raises.
        """
        match deed:
            case Take(at_most=at_most, hidden=hidden, wait=wait):
                return self.queues.receive(self.queue, at_most, hidden, wait)
            case Send(queue=arn, messages=messages):
                return self.queues.send(self._found(arn), messages)
            case Delete(letters=letters):
                return self.queues.delete(self.queue, letters)
            case Hide(letters=letters, hidden=hidden):
                return self.queues.hide(self.queue, letters, hidden)
            case Invoke(where=where, message=message):
                return self.invocations.invoke(where.function, where.qualifier, message.body.encode(), message.trace)
            case Replay():
                self._replay(deed)
            case Sleep(lasts=lasts):
                self.pause(lasts)
            case _:
                raise AssertionError(f"{deed!r} is for the desk")
        return None

    def _found(self, arn: str) -> Queue:
        if arn not in self.known:
            self.known[arn] = self.queues.find(arn)
        return self.known[arn]

    def _replay(self, deed: Replay) -> None:
        where = deed.where
        event = event_of(self.streams.fetch(where.batch))
        called = self.invocations.call(where.function, where.qualifier, event, deed.message.trace)
        if called.error:
            raise RejectedError(f"{where} failed again: {called.what or called.error}")


def event_of(records: Sequence[dict[str, object]]) -> bytes:
    """What a function gets for a batch of a stream.

    Raises:
        RejectedError: more than a synchronous invocation takes.
    """
    event = json.dumps({"Records": list(records)}, separators=(",", ":")).encode()
    if len(event) > _MOST_EVENT:
        raise RejectedError(f"{len(event)} bytes of records, and an invocation takes {_MOST_EVENT}")
    return event


def labour(work: Work, perform: Callable[[Deed], object], ask: Callable[[Turn], Answer]) -> None:
    """Do everything a worker wants done, until it is through."""
    from lambdaops.core.dlq.talk import Turn  # noqa: PLC0415 -- for isinstance only

    deed = next(work)
    while True:
        try:
            if isinstance(deed, Turn):
                if deed.left:
                    ask(deed)
                    return
                deed = work.send(ask(deed))
            else:
                result = perform(deed)
                deed = work.send(result)
        except LambdaOpsError as error:
            deed = work.throw(error)
