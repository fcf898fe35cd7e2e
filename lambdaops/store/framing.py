"""A journal as bytes: one record a line, chained by hash; bytes in, entries out, for any backend.

A line is the canonical JSON of a record (sorted keys, no spaces, UTF-8 unescaped) and a newline. Besides what
``core.events`` puts into it, it has ``prev``, the SHA-256 of the previous line without its newline (64 zeros in the
first), and ``sum``, the SHA-256 of the record without ``sum``. ``seq`` counts from 1: it is the line number.
``prev``, ``seq``, ``sum`` and ``v`` keep their meaning in every version of the record.

Rules this file guarantees:

* a changed, added, missing, repeated or moved line is noticed, and so is every flipped bit; ``sum`` is there because
  nothing follows the last line that could vouch for it;
* an unfinished line is told from an edited one by its newline, the last byte of every write: bytes after the last
  newline are torn, a record whose append never returned. Anything else wrong is tampering, and so is a complete
  record that something other than a newline follows;
* times do not matter: a clock may go back, the order is ``seq``.

What no chain can do alone: notice whole records cut off the end, or a file whose every hash was computed anew. Both
show against a count and a head hash kept elsewhere, which is why ``Verified`` carries them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from lambdaops.core.codec import CodecError
from lambdaops.core.errors import InvalidFileError, JournalTamperedError
from lambdaops.core.events import Entry, from_record, to_record
from lambdaops.ports import Verified

GENESIS = "0" * 64
"""``prev`` of the first record, and the head of an empty journal."""

_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_TAMPERED_HINT = "Move it away as evidence, or put a backup in its place; until then lambdaops rollback still works."


@dataclass(frozen=True, slots=True)
class Chain:
    """A journal as read; ``torn`` are the bytes of a last line that was never finished."""

    entries: tuple[Entry, ...]
    head: str
    torn: bytes

    @property
    def next_seq(self) -> int:
        """The number the next record gets."""
        return len(self.entries) + 1

    @property
    def verified(self) -> Verified:
        """What there is to keep elsewhere."""
        return Verified(len(self.entries), self.head, bool(self.torn))


@dataclass(frozen=True, slots=True)
class Link:
    """One line that is intact in itself: its place, what it follows, its own hash, and the record."""

    seq: int
    prev: str
    head: str
    record: dict[str, object]


@dataclass(frozen=True, slots=True)
class Framed:
    """An entry as a line, with its newline: and as that line is read back, which is what holds."""

    line: bytes
    link: Link
    entry: Entry


class BadLineError(ValueError):
    """A line that is not what was written; the text completes ``line 7 ...``."""


def canonical(record: dict[str, object]) -> bytes:
    """The one way a record is written, without its newline; what UTF-8 cannot hold becomes ``?``."""
    return _JSON.encode(record).encode("utf-8", "replace")


def head(line: bytes) -> str:
    """The hash the next record carries as ``prev``; a newline at the end does not count."""
    return hashlib.sha256(line.removesuffix(b"\n")).hexdigest()


def frame(entry: Entry, prev: str) -> Framed:
    """The line of an entry that follows the line with the hash ``prev``.

    Raises:
        CodecError: the entry could not be read back, so it must not be written.
    """
    try:
        record = {**to_record(entry), "prev": prev}
        line = canonical({**record, "sum": head(canonical(record))})
        link = read_line(line)
        return Framed(line + b"\n", link, entry_of(link))
    except (TypeError, ValueError) as error:
        raise CodecError(str(error)) from error


def read_line(line: bytes) -> Link:
    """Check one line for itself.

    Raises:
        BadLineError: it is not the bytes that were written.
    """
    if not line:
        raise BadLineError("is empty")
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadLineError(f"is not UTF-8 (byte {error.start + 1})") from None
    except (ValueError, RecursionError) as error:
        raise BadLineError(f"is not JSON ({error})") from None
    if not isinstance(record, dict):
        raise BadLineError("is not a record")
    if canonical(record) != line:
        raise BadLineError("is not in the form it was written (spaces, order or repetition of keys, line end)")
    bare = {key: value for key, value in record.items() if key != "sum"}
    seq, prev = record.get("seq"), record.get("prev")
    if record.get("sum") != head(canonical(bare)):
        raise BadLineError("was changed: its content does not match its sum")
    if type(seq) is not int or not isinstance(prev, str):
        raise BadLineError("has no place in the chain (seq or prev)")
    return Link(seq, prev, head(line), {key: value for key, value in bare.items() if key != "prev"})


def entry_of(link: Link) -> Entry:
    """The entry of an intact line.

    Raises:
        CodecError: another version of lambdaops wrote it.
    """
    return from_record(link.record)


def split_lines(data: bytes) -> tuple[list[bytes], bytes]:
    """The finished lines, and the torn bytes after the last newline.

    A complete record that something other than a newline follows counts as finished (and is bad): an interrupted
    write leaves the beginning of a line, never more than a line.
    """
    *lines, rest = data.split(b"\n")
    text = rest.decode("utf-8", "replace")
    try:
        _, length = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return lines, rest
    return (lines, rest) if length == len(text) else ([*lines, rest], b"")


def read_lines(data: bytes, *, source: str, target: str = "") -> Chain:
    """Read and verify a whole journal.

    Args:
        data: its bytes.
        source: what to call it in errors, usually its path.
        target: the ARN every record must carry; empty accepts any, as long as it is always the same.

    Raises:
        JournalTamperedError: with the line and what is wrong with it.
        InvalidFileError: the lines are intact, but another version of lambdaops wrote them.
    """
    entries: list[Entry] = []
    newest = GENESIS
    lines, torn = split_lines(data)
    for number, line in enumerate(lines, start=1):
        try:
            link = read_line(line)
            _check_place(link, number, newest)
            entry = entry_of(link)
            check_target(entry, target or entry.target)
        except BadLineError as error:
            raise tampered(source, f"line {number} {error}") from None
        except CodecError as error:
            raise foreign(source, f"line {number}", error) from None
        target = entry.target
        entries.append(entry)
        newest = link.head
    return Chain(tuple(entries), newest, torn)


def check_target(entry: Entry, target: str) -> None:
    """Refuse a record of another journal.

    Raises:
        BadLineError: it is about another target.
    """
    if entry.target != target:
        raise BadLineError(f"belongs to {entry.target}, not to {target}")


def _check_place(link: Link, number: int, newest: str) -> None:
    if link.seq < number:
        raise BadLineError(f"repeats record {link.seq}: record {number} belongs here")
    if link.seq > number:
        raise BadLineError(f"is record {link.seq}: record {number} is missing before it")
    if link.prev != newest:
        why = f"line {number - 1} was rewritten" if number > 1 else "the records before it are gone"
        raise BadLineError(f"does not follow what stands before it: {why}")


def tampered(source: str, what: str) -> JournalTamperedError:
    """The error for a journal that is not what was written."""
    return JournalTamperedError(f"{source}: {what}", hint=_TAMPERED_HINT)


def foreign(source: str, line: str, error: CodecError) -> InvalidFileError:
    """The error for an intact line whose content this version does not know."""
    return InvalidFileError(
        f"{source}: {line} cannot be understood, though nobody changed it: {error}",
        hint="Another version of lambdaops wrote it: use that one or a newer one. A rollback needs no journal.",
    )
