"""``playbook run`` and ``playbook resume``: their options and help; the work is in ``running``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli.options import (
    SAFETY,
    ConfigOption,
    DryRunOption,
    EnvironmentOption,
    OnInterruptOption,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    ReasonOption,
    RegionOption,
    TicketOption,
    YesOption,
)
from lambdaops.cli.playbook.options import (
    InputOption,
    InputsOption,
    PlaybookArgument,
    RepeatOption,
    RunArgument,
    StopAlarmOption,
)
from lambdaops.cli.reply import Reply, answer

if TYPE_CHECKING:
    from lambdaops.cli.env import Env

PlanOption = Annotated[
    str, typer.Option("--plan", metavar="HASH", help="Only if the plan has this hash.", rich_help_panel=SAFETY)
]
OverrideOption = Annotated[
    str | None,
    typer.Option(
        "--override-limits",
        metavar="TEXT",
        help="Reach further than its limits, and those of what it runs, and say why; kept in the audit log.",
        rich_help_panel=SAFETY,
    ),
]
EditedOption = Annotated[
    bool,
    typer.Option(
        "--edited", help="Go on although the playbook was edited since the run began.", rich_help_panel=SAFETY
    ),
]


def add_to(group: typer.Typer) -> None:
    """Register the commands."""
    group.command("run")(run)
    group.command("resume")(resume)


def run(
    ctx: typer.Context,
    playbook: PlaybookArgument,
    inputs: InputOption = None,
    inputs_json: InputsOption = "",
    stop_alarm: StopAlarmOption = None,
    plan: PlanOption = "",
    override_limits: OverrideOption = None,
    repeat: RepeatOption = False,
    reason: ReasonOption = "",
    ticket: TicketOption = "",
    on_interrupt: OnInterruptOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Run a playbook: checked first, each step journaled before and after it is done.

    Exit 0 if every step is done, 9 if it came to its end and a step had failed, or if what was done is taken back, 6 \
if it is held: a step failed, an alarm objects, nobody approved, it would act on more targets than it may. Safe to run \
again: the same playbook with the same inputs takes up the run that is not over, and does nothing twice.

    \b
    # the release is bad: what would be done, then do it
    lambdaops playbook plan bad-release --input target=orders:live
    lambdaops playbook run bad-release --input target=orders:live --reason "checkout errors"
    # exactly what was reviewed, unattended
    lambdaops playbook run dlq-drain --input queue=orders-dlq --plan 5f0c2a9d71be0c44 --yes
    # stop it all if customers notice
    lambdaops playbook run progressive-release --input targets=orders:live,invoices:live \
--stop-alarm checkout-errors
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.playbook.asking import Asked
        from lambdaops.cli.playbook.running import rehearsed, started

        asked = Asked(
            playbook,
            Place(environment, config, region, profile),
            tuple(inputs or ()),
            inputs_json,
            reason,
            ticket,
            tuple(dict.fromkeys(stop_alarm or ())),
            plan,
            override_limits,
            yes,
            repeat,
        )
        if dry_run:
            return rehearsed(env, asked, output)
        return started(env, asked, on_interrupt.value if on_interrupt else None, output)

    return answer(env, "playbook run", output, body)


def resume(
    ctx: typer.Context,
    run_: RunArgument,
    inputs: InputOption = None,
    edited: EditedOption = False,
    override_limits: OverrideOption = None,
    repeat: RepeatOption = False,
    reason: ReasonOption = "",
    on_interrupt: OnInterruptOption = None,
    yes: YesOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Go on with a run that was held, or whose process is gone, at the step where it stopped.

    Nothing that was done is done again; a step of which nobody knows whether it was done is looked at first. Refused \
if the playbook was edited since (--edited goes on), or in another account or region. Secret inputs are said again. \
One that is held because it would act on more targets than it may goes on with --override-limits.

    \b
    lambdaops playbook resume o-20261129-031500-1f2e
    lambdaops playbook resume dlq-drain --yes
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.playbook.asking import Asked
        from lambdaops.cli.playbook.running import resumed

        asked = Asked(
            run_,
            Place(environment, config, region, profile),
            tuple(inputs or ()),
            reason=reason,
            override=override_limits,
            yes=yes,
            repeat=repeat,
        )
        return resumed(env, asked, on_interrupt.value if on_interrupt else None, output, edited=edited)

    return answer(env, "playbook resume", output, body)
