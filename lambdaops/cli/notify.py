"""``notify``: the channels of the configuration, tried before a release needs them (``test``), or told (``send``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lambdaops.cli.note import send
from lambdaops.cli.options import (
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
    from lambdaops.cli.env import Env
    from lambdaops.cli.reach import Reach
    from lambdaops.core.notifications import Message

_group = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    _group.command("send")(send)
    app.add_typer(_group, name="notify", help="The channels that are told of releases.")


@_group.callback()
def group() -> None:
    """The channels that are told of releases."""


@_group.command("test")
def try_out(
    ctx: typer.Context,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Send a test message to every channel of the configuration; exit 8 if one did not take it.

    People see it: it says that it is a test, and who sends it. Whether a queue or a mailbox behind a topic or a bus \
gets it, the channel does not say.

    \b
    lambdaops notify test --env prod
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import aim_at_region
        from lambdaops.cli.channels import lines, needs_aws, rows, summed, tried
        from lambdaops.core.errors import NotToldError, UsageError

        reach = aim_at_region(env, Place(environment, config, region, profile))
        channels = reach.settings.notify
        if not channels:
            raise UsageError(
                f"{reach.told or 'there is no configuration file: it'} tells nobody",
                hint="Add notify to lambdaops.yaml, or name an environment that has it with --env.",
            )
        if needs_aws(channels):
            with telling(env, output) as sink:
                reach.require_caller(reach.ports(env, sink))
        message = _message(env, reach)
        results = [tried(env, reach, channel, message) for channel in channels]
        data = {"environment": reach.settings.environment, "channels": rows(results)}
        if all(error is None for _, error in results):
            return Reply(lines(results), data)
        said, hint = summed(results)
        why = NotToldError(said, hint=hint)
        return Reply(lines(results), data, why.exit_code, why)

    return answer(env, "notify test", output, body)


def _message(env: Env, reach: Reach) -> Message:
    import socket

    from lambdaops.core.model import Actor
    from lambdaops.core.notifications import Message, Moment
    from lambdaops.ops.recorder import new_run

    now = env.clock.now()
    release = new_run("t", now)
    # Nobody is asked who this is: a webhook must be tried where there are no credentials.
    actor = Actor("", socket.gethostname(), env.ci_run, env.ci_commit, env.tool)
    target = f"arn:aws:lambda:{reach.region or ''}:{reach.account or ''}:function:notify:test"
    return Message(
        moment=Moment.TEST,
        id=release,
        at=now,
        target=target,
        release=release,
        actor=actor,
        environment=reach.settings.environment,
        why="this is a test: no release has begun or ended",
        next="nothing to do",
    )
