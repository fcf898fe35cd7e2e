"""What a worker keeps hidden: letters that stay while the run lasts, and letters for the next stage.

Rules this file guarantees: what is kept is hidden anew before its time runs out, in batches; too many are given back;
in the end all of them are. A call that fails costs nothing: SQS makes a message visible by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lambdaops.core.dlq.letter import Letter
from lambdaops.core.errors import LambdaOpsError
from lambdaops.ops.dlq.deeds import Deed, Hide

MOST_HELD = 1_000
"""Messages that one worker keeps hidden; past that the oldest are given back."""
_BATCH = 10
Kept = tuple[datetime, Letter]
"""A letter, and until when it is hidden."""


@dataclass
class Keeping:
    """Letters in one worker's hand.

    Attributes:
        visibility: how long they are hidden each time.
        now: the clock.
        held: letters that stay.
        ready: letters for the next stage.
        back: how many were given back since somebody took note of it.
    """

    visibility: timedelta
    now: Callable[[], datetime]
    held: list[Kept] = field(default_factory=list)
    ready: list[Kept] = field(default_factory=list)
    back: int = 0

    def renew(self) -> Generator[Deed, object, None]:
        """Keep hidden what stays, for as long as the run lasts; too many of them are given back."""
        over = len(self.held) - MOST_HELD
        if over > 0:
            yield from self._give_oldest(over + MOST_HELD // 4)
        soon = self.now() + self.visibility / 2
        for kept in (self.held, self.ready):
            due = [place for place, (until, _) in enumerate(kept) if until < soon]
            for start in range(0, len(due), _BATCH):
                places = due[start : start + _BATCH]
                began = self.now()
                try:
                    yield Hide(tuple(kept[place][1] for place in places), self.visibility)
                except LambdaOpsError:
                    continue  # they come again, and are left again
                for place in places:
                    kept[place] = (began + self.visibility, kept[place][1])

    def give_half(self) -> Generator[Deed, object, bool]:
        """Give back the older half of what stays; whether there was any."""
        there = bool(self.held)
        yield from self._give_oldest(max(1, len(self.held) // 2))
        return there

    def give_ready(self) -> Generator[Deed, object, None]:
        """Give back what is kept for the next stage."""
        ready, self.ready = self.ready, []
        yield from self.give_back(ready)

    def give_all(self) -> Generator[Deed, object, None]:
        """Give back everything."""
        kept, self.held, self.ready = [*self.held, *self.ready], [], []
        yield from self.give_back(kept)

    def give_back(self, kept: Iterable[Kept]) -> Generator[Deed, object, None]:
        """Make letters visible again; one whose time is up is so already."""
        now = self.now()
        kept = list(kept)
        self.back += len(kept)
        there: Sequence[Letter] = [letter for until, letter in kept if until > now]
        for start in range(0, len(there), _BATCH):
            try:
                yield Hide(tuple(there[start : start + _BATCH]), timedelta())
            except LambdaOpsError:
                continue  # then they come back when their time is up

    def _give_oldest(self, count: int) -> Generator[Deed, object, None]:
        oldest, self.held = self.held[:count], self.held[count:]
        yield from self.give_back(oldest)
