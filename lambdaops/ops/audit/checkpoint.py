"""Write a checkpoint: hold the journals to the newest one there is, then let the next one say how they stand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.audit.anchors import Chain, JournalKind, judge, read_chain
from lambdaops.core.audit.checkpoint import FIRST, Checkpoint, Head, Written, digest, signed_bytes, to_bytes
from lambdaops.core.errors import AnchorBrokenError, CheckpointExistsError, NotFoundError
from lambdaops.ops.audit.verify import examine

if TYPE_CHECKING:
    from lambdaops.ports import Clock, Journals
    from lambdaops.ports.audit import Checkpoints, Notes, Signer

_TRIES = 5
_PAUSE = timedelta(milliseconds=200)
_SOUND = (JournalKind.VALID, JournalKind.INCOMPLETE)


@dataclass(frozen=True, slots=True)
class Author:
    """Where a checkpoint is made: machine, CI run, tool."""

    host: str
    run: str
    tool: str


def checkpoint(
    journals: Journals, places: Checkpoints, notes: Notes, clock: Clock, author: Author, signer: Signer | None = None
) -> Written:
    """Write the next checkpoint of all journals.

    A journal that is not the one that the newest checkpoint saw is refused: a checkpoint of it would make the
    damage look like history. So is a place whose checkpoints are of other journals.

    Raises:
        NotFoundError: there is no journal.
        AnchorBrokenError: journals or the newest checkpoint are not what was seen before.
        CheckpointExistsError: others kept writing the same number.
        AwsError, CheckpointUnwritableError, InvalidFileError: the place does not take it.
    """
    arns = journals.targets()
    for left in reversed(range(_TRIES)):
        newest, prev, chain = _newest(places, notes)
        point = replace(
            Checkpoint(newest + 1, prev, clock.now().replace(microsecond=0), _heads(journals, arns, chain, places)),
            host=author.host,
            run=author.run,
            tool=author.tool,
        )
        if signer is not None:
            point = replace(point, signature=signer.sign(signed_bytes(point)))
        data = to_bytes(point)
        try:
            places.write(point.number, data)
        except CheckpointExistsError:
            if not left or not places.complete:
                raise
            clock.sleep(_PAUSE)
            continue
        notes.remember(places.where, point.number, digest(data))
        return Written(point.number, digest(data), places.where, point)
    raise AssertionError  # the last try returns or raises


def _newest(places: Checkpoints, notes: Notes) -> tuple[int, str, Chain]:
    """The newest number, its digest, and it alone as a chain."""
    # In this order: what is written in between is there and not remembered, rather than the other way round.
    known = notes.recall(places.where) if places.complete else None
    numbers = places.numbers() if places.complete else ()
    newest = numbers[-1] if numbers else 0
    found = [(newest, places.read(newest))] if numbers else []
    chain = read_chain(found, known=known, from_first=False)
    bad = [report for report in chain.reports if not report.ok]
    if bad:
        raise AnchorBrokenError(
            f"{places.where}: checkpoint {bad[-1].number} is {bad[-1].kind}: {bad[-1].problem}",
            hint="Nothing was written. See it with lambdaops audit verify --against "
            f"{places.where}; to begin anew, give another place.",
        )
    return newest, digest(found[0][1]) if found else FIRST, chain


def _heads(journals: Journals, arns: tuple[str, ...], chain: Chain, places: Checkpoints) -> tuple[Head, ...]:
    if not arns and not chain.arns:
        raise NotFoundError("there is no journal to anchor", hint="LAMBDAOPS_HOME says where journals are looked for.")
    heads = []
    for arn in sorted({*arns, *chain.arns}):
        report = judge(examine(journals, arn, chain, frozenset(arns)), chain.trusted)
        if report.kind not in _SOUND:
            other = (
                " If this place is another machine's, give one of your own."
                if report.kind is JournalKind.MISSING
                else ""
            )
            raise AnchorBrokenError(
                f"{arn} is {report.kind}: {report.problem}",
                hint=f"Nothing was written to {places.where}: it would make this look like history.{other}",
                target=arn,
            )
        heads.append(Head(arn, report.records, report.head))
    return tuple(heads)
