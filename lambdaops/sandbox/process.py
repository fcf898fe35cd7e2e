"""Background processes of the sandbox: started in a session of their own, ended with everything they started.

Rules this file guarantees: only a process whose command line carries our mark is ever signalled, because a pid may have
been given to somebody else since it was written down.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GRACE_SECONDS = 5.0
# Those we started ourselves must be waited for, or they stay zombies and look alive.
_children: dict[int, subprocess.Popen[bytes]] = {}


def launch(module: str, arguments: Sequence[str], variables: Mapping[str, str], log: Path) -> int:
    """Start ``python -m module`` in its own session, its output in ``log``; gives its pid."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as sink:
        child = subprocess.Popen(  # noqa: S603 -- our own module
            [sys.executable, "-m", module, *arguments],
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[child.pid] = child
    return child.pid


def running(pid: int, module: str) -> bool:
    """Whether this pid is alive and still our module."""
    child = _children.get(pid)
    if child is None:
        return module in _command_of(pid)
    if child.poll() is None:
        return True
    del _children[pid]
    return False


def end(pid: int, module: str) -> None:
    """Stop it and its children: politely, then not; returns when all are gone. Safe to repeat."""
    if not running(pid, module):
        return
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, sent)
        except (ProcessLookupError, PermissionError):
            return
        deadline = time.monotonic() + _GRACE_SECONDS
        while time.monotonic() < deadline:
            if not running(pid, module):
                _sweep(pid)
                return
            time.sleep(0.05)


def _sweep(group: int) -> None:
    """End what the leader left behind in its group."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return ""
    except OSError:
        return ""
    found = subprocess.run(  # noqa: S603 -- a number of ours
        ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S607 -- where there is no /proc
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout
