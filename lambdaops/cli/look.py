"""``status``, ``versions`` and ``history``: how a target stands and how it came there. Nothing is written."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.ask import Confirmation
from lambdaops.cli.options import (
    OUTPUT,
    JournalArgument,
    OutputFormat,
    OutputOption,
    ProfileOption,
    RegionOption,
    TargetArgument,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.ports import Ports

StatusTargetArgument = Annotated[
    str | None,
    typer.Argument(metavar="[TARGET]", help="FUNCTION:ALIAS, or the ARN of an alias.", autocompletion=complete.targets),
]
AllOption = Annotated[
    bool,
    typer.Option("--all", help="Every split alias of the region, and who accounts for it.", rich_help_panel=OUTPUT),
]
WatchOption = Annotated[
    bool, typer.Option("--watch", "-w", help="Keep looking until the release is over.", rich_help_panel=OUTPUT)
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("status")(status)
    app.command("versions")(versions)
    app.command("history")(history)


def status(
    ctx: typer.Context,
    target: StatusTargetArgument = None,
    every: AllOption = False,
    watch: WatchOption = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Show where an alias points, the release that is not over, its alarms, and what to do next.

    With --watch it follows a release of this machine until it is over and ends with the release's exit code. With \
--all it looks at every alias of the region, ten functions a second, and tells which are split and who accounts for \
each: exit 6 if there is a split that no process drives.

    \b
    # how does it stand?
    lambdaops status orders:live
    # follow a release from another terminal
    lambdaops status orders:live --watch
    # did anybody leave traffic split?
    lambdaops status --all
    """
    env: Env = ctx.obj
    if every:
        return answer(env, "status", output, lambda: _standings(env, target, output, region, profile))

    def body() -> Reply:
        from lambdaops.core.codec import encode
        from lambdaops.core.errors import ExitCode, UsageError
        from lambdaops.core.lifecycle import exit_code
        from lambdaops.core.model import Target
        from lambdaops.ops.reports import status as report
        from lambdaops.ops.watch import follow
        from lambdaops.render.tables import status_text

        if target is None:
            raise UsageError("there is no TARGET", hint="Name one, for instance orders:live, or look at --all.")
        wanted = Target.parse(target)
        state = None
        with telling(env, output, live=watch) as sink:
            ports: Ports = env.ports(
                sink=sink, ask=Confirmation(env, given=False), region=wanted.region or region, profile=profile
            )
            if watch:
                state = follow(ports, wanted)
        found = report(ports, wanted)
        data = encode(found)
        assert isinstance(data, dict)  # noqa: S101 -- a dataclass encodes to an object
        code = exit_code(state) if state is not None else ExitCode.DONE
        return Reply(partial(status_text, found), data, code)

    return answer(env, "status", output, body)


def _standings(env: Env, target: str | None, output: OutputFormat, region: str | None, profile: str | None) -> Reply:
    from lambdaops.core.codec import encode
    from lambdaops.core.errors import ExitCode, UsageError
    from lambdaops.core.reports import Standing
    from lambdaops.ops.scan import scan
    from lambdaops.render.inventory import standing_text

    if target is not None:
        raise UsageError("--all and a TARGET exclude each other", hint="Give one of them.")
    with telling(env, output) as sink:
        rows = scan(env.inventory(region=region, profile=profile), env.journals, env.clock, sink)
    alone = any(row.standing is not Standing.DRIVEN for row in rows)
    return Reply(partial(standing_text, rows), {"aliases": encode(rows)}, ExitCode.HELD if alone else ExitCode.DONE)


def versions(
    ctx: typer.Context,
    target: TargetArgument,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """List the published versions: which is live, which was, when, by whom, and where a rollback would go.

    \b
    lambdaops versions orders:live
    lambdaops versions orders:live --output json | jq '.data.versions[] | select(.rollback_target)'
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.core.codec import encode
        from lambdaops.core.model import Target
        from lambdaops.ops.reports import versions as report
        from lambdaops.render.tables import versions_text

        wanted = Target.parse(target)
        with telling(env, output) as sink:
            ports = env.ports(
                sink=sink, ask=Confirmation(env, given=False), region=wanted.region or region, profile=profile
            )
            rows = report(ports, wanted)
        return Reply(partial(versions_text, rows), {"target": str(wanted), "versions": encode(rows)})

    return answer(env, "versions", output, body)


def history(ctx: typer.Context, target: JournalArgument, output: OutputOption = OutputFormat.TEXT) -> int:
    """List the releases and rollbacks of a target, newest first, with outcome and reason. Needs no AWS.

    \b
    lambdaops history orders:live
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.core.codec import encode
        from lambdaops.ops.reports import find_journal
        from lambdaops.ops.reports import history as report
        from lambdaops.render.tables import history_text

        arn = find_journal(env.journals, target)
        rows = report(env.journals.open(arn).read().entries)
        return Reply(partial(history_text, rows), {"target": arn, "releases": encode(rows)})

    return answer(env, "history", output, body)
