"""Drives one run of a playbook: hear -> decide -> journal the step -> do it -> journal its outcome.

Rules this file guarantees: nothing is kept here that is not in the journal; a step is on record before it is done, and
not done if it cannot be recorded; a step that was interrupted stays open in the journal, so that whoever takes the run
up looks first whether it was done; secrets are masked in everything that is recorded or told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.duration import parse_duration
from lambdaops.core.errors import (
    UNREADABLE_JOURNAL,
    ExitCode,
    InvalidDurationError,
    LambdaOpsError,
)
from lambdaops.core.notices import Progress, Warned
from lambdaops.core.playbook.builtin import APPROVE
from lambdaops.core.playbook.limits import NOTHING_ABOVE
from lambdaops.core.playbook.machine import Close, Do, Hold, TakeBack, Wait, decide, repeatable
from lambdaops.core.playbook.records import (
    ApprovalAsked,
    Outcome,
    PlaybookClosed,
    PlaybookHeld,
    PlaybookSignalled,
    PlaybookUndoing,
    Status,
    StepBegan,
    StepEnded,
    Wish,
)
from lambdaops.core.playbook.run import Run
from lambdaops.core.playbook.tags import tag_of
from lambdaops.core.playbook.uses import Again, Result
from lambdaops.core.playbook.values import Values
from lambdaops.ops.playbook.acts import Acts
from lambdaops.ops.playbook.bounding import Bounding
from lambdaops.ops.playbook.children import CANCEL, left_open
from lambdaops.ops.playbook.hearing import AlarmWatch, Hearing
from lambdaops.ops.playbook.prepare import Prepared
from lambdaops.ops.recorder import Recorder
from lambdaops.ops.stop_alarms import StopAlarms
from lambdaops.ports import Drive
from lambdaops.ports.playbooks import Part, PlaybookPorts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambdaops.core.events import Event
    from lambdaops.core.playbook.book import Json
    from lambdaops.core.playbook.turns import Turn
    from lambdaops.core.playbook.uses import Use

_MOMENT = timedelta(milliseconds=500)
_LISTEN_EVERY = timedelta(seconds=1)


@dataclass
class Runner:
    """One process at work on one run.

    Attributes:
        recorder: writes into the playbook's journal.
        drive: the right to do so.
        prepared: the playbook, its inputs and turns.
        run: the run as the journal tells it.
        heard: the last record of the journal that was read.
    """

    recorder: Recorder[PlaybookPorts]
    drive: Drive
    prepared: Prepared
    run: Run
    heard: int
    _watch: AlarmWatch = field(init=False)
    _values: Values = field(init=False)
    _bounding: Bounding = field(init=False)
    _ours: set[int | None] = field(default_factory=set, init=False)
    _listened: datetime | None = field(default=None, init=False)
    _ended_others: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        ports = self.ports
        # Those that it began with, and those of whoever took it up with the same command.
        alarms = dict.fromkeys((*self.run.said.stop_alarms, *self.prepared.request.stop_alarms))
        self._watch = AlarmWatch(ports.clock, StopAlarms(ports.alarms, tuple(alarms)))
        request = self.prepared.request
        self._bounding = Bounding(ports.journals, self.prepared, self.run)
        self._values = Values(request.playbook, request.inputs, self.prepared.turns, ports.language, request.place)

    @property
    def ports(self) -> PlaybookPorts:
        """The world."""
        return self.recorder.ports

    def finish(self) -> Run:
        """Do what is to be done, until the run is over or held.

        Raises:
            JournalUnwritableError: a step could not be recorded; it was not done.
            JournalTamperedError: somebody edited the journal.
        """
        request, clock = self.prepared.request, self.ports.clock
        while self.run.closed is None and self.run.held is None:
            self._hear()
            self.drive.beat()
            move = decide(
                request.playbook,
                self.prepared.turns,
                self.run,
                request.uses,
                clock.now(),
                repeat=request.repeat,
                due=self._due,
            )
            stop = self._stop(move)
            if stop is not None:
                self._record(stop)
                continue
            if self.run.undoing is not None or (isinstance(move, Close) and move.outcome is Outcome.CANCELLED):
                self._end_what_it_began()
            match move:
                case Do():
                    self._do(move)
                case Wait(until=until):
                    clock.sleep(min(_MOMENT, until - clock.now()))
                case TakeBack(reason=reason, cancelled=cancelled):
                    self._record(PlaybookUndoing(self._values.masked(reason), cancelled))
                case Hold(code=code, reason=reason):
                    self._record(PlaybookHeld(int(code), self._values.masked(reason)))
                case Close(outcome=outcome, reason=reason):
                    self._record(self._closed(outcome, reason))
        return self.run

    # -- listening -----------------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        """Fold what others wrote since: what they ask for."""
        for entry in self.recorder.journal.since(self.heard):
            self.heard = entry.seq or self.heard
            if entry.release == self.run.id and entry.seq not in self._ours:
                self.run.take(entry)

    def _cancelled(self) -> str:
        """Why the run is to end, if somebody asked for that; the journal is read once a second at most."""
        now = self.ports.clock.now()
        if self._listened is None or now >= self._listened + _LISTEN_EVERY:
            self._listened = now
            self._hear()
        asked = self.run.cancelled
        return f"cancelled by {asked.actor.arn}" if asked is not None else ""

    def _record(self, event: Event) -> None:
        entry = self.recorder.record(event)
        self._ours.add(entry.seq)
        self.run.take(entry)

    def _stop(self, move: object) -> PlaybookHeld | None:
        """The end of the run for now, if somebody wants that; an alarm keeps nothing from being taken back."""
        if isinstance(move, Hold | Close):
            return None
        asked = self.ports.signals.pending()
        if asked is not None:
            return PlaybookHeld(int(ExitCode.INTERRUPTED), f"interrupted: {asked[1]}")
        if self.run.undoing is None and not isinstance(move, TakeBack) and self._watch.look():
            return PlaybookHeld(int(ExitCode.HELD), f"stopped: {self._watch.objection}")
        return None

    def _closed(self, outcome: Outcome, reason: str) -> PlaybookClosed:
        came_through = outcome in (Outcome.DONE, Outcome.PARTLY)
        outputs = self._values.outputs(self.run) if came_through else {}
        return PlaybookClosed(outcome, self._values.masked(reason), self._values.kept(outputs))

    def _end_what_it_began(self) -> None:
        """Cancel what its steps began and left open: a run that goes back leaves no half of itself behind.

        Asked of the journals once a process, whatever one before it did: what is over by now is not found.
        """
        if self._ended_others:
            return
        self._ended_others = True
        ports, hearing = self.ports, self._hearing_a_person()
        try:
            open_ = list(left_open(ports.journals, self.prepared.arn, self.run.id, self.prepared.request.digests))
        except UNREADABLE_JOURNAL as error:
            what = f"whether its steps left a run open is not known: {error.message}"
            ports.sink.emit(Warned(ports.clock.now(), what, error.hint))
            return
        for key, found in open_:
            reason = f"run {self.run.id}, which began it, goes back"
            part = Part(tag_of(self.run.id, key, 1, undo=True), again=False, signals=hearing)
            result = ports.commands.perform(CANCEL, {"run": found.run.id, "reason": reason}, part)
            if not result.done:
                what = f"run {found.run.id} of {found.run.said.name}, which step {key} began, stays open"
                hint = f"End it: lambdaops playbook cancel {found.run.id}."
                ports.sink.emit(Warned(ports.clock.now(), f"{what}: {self._values.masked(result.message)}", hint))

    def _hearing(self, limit: timedelta | None) -> Hearing:
        clock = self.ports.clock
        until = clock.now() + limit if limit is not None else None
        return Hearing(clock, self.ports.signals, self._watch, self.drive.beat, until, self._cancelled)

    def _hearing_a_person(self) -> Hearing:
        """Nothing but a person keeps anything from being taken back."""
        ports = self.ports
        none = AlarmWatch(ports.clock, StopAlarms(ports.alarms, ()))
        return Hearing(ports.clock, ports.signals, none, self.drive.beat)

    # -- a step --------------------------------------------------------------------------------------------------------

    def _due(self, turn: Turn) -> bool:
        """Whether there is anything of a turn to take back, as far as that is known."""
        return self._values.may_be_taken_back(self.run, turn)

    def _left_out(self, move: Do) -> StepEnded | None:
        """The record of a step that is not to be done, or of which there is nothing to take back.

        Raises:
            InvalidExpressionError: its condition cannot be answered.
        """
        if move.attempt > 1 or move.again:
            return None  # it was answered before the first attempt
        if move.undo:
            message, wanted = "there is nothing to take back", self._values.to_take_back(self.run, move.turn)
        else:
            message, wanted = "its condition is false", self._values.wanted(self.run, move.turn)
        return StepEnded(move.turn.key, 0, Status.SKIPPED, message=message, undo=move.undo) if not wanted else None

    def _do(self, move: Do) -> None:
        key, use = move.turn.key, self.prepared.request.uses[move.action.uses]
        try:
            left_out = self._left_out(move)
            if left_out is not None:
                self._record(left_out)
                return
            given = self._values.given(self.run, move.turn, move.action, use, back=move.undo)
            what = self._values.said(use, given)
        except LambdaOpsError as error:
            code, message = int(ExitCode.USAGE), self._values.masked(error.message)
            self._record(StepEnded(key, move.attempt, Status.FAILED, code, error.code, message, undo=move.undo))
            return
        targets = self._values.acts_on(move.turn, use, given)
        # Nothing keeps anything from being taken back.
        too_far = self._bounding.too_far(key, targets) if not move.undo else ""
        if too_far:
            self._record(PlaybookHeld(int(ExitCode.HELD), self._values.masked(too_far)))
            return
        if move.again:
            message = f"step {key} was begun, and how it ended is not known: looking whether it was done"
            self.ports.sink.emit(Progress(self.ports.clock.now(), message))
        else:
            self._record(StepBegan(key, move.attempt, what, move.undo, targets))
        hearing = self._hearing_a_person() if move.undo else self._hearing(move.turn.step.timeout)
        result = self._perform(use, given, move, hearing)
        self._ended(move, result, hearing)

    def _ended(self, move: Do, result: Result, hearing: Hearing) -> None:
        """Journal how it went; what was interrupted is left open: whether it was done is to be looked at."""
        stopped = self.ports.signals.pending() is not None or bool(hearing.watch.objection)
        if not result.done and (stopped or self._unsure(move, result)):
            return
        code = result.code
        message = result.message
        if not result.done and hearing.late:
            code, message = int(ExitCode.HELD), f"its time was over: {message}"
        self._record(
            StepEnded(
                move.turn.key,
                move.attempt,
                Status.DONE if result.done else Status.FAILED,
                code,
                result.error,
                self._values.masked(message),
                self._values.kept(result.outputs),
                move.undo,
            )
        )

    def _unsure(self, move: Do, result: Result) -> bool:
        """Whether it may have been done, which only a person can find out."""
        request = self.prepared.request
        asks = request.uses[move.action.uses].again is Again.ASK
        return result.unsure and asks and not request.repeat and not repeatable(move.action)

    def _perform(self, use: Use, given: Mapping[str, Json], move: Do, hearing: Hearing) -> Result:
        if use is APPROVE:
            return self._approval(move.turn.key, given, hearing)
        if not use.words:
            return Acts(self.ports, hearing).perform(use.name, given)
        tried = (self.run.undone if move.undo else self.run.tried).get(move.turn.key)
        since = tried.began.at if tried is not None and tried.began is not None else None
        tag = tag_of(self.run.id, move.turn.key, move.attempt, undo=move.undo)
        above = self._bounding.handed_down() if use.name == "run-playbook" else NOTHING_ABOVE
        return self.ports.commands.perform(use, given, Part(tag, move.again, hearing, since, above))

    def _approval(self, key: str, given: Mapping[str, Json], hearing: Hearing) -> Result:
        """Wait for somebody's yes; one that was asked for before, and is not too old, goes on being waited for."""
        clock, message = self.ports.clock, self._values.masked(str(given["message"]))
        if given.get("yes") is True and self.run.said.approved:
            by = self.run.opened.actor.arn
            return Result(0, f"approved beforehand (--yes) by {by}", {"approved_by": by, "reason": "--yes"})
        asked = self.run.waits.event if self.run.waits is not None else None
        if not isinstance(asked, ApprovalAsked) or asked.step != key or asked.until <= clock.now():
            try:
                until = clock.now() + parse_duration(str(given.get("within", "1h")))
            except InvalidDurationError as error:
                return Result(int(error.exit_code), error.message, error=error.code)
            self._record(ApprovalAsked(key, message, until, given.get("self") is True))
        while True:
            self._hear()
            answer = self.run.answer()
            if answer is not None and isinstance(answer.event, PlaybookSignalled):
                outputs: dict[str, Json] = {"approved_by": answer.actor.arn, "reason": answer.event.reason}
                if answer.event.wish is Wish.APPROVE:
                    return Result(0, f"approved by {answer.actor.arn}", outputs)
                why = f": {answer.event.reason}" if answer.event.reason else ""
                return Result(int(ExitCode.HELD), f"rejected by {answer.actor.arn}{why}", outputs, "rejected")
            waits = self.run.waits
            if waits is None or not isinstance(waits.event, ApprovalAsked) or waits.event.until <= clock.now():
                return Result(int(ExitCode.HELD), "nobody approved it in time", error="not-approved")
            if hearing.pending() is not None or self.run.cancelled is not None:
                return Result(int(ExitCode.INTERRUPTED), "stopped while waiting for approval", error="interrupted")
            clock.sleep(_MOMENT)
