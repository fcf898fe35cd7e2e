"""The newest records of a journal, checked among themselves: for those who need to know how things stand now.

Rules this file guarantees: every line is intact in itself, belongs to this journal, and follows the one before it;
whether the records before the first one are, only a whole read shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.codec import CodecError
from lambdaops.store.framing import GENESIS, BadLineError, check_target, entry_of, foreign, read_line, tampered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambdaops.core.events import Entry
    from lambdaops.store.framing import Link


def read_tail(lines: Iterable[bytes], *, source: str, target: str, first: int | None = None) -> tuple[Entry, ...]:
    """Read finished lines, without their newlines, that stand one after another.

    Args:
        lines: the bytes.
        source: what to call the journal in errors.
        target: the ARN that every record must carry.
        first: the number of the first record, if it is known; what follows record 0 is the beginning of the journal.

    Raises:
        JournalTamperedError: with the number of the record, or of the place it belongs in.
        InvalidFileError: another version of lambdaops wrote it.
    """
    entries: list[Entry] = []
    newest = GENESIS if first == 1 else None
    for line in lines:
        where = "a record near its end" if first is None else f"record {first}"
        try:
            link = read_line(line)
            _check_place(link, first, newest)
            entry = entry_of(link)
            check_target(entry, target)
        except BadLineError as error:
            raise tampered(source, f"{where} {error}") from None
        except CodecError as error:
            raise foreign(source, where, error) from None
        entries.append(entry)
        newest, first = link.head, link.seq + 1
    return tuple(entries)


def _check_place(link: Link, number: int | None, newest: str | None) -> None:
    if number is not None and link.seq != number:
        raise BadLineError(f"is missing: record {link.seq} stands in its place")
    if newest is not None and link.prev != newest:
        raise BadLineError("does not follow what stands before it")
