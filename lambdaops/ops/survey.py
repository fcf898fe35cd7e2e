"""What an account has that could be released: functions with aliases, and the alarms that measure them. Reads only."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from lambdaops.core.model import LATEST
from lambdaops.core.survey import FoundAlarm, FoundTarget, Skipped, Survey, choose_alias, scales
from lambdaops.ops.scan import all_aliases

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lambdaops.core.model import Alias
    from lambdaops.ports import AlarmLink, Clock, Identity, Inventory, Sink

_NO_ALIAS = "has no alias: callers run $LATEST, and there is no traffic to shift"
_DENIED = "its aliases may not be read with these credentials"


def survey(inventory: Inventory, identity: Identity, clock: Clock, sink: Sink) -> Survey:
    """Look at every function, alias and alarm of the region.

    Raises:
        RegionMissingError: none is set.
        AccessDeniedError: a list may not be read; which permission is missing.
        AwsError: throttled beyond the client's patience, unreachable, credentials refused.
    """
    region = inventory.region
    account = identity.caller().split(":")[4]
    links = inventory.alarm_links()
    functions = sorted(set(inventory.functions()))
    aliases, denied = all_aliases(inventory, functions, clock, sink)
    by_function = {
        function: tuple(found) for function, found in groupby(aliases, key=lambda alias: alias.arn.split(":")[6])
    }
    return Survey(
        source=f"account {account} in {region}",
        account=account,
        region=region,
        targets=tuple(
            _target(function, found, [link for link in links if link.function == function])
            for function, found in by_function.items()
        ),
        skipped=tuple(
            Skipped(function, _DENIED if function in denied else _NO_ALIAS)
            for function in functions
            if function not in by_function
        ),
    )


def _target(function: str, aliases: Sequence[Alias], links: Iterable[AlarmLink]) -> FoundTarget:
    by_name = {alias.arn.split(":")[7]: alias for alias in aliases}
    chosen = choose_alias(tuple(by_name))
    others = sorted(set(by_name) - {chosen})
    notes = [f"its other aliases: {', '.join(others)}"] if others else []
    routing = by_name[chosen].routing
    if LATEST in routing.versions:
        notes.append(f"{chosen} points at $LATEST: point it at a published version before the first release")
    elif routing.additional is not None:
        notes.append(f"{chosen} is split now: {routing}")
    return FoundTarget(function, chosen, tuple(_alarms(links, chosen)), notes=tuple(notes))


def _alarms(links: Iterable[AlarmLink], alias: str) -> list[FoundAlarm]:
    """The alarms on the whole function or on this alias; those on another alias or version are shown only."""
    found: dict[str, FoundAlarm] = {}
    for link in links:
        if scales(link.alarm):
            found[link.alarm] = FoundAlarm(link.alarm, "drives auto scaling, says nothing of health", usable=False)
        elif link.qualifier in ("", alias):
            found[link.alarm] = FoundAlarm(link.alarm)
        else:
            found.setdefault(link.alarm, FoundAlarm(link.alarm, f"measures {link.qualifier}", usable=False))
    return [found[name] for name in sorted(found)]
