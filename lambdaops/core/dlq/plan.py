"""What a redrive will do, as one printable value.

Rules this file guarantees: a plan stands in the journal whole, and a resumed run takes it from there; two plans that
ask for the same are equal in :meth:`RedrivePlan.wish`, whenever they were made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from lambdaops.core.duration import format_duration
from lambdaops.core.errors import UsageError
from lambdaops.core.model import FULL

ALL = 0
"""The stage that has no bound."""
DEFAULT_STAGES = (10, 100, ALL)
DEFAULT_MAX_REENTRY = 500
"""Basis points: 5 %."""
DEFAULT_VISIBILITY = timedelta(minutes=2)
"""How long a received message stays hidden. Less than SQS remembers deduplication ids (five minutes), so that what a
killed process had in hand comes back while sending it again is still harmless."""
LONGEST_WATCH = timedelta(minutes=5)
DEFAULT_WATCH = timedelta(minutes=1)
DEFAULT_WORKERS = 16
BATCH = 10
"""Messages in one call of SQS."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}
_RATE = re.compile(r"([1-9][0-9]{0,8})/([smh])")
_SHARE = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?%")
_MOST = 10**9
_EACH = 50
"""Messages a second that one worker moves with ease."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``count`` messages in every ``per``."""

    count: int
    per: timedelta

    def __str__(self) -> str:
        unit = next((name for name, length in _UNITS.items() if length == self.per), format_duration(self.per))
        return f"{self.count}/{unit}"

    @property
    def burst(self) -> int:
        """The largest batch: what one second allows, and one message at least."""
        return max(1, min(BATCH, int(self.count * timedelta(seconds=1) / self.per)))

    def takes(self, messages: int) -> timedelta:
        """How long so many messages take."""
        return messages * self.per / self.count


@dataclass(frozen=True, slots=True)
class RedrivePlan:
    """One redrive.

    Attributes:
        queue: ARN of the dead-letter queue.
        total: messages in it when it began, approximately.
        before: messages sent at or after this moment are not part of the run; SQS's own clock.
        to: where everything goes (queue ARN or alias ARN); empty: where each message came from.
        quarantine: ARN of the queue for what has nowhere to go; empty: it stays.
        filter: JMESPath of the messages that are meant; empty: all.
        transform: JMESPath that makes the new body; empty: as it is.
        edit: SHA-256 of the file with edited messages; empty: none.
        rate: at most so many messages; None: as fast as it goes.
        stages: how many messages in total each stage moves to; ``ALL`` in the last.
        watch: how long is looked after a stage whether what was moved comes back or an alarm objects.
        stop_alarms: names of the alarms that stop it.
        max_reentry: in basis points of what was moved; when more came back, it stops.
        limit: most messages to move; 0: no limit.
        older_than, newer_than: age of the messages that are meant, at ``before``.
        workers: how many receive, send and delete at a time.
        visibility: how long a received message stays hidden.
        native: whether SQS moves them itself.
    """

    queue: str
    total: int = 0
    before: datetime = _EPOCH
    to: str = ""
    quarantine: str = ""
    filter: str = ""
    transform: str = ""
    edit: str = ""
    rate: Rate | None = None
    stages: tuple[int, ...] = DEFAULT_STAGES
    watch: timedelta = DEFAULT_WATCH
    stop_alarms: tuple[str, ...] = ()
    max_reentry: int = DEFAULT_MAX_REENTRY
    limit: int = 0
    older_than: timedelta | None = None
    newer_than: timedelta | None = None
    workers: int = DEFAULT_WORKERS
    visibility: timedelta = DEFAULT_VISIBILITY
    native: bool = False

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.queue.rpartition(":")[2]

    @property
    def fifo(self) -> bool:
        """Whether the queue keeps the order of groups."""
        return self.name.endswith(".fifo")

    @property
    def at_least(self) -> timedelta:
        """How long it takes at least: the rate and the watches."""
        asked = min(self.total, self.limit) if self.limit else self.total
        reached = sum(1 for stage in self.stages[:-1] if stage < asked)
        return self.watch * reached + (self.rate.takes(asked) if self.rate else timedelta())

    def wish(self) -> RedrivePlan:
        """What was asked for, without what depends on when it was: two equal wishes are one run."""
        return replace(self, total=0, before=_EPOCH, workers=0, native=False)

    def stage_end(self, stage: int) -> int:
        """How many messages are moved in total when this stage (from 0) is over; ``ALL`` for no bound."""
        end = self.stages[stage]
        if self.limit and (end == ALL or end > self.limit):
            return self.limit
        return end


def default_workers(plan: RedrivePlan) -> int:
    """How many receive, send and delete at a time.

    One when an alarm may stop it, so that at most one batch follows; few where the rate is low, or where groups hold
    each other up anyway.
    """
    if plan.stop_alarms:
        return 1
    if plan.rate is None:
        return DEFAULT_WORKERS
    return min(DEFAULT_WORKERS, 1 + int(plan.rate.count * timedelta(seconds=1) / plan.rate.per) // _EACH)


def parse_rate(text: str) -> Rate:
    """Read ``5/s``, ``30/m`` or ``100/h``.

    Raises:
        UsageError: it is none.
    """
    found = _RATE.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is not a rate", hint="Write messages and a unit: 5/s, 30/m or 100/h.")
    return Rate(int(found[1]), _UNITS[found[2]])


def parse_stages(text: str) -> tuple[int, ...]:
    """Read ``10,100,all``: how many messages are moved in total when each stage is over.

    Raises:
        UsageError: not rising numbers that end with all.
    """
    *parts, last = [part.strip() for part in text.split(",")]
    if last != "all" or not all(part.isascii() and part.isdigit() for part in parts):
        raise UsageError(
            f"{text!r} are no stages", hint="Write rising totals that end with all: 10,100,all; or all alone."
        )
    stages = tuple(int(part) for part in parts)
    if any(stage <= before for before, stage in zip((0, *stages), stages, strict=False)) or any(
        stage > _MOST for stage in stages
    ):
        raise UsageError(
            f"the stages {text!r} do not rise", hint="Each is the total moved when it is over: 10,100,all."
        )
    return (*stages, ALL)


def format_stages(stages: tuple[int, ...]) -> str:
    """The text that :func:`parse_stages` reads back."""
    return ",".join("all" if stage == ALL else str(stage) for stage in stages)


def parse_share(text: str) -> int:
    """Read ``5%`` or ``0.5%`` as basis points.

    Raises:
        UsageError: it is no share of a hundred.
    """
    found = _SHARE.fullmatch(text.replace(" ", ""))
    share = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else FULL + 1
    if share > FULL:
        raise UsageError(f"{text!r} is not a share", hint="Write per cent: 5% or 0.5%.")
    return share
