"""The sink that tells channels what happens, around the sink that tells the person at the terminal.

Rules this file guarantees: the operation never waits for a channel, and the end of the process at most as long as
``close`` says; a channel cannot keep the process alive, nor keep another channel from being told; whoever was not told
is named in a warning, on the operation's own thread.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from lambdaops.core.errors import UNREADABLE_JOURNAL, LambdaOpsError, NotToldError
from lambdaops.core.events import Closed, Entry
from lambdaops.core.notes import Note
from lambdaops.core.notices import Warned
from lambdaops.core.notifications import Channel, Message, Moment, Story, needs_journal
from lambdaops.core.states import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from lambdaops.core.messages import Said
    from lambdaops.core.notices import Notice
    from lambdaops.ports import Notifier, Sink

_Failure = tuple[Message | Note, LambdaOpsError]

DRAIN = 5.0
"""Seconds that the end of the process waits for channels, together."""
_GLANCE = 0.25
"""Seconds between two looks of whoever waits."""
_ROOM = 50
"""Messages that one channel may be behind; a release has a handful."""
_OTHERS_RECORD = 2.0
"""Seconds in which whoever rolled an alias back has it in the journal: STS and the append come after the write."""


class Notifying:
    """Implements ports.Sink.

    Args:
        sink: who else is told everything.
        notifiers: the channels, and what reaches them.
        story: what is known before the first record.
        journal: reads the journal of a target's ARN.
        now: the time of day, for warnings.
        pause: waits some seconds, before the end of the process.
        drain: how many seconds ``close`` waits at most.
    """

    def __init__(
        self,
        sink: Sink,
        notifiers: Sequence[tuple[Channel, Notifier]],
        story: Story,
        journal: Callable[[str], Iterable[Entry]],
        now: Callable[[], datetime],
        *,
        pause: Callable[[float], None] = time.sleep,
        drain: float = DRAIN,
    ) -> None:
        self._sink = sink
        self._couriers = [_Courier(channel, notifier) for channel, notifier in notifiers]
        self._story = story
        self._journal = journal
        self._now = now
        self._pause = pause
        self._drain = drain
        self._doubtful: tuple[Story, Entry] | None = None

    def emit(self, notice: Notice) -> None:
        """Pass the notice on, and whatever is to be told of it to the channels' threads."""
        self._sink.emit(notice)
        if isinstance(notice, Entry):
            before = self._story
            self._story, message = before.heard(notice, self._read(notice))
            if message is not None and _superseded(notice):
                self._doubtful = (before, notice)
            elif message is not None:
                self._send(message)
        for courier in self._couriers:
            self._complain(courier.outcome()[0])

    def close(self) -> None:
        """Wait for the channels, not longer than ``drain``, and warn of whoever was not told.

        Ctrl-C ends the waiting and nothing else: what the command did is done, and keeps its exit code.
        """
        began = time.monotonic()
        try:
            if self._doubtful is not None:
                self._settle(*self._doubtful)
            for courier in self._couriers:
                courier.finish(max(0.0, began + self._drain - time.monotonic()))
        except KeyboardInterrupt:
            pass
        waited = time.monotonic() - began
        for courier in self._couriers:
            failures, left = courier.outcome()
            self._complain(failures)
            if left:
                said = ", ".join(_said(message) for message in left)
                self._warn(f"{courier.channel}: {len(left)} not told within {waited:.1f} s: {said}", "")

    def _settle(self, before: Story, entry: Entry) -> None:
        """A release that was superseded ends before whoever rolled back has recorded it, and that one tells better."""
        self._pause(min(_OTHERS_RECORD, self._drain))
        _, message = before.heard(entry, self._read(entry))
        if message is not None:
            self._send(message)

    def _read(self, entry: Entry) -> Iterable[Entry]:
        if not needs_journal(entry):
            return ()
        try:
            return self._journal(entry.target)
        except UNREADABLE_JOURNAL as error:
            self._warn(f"what channels are told of {entry.release} may be wrong: {error.message}", error.hint)
            return ()

    def _send(self, message: Said) -> None:
        # A run of a playbook is told of when it needs somebody, as a release that is held.
        moment = message.moment if isinstance(message, Message) else Moment.HELD
        for courier in self._couriers:
            if moment in courier.channel.on:
                courier.take(message)

    def _complain(self, failures: Iterable[_Failure]) -> None:
        for message, error in failures:
            self._warn(f"not told that {_said(message)}: {error.message}", error.hint)

    def _warn(self, message: str, hint: str) -> None:
        self._sink.emit(Warned(self._now(), message, hint))


class _Courier:
    """One channel's thread: a daemon, which the interpreter does not wait for, begun with the first message."""

    def __init__(self, channel: Channel, notifier: Notifier) -> None:
        self.channel = channel
        self._notifier = notifier
        self._changed = threading.Condition()
        self._left: deque[Said] = deque()  # the first is being told
        self._failures: list[_Failure] = []
        self._over = False
        self._thread: threading.Thread | None = None

    def take(self, message: Said) -> None:
        """Have a message told, if there is room."""
        with self._changed:
            if len(self._left) >= _ROOM:
                self._failures.append((message, NotToldError(f"{self.channel}: it is {_ROOM} messages behind")))
                return
            self._left.append(message)
            self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"notify {self.channel}", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the machine has no room for a thread: not the release's trouble
                self._done(NotToldError(f"{self.channel}: no thread could be started"))
                self._thread = None

    def finish(self, within: float) -> None:
        """Wait so many seconds at most until everything is told; the thread ends then."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
            end = time.monotonic() + within
            # A signal that the system gives to another thread ends no wait of the main thread: it is seen in between.
            while self._left and (left := end - time.monotonic()) > 0:
                self._changed.wait(min(left, _GLANCE))

    def outcome(self) -> tuple[list[_Failure], tuple[Said, ...]]:
        """What failed since the last time this was asked, and what is still to be told."""
        with self._changed:
            failures, self._failures = self._failures, []
            return failures, tuple(self._left)

    def _run(self) -> None:
        while (message := self._next()) is not None:
            try:
                self._notifier.tell(message)
            except LambdaOpsError as error:
                self._done(error)
            except Exception as error:  # noqa: BLE001 -- a defect: as a traceback it could show the webhook's URL
                self._done(NotToldError(f"{self.channel}: a defect of lambdaops: {type(error).__name__}"))
            else:
                self._done(None)

    def _next(self) -> Said | None:
        with self._changed:
            self._changed.wait_for(lambda: self._left or self._over)
            return self._left[0] if self._left else None

    def _done(self, error: LambdaOpsError | None) -> None:
        with self._changed:
            message = self._left.popleft()
            if error is not None:
                self._failures.append((message, error))
            self._changed.notify_all()


def _superseded(entry: Entry) -> bool:
    return isinstance(entry.event, Closed) and entry.event.outcome is Outcome.SUPERSEDED


def _said(message: Said) -> str:
    if isinstance(message, Note):
        return f"{message.title} {message.text}"
    return f"{message.name} is {message.moment.value}"
