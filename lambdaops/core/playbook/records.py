"""What a run of a playbook writes into its journal: steps with their outcomes, requests, approvals.

Rules this file guarantees: a step is on record before it is done, and its outcome before the next one begins; inputs
and outputs are JSON texts in which secrets are masked; everything a resumed run needs stands here.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from lambdaops.core.playbook.limits import NOTHING_ABOVE, Above


class Wish(enum.Enum):
    """What somebody asks of a run."""

    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


class Status(enum.Enum):
    """How a step ended."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Outcome(enum.Enum):
    """How a run ended.

    ``DONE``: every step that was to be done was. ``PARTLY``: it came to its end although a step failed. ``UNDONE``: a
    step failed, and what had been done before was taken back. ``CANCELLED``: somebody ended it.
    """

    DONE = "done"
    PARTLY = "partly"
    UNDONE = "undone"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PlaybookOpened:
    """A run begins: which file (``digest``), the hash of its plan, its inputs (JSON), and what it was excused from.

    ``stop_alarms`` end it; ``approved`` is whether --yes was given where the playbook lets that approve; ``file`` is
    where the playbook was. ``above`` is what it has from the run that it is a step of.
    """

    name: str
    digest: str
    plan: str
    inputs: str
    environment: str = ""
    stop_alarms: tuple[str, ...] = ()
    approved: bool = False
    reason: str = ""
    ticket: str = ""
    tool: str = ""
    overrides: tuple[str, ...] = ()
    file: str = ""
    above: Above = NOTHING_ABOVE


@dataclass(frozen=True, slots=True)
class PlaybookResumed:
    """Another process took the run up; ``digest`` and ``plan`` are those of now, others only if that was wanted.

    ``overrides`` is what it is excused from, from here on; ``above`` is what it has from the run that it is a step of.
    """

    digest: str
    plan: str
    reason: str = ""
    overrides: tuple[str, ...] = ()
    above: Above = NOTHING_ABOVE


@dataclass(frozen=True, slots=True)
class StepBegan:
    """A step is about to be done: ``what`` in words, secrets masked; ``attempt`` counts from 1.

    ``targets`` are what it is about to act on, if it changes anything.
    """

    step: str
    attempt: int
    what: str
    undo: bool = False
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepEnded:
    """How it went: the exit code, the slug of the error, a line for people, what it gives (JSON)."""

    step: str
    attempt: int
    status: Status
    code: int = 0
    error: str = ""
    message: str = ""
    outputs: str = "{}"
    undo: bool = False


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """A step waits for somebody's yes until ``until``; whose may count: ``self_`` that of who began the run, too."""

    step: str
    message: str
    until: datetime
    self_: bool = False


@dataclass(frozen=True, slots=True)
class PlaybookSignalled:
    """Somebody asked something of the run; an approval names the step and the plan that it is of."""

    wish: Wish
    reason: str
    step: str = ""
    plan: str = ""


@dataclass(frozen=True, slots=True)
class PlaybookUndoing:
    """From here on what was done is taken back, the newest first; ``cancelled`` when somebody asked for it."""

    reason: str
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class PlaybookHeld:
    """The run stopped and can be resumed; ``code`` is the exit code of its process."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class PlaybookClosed:
    """The run is over; ``outputs`` is what the playbook gives (JSON)."""

    outcome: Outcome
    reason: str
    outputs: str = "{}"


PlaybookEvent = (
    PlaybookOpened
    | PlaybookResumed
    | StepBegan
    | StepEnded
    | ApprovalAsked
    | PlaybookSignalled
    | PlaybookUndoing
    | PlaybookHeld
    | PlaybookClosed
)
