"""Whether there is anything left to move: what receives brought, and what SQS counts.

SQS is eventually consistent: an answer without messages proves little, and its counts are approximate, up to a minute
behind. A queue is taken for drained when all of this holds together: nothing is being sent; receives, each asking every
server (a wait of a second at least), brought nothing, one where as many messages are dealt with as there were at the
beginning, two otherwise; and SQS counts none but those kept hidden.

A receive that brought nothing says that nothing was to be had at its end. What was in hand then, and is deleted by now,
changes nothing about that, so the last sends and deletions need not be waited for before the last look. What went back
into the queue since the receive began does: such a receive proves nothing. On a FIFO queue one message in hand hides
those behind it, so there nothing that was dealt with may be younger than the look.

Rules this file guarantees: every run ends, whatever comes back; what others hide is waited for as long as it may take
to come back, and then said to be unreached.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdaops.core.dlq.letter import Queue

_COUNT_EVERY = timedelta(seconds=1)
_SLACK = timedelta(seconds=15)
_FRUITLESS = 200


@dataclass
class Drain:
    """What is known of the queue as a whole.

    Attributes:
        total: messages in it when the run began, approximately.
        visibility: how long the run hides what it receives.
        fifo: whether the queue keeps the order of groups.
    """

    total: int
    visibility: timedelta
    fifo: bool
    _asked: dict[int, int] = field(default_factory=dict)
    _freed: int = 0
    _empties: int = 0
    _fruitless: int = 0
    _more: bool = False
    _counted_at: datetime | None = None
    _end_by: datetime | None = None

    def asks(self, worker: int) -> None:
        """Note that a worker begins to receive."""
        self._asked[worker] = self._freed

    def deals(self) -> None:
        """Note that a batch was dealt with: what stood behind it in its groups may be had now."""
        if self.fifo:
            self.gives_back()

    def gives_back(self) -> None:
        """Note that a message is to be had that was not: what was asked before that proves nothing."""
        self._freed += 1
        self._empties = 0

    def received(self, worker: int, letters: int, known: int, *, fruitful: bool) -> None:
        """Take what a receive brought; ``fruitful`` when it was anything that the run is about."""
        asked = self._asked.pop(worker, self._freed)
        if fruitful:
            self._more = known >= self.total
            self._empties = self._fruitless = 0
            self._end_by = None
        elif letters:
            self._empties = 0
        else:
            self._more = False
            self._empties += asked == self._freed
        if not fruitful:
            self._fruitless += letters

    def gone(self, worker: int) -> None:
        """Note that a worker does not receive after all."""
        self._asked.pop(worker, None)

    def scouting(self, known: int) -> bool:
        """Whether one worker looks for all: as many are dealt with, or in hand, as there were at the beginning."""
        return known >= self.total and not self._more

    def rests(self, known: int, *, flying: bool) -> bool:
        """Whether one more look would tell nothing new.

        One that scouts for all is at it; or has been, and only what is being sent is waited for; or what is being sent
        hides what there is.
        """
        return self.scouting(known) and (bool(self._asked) or (flying and (self.fifo or self._empties > 0)))

    def only_others(self, known: int) -> bool:
        """Whether only what is newer than the run, or stays, comes any more: a queue that fills while it is emptied."""
        return self._fruitless >= (_FRUITLESS if known >= self.total else max(_FRUITLESS, 2 * self.total))

    def wants_count(self, now: datetime, known: int) -> bool:
        """Whether SQS's counts are wanted: receives brought nothing."""
        due = self._counted_at is None or now - self._counted_at >= _COUNT_EVERY
        return due and self._empties >= (1 if known >= self.total else 2)

    def counted(self, now: datetime, queue: Queue, held: int, undeleted: int) -> int | None:
        """Take SQS's counts: how many messages were not reached, if the run is to end; else None."""
        self._counted_at = now
        foreign = max(0, queue.hidden - held)
        there = queue.waiting + queue.delayed
        if there + foreign == 0 and not undeleted:
            return 0
        if self._end_by is None:
            self._end_by = now + max(self.visibility, queue.visibility) + _SLACK
        behind = self.fifo and bool(held) and not foreign and not undeleted
        if behind or now >= self._end_by:
            # Hidden by somebody else all the time, or behind what we keep: not ours to wait for any longer.
            return there + max(0, foreign - undeleted)
        return None
