"""The desk of a redrive: gives orders to workers, grants what may be sent, and decides when to stop.

Rules this file guarantees: nothing is granted that is not in the step to be journaled first; no message is granted
twice at a time, and none again that was sent; what was sent and is still there is only deleted; once the run stops,
nothing is granted any more; stage, limit and rate hold for what is granted, not for what was counted afterwards; every
run ends, whatever comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.dlq.drain import Drain
from lambdaops.core.dlq.ledger import Ledger, Verdict
from lambdaops.core.dlq.pace import Pace
from lambdaops.core.dlq.plan import ALL, BATCH
from lambdaops.core.dlq.records import (
    DeadLetterEvent,
    Ending,
    RedriveClosed,
    RedriveHeard,
    RedriveHeld,
    RedriveStage,
    RedriveStep,
    Sending,
    Sent,
    Stopped,
    Wish,
)
from lambdaops.core.dlq.run import Run
from lambdaops.core.dlq.talk import Answer, Grant, Leave, Receive, Rest, Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.core.dlq.letter import Queue

_POLL = timedelta(seconds=1)
"""The shortest wait with which SQS asks all of its servers (SQS guide, *Short and long polling*)."""
_PEEK_EVERY = timedelta(seconds=1)
_MOST_PEEKED = 1_000
_REST = timedelta(milliseconds=200)
_SCOUTED = timedelta(milliseconds=100)
_MOST_TROUBLES = 8
_LONGEST_BACKOFF = timedelta(seconds=20)
_ENDED_WITHIN = timedelta(milliseconds=250)


@dataclass
class Desk:
    """Decides for one process of one run; ``take`` is called with what the workers said since, then ``answer``.

    ``paused`` by a person, ``blind`` while the alarms cannot be read: nothing is granted, and nothing is given up.
    """

    ledger: Ledger
    now: datetime

    run: Run = field(init=False)
    stage: int = field(init=False)
    held: dict[int, int] = field(default_factory=dict)
    ready: dict[int, int] = field(default_factory=dict)
    paused: bool = False
    blind: bool = False
    stopping: str = ""
    cause: Stopped | None = None
    cancelled: bool = False
    fault: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        self.run = self.ledger.run
        plan = self.run.plan
        self.stage = self.run.stage
        self._batch = self.run.batches
        self._flying: dict[int, tuple[Sending, datetime]] = {}
        self._ids: set[str] = set()
        self._reserved: dict[int, int] = {}
        self._granted: set[int] = set()
        self._pace = Pace(plan.rate, self.now)
        self._drain = Drain(plan.total, plan.visibility, plan.fifo)
        self._watch_until = self.now + plan.watch if self.run.watched else None
        self._next_peek = self.now
        self._peeked = 0
        self._troubles = 0
        self._wait_until = self.now
        self._over = False
        self._ended: list[Sent] = []
        self._ended_at = self.now
        self._events: list[DeadLetterEvent] = []

    # -- what the shell asks -----------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether nothing more is to be granted, ever."""
        return self._over or bool(self.stopping)

    @property
    def watching(self) -> datetime | None:
        """Until when what was moved is watched."""
        return self._watch_until

    @property
    def wants_count(self) -> bool:
        """Whether the queue's own counts are wanted."""
        idle = self._quiet and not any(self.ready.values())
        return not self.over and idle and self._drain.wants_count(self.now, self.ledger.known)

    # -- what the shell says -----------------------------------------------------------------------------------------

    def stop(self, cause: Stopped, reason: str) -> None:
        """Grant nothing any more; the run stays open."""
        if not self.stopping:
            self.cause, self.stopping = cause, reason

    def heed(self, wish: Wish, reason: str, seq: int) -> tuple[DeadLetterEvent, ...]:
        """Do what somebody asked for."""
        if self.over:
            return ()
        match wish:
            case Wish.PAUSE | Wish.RESUME:
                self.paused = wish is Wish.PAUSE
                return (RedriveHeard(wish, seq, reason),)
            case Wish.HOLD:
                self.stop(Stopped.INTERRUPTED, reason or "stopped by a person")
            case Wish.CANCEL:
                self.cancelled, self.stopping = True, f"ended by a person{f': {reason}' if reason else ''}"
        return ()

    def counted(self, queue: Queue) -> None:
        """Take the queue's own counts: whether anything is left, or hidden by somebody else and to come back."""
        unreached = self._drain.counted(self.now, queue, sum(self.held.values()), len(self.ledger.undeleted))
        if unreached is not None:
            self.ledger.unreached += unreached
            self._over = True

    # -- the workers -------------------------------------------------------------------------------------------------

    def take(self, now: datetime, turns: Sequence[Turn]) -> None:
        """Take what workers said."""
        self.now = now
        for turn in turns:
            self._take(turn)

    def answer(self, turns: Sequence[Turn]) -> tuple[tuple[DeadLetterEvent, ...], tuple[tuple[int, Answer], ...]]:
        """What is to be journaled, and then told to those workers."""
        self._events = []
        self._advance()
        began: list[Sending] = []
        answers = tuple((turn.worker, self._answer(turn, began)) for turn in turns if not turn.left)
        return self._steps(tuple(began)), answers

    def _steps(self, began: tuple[Sending, ...]) -> tuple[DeadLetterEvent, ...]:
        """What is to be journaled.

        That a batch ended well may wait a moment for the next record: should the process die first, none of its
        messages ever comes again.
        """
        if not self._ended:
            self._ended_at = self.now
        news = any(sent.failures or sent.unsure for sent in self._ended)
        if not (began or self._events or news or self.over or self.now - self._ended_at >= _ENDED_WITHIN):
            return ()
        ended, self._ended = tuple(self._ended), []
        if self._events:
            first = (RedriveStep((), ended),) if ended else ()
            then = (RedriveStep(began, ()),) if began else ()
            return (*first, *self._events, *then)
        return (RedriveStep(began, ended),) if began or ended else ()

    def closing(self) -> DeadLetterEvent:
        """The last record, when every worker is gone."""
        if self.cause is None and not self.cancelled and not self._at_limit and not self.ledger.unreached:
            self.ledger.drained()
        tally = self.ledger.tally()
        if self.cause is not None:
            return RedriveHeld(self.cause, self.stopping, tally)
        if self.cancelled:
            return RedriveClosed(Ending.CANCELLED, self.stopping, tally)
        if tally.kept:
            return RedriveClosed(Ending.PARTLY, "not everything that was asked for could be moved", tally)
        return RedriveClosed(Ending.MOVED, "everything that was asked for is moved", tally)

    # -- taking ------------------------------------------------------------------------------------------------------

    def _take(self, turn: Turn) -> None:
        self.held[turn.worker], self.ready[turn.worker] = turn.held, turn.ready
        if not turn.wanted:
            self._release(turn.worker)
        for sent in turn.ended:
            self._settle(sent)
        if turn.back:
            self._drain.gives_back()
        for name, why in turn.refused:
            self.ledger.refuse(name, "unsendable", why)
        fruitful = bool(turn.wanted)
        if fruitful and self._over and not self._at_limit:
            self._over, self.ledger.unreached = False, 0  # the queue's counts were behind
        for kept in turn.kept:
            fruitful = self.ledger.keep(kept) or fruitful
        if turn.received is not None:
            self._drain.received(turn.worker, turn.received, self._in_hand, fruitful=fruitful)
            if self._quiet and self._drain.only_others(self.ledger.known):
                self._over = True
        else:
            self._drain.gone(turn.worker)
        self._require_few_back()
        if turn.trouble is not None:
            self._suffer(turn)
        elif turn.received is not None or turn.ended:
            self._troubles = 0
        if turn.left:
            self.held.pop(turn.worker, None)
            self.ready.pop(turn.worker, None)
            self._reserved.pop(turn.worker, None)

    def _settle(self, sent: Sent) -> None:
        self._ended.append(sent)
        sending, began = self._flying.pop(sent.batch)
        self._ids.difference_update(sending.ids)
        self.ledger.settle(sending, began, sent)
        self._drain.deals()

    def _require_few_back(self) -> None:
        if said := self.ledger.too_many_back:
            self.stop(Stopped.REENTRY, said)

    def _suffer(self, turn: Turn) -> None:
        assert turn.trouble is not None  # noqa: S101 -- for the type checker
        trouble = turn.trouble
        self._troubles += 1
        self._wait_until = self.now + min(_LONGEST_BACKOFF, _REST * 2**self._troubles)
        if trouble.fatal or self._troubles >= _MOST_TROUBLES:
            self.fault = self.fault or (trouble.code, trouble.hint)
            self.stop(Stopped.FAILED, trouble.message)

    # -- deciding ----------------------------------------------------------------------------------------------------

    @property
    def _at_limit(self) -> bool:
        return 0 < self.run.plan.limit <= self.ledger.sent

    @property
    def _quiet(self) -> bool:
        return not self._flying and not self._granted

    @property
    def _in_hand(self) -> int:
        """Messages that are dealt with, or being sent."""
        return self.ledger.known + len(self._ids)

    def _advance(self) -> None:
        if self.over or self.paused or self.blind:
            return
        if self._watch_until is not None:
            if self.now >= self._watch_until:
                self._watch_until = None
                self._enter(self.stage + 1)
            return
        end = self.run.plan.stage_end(self.stage)
        if end == ALL or self.ledger.sent < end or not self._quiet:
            return
        if self._at_limit:
            self._over = True
            return
        if not self.run.plan.watch:
            self._enter(self.stage + 1)
            return
        self._watch_until = self.now + self.run.plan.watch
        self._next_peek, self._peeked = self.now, 0
        self._events.append(RedriveStage(self.stage + 1, True, self.ledger.sent, "watching whether it comes back"))

    def _enter(self, stage: int) -> None:
        self.stage = stage
        end = self.run.plan.stage_end(stage)
        to = f"up to {end}" if end != ALL else "the rest"
        self._events.append(RedriveStage(stage + 1, False, self.ledger.sent, to))

    def _release(self, worker: int) -> None:
        """Give back what a worker had reserved and did not use."""
        reserved = self._reserved.pop(worker, 0)
        if worker not in self._granted:
            self._pace.refund(reserved)
        self._granted.discard(worker)

    def _answer(self, turn: Turn, began: list[Sending]) -> Answer:
        return self._grant(turn, began) if turn.wanted else self._order(turn.worker)

    def _order(self, worker: int) -> Answer:
        if self.over:
            return Leave()
        if self.paused or self.blind or self.now < self._wait_until:
            return Rest(_REST, keep=True)
        if self._watch_until is not None:
            return self._peek(worker)
        if self._drain.rests(self._in_hand, flying=bool(self._flying)):
            return Rest(_SCOUTED)
        end = self.run.plan.stage_end(self.stage)
        room = BATCH if end == ALL else end - self.ledger.sent - sum(self._reserved.values())
        if room <= 0:
            return Rest(_REST)
        at_most = self._pace.take(self.now, min(room, BATCH))
        if not at_most:
            return Rest(min(_REST, self._pace.wait(self.now)))
        self._reserved[worker] = at_most
        self._drain.asks(worker)
        return Receive(at_most, _POLL)

    def _peek(self, worker: int) -> Answer:
        if self.now < self._next_peek or self._peeked >= _MOST_PEEKED:
            return Rest(_REST, keep=True)
        self._next_peek = self.now + _PEEK_EVERY
        self._peeked += BATCH
        self._drain.asks(worker)
        return Receive(BATCH, _POLL, peek=True)

    def _grant(self, turn: Turn, began: list[Sending]) -> Grant:
        if self.over or self.paused or self.blind or self._watch_until is not None:
            return Grant(later=not self.over)
        keep: list[str] = []
        places: dict[str, list[str]] = {}
        for wanted in turn.wanted:
            if wanted.id in self._ids:
                continue  # somebody else has it in hand: its time ran out there
            match self.ledger.verdict(wanted, self.now):
                case Verdict.DELETE:
                    places.setdefault("", []).append(wanted.id)
                case Verdict.STAY:
                    keep.append(wanted.id)
                case Verdict.SEND:
                    places.setdefault(wanted.to, []).append(wanted.id)
        self._require_few_back()
        if self.stopping:
            return Grant()
        batches = []
        for to, ids in places.items():
            self._batch += 1
            sending = Sending(self._batch, to, tuple(ids))
            self._flying[sending.batch] = sending, self.now
            self._ids.update(ids)
            batches.append(sending)
        sends = sum(len(ids) for to, ids in places.items() if to)
        self._pace.refund(self._reserved.get(turn.worker, 0) - sends)
        self._reserved[turn.worker] = sends
        self._granted.add(turn.worker)
        began += batches
        until = self.ledger.until(name for to, ids in places.items() if to for name in ids)
        return Grant(tuple(batches), tuple(keep), until=until)
