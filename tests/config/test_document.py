"""YAML as data: nothing guessed, nothing executed, everything bounded, and the right line and column."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambdaops.config.document import Document, read_document
from lambdaops.core.errors import ExitCode, InvalidFileError

if TYPE_CHECKING:
    from collections.abc import Callable

FAR = 100_000
NO_TAG = "has no place here: the file is plain data"


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
        ("1٣", "1٣"),
        ("Null", None),
        ("FALSE", False),
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
    assert repr(document.data) == repr({"key": value})


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
        (f"{'[' * 40}@", "1:41 while scanning for the next token found character that cannot start any token"),
        ("[*b, @]\n", "1:6 while scanning for the next token found character that cannot start any token"),
        ("a: 1\n---\nb: 2\n", "2:1 a second document begins: a configuration is one"),
        ("a: *b\n", "1:4 *b names no anchor before it"),
        ("a: [*b, &b c]\n", "1:5 *b names no anchor before it"),
        ("a: &a [x, *a]\n", "1:11 *a contains itself"),
        ("a: !!python/object/apply:os.system [id]\n", f"1:4 the tag !!python/object/apply:os.system {NO_TAG}"),
        ("- !Sub x\n", f"1:3 the tag !Sub {NO_TAG}"),
        ("a: !!int 3\n", f"1:4 the tag !!int {NO_TAG}"),
        ("a: !!binary aGk=\n", f"1:4 the tag !!binary {NO_TAG}"),
        ("a: !!map {b: 1}\n", f"1:4 the tag !!map {NO_TAG}"),
        ("a: !<tag:example.com,2000:x> b\n", f"1:4 the tag tag:example.com,2000:x {NO_TAG}"),
        ("%YAML 9.9\n---\na: 1\n", "1:1 found incompatible YAML document"),
    ],
)
def test_mistake(tmp_path: Path, content: bytes | str, expected: str) -> None:
    assert places(parse(tmp_path, content)) == [expected]


def test_a_tab_is_called_a_tab(tmp_path: Path) -> None:
    assert parse(tmp_path, "a:\n\tb: 1\n").mistakes[0].hint == "Indent with spaces, not with tabs."
    assert not parse(tmp_path, "a: @\n").mistakes[0].hint


def test_what_can_be_read_is_read_beside_mistakes(tmp_path: Path) -> None:
    document = parse(tmp_path, "a: 1\na: 2\n[x]: 3\nb: !t {c: 4, c: 5}\n")
    assert document.data == {"a": 1, "b": {"c": 4}}
    assert [(item.line, item.column) for item in document.mistakes] == [(4, 4), (2, 1), (3, 1), (4, 14)]


# -- bounds ------------------------------------------------------------------------------------------------------------

_ALIASES = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
_MERGES = "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 30))
TOO_DEEP = "this nests too deeply to be a configuration"
TOO_MANY = "this has more than 100000 parts, anchors written out: it is no configuration"
HOSTILE = {
    "lists": ("[" * FAR, f"1:41 {TOO_DEEP}"),
    "lists, and what no parser takes": (f"{'[' * 50}@", f"1:41 {TOO_DEEP}"),
    "mappings": ("{a: " * FAR, f"1:161 {TOO_DEEP}"),
    "block lists": ("- " * FAR, f"1:81 {TOO_DEEP}"),
    "block mappings": ("".join(f"{' ' * n}a:\n" for n in range(900)), f"41:41 {TOO_DEEP}"),
    "keys": ("? " * FAR, f"1:81 {TOO_DEEP}"),
    "deep through anchors": (
        "a0: &a0 []\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 100)),
        f"40:16 {TOO_DEEP}",
    ),
    "many parts": (f"[{'a,' * 150_000}]", f"1:200000 {TOO_MANY}"),
    "anchors": (f"a0: &a0 [{'x,' * 9}]\n{_ALIASES}", f"6:15 {TOO_MANY}"),
    "merges": (f"a0: &a0 {{x: 1}}\n{_MERGES}", f"6:35 {TOO_MANY}"),
}


@pytest.mark.parametrize(("content", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_bound(tmp_path: Path, content: str, expected: str) -> None:
    document = parse(tmp_path, content)
    assert places(document) == [expected]
    assert document.data is None


def test_what_is_just_inside_the_bounds(tmp_path: Path) -> None:
    deep = parse(tmp_path, f"{'[' * 40}{']' * 40}")
    assert not deep.mistakes
    assert json.dumps(deep.data) == "[" * 40 + "]" * 40
    wide = parse(tmp_path, f"[{'a,' * 99_999}]")
    assert not wide.mistakes
    assert wide.data == ["a"] * 99_999


def test_both_parsers_of_yaml_say_the_same(tmp_path: Path) -> None:
    """Where libyaml is missing, PyYAML's own parser reads; and no depth ends the process in either."""
    for number, (content, _) in enumerate(HOSTILE.values()):
        (tmp_path / f"{number}.yaml").write_text(content)
    script = f"""
import sys, yaml
if sys.argv[1] == "pure" and hasattr(yaml, "CSafeLoader"):
    del yaml.CSafeLoader
from pathlib import Path
from lambdaops.config.document import read_document
for number in range({len(HOSTILE)}):
    print(*(f"{{m.line}}:{{m.column}} {{m.message}}" for m in read_document(Path(f"{{number}}.yaml")).mistakes))
"""
    for parser in ("pure", "usual"):
        done = subprocess.run(
            [sys.executable, "-c", script, parser],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [expected for _, expected in HOSTILE.values()]


# -- anchors and merges ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "data"),
    [
        ("x: &x {a: 1, b: 2}\ny: {b: 3, <<: *x}", {"x": {"a": 1, "b": 2}, "y": {"b": 3, "a": 1}}),
        ("y: {<<: [{a: 1}, {a: 2, c: 3}]}", {"y": {"a": 1, "c": 3}}),
        ("x: &x {a: {b: 1}}\ny: {<<: *x, a: {c: 2}}", {"x": {"a": {"b": 1}}, "y": {"a": {"c": 2}}}),
        ("x: &x {<<: {a: 1}}\ny: {<<: *x}", {"x": {"a": 1}, "y": {"a": 1}}),
        ("y: {'<<': {a: 1}}", {"y": {"<<": {"a": 1}}}),
        ("x: &x [1]\ny: [*x, *x]", {"x": [1], "y": [[1], [1]]}),
        ("x: &x 1\ny: &x 2\nz: *x", {"x": 1, "y": 2, "z": 2}),
        ("&k a: 1\nb: *k", {"a": 1, "b": "a"}),
    ],
)
def test_anchors_and_merges(tmp_path: Path, content: str, data: object) -> None:
    document = parse(tmp_path, content)
    assert not document.mistakes
    assert document.data == data


