"""No command pays for what it does not use; the real process starts, prints, and ends as it should."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.cli.commands import tree
from tests.cli.rig import Cli

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {"boto3", "botocore", "pydantic", "yaml", "ruamel", "tenacity", "ministack", "filelock"}
PROBE = """
import sys
sys.argv = ["lambdaops", *{words!r}]
from lambdaops.__main__ import run
try:
    run()
except SystemExit:
    pass
print("LOADED", *sorted(name for name in sys.modules if "." not in name))
"""


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["release", "--help"], ["nosuch"]])
def test_nothing_heavy_is_imported_for(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", PROBE.format(words=words)], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert "sys" in loaded
    assert not loaded & HEAVY


def test_a_rollback_imports_no_panel_and_no_parser() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(words=["rollback", "orders:live"])],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "AWS_ENDPOINT_URL": "no url", "AWS_REGION": "eu-west-1"}
        | {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
    )
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert "botocore" in loaded
    assert not loaded & {"rich", "pydantic", "yaml", "tenacity", "ministack"}


@pytest.mark.parametrize("name", [*tree().commands])
def test_a_command_alone_is_what_it_is_among_all(name: str) -> None:
    def described(command: Any) -> Any:
        below = getattr(command, "commands", {})
        params = [
            (param.name, param.opts, param.nargs, param.required, param.default, type(param.type))
            for param in command.params
        ]
        return command.name, command.help, params, {word: described(one) for word, one in below.items()}

    assert described(tree(name).commands[name]) == described(tree().commands[name])
    assert [param.name for param in tree(name).params] == [param.name for param in tree().params]


def test_a_command_imports_no_other_command() -> None:
    probe = PROBE.format(words=["rollback", "--help"]).replace('if "." not in name', 'if "cli." in name')
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert "lambdaops.cli.rollback" in loaded
    assert not loaded & {f"lambdaops.cli.{name}" for name in ("release", "steer", "look", "sandbox", "dlq", "init")}


def test_a_misspelt_command_is_looked_for_among_all(tmp_path: Path) -> None:
    ran = Cli(tmp_path)("rolback", "orders:live")
    assert ran.code == 2
    assert "rollback" in ran.err


def test_version() -> None:
    done = subprocess.run([sys.executable, "-m", "lambdaops", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == "lambdaops 0.1.0\n"


def test_a_closed_pipe_is_no_traceback() -> None:
    command = f"{sys.executable} -m lambdaops --help | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
