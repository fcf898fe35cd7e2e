"""Verify journals, by themselves and against checkpoints: what is wrong is an answer, not an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.arns import resource_name
from lambdaops.core.audit.anchors import Chain, FoundJournal, JournalKind, Verification, judge, read_chain
from lambdaops.core.errors import InvalidFileError, JournalTamperedError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lambdaops.ports import Journals
    from lambdaops.ports.audit import Checkpoints, Notes, Signatures


def chain_of(places: Checkpoints, notes: Notes, *, signatures: Signatures | None = None, at_least: int = 0) -> Chain:
    """Read all checkpoints of a place and hold them to each other.

    Raises:
        AwsError, InvalidFileError: the place cannot be read.
    """
    known = notes.recall(places.where) if places.complete else None  # before it is listed: it may grow meanwhile
    return read_chain(
        _contents(places),
        check=signatures.fault if signatures is not None else None,
        known=known,
        at_least=at_least,
        from_first=places.complete,
    )


def _contents(places: Checkpoints) -> Iterator[tuple[int, bytes]]:
    for number in places.numbers():
        yield number, places.read(number)


def verify(journals: Journals, arns: Sequence[str], where: str = "", chain: Chain | None = None) -> Verification:
    """Verify these journals, and hold them to the checkpoints if there are any."""
    held = chain or Chain()
    here = frozenset(journals.targets())
    reports = tuple(judge(examine(journals, arn, held, here), held.trusted) for arn in arns)
    return Verification(reports, where, held)


def examine(journals: Journals, arn: str, chain: Chain, here: frozenset[str]) -> FoundJournal:
    """Verify one journal of those that are ``here`` by itself, with the heads that the checkpoints ask for."""
    if arn not in here:
        return FoundJournal(arn, JournalKind.MISSING, problem="it is not here, and a checkpoint saw it")
    try:
        found = journals.verify(arn, chain.marks(arn))
    except JournalTamperedError as error:
        return FoundJournal(arn, JournalKind.TAMPERED, error.intact, problem=error.message)
    except InvalidFileError as error:
        return FoundJournal(arn, JournalKind.UNREADABLE, problem=error.message)
    kind = JournalKind.INCOMPLETE if found.torn else JournalKind.VALID
    problem = "its last line was never finished: a record whose append never returned" if found.torn else ""
    return FoundJournal(arn, kind, found.count, found.head, problem, found.heads)


def wanted(journals: Journals, chain: Chain, text: str | None) -> tuple[str, ...]:
    """The journals that are meant: all that are here or in a checkpoint, or the one that ``text`` names.

    Raises:
        NotFoundError, UsageError: as ``ops.reports.find_journal``.
    """
    from lambdaops.ops.reports import find_journal  # noqa: PLC0415 -- much else comes with it

    known = tuple(sorted({*journals.targets(), *chain.arns}))
    if text is None:
        return known
    try:
        return (find_journal(journals, text),)
    except NotFoundError:
        gone = [arn for arn in chain.arns if text in (arn, resource_name(arn))]
        if len(gone) != 1:
            raise
        return tuple(gone)
