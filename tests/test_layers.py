"""Imports point down only, and each outside library is imported in its own layer only. Read from the source by AST."""

from __future__ import annotations

import ast
import functools
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "lambdaops"
ROWS = [{"cli"}, {"ops", "render", "aws", "store", "sandbox", "config", "notify", "query"}, {"ports"}, {"core"}]
RANK = {name: rank for rank, names in enumerate(ROWS) for name in names}
# Where each third-party library may be imported. The sandbox is an AWS user of its own, not part of the product path.
HOMES = {
    "boto3": {"aws", "sandbox"},
    "botocore": {"aws", "sandbox"},
    "urllib3": {"notify"},
    "tenacity": {"aws"},
    "rich": {"render"},
    "typer": {"cli"},
    "ministack": {"sandbox"},
    "platformdirs": {"store"},
    "filelock": {"store"},
    "yaml": {"config"},
    "pydantic": {"config"},
    "pydantic_core": {"config"},
    "jmespath": {"query"},
    "cryptography": {"store"},
}
ENTRY = {"__init__", "__main__"}


def layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@functools.cache
def imports(path: Path) -> set[str]:
    """Every module this file imports, lazily or not, for types or not."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names} if module == "lambdaops" else {module}
    return found


def violations(path: Path) -> list[str]:
    here = layer(path)
    bad = []
    for module in sorted(imports(path)):
        top, _, rest = module.partition(".")
        if top == "lambdaops":
            there = rest.split(".")[0]
            if there in RANK and here in RANK and there != here and RANK[there] <= RANK[here]:
                bad.append(f"{here} imports {there} ({module})")
        elif top in HOMES and here not in HOMES[top]:
            bad.append(f"{here} imports {top}")
        elif here == "core" and top not in sys.stdlib_module_names:
            bad.append(f"core imports {top}")
    return bad


SOURCES = sorted(path for path in ROOT.rglob("*.py") if "builds" not in path.parts or path.name == "__init__.py")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    assert violations(path) == []


def test_every_file_is_in_a_known_layer() -> None:
    assert {layer(path) for path in SOURCES} - ENTRY <= set(RANK)


def test_the_core_knows_no_clock_and_no_io() -> None:
    banned = {"time", "os", "pathlib", "subprocess", "socket", "io", "logging", "random"}
    for path in (ROOT / "core").rglob("*.py"):
        assert not {module.partition(".")[0] for module in imports(path)} & banned, path
        assert ".now(" not in path.read_text(encoding="utf-8"), path


def test_a_violation_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "core").mkdir()
    bad = tmp_path / "core" / "bad.py"
    bad.write_text("def f() -> None:\n    import boto3\n    from lambdaops.cli import app\n")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert violations(bad) == ["core imports boto3", "core imports cli (lambdaops.cli)"]
