"""``python -m benchmarks.startup``: what --version, --help and a command cost beside a three-command typer app."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.pairs import compare, report

THREE_COMMANDS = '''
import typer
app = typer.Typer()
@app.callback(invoke_without_command=True)
def root(version: bool = False) -> None:
    """Three commands."""
    if version:
        print("three 1.0")
@app.command()
def one(name: str) -> None:
    """One."""
@app.command()
def two(count: int = 1) -> None:
    """Two."""
@app.command()
def three() -> None:
    """Three."""
app()
'''


def main(runs: int = 15) -> None:
    with tempfile.TemporaryDirectory() as directory:
        small = Path(directory) / "three.py"
        small.write_text(THREE_COMMANDS, "utf-8")
        variables = {**os.environ, "LAMBDAOPS_HOME": directory}
        ours = [sys.executable, "-m", "lambdaops"]
        theirs = [sys.executable, str(small)]
        for word in ("--version", "--help"):
            medians = compare(
                {f"lambdaops {word}": [*ours, word], f"three-command app {word}": [*theirs, word]}, variables, runs
            )
            report(medians, f"three-command app {word}")
        medians = compare(
            {"lambdaops audit list": [*ours, "audit", "list"], "three-command app": [*theirs, "three"]}, variables, runs
        )
        report(medians, "three-command app")


if __name__ == "__main__":
    main()
