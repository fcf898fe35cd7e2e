"""The demo, as a user runs it: every step as told, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.wire.fidelity.test_server import mentioning

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.undisturbed
@pytest.mark.timeout(400)
def test_the_demo_ends_as_told_and_leaves_nothing(tmp_path: Path) -> None:
    mark = f"LAMBDAOPS_MARK={tmp_path.name}"
    variables = {**os.environ, "TMPDIR": str(tmp_path), "LAMBDAOPS_MARK": tmp_path.name}
    done = subprocess.run(
        [sys.executable, "-m", "lambdaops", "demo"], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "exit 4 after" in done.stderr
    assert "journals valid" in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert mentioning(mark) == []
