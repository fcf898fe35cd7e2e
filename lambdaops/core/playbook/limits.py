"""How far a run may reach: the targets that it, and the runs that its steps began, have acted on, and may act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LIMITS = "limits: "
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Bound:
    """How many targets the runs of a playbook may act on, and what this one has acted on so far."""

    playbook: str
    most: int
    used: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Above:
    """What a run has from the run that it is a step of.

    Attributes:
        run: the run that a person began, at the top.
        bounds: of the runs above it: what it acts on counts for them as well.
        override: why limits do not count, its own included; empty if they do.
    """

    run: str = ""
    bounds: tuple[Bound, ...] = ()
    override: str = ""


NOTHING_ABOVE = Above()
"""That of a run that a person began."""


def beyond(bounds: Sequence[Bound], used: frozenset[str], targets: Iterable[str]) -> str:
    """Why nobody may act on these targets as well, in words; empty if that is within all bounds.

    Args:
        bounds: of the run, and of those above it.
        used: what the run has acted on.
        targets: what is to be acted on.
    """
    wanted = tuple(dict.fromkeys(targets))
    for bound in bounds:
        known = used.union(bound.used)
        new = [target for target in wanted if target not in known]
        if new and len(known) + len(new) > bound.most:
            count = len(known) + len(new)
            most = f"{bound.most} target{'s' if bound.most > 1 else ''}"
            return f"{named(new)}: {bound.playbook} may act on {most}, and that would be {count}"
    return ""


def named(targets: Sequence[str]) -> str:
    """The first few, by name."""
    return ", ".join(targets[:_MOST_NAMED]) + ("..." if len(targets) > _MOST_NAMED else "")


def excuse(why: str) -> tuple[str, ...]:
    """How the journal says that limits do not count; nothing if they do."""
    return (f"{_LIMITS}{why}",) if why else ()


def excused(overrides: Iterable[str]) -> str:
    """Why limits do not count, as :func:`excuse` said; empty if they do."""
    return next((one.removeprefix(_LIMITS) for one in overrides if one.startswith(_LIMITS)), "")