def test_a_merged_part_stands_where_it_is_written(tmp_path: Path) -> None:
    document = parse(tmp_path, "x: &x\n  a: [01]\n  b: 02\ny:\n  b: 3\n  <<: *x\n")
    assert document.data == {"x": {"a": ["01"], "b": "02"}, "y": {"a": ["01"], "b": 3}}
    assert (document.spot(("y", "a", 0)).line, document.spot(("y", "a", 0)).column) == (2, 7)
    assert (document.keys["y", "a"].line, document.keys["y", "b"].line) == (2, 5)
    assert document.spot(("y", "b")).line == 5
    assert {loc for loc in document.unquoted if loc[0] == "y"} == {("y", "a", 0), ("y", "b")}


@pytest.mark.parametrize(("merged", "place"), [("3", "1:9"), ("[3]", "1:10"), ("[[{}]]", "1:10"), ("", "1:9")])
def test_a_merge_of_no_mapping(tmp_path: Path, merged: str, place: str) -> None:
    document = parse(tmp_path, f"a: {{<<: {merged}}}")
    assert places(document) == [f"{place} << takes a mapping, or a list of mappings"]


# -- files -------------------------------------------------------------------------------------------------------------


def _directory(path: Path) -> None:
    path.mkdir()


def _dangling(path: Path) -> None:
    path.symlink_to(path.parent / "gone")


def _circular(path: Path) -> None:
    path.symlink_to(path)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def _too_large(path: Path) -> None:
    path.write_bytes(b"#" * (512 * 1024 + 1))


def _secret(path: Path) -> None:
    path.write_text("version: 1")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "the file cannot be read: No such file or directory"),
        (_directory, "the file cannot be read: Is a directory"),
        (_dangling, "the file cannot be read: No such file or directory"),
        (_circular, "the file cannot be read: Too many levels of symbolic links"),
        (_pipe, "the file cannot be read: It is a pipe or a device"),
        (_endless, "the file cannot be read: It is a pipe or a device"),
        (_secret, "the file cannot be read: Permission denied"),
        (_huge, "the file is larger than 512 KiB: it is no configuration file"),
        (_too_large, "the file is larger than 512 KiB: it is no configuration file"),
    ],
)
def test_unreadable(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    path = tmp_path / "lambdaops.yaml"
    make(path)
    with pytest.raises(InvalidFileError) as caught:
        read_document(path, Path("the file"))
    assert caught.value.message == message
    assert caught.value.hint
    assert caught.value.exit_code is ExitCode.USAGE
    assert type(caught.value) is InvalidFileError


def test_the_largest(tmp_path: Path) -> None:
    document = parse(tmp_path, b"a: 1\n#".ljust(512 * 1024, b"#"))
    assert document.data == {"a": 1}


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("a: @")
    (tmp_path / "link").symlink_to("real")
    assert str(read_document(tmp_path / "link").mistakes[0]).startswith(f"{tmp_path}/link:1:")
    assert str(read_document(tmp_path / "link", Path("x.yaml")).mistakes[0]).startswith("x.yaml:1:")
