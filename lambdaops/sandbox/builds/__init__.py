"""The shop's code: real handlers in several builds, packed into zips that are the same every time."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

_HERE = Path(__file__).parent
# The oldest time a zip can hold: the same code must always have the same hash.
_EPOCH = (1980, 1, 1, 0, 0, 0)
FUNCTIONS = ("orders", "invoices", "nightly")


def builds_of(function: str) -> tuple[str, ...]:
    """The builds there are of a function: v1, good, ..."""
    return tuple(sorted(path.stem for path in (_HERE / function).glob("*.py") if path.stem != "__init__"))


def zip_build(function: str, build: str) -> bytes:
    """A deployment package whose handler is ``app.handler``."""
    source = (_HERE / function / f"{build}.py").read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("app.py", _EPOCH), source)
    return packed.getvalue()


def write_builds(directory: Path) -> Path:
    """Write every build as ``FUNCTION-BUILD.zip``; gives the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for function in FUNCTIONS:
        for build in builds_of(function):
            (directory / f"{function}-{build}.zip").write_bytes(zip_build(function, build))
    return directory
