"""``prune``: delete old published versions that nothing refers to."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli.options import (
    SAFETY,
    WHAT,
    ConfigOption,
    EnvironmentOption,
    FunctionArgument,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    ReasonOption,
    RegionOption,
    TicketOption,
    YesOption,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.cli.env import Env
    from lambdaops.cli.reach import Reach
    from lambdaops.core.errors import LambdaOpsError
    from lambdaops.core.prune import Decision, Kept, StoredVersion

KeepOption = Annotated[
    int,
    typer.Option("--keep", metavar="N", min=1, help="How many of the newest stay in any case.", rich_help_panel=WHAT),
]
RecentOption = Annotated[
    str,
    typer.Option(
        "--recent",
        metavar="TIME",
        help="What releases, rollbacks and publications of so long ago had to do with stays: 90d, or a date.",
        rich_help_panel=WHAT,
    ),
]
DeleteOption = Annotated[
    bool,
    typer.Option("--delete", help="Delete them; without it, only tell what would go.", rich_help_panel=SAFETY),
]

_STALE = timedelta(minutes=1)
"""What was found out longer ago than this, because somebody took that long to answer, is found out again."""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("prune")(prune)


def prune(
    ctx: typer.Context,
    function: FunctionArgument,
    keep: KeepOption = 5,
    recent: RecentOption = "30d",
    delete: DeleteOption = False,
    reason: ReasonOption = "",
    ticket: TicketOption = "",
    yes: YesOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Tell which old versions nothing refers to; with --delete, delete them for good. Asks.

    What an alias, a rollback, an open or recent release, an event source, a policy, provisioned concurrency or \
asynchronous settings refer to stays, and so does what could not be found out (exit 8, with the missing permission). \
$LATEST, the aliases and the function itself are never touched.

    \b
    # what would go, and why the rest stays; deletes nothing
    lambdaops prune orders
    # delete it
    lambdaops prune orders --keep 10 --delete --reason "code storage"
    # in a scheduled job
    lambdaops prune orders --env prod --recent 90d --delete --yes
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from dataclasses import replace

        from lambdaops.cli.aim import aim_at_function
        from lambdaops.core.audit.query import parse_moment
        from lambdaops.core.errors import UsageError
        from lambdaops.core.prune import agreed
        from lambdaops.ops.prune import prune as run
        from lambdaops.ops.prune import survey

        now = env.clock.now()
        since = parse_moment(recent, now)
        if since is None or since > now:
            raise UsageError(f"--recent {recent!r} is no time of the past", hint="Write 90d, or a date: 2026-08-01.")
        reach = aim_at_function(env, function, Place(environment, config, region, profile))
        if delete:
            reach.require_reason(reason)
        with telling(env, output) as sink:
            ports = reach.ports(env, sink, yes=yes)
            reach.require_caller(ports)
            versions = env.published(region=reach.region, profile=reach.profile)
            found = survey(ports, versions, reach.name, keep, since)
            unread = _unread(reach.name, found.troubles)
            if not delete:
                again = _again(reach, keep, recent) if found.decision.delete else ""
                return _reply(reach, found.decision.delete, found.decision.keep, unread, again, deleted=False)
            if found.decision.delete:
                asked = env.clock.now()
                ports.ask.confirm(_question(reach.name, found.decision))
                if env.clock.now() - asked > _STALE:
                    later = survey(ports, versions, reach.name, keep, since)
                    found = replace(later, decision=agreed(later.decision, found.decision.delete))
                    unread = _unread(reach.name, found.troubles)
            done = run(ports, versions, reach.name, found, keep=keep, reason=reason, ticket=ticket)
        ended = _ended(reach.name, done.deleted, done.trouble) if done.trouble is not None else unread
        return _reply(reach, done.deleted, done.keep, ended, deleted=True)

    return answer(env, "prune", output, body)


def _question(function: str, decision: Decision) -> str:
    from lambdaops.render.pruning import megabytes

    numbers = ", ".join(version.number for version in decision.delete)
    return f"Delete versions {numbers} of {function} ({megabytes(decision.size)}) for good?"


def _unread(function: str, troubles: Sequence[LambdaOpsError]) -> LambdaOpsError | None:
    """What is said when AWS did not answer some questions: which permission is missing, if it is that."""
    if not troubles:
        return None
    first = troubles[0]
    what = f"versions of {function} stay because it could not be found out what refers to them: {first.message}"
    hints = " ".join(dict.fromkeys(trouble.hint for trouble in troubles if trouble.hint))
    return type(first)(what, hint=hints, target=function, request_id=first.request_id)


def _ended(function: str, deleted: Sequence[StoredVersion], trouble: LambdaOpsError) -> LambdaOpsError:
    """What is said when a run ended before its last version."""
    from lambdaops.core.errors import PartlyDoneError

    if not deleted:
        return trouble
    numbers = ", ".join(version.number for version in deleted)
    return PartlyDoneError(
        f"stopped after deleting {numbers} of {function}: {trouble.message}",
        hint=f"{trouble.hint} The same command again does what is left.".strip(),
        target=function,
        request_id=trouble.request_id,
    )


def _again(reach: Reach, keep: int, recent: str) -> str:
    """The command that deletes what this one told of."""
    named = f" --env {reach.settings.environment}" if reach.settings.environment else ""
    return f"lambdaops prune {reach.name}{named} --keep {keep} --recent {recent} --delete"


def _reply(
    reach: Reach,
    going: Sequence[StoredVersion],
    kept: Sequence[Kept],
    error: LambdaOpsError | None,
    again: str = "",
    *,
    deleted: bool,
) -> Reply:
    from lambdaops.core.errors import ExitCode
    from lambdaops.render.pruning import prune_text

    numbers = [version.number for version in going]
    data = {
        "function": reach.name,
        "deleted": numbers if deleted else [],
        "would_delete": [] if deleted else numbers,
        "kept": [{"version": one.version, "why": one.why} for one in kept],
        "freed_bytes": sum(version.size for version in going),
        "changed": deleted and bool(going),
        "dry_run": not deleted,
        "environment": reach.settings.environment,
    }
    text = partial(prune_text, reach.name, going, kept, deleted=deleted, again=again)
    return Reply(text, data, error.exit_code if error else ExitCode.DONE, error)
