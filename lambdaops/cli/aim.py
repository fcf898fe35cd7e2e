"""What a command is aimed at: its words and the configuration file together.

Rules this file guarantees: the command line stands before the file; an environment's account and region are pins: what
contradicts them is refused before any call; going back goes on without a file that cannot be read, and says so loudly.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lambdaops.cli.reach import Aim, Reach
from lambdaops.core.errors import InvalidFileError, NotFoundError, UsageError
from lambdaops.core.model import Target, parse_function
from lambdaops.core.notices import Warned
from lambdaops.core.settings import Settings

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.cli.options import Place
    from lambdaops.config.read import Config
    from lambdaops.ports import Journals, Sink


def aim(env: Env, text: str, place: Place, *, writes: bool) -> Aim:
    """Understand TARGET: ``FUNCTION:ALIAS``, an ARN, or a function whose alias the file says.

    Args:
        env: the process.
        text: TARGET.
        place: the other words.
        writes: whether it must be clear which environment is meant: the command changes something, or foretells that.

    Raises:
        UsageError: one of many; the environment is not there or left open, or something contradicts its pins.
        InvalidFileError: the file cannot be read, or has mistakes.
    """
    return _aimed(load(env, place), text, place, writes=writes)


def aim_at_function(env: Env, text: str, place: Place) -> Reach:
    """Understand FUNCTION, for a command that writes; raises as :func:`aim`."""
    function = parse_function(text)
    return reach_of(load(env, place), function, None, None, place, writes=True)


def aim_at_region(env: Env, place: Place) -> Reach:
    """Understand a command line without a target, for a command that only looks; raises as :func:`aim`."""
    return reach_of(load(env, place), "", None, None, place, writes=False)


def aim_rollback(env: Env, text: str, place: Place, sink: Sink) -> Aim:
    """As :func:`aim`, but a file that cannot be read holds nobody up.

    The environment is never guessed, not even from the journals of this machine: a rollback of dev that says it is done
    is worse, while prod burns, than one that asks which is meant.
    """
    return _aimed(_load_or_warn(env, place, sink), text, place, writes=True)


def aim_at_journal(env: Env, text: str, place: Place) -> tuple[Aim, str]:
    """The release of this machine that is meant, and the ARN of its journal: one of the file's environments only.

    Raises:
        NotFoundError: this machine has no such journal.
        UsageError: several fit and no environment tells which; else as :func:`aim`.
    """
    return _at_journal(env, load(env, place), text, place)


def aim_abort(env: Env, text: str, place: Place, sink: Sink) -> tuple[Aim, str]:
    """As :func:`aim_at_journal`, but a file that cannot be read holds nobody up."""
    return _at_journal(env, _load_or_warn(env, place, sink), text, place)


def journals_at(env: Env, place: Place) -> Journals:
    """The audit log that a command without a target of its own reads; raises as :func:`aim`."""
    return aim_at_region(env, place).journals(env)


def load(env: Env, place: Place) -> Config | None:
    """The configuration file, or None when there is none.

    Raises:
        InvalidFileError: it cannot be read, or has mistakes.
        UsageError: an environment was named, and there is no file.
    """
    from lambdaops.config.find import NAME, find_config

    path = find_config(place.config, env.variables, env.cwd)
    if path is None:
        if place.environment is not None:
            raise UsageError(
                f"the environment {place.environment!r} was named, and there is no {NAME} here or above",
                hint="Go to where it is, or name it: --config FILE.",
            )
        return None
    from lambdaops.config.read import read_config

    return read_config(path, path.relative_to(env.cwd) if path.is_relative_to(env.cwd) else path)


def _load_or_warn(env: Env, place: Place, sink: Sink) -> Config | None:
    """The file for a command that takes traffic back; without one, what the command line says has to do.

    An environment that was named where there is no file at all is refused even so: that is the wrong directory, put
    right in a moment, and the ambient credentials may be those of another environment.
    """
    try:
        return load(env, place)
    except InvalidFileError as error:
        lost = f"account and region of {place.environment}" if place.environment else "its environments"
        message = f"GOING ON WITHOUT THE CONFIGURATION: {error.message}; {lost} are not known"
        hint = "Account and region are those of the ARN, --region and --profile, else the ambient ones."
        sink.emit(Warned(env.clock.now(), message, hint))
        return None


def _aimed(config: Config | None, text: str, place: Place, *, writes: bool) -> Aim:
    target = Target.parse(text) if config is None or ":" in text else None
    function = target.function if target is not None else parse_function(text)
    reach = reach_of(config, function, target.alias if target else None, target, place, writes=writes)
    settings = reach.settings
    if target is None:
        target = Target.parse(f"{function}:{settings.alias}" if settings.alias else text)
    pinned = replace(
        target,
        account=target.account or settings.account,
        region=target.region or settings.region,
        environment=settings.environment,
    )
    return Aim(settings, reach.region, reach.profile, pinned)


def reach_of(
    config: Config | None, function: str, alias: str | None, target: Target | None, place: Place, *, writes: bool
) -> Reach:
    own = target.region if target else None
    if config is None:
        return Reach(Settings(function=function, alias=alias), own or place.region, place.profile)
    from lambdaops.config.resolve import choose_environment, resolve

    environment = choose_environment(config, place.environment, target, writes=writes)
    settings = resolve(config, environment, function, alias).settings
    _require_pins(settings, target, place)
    region = own or place.region or settings.region
    return Reach(settings, region, place.profile or settings.profile)


def _require_pins(settings: Settings, target: Target | None, place: Place) -> None:
    account, region = (target.account, target.region) if target else (None, None)
    for what, said, pinned in (
        ("account", account, settings.account),
        ("region", region, settings.region),
        ("region", place.region, settings.region),
    ):
        if said is not None and pinned is not None and said != pinned:
            raise UsageError(
                f"{what} {said} was given, and environment {settings.environment} of {settings.source} is {what} "
                f"{pinned}",
                hint="Name another environment with --env, leave one of them out, or go to where that file is not.",
            )


def _at_journal(env: Env, config: Config | None, text: str, place: Place) -> tuple[Aim, str]:
    meant = _meant(config, text, place)
    arns = _journals(env, meant)
    if not arns:
        inside = f" in {meant[0].where}" if len(meant) == 1 and meant[0].where else ""
        raise NotFoundError(
            f"there is no journal of {text}{inside}", hint="lambdaops audit list shows the journals there are."
        )
    if len(arns) > 1:
        raise UsageError(
            f"{text} has {len(arns)} journals: {', '.join(arns)}", hint="Name the environment with --env, or the ARN."
        )
    return _aimed(config, arns[0], place, writes=False), arns[0]


def _meant(config: Config | None, text: str, place: Place) -> tuple[Aim, ...]:
    """What TARGET can mean: in the environment that was named, else in any of the file's."""
    environments = (config.file.environments if config is not None else None) or {}
    names: list[str | None] = [place.environment]
    if place.environment is None and len(environments) > 1 and not text.startswith("arn:"):
        names = [name for name, own in environments.items() if place.region in (None, own.region)]
    return tuple(_aimed(config, text, replace(place, environment=name), writes=False) for name in names)


def _journals(env: Env, meant: tuple[Aim, ...]) -> tuple[str, ...]:
    found = (arn for aimed in meant for arn in aimed.journals(env).targets() if _is_of(arn, aimed))
    return tuple(sorted(set(found)))


def _is_of(arn: str, aimed: Aim) -> bool:
    region, account, name = arn.split(":", 6)[3], arn.split(":", 6)[4], arn.split(":function:", 1)[-1]
    return name == aimed.name and aimed.account in (None, account) and aimed.region in (None, region)
