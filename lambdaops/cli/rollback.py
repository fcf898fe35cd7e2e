"""``rollback``: back to the stable version, now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lambdaops.cli.options import (
    ConfigOption,
    DryRunOption,
    EnvironmentOption,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    ReasonOption,
    RegionOption,
    TargetArgument,
    TicketOption,
    ToOption,
    YesOption,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.core.model import Target
    from lambdaops.ops.rollback import Rollback


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("rollback")(rollback)


def rollback(
    ctx: typer.Context,
    target: TargetArgument,
    to: ToOption = None,
    reason: ReasonOption = "",
    ticket: TicketOption = "",
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Send all traffic back to the stable version with one write, then prove it. Never asks.

    Works during a release (anybody's), before its first write, after a promotion, during a freeze, without a journal \
and without a config file that can be read. The version is the last stable one in the journal, else the primary \
version of a split alias, else --to.

    \b
    # go back, and say why
    lambdaops rollback orders:live --reason "checkout errors"
    # in prod, as lambdaops.yaml knows it
    lambdaops rollback orders --env prod
    # go back to a version you name
    lambdaops rollback orders:live --to 41
    # only tell what it would do
    lambdaops rollback orders:live --dry-run
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import aim_rollback
        from lambdaops.cli.notifying import ToldTo
        from lambdaops.core.model import parse_version
        from lambdaops.ops.rollback import plan_rollback, roll_back

        version = parse_version(to) if to is not None else None
        with telling(env, output) as shown, ToldTo(env, shown) as sink:
            aimed = aim_rollback(env, target, Place(environment, config, region, profile), sink)
            sink.tell(aimed)
            wanted = aimed.target
            # Whose account it is, the alias's own ARN shows: STS is not asked before traffic is safe.
            ports = aimed.ports(env, sink, yes=yes, urgent=True)
            if dry_run:
                done = plan_rollback(ports, wanted, version)
            else:
                done = roll_back(ports, wanted, version, reason, ticket)
        text = rolled_back(wanted, done, dry_run=dry_run)
        data = {
            "target": str(wanted),
            "function": wanted.function,
            "arn": done.arn,
            "before": str(done.before),
            "after": str(done.after),
            "basis": done.basis,
            "changed": done.changed and not dry_run,
            "called_off": done.ends,
            "dry_run": dry_run,
            "environment": aimed.settings.environment,
        }
        return Reply(text, data)

    return answer(env, "rollback", output, body)


def rolled_back(target: Target, done: Rollback, *, dry_run: bool = False) -> str:
    """What a rollback did, or would do."""
    if done.changed:
        return f"{'would return' if dry_run else 'returned'} {target} from {done.before} to {done.after} ({done.basis})"
    if done.ends:
        verb = "would call off" if dry_run else "called off"
        return f"{verb} release {done.ends} before it moved anything: {target} stays on {done.after}"
    return f"{target} already sends all traffic to {done.after}: nothing to do"
