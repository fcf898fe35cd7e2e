"""Where code to publish comes from: a zip on disk, an object in S3, an image; and the commit it was built from."""

from __future__ import annotations

import re
import subprocess
import zipfile
from typing import TYPE_CHECKING

from lambdaops.cli.ci_run import commit_in
from lambdaops.core.errors import InvalidFileError, UsageError
from lambdaops.ports import Code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# "50 MB (zipped, for direct upload)": Lambda quotas.
_DIRECT_UPLOAD_LIMIT = 50 * 1024 * 1024
_S3 = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<key>[^@]+)(?:@(?P<version>[^@]+))?")
_SHORT = 12
_GIT_PATIENCE_SECONDS = 2


def code_from(zip_file: Path | None, s3: str | None, image: str | None) -> Code | None:
    """The code named by these options, or None when none is given.

    Raises:
        UsageError: more than one is given, or an S3 address that is none.
        InvalidFileError: the zip is missing, unreadable, empty, too large, or not a zip.
    """
    given = [name for name, value in (("--zip", zip_file), ("--s3", s3), ("--image", image)) if value is not None]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other", hint="Give exactly one of them.")
    if zip_file is not None:
        return Code(zip=_read_zip(zip_file))
    if s3 is not None:
        found = _S3.fullmatch(s3)
        if not found:
            raise UsageError(f"{s3!r} is not an S3 address", hint="Write s3://BUCKET/KEY or s3://BUCKET/KEY@VERSION.")
        return Code(s3=(found["bucket"], found["key"], found["version"]))
    return Code(image=image) if image is not None else None


def _read_zip(path: Path) -> bytes:
    try:
        if path.stat().st_size > _DIRECT_UPLOAD_LIMIT:
            raise InvalidFileError(
                f"{path} is larger than the 50 MB that Lambda takes directly",
                hint="Upload it to S3 and use --s3 s3://BUCKET/KEY.",
            )
        content = path.read_bytes()
    except OSError as error:
        raise InvalidFileError(
            f"{path} cannot be read: {error.strerror}", hint="Build it first, or check the path."
        ) from error
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            empty = not archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError) as error:
        raise InvalidFileError(
            f"{path} is not a zip file: {error}", hint="Lambda code is uploaded as a zip: zip -r code.zip ."
        ) from error
    if damaged is not None or empty:
        what = f"has a damaged member {damaged!r}" if damaged else "is empty"
        raise InvalidFileError(f"{path} {what}", hint="Build it again.")
    return content


def commit_of(variables: Mapping[str, str], directory: Path) -> str:
    """The git commit being published: what CI says, else the checkout we stand in, else nothing."""
    if told := commit_in(variables):
        return told[:_SHORT]
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"],  # noqa: S607 -- git is whatever the user's PATH says
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=_GIT_PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
