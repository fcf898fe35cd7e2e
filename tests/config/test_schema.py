"""The JSON Schema of the configuration: it says what the reader says, as far as a schema can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given

from lambdaops.config.document import read_document
from lambdaops.config.read import read_config
from lambdaops.config.schema import json_schema
from lambdaops.core.errors import InvalidConfigError
from tests.config.right_documents import documents
from tests.config.test_read import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
PROD = 'environments: {prod: {account: "111122223333", region: eu-central-1%s}}'


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]


def properties(part: Any, way: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, dict):
        for name, inner in part.get("properties", {}).items():
            yield f"{way}/{name}", inner
        for name, inner in part.items():
            yield from properties(inner, f"{way}/{name}")
    elif isinstance(part, list):
        for inner in part:
            yield from properties(inner, way)


def test_every_property_is_described() -> None:
    found = dict(properties(SCHEMA))
    assert len(found) > 30
    assert [way for way, part in found.items() if not part.get("description", "").endswith(".")] == []
    assert not any({"title", "default"} & part.keys() for part in found.values())


@given(documents())
def test_it_takes_what_the_reader_takes(document: dict[str, object]) -> None:
    VALIDATOR.validate(document)


def judged(directory: Path, content: str) -> tuple[bool, bool]:
    """Whether the schema takes it, and whether the reader does."""
    path = directory / "lambdaops.yaml"
    path.write_text(content, "utf-8")
    try:
        read_config(path)
    except InvalidConfigError:
        reads = False
    else:
        reads = True
    return VALIDATOR.is_valid(read_document(path).data), reads


@pytest.mark.parametrize(
    "content",
    [
        WHOLE,
        "version: 1",
        "version: 1\ndefaults:\nstrategies:\nfunctions:\nenvironments:\n",
        "version: 1\nfunctions: {orders: , carts: {}}",
        f"version: 1\nfunctions: {{orders: }}\n{PROD % ', functions: {orders: }'}",
        f"version: 1\n{PROD % ', functions: '}",
        f"version: 1\n{PROD % ', freeze: [], notify: []'}",
        "version: 1\nenvironments: {prod: {account: 111122223333, region: eu-central-1}}",
        "version: 1\ndefaults: {bake: 0s, look-every: 1h30m, patience: 1d2h3m4s}",
    ],
)
def test_right(tmp_path: Path, content: str) -> None:
    assert judged(tmp_path, content) == (True, True)


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "functions: {}",
        "version: 2",
        "version: '1'",
        "version: true",
        "version: 1\nfunction: {}",
        "version: 1\nfunctions: []",
        "version: 1\nfunctions: {orders: live}",
        "version: 1\nfunctions: {'a b': {}}",
        "version: 1\nfunctions: {orders: {alias: }}",
        "version: 1\nfunctions: {orders: {alias: 5}}",
        "version: 1\nfunctions: {orders: {alias: $LATEST}}",
        "version: 1\nfunctions: {orders: {alias: '12'}}",
        "version: 1\ndefaults: {stragety: canary}",
        "version: 1\ndefaults: {ignore_alarms: []}",
        "version: 1\ndefaults: {alarms: }",
        "version: 1\ndefaults: {alarms: x}",
        "version: 1\ndefaults: {alarms: [5]}",
        "version: 1\ndefaults: {bake: 5}",
        "version: 1\ndefaults: {bake: ''}",
        "version: 1\ndefaults: {bake: 5 minutes}",
        "version: 1\ndefaults: {look-every: 0s}",
        "version: 1\ndefaults: {on-inconclusive: wait}",
        "version: 1\ndefaults: {reason: yes}",
        "version: 1\nstrategies: {a b: canary}",
        "version: 1\nstrategies: {a: }",
        "version: 1\nenvironments: {prod: }",
        "version: 1\nenvironments: {prod: {}}",
        "version: 1\nenvironments: {-x: {account: '111122223333', region: eu-central-1}}",
        "version: 1\nenvironments: {prod: {account: 11112222333, region: eu-central-1}}",
        "version: 1\nenvironments: {prod: {account: '111122223333', region: Frankfurt}}",
        f"version: 1\n{PROD % ', confirm: no'}",
        f"version: 1\n{PROD % ', profile: '}",
        f"version: 1\n{PROD % ', freeze: '}",
        f"version: 1\n{PROD % ', freeze: [{name: n}]'}",
        f"version: 1\n{PROD % ', freeze: [{name: n, from: Fri, to: 16:00, timezone: UTC}]'}",
        "version: 1\nnotify:",
        "version: 1\nnotify: [{}]",
        "version: 1\nnotify: [{slack: }]",
        "version: 1\nnotify: [{slack: {}}]",
        "version: 1\nnotify: [{slack: {url-from-env: A}, eventbridge: {bus: b}}]",
        "version: 1\nnotify: [{slack: {url-from-env: 'https://x'}}]",
        "version: 1\nnotify: [{sns: {topic: releases}}]",
        "version: 1\nnotify: [{eventbridge: {bus: b}, on: []}]",
        "version: 1\nnotify: [{eventbridge: {bus: b}, on: [ended]}]",
    ],
)
def test_wrong(tmp_path: Path, content: str) -> None:
    assert judged(tmp_path, content) == (False, False)


@pytest.mark.parametrize(
    "content",
    [
        "version: 1\ndefaults: {strategy: carefull}",
        "version: 1\ndefaults: {alarms: ['*']}",
        "version: 1\ndefaults: {bake: 8d}",
        f"version: 1\n{PROD % ', functions: {order: {}}'}",
        f"version: 1\n{PROD % ', freeze: [{name: n, from: Fri 25:00, to: Mon 07:00, timezone: Berlin}]'}",
    ],
)
def test_what_only_the_reader_sees(tmp_path: Path, content: str) -> None:
    """Names of other parts, zones and patterns: more than a schema can say."""
    assert judged(tmp_path, content) == (True, False)
