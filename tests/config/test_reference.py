"""The configuration's page says the same as the code: every key, every default, and examples that are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambdaops.cli import defaults
from lambdaops.config.models import (
    CheckpointSettings,
    EnvironmentSettings,
    EventBridgeSettings,
    File,
    FreezeSettings,
    FunctionSettings,
    MetricSettings,
    NotifySettings,
    SlackSettings,
    SnsSettings,
)
from lambdaops.config.read import read_config

if TYPE_CHECKING:
    from pydantic import BaseModel

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "config.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
TABLES: list[tuple[str, type[BaseModel]]] = [
    ("Top", File),
    ("A function", FunctionSettings),
    ("An environment", EnvironmentSettings),
]
SENTENCES: list[tuple[str, type[BaseModel]]] = [
    ("Freeze windows", FreezeSettings),
    ("Metrics", MetricSettings),
    ("Notifications", NotifySettings),
    ("Notifications", SlackSettings),
    ("Notifications", SnsSettings),
    ("Notifications", EventBridgeSettings),
    ("Checkpoints", CheckpointSettings),
]


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


@pytest.mark.parametrize(("title", "model"), TABLES)
def test_a_table_has_every_key_in_the_file_s_order(title: str, model: type[BaseModel]) -> None:
    assert re.findall(r"^\| `([^`]+)` \|", section(title), re.MULTILINE) == keys(model)


@pytest.mark.parametrize(("title", "model"), SENTENCES)
def test_the_other_keys_are_named_where_they_belong(title: str, model: type[BaseModel]) -> None:
    for key in keys(model):
        assert f"`{key}`" in section(title), key


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("strategy", defaults.STRATEGY),
        ("bake", defaults.BAKE),
        ("look-every", defaults.LOOK_EVERY),
        ("patience", defaults.PATIENCE),
        ("on-inconclusive", defaults.ON_INCONCLUSIVE),
        ("compare", defaults.COMPARE),
        ("tolerance", defaults.TOLERANCE),
        ("alpha", defaults.ALPHA),
        ("min-requests", defaults.MIN_REQUESTS),
        ("period", defaults.PERIOD),
    ],
)
def test_what_is_built_in_is_what_the_page_says(key: str, value: str) -> None:
    assert f"| `{key}` | `{value}` |" in section("A function")


def blocks() -> list[str]:
    """Those of the configuration; a playbook says what it is called."""
    found = re.findall(r"```yaml\n(.*?)```", PAGE + README, re.DOTALL)
    kept = [text for text in found if not re.search(r"^name: ", text, re.MULTILINE)]
    assert len(kept) >= 3
    return kept


@pytest.mark.parametrize("text", blocks())
def test_every_example_is_read_without_a_mistake(text: str, tmp_path: Path) -> None:
    path = tmp_path / "lambdaops.yaml"
    path.write_text(text, "utf-8")
    assert read_config(path).file.version == 1
