"""Bytes to entries: what was written is read back, what is unfinished is said, and everything else is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
from datetime import timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambdaops.core.codec import CodecError
from lambdaops.core.errors import InvalidFileError, JournalTamperedError
from lambdaops.core.events import KINDS, Decided, Signalled, to_record
from lambdaops.core.states import Ready, Signal
from lambdaops.ports import Verified
from lambdaops.store.framing import (
    GENESIS,
    Lines,
    canonical,
    entry_of,
    frame,
    head,
    read_line,
    read_lines,
    verify_lines,
)
from tests.core.journal_values import entries
from tests.store.records import ARN, EVENTS, NOON, OTHER, chained, entry, lines_of, rewritten

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambdaops.core.events import Entry
    from lambdaops.store.framing import Chain


def read(data: bytes) -> Chain:
    return read_lines(data, source="live.jsonl", target=ARN)


def verify(data: bytes, marks: tuple[int, ...] = (), size: int = 100) -> Verified:
    """Verified as a stream, in blocks of so many bytes."""
    lines = Lines(data[at : at + size] for at in range(0, len(data), size))
    found = verify_lines(lines, source="live.jsonl", target=ARN, marks=marks)
    return dataclasses.replace(found, torn=bool(lines.torn))


def complaint(data: bytes) -> str:
    """What both ways of reading say; they may not differ."""
    with pytest.raises(JournalTamperedError) as caught:
        read(data)
    with pytest.raises(JournalTamperedError) as verified:
        verify(data)
    assert verified.value.message == caught.value.message
    assert verified.value.intact == caught.value.intact
    assert caught.value.hint
    assert caught.value.exit_code == 2
    return caught.value.message


# -- what was written comes back ---------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(sorted(KINDS)).flatmap(lambda kind: entries(KINDS[kind])), max_size=4))
def test_any_entries_come_back_equal(drawn: list[Entry]) -> None:
    placed = [dataclasses.replace(one, seq=i, target=ARN) for i, one in enumerate(drawn, start=1)]
    lines = chained(*placed)
    chain = read(b"".join(lines))
    assert chain.entries == tuple(placed)
    assert chain.torn == b""
    assert chain.next_seq == len(placed) + 1
    assert chain.head == (head(lines[-1]) if lines else GENESIS)


class Word(str):
    """Text of a parser that keeps more with it."""

    __slots__ = ()


@given(st.sampled_from(sorted(KINDS)).flatmap(lambda kind: entries(KINDS[kind])))
@example(entry(1, Decided(Ready(NOON), "caf\udce9 \ud83d\ude80")))
@example(entry(1, Decided(Ready(NOON), Word("why"))))
@example(entry(1, Decided(Ready(NOON + timedelta(microseconds=1)), "why")))
@example(entry(1, Signalled(Signal.PAUSE, "why", timedelta(microseconds=1_499))))
@example(dataclasses.replace(entry(1), at=NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))))
def test_what_is_framed_is_what_is_read_back(drawn: Entry) -> None:
    """It is told and folded without being read again, and must not be another value than the next process reads."""
    framed = frame(drawn, "f" * 64)
    link = read_line(framed.line[:-1])
    assert framed.link == link
    assert json.dumps(framed.link.record, sort_keys=True) == json.dumps(link.record, sort_keys=True)
    assert framed.entry == entry_of(link)
    assert repr(framed.entry) == repr(entry_of(link)), "equal values of other types"


def test_a_line_is_canonical_json_with_the_hash_of_the_line_before() -> None:
    first, second = lines_of(2)
    assert first.count(b"\n") == 1
    assert first.endswith(b"}\n")
    record = json.loads(second)
    assert record["prev"] == hashlib.sha256(first[:-1]).hexdigest() == head(first) == head(first[:-1])
    assert json.loads(first)["prev"] == "0" * 64
    assert json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n" == second
    bare = {key: value for key, value in record.items() if key != "sum"}
    assert record["sum"] == hashlib.sha256(canonical(bare)).hexdigest()
    assert set(record) == {*to_record(entry(2)), "prev", "sum"}


def test_text_stands_as_itself_and_on_one_line() -> None:
    (line,) = chained(entry(1, EVENTS[3]))
    assert "naïve".encode() in line
    assert "🚀".encode() in line
    assert line.count(b"\n") == 1


def test_text_that_utf8_cannot_hold_is_replaced_not_refused() -> None:
    """An argument that was not UTF-8 reaches Python as a lone surrogate; it must not stop a rollback's record."""
    (line,) = chained(entry(1, Decided(Ready(NOON), "caf\udce9 \ud83d\ude80")))
    event = read(line).entries[0].event
    assert isinstance(event, Decided)
    assert event.reason == "caf? ??"


