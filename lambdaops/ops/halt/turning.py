"""Enable or disable event source mappings and set reserved concurrency: look, write what differs, wait until it is so.

Rules this file guarantees: the intent of a write is on disk before its call, its end after; a call whose answer was
lost, or that AWS refused because something is changing, is never guessed at: the next look tells; every wait ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.duration import format_duration
from lambdaops.core.errors import AwsError, ConflictError, LambdaOpsError, NotFoundError
from lambdaops.core.halt.mappings import Mapping, Step, step
from lambdaops.core.halt.memory import Halt
from lambdaops.core.halt.plan import Left, took_effect
from lambdaops.core.halt.records import HaltDone, HaltEvent, HaltFailed, HaltIntent, Turn
from lambdaops.core.notices import Progress, Warned
from lambdaops.ops.recorder import Recorder
from lambdaops.ports import Drive
from lambdaops.ports.halting import HaltPorts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOOK_EVERY = timedelta(seconds=1)
PATIENCE = timedelta(minutes=5)
"""Disabling takes AWS some seconds for a queue, and a minute or two for a stream or a broker."""
_AGAIN_AFTER = timedelta(seconds=10)
"""A list may still show what a write of ours has changed; after so long it is somebody else's doing."""


@dataclass
class Hand:
    """What makes the writes of one command.

    Attributes:
        recorder: of the function's journal.
        function: its name.
        halt: what the journal remembers; every record is folded into it.
        drive: shows that we are at work, if we have the right to.
        calls_off: whether somebody asked for something else meanwhile; never for a halt.
        stopping: whether all of it is a halt, which a journal that fails does not hold up.
    """

    recorder: Recorder[HaltPorts]
    function: str
    halt: Halt
    drive: Drive | None = None
    calls_off: Callable[[], bool] = lambda: False
    stopping: bool = False
    off: bool = False
    """Whether somebody did."""
    changed: bool = False
    _waiting: str = field(default="", repr=False)

    @property
    def _now(self) -> datetime:
        return self.recorder.ports.clock.now()

    def settle(self, seen: Iterable[Mapping], reserved: int | None) -> None:
        """Write the end of every write that a process which died left without one."""
        there = {one.uuid: one for one in seen}
        for intent, turn in list(self.halt.pending.items()):
            if took_effect(turn, there.get(turn.uuid), reserved):
                self.record(HaltDone(intent, turn, reconciled=True))
            else:
                self.record(HaltFailed(intent, turn, "not-in-effect", "a later look does not show it"))

    def record(self, event: HaltEvent) -> int:
        """Write a record and fold it; its number. Once the memory is on disk, stopping goes on without a journal."""
        stops = isinstance(event, HaltIntent | HaltDone | HaltFailed) and not event.turn.on
        bears = stops or self.stopping
        entry = self.recorder.record_if_possible(event) if bears else self.recorder.record(event)
        self.halt.take(entry)
        return entry.seq or 0

    def pause(self, duration: timedelta) -> None:
        """Wait, and hear whether somebody wants something else."""
        self.recorder.ports.clock.sleep(duration)
        self.hear()

    def hear(self) -> bool:
        """Whether somebody wants something else; shows that we are at work."""
        if self.drive is not None:
            self.drive.beat()
        self.off = self.off or self.calls_off()
        return self.off

    # -- mappings ------------------------------------------------------------------------------------------------------

    def turn(self, wanted: Sequence[Mapping], *, on: bool) -> tuple[Left, ...]:
        """Enable or disable mappings, one call after another, and wait until AWS shows them so.

        Returns:
            What could not be turned, or did not turn in time, and why.

        Raises:
            AwsError: the credentials are no good any more.
            JournalUnwritableError: an intent to enable could not be written.
        """
        work = _Work(self, {one.uuid: one for one in wanted}, on)
        until = self._now + PATIENCE
        seen: tuple[Mapping, ...] | None = tuple(wanted)
        while True:
            if seen is not None:
                work.take(seen)
            if not work.todo or self.off or self._now >= until:
                break
            self._tell(work)
            self.pause(LOOK_EVERY)
            seen = self._look()
        late = f"it is not {'enabled' if on else 'disabled'} after {format_duration(PATIENCE)}, but {{}}"
        why = "somebody halts the function again" if self.off else late
        work.left += [_left(one, why.format(one.state)) for one in work.todo.values()]
        return tuple(work.left)

    def _look(self) -> tuple[Mapping, ...] | None:
        """Every mapping as it is now; None when AWS does not say."""
        ports = self.recorder.ports
        try:
            return ports.levers.mappings(self.function)
        except AwsError as error:
            if error.permanent:
                raise
            ports.sink.emit(Warned(ports.clock.now(), f"could not look: {error.message}", error.hint))
            return None

    def _tell(self, work: _Work) -> None:
        waiting = ", ".join(f"{one.name} ({one.state})" for one in work.todo.values())
        if waiting != self._waiting:
            self._waiting = waiting
            self.recorder.ports.sink.emit(Progress(self._now, f"waiting for {waiting}"))

    # -- reserved concurrency ------------------------------------------------------------------------------------------

    def reserve(self, executions: int | None, *, on: bool) -> str:
        """Set reserved concurrency, None for none; why it could not be, empty when it was.

        Raises:
            AwsError: the credentials are no good any more.
            JournalUnwritableError: an intent to give it back could not be written.
        """
        ports, turn = self.recorder.ports, Turn("", on, reserved=executions)
        intent = self.record(HaltIntent(turn))
        until = self._now + PATIENCE
        while True:
            try:
                request_id = ports.levers.reserve(self.function, executions)
            except LambdaOpsError as error:
                lasting = not isinstance(error, AwsError) or error.permanent
                if not lasting and self._reserved() == (executions,):
                    self.record(HaltDone(intent, turn, reconciled=True))
                    self.changed = True
                    return ""
                if lasting or self.off or self._now >= until:
                    return self._refused(intent, turn, error)
                ports.sink.emit(Progress(self._now, f"{error.message}; trying again"))
                self.pause(LOOK_EVERY)
                continue
            self.record(HaltDone(intent, turn, request_id=request_id))
            self.changed = True
            return ""

    def _reserved(self) -> tuple[int | None, ...]:
        try:
            return (self.recorder.ports.levers.concurrency(self.function).reserved,)
        except AwsError:
            return ()

    def _refused(self, intent: int, turn: Turn, error: LambdaOpsError) -> str:
        self.record(HaltFailed(intent, turn, error.code, error.message, error.request_id))
        if isinstance(error, AwsError) and error.locked_out:
            raise error
        return _said(error)


