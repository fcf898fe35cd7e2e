"""The configuration's reader and anything at all: bytes, trees, and right documents made up by Hypothesis."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.config.read import Config, read_config
from lambdaops.core.errors import FileMistake, InvalidConfigError
from tests.config.right_documents import documents


def read(directory: str, content: bytes) -> Config:
    path = Path(directory, "lambdaops.yaml")
    path.write_bytes(content)
    return read_config(path)


_WORDS = st.sampled_from(
    [*"{}[],'\"#|~\n\t1", "version", "functions", "prod", "alias", "on", "<<", "*a", "&a ", "!!str ", ": ", "- ", "? "]
)


@given(st.one_of(st.binary(), st.text().map(str.encode), st.lists(_WORDS).map("".join).map(str.encode)))
def test_bytes_are_read_or_refused(content: bytes) -> None:
    read_or_refuse(content)


_KEYS = st.one_of(
    st.sampled_from(["version", "defaults", "strategies", "functions", "environments", "notify", "prod", "orders"]),
    st.sampled_from(
        ["alias", "strategy", "alarms", "ignore-alarms", "bake", "account", "region", "freeze", "[key]", "<<"]
    ),
    st.sampled_from(["name", "from", "to", "timezone", "slack", "url-from-env", "sns", "topic", "on", "reason"]),
    st.text(max_size=5),
)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | _KEYS
_TREES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=5), max_leaves=30
)


@given(st.dictionaries(_KEYS, _TREES, max_size=6))
def test_trees_are_read_or_refused(tree: dict[str, object]) -> None:
    read_or_refuse(json.dumps({"version": 1, **tree}, ensure_ascii=False).encode("utf-8", "replace"))


def read_or_refuse(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        try:
            found: tuple[FileMistake, ...] = ()
            assert read(directory, content).file.version == 1
        except InvalidConfigError as error:
            found = error.mistakes
    assert all(item.line >= 1 and item.column >= 1 and item.message for item in found)


@given(documents(), st.booleans())
def test_a_right_document_reads_back(document: dict[str, object], flow: bool) -> None:
    with tempfile.TemporaryDirectory() as directory:
        config = read(directory, yaml.safe_dump(document, default_flow_style=flow, allow_unicode=True).encode())
    assert config.file.model_dump(by_alias=True, exclude_unset=True) == document
