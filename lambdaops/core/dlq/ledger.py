"""The ledger of a redrive: what became of every message, by its id.

Rules this file guarantees: a message is counted once, however often it is seen; what was sent is never to be sent
again, by this run or after an earlier one; what a process that died may have sent is known as such.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from lambdaops.core.dlq.fate import Why
from lambdaops.core.dlq.recent import Recent
from lambdaops.core.dlq.records import Failure, Sending, Sent, Tally
from lambdaops.core.dlq.remembered import remembered_until, surely_remembered
from lambdaops.core.dlq.reports import Problem
from lambdaops.core.dlq.run import Run
from lambdaops.core.model import FULL

if TYPE_CHECKING:
    from lambdaops.core.dlq.talk import Kept, Wanted

TRIES = 3
"""How often a message is tried."""
_TOLD = 50


class Verdict(enum.Enum):
    """What is to be done with a letter that a worker would send."""

    SEND = "send"
    DELETE = "delete"
    STAY = "stay"


@dataclass
class Ledger:
    """What is known of messages in one process of one run.

    Attributes:
        run: the run as the journal told it at the beginning.
        earlier: the runs of the queue before: what they sent and could not delete, and what they may have sent.
        resend: send what is in doubt again.
        sent, quarantined: messages that were sent; of those to the quarantine queue.
        undeleted: ids that were sent and are still in the queue.
        doubts: ids that may have been sent to a FIFO queue (by a process that died, or without an answer), and since
            when at the earliest: the queue forgets the first sending, however often it is repeated.
        unsettled: ids that a process of this run may have sent, and that were not seen since.
        problems: what keeps a message that was asked for, by id; ``told`` the first of them.
        left, came_back, arrived, unreached: as in ``records.Tally``.
        unsure: batches whose answer was lost.
        places: how many went where.
    """

    run: Run
    earlier: Sequence[Run] = ()
    resend: bool = False

    sent: int = field(init=False)
    quarantined: int = field(init=False)
    undeleted: set[str] = field(init=False)
    doubts: dict[str, datetime] = field(init=False, default_factory=dict)
    unsettled: set[str] = field(init=False, default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)
    told: list[Problem] = field(default_factory=list)
    left: int = 0
    came_back: int = 0
    arrived: int = 0
    unreached: int = 0
    unsure: int = 0
    places: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sent, self.quarantined = self.run.sent, self.run.quarantined
        self.undeleted = set(self.run.undeleted)
        for sending, _ in self.run.sending.values():
            if sending.to:
                self.unsettled |= set(sending.ids)
        self._sent_before: set[str] = set()
        for run in self.earlier:
            self._sent_before |= run.undeleted
        for run in (*self.earlier, self.run):
            for sending, at in run.sending.values():
                if sending.fifo:
                    self._doubt(sending.ids, at)
            for name, at in run.doubts.items():
                self._doubt((name,), at)
        self._tries: dict[str, int] = {}
        self._done, self._seen = Recent(), Recent()
        self._new = self.run.new or Recent()

    @property
    def moved(self) -> int:
        """Sent and deleted."""
        return self.sent - len(self.undeleted)

    @property
    def known(self) -> int:
        """Messages of the run whose fate is decided, as far as it can be for now."""
        return self.sent + self.left + len(self.problems)

    @property
    def too_many_back(self) -> str:
        """Why the run must stop, if more came back than it bears."""
        most = self.run.plan.max_reentry
        if self.came_back * FULL <= most * max(1, self.sent):
            return ""
        return f"{self.came_back} of {self.sent} moved came back, more than {most / 100:g} %"

    def tally(self) -> Tally:
        """What came of it so far."""
        whats = list(self.problems.values())
        return Tally(
            moved=self.moved,
            quarantined=self.quarantined,
            left=self.left,
            unroutable=whats.count("unroutable"),
            unsendable=whats.count("unsendable"),
            unsent=whats.count("unsent"),
            undeleted=len(self.undeleted),
            doubtful=whats.count("doubtful"),
            came_back=self.came_back,
            arrived=self.arrived,
            unreached=self.unreached + whats.count("unreached"),
        )

    def drained(self) -> None:
        """Nothing is left: what a process that died had in hand and never came back was moved by it."""
        self.sent += len(self.unsettled)
        self.unsettled = set()

    # -- what workers say --------------------------------------------------------------------------------------------

    def born(self, names: Sequence[str]) -> None:
        """Note the ids that what was sent has now: by these it would be known if it came back."""
        for name in names:
            self._new.add(name)

    def keep(self, kept: Kept) -> bool:
        """Count a letter that stays, once; whether it is a new one of those that the run is about."""
        if kept.why.asked_for:
            what = {Why.UNROUTABLE: "unroutable", Why.UNSENDABLE: "unsendable"}.get(kept.why, "unreached")
            return self.refuse(kept.id, what, kept.detail or kept.why.value)
        if kept.id in self._seen:
            return False
        self._seen.add(kept.id)
        if kept.id in self._new or (kept.request and kept.request in self._new):
            self.came_back += 1
            return False
        if kept.why is Why.NEWER:
            self.arrived += 1
            return False
        self.left += 1
        return True

    def refuse(self, name: str, what: str, detail: str) -> bool:
        """Note what keeps a message that was asked for; whether that is new."""
        new = name not in self.problems
        if new and len(self.told) < _TOLD:
            self.told.append(Problem(name, what, detail))
        self.problems[name] = what
        return new

    def settle(self, sending: Sending, began: datetime, sent: Sent) -> None:
        """Take the end of a batch, and when it was begun."""
        failures = {failure.id: failure for failure in sent.failures}
        if sending.fifo:
            self._doubt([failure.id for failure in sent.failures if failure.unsure], began)
        for name in sending.ids:
            self._settle(name, failures.get(name), sending.to)
        self.born(sent.new)
        self.unsure += sent.unsure

    def _doubt(self, names: Iterable[str], at: datetime) -> None:
        for name in names:
            self.doubts[name] = min(at, self.doubts.get(name, at))

    def _settle(self, name: str, failure: Failure | None, to: str) -> None:
        self.unsettled.discard(name)
        if failure is not None and not failure.sent and to:
            tries = self._tries[name] = self._tries.get(name, 0) + 1
            if tries >= TRIES:
                self.refuse(name, "doubtful" if name in self.doubts else "unsent", failure.code)
            return
        self._done.add(name)
        self.doubts.pop(name, None)
        self._tries.pop(name, None)
        self.problems.pop(name, None)
        if to:
            self.sent += 1
            self.quarantined += to == self.run.plan.quarantine
            self.places[to] = self.places.get(to, 0) + 1
        if failure is None:
            self.undeleted.discard(name)
        else:
            self.undeleted.add(name)

    def until(self, names: Iterable[str]) -> datetime | None:
        """Until when these may be sent, if some of them may have been sent before."""
        doubts = [] if self.resend else [self.doubts[name] for name in names if name in self.doubts]
        return remembered_until(min(doubts)) if doubts else None

    # -- what is asked of it -----------------------------------------------------------------------------------------

    def verdict(self, wanted: Wanted, now: datetime) -> Verdict:
        """What is to be done with a letter that its worker would send."""
        if wanted.id in self.undeleted or wanted.id in self._done or wanted.id in self._sent_before:
            return Verdict.DELETE
        if wanted.id in self.problems:
            stays = self.problems[wanted.id] in ("unsent", "unsendable", "doubtful")
            return Verdict.STAY if stays else Verdict.SEND
        if wanted.id in self._new:
            if wanted.id not in self._seen:
                self._seen.add(wanted.id)
                self.came_back += 1
            return Verdict.STAY
        began = self.doubts.get(wanted.id)
        if began is not None and not self.resend and not surely_remembered(began, now):
            self.unsettled.discard(wanted.id)
            self.refuse(wanted.id, "doubtful", "it may have been sent more than 4 minutes ago; nobody knows")
            return Verdict.STAY
        return Verdict.SEND
