"""Making the table of a team's journals, and moving the history of this machine into it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import BlockedError, ConflictError
from lambdaops.core.notices import Progress

if TYPE_CHECKING:
    from lambdaops.ports import Clock, Sink
    from lambdaops.ports.tables import TableAdmin, TableFacts

_POLL = timedelta(seconds=2)
_PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Made:
    """What was done to a table, or would be, in words; nothing when it was right already."""

    table: str
    steps: tuple[str, ...]


def missing(facts: TableFacts | None) -> tuple[str, ...]:
    """What a table lacks, as steps that put it right, in their order."""
    if facts is None:
        return ("create", "keep backups")
    return tuple(
        step
        for step, done in (("protect from deletion", facts.protected), ("keep backups", facts.recoverable))
        if not done
    )


def make_table(admin: TableAdmin, name: str, clock: Clock, sink: Sink) -> Made:
    """Make the table, or put right what it lacks; doing so again changes nothing.

    Raises:
        BlockedError: there is a table of that name, and it is another one.
        AwsError: denied, throttled, unreachable; what was done so far stays.
    """
    facts = admin.facts()
    require_fit(facts, name)
    steps = missing(facts)
    if "create" in steps:
        try:
            admin.create()
        except ConflictError:  # somebody else was first; whether it fits shows below
            sink.emit(Progress(clock.now(), f"the table {name} is being made by somebody else"))
    if steps:
        _settle(admin, name, clock, sink)
    if "protect from deletion" in steps:
        admin.protect()
        _settle(admin, name, clock, sink)
    if "keep backups" in steps:
        _patiently(admin, clock)
    return Made(name, steps)


def require_fit(facts: TableFacts | None, name: str) -> None:
    """Refuse a table that is not a store's.

    Raises:
        BlockedError: its keys are others.
    """
    if facts is not None and not facts.fits:
        raise BlockedError(
            f"there is a table {name}, and it is not a store of lambdaops: its keys are not key and place, both text",
            hint="Choose another name.",
            target=name,
        )


def _settle(admin: TableAdmin, name: str, clock: Clock, sink: Sink) -> None:
    """Wait until the table can be used."""
    waited = timedelta()
    while True:
        facts = admin.facts()
        require_fit(facts, name)
        if facts is not None and facts.ready:
            return
        if waited >= _PATIENCE:
            raise ConflictError(
                f"the table {name} is not ready after five minutes",
                hint="Run the command again: it goes on from there.",
                target=name,
            )
        sink.emit(Progress(clock.now(), f"waiting for the table {name}"))
        clock.sleep(_POLL)
        waited += _POLL


def _patiently(admin: TableAdmin, clock: Clock) -> None:
    waited = timedelta()
    while True:
        try:
            admin.make_recoverable()
        except ConflictError:
            if waited >= _PATIENCE:
                raise
            clock.sleep(_POLL)
            waited += _POLL
            continue
        return
