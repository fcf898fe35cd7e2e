"""History of this machine moved into a team's table: the same lines, so the same chain.

Rules this file guarantees: the bytes that are copied are those that were verified, as a whole and before the first of
its lines is copied; where the table has lines of it already, they must be the beginning of ours, and only the rest is
added; doing so again adds nothing; the files stay as they are.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.errors import AwsError, JournalUnwritableError, NotFoundError
from lambdaops.ports.tables import MOST_ROWS, Row, RowExistsError
from lambdaops.store.framing import read_each, split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.ports.tables import Table
    from lambdaops.store.files import FileJournals


@dataclass(frozen=True, slots=True)
class Copied:
    """A journal and how it was copied: ``records`` in all, ``added`` now (or to be added)."""

    arn: str
    records: int
    added: int


def copy_journal(files: FileJournals, arn: str, table: Table, *, dry: bool = False) -> Copied:
    """Copy one journal; ``dry`` only tells what would be.

    Raises:
        JournalTamperedError: it is damaged, or the table's is another one.
        JournalUnwritableError: the table's has grown another way, or cannot be read or written.
        InvalidFileError: the file cannot be read, or another version wrote it.
    """
    journal = files.open(arn)
    lines, _ = split_lines(journal.contents())
    verified = zip(lines, read_each(lines, source=str(journal.path), target=arn), strict=True)
    rows = [Row(arn, number, line.decode()) for number, (line, _) in enumerate(verified, 1)]
    try:
        there = sum(1 for row in _checked(table, rows, arn))
        if not dry and there < len(rows):
            table.register(arn)
            for first in range(there, len(rows), MOST_ROWS):
                table.put_new(rows[first : first + MOST_ROWS])
    except RowExistsError:
        raise _other(table, arn, "somebody else is writing to it now") from None
    except (AwsError, NotFoundError) as error:
        raise JournalUnwritableError(
            f"dynamodb://{table.name}, {arn}: the journal cannot be copied: {error.message}",
            hint=f"{error.hint} Then run it again: it goes on from there.".strip(),
            target=arn,
            request_id=error.request_id,
        ) from error
    return Copied(arn, len(rows), max(len(rows) - there, 0))


def _checked(table: Table, rows: list[Row], arn: str) -> Iterator[Row]:
    """What is there of these rows.

    Raises:
        JournalUnwritableError: it is not the beginning of them, or more than they are.
    """
    for found, row in itertools.zip_longest(table.rows(arn), rows):
        if found is None:
            return
        if row is None or found.text != row.text:  # whoever wrote it
            raise _other(table, arn, f"record {found.number} is not the one of this machine")
        yield found


def _other(table: Table, arn: str, why: str) -> JournalUnwritableError:
    return JournalUnwritableError(
        f"dynamodb://{table.name} has a journal of {arn} of its own: {why}",
        hint="Two histories cannot become one chain: keep the file as an archive, or copy into another table.",
        target=arn,
    )
