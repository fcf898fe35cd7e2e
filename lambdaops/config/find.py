"""Where the configuration file is: named, or ``lambdaops.yaml`` here or above. Reads no content.

Rules this file guarantees: directories above are looked at only inside one's own repository or home directory, so that
nobody else's file (``/tmp/lambdaops.yaml``, even beside a ``/tmp/.git``) decides about a release.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "lambdaops.yaml"
VARIABLE = "LAMBDAOPS_CONFIG"
_MISTAKEN = "lambdaops.yml"
_SHARED = stat.S_ISVTX | stat.S_IWOTH


def find_config(given: Path | None, variables: Mapping[str, str], directory: Path) -> Path | None:
    """The file to read, or None when there is none; one that was named need not exist.

    Args:
        given: what --config says.
        variables: the environment of the process.
        directory: where we stand.

    Raises:
        InvalidFileError: ``lambdaops.yml`` stands where ``lambdaops.yaml`` would be looked for.
    """
    if given is not None:
        return directory / given
    if variables.get(VARIABLE):
        return directory / variables[VARIABLE]
    for place in _places(directory, variables.get("HOME", "")):
        if os.path.lexists(place / NAME):
            return place / NAME
        if os.path.lexists(place / _MISTAKEN):
            raise InvalidFileError(
                f"{place / _MISTAKEN} is not read: the file is called {NAME}",
                hint=f"Rename it, or name it with --config or {VARIABLE}.",
            )
    return None


def _places(directory: Path, home: str) -> list[Path]:
    """This directory, and those above it up to the root of the repository or the home directory if one is there."""
    places = [directory, *directory.parents]
    for number, place in enumerate(places, 1):
        if _shared(place):  # a .git in there may be anybody's
            break
        if (home and place == Path(home)) or os.path.lexists(place / ".git"):
            return places[:number]
    return places[:1]


def _shared(directory: Path) -> bool:
    """Whether everybody puts files of their own there, as into /tmp."""
    try:
        return directory.stat().st_mode & _SHARED == _SHARED
    except OSError:
        return True
