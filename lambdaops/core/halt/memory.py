"""The halt of a function that is not over, as its journal tells it.

Rules this file guarantees: what was there before is what the first record about it says, however often the function is
halted again; a write counts when its end says so, and one without an end is pending.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lambdaops.core.events import Entry
from lambdaops.core.halt.records import (
    HaltDone,
    Halted,
    HaltFailed,
    HaltIntent,
    HaltOpened,
    Remembered,
    Reserved,
    Turn,
    Unhalted,
    UnhaltHeld,
    UnhaltOpened,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RESERVED = ""
"""What stands for reserved concurrency where others are known by the UUID of their mapping."""


@dataclass
class Halt:
    """A halt that is not over.

    Attributes:
        id: what groups its records, and those of its unhalts.
        opened: its first record.
        mappings: as they were before, by UUID.
        reserved: reserved concurrency as it was before; None where the halt has nothing to do with it.
        turned: what we last made of a mapping (or of reserved concurrency): on or off.
        pending: writes without a known end, by the number of their intent.
        attempt: what the unhalt that was begun last has started, and nobody has stopped since.
        unhalting: whether that unhalt has not ended.
        ended: whether the halt itself did.
    """

    id: str
    opened: Entry
    mappings: dict[str, Remembered] = field(default_factory=dict)
    reserved: Reserved | None = None
    turned: dict[str, bool] = field(default_factory=dict)
    pending: dict[int, Turn] = field(default_factory=dict)
    attempt: set[str] = field(default_factory=set)
    unhalting: bool = False
    ended: bool = False

    @property
    def throttled(self) -> bool:
        """Whether we set reserved concurrency to 0, and have not given it back."""
        return self.turned.get(RESERVED) is False

    @property
    def disabled(self) -> frozenset[str]:
        """The UUIDs of the mappings that we disabled last."""
        return frozenset(uuid for uuid, on in self.turned.items() if uuid and not on)

    @property
    def stopped(self) -> tuple[Remembered, ...]:
        """The mappings that polled before, and that we disabled and have not enabled again."""
        return tuple(one for one in self.mappings.values() if one.polls and self.turned.get(one.uuid) is False)

    def take(self, entry: Entry) -> None:
        """Fold one more record of this halt."""
        match entry.event:
            case HaltOpened(mappings=mappings, reserved=reserved):
                for one in mappings:
                    self.mappings.setdefault(one.uuid, one)
                self.reserved = self.reserved or reserved
                self.attempt, self.unhalting, self.ended = set(), False, False
            case HaltIntent(turn=turn):
                self.pending[entry.seq or 0] = turn
            case HaltDone(intent=intent, turn=turn):
                self.pending.pop(intent, None)
                self.turned[turn.uuid] = turn.on
                (self.attempt.add if turn.on else self.attempt.discard)(turn.uuid)
            case HaltFailed(intent=intent):
                self.pending.pop(intent, None)
            case Halted():
                self.ended = True
            case UnhaltOpened():
                # What a process that died had started belongs to whoever goes on with it.
                self.attempt = self.attempt if self.unhalting else set()
                self.unhalting = True
            case UnhaltHeld() | Unhalted():
                self.attempt, self.unhalting = set(), False
            case _:
                pass


def open_halt(entries: Iterable[Entry]) -> Halt | None:
    """The halt that is not over, folded from the records of a function's journal; None when there is none."""
    halt: Halt | None = None
    for entry in entries:
        if isinstance(entry.event, HaltOpened) and halt is None:
            halt = Halt(entry.release, entry)
        if halt is None or entry.release != halt.id:
            continue
        halt.take(entry)
        if isinstance(entry.event, Unhalted) and entry.event.over:
            halt = None
    return halt


def tells(entries: Sequence[Entry]) -> bool:
    """Whether the end of a journal tells if a halt is open."""
    return any(
        isinstance(entry.event, HaltOpened) or (isinstance(entry.event, Unhalted) and entry.event.over)
        for entry in entries
    )
