"""A table of a database that several machines share, as the team's journals need it.

Everything is read strongly consistent, and nothing is ever scanned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_ROWS = 100
"""Rows that are written at once at most (DynamoDB API reference, TransactWriteItems)."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of text under a key and a number from 1 on; written once.

    ``attempt`` is of one attempt to write it and no other, so that it is known by whoever's it is, though somebody else
    writes the same; empty where it does not matter who wrote it.
    """

    key: str
    number: int
    text: str
    attempt: str = ""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table as it is: ``ready`` to be used, ``fits`` if its keys are those of a store; the rest as AWS calls it."""

    ready: bool
    fits: bool
    recoverable: bool
    protected: bool


class RowExistsError(Exception):
    """A row of this key and number is there already, and is another one; nothing of the call was written."""


class Table(Protocol):
    """Implemented by a gateway. Every method raises AwsError, and NotFoundError when there is no such table."""

    @property
    def name(self) -> str:
        """What people call it."""

    def put_new(self, rows: Sequence[Row]) -> None:
        """Write all of them or none, and only where none of their key and number is; up to :data:`MOST_ROWS`.

        Rows that are there already with this attempt are ours: an answer was lost on the way.

        Raises:
            RowExistsError: somebody else wrote one of them.
            AwsError: ``ambiguous`` when they may have been written.
        """

    def rows(self, key: str, after: int = 0) -> Iterator[Row]:
        """The rows of a key with a greater number, by number; a page is read when it is asked for."""

    def newest(self, key: str, count: int) -> tuple[Row, ...]:
        """The ``count`` rows of a key with the greatest numbers, by number."""

    def register(self, key: str) -> None:
        """Have :meth:`keys` list the key from now on; doing so again changes nothing."""

    def keys(self) -> tuple[str, ...]:
        """The registered keys, sorted."""

    def note(self, key: str) -> str | None:
        """The note of a key, which can be replaced."""

    def replace_note(self, key: str, old: str | None, new: str | None) -> bool:
        """Write, change or (None) remove the note of a key if it still reads ``old``; whether it now reads ``new``.

        Raises:
            AwsError: ``ambiguous`` when it may have been replaced.
        """


class TableAdmin(Protocol):
    """Makes a table and its protection; every method raises AwsError."""

    def facts(self) -> TableFacts | None:
        """The table as it is; None when there is none."""

    def create(self) -> None:
        """Make it: paid by request, protected from deletion.

        Raises:
            ConflictError: it is there already, or being made.
        """

    def protect(self) -> None:
        """Protect it from deletion."""

    def make_recoverable(self) -> None:
        """Have AWS keep what it takes to restore any moment of the last 35 days.

        Raises:
            ConflictError: it is too young: try again.
        """
