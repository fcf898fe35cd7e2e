"""``init``: a first lambdaops.yaml from what an account or a SAM template has. Nothing is written but that file."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli.ask import Confirmation
from lambdaops.cli.options import (
    SAFETY,
    WHAT,
    OutputFormat,
    OutputOption,
    ProfileOption,
    RegionOption,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.core.survey import Survey

_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

FromAccountOption = Annotated[
    bool,
    typer.Option("--from-account", help="Look at the account (what happens without an option).", rich_help_panel=WHAT),
]
TemplateOption = Annotated[
    Path | None,
    typer.Option("--template", metavar="FILE", help="Look at this SAM template; needs no AWS.", rich_help_panel=WHAT),
]
OutOption = Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.", rich_help_panel=WHAT)]
EnvironmentOption = Annotated[
    str,
    typer.Option("--env", metavar="NAME", help="What to call this account and region.", rich_help_panel=WHAT),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print the file instead of writing it.", rich_help_panel=SAFETY)
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file that exists.", rich_help_panel=SAFETY)]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("init")(init)


def init(
    ctx: typer.Context,
    from_account: FromAccountOption = False,
    template: TemplateOption = None,
    out: OutOption = Path("lambdaops.yaml"),
    environment: EnvironmentOption = "default",
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Write a first lambdaops.yaml from the functions, aliases and alarms of an account, or from a SAM template.

    It reads only, and writes nothing but that file, which it never replaces without --force.

    \b
    # from the account and region of these credentials
    lambdaops init --env prod
    # from what CodeDeploy does today
    lambdaops init --template template.yaml --dry-run
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.config.starter import check_free, save, starter
        from lambdaops.core.codec import encode
        from lambdaops.core.errors import UsageError
        from lambdaops.render.inventory import survey_text

        if from_account and template is not None:
            raise UsageError("--from-account and --template exclude each other", hint="Give one of them.")
        if not _ENVIRONMENT.fullmatch(environment):
            raise UsageError(
                f"{environment!r} cannot be the name of an environment",
                hint="Letters, digits, dots, hyphens and underscores: prod, staging.",
            )
        if not dry_run:
            check_free(env.cwd / out, force=force)
        found = _account(env, output, region, profile) if template is None else _template(env.cwd / template)
        text = starter(found, environment)
        if not dry_run:
            save(env.cwd / out, text, force=force)
        data = {"path": str(out), "written": not dry_run, "found": encode(found), "file": text}
        table = partial(survey_text, found, str(out), written=not dry_run)
        if not dry_run:
            return Reply(table, data)
        if output is OutputFormat.TEXT:
            from lambdaops.render.console import Outlet

            Outlet(env.stderr).write(table(env.streams.err_paper) + "\n\n")
        return Reply(text, data)

    return answer(env, "init", output, body)


def _account(env: Env, output: OutputFormat, region: str | None, profile: str | None) -> Survey:
    from lambdaops.ops.survey import survey

    with telling(env, output) as sink:
        ask = Confirmation(env, given=False)
        ports = env.ports(sink=sink, ask=ask, journals=env.files, region=region, profile=profile)
        return survey(env.inventory(region=region, profile=profile), ports.identity, ports.clock, sink)


def _template(path: Path) -> Survey:
    from lambdaops.config.sam import survey_template

    return survey_template(path)
