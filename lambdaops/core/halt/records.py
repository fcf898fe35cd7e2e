"""What a halt writes into its function's journal: what was there before, each write before and after, how it ended.

Rules this file guarantees: everything that starting again needs stands here; a record holds names and states, never an
event or a payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Remembered:
    """An event source mapping as it was before the halt.

    Attributes:
        uuid: its id.
        source: ARN of what it polls; of a Kafka cluster without one, its servers.
        qualifier: the version or alias it invokes; empty for the unpublished code.
        state: AWS's word for its state.
        polls: whether that means that it polls, or is about to.
    """

    uuid: str
    source: str
    qualifier: str
    state: str
    polls: bool


@dataclass(frozen=True, slots=True)
class Reserved:
    """Reserved concurrency of a function as it was before the halt; None for none."""

    executions: int | None


@dataclass(frozen=True, slots=True)
class Turn:
    """One write: a mapping is enabled (``on``) or disabled; or, where ``uuid`` is empty, reserved concurrency is set.

    ``reserved`` is what it is set to: 0 for off; for on what it was before, None to have none again.
    """

    uuid: str
    on: bool
    source: str = ""
    qualifier: str = ""
    reserved: int | None = None


@dataclass(frozen=True, slots=True)
class HaltOpened:
    """A function is about to be halted, or its halt to take in more; all of it was so before we wrote anything.

    A mapping that an earlier record of the same halt remembers is not in here again.
    """

    mappings: tuple[Remembered, ...]
    reserved: Reserved | None = None
    reason: str = ""
    ticket: str = ""
    tool: str = ""


@dataclass(frozen=True, slots=True)
class HaltIntent:
    """A write is about to be made; on disk before the call. Its end names the number of this record."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class HaltDone:
    """The write of record ``intent`` was taken; ``reconciled`` when a later look showed it, not the call's answer."""

    intent: int
    turn: Turn
    reconciled: bool = False
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class HaltFailed:
    """The write of record ``intent`` was refused, or a later look showed that it did not take effect."""

    intent: int
    turn: Turn
    code: str
    message: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Halted:
    """The halt ended: how many mappings it holds, whether it set reserved concurrency to 0, what it could not stop."""

    held: int
    throttled: bool
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnhaltOpened:
    """What is halted is about to be started again; ``sources`` are those that were named, none for all."""

    sources: tuple[str, ...]
    stages: tuple[int, ...]
    watch: timedelta
    stop_alarms: tuple[str, ...]
    reason: str = ""
    ticket: str = ""
    tool: str = ""


@dataclass(frozen=True, slots=True)
class UnhaltStage:
    """A stage is over: so many of the mappings poll again, and that is watched."""

    stage: int
    restored: int
    total: int


@dataclass(frozen=True, slots=True)
class UnhaltHeld:
    """Starting again was stopped, and what it had started is stopped again; the halt stays open."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unhalted:
    """Starting again ended; ``over`` when the halt is, ``left`` is what was not as we had left it, or not to be had."""

    restored: int
    over: bool
    left: tuple[str, ...] = ()


HaltEvent = (
    HaltOpened | HaltIntent | HaltDone | HaltFailed | Halted | UnhaltOpened | UnhaltStage | UnhaltHeld | Unhalted
)
