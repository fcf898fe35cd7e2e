"""What a configuration says about one function in one environment: the most special wins, key by key.

A function in an environment stands before the function, that before the defaults.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from lambdaops.config.models import EnvironmentSettings, FunctionSettings
from lambdaops.config.words import nearest, parse_moment
from lambdaops.core.comparison import PERIOD
from lambdaops.core.duration import parse_duration
from lambdaops.core.errors import UsageError
from lambdaops.core.freeze import FreezeWindow, Once, Weekly
from lambdaops.core.notifications import EVERY, Channel, EventBridgeChannel, Moment, SlackChannel, SnsChannel
from lambdaops.core.plan import OnInconclusive
from lambdaops.core.settings import Anchoring, Confirm, Settings
from lambdaops.core.stores import parse_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.config.document import Loc
    from lambdaops.config.models import CheckpointSettings, FreezeSettings, NotifySettings
    from lambdaops.config.read import Config
    from lambdaops.core.metric_gates import MetricGate
    from lambdaops.core.model import Target
    from lambdaops.core.stores import TableStore

_PLACEHOLDER = re.compile(r"\{[a-z]+\}")


@dataclass(frozen=True)
class Resolved:
    """Settings, and for each key that the file says where it stands."""

    settings: Settings
    origins: Mapping[str, str]


def choose_environment(config: Config, given: str | None, target: Target | None, *, writes: bool) -> str:
    """The environment that is meant: the one given, else the only one, else the one of the ARN; empty for none.

    Raises:
        UsageError: there is no such environment, or a command that writes leaves open which one.
    """
    known = config.file.environments or {}
    if given is not None:
        if given in known:
            return given
        names = f"{config.path} has {', '.join(known)}." if known else f"{config.path} has no environments."
        raise UsageError(f"there is no environment {given!r}", hint=f"{nearest(given, known)} {names}".strip())
    if len(known) == 1:
        return next(iter(known))
    if target is not None and target.account is not None:
        place = (target.account, target.region)
        fitting = [name for name, environment in known.items() if (environment.account, environment.region) == place]
        if len(fitting) == 1:
            return fitting[0]
    if known and writes:
        raise UsageError(
            f"{config.path} has {len(known)} environments and none was named: {', '.join(known)}",
            hint="Say which one: --env NAME, or LAMBDAOPS_ENV.",
        )
    return ""


def resolve(config: Config, environment: str, function: str, alias: str | None = None) -> Resolved:
    """The settings of a function; ``environment`` is empty for none, ``alias`` None for the file's own."""
    file = config.file
    place = (file.environments or {}).get(environment)
    layers = list(_layers(config, environment, place, function))
    said = {key: _first(layers, key) for key in FunctionSettings.model_fields}
    usual = FunctionSettings.model_construct(**{key: value for key, (value, _) in said.items()})
    chosen = alias or usual.alias
    names = {"function": function, "alias": chosen, "environment": environment}
    settings = Settings(
        environment=environment,
        account=place.account if place else None,
        region=place.region if place else None,
        profile=place.profile if place else None,
        function=function,
        alias=chosen,
        strategy=usual.strategy,
        bake=_time(usual.bake),
        alarms=_filled(usual.alarms, names),
        ignore_alarms=_filled(usual.ignore_alarms, names),
        look_every=_time(usual.look_every),
        patience=_time(usual.patience),
        on_inconclusive=OnInconclusive(usual.on_inconclusive) if usual.on_inconclusive else None,
        compare=usual.compare,
        tolerance=usual.tolerance,
        alpha=usual.alpha,
        min_requests=_plain(usual.min_requests),
        period=_time(usual.period),
        metrics=_metrics(usual),
        observe=usual.observe,
        read_logs=usual.read_logs,
        reason_required=usual.reason == "required",
        confirm=Confirm(place.confirm) if place and place.confirm else Confirm.ASK,
        freeze=tuple(_window(window) for window in (place.freeze if place else None) or ()),
        strategies=tuple((file.strategies or {}).items()),
        source=str(config.path),
        store=store(config, environment),
        checkpoint=_anchoring((place.checkpoint if place else None) or file.checkpoint),
        notify=channels(config, environment),
    )
    origins = {key: _where(config, loc) for key, (value, loc) in said.items() if value is not None}
    if file.notify is not None:
        origins["notify"] = _where(config, ("notify",))
    if file.store is not None:
        origins["store"] = _where(config, ("store",))
    if file.checkpoint is not None:
        origins["checkpoint"] = _where(config, ("checkpoint",))
    if place is not None:
        own = EnvironmentSettings.model_fields
        origins |= {
            key: _where(config, ("environments", environment, own[key].alias or key))
            for key in ("account", "region", "profile", "confirm", "freeze", "notify", "store", "checkpoint")
            if getattr(place, key) is not None
        }
    return Resolved(settings, origins)


