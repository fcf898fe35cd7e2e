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
* times do not matter: a clock may go back, the order is ``seq``;
* verifying takes memory for a few lines, and about the time of parsing and hashing each: ``sum`` is checked by cutting
  its bytes out of the line, for what is left are the bytes it was made of.

What no chain can do alone: notice whole records cut off the end, or a file whose every hash was computed anew. Both
show against a count and a head hash kept elsewhere, which is why ``Verified`` carries them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.codec import CodecError
from lambdaops.core.errors import InvalidFileError, JournalTamperedError, JournalUnwritableError
from lambdaops.core.events import SCHEMA, Entry, from_record, to_record
from lambdaops.ports import Verified

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

GENESIS = "0" * 64
"""``prev`` of the first record, and the head of an empty journal."""

# In canonical order, only strings and a number follow ``sum``, and no string can hold these bytes: the last is the one.
_SUM = b',"sum":"'
_AFTER_SUM = b',"target":'
_SUM_END = len(_SUM) + 64
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_DECODE = json.JSONDecoder().raw_decode
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
        record = to_record(entry)
        text = _JSON.encode({**record, "prev": prev})
        try:
            bare = text.encode()
            # As the bytes will be read: JSON changes nothing about plain strings, numbers and lists.
            back = from_record(record)
        except (UnicodeEncodeError, CodecError):
            bare = text.encode("utf-8", "replace")
            record = {key: value for key, value in json.loads(bare).items() if key != "prev"}
            back = from_record(record)
        at = bare.rindex(_AFTER_SUM)
        whole = hashlib.sha256(bare[:at])
        own = whole.copy()
        own.update(bare[at:])
        rest = b"".join((_SUM, own.hexdigest().encode(), b'"', bare[at:]))
        whole.update(rest)
        return Framed(b"".join((bare[:at], rest, b"\n")), Link(back.seq or 0, prev, whole.hexdigest(), record), back)
    except (TypeError, ValueError) as error:
        raise CodecError(str(error)) from error


def frame_after(last: Link | None, entries: Iterable[Entry], *, source: str, name: str) -> list[Framed]:
    """The lines of entries that follow the line ``last``, or begin the journal, each chained to the one before.

    Args:
        last: the line they follow; None begins a journal.
        entries: with the numbers that come next.
        source: what to call the journal in errors.
        name: what people type to mean its target.

    Raises:
        JournalUnwritableError: one of them could not be read back, so none must be written.
    """
    prev, framed = last.head if last else GENESIS, []
    try:
        for entry in entries:
            framed.append(frame(entry, prev))
            prev = framed[-1].link.head
    except CodecError as error:
        raise JournalUnwritableError(
            f"{source}: the journal cannot be written: the record could not be read back: {error}",
            hint="This is an error in lambdaops: please report it with this text.",
            target=name,
        ) from error
    return framed


def read_line(line: bytes) -> Link:
    """Check one line for itself.

    Raises:
        BadLineError: it is not the bytes that were written.
    """
    found = _intact(line)
    if found is None:
        raise BadLineError(_fault(line))
    record, own = found
    seq, prev = record.get("seq"), record.get("prev")
    if type(seq) is not int or not isinstance(prev, str):
        raise BadLineError("has no place in the chain (seq or prev)")
    return Link(seq, prev, own, {key: value for key, value in record.items() if key not in ("sum", "prev")})


def _intact(line: bytes) -> tuple[dict[str, object], str] | None:
    """The record and the hash of a line whose ``sum`` is that of its other bytes: every byte is one or the other.

    The two hashes begin alike, so that part is hashed once; and the bytes are decoded here, which ``json.loads`` does
    after having looked for every encoding there is.
    """
    at = line.rfind(_SUM)
    end = at + _SUM_END
    whole = hashlib.sha256(line[:at])
    bare = whole.copy()
    whole.update(line[at:])
    bare.update(line[end + 1 :])
    if at < 0 or line[at + len(_SUM) : end + 1] != bare.hexdigest().encode() + b'"':
        return None
    try:
        text = line.decode()
        record, length = _DECODE(text)
    except (ValueError, RecursionError):
        return None
    return (record, whole.hexdigest()) if length == len(text) and isinstance(record, dict) else None


