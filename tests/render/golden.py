"""Golden files: what a renderer writes, kept beside the tests.

``UPDATE_GOLDEN=1 pytest tests/render`` writes them anew; read the difference before you keep it.
"""

from __future__ import annotations

import os
from pathlib import Path

_FOLDER = Path(__file__).parent / "golden"


def check(name: str, text: str) -> None:
    """Compare with the golden file of this name."""
    path = _FOLDER / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"no golden file {path.name}: run with UPDATE_GOLDEN=1 and read what it says"
    assert text == path.read_text(encoding="utf-8")
