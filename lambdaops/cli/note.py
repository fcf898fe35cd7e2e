"""``notify send``: a message of a person or a playbook to the channels of the configuration."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.options import (
    SAFETY,
    WHAT,
    ConfigOption,
    EnvironmentOption,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    RegionOption,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.channels import Tried
    from lambdaops.cli.env import Env
    from lambdaops.cli.reach import Reach
    from lambdaops.core.errors import LambdaOpsError
    from lambdaops.core.notes import Note


class Level(enum.StrEnum):
    """How soon somebody should look."""

    INFO = "info"
    WARNING = "warning"
    URGENT = "urgent"


TextArgument = Annotated[str, typer.Argument(metavar="TEXT", help="What to say, up to 2000 characters, as many lines.")]
TitleOption = Annotated[
    str, typer.Option("--title", "--subject", metavar="TEXT", help="One line above it.", rich_help_panel=WHAT)
]
AboutOption = Annotated[
    str,
    typer.Option(
        "--target",
        metavar="TARGET",
        help="What it is about: FUNCTION:ALIAS, a queue, an ARN, any name.",
        rich_help_panel=WHAT,
        autocompletion=complete.journals,
    ),
]
LevelOption = Annotated[Level, typer.Option("--level", help="How soon somebody should look.", rich_help_panel=WHAT)]
IdOption = Annotated[
    str,
    typer.Option(
        "--id",
        metavar="ID",
        help="The same for the same message: who reads it by machine can tell that it was sent again.",
        show_default="a new one",
        rich_help_panel=WHAT,
    ),
]
IfAnyOption = Annotated[
    bool,
    typer.Option(
        "--if-any", help="Exit 0 where no channel is configured: nobody is to be told.", rich_help_panel=SAFETY
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Tell who would be told what, and tell nobody.", rich_help_panel=SAFETY)
]


def send(
    ctx: typer.Context,
    text: TextArgument,
    title: TitleOption = "",
    target: AboutOption = "",
    level: LevelOption = Level.INFO,
    note_id: IdOption = "",
    if_any: IfAnyOption = False,
    dry_run: DryRunOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Send a message to every channel of the configuration, in your words.

    Exit 0 if all took it, 9 if some did not, 8 if none did; 3 where no channel is configured (--if-any: 0). Links and \
mentions stay plain words.

    \b
    lambdaops notify send "Payments are down, we are on it" --level urgent --target payments:live --env prod
    # from a playbook or a pipeline: the same id for the same message
    lambdaops notify send "Redrive of orders-dlq is done" --title "DLQ empty" --id "$RUN_ID" --output json
    # who would get it?
    lambdaops notify send "hello" --dry-run
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from dataclasses import replace

        from lambdaops.cli.aim import aim_at_region
        from lambdaops.cli.channels import lines, needs_aws, rows, tried
        from lambdaops.core.errors import BlockedError
        from lambdaops.core.messages import headline
        from lambdaops.core.model import Actor

        reach = aim_at_region(env, Place(environment, config, region, profile))
        # Made before anybody is asked anything: what is wrong with it is said first.
        note = _note(env, reach, (text, title, target, note_id), level)
        channels = reach.settings.notify
        if not channels and not if_any:
            raise BlockedError(
                f"nobody was told: {reach.told or 'there is no configuration file, and so it'} names no channel",
                hint="Add notify to lambdaops.yaml (docs/notifications.md), or name an environment that has it: --env.",
            )
        with telling(env, output) as sink:
            ports = reach.ports(env, sink)
            if needs_aws(channels):
                reach.require_caller(ports)
            # A webhook must be reached where there are no credentials.
            arn = ports.identity.caller() if needs_aws(channels) else ""
            note = replace(note, actor=Actor(arn, ports.host, ports.run, ports.commit, ports.tool))
            results = [tried(env, reach, channel, None if dry_run else note) for channel in channels]
        data = {
            "id": note.id,
            "headline": headline(note),
            "level": note.level.value,
            "target": note.target,
            "environment": note.environment,
            "dry_run": dry_run,
            "channels": rows(results, told=not dry_run),
        }
        told = lines(results, "would be told" if dry_run else "told") or "no channel is configured: nobody is told"
        said = f"{headline(note)}\n{told}" if dry_run else told
        error = _trouble(results, "cannot be told" if dry_run else "were not told")
        return Reply(said, data) if error is None else Reply(said, data, error.exit_code, error)

    return answer(env, "notify send", output, body)


def _note(env: Env, reach: Reach, words: tuple[str, str, str, str], level: Level) -> Note:
    from lambdaops.core.model import Actor
    from lambdaops.core.notes import Note, Urgency
    from lambdaops.ops.recorder import new_run

    now = env.clock.now()
    text, title, target, note_id = words
    return Note(
        id=note_id or new_run("m", now),
        at=now,
        actor=Actor("", ""),
        text=text,
        title=title,
        level=Urgency(level.value),
        target=target,
        environment=reach.settings.environment,
        region=reach.region or "",
        account=reach.account or "",
    )


def _trouble(results: list[Tried], what: str) -> LambdaOpsError | None:
    from lambdaops.cli.channels import summed
    from lambdaops.core.errors import NotToldError, PartlyDoneError

    failed = [error for _, error in results if error is not None]
    if not failed:
        return None
    said, hint = summed(results, what)
    return (NotToldError if len(failed) == len(results) else PartlyDoneError)(said, hint=hint)
