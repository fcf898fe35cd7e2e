"""``dlq inspect``: what is in a queue. Nothing is changed but the letters' receive counts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from lambdaops.cli.dlq.options import GroupByOption, MessageOption, QueueArgument, SampleOption, ShowBodyOption
from lambdaops.cli.options import (
    ConfigOption,
    EnvironmentOption,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    RegionOption,
    YesOption,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env


def add_to(group: typer.Typer) -> None:
    """Register the command."""
    group.command("inspect")(inspect)


def inspect(
    ctx: typer.Context,
    queue: QueueArgument,
    sample: SampleOption = 100,
    group_by: GroupByOption = "error,function,age",
    message: MessageOption = "",
    show_body: ShowBodyOption = False,
    yes: YesOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Look at a sample of what is in a queue: of which kinds, why, of which function, how old, and until when.

    The letters are hidden from everybody else while it looks, and given back at once when it is over. Each counts as \
received once more: on a queue with a redrive policy of its own that brings it nearer to being moved on, so there it \
asks. Bodies are never shown, unless one is asked for with --message and --show-body.

    \b
    # what is in there, and why?
    lambdaops dlq inspect orders-dlq
    # by kind and age, of more letters
    lambdaops dlq inspect orders-dlq --sample 1000 --group-by kind,age
    # the third one, first without its values, then with them
    lambdaops dlq inspect orders-dlq --message 3
    lambdaops dlq inspect orders-dlq --message 3 --show-body
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.dlq.aim import aim_at_queue
        from lambdaops.cli.dlq.signals import stopping
        from lambdaops.core.codec import encode
        from lambdaops.core.dlq.groups import parse_by
        from lambdaops.core.errors import ExitCode, UsageError
        from lambdaops.ops.dlq.inspect import Look
        from lambdaops.ops.dlq.inspect import inspect as run
        from lambdaops.render.dead_letters import inspection_text

        if show_body and not message:
            raise UsageError("--show-body shows the letter that --message names", hint="Add --message 1, or an id.")
        look = Look(sample, parse_by(group_by), message, show_body)
        reach = aim_at_queue(env, queue, Place(environment, config, region, profile), writes=False)
        with telling(env, output) as sink:
            ports = reach.dead_letters(env, sink, yes=yes, signals=stopping(env, "the letters in hand come back"))
            found = run(ports, reach.find(ports), look)
        data = encode(found)
        assert isinstance(data, dict)  # noqa: S101 -- a dataclass encodes to an object
        code = ExitCode.INTERRUPTED if found.interrupted else ExitCode.DONE
        return Reply(partial(inspection_text, found, reach.again), data, code)

    return answer(env, "dlq inspect", output, body)
