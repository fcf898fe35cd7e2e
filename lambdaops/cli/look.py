"""``status``, ``versions`` and ``history``: how a target stands and how it came there. Nothing is written."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.options import (
    OUTPUT,
    ConfigOption,
    EnvironmentOption,
    ExplainOption,
    JournalArgument,
    NewestOption,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    RegionOption,
    ReleaseArgument,
    TargetArgument,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.ports import Journals

StatusTargetArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[TARGET]",
        help="FUNCTION:ALIAS, the ARN of an alias, or FUNCTION if lambdaops.yaml says the alias.",
        autocompletion=complete.targets,
    ),
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
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
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
    lambdaops status --all --env prod
    """
    env: Env = ctx.obj
    place = Place(environment, config, region, profile)
    if every:
        return answer(env, "status", output, lambda: _standings(env, target, output, place))

    def body() -> Reply:
        from lambdaops.cli.aim import aim
        from lambdaops.core.codec import encode
        from lambdaops.core.errors import ExitCode, UsageError
        from lambdaops.core.lifecycle import exit_code
        from lambdaops.ops.reports import status as report
        from lambdaops.ops.watch import follow
        from lambdaops.render.tables import status_text

        if target is None:
            raise UsageError("there is no TARGET", hint="Name one, for instance orders:live, or look at --all.")
        aimed = aim(env, target, place, writes=False)
        wanted = aimed.target
        state = None
        with telling(env, output, live=watch) as sink:
            ports = aimed.ports(env, sink)
            if watch:
                state = follow(ports, wanted)
        found = report(ports, wanted)
        data = encode(found)
        assert isinstance(data, dict)  # noqa: S101 -- a dataclass encodes to an object
        code = exit_code(state) if state is not None else ExitCode.DONE
        return Reply(partial(status_text, found), data, code)

    return answer(env, "status", output, body)


def _standings(env: Env, target: str | None, output: OutputFormat, place: Place) -> Reply:
    from lambdaops.cli.aim import aim_at_region
    from lambdaops.core.codec import encode
    from lambdaops.core.errors import ExitCode, UsageError
    from lambdaops.core.reports import Standing
    from lambdaops.ops.scan import scan
    from lambdaops.render.inventory import standing_text

    if target is not None:
        raise UsageError("--all and a TARGET exclude each other", hint="Give one of them.")
    reach = aim_at_region(env, place)
    with telling(env, output) as sink:
        reach.require_caller(reach.ports(env, sink))
        inventory = env.inventory(region=reach.region, profile=reach.profile)
        rows = scan(inventory, reach.journals(env), env.clock, sink, reach.settings.environment)
    alone = any(row.standing is not Standing.DRIVEN for row in rows)
    return Reply(partial(standing_text, rows), {"aliases": encode(rows)}, ExitCode.HELD if alone else ExitCode.DONE)


def versions(
    ctx: typer.Context,
    target: TargetArgument,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
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
        from lambdaops.cli.aim import aim
        from lambdaops.core.codec import encode
        from lambdaops.ops.reports import versions as report
        from lambdaops.render.tables import versions_text

        aimed = aim(env, target, Place(environment, config, region, profile), writes=False)
        with telling(env, output) as sink:
            rows = report(aimed.ports(env, sink), aimed.target)
        return Reply(partial(versions_text, rows), {"target": aimed.name, "versions": encode(rows)})

    return answer(env, "versions", output, body)


def history(
    ctx: typer.Context,
    target: JournalArgument,
    release: ReleaseArgument = "",
    explain: ExplainOption = False,
    limit: NewestOption = 20,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """List the releases and rollbacks of a target, the redrives of a queue, or the runs of a playbook, newest first.

    Each with why; needs no AWS.

    With --explain, one release minute by minute: what the judge saw of both versions, and what was decided.

    \b
    lambdaops history orders:live
    # every release there ever was
    lambdaops history orders:live --limit 0
    # why the last release ended as it did
    lambdaops history orders:live --explain
    # an earlier one
    lambdaops history orders:live r-20261123-153729-1613 --explain
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import journals_at
        from lambdaops.core.arns import is_playbook
        from lambdaops.core.codec import encode

        journals = journals_at(env, Place(environment, config, region, profile))
        if explain:
            return _explained(journals, target, release)
        if release:
            from lambdaops.core.errors import UsageError

            raise UsageError("a release was named, and nothing asked of it", hint="Add --explain.")
        from lambdaops.ops.reports import find_journal
        from lambdaops.ops.reports import history as report
        from lambdaops.render.tables import history_text

        arn = find_journal(journals, target)
        if ":sqs:" in arn:
            return _redrives(journals, arn)
        if is_playbook(arn):
            return _playbook_runs(journals, arn, limit)
        rows, older = report(journals.open(arn), limit)
        return Reply(partial(history_text, rows, older), {"target": arn, "releases": encode(rows), "older": older})

    return answer(env, "history", output, body)


def _redrives(journals: Journals, arn: str) -> Reply:
    from lambdaops.core.codec import encode
    from lambdaops.ops.dlq.runs import history as report
    from lambdaops.render.redrives import runs_text

    rows = report(journals.open(arn).read().entries)
    return Reply(partial(runs_text, rows), {"target": arn, "redrives": encode(rows)})


def _playbook_runs(journals: Journals, arn: str, limit: int) -> Reply:
    from lambdaops.core.codec import encode
    from lambdaops.ops.playbook.runs import known
    from lambdaops.render.playbooks import runs_text

    rows = known(journals, arn, limit)
    return Reply(partial(runs_text, rows), {"target": arn, "runs": encode(rows)})


def _explained(journals: Journals, target: str, release: str) -> Reply:
    from lambdaops.core.codec import encode
    from lambdaops.ops.explain import explain, tells
    from lambdaops.ops.reports import find_journal
    from lambdaops.render.tables import explain_text

    arn = find_journal(journals, target)
    rows = explain(journals.open(arn).recent(partial(tells, release)).entries, release, target)
    return Reply(partial(explain_text, rows), {"target": arn, "release": release, "explained": encode(rows)})
