"""A cancelled run on GitHub: SIGINT to the step's own process, SIGTERM after 7.5 seconds, the end 2.5 seconds later."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.wire.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wire.conftest import Function, Shell

UNTIL_SIGTERM = 7.5
SLOW = ("--strategy", "10%:60s,100%:60s", "--look-every", "10s", "--yes")


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM], ids=lambda asked: asked.name)
def test_a_cancelled_step_goes_back_in_time_and_says_so(
    function: Function, shell: Shell, tmp_path: Path, asked: signal.Signals
) -> None:
    page, told = tmp_path / "summary.md", tmp_path / "output"
    step = f"exec {sys.executable} -m lambdaops release {function.target} --to 2 {shlex.join(SLOW)}"
    process = subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step],
        env={
            **shell.environment(),
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(page),
            "GITHUB_OUTPUT": str(told),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: function.alias() == ("1", {"2": 0.1}))
    cancelled = time.monotonic()
    process.send_signal(asked)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - cancelled < UNTIL_SIGTERM
    assert process.returncode == 4, err
    assert function.alias() == ("1", {})
    assert "\noutcome=rolled back\n" in f"\n{told.read_text('utf-8')}"
    assert f"lambdaops release {function.target}: rolled back" in page.read_text("utf-8")
    assert err.count("::group::") == err.count("::endgroup::") == 1
