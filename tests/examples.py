"""More or fewer examples than the profile says, for a property that is harder or easier to break than most."""

from __future__ import annotations

from hypothesis import settings


def times(factor: float) -> settings:
    """So many times the profile's number of examples."""
    return settings(max_examples=round(settings().max_examples * factor))
