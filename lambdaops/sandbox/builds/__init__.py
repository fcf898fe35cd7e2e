"""The shop's code: real handlers in several builds, packed into zips that are the same every time.

Rules this file guarantees: the same source gives the same bytes, hence the same CodeSha256, on every machine and day;
a package that is on disk already is not written again, so a release that reads it never sees half a file.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

_HERE = Path(__file__).parent
# The oldest time a zip can hold: the same code must always have the same hash.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
# Lambda unpacks as another user than the one that runs the code: zipfile's 0600 ends in "permission denied" there.
_READABLE_FILE = 0o100644 << 16
FUNCTIONS = ("orders", "invoices", "nightly")


def builds_of(function: str) -> tuple[str, ...]:
    """The builds there are of a function: v1, good, ..."""
    return tuple(sorted(path.stem for path in (_HERE / function).glob("*.py") if path.stem != "__init__"))


def zip_build(function: str, build: str) -> bytes:
    """A deployment package whose handler is ``app.handler``."""
    # Stored, not deflated: another zlib compresses the same source to other bytes.
    app = zipfile.ZipInfo("app.py", _EPOCH)
    app.compress_type = zipfile.ZIP_STORED
    app.create_system = _UNIX
    app.external_attr = _READABLE_FILE
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(app, (_HERE / function / f"{build}.py").read_bytes())
    return packed.getvalue()


def write_builds(directory: Path) -> Path:
    """Write every build as ``FUNCTION-BUILD.zip``; gives the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for function in FUNCTIONS:
        for build in builds_of(function):
            _write(directory / f"{function}-{build}.zip", zip_build(function, build))
    return directory


def _write(path: Path, package: bytes) -> None:
    if path.exists() and path.read_bytes() == package:
        return
    draft = path.with_suffix(".new")
    draft.write_bytes(package)
    draft.replace(path)
