"""YAML as data: nothing guessed, nothing executed, everything bounded, and the right line and column."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lambdaops.config.document import Document, read_document
from lambdaops.core.errors import ExitCode, InvalidFileError

if TYPE_CHECKING:
    from pathlib import Path

FAR = 100_000


def parse(directory: Path, content: bytes | str) -> Document:
    path = directory / "lambdaops.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_document(path)


def places(document: Document) -> list[str]:
    return [f"{item.line}:{item.column} {item.message}" for item in document.mistakes]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("~", None),
        ("", None),
        ("null", None),
        ("NuLL", "NuLL"),
        ("0", 0),
        ("-5", -5),
        ("+5", "+5"),
        ("012", "012"),
        ("0o14", "0o14"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        ("1.5", "1.5"),
        (".inf", ".inf"),
        ("16:00", "16:00"),
        ("190:20:30", "190:20:30"),
        ("2026-12-20", "2026-12-20"),
        ("2026-12-20T00:00", "2026-12-20T00:00"),
        ("111122223333", 111122223333),
        ("9" * 18, int("9" * 18)),
        ("9" * 19, "9" * 19),
        ("9" * 5000, "9" * 5000),
        ("٣", "٣"),
        ('"true"', "true"),
        ("'1'", "1"),
        ('""', ""),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("|\n  no\n", "no\n"),
        ("=", "="),
        ("10%", "10%"),
    ],
)
def test_scalar(tmp_path: Path, written: str, value: object) -> None:
    document = parse(tmp_path, f"key: {written}")
    assert not document.mistakes
    assert document.data == {"key": value}
    assert type(document.data["key"]) is type(value)  # type: ignore[index]


def test_keys_are_what_is_written(tmp_path: Path) -> None:
    document = parse(tmp_path, "on: 1\nno: 2\nnull: 3\n007: 4\ntrue: 5\n5%: 6\n")
    assert document.data == {"on": 1, "no": 2, "null": 3, "007": 4, "true": 5, "5%": 6}
    assert not document.mistakes


def test_unquoted_is_told_from_quoted(tmp_path: Path) -> None:
    document = parse(tmp_path, "a: 012\nb: \"012\"\nc: '012'\nd: !!str 012\ne: [012, 'x', 012]\n")
    assert document.unquoted == {("a",), ("e", 0), ("e", 2)}


@pytest.mark.parametrize(
    "content",
    [b"version: 1\nb: [x]\n", b"version: 1\r\nb: [x]\r\n", b"\xef\xbb\xbfversion: 1\nb: [x]\n", b"version: 1\rb: [x]"],
    ids=["lf", "crlf", "bom", "cr"],
)
def test_line_ends_and_byte_order_mark(tmp_path: Path, content: bytes) -> None:
    document = parse(tmp_path, content)
    assert document.data == {"version": 1, "b": ["x"]}
    assert not document.mistakes
    spot = document.spot(("b", 0))
    assert (spot.line, spot.column) == (2, 5)
    assert (document.keys["version",].line, document.keys["version",].column) == (1, 1)


def test_where_a_missing_part_would_stand(tmp_path: Path) -> None:
    document = parse(tmp_path, "a:\n  b:\n    c: 1\n")
    assert str(document.spot(("a", "b", "x", 3))).endswith(":3:5")
    assert str(Document(tmp_path).spot(("a",))).endswith(":1:1")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "1:1 the file is empty"),
        ("# only a comment\n", "1:1 the file is empty"),
        ("---\n...\n", "1:1 the file is empty"),
        ("null\n", "1:1 the file is empty"),
        ("a: 1\nb: 2\n  \na: 3\n", "4:1 'a' stands here twice: first in line 1"),
        ("a: 1\n'a': 3\n", "2:1 'a' stands here twice: first in line 1"),
        ("x:\n  - {a: 1, b: 2, a: 3}\n", "2:18 'a' stands here twice: first in line 2"),
        ("a:\n\tb: 1\n", "2:1 while scanning for the next token found character that cannot start any token"),
        ("a: [1, 2\n", "2:1 while parsing a flow sequence did not find expected ',' or ']'"),
        ("a: b: c\n", "1:5 mapping values are not allowed in this context"),
        ("a: @x\n", "1:4 while scanning for the next token found character that cannot start any token"),
        ("a: 1\nb: \x00\n", "2:4 the character U+0000 has no place in YAML"),
        ("ä: \x07", "1:4 the character U+0007 has no place in YAML"),
        (b"a: 1\nb: \xe9\n", "2:4 this is not UTF-8"),
        ("é: ".encode() + b"\xff", "1:4 this is not UTF-8"),
        (b"\xef\xbb\xbfa\n\xc3\xa9\xe9", "2:2 this is not UTF-8"),
        ("a: 1".encode("utf-16"), "1:1 this is not UTF-8"),
        ("[a]: 1\n", "1:1 a key must be text"),
        ("? {b: c}\n: 2\n", "1:3 a key must be text"),
        ("a: 1\n---\nb: 2\n", "2:1 a second document begins: a configuration is one"),
        ("a: *b\n", "1:4 *b names no anchor before it"),
        ("a: [*b, &b c]\n", "1:5 *b names no anchor before it"),
        ("a: &a [x, *a]\n", "1:11 *a contains itself"),
        ("a: !!python/object/apply:os.system [id]\n", "1:4 the tag !!python/object/apply:os.system has no place here: "
        "the file is plain data"),
        ("- !Sub x\n", "1:3 the tag !Sub has no place here: the file is plain data"),
        ("a: !!int 3\n", "1:4 the tag !!int has no place here: the file is plain data"),
        ("a: !!binary aGk=\n", "1:4 the tag !!binary has no place here: the file is plain data"),
        ("a: !!map {b: 1}\n", "1:4 the tag !!map has no place here: the file is plain data"),
        ("a: !<tag:example.com,2000:x> b\n", "1:4 the tag tag:example.com,2000:x has no place here: the file is plain "
        "data"),
        ("%YAML 9.9\n---\na: 1\n", "1:1 found incompatible YAML document"),
    ],
)  # fmt: skip
def test_mistake(tmp_path: Path, content: bytes | str, expected: str) -> None:
    assert places(parse(tmp_path, content)) == [expected]


def test_a_tab_is_called_a_tab(tmp_path: Path) -> None:
    assert parse(tmp_path, "a:\n\tb: 1\n").mistakes[0].hint == "Indent with spaces, not with tabs."
    assert not parse(tmp_path, "a: @\n").mistakes[0].hint


def test_what_can_be_read_is_read_beside_mistakes(tmp_path: Path) -> None:
    document = parse(tmp_path, "a: 1\na: 2\n[x]: 3\nb: !t {c: 4, c: 5}\n")
    assert document.data == {"a": 1, "b": {"c": 4}}
    assert [(item.line, item.column) for item in document.mistakes] == [(4, 4), (2, 1), (3, 1), (4, 14)]
