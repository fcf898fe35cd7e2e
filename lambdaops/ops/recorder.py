"""One place that writes to a target's journal and tells the sink, in that order."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from lambdaops.core.errors import UNREADABLE_JOURNAL, AwsError, JournalUnwritableError
from lambdaops.core.events import Entry
from lambdaops.core.model import Actor
from lambdaops.core.notices import Warned
from lambdaops.ports import Journal, Recording

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lambdaops.core.errors import LambdaOpsError
    from lambdaops.core.events import Event


P = TypeVar("P", bound=Recording)
"""The ports of whoever records: releases and dead letters have different ones."""


@dataclass(frozen=True, slots=True)
class Recorder(Generic[P]):
    """Appends events of one run to one journal."""

    ports: P
    journal: Journal
    arn: str
    run: str
    actor: Actor

    def record(self, event: Event) -> Entry:
        """Write the event durably, then tell it.

        Raises:
            JournalUnwritableError: nothing was recorded; nothing that needs the record may happen.
            JournalTamperedError: somebody edited the journal; it takes no more records.
        """
        entry = self.journal.append(self.ports.clock.now(), self.run, self.actor, event)
        self.ports.sink.emit(entry)
        return entry

    def record_all(self, events: Sequence[Event]) -> tuple[Entry, ...]:
        """Write several events at once, durably, then tell them: what nobody acts on in between.

        Raises:
            JournalUnwritableError, JournalTamperedError: as :meth:`record`; the first few may have been recorded.
        """
        entries = self.journal.extend(self.ports.clock.now(), self.run, self.actor, events)
        for entry in entries:
            self.ports.sink.emit(entry)
        return entries

    def record_if_possible(self, event: Event) -> Entry:
        """Write the event, or say loudly that it could not be written: for a rollback, which outranks bookkeeping."""
        try:
            return self.record(event)
        except (JournalUnwritableError, *UNREADABLE_JOURNAL) as error:
            return self.tell_unwritten(event, error)

    def tell_unwritten(self, event: Event, error: LambdaOpsError) -> Entry:
        """Say loudly that an event happened and is not on record."""
        now = self.ports.clock.now()
        self.ports.sink.emit(Warned(now, f"NOT JOURNALED: {error.message}", error.hint))
        entry = Entry(None, now, self.arn, self.run, self.actor, event)
        self.ports.sink.emit(entry)
        return entry


def new_run(kind: str, began: datetime) -> str:
    """A name for a run that begins, such as ``r-20261129-031500-1f2e``; the first letter tells what it is."""
    return f"{kind}-{began:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def actor_of(ports: Recording) -> Actor:
    """Who we are.

    Raises:
        AwsError: STS did not say.
    """
    return Actor(ports.identity.caller(), ports.host, ports.run, ports.commit, ports.tool)


def actor_if_known(ports: Recording) -> Actor:
    """Who we are, as far as that can be found out: a rollback does not fail for want of a name."""
    try:
        return actor_of(ports)
    except AwsError as error:
        ports.sink.emit(Warned(ports.clock.now(), f"the caller's identity is unknown: {error.message}", error.hint))
        return Actor(f"unknown ({error.code})", ports.host, ports.run, ports.commit, ports.tool)
