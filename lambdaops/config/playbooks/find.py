"""Where playbooks are: ``./playbooks``, the directories that lambdaops.yaml names, and those that come with us.

Rules this file guarantees: a name means one playbook, and it is always said where that is; one's own goes before one
that comes with us, two of one's own under one name are refused.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import lambdaops
from lambdaops.core.errors import NotFoundError, UsageError
from lambdaops.core.playbook.hints import near

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SUFFIX = ".yaml"
DIRECTORY = "playbooks"


class Origin(enum.StrEnum):
    """Whose a playbook is."""

    HERE = "here"
    CONFIG = "lambdaops.yaml"
    SHIPPED = "shipped"


@dataclass(frozen=True)
class Place:
    """A playbook's file; ``hidden`` if another one of this name goes before it."""

    name: str
    path: Path
    origin: Origin
    hidden: bool = False


def shipped() -> Path:
    """The directory of the playbooks that come with us."""
    installed = Path(lambdaops.__file__).parent / DIRECTORY
    # In a checkout they stand beside the package.
    return installed if installed.is_dir() else Path(lambdaops.__file__).parent.parent / DIRECTORY


def places(directory: Path, configured: Iterable[Path]) -> tuple[Place, ...]:
    """Every playbook, by name; nothing is read.

    Args:
        directory: where we stand.
        configured: the directories that the configuration names.
    """
    found: dict[Path, Place] = {}
    roots = [(directory / DIRECTORY, Origin.HERE), *((path, Origin.CONFIG) for path in configured)]
    for root, origin in [*roots, (shipped(), Origin.SHIPPED)]:
        for path in sorted(root.glob(f"*{SUFFIX}")):
            real = path.resolve()
            # In our own checkout ./playbooks is what comes with us.
            if real not in found or origin is Origin.SHIPPED:
                found[real] = Place(path.stem, path, origin)
    ours = {place.name for place in found.values() if place.origin is not Origin.SHIPPED}
    ordered = sorted(found.values(), key=lambda place: (place.name, place.origin is Origin.SHIPPED))
    return tuple(
        Place(place.name, place.path, place.origin, place.origin is Origin.SHIPPED and place.name in ours)
        for place in ordered
    )


def find(text: str, directory: Path, known: Sequence[Place]) -> Place:
    """The playbook of this name, or in this file.

    Raises:
        NotFoundError: there is none.
        UsageError: two of one's own have this name.
    """
    if text.endswith((SUFFIX, ".yml")) or "/" in text:
        path = directory / text
        return next((place for place in known if place.path == path), Place(path.stem, path, Origin.HERE))
    meant = [place for place in known if place.name == text and not place.hidden]
    if not meant:
        raise NotFoundError(
            f"there is no playbook {text!r}",
            hint=near(text, [place.name for place in known]) or "lambdaops playbook list shows those there are.",
        )
    if len(meant) > 1:
        raise UsageError(
            f"two playbooks are called {text}: {' and '.join(str(place.path) for place in meant)}",
            hint="Rename one of them, or name the file.",
        )
    return meant[0]
