"""docs/dlq.md says what the code does: the kinds, the fields, the examples."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lambdaops.core.dlq.dead import Kind
from lambdaops.core.dlq.view import FIELDS
from lambdaops.query.expression import compile_filter, compile_transform

PAGE = (Path(__file__).parent.parent / "docs" / "dlq.md").read_text("utf-8")


def test_every_kind_is_in_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| .* \| .* \|$", PAGE, re.MULTILINE)
    assert set(rows) == {kind.value for kind in Kind}


def test_the_fields_are_those_that_expressions_see() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", PAGE, re.MULTILINE))
    assert rows == FIELDS


@pytest.mark.parametrize("line", re.findall(r"^(--(?:filter|transform) .*)$", PAGE, re.MULTILINE))
def test_the_expressions_can_be_read(line: str) -> None:
    option, expression = shlex.split(line, comments=True)
    (compile_filter if option == "--filter" else compile_transform)(expression)
