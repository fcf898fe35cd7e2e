"""A page that is written for people: whole, or not at all."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidFileError

if TYPE_CHECKING:
    from pathlib import Path


def write_page(path: Path, text: str) -> None:
    """Write a file for the owner alone, in the place of one that is there.

    Raises:
        InvalidFileError: it cannot be written; one that was there is as it was.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a directory")
        with contextlib.ExitStack() as stack:
            fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            stack.callback(lambda: beside.unlink(missing_ok=True))
            with open(fd, "w", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 -- of a descriptor
                file.write(text)
            beside.replace(path)
    except OSError as error:
        raise InvalidFileError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="Name a file in a directory with room and permission.",
        ) from error
