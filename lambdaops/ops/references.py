"""What refers to a function's published versions: asked of AWS and of the journals.

Rules this file guarantees: what cannot be read refers to every version that it may be about, and is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from lambdaops.core.errors import AwsError
from lambdaops.core.events import Entry
from lambdaops.core.model import Alias
from lambdaops.core.prune import EVERY, Reference, of_aliases, of_journals
from lambdaops.core.prune_records import PruneEvent
from lambdaops.ports import Journal, Journals
from lambdaops.ports.published import PublishedVersions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambdaops.core.prune import StoredVersion


@dataclass
class Memory:
    """What the journals of a function and of all its aliases say, read once and kept up to date.

    A journal that cannot be read is raised as it is: what it would keep is not known.
    """

    journals: Journals
    arn: str
    since: datetime
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    _open: dict[str, Journal] = field(default_factory=dict)
    _read: dict[str, int] = field(default_factory=dict)
    _for: tuple[object, ...] = ()
    _found: tuple[Reference, ...] = ()

    def references(self, aliases: tuple[Alias, ...]) -> tuple[Reference, ...]:
        """Everything that the journals speak of by now.

        Raises:
            JournalTamperedError, InvalidFileError, JournalUnreachableError: one of them cannot be used.
        """
        self._look(alias.arn for alias in aliases)
        seen = (aliases, *(len(entries) for entries in self.entries.values()))
        if seen != self._for:
            self._for, self._found = seen, of_journals(self.entries, aliases, self.since)
        return self._found

    def _look(self, aliases: Iterable[str]) -> None:
        if not self.entries:
            # Aliases that are gone have journals as well.
            known = (arn for arn in self.journals.targets() if arn.startswith(f"{self.arn}:"))
            self.entries = {arn: [] for arn in (self.arn, *known)}
        for arn in dict.fromkeys((*self.entries, *aliases)):
            if arn not in self._open:
                self._open[arn] = self.journals.open(arn)
            journal = self._open[arn]
            read = self._read.get(arn)
            new = journal.read().entries if read is None else journal.since(read)
            self._read[arn] = max((entry.seq or 0 for entry in new), default=read or 0)
            # Our own records refer to nothing.
            self.entries.setdefault(arn, []).extend(entry for entry in new if not isinstance(entry.event, PruneEvent))


@dataclass
class Guards:
    """The questions to AWS; ``troubles`` are those that it did not answer, ``aliases`` those that it told of."""

    versions: PublishedVersions
    function: str
    troubles: list[AwsError] = field(default_factory=list)
    aliases: tuple[Alias, ...] = ()

    def of_all(self) -> tuple[Reference, ...]:
        """What one call tells of all versions."""
        return (
            *self._asked(EVERY, "which aliases point at it", self._of_aliases),
            *self._asked(
                EVERY,
                "whether it has provisioned concurrency",
                lambda: _each(self.versions.provisioned(self.function), "has provisioned concurrency"),
            ),
            *self._asked(
                EVERY,
                "whether it has settings for asynchronous invocations",
                lambda: _each(
                    self.versions.asynchronous(self.function), "has settings of its own for asynchronous invocations"
                ),
            ),
        )

    def of_one(self, version: StoredVersion) -> tuple[Reference, ...]:
        """What must be asked of each version by itself."""
        number = version.number
        found = (
            *self._asked(
                number,
                "who may invoke it",
                lambda: tuple(
                    Reference(number, f"its policy speaks of {principal}")
                    for principal in self.versions.policy(self.function, number)
                ),
            ),
            *self._asked(
                number,
                "which event sources invoke it",
                lambda: tuple(
                    Reference(number, f"event source {source} invokes it")
                    for source in self.versions.event_sources(self.function, number)
                ),
            ),
        )
        if not version.durable:
            return found
        return (
            *found,
            *self._asked(number, "whether durable executions are running on it", lambda: self._durable(number)),
        )

    def _of_aliases(self) -> tuple[Reference, ...]:
        self.aliases = self.versions.aliases(self.function)
        return of_aliases(self.aliases)

    def _durable(self, number: str) -> tuple[Reference, ...]:
        running = self.versions.durable_running(self.function, number)
        return (Reference(number, "durable executions are running on it"),) if running else ()

    def _asked(self, version: str, what: str, ask: Callable[[], tuple[Reference, ...]]) -> tuple[Reference, ...]:
        try:
            return ask()
        except AwsError as error:
            if error.locked_out:
                raise
            self.troubles.append(error)
            return (Reference(version, f"not known {what}: {error.message}"),)


def _each(qualifiers: frozenset[str], why: str) -> tuple[Reference, ...]:
    return tuple(Reference(one, why) for one in sorted(qualifiers) if one.isdigit())
