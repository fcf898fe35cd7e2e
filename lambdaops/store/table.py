"""The journals of a team in one table: any machine can see, steer, take up or roll back any release.

The lines are those of the files (``framing``), one row each, under the target's ARN and the record's number.

Rules this file guarantees:

* the table decides the next number: a row is written only where none is, so two processes never share one and the
  chain never forks; who comes second reads the new tail and writes behind it;
* records that are appended together are written as one, up to a hundred: all of them or none;
* when ``append`` returns, the record is in the table; when it raises, it may or may not be, as with a file;
* a write whose answer was lost is looked up, not repeated as another record; its row says which attempt wrote it, so
  that two processes that write the same in the same microsecond do not take one row for both;
* reading what is new twice a second bears silence of the table for a while: hearing late is no reason to go back.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import (
    AwsError,
    JournalUnreachableError,
    JournalUnwritableError,
    LambdaOpsError,
    NotFoundError,
)
from lambdaops.core.events import Entry
from lambdaops.ports import SILENT_AFTER, JournalReading
from lambdaops.ports.tables import MOST_ROWS, Row, RowExistsError
from lambdaops.store.framing import (
    Framed,
    Link,
    frame_after,
    read_each,
    read_line,
    tampered,
    verify_lines,
)
from lambdaops.store.places import Place
from lambdaops.store.table_drive import TableDrive, lease_of
from lambdaops.store.tail import read_tail

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from lambdaops.core.events import Event
    from lambdaops.core.model import Actor
    from lambdaops.ports import Clock, Lease, Verified
    from lambdaops.ports.tables import Table

_CONTENDED = 100
"""Times that others may have been first before an append gives up."""
_FIRST_LOOK = 256


class TableJournal:
    """The journal of one target (``ports.Journal``)."""

    def __init__(self, place: Place, table: Table, clock: Clock) -> None:
        self.place = place
        self._table = table
        self._clock = clock
        self._last: Link | None = None
        self._silent_since: datetime | None = None

    @property
    def source(self) -> str:
        """What to call it in errors."""
        return f"dynamodb://{self._table.name}, {self.place.arn}"

    def read(self) -> JournalReading:
        """Read and verify all of it.

        Raises:
            JournalTamperedError: with the record's number.
            JournalUnreachableError: the table cannot be read.
            InvalidFileError: another version wrote it.
        """
        return JournalReading(tuple(self.each()))

    def each(self) -> Iterator[Entry]:
        """As :meth:`read`, one after another, a page in memory at a time.

        Raises:
            JournalTamperedError, JournalUnreachableError, InvalidFileError: as :meth:`read`; after the entries before.
        """
        return (entry for entry, _ in read_each(self._all(), source=self.source, target=self.place.arn))

    def verify(self, marks: Collection[int] = ()) -> Verified:
        """Check all of it, a page in memory at a time.

        Raises:
            JournalTamperedError, JournalUnreachableError, InvalidFileError: as :meth:`read`.
        """
        return verify_lines(self._all(), source=self.source, target=self.place.arn, marks=marks)

    def recent(self, enough: Callable[[Sequence[Entry]], bool]) -> JournalReading:
        """The newest records, as many as it takes; checked among themselves.

        Raises:
            JournalTamperedError, JournalUnreachableError, InvalidFileError: as :meth:`read`.
        """
        count = _FIRST_LOOK
        while True:
            with self._reading():
                rows = self._table.newest(self.place.arn, count)
            whole = len(rows) < count
            first = 1 if whole else rows[0].number
            entries = read_tail(self._lines(rows), source=self.source, target=self.place.arn, first=first)
            if whole or enough(entries):
                return JournalReading(entries)
            count *= 4

    def since(self, seq: int) -> tuple[Entry, ...]:
        """The records after number ``seq``.

        Raises:
            JournalTamperedError: one of them is not what was written.
            JournalUnreachableError: the table could not be read for longer than a live driver may be silent.
            InvalidFileError: another version wrote one of them.
        """
        try:
            with self._reading():
                rows = tuple(self._table.rows(self.place.arn, seq))
        except JournalUnreachableError:
            now = self._clock.now()
            self._silent_since = self._silent_since or now
            if abs(now - self._silent_since) > SILENT_AFTER:
                raise
            return ()
        self._silent_since = None
        return read_tail(self._lines(rows), source=self.source, target=self.place.arn, first=seq + 1)

    def append(self, at: datetime, release: str, actor: Actor, event: Event) -> Entry:
        """Write one record; what is returned is what a read gives.

        Raises:
            JournalUnwritableError: with what, why and the next step.
            JournalTamperedError: the last record is not what was written.
            InvalidFileError: another version wrote the last record.
        """
        return self.extend(at, release, actor, (event,))[0]

    def extend(self, at: datetime, release: str, actor: Actor, events: Sequence[Event]) -> tuple[Entry, ...]:
        """As :meth:`append`, with several records; at least one.

        Raises:
            JournalUnwritableError, JournalTamperedError, InvalidFileError: as :meth:`append`; of more than a hundred,
                the first hundreds may stand in the journal.
        """
        written: list[Entry] = []
        for some in _batched(events):
            written += self._extend(at, release, actor, some)
        return tuple(written)

    def _extend(self, at: datetime, release: str, actor: Actor, events: Sequence[Event]) -> tuple[Entry, ...]:
        for attempt in range(_CONTENDED):
            try:
                last = self._last or self._tail()
                framed = self._framed(last, at, release, actor, events)
                if last is None:
                    self._table.register(self.place.arn)
                self._put(framed)
            except RowExistsError:
                self._last = None
                self._clock.sleep(timedelta(milliseconds=min(10 * attempt, 200)))
                continue
            except (AwsError, NotFoundError) as error:
                self._last = None
                raise self._unwritable(error) from error
            self._last = framed[-1].link
            return tuple(one.entry for one in framed)
        raise JournalUnwritableError(
            f"{self.source}: the journal cannot be written: others were first {_CONTENDED} times",
            hint="Too many processes write to this journal: stop some of them.",
            target=self.place.name,
        )

    def _framed(
        self, last: Link | None, at: datetime, release: str, actor: Actor, events: Sequence[Event]
    ) -> list[Framed]:
        following = enumerate(events, last.seq + 1 if last else 1)
        entries = (Entry(number, at, self.place.arn, release, actor, event) for number, event in following)
        return frame_after(last, entries, source=self.source, name=self.place.name)

    def _put(self, framed: Sequence[Framed]) -> None:
        attempt = secrets.token_hex(8)
        rows = [Row(self.place.arn, one.link.seq, one.line[:-1].decode(), attempt) for one in framed]
        try:
            self._table.put_new(rows)
        except AwsError as error:
            if not error.ambiguous:
                raise
            # Strongly consistent, so it tells; where it cannot be read either, the record may or may not stand.
            found = tuple(itertools.islice(self._table.rows(self.place.arn, rows[0].number - 1), len(rows)))
            if list(found) == rows:
                return
            if found:
                raise RowExistsError from error
            raise

    def _tail(self) -> Link | None:
        """The last record, checked for itself."""
        rows = self._table.newest(self.place.arn, 1)
        if not rows:
            return None
        read_tail(self._lines(rows), source=self.source, target=self.place.arn, first=rows[0].number)
        return read_line(rows[0].text.encode())

    def _all(self) -> Iterator[bytes]:
        with self._reading():
            yield from self._lines(self._table.rows(self.place.arn))

    def _lines(self, rows: Iterable[Row]) -> Iterator[bytes]:
        """The lines of rows, without newlines.

        Raises:
            JournalTamperedError: a row holds more than a line.
        """
        for row in rows:
            line = row.text.encode()
            if b"\n" in line:
                raise tampered(self.source, f"record {row.number} is more than one line")
            yield line

    def _reading(self) -> contextlib.AbstractContextManager[None]:
        return _reading(self.source, self._table.name)

    def _unwritable(self, error: LambdaOpsError) -> JournalUnwritableError:
        return JournalUnwritableError(
            f"{self.source}: the journal cannot be written: {error.message}",
            hint=_hint(error, self._table.name),
            target=self.place.name,
            request_id=error.request_id,
        )


@contextlib.contextmanager
def _reading(source: str, table: str) -> Iterator[None]:
    """Turn what AWS refuses into a journal that cannot be reached."""
    try:
        yield
    except (AwsError, NotFoundError) as error:
        raise JournalUnreachableError(
            f"{source}: the journal cannot be read: {error.message}",
            hint=_hint(error, table),
            request_id=error.request_id,
        ) from error


def _hint(error: LambdaOpsError, table: str) -> str:
    if not isinstance(error, NotFoundError):
        return error.hint
    # A table made in the wrong region would be an empty history beside the true one.
    elsewhere = "" if "?region=" in table else f" If it is in another region: dynamodb://{table}?region=REGION."
    return f"Check name, region and account. Make it with lambdaops store init dynamodb://{table}.{elsewhere}"


def _batched(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    return (events[first : first + MOST_ROWS] for first in range(0, len(events), MOST_ROWS))


class TableJournals:
    """All journals in one table (``ports.Journals``)."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self.table = table
        self._clock = clock

    def open(self, arn: str) -> TableJournal:
        """The journal of one alias, function or queue; nothing is made until it is written to.

        Raises:
            InvalidTargetError: not such an ARN.
        """
        return TableJournal(Place.parse(arn), self.table, self._clock)

    def drive(self, arn: str, release: str = "") -> TableDrive:
        """The exclusive right to drive releases of this alias, or to move messages of this queue, from any machine.

        Raises:
            InvalidTargetError: not such an ARN.
        """
        return TableDrive(Place.parse(arn), self.table, self._clock, release)

    def driver(self, arn: str) -> Lease | None:
        """Who has that right, or had it and died; None when nobody does.

        Raises:
            InvalidTargetError: not such an ARN.
            JournalUnreachableError: the table cannot be read.
        """
        place = Place.parse(arn)
        with _reading(f"dynamodb://{self.table.name}, {arn}", self.table.name):
            return lease_of(place, self.table, self._clock.now())

    def verify(self, arn: str, marks: Collection[int] = ()) -> Verified:
        """Check a whole journal; ``marks`` are numbers of records whose heads are wanted.

        Raises:
            JournalTamperedError: with the record's number.
            JournalUnreachableError: the table cannot be read.
        """
        return self.open(arn).verify(marks)

    def targets(self) -> tuple[str, ...]:
        """The ARNs that have a journal, sorted.

        Raises:
            JournalUnreachableError: the table cannot be read.
        """
        with _reading(f"dynamodb://{self.table.name}", self.table.name):
            return self.table.keys()
