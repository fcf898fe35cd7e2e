"""Prune: delete old published versions that nothing refers to.

Rules this file guarantees: whatever refers to a version keeps it, and so does whatever could not be read; aliases and
journals are read again immediately before each deletion; each deletion stands in the function's journal, forced to the
disk, before its call; a killed run is completed by running it again, and its journal says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import (
    UNREADABLE_JOURNAL,
    AwsError,
    FunctionBusyError,
    JournalUnwritableError,
    LambdaOpsError,
    NotFoundError,
)
from lambdaops.core.model import VersionNumber
from lambdaops.core.notices import Warned
from lambdaops.core.prune import (
    Decision,
    Kept,
    Stock,
    StoredVersion,
    decide,
    knows_no_rollback,
    left_behind,
    of_aliases,
)
from lambdaops.core.prune_records import (
    PruneClosed,
    PruneOpened,
    VersionDeleted,
    VersionDeleteFailed,
    VersionDeleting,
    VersionSpared,
)
from lambdaops.ops.recorder import Recorder, actor_of, new_run
from lambdaops.ops.references import Guards, Memory
from lambdaops.ports import Drive, Ports
from lambdaops.ports.published import Deletion, PublishedVersions

if TYPE_CHECKING:
    from datetime import datetime


# Lambda's control plane gives the whole account fifteen requests a second; a release and a rollback need their share.
# Asking about a version takes two calls or three, deleting it two.
_BREATH, _PAUSE = timedelta(milliseconds=250), timedelta(milliseconds=250)
_TROUBLES = (AwsError, NotFoundError, JournalUnwritableError, FunctionBusyError, *UNREADABLE_JOURNAL)
"""What ends a run before its last version; what was deleted until then is deleted."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is, what would go and what stays; ``troubles`` are the questions that AWS did not answer."""

    stock: Stock
    decision: Decision
    memory: Memory
    troubles: tuple[AwsError, ...]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a run deleted, oldest first, and what it kept, newest first; ``trouble`` ended it early."""

    run: str
    deleted: tuple[StoredVersion, ...]
    keep: tuple[Kept, ...]
    trouble: LambdaOpsError | None = None

    @property
    def freed(self) -> int:
        """The code of what was deleted, in bytes."""
        return sum(version.size for version in self.deleted)


def survey(ports: Ports, versions: PublishedVersions, function: str, keep: int, since: datetime) -> Survey:
    """Look at everything that may refer to a version; writes nothing.

    Args:
        ports: the world.
        versions: the versions and what refers to them.
        function: its name.
        keep: how many of the newest stay in any case.
        since: the journals' recent past begins here.

    Raises:
        NotFoundError: no such function.
        AwsError: the versions cannot be listed.
        JournalTamperedError, InvalidFileError, JournalUnreachableError: a journal cannot be used.
    """
    stock = versions.stock(function)
    memory = Memory(ports.journals, stock.arn, since)
    guards = Guards(versions, function)
    references = [*guards.of_all(), *memory.references(guards.aliases)]
    decision = decide(stock.versions, keep, references)
    for version in decision.delete:
        references += guards.of_one(version)
        ports.clock.sleep(_BREATH)
    decision = decide(stock.versions, keep, references)
    if decision.delete:
        for name in knows_no_rollback(memory.entries, guards.aliases):
            message = f"no journal here says where a rollback of {name} would go: it may be a version that goes"
            ports.sink.emit(Warned(ports.clock.now(), message, f"--keep N keeps more than {keep}."))
    return Survey(stock, decision, memory, tuple(guards.troubles))


def prune(
    ports: Ports, versions: PublishedVersions, function: str, found: Survey, *, keep: int, reason: str, ticket: str
) -> Pruned:
    """Delete what the survey found, each version only if it still may go.

    Raises:
        FunctionBusyError: another process is at it.
        JournalUnwritableError: what cannot be recorded is not deleted.
        JournalTamperedError, InvalidFileError, JournalUnreachableError: a journal cannot be used any more.
    """
    run = new_run("v", ports.clock.now())
    arn, journal = found.stock.arn, ports.journals.open(found.stock.arn)
    recorder = Recorder(ports, journal, arn, run, actor_of(ports))
    with ports.journals.drive(arn, run) as lease:
        _settle(recorder, {version.number for version in found.stock.versions})
        going = found.decision.delete
        numbers = tuple(version.number for version in going)
        if not going:
            return Pruned(run, (), found.decision.keep)
        recorder.record(PruneOpened(numbers, keep, found.memory.since, reason, ticket, ports.tool))
        work = _Work(recorder, versions, function, found.memory, lease)
        trouble = work.run(going)
        freed = sum(version.size for version in work.deleted)
        recorder.record_if_possible(PruneClosed(len(work.deleted), freed, trouble.message if trouble else ""))
    reasons = [*found.decision.keep, *work.spared]
    if trouble is not None:
        rest = set(numbers) - {version.number for version in work.deleted} - {kept.version for kept in work.spared}
        reasons += [Kept(number, f"not deleted: {trouble.message}") for number in rest]
    keep_ = sorted(reasons, key=lambda kept: int(kept.version), reverse=True)
    return Pruned(run, tuple(work.deleted), tuple(keep_), trouble)


def _settle(recorder: Recorder[Ports], there: set[str]) -> None:
    """Write the end of runs whose processes died: no other process is at it, for this one has the right to be."""
    for left in left_behind(recorder.journal.read().entries):
        theirs = replace(recorder, run=left.run)
        gone = [deleting for deleting in left.deleting if deleting.version not in there]
        for deleting in left.deleting:
            if deleting in gone:
                theirs.record(VersionDeleted(deleting.version, found=True))
            else:
                theirs.record(VersionSpared(deleting.version, "its process died before it was deleted"))
        freed = left.freed + sum(deleting.size for deleting in gone)
        theirs.record(PruneClosed(left.deleted + len(gone), freed, f"its process died; {recorder.run} goes on"))


@dataclass
class _Work:
    """One version after another."""

    recorder: Recorder[Ports]
    versions: PublishedVersions
    function: str
    memory: Memory
    lease: Drive
    deleted: list[StoredVersion] = field(default_factory=list)
    spared: list[Kept] = field(default_factory=list)

    def run(self, going: tuple[StoredVersion, ...]) -> LambdaOpsError | None:
        """Delete them; gives what ended it early."""
        clock = self.recorder.ports.clock
        for version in going:
            try:
                self.lease.beat()
                self._one(version)
            except _TROUBLES as error:
                return error
            clock.sleep(_PAUSE)
        return None

    def _one(self, version: StoredVersion) -> None:
        aliases = self.versions.aliases(self.function)
        references = (*of_aliases(aliases), *self.memory.references(aliases))
        now = "; ".join(dict.fromkeys(one.why for one in references if one.version == version.number))
        if now:
            self._spare(version, f"since a moment ago: {now}")
            return
        self.recorder.record(VersionDeleting(version.number, version.size, version.code_sha256))
        try:
            answer = self.versions.delete(self.function, VersionNumber(version.number))
        except AwsError as error:
            answer = self._looked(version, error)
        if answer.refused:
            self._spare(version, f"AWS does not delete it: {answer.refused}", answer.request_id)
            return
        self.deleted.append(version)
        self.recorder.record_if_possible(VersionDeleted(version.number, answer.request_id, found=answer.gone))

    def _looked(self, version: StoredVersion, error: AwsError) -> Deletion:
        """What became of a deletion whose answer was lost; raises the error where it did not take effect."""
        try:
            if not error.ambiguous or self._is_there(version):
                raise error
        except (AwsError, NotFoundError) as problem:
            failed = VersionDeleteFailed(version.number, error.code, problem.message, error.request_id)
            self.recorder.record_if_possible(failed)
            raise
        return Deletion(error.request_id, gone=True)

    def _is_there(self, version: StoredVersion) -> bool:
        return any(version.number == one.number for one in self.versions.stock(self.function).versions)

    def _spare(self, version: StoredVersion, why: str, request_id: str = "") -> None:
        self.recorder.record(VersionSpared(version.number, why, request_id))
        self.spared.append(Kept(version.number, why))