def _fault(line: bytes) -> str:
    """What is wrong with a line whose sum does not hold."""
    if not line:
        return "is empty"
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return f"is not UTF-8 (byte {error.start + 1})"
    except (ValueError, RecursionError) as error:
        return f"is not JSON ({error})"
    if not isinstance(record, dict):
        return "is not a record"
    if canonical(record) != line:
        return "is not in the form it was written (spaces, order or repetition of keys, line end)"
    return "was changed: its content does not match its sum"


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
    lines, torn = split_lines(data)
    newest, entries = GENESIS, []
    for entry, newest in read_each(lines, source=source, target=target):  # noqa: B007 -- the last one is wanted
        entries.append(entry)
    return Chain(tuple(entries), newest, torn)


def read_each(lines: Iterable[bytes], *, source: str, target: str = "") -> Iterator[tuple[Entry, str]]:
    """Each entry with the hash of its line, verified up to there.

    Raises:
        JournalTamperedError, InvalidFileError: as :func:`read_lines`, after the entries before it.
    """
    newest = GENESIS
    for number, line in enumerate(lines, start=1):
        try:
            link = read_line(line)
            _check_place(link, number, newest)
            entry = entry_of(link)
            check_target(entry, target or entry.target)
        except BadLineError as error:
            raise tampered(source, f"line {number} {error}", number - 1) from None
        except CodecError as error:
            raise foreign(source, f"line {number}", error) from None
        target, newest = entry.target, link.head
        yield entry, newest


class Lines:
    """The finished lines of a journal that comes in blocks, one at a time.

    Attributes:
        torn: the bytes after the last of them, once all are read.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self.torn = b""

    def __iter__(self) -> Iterator[bytes]:
        """Every finished line, without its newline."""
        begun: list[bytes] = []
        for block in self._blocks:
            first, newline, more = block.partition(b"\n")
            begun.append(first)
            if newline:
                yield b"".join(begun)
                *lines, last = more.split(b"\n")
                yield from lines
                begun = [last]
        lines, self.torn = split_lines(b"".join(begun))
        yield from lines


def verify_lines(lines: Iterable[bytes], *, source: str, target: str, marks: Collection[int] = ()) -> Verified:
    """Check lines as :func:`read_lines` does, without keeping them and without reading what they say.

    A kind of record that this version does not know is no obstacle: only the chain is looked at.

    Args:
        lines: finished lines, without their newlines.
        source: what to call them in errors.
        target: the ARN every record must carry.
        marks: numbers of records whose heads are wanted, as far as there are such records.

    Raises:
        JournalTamperedError: with the line, what is wrong with it, and how many before it are intact.
        InvalidFileError: the lines are intact, but another version of lambdaops wrote them.
    """
    number, newest = 0, GENESIS
    heads = {0: GENESIS} if 0 in marks else {}
    for line in lines:
        record, own = _intact(line) or ({}, "")
        if not (
            record.get("seq") == number + 1
            and type(record["seq"]) is int
            and record.get("prev") == newest
            and record.get("target") == target
            and record.get("v") == SCHEMA
            and type(record["v"]) is int
        ):
            raise _refusal(line, number + 1, newest, source, target)
        number += 1
        newest = own
        if number in marks:
            heads[number] = newest
    return Verified(number, newest, torn=False, heads=heads)


def _refusal(line: bytes, number: int, newest: str, source: str, target: str) -> InvalidFileError:
    """Why a line does not go on where the ones before it ended."""
    try:
        link = read_line(line)
        _check_place(link, number, newest)
    except BadLineError as error:
        return tampered(source, f"line {number} {error}", number - 1)
    told, version = link.record.get("target"), link.record.get("v")
    if told != target:
        return tampered(source, f"line {number} belongs to {told}, not to {target}", number - 1)
    return foreign(source, f"line {number}", CodecError(f"unknown record version {version!r}"))


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


def tampered(source: str, what: str, intact: int = 0) -> JournalTamperedError:
    """The error for a journal that is not what was written."""
    return JournalTamperedError(f"{source}: {what}", hint=_TAMPERED_HINT, intact=intact)


def foreign(source: str, line: str, error: CodecError) -> InvalidFileError:
    """The error for an intact line whose content this version does not know."""
    return InvalidFileError(
        f"{source}: {line} cannot be understood, though nobody changed it: {error}",
        hint="Another version of lambdaops wrote it: use that one or a newer one. A rollback needs no journal.",
    )