@pytest.mark.parametrize(
    "bad",
    [
        dataclasses.replace(entry(1), seq=None),
        dataclasses.replace(entry(1), at=NOON.replace(tzinfo=None)),
        dataclasses.replace(entry(1), release=7),  # type: ignore[arg-type]
        entry(1, Decided(Ready(NOON), 1.5)),  # type: ignore[arg-type]
        entry(1, Decided(None, "why")),  # type: ignore[arg-type]
    ],
    ids=["no seq", "naive time", "number for text", "float", "no state"],
)
def test_what_could_not_be_read_back_is_not_framed(bad: Entry) -> None:
    with pytest.raises(CodecError):
        frame(bad, GENESIS)


def test_an_empty_journal_is_empty() -> None:
    assert read(b"").verified == Verified(0, GENESIS, torn=False)


def test_count_and_head_show_records_cut_off_the_end() -> None:
    """The chain alone cannot: what is left is a good journal."""
    lines = lines_of(4)
    whole, cut = read(b"".join(lines)).verified, read(b"".join(lines[:3])).verified
    assert whole == Verified(4, head(lines[3]), torn=False)
    assert cut == Verified(3, head(lines[2]), torn=False)
    assert json.loads(lines[3])["prev"] == cut.head


def test_a_clock_that_goes_back_changes_nothing() -> None:
    back = [dataclasses.replace(entry(seq), at=NOON - timedelta(days=seq)) for seq in (1, 2, 3)]
    assert read(b"".join(chained(*back))).entries == tuple(back)


# -- unfinished --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [0, 1, 3])
def test_the_last_line_cut_off_anywhere_is_torn(before: int) -> None:
    *lines, last = lines_of(before + 1)
    data = b"".join(lines)
    for cut in range(1, len(last)):
        chain = read(data + last[:cut])
        assert chain.torn == last[:cut]
        assert len(chain.entries) == before
        assert chain.head == (head(lines[-1]) if lines else GENESIS)
        assert chain.verified.torn


@pytest.mark.parametrize("rest", [b"\x00" * 512, b"{", b"hello", b'{"actor":{"arn":"\xf0\x9f'], ids=repr)
def test_bytes_that_never_were_a_record_at_the_end_are_torn(rest: bytes) -> None:
    """After a power cut a file may end in zeros: its length was on the disk before its content."""
    chain = read(b"".join(lines_of(2)) + rest)
    assert len(chain.entries) == 2
    assert chain.torn == rest


@pytest.mark.parametrize("rest", [b" ", b"}", b"\r", b"\x00", lines_of(1)[0][:-1]], ids=repr)
def test_a_whole_record_with_more_behind_it_is_not_torn(rest: bytes) -> None:
    *lines, last = lines_of(3)
    assert "line 3 " in complaint(b"".join(lines) + last[:-1] + rest)


# -- tampered ----------------------------------------------------------------------------------------------------


def test_every_flipped_bit_is_noticed() -> None:
    lines = lines_of(3)
    data = b"".join(lines)
    whole = read(data)
    for position in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            with pytest.raises(InvalidFileError):
                read(bytes(flipped))
            with pytest.raises(InvalidFileError):
                verify(bytes(flipped), size=len(data))
    assert whole.torn == b""
    assert verify(data) == whole.verified


