"""A playbook file: YAML's traps give an error with its place, or the value that the author meant."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.config.playbooks.read import read_playbook
from lambdaops.core.errors import InvalidFileError, InvalidPlaybookError
from lambdaops.core.playbook.book import Action, Input, Json, Limits, Playbook, Retry, Step, Undo
from lambdaops.core.playbook.check import check
from lambdaops.core.playbook.inputs import resolve
from lambdaops.query.values import JmespathValues
from tests.sim.playing import USES

HEAD = "version: 1\nname: book\n"
ONE = f"{HEAD}steps:\n- id: a\n  uses: note\n  with: {{message: hi}}\n"


def read(directory: Path, content: str | bytes, name: str = "book.yaml") -> Playbook:
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_playbook(path, Path(name)).book


def mistakes(directory: Path, content: str | bytes, name: str = "book.yaml") -> list[str]:
    """Where, what and what to do, of each mistake; those of the check as well."""
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InvalidPlaybookError) as caught:
        flawless(path, Path(name))
    return [
        " | ".join(filter(None, (f"{item.line}:{item.column} {item.message}", item.hint)))
        for item in caught.value.mistakes
    ]


def flawless(path: Path, shown: Path) -> Playbook:
    written = read_playbook(path, shown)
    written.require_flawless(check(written.book, USES, JmespathValues(), lambda _: None))
    return written.book


WHOLE = """
version: 1
name: book
description: All there is.
inputs:
  target: {type: target, description: Where to.}
  text:
  share: {type: number, default: 0.5, allowed: [0.5, 1]}
  version: {type: version, default: 7, allowed: [7, 8]}
  names: {type: list, of: integer, default: [1, 2]}
  word: {default: null, pattern: "[a-z]+"}
  token: {secret: true}
limits: {targets: 2, runs-per-hour: 3}
steps:
- id: a
  name: Ship it
  uses: ship
  with: {name: "${{ inputs.text }}", count: 3, force: true}
  if: ${{ inputs.word }}
  for-each: ${{ inputs.names }}
  retry: {attempts: 3}
  timeout: 5m
  on-failure: c
  compensate: {uses: unship, with: {name: x}, if: "${{ outputs.value }}"}
