"""What a dump, a load and a purge did, as plain values for people (render) and machines (codec) alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lambdaops.core.dlq.records import Failure


@dataclass(frozen=True, slots=True)
class DumpReport:
    """What a dump wrote.

    Attributes:
        queue: ARN.
        file: where it is.
        letters: how many.
        complete: whether those are all there were.
        missing: why not, in words; empty if they are.
        still_hidden: how many could not be given back, and come back by themselves at ``hidden_until``.
        hidden_until: see there.
        interrupted: whether somebody stopped it.
    """

    queue: str
    file: str
    letters: int
    complete: bool
    missing: str = ""
    still_hidden: int = 0
    hidden_until: datetime | None = None
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of the letters of a file.

    Attributes:
        queue: ARN of where they went.
        file: the file.
        letters: how many there are in it.
        sent: how many were sent now; ``before`` how many were on record as sent already.
        before: see there.
        failures: the first of those that SQS did not take, and why; ``failed`` how many there are.
        failed: see there.
        held_back: how many were not tried, because one before them in their group was not taken.
        doubtful: how many may have been sent already by a process that died: to a FIFO queue these were left (unless
            that was asked for: ``left_in_doubt``), to another they were sent again.
        left_in_doubt: see there.
        interrupted: whether somebody stopped it.
        run: its id in the journal.
    """

    queue: str
    file: str
    letters: int
    sent: int
    before: int = 0
    failures: tuple[Failure, ...] = ()
    failed: int = 0
    held_back: int = 0
    doubtful: int = 0
    left_in_doubt: bool = False
    interrupted: bool = False
    run: str = ""

    @property
    def missing(self) -> int:
        """How many of the file are not in the queue, as far as is known."""
        return self.letters - self.sent - self.before


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """What a purge did.

    Attributes:
        queue: ARN.
        file: where the letters are; empty without a file.
        deleted: how many were deleted; without a file, how many SQS counted.
        failed: how many are in the file and in the queue, because SQS would not delete them.
        bounded: whether there were more letters than SQS had counted: others arrive faster than they go.
        interrupted: whether somebody stopped it.
        run: its id in the journal.
    """

    queue: str
    file: str
    deleted: int
    failed: int = 0
    bounded: bool = False
    interrupted: bool = False
    run: str = ""
