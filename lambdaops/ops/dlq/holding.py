"""Letters that are received only to be looked at: hidden meanwhile, so that none is seen twice, and given back.

Rules this file guarantees: whatever ends the look (its end, an error, Ctrl-C), every letter is made visible again at
once, or it is said how many could not be and when they come back by themselves; nothing is deleted here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from lambdaops.core.dlq.letter import Letter, Queue
from lambdaops.core.errors import AwsError, NotFoundError, QueueFullError
from lambdaops.core.notices import Progress, Warned
from lambdaops.ports.queues import DeadLetterPorts

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH: Final = 10
_POLL: Final = timedelta(seconds=2)
_EMPTY: Final = 2
"""Looks in a row without a new letter that end it: SQS says of one empty answer that it proves nothing."""
_SHORTEST: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(hours=12)  # SQS API reference, ChangeMessageVisibility
_EACH: Final = timedelta(milliseconds=50)
"""What receiving one letter takes, ten at a time over a slow line."""
_TELL: Final = timedelta(seconds=5)


def hidden_for(letters: int) -> timedelta:
    """How long to hide letters so that the first is still hidden when the last is received."""
    return min(_SHORTEST + letters * _EACH, _LONGEST)


@dataclass
class Holding:
    """A queue of which letters are held.

    Attributes:
        ports: the world.
        queue: the queue.
        most: how many letters to look at.
        hidden: how long to hide each; else as long as it takes to receive them all.
        held: what is held, by id, without contents: one receipt handle each, the newest.
        ended: whether the queue had no more letters.
        full: whether SQS would not give more, because too many are in flight.
        interrupted: whether somebody asked to stop.
        stuck: how many could not be given back.
        until: when they come back.
    """

    ports: DeadLetterPorts
    queue: Queue
    most: int
    hidden: timedelta | None = None
    held: dict[str, Letter] = field(default_factory=dict)
    ended: bool = False
    full: bool = False
    interrupted: bool = False
    stuck: int = 0
    until: datetime | None = None

    def __enter__(self) -> Self:
        """Begin; requests to stop are heeded between two receives from here on."""
        self.ports.signals.listen()
        return self

    def letters(self) -> Iterator[Letter]:
        """Letters that are not held yet, as many as are wanted or there are.

        Raises:
            NotFoundError, AwsError: SQS's word on it.
        """
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[tuple[Letter, ...]]:
        """The same, as many at a time as SQS gave; whoever deletes letters takes them out of what is held.

        Raises:
            NotFoundError, AwsError: SQS's word on it.
        """
        hidden = self.hidden or hidden_for(min(self.most, self.queue.total))
        told = self.ports.clock.now()
        nothing = 0
        while len(self.held) < self.most and nothing < _EMPTY:
            if self.ports.signals.pending() is not None:
                self.interrupted = True
                return
            try:
                # Before the call, for it may have happened and the answer be lost.
                self.until = self.ports.clock.now() + hidden
                found = self.ports.queues.receive(self.queue, min(BATCH, self.most - len(self.held)), hidden, _POLL)
            except QueueFullError as error:
                self.full = True
                self.ports.sink.emit(Warned(self.ports.clock.now(), error.message, error.hint))
                return
            new = tuple(one for one in found if one.id not in self.held)
            for one in found:
                self.held[one.id] = replace(one, body="", attributes={})
            if new:
                yield new
            nothing = 0 if new else nothing + 1
            if self.ports.clock.now() - told >= _TELL:
                told = self.ports.clock.now()
                self.ports.sink.emit(Progress(told, f"{len(self.held)} letters of {self.queue.name} so far"))
        self.ended = nothing == _EMPTY

    def __exit__(self, *exc: object) -> None:
        """Give everything back; never raises, for what ended the look is the error to tell."""
        held = list(self.held.values())
        for start in range(0, len(held), BATCH):
            batch = held[start : start + BATCH]
            try:
                done = self.ports.queues.hide(self.queue, batch, timedelta())
            except NotFoundError:  # the queue is gone, and the letters with it
                return
            except AwsError as error:
                self._tell_stuck(len(batch), error.message)
            else:
                # What is our fault is a receipt handle that ran out: the letter is visible again already, or gone.
                self._tell_stuck(sum(not one.fault for one in done.refused), "SQS could not do it")

    def _tell_stuck(self, count: int, why: str) -> None:
        """Count letters that could not be given back; say so once."""
        if count and not self.stuck:
            until = f"{self.until:%H:%M:%S} UTC" if self.until else "once their visibility timeout is over"
            self.ports.sink.emit(
                Warned(
                    self.ports.clock.now(),
                    f"letters of {self.queue.name} could not be given back: {why}",
                    f"They come back by themselves, {until} at the latest.",
                )
            )
        self.stuck += count
