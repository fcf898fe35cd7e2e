"""What journals and checkpoints say together: valid, or what is wrong, in words that programs may rely on.

Rules this file guarantees: nothing is valid that was not compared; what stands in no checkpoint is never said to be
anchored; every checkpoint is held to the one before it, and every journal to every checkpoint that can be trusted.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lambdaops.core.audit.checkpoint import FIRST, BadCheckpointError, Checkpoint, digest, from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class JournalKind(enum.StrEnum):
    """How a journal stands."""

    VALID = "valid"
    INCOMPLETE = "incomplete"
    TAMPERED = "tampered"
    UNREADABLE = "unreadable"
    MISSING = "missing"
    TRUNCATED = "truncated"
    REPLACED = "replaced"


class CheckpointKind(enum.StrEnum):
    """How a checkpoint stands."""

    VALID = "valid"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    MISNUMBERED = "misnumbered"
    BROKEN_CHAIN = "broken-chain"
    SHRUNK = "shrunk"
    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad-signature"
    ROLLED_BACK = "rolled-back"


@dataclass(frozen=True, slots=True)
class FoundJournal:
    """A journal as it was verified on its own; ``heads`` are those of the numbers that checkpoints name."""

    arn: str
    kind: JournalKind
    records: int = 0
    head: str = ""
    problem: str = ""
    heads: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JournalReport:
    """One journal; ``records`` are intact, ``expected`` is how many the newest checkpoint names.

    The first ``anchored`` of them are the ones that checkpoint ``checkpoint`` vouches for; both are 0 without one.
    """

    arn: str
    records: int
    head: str
    torn: bool
    ok: bool
    problem: str
    kind: JournalKind
    expected: int = 0
    anchored: int = 0
    unanchored: int = 0
    checkpoint: int = 0


@dataclass(frozen=True, slots=True)
class CheckpointReport:
    """One checkpoint, or one that should be there."""

    number: int
    kind: CheckpointKind
    problem: str = ""
    at: str = ""
    signed: bool = False

    @property
    def ok(self) -> bool:
        """Whether it can be trusted."""
        return self.kind is CheckpointKind.VALID


@dataclass(frozen=True, slots=True)
class Chain:
    """The checkpoints of one place, each with its report; ``trusted`` are those that are valid, oldest first."""

    reports: tuple[CheckpointReport, ...] = ()
    trusted: tuple[Checkpoint, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is a checkpoint, and nothing is wrong with any."""
        return bool(self.reports) and all(report.ok for report in self.reports)

    def marks(self, arn: str) -> frozenset[int]:
        """The numbers of the records of a journal that checkpoints name."""
        return frozenset(one.count for point in self.trusted for one in point.heads if one.arn == arn)

    @property
    def arns(self) -> frozenset[str]:
        """Every journal that a trusted checkpoint names."""
        return frozenset(one.arn for point in self.trusted for one in point.heads)


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything that was verified; ``where`` is empty when there was nothing to hold it against."""

    journals: tuple[JournalReport, ...]
    where: str = ""
    chain: Chain = field(default_factory=Chain)

    @property
    def ok(self) -> bool:
        """Whether all of it is valid."""
        return all(report.ok for report in self.journals) and (not self.where or self.chain.ok)


def read_chain(
    found: Iterable[tuple[int, bytes]],
    *,
    check: Callable[[Checkpoint], str | None] | None = None,
    known: tuple[int, str] | None = None,
    at_least: int = 0,
    from_first: bool = True,
) -> Chain:
    """Hold checkpoints to each other.

    Args:
        found: number, as the name says it, and content, in the order of the numbers.
        check: what is wrong with a signature: None for nothing, an empty text when there is none.
        known: number and digest of the newest checkpoint that was written from here.
        at_least: the number that somebody knows there is.
        from_first: whether number 1 must be there; not for a checkpoint that was handed over by itself.
    """
    reports: list[CheckpointReport] = []
    trusted: list[Checkpoint] = []
    # The hash of the bytes before; None where they are not there, which is reported by itself.
    prev: str | None = FIRST
    due = 1
    for number, data in found:
        if number > due and (from_first or reports):
            reports += [_missing(gone) for gone in range(due, min(number, due + _MOST_GAPS))]
            prev = None
        elif not reports and not from_first:
            prev = None
        report, checkpoint = _read(number, data, prev, trusted[-1] if trusted else None, check)
        if known is not None and number == known[0] and digest(data) != known[1]:
            said = "it is not the one that was written from here"
            report, checkpoint = CheckpointReport(number, CheckpointKind.ROLLED_BACK, said), None
        reports.append(report)
        if checkpoint is not None:
            trusted.append(checkpoint)
        prev = digest(data)
        due = number + 1
    wanted = max(at_least, known[0] if known else 0)
    if due <= wanted:
        said = f"there was a checkpoint {wanted}, and the newest is {due - 1 or 'gone, too'}"
        reports.append(CheckpointReport(wanted, CheckpointKind.ROLLED_BACK, said))
    return Chain(tuple(reports), tuple(trusted))


_MOST_GAPS = 100


def _missing(number: int) -> CheckpointReport:
    return CheckpointReport(number, CheckpointKind.MISSING, "it is not there, and later ones are")


def _read(
    number: int,
    data: bytes,
    prev: str | None,
    before: Checkpoint | None,
    check: Callable[[Checkpoint], str | None] | None,
) -> tuple[CheckpointReport, Checkpoint | None]:
    try:
        checkpoint = from_bytes(data)
    except BadCheckpointError as error:
        return CheckpointReport(number, CheckpointKind.UNREADABLE, str(error)), None
    kind, problem = CheckpointKind.VALID, ""
    if checkpoint.number != number:
        kind, problem = CheckpointKind.MISNUMBERED, f"it says of itself that it is checkpoint {checkpoint.number}"
    elif prev is not None and checkpoint.prev != prev:
        kind, problem = CheckpointKind.BROKEN_CHAIN, "it does not follow the one before it"
    elif before is not None and (shrunk := _shrunk(before, checkpoint)):
        kind, problem = CheckpointKind.SHRUNK, shrunk
    elif check is not None and (wrong := check(checkpoint)) is not None:
        kind = CheckpointKind.BAD_SIGNATURE if wrong else CheckpointKind.UNSIGNED
        problem = wrong or "it has no signature"
    at, signed = f"{checkpoint.at:%FT%TZ}", checkpoint.signature is not None
    report = CheckpointReport(number, kind, problem, at, signed)
    return report, checkpoint if report.ok else None


def _shrunk(before: Checkpoint, after: Checkpoint) -> str:
    """What a checkpoint says less than the one before it."""
    now = {one.arn: one for one in after.heads}
    for one in before.heads:
        if one.arn not in now:
            return f"it does not know {one.arn} any more"
        if now[one.arn].count < one.count:
            return f"{one.arn} had {one.count} records before, and has {now[one.arn].count} in it"
        if now[one.arn].count == one.count and now[one.arn].head != one.head:
            return f"record {one.count} of {one.arn} is another one in it"
    return ""


def judge(journal: FoundJournal, trusted: Sequence[Checkpoint]) -> JournalReport:
    """Hold a journal to every checkpoint that names it."""
    named = [(point.number, one) for point in trusted for one in point.heads if one.arn == journal.arn]
    held = [(number, one) for number, one in named if journal.heads.get(one.count) == one.head]
    expected = max((one.count for _, one in named), default=0)
    kind, problem = journal.kind, journal.problem
    if kind in (JournalKind.VALID, JournalKind.INCOMPLETE) and len(held) < len(named):
        number, first = next(pair for pair in named if pair not in held)
        if journal.records < first.count:
            kind = JournalKind.TRUNCATED
            lost = expected - journal.records
            problem = (
                f"it ends with record {journal.records}; checkpoint {number} saw record {first.count}: "
                f"{lost} or more are gone"
            )
        else:
            kind = JournalKind.REPLACED
            problem = f"record {first.count} is not the one that checkpoint {number} saw"
    number, newest = max(held, key=lambda pair: pair[1].count, default=(0, None))
    anchored = newest.count if newest is not None else 0
    ok = kind is JournalKind.VALID
    return JournalReport(
        arn=journal.arn,
        records=journal.records,
        head=journal.head,
        torn=journal.kind is JournalKind.INCOMPLETE,
        ok=ok,
        problem=problem,
        kind=kind,
        expected=expected,
        anchored=anchored,
        unanchored=max(0, journal.records - anchored),
        checkpoint=number,
    )
