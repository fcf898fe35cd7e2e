"""The desk of a redrive: gives orders to workers, grants what may be sent, and decides when to stop.

Rules this file guarantees: nothing is granted that is not in the step to be journaled first; no message is granted
twice at a time, and none again that was sent; what was sent and is still there is only deleted; once the run stops,
nothing is granted any more; stage, limit and rate hold for what is granted, not for what was counted afterwards; every
run ends, whatever comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.dlq.fate import Why
from lambdaops.core.dlq.pace import Pace
from lambdaops.core.dlq.plan import ALL, BATCH
from lambdaops.core.dlq.recent import Recent
from lambdaops.core.dlq.records import (
    DeadLetterEvent,
    Ending,
    Failure,
    RedriveClosed,
    RedriveHeard,
    RedriveHeld,
    RedriveStage,
    RedriveStep,
    Sending,
    Sent,
    Stopped,
    Tally,
    Wish,
)
from lambdaops.core.dlq.reports import Problem
from lambdaops.core.dlq.run import Run
from lambdaops.core.dlq.talk import Answer, Grant, Leave, Receive, Rest, Turn, Wanted
from lambdaops.core.model import FULL

if TYPE_CHECKING:
    from lambdaops.core.dlq.letter import Queue

DOUBTFUL_AFTER = timedelta(minutes=4, seconds=30)
"""SQS remembers a deduplication id for five minutes; half a minute is for clocks that differ."""
TRIES = 3
"""How often a message is tried."""
_POLL = timedelta(seconds=2)
_PEEK = timedelta(0)
_PEEK_EVERY = timedelta(seconds=1)
_MOST_PEEKED = 1_000
_REST = timedelta(milliseconds=200)
_COUNT_EVERY = timedelta(seconds=2)
_SLACK = timedelta(seconds=15)
_EMPTY_POLLS = 2
_FRUITLESS = 200
_MOST_TROUBLES = 8
_LONGEST_BACKOFF = timedelta(seconds=20)
_ENDED_WITHIN = timedelta(milliseconds=250)
_TOLD = 50


@dataclass
class Desk:
    """Decides for one process of one run; ``serve`` is called with what the workers said since.

    ``earlier`` are the runs of the queue before: what they sent and could not delete, and what they may have sent.

    ``paused`` by a person, ``blind`` while the alarms cannot be read: nothing is granted, and nothing is given up.
    """

    run: Run
    now: datetime
    resend: bool = False
    earlier: Sequence[Run] = ()

    sent: int = field(init=False)
    quarantined: int = field(init=False)
    stage: int = field(init=False)
    undeleted: set[str] = field(init=False)
    doubts: dict[str, datetime] = field(init=False)
    unsettled: set[str] = field(init=False)
    problems: dict[str, str] = field(default_factory=dict)
    told: list[Problem] = field(default_factory=list)
    left: int = 0
    came_back: int = 0
    arrived: int = 0
    unreached: int = 0
    unsure: int = 0
    places: dict[str, int] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    ready: dict[int, int] = field(default_factory=dict)
    paused: bool = False
    blind: bool = False
    stopping: str = ""
    cause: Stopped | None = None
    cancelled: bool = False
    fault: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        plan = self.run.plan
        self.sent, self.quarantined, self.stage = self.run.sent, self.run.quarantined, self.run.stage
        self.undeleted = set(self.run.undeleted)
        self.doubts = {}
        self.unsettled = set()
        for sending, at in self.run.sending.values():
            if sending.to:
                self.unsettled |= set(sending.ids)
            if sending.to.endswith(".fifo"):
                self.doubts |= dict.fromkeys(sending.ids, at)
        self._sent_before: set[str] = set()
        for run in self.earlier:
            self._sent_before |= run.undeleted
            for sending, at in run.sending.values():
                if sending.to.endswith(".fifo"):
                    self.doubts |= dict.fromkeys(sending.ids, at)
        self._batch = self.run.batches
        self._flying: dict[int, tuple[int, Sending]] = {}
        self._ids: set[str] = set()
        self._reserved: dict[int, int] = {}
        self._granted: set[int] = set()
        self._tries: dict[str, int] = {}
        self._done, self._new, self._seen = Recent(), Recent(), Recent()
        self._pace = Pace(plan.rate, self.now)
        self._watch_until = self.now + plan.watch if self.run.watched else None
        self._next_peek = self.now
        self._peeked = 0
        self._empties = self._fruitless = self._troubles = 0
        self._wait_until = self.now
        self._counted_at: datetime | None = None
        self._end_by: datetime | None = None
        self._over = False
        self._began: list[Sending] = []
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
        """Whether the queue's own counts are wanted: nothing was received for a while."""
        due = self._counted_at is None or self.now - self._counted_at >= _COUNT_EVERY
        idle = self._quiet and self._empties >= _EMPTY_POLLS and not any(self.ready.values())
        return not self.over and due and idle

    @property
    def moved(self) -> int:
        """Sent and deleted."""
        return self.sent - len(self.undeleted)

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
        self._counted_at = self.now
        foreign = max(0, queue.hidden - sum(self.held.values()))
        there = queue.waiting + queue.delayed
        if there + foreign == 0 and not self.undeleted:
            self._over = True
            return
        if self._end_by is None:
            self._end_by = self.now + max(self.run.plan.visibility, queue.visibility) + _SLACK
        behind = self.run.plan.fifo and bool(sum(self.held.values())) and not foreign and not self.undeleted
        if behind or self.now >= self._end_by:
            # Hidden by somebody else all the time, or behind what we keep: not ours to wait for any longer.
            self.unreached += there + max(0, foreign - len(self.undeleted))
            self._over = True

    # -- the workers -------------------------------------------------------------------------------------------------

    def serve(
        self, now: datetime, turns: Sequence[Turn]
    ) -> tuple[tuple[DeadLetterEvent, ...], tuple[tuple[int, Answer], ...]]:
        """Take what workers said; what is to be journaled, and then told to them."""
        self.now = now
        self._began, self._events = [], []
        for turn in turns:
            self._take(turn)
        self._advance()
        answers = tuple((turn.worker, self._answer(turn)) for turn in turns if not turn.left)
        return self._steps(tuple(self._began)), answers

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
        if self.cause is None and not self.cancelled and not self._at_limit and not self.unreached:
            # Drained: what a process that died had in hand and never came back was moved by it.
            self.sent += len(self.unsettled)
            self.unsettled = set()
        tally = self.tally()
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
        for name in turn.new:
            self._new.add(name)
        for name, why in turn.refused:
            self._problem(name, "unsendable", why)
        fruitful = bool(turn.wanted)
        if fruitful and self._over and not self._at_limit:
            self._over, self.unreached = False, 0  # the queue's counts were behind
        for kept in turn.kept:
            fruitful = self._keep(kept.id, kept.why, kept.detail, kept.request) or fruitful
        if turn.received is not None:
            self._count(turn.received, fruitful=fruitful)
        if turn.trouble is not None:
            self._suffer(turn)
        elif turn.received is not None or turn.ended:
            self._troubles = 0
        if turn.left:
            self.held.pop(turn.worker, None)
            self.ready.pop(turn.worker, None)
            self._reserved.pop(turn.worker, None)

    def _count(self, received: int, *, fruitful: bool) -> None:
        if fruitful:
            self._empties = self._fruitless = 0
            self._end_by = None
            return
        self._empties = self._empties + 1 if received == 0 else 0
        self._fruitless += received
        known = self.sent + self.left + len(self.problems)
        plan = self.run.plan
        enough = _FRUITLESS if known >= plan.total else max(_FRUITLESS, 2 * plan.total)
        if self._fruitless >= enough and self._quiet:
            # Only what is newer than the run, or stays, comes any more: a queue that fills while it is emptied.
            self._over = True

    def _keep(self, name: str, why: Why, detail: str, request: str) -> bool:
        """Count a letter that stays, once; whether it is a new one of those that the run is about."""
        if why.asked_for:
            what = {Why.UNROUTABLE: "unroutable", Why.UNSENDABLE: "unsendable"}.get(why, "unreached")
            return self._problem(name, what, detail or why.value)
        if name in self._seen:
            return False
        self._seen.add(name)
        if name in self._new or (request and request in self._new):
            self._returned()
            return False
        if why is Why.NEWER:
            self.arrived += 1
            return False
        self.left += 1
        return True

    def _returned(self) -> None:
        self.came_back += 1
        if self.came_back * FULL > self.run.plan.max_reentry * max(1, self.sent):
            self.stop(
                Stopped.REENTRY,
                f"{self.came_back} of {self.sent} moved came back, more than {self.run.plan.max_reentry / 100:g} %",
            )

    def _problem(self, name: str, what: str, detail: str) -> bool:
        new = name not in self.problems
        if new and len(self.told) < _TOLD:
            self.told.append(Problem(name, what, detail))
        self.problems[name] = what
        return new

    def _settle(self, sent: Sent) -> None:
        self._ended.append(sent)
        _, sending = self._flying.pop(sent.batch)
        self._ids.difference_update(sending.ids)
        failures = {failure.id: failure for failure in sent.failures}
        for name in sending.ids:
            self._settled(name, failures.get(name), sending.to)
        self.unsure += sent.unsure

    def _settled(self, name: str, failure: Failure | None, to: str) -> None:
        self.unsettled.discard(name)
        if failure is not None and not failure.sent and to:
            tries = self._tries[name] = self._tries.get(name, 0) + 1
            if tries >= TRIES:
                self._problem(name, "unsent", failure.code)
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
        return 0 < self.run.plan.limit <= self.sent

    @property
    def _quiet(self) -> bool:
        return not self._flying and not self._granted

    def _advance(self) -> None:
        if self.over or self.paused or self.blind:
            return
        if self._watch_until is not None:
            if self.now >= self._watch_until:
                self._watch_until = None
                self._enter(self.stage + 1)
            return
        end = self.run.plan.stage_end(self.stage)
        if end == ALL or self.sent < end or not self._quiet:
            return
        if self._at_limit:
            self._over = True
            return
        if not self.run.plan.watch:
            self._enter(self.stage + 1)
            return
        self._watch_until = self.now + self.run.plan.watch
        self._next_peek, self._peeked = self.now, 0
        self._events.append(RedriveStage(self.stage + 1, True, self.sent, "watching whether it comes back"))

    def _enter(self, stage: int) -> None:
        self.stage = stage
        end = self.run.plan.stage_end(stage)
        to = f"up to {end}" if end != ALL else "the rest"
        self._events.append(RedriveStage(stage + 1, False, self.sent, to))

    def _release(self, worker: int) -> None:
        """Give back what a worker had reserved and did not use."""
        reserved = self._reserved.pop(worker, 0)
        if worker not in self._granted:
            self._pace.refund(reserved)
        self._granted.discard(worker)

    def _answer(self, turn: Turn) -> Answer:
        return self._grant(turn) if turn.wanted else self._order(turn.worker)

    def _order(self, worker: int) -> Answer:
        if self.over:
            return Leave()
        if self.paused or self.blind or self.now < self._wait_until:
            return Rest(_REST, keep=True)
        if self._watch_until is not None:
            return self._peek()
        end = self.run.plan.stage_end(self.stage)
        room = BATCH if end == ALL else end - self.sent - sum(self._reserved.values())
        if room <= 0:
            return Rest(_REST)
        at_most = self._pace.take(self.now, min(room, BATCH))
        if not at_most:
            return Rest(min(_REST, self._pace.wait(self.now)))
        self._reserved[worker] = at_most
        return Receive(at_most, _POLL)

    def _peek(self) -> Answer:
        if self.now < self._next_peek or self._peeked >= _MOST_PEEKED:
            return Rest(_REST, keep=True)
        self._next_peek = self.now + _PEEK_EVERY
        self._peeked += BATCH
        return Receive(BATCH, _PEEK, peek=True)

    def _grant(self, turn: Turn) -> Grant:
        if self.over or self.paused or self.blind or self._watch_until is not None:
            return Grant(later=not self.over)
        keep: list[str] = []
        places: dict[str, list[str]] = {}
        for wanted in turn.wanted:
            if wanted.id in self._ids:
                continue  # somebody else has it in hand: its time ran out there
            if wanted.id in self.undeleted or wanted.id in self._done or wanted.id in self._sent_before:
                places.setdefault("", []).append(wanted.id)
            elif self._stays(wanted):
                keep.append(wanted.id)
            else:
                places.setdefault(wanted.to, []).append(wanted.id)
        batches = []
        for to, ids in places.items():
            self._batch += 1
            sending = Sending(self._batch, to, tuple(ids))
            self._flying[sending.batch] = (turn.worker, sending)
            self._ids.update(ids)
            batches.append(sending)
        sends = sum(len(ids) for to, ids in places.items() if to)
        self._pace.refund(self._reserved.get(turn.worker, 0) - sends)
        self._reserved[turn.worker] = sends
        self._granted.add(turn.worker)
        self._began += batches
        return Grant(tuple(batches), tuple(keep))

    def _stays(self, wanted: Wanted) -> bool:
        """Whether a letter is not sent, although its worker would."""
        if wanted.id in self.problems:
            return self.problems[wanted.id] in ("unsent", "unsendable", "doubtful")
        if wanted.id in self._new:
            if wanted.id not in self._seen:
                self._seen.add(wanted.id)
                self._returned()
            return True
        began = self.doubts.get(wanted.id)
        if began is not None and not self.resend and self.now - began > DOUBTFUL_AFTER:
            self.unsettled.discard(wanted.id)
            self._problem(wanted.id, "doubtful", "a process that died may have sent it more than 4.5 minutes ago")
            return True
        return False
