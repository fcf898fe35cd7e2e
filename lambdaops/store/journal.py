"""The journal of one target as a local file, readable with any text tool.

Rules this file guarantees:

* the lock covers reading the tail, writing and fsync: appends of several processes form one chain;
* when ``append`` returns, the record is on the medium, and so is the name of its file;
* when it raises, the record may or may not stand in the journal: a crash at that moment leaves the same choice, and
  whoever resumes decides by looking at the world;
* an append costs the same however long the journal is: it checks the last line only, ``read`` checks all of them;
* records that are appended together are written and brought to the medium as one: a crash leaves the first of them;
* a torn tail is copied to ``<alias>.jsonl.torn-<n>`` before the next append cuts it off; nothing else is ever removed;
* reading makes nothing, locks nothing and works on a read-only file system.

On a file system that does not tell upper from lower case, aliases that differ in nothing else would share a file:
the second one is refused, because every record names its target.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count, islice
from typing import TYPE_CHECKING

from lambdaops.core.codec import CodecError
from lambdaops.core.errors import JournalTamperedError
from lambdaops.core.events import Entry
from lambdaops.ports import JournalReading, Verified
from lambdaops.store.disk import APPEND, NEW, READ, Disk
from lambdaops.store.framing import (
    BadLineError,
    Chain,
    Framed,
    Lines,
    Link,
    check_target,
    entry_of,
    foreign,
    frame_after,
    read_each,
    read_line,
    read_lines,
    split_lines,
    tampered,
    verify_lines,
)
from lambdaops.store.locks import locked
from lambdaops.store.places import SUFFIX, Place
from lambdaops.store.refusals import unreadable, unwritable
from lambdaops.store.tail import read_tail

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime, timedelta
    from pathlib import Path

    from lambdaops.core.events import Event
    from lambdaops.core.model import Actor

_BLOCK = 16 * 1024
_MEGABYTE = 1024 * 1024
_RECENT = 256 * 1024
"""Bytes: some hundred records, and the last release of most journals."""


class FileJournal:
    """The journal of one target (``ports.Journal``)."""

    def __init__(self, place: Place, home: Path, *, disk: Disk, wait: timedelta) -> None:
        self.place = place
        self.path = place.file(home, SUFFIX)
        self._name, self._source = place.name, str(self.path)
        self._lock_path = place.file(home, ".lock")
        self._disk = disk
        self._wait = wait
        self._written = 0
        self._size = 0
        self._last: Framed | None = None

    def read(self) -> JournalReading:
        """Read and verify all of it.

        Raises:
            JournalTamperedError: with the line number.
            InvalidFileError: the file cannot be read, or another version wrote it.
        """
        chain = self.chain()
        return JournalReading(chain.entries, torn=bool(chain.torn))

    def recent(self, enough: Callable[[Sequence[Entry]], bool]) -> JournalReading:
        """The newest records, as many as it takes; the file is read from its end.

        Raises:
            JournalTamperedError, InvalidFileError: as :meth:`read`, about these records.
        """
        try:
            reading = self._recent(enough)
            # As in :meth:`chain`.
            return self._recent(enough) if reading.torn else reading
        except JournalTamperedError:
            self._chain()  # raises the same, with the line's number
            raise

    def _recent(self, enough: Callable[[Sequence[Entry]], bool]) -> JournalReading:
        try:
            fd = self._disk.open(self.path, READ)
        except FileNotFoundError:
            return JournalReading(())
        except OSError as error:
            raise unreadable(self.path, error) from error
        try:
            size = self._disk.size(fd)
            length = _RECENT
            while True:
                start = max(size - length, 0)
                lines, torn = split_lines(self._disk.read(fd, start, size - start))
                first = 1 if start == 0 else None
                # What stands before the first newline may be the end of a line.
                whole = lines if start == 0 else lines[1:]
                entries = read_tail(whole, source=str(self.path), target=self.place.arn, first=first)
                if start == 0 or (entries and enough(entries)):
                    return JournalReading(entries, torn=bool(torn))
                length *= 4
        except OSError as error:
            raise unreadable(self.path, error) from error
        finally:
            self._disk.close(fd)

    def since(self, seq: int) -> tuple[Entry, ...]:
        """The records after number ``seq``; the file is read only if it has another size than we know of.

        Raises:
            JournalTamperedError: with the line number.
            InvalidFileError: the file cannot be read, or another version wrote it.
        """
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            size = 0
        except OSError as error:
            raise unreadable(self.path, error) from error
        if size == self._size:
            return ()
        entries = tuple(entry for entry in self.each() if entry.seq is not None and entry.seq > seq)
        self._size = size
        return entries

    def each(self) -> Iterator[Entry]:
        """As :meth:`read`, one after another, in memory that does not grow with the journal.

        Raises:
            JournalTamperedError, InvalidFileError: as :meth:`read`; after the entries before it.
        """
        lines, known = Lines(_blocks(self.path, self._disk)), 0
        for entry in self._each(lines):
            known += 1
            yield entry
        if lines.torn:  # as in :meth:`chain`
            yield from islice(self._each(Lines(_blocks(self.path, self._disk))), known, None)

    def _each(self, lines: Lines) -> Iterator[Entry]:
        return (entry for entry, _ in read_each(lines, source=str(self.path), target=self.place.arn))

    def chain(self) -> Chain:
        """As :meth:`read`, with the head hash."""
        chain = self._chain()
        # A line that another process is just writing looks torn too: by now it is finished.
        return self._chain() if chain.torn else chain

    def contents(self) -> bytes:
        """The file's bytes, unchecked.

        Raises:
            InvalidFileError: it cannot be read.
        """
        return _contents(self.path, self._disk)

    def _chain(self) -> Chain:
        return read_lines(self.contents(), source=str(self.path), target=self.place.arn)

    def verify(self, marks: Collection[int] = ()) -> Verified:
        """Check all of it, as it is now: what is appended meanwhile is not looked at.

        Raises:
            JournalTamperedError: with the line number.
            InvalidFileError: the file cannot be read, or another version wrote it.
        """
        found = self._verify(marks)
        return self._verify(marks) if found.torn else found  # as in :meth:`chain`

    def _verify(self, marks: Collection[int]) -> Verified:
        lines = Lines(_blocks(self.path, self._disk))
        found = verify_lines(lines, source=str(self.path), target=self.place.arn, marks=marks)
        return replace(found, torn=bool(lines.torn))

    def append(self, at: datetime, release: str, actor: Actor, event: Event) -> Entry:
        """Write one record and have it on the medium before returning; what is returned is what a read gives.

        Raises:
            JournalUnwritableError: with what, why and the next step.
            JournalTamperedError: the last line is not what was written.
            InvalidFileError: another version wrote the last line.
        """
        return self.extend(at, release, actor, (event,))[0]

    def extend(self, at: datetime, release: str, actor: Actor, events: Sequence[Event]) -> tuple[Entry, ...]:
        """As :meth:`append`, with several records; at least one.

        Raises:
            JournalUnwritableError, JournalTamperedError, InvalidFileError: as :meth:`append`; the first few may stand
                in the journal.
        """
        with unwritable(self.path, self._name), locked(self._lock_path, self._wait, self._make_directory):
            fd = self._disk.open(self.path, APPEND)
            try:
                return self._extend(fd, at, release, actor, events)
            finally:
                self._disk.close(fd)

    def _make_directory(self) -> None:
        self._disk.make_directories(self.path.parent)

    def _extend(self, fd: int, at: datetime, release: str, actor: Actor, events: Sequence[Event]) -> tuple[Entry, ...]:
        size = self._disk.size(fd)
        if size == 0:
            # Before the first byte, so that a journal with content never has a name that a crash could take away.
            self._disk.fsync_directory(self.path.parent)
        last, torn = self._tail(fd, size)
        seq = last.seq if last else 0
        if seq < self._written:
            raise tampered(str(self.path), f"ends with record {seq}, but this process wrote record {self._written}")
        entries = (
            Entry(number, at, self.place.arn, release, actor, event) for number, event in enumerate(events, seq + 1)
        )
        framed = frame_after(last, entries, source=self._source, name=self._name)
        if torn:
            self._set_aside(torn)
            self._disk.truncate(fd, size - len(torn))
        lines = b"".join(one.line for one in framed)
        self._disk.write_all(fd, lines)
        self._disk.fsync(fd)
        if self._size == size:  # otherwise somebody else's records stand before ours, and are still to be heard
            self._size = size + len(lines)
        self._written, self._last = framed[-1].link.seq, framed[-1]
        return tuple(one.entry for one in framed)

    def _tail(self, fd: int, size: int) -> tuple[Link | None, bytes]:
        """The last finished line, checked for itself, and the torn bytes after it."""
        if self._last is not None:
            end = b"\n" + self._last.line
            if size >= len(end) - 1 and self._disk.read(fd, max(0, size - len(end)), len(end)) == end[-size:]:
                return self._last.link, b""  # to the byte what we wrote: it was checked then
        data, start, step = b"", size, _BLOCK
        lines: list[bytes] = []
        torn = b""
        while start > 0 and len(lines) < 2:  # noqa: PLR2004 -- a line is whole when another stands before it
            step = min(step, start)
            start -= step
            data = self._disk.read(fd, start, step) + data
            lines, torn = split_lines(data)
            step *= 4
        if not lines:
            return None, torn
        try:
            last = read_line(lines[-1])
            check_target(entry_of(last), self.place.arn)
        except BadLineError as error:
            self._chain()  # raises the same, with the line's number
            raise tampered(str(self.path), f"the last line {error}") from None
        except CodecError as error:
            raise foreign(str(self.path), "the last line", error) from None
        return last, torn

    def _set_aside(self, torn: bytes) -> None:
        for number in count(1):
            path = self.path.with_name(f"{self.path.name}.torn-{number}")
            try:
                fd = self._disk.open(path, NEW)
            except FileExistsError:
                continue
            try:
                try:
                    self._disk.write_all(fd, torn)
                    self._disk.fsync(fd)
                finally:
                    self._disk.close(fd)
            except OSError:
                path.unlink()  # half a copy; the journal still has all of it
                raise
            self._disk.fsync_directory(path.parent)
            return


def _blocks(path: Path, disk: Disk) -> Iterator[bytes]:
    """The bytes of a file as long as it is now, a megabyte at a time; none if it does not exist."""
    try:
        fd = disk.open(path, READ)
        try:
            size = disk.size(fd)
            for start in range(0, size, _MEGABYTE):
                yield disk.read(fd, start, min(_MEGABYTE, size - start))
        finally:
            disk.close(fd)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unreadable(path, error) from error


def _contents(path: Path, disk: Disk) -> bytes:
    """The bytes of a file; none if it does not exist."""
    try:
        fd = disk.open(path, READ)
        try:
            return disk.read(fd, 0, disk.size(fd))
        finally:
            disk.close(fd)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise unreadable(path, error) from error
