"""Where failed events of a function may go: what is configured, and what was found there, as values."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Published:
    """A version (or $LATEST) and the dead-letter queue frozen into it: ARN of a queue or topic, or empty."""

    version: str
    dead_letters: str = ""


@dataclass(frozen=True, slots=True)
class AliasVersions:
    """An alias and the versions that it sends traffic to."""

    alias: str
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AsyncSettings:
    """EventInvokeConfig of one qualifier: ``$LATEST``, a version, or an alias.

    Attributes:
        qualifier: what it holds for; AWS calls the function's own ``$LATEST``.
        on_failure: ARN of the on-failure destination, or empty.
        retries: how often Lambda tries again after an error; 2 unless set.
        max_age: how long an event may wait; six hours unless set.
    """

    qualifier: str
    on_failure: str = ""
    retries: int = 2
    max_age: timedelta = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Mapped:
    """An event source mapping: what polls a queue or a stream and invokes the function.

    Attributes:
        id: its UUID.
        source: ARN of the queue or stream; of a Kafka cluster without one, its servers.
        qualifier: the version or alias it invokes; empty for the unpublished code.
        enabled: whether it polls.
        on_failure: ARN of its on-failure destination, or empty.
        retries: how often a failed batch of a stream is tried again; None for ever (AWS says -1).
        max_age: records older than this are given up; None for never (AWS says -1).
        bisects: whether a failed batch is split to find the record that fails.
    """

    id: str
    source: str
    qualifier: str = ""
    enabled: bool = True
    on_failure: str = ""
    retries: int | None = None
    max_age: timedelta | None = None
    bisects: bool = False


@dataclass(frozen=True, slots=True)
class AsyncTraffic:
    """What Lambda counted of a function's asynchronous events in some time, all qualifiers together.

    Attributes:
        received: events queued.
        dropped: events that never ran: too old, or the function was throttled too long.
        dead_letter_errors: failed events that Lambda could not send to the dead-letter queue.
        destination_errors: as before, to a destination.
    """

    received: int = 0
    dropped: int = 0
    dead_letter_errors: int = 0
    destination_errors: int = 0


# -- what was found --------------------------------------------------------------------------------------------------


class Means(enum.StrEnum):
    """By what a failed event gets where it goes."""

    FUNCTION = "dead-letter queue"
    DESTINATION = "destination"
    REDRIVE = "redrive policy"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Depth:
    """What waits in the queue at the end of a path.

    ``oldest`` is how long the oldest message has been there, as CloudWatch says; ``expires`` is in how long SQS deletes
    it at the latest: a standard dead-letter queue counts from the first send, which may be long before. None: unknown.
    """

    messages: int
    retention: timedelta
    oldest: timedelta | None = None
    expires: timedelta | None = None


@dataclass(frozen=True, slots=True)
class FailurePath:
    """Where failed events of one kind go.

    Attributes:
        events: ``asynchronous``, or the ARN (or servers) of what a mapping polls.
        through: alias or version by which they come, ``$LATEST`` where none is named.
        versions: the versions that run and that this holds for; empty where it holds for whatever runs.
        means: by what.
        to: ARN of where they end up; empty for nowhere.
        depth: what is there, of a queue that could be read.
        lost: why events are lost; empty where they are not.
        hint: the next step, if there is one.
        notes: what else to know.
    """

    events: str
    through: str
    versions: tuple[str, ...]
    means: Means
    to: str = ""
    depth: Depth | None = None
    lost: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PathsReport:
    """Every failure path of a function, or of one alias of it; ``notes`` are about all of them."""

    function: str
    alias: str
    at: datetime
    paths: tuple[FailurePath, ...]
    notes: tuple[str, ...] = ()

    @property
    def lost(self) -> int:
        """How many paths lose events."""
        return sum(bool(path.lost) for path in self.paths)
