"""Records of a traffic that goes back although its journal cannot be written: journaled once it can be again.

Rules this file guarantees: what could not be written comes before whatever is written later, in its order and with the
time at which it happened; what an earlier record did not reach, a later one does not overtake.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lambdaops.core.errors import UNREADABLE_JOURNAL, JournalUnwritableError
from lambdaops.core.events import Entry
from lambdaops.core.notices import Warned
from lambdaops.ops.recorder import Recorder
from lambdaops.ports import Ports

if TYPE_CHECKING:
    from lambdaops.core.errors import LambdaOpsError
    from lambdaops.core.events import Event


@dataclass
class Belated:
    """Writes what it can; ``wrote`` is told every record that reached the journal, also a late one."""

    recorder: Recorder[Ports]
    wrote: Callable[[Entry], None]
    _waiting: deque[Entry] = field(default_factory=deque)

    def record(self, event: Event) -> Entry:
        """Write the event after what waits, or say loudly that it could not be written."""
        trouble = self._catch_up()
        if trouble is not None:
            entry = self.recorder.tell_unwritten(event, trouble)
        else:
            entry = self.recorder.record_if_possible(event)
        if entry.seq is None:
            self._waiting.append(entry)
        else:
            self.wrote(entry)
        return entry

    def _catch_up(self) -> LambdaOpsError | None:
        """Write what waits; what is in the way, if something is."""
        if not self._waiting:
            return None
        recorder, late = self.recorder, len(self._waiting)
        try:
            while self._waiting:
                missed = self._waiting[0]
                entry = recorder.journal.append(missed.at, missed.release, missed.actor, missed.event)
                self._waiting.popleft()
                self.wrote(entry)
        except (JournalUnwritableError, *UNREADABLE_JOURNAL) as error:
            return error
        told = f"the journal can be written again: what was not journaled is in it now ({late})"
        recorder.ports.sink.emit(Warned(recorder.ports.clock.now(), told))
        return None
