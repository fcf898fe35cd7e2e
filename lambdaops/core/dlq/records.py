"""What work on a dead-letter queue writes into its journal: ids, counts and reasons, never a body or an attribute.

Rules this file guarantees: a batch is on record, with the ids in it and where it goes, before any of it is sent; what
is not listed as failed in the end of a batch was sent and deleted; everything a resumed run needs stands here.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from lambdaops.core.dlq.plan import RedrivePlan


class Wish(enum.Enum):
    """What somebody asks of a running redrive; HOLD ends its process and leaves the run open."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    HOLD = "hold"


class Stopped(enum.Enum):
    """Why a run holds."""

    ALARM = "alarm"
    REENTRY = "re-entry"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class Ending(enum.Enum):
    """How a run ended."""

    MOVED = "moved"
    PARTLY = "partly"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Sending:
    """A batch that is about to be sent: its number in the run, the ARN it goes to, and the ids of its messages.

    With no ARN it is sent already, and about to be deleted only.
    """

    batch: int
    to: str
    ids: tuple[str, ...]

    @property
    def fifo(self) -> bool:
        """Whether it goes to a queue that knows again what it was sent."""
        return self.to.endswith(".fifo")


@dataclass(frozen=True, slots=True)
class Failure:
    """A message of a batch that is still in the queue, with AWS's or our code for why.

    ``sent`` is true when it was sent and only its deletion failed: it must be deleted, and never sent again. ``unsure``
    when the answer to a sending was lost: it may have been sent.
    """

    id: str
    code: str
    sent: bool = False
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """The end of a batch: what is not among the failures was sent and deleted.

    ``unsure`` is true when the answer to a send was lost, and it was sent once more: duplicates are possible. ``new``
    are the ids that what was sent has now, a queue's message ids or a function's request ids: whatever of it fails
    again is known by them. As many as the batch has messages, at most.
    """

    batch: int
    failures: tuple[Failure, ...] = ()
    unsure: bool = False
    new: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of a run.

    Attributes:
        moved: sent and deleted.
        quarantined: of those, into the quarantine queue.
        left: not asked for: filter, age, edit.
        unroutable: with nowhere to go, left in place.
        unsendable: that SQS or Lambda would not take, left in place.
        unsent: that could not be sent.
        undeleted: that were sent and could not be deleted.
        doubtful: that may have been sent, and whose second sending nothing would absorb.
        came_back: moved, and found again in the queue.
        arrived: newer than the run.
        unreached: not looked at: hidden by somebody else, or behind one of its group that stays.
    """

    moved: int = 0
    quarantined: int = 0
    left: int = 0
    unroutable: int = 0
    unsendable: int = 0
    unsent: int = 0
    undeleted: int = 0
    doubtful: int = 0
    came_back: int = 0
    arrived: int = 0
    unreached: int = 0

    @property
    def kept(self) -> int:
        """Messages that were asked for and are not where they should be."""
        return self.unroutable + self.unsendable + self.unsent + self.undeleted + self.doubtful + self.unreached


@dataclass(frozen=True, slots=True)
class RedriveOpened:
    """A redrive begins: its whole plan, and why."""

    plan: RedrivePlan
    reason: str = ""
    ticket: str = ""
    tool: str = ""


@dataclass(frozen=True, slots=True)
class RedriveResumed:
    """Another process took the redrive up; ``resend`` when it sends what may have been sent already."""

    resend: bool = False


@dataclass(frozen=True, slots=True)
class RedriveStep:
    """Batches that are about to be sent, and batches that ended, of all workers together."""

    began: tuple[Sending, ...]
    ended: tuple[Sent, ...]


@dataclass(frozen=True, slots=True)
class RedriveStage:
    """A stage begins, or is over and watched (``watched``); stages count from 1."""

    stage: int
    watched: bool
    moved: int
    reason: str


@dataclass(frozen=True, slots=True)
class RedriveSignalled:
    """Somebody asked something of the running redrive."""

    wish: Wish
    reason: str


@dataclass(frozen=True, slots=True)
class RedriveHeard:
    """What was asked up to record ``answers`` is heeded: it is paused, or goes on."""

    wish: Wish
    answers: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RedriveHeld:
    """The redrive stopped and can be resumed."""

    cause: Stopped
    reason: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class RedriveClosed:
    """The redrive is over."""

    ending: Ending
    reason: str
    tally: Tally


class Change(enum.Enum):
    """What is done to a queue's messages without a plan."""

    LOAD = "load"
    PURGE = "purge"


@dataclass(frozen=True, slots=True)
class QueueChanging:
    """Messages are about to be loaded or purged; ``detail`` is the file, never a message."""

    change: Change
    total: int
    detail: str = ""
    reason: str = ""
    ticket: str = ""
    tool: str = ""


@dataclass(frozen=True, slots=True)
class LoadStep:
    """Messages of a file that are about to be sent, and those of the step before that SQS did not take.

    What is in a step, and not among the failures of the next one, was sent. The last step has no ids.
    """

    ids: tuple[str, ...]
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueChanged:
    """They were: how many, how many not, and a word about it."""

    change: Change
    done: int
    failed: int = 0
    detail: str = ""


DeadLetterEvent = (
    RedriveOpened
    | RedriveResumed
    | RedriveStep
    | RedriveStage
    | RedriveSignalled
    | RedriveHeard
    | RedriveHeld
    | RedriveClosed
    | QueueChanging
    | LoadStep
    | QueueChanged
)
