"""Runs commands to their end, each a process of its own, forked from one that has imported everything.

Importing is half of what a command takes, and the same each time. What a process is started with (variables, streams,
arguments) it gets here as well; that it starts at all is shown by every test that needs one to send a signal to.
"""

from __future__ import annotations

import multiprocessing
import os
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import lambdaops
from lambdaops.__main__ import run as command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(
    [
        "boto3.session",
        *(
            found.name
            for found in pkgutil.walk_packages(lambdaops.__path__, "lambdaops.")
            if not found.name.startswith(("lambdaops.__main__", "lambdaops.sandbox"))
        ),
    ]
)


def run(words: Sequence[str], environment: Mapping[str, str], within: float) -> tuple[int, str, str]:
    """One command: its exit code, output and messages.

    Raises:
        subprocess.TimeoutExpired: it took longer than so many seconds, and was killed.
    """
    with tempfile.TemporaryDirectory() as directory:
        out, err = Path(directory, "out"), Path(directory, "err")
        out.touch()
        err.touch()
        process = _FORKING.Process(
            target=_command, args=(list(words), dict(environment), str(out), str(err)), daemon=True
        )
        process.start()
        process.join(within)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(words), within, out.read_bytes(), err.read_bytes())
        code = process.exitcode
        process.close()
        return code, out.read_text("utf-8"), err.read_text("utf-8")


def _command(words: list[str], environment: dict[str, str], out: str, err: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for number, (path, flags) in enumerate(((os.devnull, os.O_RDONLY), (out, os.O_WRONLY), (err, os.O_WRONLY))):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 -- multiprocessing has put another there
    sys.argv = ["lambdaops", *words]
    command()
