"""What was found that could be released: in an account, or in a template. The beginning of a configuration file."""

from __future__ import annotations

from dataclasses import dataclass

# The names teams give to the alias that customers use, most telling first.
_LIVE_NAMES = ("live", "prod", "production", "prd", "current", "stable", "main", "default")
_SCALING = "TargetTracking-"


@dataclass(frozen=True, slots=True)
class FoundAlarm:
    """An alarm that may object to a release; ``note`` is what must be known of it.

    An alarm that is not ``usable`` is shown, but not to be used as it stands.
    """

    name: str
    note: str = ""
    usable: bool = True


@dataclass(frozen=True, slots=True)
class FoundTarget:
    """A function with an alias that a release could move; ``strategy`` is empty where nothing says how."""

    function: str
    alias: str
    alarms: tuple[FoundAlarm, ...] = ()
    strategy: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A function that cannot be released as it is, and why."""

    function: str
    why: str


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything found in ``source``; account and region are empty where it does not say them."""

    source: str
    account: str = ""
    region: str = ""
    targets: tuple[FoundTarget, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


def choose_alias(names: tuple[str, ...]) -> str:
    """The alias among these that most likely serves customers."""
    known = [name for name in _LIVE_NAMES if name in names]
    return known[0] if known else min(names)


def scales(alarm: str) -> bool:
    """Whether this alarm drives Application Auto Scaling: it goes into ALARM in good health.

    "TargetTracking-..." is how it names the alarms it makes: Application Auto Scaling user guide.
    """
    return alarm.startswith(_SCALING)