def test_a_flipped_bit_of_a_torn_line_leaves_it_torn_or_is_noticed() -> None:
    *lines, last = lines_of(3)
    finished, torn = b"".join(lines), last[: len(last) // 2]
    for position in range(len(torn)):
        for bit in range(8):
            flipped = bytearray(torn)
            flipped[position] ^= 1 << bit
            if b"\n" in flipped:
                assert "line 3 " in complaint(finished + flipped)
            else:
                assert read(finished + flipped).torn == flipped


@given(st.data())
def test_any_damage_to_finished_lines_is_noticed(data: st.DataObject) -> None:
    lines = lines_of(4)
    whole = b"".join(lines)
    start = data.draw(st.integers(0, len(whole) - 1))
    length = data.draw(st.integers(0, 40))
    patch = data.draw(st.binary(max_size=40) | st.text('{}",:0123456789\n', max_size=40).map(str.encode))
    damaged = whole[:start] + patch + whole[start + length :]
    if damaged == whole:
        return
    try:
        chain = read(damaged)
    except InvalidFileError:
        with pytest.raises(InvalidFileError):
            verify(damaged)
        return
    assert verify(damaged) == chain.verified
    # Only the end can pass: records cut off, or bytes of an unfinished one after the last, which are reported as torn.
    kept = b"".join(lines[: len(chain.entries)])
    assert damaged == kept + chain.torn
    assert len(chain.entries) < 4 or chain.torn


REORDERED: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "first deleted": (lambda x: x[1:], "line 1 is record 2: record 1 is missing"),
    "middle deleted": (lambda x: [*x[:2], *x[3:]], "line 3 is record 4: record 3 is missing"),
    "swapped": (lambda x: [x[0], x[2], x[1], *x[3:]], "line 2 is record 3: record 2 is missing"),
    "duplicated": (lambda x: [*x[:2], x[1], *x[2:]], "line 3 repeats record 2"),
    "last duplicated": (lambda x: [*x, x[-1]], "line 6 repeats record 5"),
    "doubled": (lambda x: x * 2, "line 6 repeats record 1"),
    "empty line inserted": (lambda x: [*x[:2], b"\n", *x[2:]], "line 3 is empty"),
    "empty line at the end": (lambda x: [*x, b"\n"], "line 6 is empty"),
    "only an empty line": (lambda x: [b"\n"], "line 1 is empty"),
    "text inserted": (lambda x: [*x[:2], b"# note\n", *x[2:]], "line 3 is not JSON"),
    "list inserted": (lambda x: [*x[:2], b"[]\n", *x[2:]], "line 3 is not a record"),
    "not UTF-8": (lambda x: [*x[:2], b"\xff\xfe\n", *x[2:]], "line 3 is not UTF-8 (byte 1)"),
    "Windows line ends": (lambda x: [y[:-1] + b"\r\n" for y in x], "line 1 is not in the form it was written"),
    "byte order mark": (lambda x: [b"\xef\xbb\xbf" + x[0], *x[1:]], "line 1 is not JSON"),
    "lines joined": (lambda x: [x[0], x[1][:-1] + x[2], *x[3:]], "line 2 is not JSON"),
    "line broken": (lambda x: [x[0], x[1][:90] + b"\n" + x[1][90:], *x[2:]], "line 2 is not JSON"),
    "middle cut short": (lambda x: [*x[:2], x[2][:50] + b"\n", *x[3:]], "line 3 is not JSON"),
    "last cut short": (lambda x: [*x[:4], x[4][:50] + b"\n"], "line 5 is not JSON"),
    "nested too deep": (lambda x: [*x[:2], b"[" * 200_000 + b"\n"], "line 3 is not JSON"),
    "number too long": (lambda x: [*x[:2], b"9" * 5_000 + b"\n"], "line 3 is not JSON"),
    "start of another": (lambda x: [*chained(entry(1, target=OTHER)), *x[1:]], f"line 1 belongs to {OTHER}"),
}


@pytest.mark.parametrize(("change", "expected"), REORDERED.values(), ids=list(REORDERED))
def test_lines_moved_about_are_named(change: Callable[[list[bytes]], list[bytes]], expected: str) -> None:
    message = complaint(b"".join(change(lines_of(5))))
    assert message.startswith("live.jsonl: ")
    assert expected in message


def test_a_rewritten_record_is_noticed_by_the_next() -> None:
    lines = lines_of(5)
    lines[2] = rewritten(lines[2], release="r-2")
    read(b"".join(lines[:3]))  # in itself it is in order
    assert "line 4 does not follow what stands before it: line 3 was rewritten" in complaint(b"".join(lines))


def test_an_inserted_record_is_noticed() -> None:
    lines = lines_of(5)
    lines.insert(2, frame(entry(3), head(lines[1])).line)
    assert "line 4 repeats record 3" in complaint(b"".join(lines))


def test_a_deleted_record_is_noticed_though_the_rest_was_numbered_anew() -> None:
    lines = lines_of(5)
    del lines[2]
    lines[2:] = [rewritten(line, seq=seq) for seq, line in enumerate(lines[2:], start=3)]
    assert "line 3 does not follow what stands before it" in complaint(b"".join(lines))


def test_a_journal_that_starts_in_the_middle_is_noticed() -> None:
    lines = [rewritten(line, seq=seq) for seq, line in enumerate(lines_of(5)[2:], start=1)]
    assert "line 1 does not follow what stands before it: the records before it are gone" in complaint(lines[0])


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"ann", b"bob"), (b'"op":null', b'"op": null'), (b'"v":1}', b'"v":1,"v":1}'), ("ï".encode(), b"\\u00ef")],
    ids=["content", "space", "key twice", "escape"],
)
def test_an_edited_last_line_is_tampered_not_torn(old: bytes, new: bytes) -> None:
    *lines, last = lines_of(4)
    assert old in last
    assert "line 4 " in complaint(b"".join(lines) + last.replace(old, new))