@dataclass
class _Work:
    """Mappings that are still to be turned."""

    hand: Hand
    todo: dict[str, Mapping]
    on: bool
    left: list[Left] = field(default_factory=list)
    _intents: dict[str, int] = field(default_factory=dict)
    _written: dict[str, datetime] = field(default_factory=dict)

    def take(self, seen: Iterable[Mapping]) -> None:
        """What a look showed: some are done, some are to be written now."""
        there = {one.uuid: one for one in seen}
        for uuid, was in list(self.todo.items()):
            now = there.get(uuid)
            match step(now, on=self.on):
                case Step.DONE:
                    if uuid in self._intents:
                        self._done(uuid, reconciled=True)
                    del self.todo[uuid]
                case Step.GONE:
                    self._gone(was)
                case Step.WRITE if not self.hand.off and self._due(uuid):
                    self.todo[uuid] = now or was
                    self._write(now or was)
                case _:
                    self.todo[uuid] = now or was

    def _due(self, uuid: str) -> bool:
        """Whether to write: what we enabled and somebody disabled is his; what we disabled is disabled again."""
        if uuid not in self._written:
            return True
        return not self.on and self.hand.recorder.ports.clock.now() - self._written[uuid] >= _AGAIN_AFTER

    def _write(self, one: Mapping) -> None:
        hand, uuid = self.hand, one.uuid
        if hand.hear():
            return
        if uuid not in self._intents:
            self._intents[uuid] = hand.record(HaltIntent(self._turn(one)))
        try:
            request_id = hand.recorder.ports.levers.turn(uuid, on=self.on)
        except NotFoundError:
            self._gone(one)
        except ConflictError as error:  # it is changing: the next look shows into what
            hand.recorder.ports.sink.emit(Progress(hand.recorder.ports.clock.now(), f"{one.name}: {error.message}"))
        except AwsError as error:
            if error.permanent:
                self._refused(one, error)
            else:
                hand.recorder.ports.sink.emit(Warned(hand.recorder.ports.clock.now(), error.message, error.hint))
        else:
            self._done(uuid, request_id=request_id)
            self.todo[uuid] = replace(one, state="Enabling" if self.on else "Disabling")

    def _turn(self, one: Mapping) -> Turn:
        return Turn(one.uuid, self.on, one.source, one.qualifier)

    def _done(self, uuid: str, *, reconciled: bool = False, request_id: str = "") -> None:
        intent = self._intents.pop(uuid)
        self.hand.record(HaltDone(intent, self._turn(self.todo[uuid]), reconciled, request_id))
        self.hand.changed = True
        self._written[uuid] = self.hand.recorder.ports.clock.now()

    def _gone(self, one: Mapping) -> None:
        if one.uuid in self._intents:
            turn = self._turn(one)
            self.hand.record(HaltFailed(self._intents.pop(one.uuid), turn, "not-found", "the mapping is gone"))
        del self.todo[one.uuid]
        if self.on:
            self.left.append(_left(one, "it was deleted since"))

    def _refused(self, one: Mapping, error: AwsError) -> None:
        intent = self._intents.pop(one.uuid)
        self.hand.record(HaltFailed(intent, self._turn(one), error.code, error.message, error.request_id))
        if error.locked_out:
            raise error
        del self.todo[one.uuid]
        self.left.append(_left(one, _said(error)))


def _said(error: LambdaOpsError) -> str:
    """What is the matter, and what to do about it."""
    return f"{error.message}. {error.hint}" if error.hint else error.message


def _left(one: Mapping, why: str) -> Left:
    return Left(one.uuid, one.source, one.qualifier, why)
