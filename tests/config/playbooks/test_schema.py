"""The JSON Schema of playbooks: it takes what the reader takes, and refuses typos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from lambdaops.config.document import read_document
from lambdaops.config.playbooks.read import read_playbook
from lambdaops.config.playbooks.schema import playbook_schema
from lambdaops.core.errors import InvalidPlaybookError
from lambdaops.core.playbook.check import check
from lambdaops.query.values import JmespathValues
from tests.config.playbooks.test_read import HEAD, ONE, WHOLE
from tests.sim.playing import USES

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = playbook_schema(USES)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def judged(directory: Path, content: str) -> tuple[bool, bool]:
    """Whether the schema takes it, and whether the reader and the check do."""
    path = directory / "book.yaml"
    path.write_text(content, "utf-8")
    data: Any = read_document(path).data
    try:
        written = read_playbook(path)
        written.require_flawless(check(written.book, USES, JmespathValues(), lambda _: None))
    except InvalidPlaybookError:
        ours = False
    else:
        ours = True
    return VALIDATOR.is_valid(data), ours


def step(uses: str, given: str) -> str:
    return f"{HEAD}inputs: {{x: }}\nsteps:\n- {{id: a, uses: {uses}, with: {given}}}\n"


def test_it_is_a_schema_and_everything_in_it_is_described() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    text = str(SCHEMA)
    assert "wait-for" in text
    assert "What it is done to." in text


@pytest.mark.parametrize(
    "content",
    [
        ONE,
        WHOLE,
        step("ship", "{name: a, count: 3, force: false, tag: [a], more: {x: 1}, mode: fast}"),
        step("ship", "{name: 7, tag: a}"),
        ONE + '  compensate: {uses: unship, with: {name: x}, if: "${{ outputs.message }}"}\n',
        ONE + "  compensate: {uses: unship, with: {name: x}, if: true}\n",
        step("ship", "{name: '${{ inputs.x }}', tag: '${{ inputs.x }}', mode: '${{ inputs.x }}'}"),
        step(
            "ship",
            "{name: a, count: \"${{ length('abc') }}\", force: \"${{ 'a' == 'b' }}\", more: \"${{ {a: 'b'} }}\"}",
        ),
        step("wait-for", "{time: 5s}"),
        step("assert", "{that: [1, {a: null}]}"),
        step("check", "{alarms: [a], fail: false}"),
        step("aws", "{service: sts, call: GetCallerIdentity}"),
    ],
)
def test_it_takes_what_is_right(tmp_path: Path, content: str) -> None:
    assert judged(tmp_path, content) == (True, True)


@pytest.mark.parametrize(
    "content",
    [
        ONE.replace("uses: note", "uses: ntoe"),
        ONE.replace("message:", "mesage:"),
        ONE + "  onFailiure: abort\n",
        ONE + "  on_failure: abort\n",
        ONE + "  timeout: 5\n",
        ONE + "  retry: {attempts: 1}\n",
        ONE + "  compensate: {uses: unship, with: {nmae: x}}\n",
        ONE + "  compensate: {uses: unshp}\n",
        ONE + "  compensate: {uses: unship, with: {name: x}, if: 3}\n",
        ONE + "  compensate: {uses: unship, with: {name: x}, If: true}\n",
        ONE + "limits: {targets: 0}\n",
        ONE + "inputs: {a: {type: strnig}}\n",
        ONE.replace("version: 1", "version: 2"),
        ONE.replace("id: a", "id: A-b"),
        ONE.replace("name: book", "name: Book"),
        HEAD + "steps: []\n",
        HEAD,
        step("ship", "{count: 3}"),
        step("ship", "{name: a, count: x}"),
        step("ship", "{name: a, force: maybe}"),
        step("ship", "{name: a, force: 1}"),
        step("ship", "{name: a, mode: fats}"),
        step("ship", "{name: [a]}"),
        step("ship", "{name: a, more: x}"),
        step("ship", "{name: a, tag: {x: 1}}"),
        step("ship", "{name: a, yes: true}"),
    ],
)
def test_it_refuses_what_the_reader_and_the_check_refuse(tmp_path: Path, content: str) -> None:
    assert judged(tmp_path, content) == (False, False)


def test_a_step_without_what_it_needs_is_refused(tmp_path: Path) -> None:
    assert judged(tmp_path, f"{HEAD}steps:\n- {{id: a, uses: note}}\n") == (False, False)
