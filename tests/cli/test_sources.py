"""Code to publish: what is taken, and what is refused with which words."""

from __future__ import annotations

import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from lambdaops.cli.sources import code_from, commit_of
from lambdaops.core.errors import InvalidFileError, UsageError
from lambdaops.ports import Code

if TYPE_CHECKING:
    from pathlib import Path


def a_zip(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_a_zip_is_read(tmp_path: Path) -> None:
    path = a_zip(tmp_path / "a.zip", app="x = 1")
    assert code_from(path, None, None) == Code(zip=path.read_bytes())


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("s3://builds/a/b.zip", ("builds", "a/b.zip", None)),
        ("s3://builds/b.zip@3HL4kqtJvjVBH40Nrjfkd", ("builds", "b.zip", "3HL4kqtJvjVBH40Nrjfkd")),
    ],
)
def test_an_s3_address_is_read(address: str, expected: tuple[str, str, str | None]) -> None:
    assert code_from(None, address, None) == Code(s3=expected)


@pytest.mark.parametrize("address", ["", "s3://", "s3://b", "https://b/k", "s3://B_AD/k", "builds/k"])
def test_a_bad_s3_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="not an S3 address"):
        code_from(None, address, None)


def test_two_sources_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--zip and --image"):
        code_from(tmp_path / "a.zip", None, "repo:tag")


def test_none_is_none() -> None:
    assert code_from(None, None, None) is None


def test_bad_files_are_refused(tmp_path: Path) -> None:
    text, empty, cut = tmp_path / "text.zip", tmp_path / "empty.zip", tmp_path / "cut.zip"
    text.write_bytes(b"\xff\xfe not a zip")
    a_zip(empty)
    whole = a_zip(tmp_path / "whole.zip", app="x = 1" * 1000).read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(whole.replace(b"x = 1", b"x = 2", 1))
    for path, what in (
        (tmp_path / "missing.zip", "cannot be read"),
        (tmp_path, "cannot be read"),
        (text, "not a zip"),
        (empty, "is empty"),
        (cut, "not a zip"),
        (damaged, "damaged member"),
    ):
        with pytest.raises(InvalidFileError, match=what):
            code_from(path, None, None)


def test_a_zip_over_lambda_s_limit_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "big.zip"
    with path.open("wb") as file:
        file.truncate(51 * 1024 * 1024)
    with pytest.raises(InvalidFileError, match="50 MB"):
        code_from(path, None, None)


def test_the_commit_is_ci_s_else_git_s_else_nothing(tmp_path: Path) -> None:
    assert commit_of({"GITHUB_ACTIONS": "true", "GITHUB_SHA": "0123456789abcdef"}, tmp_path) == "0123456789ab"
    assert commit_of({}, tmp_path) == ""
    for words in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    assert len(commit_of({}, tmp_path)) == 12
