"""What the desk and its workers say to each other: ids, counts and reasons, so that it can cross a pipe.

A worker says in one ``Turn`` what came of its last order; the desk answers with a ``Grant`` for what the worker wants
to send, or with the next order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from lambdaops.core.dlq.fate import Why
from lambdaops.core.dlq.records import Sending, Sent


@dataclass(frozen=True, slots=True)
class Wanted:
    """A letter that a worker has in hand and would send; ``quarantine`` says why not where it should go."""

    id: str
    to: str
    quarantine: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A letter that stays, and why; ``request`` is the invocation that failed, if one did."""

    id: str
    why: Why
    detail: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A call that failed: the error's slug and text; ``fatal`` when no other attempt can help."""

    code: str
    message: str
    hint: str = ""
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """A worker's report.

    Attributes:
        worker: its number.
        received: how many letters the last order brought; None when nothing was received.
        wanted: what it would send now.
        kept: what stays.
        ended: batches that ended.
        refused: ids that will never be taken, with AWS's reason.
        held: how many letters it keeps hidden because they stay.
        ready: how many it keeps hidden for the next stage.
        back: how many it gave back into the queue since its last report.
        trouble: a call that failed.
        left: it is gone.
    """

    worker: int
    received: int | None = None
    wanted: tuple[Wanted, ...] = ()
    kept: tuple[Kept, ...] = ()
    ended: tuple[Sent, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    held: int = 0
    ready: int = 0
    back: int = 0
    trouble: Trouble | None = None
    left: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """What may be sent, as journaled; ``keep`` stays hidden until the end; everything else is given back at once.

    ``later`` means that what is not granted is kept for the next stage. ``until`` is when it is too late to send, if
    some of it may have been sent before.
    """

    batches: tuple[Sending, ...] = ()
    keep: tuple[str, ...] = ()
    later: bool = False
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receive:
    """Receive so many, waiting so long; ``peek`` to see what came back, while nothing is sent."""

    at_most: int
    wait: timedelta
    peek: bool = False


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do for so long; ``keep`` what is kept for the next stage, else it is given back for all to take."""

    lasts: timedelta
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """Give back what is hidden, and end."""


Answer = Grant | Receive | Rest | Leave
