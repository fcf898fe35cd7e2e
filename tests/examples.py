"""More or fewer examples than the profile says, for a property that is harder or easier to break than most."""

from __future__ import annotations

from hypothesis import settings


def tries(many: int) -> int:
    """So many in the thorough profile, fewer in the quick one: for a test marked ``thorough``."""
    return max(1, many * settings().max_examples // 100)


def times(factor: float) -> settings:
    """So many times the profile's number of examples."""
    return settings(max_examples=round(settings().max_examples * factor))
