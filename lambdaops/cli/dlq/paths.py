"""``dlq list``: where a function's failed events go, and which of them go nowhere. Nothing is written or received."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.options import (
    OUTPUT,
    ConfigOption,
    EnvironmentOption,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    RegionOption,
)
from lambdaops.cli.reply import Reply, answer

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.cli.reach import Reach

WhoseArgument = Annotated[
    str,
    typer.Argument(
        metavar="FUNCTION|TARGET",
        help="A function for all its paths; FUNCTION:ALIAS or the ARN of an alias for those of one alias.",
        autocompletion=complete.functions,
    ),
]
FailOnLostOption = Annotated[
    bool, typer.Option("--fail-on-lost", help="Exit 6 if a path loses events.", rich_help_panel=OUTPUT)
]


def add_to(group: typer.Typer) -> None:
    """Register the command."""
    group.command("list")(list_paths)


def list_paths(
    ctx: typer.Context,
    whose: WhoseArgument,
    fail_on_lost: FailOnLostOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """List where failed events of a function go, how many are there, until when, and which of them are lost.

    Looked up live: the dead-letter queue of each version (it is frozen in when a version is published, so that a \
release or a rollback can change it), the on-failure destinations of function, versions and aliases, the queues that \
the function reads with their redrive policies, and its streams. Nothing is written, and no message is received.

    \b
    # where do failures of orders go?
    lambdaops dlq list orders
    # of one alias, and fail a pipeline if any are lost
    lambdaops dlq list orders:live --env prod --fail-on-lost
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import aim, load, reach_of
        from lambdaops.core.codec import encode
        from lambdaops.core.errors import ExitCode
        from lambdaops.core.model import parse_function
        from lambdaops.ops.dlq.paths import failure_paths
        from lambdaops.render.failure_paths import paths_text

        place = Place(environment, config, region, profile)
        if ":" in whose:
            aimed = aim(env, whose, place, writes=False)
            reach: Reach = aimed
            function, alias = aimed.target.function, aimed.target.alias
        else:
            function, alias = parse_function(whose), ""
            reach = reach_of(load(env, place), function, None, None, place, writes=False)
        found = failure_paths(
            env.failure_paths(region=reach.region, profile=reach.profile),
            env.queues(region=reach.region, profile=reach.profile),
            function,
            alias,
            env.clock.now(),
        )
        data = encode(found)
        assert isinstance(data, dict)  # noqa: S101 -- a dataclass encodes to an object
        again = f"--env {reach.settings.environment}" if reach.settings.environment else ""
        code = ExitCode.HELD if fail_on_lost and found.lost else ExitCode.DONE
        return Reply(partial(paths_text, found, again), data, code)

    return answer(env, "dlq list", output, body)
