"""The desk at work: journals what it decides before anybody acts on it, looks at alarms, and hears what people ask.

Rules this file guarantees: a grant reaches its worker after its record is on disk, and one record serves all who wait;
alarms are looked at within a second before a batch is granted; an alarm that cannot be read grants nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.dlq.desk import Desk
from lambdaops.core.dlq.records import RedriveSignalled, RedriveStep, Stopped, Wish
from lambdaops.core.errors import AwsError, NotFoundError
from lambdaops.core.notices import Redriving, Warned
from lambdaops.core.states import Signal
from lambdaops.ops.recorder import Recorder
from lambdaops.ops.steady import Steady
from lambdaops.ops.stop_alarms import StopAlarms
from lambdaops.ports import Drive
from lambdaops.ports.queues import DeadLetterPorts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.core.dlq.records import DeadLetterEvent
    from lambdaops.core.dlq.talk import Answer, Turn
    from lambdaops.core.events import Entry

LOOK_EVERY = timedelta(seconds=1)
_LISTEN_EVERY = timedelta(milliseconds=500)
_TELL_EVERY = timedelta(milliseconds=250)
_RATE_OVER = timedelta(seconds=10)


@dataclass
class Shift:
    """One process's time at the desk of one run; ``url`` is the queue's.

    ``steady`` is what desk and workers go by; records have the time of day.
    """

    recorder: Recorder[DeadLetterPorts]
    desk: Desk
    drive: Drive
    url: str
    alarms: StopAlarms
    steady: Steady
    heard: int = 0
    _looked_at: datetime | None = None
    _listened_at: datetime | None = None
    _told_at: datetime | None = None
    _signal: tuple[Signal, str] | None = None
    _marks: deque[tuple[datetime, int]] = field(default_factory=deque)

    def serve(self, turns: Sequence[Turn]) -> tuple[tuple[int, Answer], ...]:
        """Take what workers said, look and listen where that is due, journal, and give the answers.

        Raises:
            JournalUnwritableError, InvalidFileError: nothing was granted.
        """
        self.listen()
        now = self.steady.now()
        self.desk.blind = not self._see(now)
        self.desk.take(now, turns)
        if self.desk.wants_count:
            self._count()
        events, answers = self.desk.answer(turns)
        self._record(events)
        self.tell(now)
        return answers

    def listen(self) -> None:
        """Take in what people asked: by a signal at once, through the journal twice a second.

        Raises:
            InvalidFileError: the journal cannot be read any more.
        """
        ports = self.recorder.ports
        pressed = ports.signals.pending()
        if pressed is not None and pressed != self._signal:
            self._signal = pressed
            self._record((RedriveSignalled(Wish.HOLD, pressed[1]),))
            self.desk.heed(Wish.HOLD, pressed[1], 0)
        now = self.steady.now()
        if self._listened_at is not None and now - self._listened_at < _LISTEN_EVERY:
            return
        self._listened_at = now
        self.drive.beat()
        for entry in self.recorder.journal.since(self.heard):
            self.heard = entry.seq or self.heard
            if isinstance(entry.event, RedriveSignalled) and entry.release == self.recorder.run:
                if entry.event.wish is not Wish.HOLD:
                    ports.sink.emit(entry)
                self._record(self.desk.heed(entry.event.wish, entry.event.reason, entry.seq or 0))

    def end(self) -> Entry:
        """Write the last record.

        Raises:
            JournalUnwritableError: it could not be written.
        """
        self.desk.now = self.steady.now()
        return self.recorder.record(self.desk.closing())

    def tell(self, now: datetime, *, must: bool = False) -> None:
        """Say how far it is, four times a second at most."""
        if not must and self._told_at is not None and now - self._told_at < _TELL_EVERY:
            return
        self._told_at = now
        desk = self.desk
        self._marks.append((now, desk.ledger.sent))
        while len(self._marks) > 2 and now - self._marks[0][0] > _RATE_OVER:  # noqa: PLR2004 -- a first and a last
            self._marks.popleft()
        (since, before), passed = self._marks[0], (now - self._marks[0][0]).total_seconds()
        rate = int((desk.ledger.sent - before) * 1000 / passed) if now > since else 0
        self.recorder.ports.sink.emit(
            Redriving(
                now,
                desk.run.plan,
                desk.ledger.tally(),
                desk.stage + 1,
                rate,
                desk.watching,
                desk.paused,
                desk.stopping,
            )
        )

    def _see(self, now: datetime) -> bool:
        """Look at the alarms if the last look is a second old; whether what they say is known."""
        if not self.alarms.names or self.desk.over:
            return True
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            if why := self.alarms.objection(now):
                self.desk.stop(Stopped.ALARM, why)
        return self.alarms.known

    def _count(self) -> None:
        ports = self.recorder.ports
        try:
            self.desk.counted(ports.queues.find(self.url))
        except NotFoundError as error:
            self.desk.fault = (error.code, error.hint)
            self.desk.stop(Stopped.FAILED, error.message)
        except AwsError as error:
            ports.sink.emit(Warned(ports.clock.now(), f"the queue could not be counted: {error.message}", error.hint))

    def _record(self, events: Sequence[DeadLetterEvent]) -> None:
        for event in events:
            if isinstance(event, RedriveStep):  # far too many to be told
                recorder = self.recorder
                entry = recorder.journal.append(recorder.ports.clock.now(), recorder.run, recorder.actor, event)
            else:
                entry = self.recorder.record(event)
            if entry.seq == self.heard + 1:
                self.heard += 1