- {id: b, uses: note, with: {message: x}, if: true, end: true, retry: {attempts: 2, every: 1m}, on-failure: continue}
- {id: c, uses: note, with: {message: y}, for-each: [1, two]}
outputs: {what: "${{ steps.a.outputs }}"}
"""


def test_a_playbook_that_says_everything(tmp_path: Path) -> None:
    book = read(tmp_path, WHOLE)
    assert (book.name, book.description, book.source, book.limits) == (
        "book",
        "All there is.",
        "book.yaml",
        Limits(2, 3),
    )
    assert len(book.digest) == 64
    assert book.steps == (
        Step(
            "a",
            Action("ship", {"name": "${{ inputs.text }}", "count": 3, "force": True}),
            "Ship it",
            "${{ inputs.word }}",
            Retry(3),
            timedelta(minutes=5),
            "c",
            Undo("unship", {"name": "x"}, "${{ outputs.value }}"),
            "${{ inputs.names }}",
        ),
        Step(
            "b", Action("note", {"message": "x"}), retry=Retry(2, timedelta(minutes=1)), on_failure="continue", end=True
        ),
        Step("c", Action("note", {"message": "y"}), each=[1, "two"]),
    )
    assert book.outputs == {"what": "${{ steps.a.outputs }}"}
    assert {one.name: one.required for one in book.inputs} == {
        "target": True,
        "text": True,
        "share": False,
        "version": False,
        "names": False,
        "word": False,
        "token": True,
    }
    assert book.inputs[1] == Input("text")
    values = resolve(book, {"target": "f:live", "text": "t", "token": "s"})
    assert {name: values[name] for name in ("share", "version", "names", "word")} == {
        "share": 0.5,
        "version": "7",
        "names": [1, 2],
        "word": None,
    }
    assert resolve(book, {"target": "f", "text": "t", "token": "s", "share": "0.5", "version": "8"})["version"] == "8"
    assert check(book, USES, JmespathValues(), lambda _: None) == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("y", "y"),
        ("NO", "NO"),
        ("2026-11-29", "2026-11-29"),
        ("2026-11-29T12:00:00Z", "2026-11-29T12:00:00Z"),
        ("12:30:45", "12:30:45"),
        ("012", "012"),
        ("0x10", "0x10"),
        ("0o7", "0o7"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1.10", "1.10"),
        ("5m", "5m"),
        ("'null'", "null"),
        ('"true"', "true"),
        ("'7'", "7"),
        ("7", 7),
        ("=", "="),
        ("$LATEST", "$LATEST"),
        ("'${{ x'", "${{ x"),
        ("|\n      a\n      b", "a\nb"),
        (">-\n      a\n      b", "a b"),
    ],
)
def test_a_scalar_is_what_its_author_meant(tmp_path: Path, written: str, meant: Json) -> None:
    book = read(tmp_path, f"{HEAD}steps:\n- id: a\n  uses: note\n  with:\n    message: {written}\n")
    found = book.steps[0].action.given["message"]
    assert (found.rstrip("\n") if isinstance(found, str) else found) == meant
    assert type(found) is type(meant)


@pytest.mark.parametrize("word", ["no", "on", "off", "yes"])
def test_the_keys_that_yaml_once_took_for_booleans_are_keys(tmp_path: Path, word: str) -> None:
    book = read(tmp_path, f"{HEAD}steps:\n- id: {word}\n  uses: note\n  with: {{{word}: x}}\noutputs: {{{word}: 1}}\n")
    assert book.steps[0].id == word
    assert list(book.steps[0].action.given) == list(book.outputs) == [word]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{this}: &{this} [{', '.join(['*' + before] * 10)}]\n" for before, this in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"{HEAD}name: book\nsteps: []\n", ["3:1 'name' stands here twice: first in line 2 | Keep one of them."]),
        (
            f"{HEAD}steps:\n- id: a\n  uses: note\n  with: {{message: a, message: b}}\n",
            ["6:22 'message' stands here twice: first in line 6 | Keep one of them."],
        ),
        (
            f"{HEAD}steps:\n- id: a\n  uses: note\n  onFailiure: abort\n  with: {{message: a}}\n",
            ["6:3 *onFailiure", "on-failure"],
        ),
        (f"{HEAD}steps:\n- id: a\n\tuses: note\n", ["5:1", "Indent with spaces, not with tabs."]),
        (f"{HEAD}{BOMB}", ["has more than 100000 parts, anchors written out"]),
        (f"{HEAD}steps: &s [*s]\n", ["*s contains itself"]),
        (f"{HEAD}steps: [*nope]\n", ["*nope names no anchor before it"]),
        (HEAD.encode() + b"steps:\n- id: \xff\n", ["4:7 this is not UTF-8 | Save the file as UTF-8."]),
        (ONE.encode("utf-16"), ["this is not UTF-8"]),
        (
            HEAD + "steps: !!python/object/apply:os.system [ls]\n",
            ["tag !!python/object/apply:os.system has no place here"],
        ),
        (HEAD + "steps: !!binary aGk=\n", ["tag !!binary has no place here"]),
        ("", ["1:1 the file is empty"]),
        ("- a\n", ["1:1"]),
        ("just text\n", ["1:1"]),
        (ONE + "---\n" + ONE, ["a second document begins"]),
        (HEAD + "steps: []\n", ["3:8"]),
        (HEAD, ["1:1", "steps"]),
        (ONE.replace("version: 1", "version: 2"), ["1:10", "version"]),
        (ONE.replace("version: 1", 'version: "1"'), ["1:10"]),
        (ONE.replace("version: 1\n", ""), ["version"]),
        (ONE.replace("name: book", "name: other"), ["2:7 the playbook is called 'other', and its file 'book.yaml'"]),
        (ONE.replace("name: book", "name: Bo_ok"), ["2:7", "Small letters, digits and hyphens"]),
        (ONE.replace("id: a", "id: ship-it"), ["4:7", "Small letters, digits and underscores: ship_it."]),
        (ONE.replace("id: a", "id: 7"), ["4:7"]),
        (ONE + "  timeout: 5\n", ["7:12"]),
        (ONE + "  timeout: soon\n", ["7:12", "is not a duration"]),
        (ONE + "  retry: {attempts: 1}\n", ["7:"]),
        (ONE + "  retry: {attempts: 101}\n", ["7:"]),
        (ONE + "  retry: {attempts: yes}\n", ["7:"]),
        (ONE + "  retry: 3\n", ["7:"]),
        (ONE + "  end: yes\n", ["7:8"]),
        (ONE + "  if: 3\n", ["7:7"]),
        (ONE + "  if: no\n", ["7:7 a condition is one expression, or true or false"]),
        (ONE + "  for-each: 3\n", ["7:13"]),
        (ONE + "  compensate: unship\n", ["7:15"]),
        (ONE + "  compensate: {uses: unship, with: {name: x}, if: no}\n", ["7:51 a condition is one expression"]),
        (ONE + "  compensate: {uses: unship, with: {name: x}, if: false}\n", ["7:51 step a is never taken back"]),
        (
            ONE + "  compensate: {uses: unship, with: {name: x}, if: '${{ outputs.mesage }}'}\n",
            ["7:51 note gives no 'mesage' | Did you mean message?"],
        ),
        (
            ONE + "  compensate: {uses: unship, with: {name: '${{ outputs.mesage }}'}}\n",
            ["7:43 note gives no 'mesage' | Did you mean message?"],
        ),
        (
            ONE.replace("message: hi", "message: '${{ outputs.message }}'"),
            ["6:19 outputs stands alone only in compensate", "Name the step: ${{ steps.ID.outputs.NAME }}."],
        ),
        (ONE + "  compensate: {uses: unship, iff: true}\n", ["7:30", "if"]),
        (ONE + "limits: {targets: 0}\n", ["7:19"]),
        (ONE + "limits: {runs_per_hour: 1}\n", ["7:10", "runs-per-hour"]),
        (ONE + "inputs: {a: {type: strnig}}\n", ["7:20", "string"]),
        (ONE + "inputs: {a: {of: integer}}\n", ["only a list has items"]),
        (ONE + "inputs: {a: {type: list, of: list}}\n", ["the items of a list are no lists"]),
        (ONE + "inputs: {a-b: }\n", ["7:", "a_b"]),
        (ONE + "inputs: {a: {type: integer, default: x}}\n", ["7:38 expected a whole number, found 'x'"]),
        (ONE + "stepz: []\n", ["7:1", "steps"]),
        (
            ONE.replace("{message: hi}", "{mesage: hi}"),
            ["6:10 note takes no 'mesage' | Did you mean message?", "5:9 note needs message"],
        ),
        (ONE.replace("message: hi", "message: ${{ input.x }}"), ["6:20", "Put a text with ${{ ... }} into quotes"]),
        (ONE.replace("{message: hi}", "hi"), ["6:9"]),
        (ONE + "? [a, b]\n: c\n", ["a key must be text"]),
        ("x: " + "[" * 200 + "]" * 200, ["nests too deeply"]),
        (HEAD + "steps: {a: 1\n", ["4:1"]),
        (ONE.replace("hi", '"\\ud800"'), ["6:"]),
        (ONE.replace("hi", '"\x07"'), ["U+0007 has no place in YAML"]),
        (
            ONE.replace("{message: hi}", "{message: '${{ input.x }}'}"),
            ["6:19 there is no 'input' | Did you mean inputs?"],
        ),
        (ONE.replace("{message: hi}", "\n    message: ${{ 'a #b' }}"), ["7:14 the expression at column 1 has no end"]),
        (
            ONE.replace("{message: hi}", "\n    message: ${{ {a: b} }}"),
            ["7:", "Put a text with ${{ ... }} into quotes"],
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, content: str | bytes, expected: list[str]) -> None:
    told = mistakes(tmp_path, content)
    for wanted in expected:
        first, star, rest = wanted.partition("*")
        pieces = (first, rest) if star and not wanted.startswith("*") else (wanted,)
        assert any(all(piece in line for piece in pieces) for line in told), told
    assert all(line.split(":")[0].isdigit() for line in told)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    content = f"{HEAD}nope: 1\nsteps:\n- id: A\n  uses: note\n  tiemout: 5m\n- uses: 3\n"
    assert [line.split(" ")[0] for line in mistakes(tmp_path, content)] == ["3:1", "5:7", "7:3", "8:3", "8:9"]


def test_a_file_that_is_not_there_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="cannot be read"):
        read_playbook(tmp_path / "book.yaml")
    with pytest.raises(InvalidFileError, match="larger than"):
        read(tmp_path, ONE + "#" * 600_000)


def test_an_anchor_within_bounds_is_written_out(tmp_path: Path) -> None:
    content = (
        f"{HEAD}steps:\n- &one {{id: a, uses: note, with: &w {{message: hi}}}}\n"
        "- {id: b, uses: note, with: *w}\n- {<<: *one, id: c}\n"
    )
    assert [step.action.given["message"] for step in read(tmp_path, content).steps] == ["hi"] * 3


_WORDS = st.sampled_from(
    [*"{}[],'\"#|~\n\t1", "${{", "}}", "on", "<<", "*a", "&a ", "!!str ", ": ", "- ", "steps", "uses", "note"]
)


@given(content=st.one_of(st.binary(), st.lists(_WORDS).map("".join).map(str.encode)))
def test_anything_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "book.yaml"
    for data in (content, ONE.encode() + content):
        path.write_bytes(data)
        try:
            written = read_playbook(path)
        except InvalidPlaybookError as error:
            told = error.mistakes
        else:
            told = ()
            check(written.book, USES, JmespathValues(), lambda _: None)
        assert all(item.line >= 1 and item.column >= 1 for item in told)