def channels(config: Config, environment: str) -> tuple[Channel, ...]:
    """Who is told: an environment that says so stands instead of the file; ``environment`` is empty for none."""
    place = (config.file.environments or {}).get(environment)
    said = config.file.notify if place is None or place.notify is None else place.notify
    return tuple(_channel(entry) for entry in said or ())


def store(config: Config, environment: str) -> TableStore | None:
    """Where journals are kept; ``environment`` is empty for none.

    Raises:
        UsageError: that depends on the environment, and none was chosen.
    """
    places = config.file.environments or {}
    own = {name: place.store for name, place in places.items() if place.store is not None}
    if own and not environment and len(places) > 1:
        raise UsageError(
            f"{config.path} keeps the journals of {', '.join(own)} elsewhere, and no environment was named",
            hint="Say which one: LAMBDAOPS_ENV=NAME, or --env NAME where the command has it.",
        )
    said = own.get(environment) or config.file.store
    return parse_store(said) if said is not None else None


def _anchoring(settings: CheckpointSettings | None) -> Anchoring | None:
    if settings is None:
        return None
    retain = timedelta(days=settings.retain_days) if settings.retain_days is not None else None
    return Anchoring(settings.to, settings.sign_with, settings.kms, retain)


def _channel(settings: NotifySettings) -> Channel:
    on = tuple(Moment(name) for name in dict.fromkeys(settings.on)) if settings.on else EVERY
    if settings.slack is not None:
        return SlackChannel(settings.slack.url_from_env, on)
    if settings.sns is not None:
        return SnsChannel(settings.sns.topic, on)
    assert settings.eventbridge is not None  # noqa: S101 -- checked when read
    return EventBridgeChannel(settings.eventbridge.bus, on)


def _layers(
    config: Config, environment: str, place: EnvironmentSettings | None, function: str
) -> Iterator[tuple[FunctionSettings, Loc]]:
    """What may say a function's settings, the most special first."""
    file = config.file
    own = (place.functions or {}).get(function) if place else None
    if own is not None:
        yield own, ("environments", environment, "functions", function)
    usual = (file.functions or {}).get(function)
    if usual is not None:
        yield usual, ("functions", function)
    if file.defaults is not None:
        yield file.defaults, ("defaults",)


def _first(layers: list[tuple[FunctionSettings, Loc]], key: str) -> tuple[Any, Loc]:
    name = FunctionSettings.model_fields[key].alias or key
    for settings, loc in layers:
        value = getattr(settings, key)
        if value is not None:
            return value, (*loc, name)
    return None, ()


def _where(config: Config, loc: Loc) -> str:
    return f"{'.'.join(str(part) for part in loc)} ({config.path}:{config.spots[loc].line})"


def _time(text: str | None) -> timedelta | None:
    return parse_duration(text) if text is not None else None


def _plain(number: int | None) -> str | None:
    return str(number) if number is not None else None


def _filled(alarms: list[str] | None, names: Mapping[str, str | None]) -> tuple[str, ...] | None:
    """The alarms with the names filled in; a placeholder whose name is not known stays."""
    if alarms is None:
        return None
    known = {f"{{{name}}}": value for name, value in names.items() if value}
    return tuple(_PLACEHOLDER.sub(lambda found: known.get(found[0], found[0]), alarm) for alarm in alarms)


def _metrics(usual: FunctionSettings) -> tuple[MetricGate, ...] | None:
    if usual.metrics is None:
        return None
    return tuple(one.gate(_time(usual.period) or PERIOD) for one in usual.metrics)


def _window(settings: FreezeSettings) -> FreezeWindow:
    start, end = parse_moment(settings.from_), parse_moment(settings.to)
    zone = ZoneInfo(settings.timezone)
    if isinstance(start, datetime) and isinstance(end, datetime):
        return FreezeWindow(settings.name, Once(start, end), zone)
    assert not isinstance(start, datetime) and not isinstance(end, datetime)  # noqa: S101, PT018 -- checked when read
    return FreezeWindow(settings.name, Weekly(start, end), zone)
