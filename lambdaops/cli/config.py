"""``config check|show|schema``: the configuration file, its mistakes, and what it means. Needs no AWS."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli import complete, defaults
from lambdaops.cli.options import ConfigOption, EnvironmentOption, OutputFormat, OutputOption, Place
from lambdaops.cli.reply import Reply, answer

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.config.read import Config

FileArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        envvar="LAMBDAOPS_CONFIG",
        show_envvar=False,
        help="The file, else lambdaops.yaml here or above in the repository.",
    ),
]
ShownArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[TARGET]",
        help="FUNCTION:ALIAS, an ARN, or FUNCTION; else what holds for every function.",
        autocompletion=complete.targets,
    ),
]
_DEFAULTS = {
    "strategy": defaults.STRATEGY,
    "bake": defaults.BAKE,
    "look-every": defaults.LOOK_EVERY,
    "patience": defaults.PATIENCE,
    "on-inconclusive": defaults.ON_INCONCLUSIVE,
    "compare": defaults.COMPARE,
    "tolerance": defaults.TOLERANCE,
    "alpha": defaults.ALPHA,
    "min-requests": defaults.MIN_REQUESTS,
    "period": defaults.PERIOD,
}

_group = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    app.add_typer(_group, name="config", help="The configuration file: its mistakes, and what holds for a target.")


@_group.command("check")
def check(ctx: typer.Context, file: FileArgument = None, output: OutputOption = OutputFormat.TEXT) -> int:
    """Check the file: every mistake at once, as FILE:LINE:COLUMN with the next step; exit 2 if there is one.

    Reads nothing but the file: whether accounts, functions and alarms exist, plan says.

    \b
    lambdaops config check
    # another file, for instance in a pre-commit hook
    lambdaops config check deploy/lambdaops.yaml
    """
    env: Env = ctx.obj

    def body() -> Reply:
        config = _load(env, Place(config=file))
        parts = {name: list(getattr(config.file, name) or ()) for name in ("environments", "functions", "strategies")}
        counts = ", ".join(f"{name} {', '.join(found)}" for name, found in parts.items() if found)
        text = f"{config.path} has no mistakes" + (f": {counts}" if counts else "")
        return Reply(text, {"path": str(config.path), **parts})

    return answer(env, "config check", output, body)


@_group.command("show")
def show(
    ctx: typer.Context,
    target: ShownArgument = None,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Show what holds for a target in an environment: each setting, and the line or default that says it.

    \b
    lambdaops config show orders --env prod
    lambdaops config show orders:live --env prod --output json | jq '.data.settings'
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.config.explain import explain
        from lambdaops.config.resolve import choose_environment, resolve
        from lambdaops.core.codec import encode
        from lambdaops.core.model import Target, parse_function
        from lambdaops.core.reports import SettingRow
        from lambdaops.core.stores import VARIABLE
        from lambdaops.render.tables import settings_text

        found = _load(env, Place(environment, config))
        aimed = Target.parse(target) if target is not None and ":" in target else None
        name = aimed.function if aimed is not None else parse_function(target) if target is not None else ""
        chosen = choose_environment(found, environment, aimed, writes=False)
        resolved = resolve(found, chosen, name, aimed.alias if aimed is not None else None)
        rows = explain(resolved, _DEFAULTS)
        if said := env.variables.get(VARIABLE):
            rows = tuple(SettingRow(row.key, said, VARIABLE) if row.key == "store" else row for row in rows)
        data = {
            "path": str(found.path),
            "environment": chosen,
            "function": name,
            "alias": resolved.settings.alias,
            "settings": encode(rows),
        }
        return Reply(partial(settings_text, rows), data)

    return answer(env, "config show", output, body)


@_group.command("schema")
def schema(ctx: typer.Context, output: OutputOption = OutputFormat.TEXT) -> int:
    """Print the JSON Schema of the file, for editors that complete and check while one types.

    Put `# yaml-language-server: $schema=lambdaops.schema.json` into the first line of lambdaops.yaml.

    \b
    lambdaops config schema > lambdaops.schema.json
    """
    env: Env = ctx.obj

    def body() -> Reply:
        import json

        from lambdaops.config.schema import json_schema

        found = json_schema()
        return Reply(json.dumps(found, indent=2), {"schema": found})

    return answer(env, "config schema", output, body)


def _load(env: Env, place: Place) -> Config:
    """The file, which must be there.

    Raises:
        UsageError: there is none.
        InvalidFileError: it cannot be read, or has mistakes.
    """
    from lambdaops.cli.aim import load
    from lambdaops.core.errors import UsageError

    config = load(env, place)
    if config is None:
        raise UsageError(
            "there is no lambdaops.yaml here or above", hint="lambdaops init writes one, --config FILE names one."
        )
    return config
