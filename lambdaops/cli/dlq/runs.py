"""``dlq status``, ``dlq pause`` and ``dlq cancel``: redrives of this machine, seen and steered from another shell."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from lambdaops.cli.dlq.moving import AnyRunArgument, RunArgument
from lambdaops.cli.options import (
    ConfigOption,
    EnvironmentOption,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    ReasonOption,
    RegionOption,
    YesOption,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.core.dlq.records import Wish


def add_to(group: typer.Typer) -> None:
    """Register the commands."""
    group.command("status")(status)
    group.command("pause")(pause)
    group.command("cancel")(cancel)


def status(
    ctx: typer.Context,
    run: AnyRunArgument = "",
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Show redrives of this machine: how far they are, who is at work on them, and what to do next. Needs no AWS.

    \b
    # what is not over
    lambdaops dlq status
    # every redrive of a queue
    lambdaops dlq status orders-dlq
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import journals_at
        from lambdaops.core.codec import encode
        from lambdaops.ops.dlq.runs import known
        from lambdaops.render.redrives import runs_text

        rows = known(journals_at(env, Place(environment, config)), run)
        return Reply(partial(runs_text, rows), {"runs": encode(rows)})

    return answer(env, "dlq status", output, body)


def pause(
    ctx: typer.Context,
    run: RunArgument,
    reason: ReasonOption = "",
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Let a running redrive stay where it is: the batches in flight end, and nothing is sent until dlq resume.

    \b
    lambdaops dlq pause orders-dlq --reason "the database is slow"
    """
    from lambdaops.core.dlq.records import Wish

    env: Env = ctx.obj
    place = Place(environment, config, region, profile)
    return answer(env, "dlq pause", output, lambda: _asked(env, run, place, Wish.PAUSE, reason, output))


def cancel(
    ctx: typer.Context,
    run: RunArgument,
    reason: ReasonOption = "",
    yes: YesOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """End a redrive where it is: what was moved stays moved, the rest stays in the queue. It cannot be resumed.

    \b
    lambdaops dlq cancel d-20261123-153729-1613 --reason "wrong queue"
    """
    from lambdaops.core.dlq.records import Wish

    env: Env = ctx.obj
    place = Place(environment, config, region, profile)
    return answer(env, "dlq cancel", output, lambda: _asked(env, run, place, Wish.CANCEL, reason, output, yes=yes))


def _asked(
    env: Env, text: str, place: Place, wish: Wish, reason: str, output: OutputFormat, *, yes: bool = True
) -> Reply:
    from lambdaops.cli.aim import journals_at
    from lambdaops.cli.dlq.aim import aim_at_queue
    from lambdaops.core.dlq.records import Wish as Wished
    from lambdaops.core.dlq.run import phase
    from lambdaops.ops.dlq import runs

    found = runs.find(journals_at(env, place), text)
    reach = aim_at_queue(env, found.arn, place, writes=True)
    with telling(env, output) as sink:
        ports = reach.dead_letters(env, sink, yes=yes)
        if wish is Wished.CANCEL:
            ports.ask.confirm(f"End redrive {found.run.id} of {reach.name} for good?")
        run = runs.ask(ports, found, wish, reason)
    word = phase(run, live=True)
    moved = run.closed.tally.moved if run.closed is not None else run.moved
    data = {"run": run.id, "queue": run.plan.queue, "signal": wish.value, "phase": word, "moved": moved}
    return Reply(f"redrive {run.id} of {run.plan.name}: {word}, {moved} moved", {**data, "changed": True})
