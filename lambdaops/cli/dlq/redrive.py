"""``dlq redrive`` and ``dlq resume``: their options and help; the work is in ``redriving``, imported when wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lambdaops.cli.dlq.moving import (
    EditOption,
    FilterOption,
    LimitOption,
    NativeOption,
    NewerOption,
    OlderOption,
    QuarantineOption,
    RateOption,
    ReentryOption,
    ResendOption,
    RunArgument,
    StagesOption,
    StopAlarmOption,
    ToOption,
    TransformOption,
    VisibilityOption,
    WatchOption,
    WorkersOption,
)
from lambdaops.cli.dlq.options import QueueArgument, SampleOption
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
    TicketOption,
    YesOption,
)
from lambdaops.cli.reply import Reply, answer

if TYPE_CHECKING:
    from lambdaops.cli.env import Env


def add_to(group: typer.Typer) -> None:
    """Register the commands."""
    group.command("redrive")(redrive)
    group.command("resume")(resume)


def redrive(
    ctx: typer.Context,
    queue: QueueArgument,
    to: ToOption = None,
    filter_: FilterOption = "",
    transform: TransformOption = "",
    edit: EditOption = None,
    older_than: OlderOption = None,
    newer_than: NewerOption = None,
    limit: LimitOption = 0,
    quarantine: QuarantineOption = None,
    rate: RateOption = None,
    stages: StagesOption = "10,100,all",
    watch: WatchOption = None,
    workers: WorkersOption = None,
    visibility: VisibilityOption = "2m",
    native: NativeOption = None,
    stop_alarm: StopAlarmOption = None,
    max_reentry: ReentryOption = "5%",
    resend_doubtful: ResendOption = False,
    sample: SampleOption = 100,
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
    """Send dead letters back to where they failed: a few first, watched, then the rest; each is deleted once sent.

    What is newer than the run stays, and so does what has nowhere to go. Exit 0 if everything that was asked for was \
moved, 9 if partly, 6 if an alarm or what came back stopped it. Safe to run again: a redrive whose process is gone \
is taken up as it was planned. With --dry-run a sample (--sample) shows what would happen; nothing is sent.

    \b
    # what would happen?
    lambdaops dlq redrive orders-dlq --dry-run
    # back to where they came from, stopped by an alarm
    lambdaops dlq redrive orders-dlq --stop-alarm orders-errors --reason "the fix is live"
    # only some, slowly
    lambdaops dlq redrive orders-dlq --filter "error == 'Timeout'" --rate 5/s
    # a function's dead letters, to its alias
    lambdaops dlq redrive orders-failed --to orders:live
    # unattended, what has nowhere to go set aside
    lambdaops dlq redrive orders-dlq --quarantine orders-quarantine --yes
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.dlq.redriving import Asked, redriven, rehearsed

        asked = Asked(
            queue,
            Place(environment, config, region, profile),
            to=to,
            filter=filter_,
            transform=transform,
            edit=edit,
            older_than=older_than,
            newer_than=newer_than,
            limit=limit,
            quarantine=quarantine,
            rate=rate,
            stages=stages,
            watch=watch,
            workers=workers,
            visibility=visibility,
            native=native,
            stop_alarms=tuple(dict.fromkeys(stop_alarm or ())),
            max_reentry=max_reentry,
            resend=resend_doubtful,
            sample=sample,
            reason=reason,
            ticket=ticket,
            yes=yes,
        )
        return rehearsed(env, asked, output) if dry_run else redriven(env, asked, output)

    return answer(env, "dlq redrive", output, body)


def resume(
    ctx: typer.Context,
    run: RunArgument,
    edit: EditOption = None,
    resend_doubtful: ResendOption = False,
    reason: ReasonOption = "",
    yes: YesOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Let a paused redrive go on; one that stopped, or whose process is gone, is taken up here, as it was planned.

    Ends with the exit code of the redrive, as dlq redrive does.

    \b
    lambdaops dlq resume d-20261123-153729-1613
    lambdaops dlq resume orders-dlq
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.dlq.redriving import Again, resumed

        again = Again(run, Place(environment, config, region, profile), edit, reason, resend=resend_doubtful, yes=yes)
        return resumed(env, again, output)

    return answer(env, "dlq resume", output, body)
