"""What holds for one target, key by key, and where each value comes from: for people who ask why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.duration import format_duration
from lambdaops.core.reports import SettingRow
from lambdaops.core.stores import FILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from lambdaops.config.resolve import Resolved
    from lambdaops.core.settings import Settings

BUILT_IN = "built-in default"


def explain(resolved: Resolved, defaults: Mapping[str, str]) -> tuple[SettingRow, ...]:
    """One row for each key of the file that has a value, in the file's order.

    Args:
        resolved: the settings of a target, and where they stand.
        defaults: what holds for a key that the file does not say.
    """
    rows = []
    for key, value in _values(resolved.settings):
        origin = resolved.origins.get(key.replace("-", "_"), BUILT_IN)
        shown = value or (defaults.get(key, "") if origin == BUILT_IN else "none")
        if shown:
            rows.append(SettingRow(key, shown, origin))
    return tuple(rows)


def _values(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "account", settings.account or ""
    yield "region", settings.region or ""
    yield "profile", settings.profile or ""
    yield "confirm", settings.confirm.value
    yield "freeze", ", ".join(str(window) for window in settings.freeze)
    yield "notify", ", ".join(str(channel) for channel in settings.notify)
    yield "store", str(settings.store or FILES)
    yield "checkpoint", settings.checkpoint.to if settings.checkpoint is not None else ""
    yield "alias", settings.alias or ""
    yield "strategy", _strategy(settings)
    yield "bake", _time(settings.bake)
    yield "alarms", ", ".join(settings.alarms or ())
    yield "ignore-alarms", ", ".join(settings.ignore_alarms or ())
    yield "look-every", _time(settings.look_every)
    yield "patience", _time(settings.patience)
    yield "on-inconclusive", settings.on_inconclusive.value if settings.on_inconclusive else ""
    yield "compare", settings.compare or ""
    yield "tolerance", settings.tolerance or ""
    yield "alpha", settings.alpha or ""
    yield "min-requests", settings.min_requests or ""
    yield "period", _time(settings.period)
    yield "metrics", ", ".join(str(gate) for gate in settings.metrics or ())
    yield "observe", settings.observe or ""
    yield "read-logs", "" if settings.read_logs is None else str(settings.read_logs).lower()
    yield "reason", "required" if settings.reason_required else "optional"


def _strategy(settings: Settings) -> str:
    name = settings.strategy or ""
    stages = settings.stages_of(name)
    return name if stages == name else f"{name} ({stages})"


def _time(value: timedelta | None) -> str:
    return format_duration(value) if value is not None else ""
