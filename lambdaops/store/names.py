"""Which targets have a journal here, by the names of the files alone: for a shell that waits for completions.

Nothing is opened and nothing is checked; ``FileJournals.targets`` is the list that an audit needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.store.places import SUFFIX, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def journal_places(home: Path) -> tuple[Place, ...]:
    """The places that have a journal, sorted by name; none where the directory cannot be read."""
    try:
        return tuple(sorted(_found(home), key=lambda place: (place.name, place.arn)))
    except OSError:
        return ()


def _found(home: Path) -> Iterator[Place]:
    for path in (home / "journal").glob(f"*/*/*/*{SUFFIX}"):
        account, region, function, name = path.parts[-4:]
        place = Place.of_path(account, region, function, name.removesuffix(SUFFIX))
        if place is not None:
            yield place
