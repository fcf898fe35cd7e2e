"""Files of letters: whole, private, and never over another."""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import InvalidFileError
from lambdaops.store.disk import Disk
from lambdaops.store.letters import LetterFile, LetterLines

if TYPE_CHECKING:
    from pathlib import Path


def written(file: LetterFile, *lines: str) -> None:
    file.open()
    try:
        file.write(lines)
        file.finish()
    finally:
        file.close()


def test_a_finished_file_is_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "letters.jsonl"
    file = LetterFile(path)
    file.open()
    assert not path.exists()
    file.write(["ä", "b"])
    assert file.name.endswith(".partial")
    file.finish()
    file.close()
    assert (file.name, path.read_bytes()) == (str(path), "ä\nb\n".encode())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["letters.jsonl"]


def test_what_was_not_finished_says_so_in_its_name(tmp_path: Path) -> None:
    file = LetterFile(tmp_path / "letters.jsonl")
    file.open()
    file.write(["a"])
    file.close()
    assert [one.name for one in tmp_path.iterdir()] == ["letters.jsonl.partial"]
    assert file.name.endswith("letters.jsonl.partial")


def test_what_exists_nowhere_else_has_its_own_name_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "letters.jsonl"
    file = LetterFile(path, safe=True)
    file.open()
    file.write(["a"])
    file.keep()
    assert path.read_text("utf-8") == "a\n"
    file.finish()
    file.close()
    assert path.read_text("utf-8") == "a\n"


@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize("name", ["letters.jsonl", "letters.jsonl.partial"])
def test_nothing_is_written_over_unless_that_was_said(tmp_path: Path, name: str, safe: bool) -> None:
    (tmp_path / name).write_text("precious", "utf-8")
    file = LetterFile(tmp_path / "letters.jsonl", safe=safe)
    if safe and name.endswith(".partial"):
        written(file, "a")  # another file
    else:
        with pytest.raises(InvalidFileError, match="there already"):
            file.open()
    assert (tmp_path / name).read_text("utf-8") == "precious"
    written(LetterFile(tmp_path / "letters.jsonl", force=True), "new")
    assert (tmp_path / "letters.jsonl").read_text("utf-8") == "new\n"


def test_what_is_written_over_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "letters.jsonl"
    path.write_text("old", "utf-8")
    file = LetterFile(path, force=True)
    file.open()
    file.write(["new"])
    assert path.read_text("utf-8") == "old"
    file.close()
    assert path.read_text("utf-8") == "old"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious", "utf-8")
    (tmp_path / "letters.jsonl").symlink_to(tmp_path / "precious")
    with pytest.raises(InvalidFileError):
        LetterFile(tmp_path / "letters.jsonl").open()
    written(LetterFile(tmp_path / "letters.jsonl", force=True), "new")
    assert (tmp_path / "precious").read_text("utf-8") == "precious"


def test_a_directory_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "letters.jsonl").mkdir()
    with pytest.raises(InvalidFileError, match="there already"):
        LetterFile(tmp_path / "letters.jsonl", force=True).open()


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="cannot be written: No such file"):
        LetterFile(tmp_path / "nowhere" / "letters.jsonl").open()


class Full(Disk):
    def write(self, fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


class Broken(Disk):
    def fsync(self, fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")


def test_a_full_or_broken_disk_is_an_error(tmp_path: Path) -> None:
    full = LetterFile(tmp_path / "a", disk=Full())
    full.open()
    with pytest.raises(InvalidFileError, match="No space left"):
        full.write(["a"])
    full.close()
    broken = LetterFile(tmp_path / "b", disk=Broken())
    broken.open()
    broken.write(["a"])
    with pytest.raises(InvalidFileError, match="Input/output"):
        broken.finish()
    broken.close()
    assert not (tmp_path / "b").exists()


def test_lines_are_read_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "letters.jsonl"
    path.write_bytes("\ufeffä\n\n  b\r\nc".encode())
    lines = LetterLines(path)
    assert list(lines.read()) == [(1, "ä"), (3, "b"), (4, "c")]
    assert list(lines.read()) == [(1, "ä"), (3, "b"), (4, "c")]


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"a\n\xff\n", "letters.jsonl:2:1: not UTF-8"), (b"a" * (16 << 20), "letters.jsonl:1: longer than")],
)
def test_what_no_letter_can_be_is_said_with_its_line(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "letters.jsonl").write_bytes(data)
    with pytest.raises(InvalidFileError, match=said):
        list(LetterLines(tmp_path / "letters.jsonl").read())


def test_a_file_that_is_not_there_or_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="is not there"):
        list(LetterLines(tmp_path / "nowhere").read())
    with pytest.raises(InvalidFileError, match="cannot be read"):
        list(LetterLines(tmp_path).read())
