"""``plan`` and ``release``: their options and help; the work is in ``releasing``, imported when it is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lambdaops.cli.options import (
    AlarmOption,
    AlphaOption,
    BakeOption,
    CompareOption,
    ConfigOption,
    DryRunOption,
    EnvironmentOption,
    IgnoreAlarmOption,
    ImageOption,
    LookEveryOption,
    MetricOption,
    MinRequestsOption,
    ObserveOption,
    OnInconclusiveOption,
    OnInterruptOption,
    OutputFormat,
    OutputOption,
    OverrideFreezeOption,
    PatienceOption,
    PeriodOption,
    Place,
    ProfileOption,
    ReadLogsOption,
    ReasonOption,
    RegionOption,
    S3Option,
    StrategyOption,
    TargetArgument,
    TicketOption,
    ToleranceOption,
    ToOption,
    YesOption,
    ZipOption,
)
from lambdaops.cli.reply import Reply, answer

if TYPE_CHECKING:
    from lambdaops.cli.env import Env


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("plan")(plan)
    app.command("release")(release)


def plan(
    ctx: typer.Context,
    target: TargetArgument,
    to: ToOption = None,
    zip_file: ZipOption = None,
    s3: S3Option = None,
    image: ImageOption = None,
    strategy: StrategyOption = None,
    bake: BakeOption = None,
    alarm: AlarmOption = None,
    ignore_alarm: IgnoreAlarmOption = None,
    look_every: LookEveryOption = None,
    patience: PatienceOption = None,
    on_inconclusive: OnInconclusiveOption = None,
    compare: CompareOption = None,
    tolerance: ToleranceOption = None,
    alpha: AlphaOption = None,
    min_requests: MinRequestsOption = None,
    metric: MetricOption = None,
    observe: ObserveOption = None,
    period: PeriodOption = None,
    override_freeze: OverrideFreezeOption = None,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Show what a release would do, minute by minute, and what preflight finds. Writes nothing; exit 3 when blocked.

    \b
    # the default: 10 % for five minutes, then everything
    lambdaops plan orders:live --to 42 --alarm orders-errors
    # CodeDeploy's timetable
    lambdaops plan orders:live --to 42 --strategy Linear10PercentEvery1Minute
    # as lambdaops.yaml says for prod
    lambdaops plan orders --env prod --to 42
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.judging import Judging
        from lambdaops.cli.releasing import Asked, planned

        asked = Asked(
            target,
            to=to,
            zip_file=zip_file,
            s3=s3,
            image=image,
            strategy=strategy,
            bake=bake,
            alarms=alarm or [],
            ignored=ignore_alarm or [],
            look_every=look_every,
            patience=patience,
            on_inconclusive=on_inconclusive.value if on_inconclusive else None,
            judging=Judging(compare, tolerance, alpha, min_requests, period, metric or [], observe),
            place=Place(environment, config, region, profile),
            override_freeze=override_freeze,
        )
        return planned(env, asked)

    return answer(env, "plan", output, body)


def release(
    ctx: typer.Context,
    target: TargetArgument,
    to: ToOption = None,
    zip_file: ZipOption = None,
    s3: S3Option = None,
    image: ImageOption = None,
    strategy: StrategyOption = None,
    bake: BakeOption = None,
    alarm: AlarmOption = None,
    ignore_alarm: IgnoreAlarmOption = None,
    look_every: LookEveryOption = None,
    patience: PatienceOption = None,
    on_inconclusive: OnInconclusiveOption = None,
    compare: CompareOption = None,
    tolerance: ToleranceOption = None,
    alpha: AlphaOption = None,
    min_requests: MinRequestsOption = None,
    metric: MetricOption = None,
    observe: ObserveOption = None,
    period: PeriodOption = None,
    reason: ReasonOption = "",
    ticket: TicketOption = "",
    on_interrupt: OnInterruptOption = None,
    read_logs: ReadLogsOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    override_freeze: OverrideFreezeOption = None,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Shift an alias to a version in stages, watch the gates, and promote it or take it back (exit 4).

    Safe to run again: a release whose process is gone is taken up where it was, as it was planned; one that is done \
is not done twice. With --zip, --s3 or --image the code is published first. While releases \
are frozen by lambdaops.yaml, none begins (exit 3).

    \b
    # shift to version 42, watched by two alarms
    lambdaops release orders:live --to 42 --alarm orders-errors --alarm orders-latency
    # publish a build and release it, unattended
    lambdaops release orders:live --zip build/orders.zip --alarm orders-errors --yes --reason "CHG-1201"
    # as lambdaops.yaml says for prod
    lambdaops release orders --env prod --to 42
    # a metric of your own as a gate
    lambdaops release orders:live --to 42 --metric "dead: [AWS/SQS NumberOfMessagesSent Sum QueueName=orders-dlq] > 5"
    # your own stages
    lambdaops release orders:live --to 42 --strategy 5%:2m,25%:5m,100%:10m
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.judging import Judging
        from lambdaops.cli.releasing import Asked, planned, released

        asked = Asked(
            target,
            to=to,
            zip_file=zip_file,
            s3=s3,
            image=image,
            strategy=strategy,
            bake=bake,
            alarms=alarm or [],
            ignored=ignore_alarm or [],
            look_every=look_every,
            patience=patience,
            on_inconclusive=on_inconclusive.value if on_inconclusive else None,
            judging=Judging(compare, tolerance, alpha, min_requests, period, metric or [], observe),
            place=Place(environment, config, region, profile),
            override_freeze=override_freeze,
            reason=reason,
            ticket=ticket,
            yes=yes,
            on_interrupt=on_interrupt.value if on_interrupt else None,
            read_logs=read_logs,
        )
        return planned(env, asked) if dry_run else released(env, asked, output)

    return answer(env, "release", output, body)