@pytest.mark.parametrize("change", [{"seq": True}, {"seq": "1"}, {"seq": None}, {"prev": None}, {"prev": 0}], ids=str)
def test_a_record_without_a_place_is_refused(change: dict[str, object]) -> None:
    assert "line 1 has no place in the chain" in complaint(rewritten(lines_of(1)[0], **change))


def test_every_two_lines_swapped_or_one_deleted_or_repeated_is_noticed() -> None:
    lines = lines_of(6)
    for one in range(6):
        assert verify(b"".join(lines[:one])).count == one
        for other in range(6):
            swapped, repeated = [*lines], [*lines]
            swapped[one], swapped[other] = lines[other], lines[one]
            repeated.insert(other, lines[one])
            damaged = [repeated] if one == other else [swapped, repeated]
            for every in damaged:
                complaint(b"".join(every))
        if one < 5:  # without its last record a chain holds: that only an anchor shows
            complaint(b"".join([*lines[:one], *lines[one + 1 :]]))


def test_a_splice_from_another_journal_is_noticed() -> None:
    """Of another target, or of the same one's other history: neither goes on where this one was cut."""
    lines = lines_of(5)
    foreign = chained(*(entry(seq, target=OTHER) for seq in range(1, 6)))
    forked = chained(*(dataclasses.replace(entry(seq), release="r-2") for seq in range(1, 6)))
    for cut in range(5):
        complaint(b"".join([*lines[:cut], *foreign[cut:]]))
        if cut:
            complaint(b"".join([*lines[:cut], *forked[cut:]]))


def test_heads_that_are_asked_for_are_told_as_far_as_they_go() -> None:
    lines = lines_of(5)
    found = verify(b"".join(lines), marks=(0, 2, 5, 6))
    assert found.heads == {0: GENESIS, 2: head(lines[1]), 5: head(lines[4])}


@pytest.mark.parametrize("size", [1, 7, 561, 10_000])
def test_blocks_may_end_anywhere(size: int) -> None:
    lines = lines_of(4)
    assert verify(b"".join(lines) + b"{", size=size) == dataclasses.replace(read(b"".join(lines)).verified, torn=True)
    with pytest.raises(JournalTamperedError, match="line 3 was changed") as caught:
        verify(b"".join(lines).replace(b'"seq":3', b'"seq":4'), size=size)
    assert caught.value.intact == 2


def test_a_kind_from_another_version_is_no_obstacle_to_verifying() -> None:
    assert verify(rewritten(lines_of(1)[0], kind="unheard-of")).count == 1
    with pytest.raises(InvalidFileError, match="version 2") as caught:
        verify(rewritten(lines_of(1)[0], v=2))
    assert not isinstance(caught.value, JournalTamperedError)


@pytest.mark.parametrize("change", [{"v": True}, {"v": 1.0}, {"v": None}], ids=str)
def test_a_version_is_a_number(change: dict[str, object]) -> None:
    with pytest.raises(InvalidFileError):
        verify(rewritten(lines_of(1)[0], **change))


@pytest.mark.parametrize("change", [{"v": 2}, {"kind": "unheard-of"}, {"extra": 1}, {"at": 5}, {"op": 10**30}], ids=str)
def test_what_another_version_wrote_is_not_called_tampered(change: dict[str, object]) -> None:
    with pytest.raises(InvalidFileError) as caught:
        read(rewritten(lines_of(1)[0], **change))
    assert not isinstance(caught.value, JournalTamperedError)
    assert caught.value.message.startswith("live.jsonl: line 1 cannot be understood")
    assert "newer" in caught.value.hint


def test_without_a_target_all_records_must_agree() -> None:
    mixed = chained(entry(1), entry(2, target=OTHER))
    with pytest.raises(JournalTamperedError, match="line 2 belongs to"):
        read_lines(b"".join(mixed), source="x")
    assert len(read_lines(b"".join(lines_of(2)), source="x").entries) == 2


def test_damage_in_a_long_journal_is_found_where_it_is() -> None:
    lines = lines_of(200)
    seeded = random.Random(7)
    for _ in range(20):
        at = seeded.randrange(200)
        damaged = [*lines]
        damaged[at] = damaged[at].replace(b"r-1", b"r-9")
        assert f"line {at + 1} was changed" in complaint(b"".join(damaged))
