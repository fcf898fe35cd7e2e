"""``playbook status``, ``cancel``, ``approve``, ``reject``: see and steer runs from any shell."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.options import (
    SAFETY,
    ConfigOption,
    EnvironmentOption,
    NewestOption,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    ReasonOption,
    RegionOption,
    YesOption,
)
from lambdaops.cli.playbook.options import RunArgument
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.core.playbook.records import Wish

AnyRunArgument = Annotated[
    str,
    typer.Argument(
        metavar="[RUN|NAME]",
        help="The id of a run, or a playbook; the runs that are not over if none is given.",
        show_default=False,
        autocompletion=complete.playbook_runs,
    ),
]
KeepOption = Annotated[
    bool,
    typer.Option(
        "--no-compensate", help="Take nothing back: only end a run that nobody drives.", rich_help_panel=SAFETY
    ),
]


def add_to(group: typer.Typer) -> None:
    """Register the commands."""
    group.command("status")(status)
    group.command("cancel")(cancel)
    group.command("approve")(approve)
    group.command("reject")(reject)


def status(
    ctx: typer.Context,
    run: AnyRunArgument = "",
    limit: NewestOption = 20,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Show runs of playbooks: how far each is, step by step, who is at work, what to do next. Needs no AWS.

    \b
    lambdaops playbook status
    lambdaops playbook status o-20261129-031500-1f2e
    # every run of one playbook
    lambdaops playbook status dlq-drain --limit 0
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import journals_at
        from lambdaops.core.codec import encode
        from lambdaops.ops.playbook.runs import known
        from lambdaops.render.playbooks import runs_text

        rows = known(journals_at(env, Place(environment, config, region, profile)), run, limit)
        return Reply(partial(runs_text, rows, whole=len(rows) == 1), {"runs": encode(rows)})

    return answer(env, "playbook status", output, body)


def cancel(
    ctx: typer.Context,
    run: RunArgument,
    no_compensate: KeepOption = False,
    reason: ReasonOption = "",
    yes: YesOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """End a run after the step that is being done, and take back what has something that takes it back.

    The process that drives the run does it; if there is none, this command does.

    \b
    lambdaops playbook cancel o-20261129-031500-1f2e --reason "wrong queue"
    """
    env: Env = ctx.obj
    place = Place(environment, config, region, profile)

    def body() -> Reply:
        from lambdaops.cli.playbook.asking import Asked, reach_for
        from lambdaops.cli.playbook.running import resumed
        from lambdaops.core.errors import UsageError
        from lambdaops.ops.playbook import runs

        reach = reach_for(env, place)
        with telling(env, output) as sink:
            ports = reach.ports(env, sink, yes=yes)
            reach.require_caller(ports)
            found = runs.find(ports.journals, run)
            if no_compensate and found.live:
                raise UsageError(
                    "--no-compensate is for a run that nobody drives", hint="Cancel it without, or end its process."
                )
            ports.ask.confirm(f"Cancel run {found.run.id} of {found.run.said.name}?")
            now = runs.drop(ports, found, reason) if no_compensate else runs.cancel(ports, found, reason)
        if now.open and not found.live:
            done = resumed(env, Asked(now.id, place, yes=True), None, output, edited=False)
            if done.data["outcome"] != "cancelled":
                return done
            data = {name: done.data[name] for name in ("run", "playbook", "reason")}
            return Reply(done.text, {**data, "phase": "cancelled", "changed": True})
        row = runs.row(now, found.lease)
        text = f"run {now.id} of {now.said.name}: {row.phase}" + (f": {row.reason}" if row.reason else "")
        data = {"run": now.id, "playbook": now.said.name, "phase": row.phase, "reason": row.reason, "changed": True}
        return Reply(text, data)

    return answer(env, "playbook cancel", output, body)


def approve(
    ctx: typer.Context,
    run: RunArgument,
    reason: ReasonOption = "",
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Say yes to the step that waits: as somebody else than who began the run, in time, for the plan as it is.

    \b
    lambdaops playbook approve o-20261129-031500-1f2e --reason "looked at the diff"
    """
    from lambdaops.core.playbook.records import Wish

    return _say(ctx.obj, run, Wish.APPROVE, reason, Place(environment, config, region, profile), output)


def reject(
    ctx: typer.Context,
    run: RunArgument,
    reason: ReasonOption = "",
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Say no to the step that waits: it fails. Everybody may.

    \b
    lambdaops playbook reject o-20261129-031500-1f2e --reason "not on a Friday"
    """
    from lambdaops.core.playbook.records import Wish

    return _say(ctx.obj, run, Wish.REJECT, reason, Place(environment, config, region, profile), output)


def _say(env: Env, run: str, wish: Wish, reason: str, place: Place, output: OutputFormat) -> int:
    def body() -> Reply:
        from lambdaops.cli.playbook.asking import reach_for
        from lambdaops.ops.playbook import runs

        reach = reach_for(env, place)
        with telling(env, output) as sink:
            ports = reach.ports(env, sink)
            reach.require_caller(ports)
            found = runs.find(ports.journals, run)
            asked = found.run.waits
            now = runs.answer(ports, found, wish, reason)
        step = getattr(asked.event, "step", "") if asked is not None else ""
        said = "approved" if wish.value == "approve" else "rejected"
        goes_on = "" if found.live else f"; nobody drives the run: lambdaops playbook resume {now.id} goes on"
        data = {
            "run": now.id,
            "playbook": now.said.name,
            "step": step,
            "answer": said,
            "plan": now.plan,
            "changed": True,
        }
        return Reply(f"{said} step {step} of run {now.id} ({now.said.name}){goes_on}", data)

    return answer(env, f"playbook {wish.value}", output, body)
