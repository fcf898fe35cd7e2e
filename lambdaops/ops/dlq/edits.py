"""The file of ``--edit``: messages as ``dlq dump`` writes them, changed by hand."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from lambdaops.core.dlq.dumped import NotALetterError, read_line
from lambdaops.core.dlq.fate import Edit
from lambdaops.core.errors import InvalidFileError

if TYPE_CHECKING:
    from pathlib import Path


def read_edits(path: Path) -> tuple[str, dict[str, Edit]]:
    """The SHA-256 of the file, and what stands in it by message id.

    Raises:
        InvalidFileError: it cannot be read, or a line is no letter, or one is there twice.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        raise InvalidFileError(f"{path}: cannot be read: {error.strerror or error}", hint="Name a file.") from error
    except UnicodeDecodeError as error:
        raise InvalidFileError(f"{path}: is not UTF-8 (byte {error.start + 1})", hint="Write it as UTF-8.") from None
    edits: dict[str, Edit] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            letter = read_line(line).letter
        except NotALetterError as error:
            raise InvalidFileError(
                f"{path}:{number}: is no letter: {error}",
                hint="A line of dlq dump is one; edit its body and attributes.",
            ) from None
        if letter.id in edits:
            raise InvalidFileError(f"{path}:{number}: letter {letter.id} is there twice", hint="Keep one of the two.")
        edits[letter.id] = Edit(letter.body, letter.attributes)
    return hashlib.sha256(data).hexdigest(), edits
