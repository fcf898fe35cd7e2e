"""``halt`` and ``unhalt``: stop a function that does harm, and start it again as it was."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.options import (
    GATES,
    SAFETY,
    WHAT,
    ConfigOption,
    DryRunOption,
    EnvironmentOption,
    FunctionArgument,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    ReasonOption,
    RegionOption,
    TicketOption,
    YesOption,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambdaops.cli.env import Env
    from lambdaops.cli.reach import Reach
    from lambdaops.core.errors import LambdaOpsError
    from lambdaops.core.halt.plan import Left
    from lambdaops.core.halt.reports import HaltReport, ReservedReport, Source, UnhaltReport

SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="NAME|ARN|UUID",
        help="Only this event source: its queue, stream, table or cluster, or the mapping's UUID; may be repeated.",
        rich_help_panel=WHAT,
        autocompletion=complete.event_sources,
    ),
]
AllInvocationsOption = Annotated[
    bool,
    typer.Option(
        "--all-invocations",
        help="Let nothing of it run: reserved concurrency 0. Asynchronous events may be lost.",
        rich_help_panel=WHAT,
    ),
]
GiveBackOption = Annotated[
    bool,
    typer.Option(
        "--all-invocations",
        help="With --source: give reserved concurrency back as well; without, it always is.",
        rich_help_panel=WHAT,
    ),
]
UnhaltStagesOption = Annotated[
    str,
    typer.Option(
        "--stages", metavar="LIST", help="How many event sources poll when each stage is over.", rich_help_panel=SAFETY
    ),
]
WatchOption = Annotated[
    str,
    typer.Option("--watch", metavar="TIME", help="How long each stage is watched.", rich_help_panel=SAFETY),
]
UnhaltAlarmOption = Annotated[
    list[str] | None,
    typer.Option(
        "--stop-alarm",
        metavar="NAME",
        help="A CloudWatch alarm that stops again what was started, while a stage is watched; may be repeated.",
        rich_help_panel=GATES,
        autocompletion=complete.alarms,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("halt")(halt)
    app.command("unhalt")(unhalt)


def halt(
    ctx: typer.Context,
    function: FunctionArgument,
    source: SourceOption = None,
    all_invocations: AllInvocationsOption = False,
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
    """Stop a function that does harm: disable its event sources (queues, streams, brokers), and remember what was.

    Nothing in them is lost until it is too old; unhalt puts everything back. Needs no reason and heeds no freeze. \
What else invokes the function (SNS, EventBridge, S3, APIs) is told; --all-invocations stops that too, and loses \
events where there is no dead-letter queue. Safe to run again. Exit 9 if something could not be stopped.

    \b
    # stop what polls for it
    lambdaops halt orders --reason "charges customers twice"
    # how does it stand, and what would be stopped?
    lambdaops halt orders --dry-run
    # only one queue
    lambdaops halt orders --source orders-queue --yes
    # let nothing run, whoever calls
    lambdaops halt orders --all-invocations
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import aim_at_function
        from lambdaops.ops.halt.halting import Request, rehearse
        from lambdaops.ops.halt.halting import halt as run

        reach = aim_at_function(env, function, Place(environment, config, region, profile))
        request = Request(tuple(dict.fromkeys(source or ())), all_invocations, reason, ticket)
        with telling(env, output) as sink:
            ports = reach.halting(env, sink, yes=yes)
            reach.require_caller(ports)
            found = rehearse(ports, reach.name, request) if dry_run else run(ports, reach.name, request)
        return _halted(found, reach)

    return answer(env, "halt", output, body)


def unhalt(
    ctx: typer.Context,
    function: FunctionArgument,
    source: SourceOption = None,
    all_invocations: GiveBackOption = False,
    stages: UnhaltStagesOption = "all",
    watch: WatchOption = "1m",
    stop_alarm: UnhaltAlarmOption = None,
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
    """Start again exactly what halt stopped; in stages, and stopped again if an alarm objects (exit 6).

    What somebody changed since is told and left as it is (exit 7); what was disabled before the halt stays disabled. \
Safe to run again.

    \b
    # everything as it was
    lambdaops unhalt orders --reason "the fix is live"
    # one event source first, watched for five minutes
    lambdaops unhalt orders --stages 1,all --watch 5m --stop-alarm orders-errors
    # only one of them
    lambdaops unhalt orders --source orders-queue --yes
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import aim_at_function
        from lambdaops.core.dlq.plan import parse_stages
        from lambdaops.core.duration import parse_duration
        from lambdaops.ops.halt.starting import Request, rehearse
        from lambdaops.ops.halt.starting import unhalt as run

        request = Request(
            tuple(dict.fromkeys(source or ())),
            all_invocations,
            parse_stages(stages),
            parse_duration(watch),
            tuple(dict.fromkeys(stop_alarm or ())),
            reason,
            ticket,
        )
        reach = aim_at_function(env, function, Place(environment, config, region, profile))
        if not dry_run:
            reach.require_reason(reason)
        with telling(env, output) as sink:
            ports = reach.halting(env, sink, yes=yes)
            reach.require_caller(ports)
            found = rehearse(ports, reach.name, request) if dry_run else run(ports, reach.name, request)
        return _started(found, reach)

    return answer(env, "unhalt", output, body)


def _again(command: str, reach: Reach) -> str:
    named = f" --env {reach.settings.environment}" if reach.settings.environment else ""
    return f"lambdaops {command} {reach.name}{named}"


def _halted(found: HaltReport, reach: Reach) -> Reply:
    from lambdaops.core.errors import PartlyDoneError
    from lambdaops.render.halts import halt_text

    again = _again("halt", reach)
    steps = ([again] if found.left else []) + ([_again("unhalt", reach)] if found.halt else [])
    data = {
        "function": found.function,
        "halt": found.halt,
        "halted": _sources(found.halted),
        "before": _sources(found.before),
        "left": _left(found.left),
        "not_stopped": [{"by": one.by, "qualifier": one.qualifier, "next": one.next} for one in found.not_stopped],
        "reserved": _reserved(found.reserved),
        "changed": found.changed,
        "dry_run": found.dry_run,
        "environment": reach.settings.environment,
        "next": [*steps, *(one.next for one in found.not_stopped)],
    }
    if not found.left:
        return Reply(partial(halt_text, found), data)
    error = PartlyDoneError(
        f"{found.function} is not all halted: {_told(found.left)}",
        hint=f"Put it right, then run it again: {again}.",
        target=found.function,
    )
    return Reply(partial(halt_text, found), data, error.exit_code, error)


def _started(found: UnhaltReport, reach: Reach) -> Reply:
    from lambdaops.core.errors import ExitCode
    from lambdaops.render.halts import unhalt_text

    again = _again("unhalt", reach)
    data = {
        "function": found.function,
        "halt": found.halt,
        "restored": _sources(found.restored),
        "left": _left(found.left),
        "halted": _sources(found.halted),
        "reserved": _reserved(found.reserved),
        "held": found.held,
        "over": found.over,
        "changed": found.changed,
        "dry_run": found.dry_run,
        "environment": reach.settings.environment,
        "next": [] if found.over or found.dry_run else [again],
    }
    error = None if found.dry_run else _trouble(found, again)
    code = error.exit_code if error is not None else ExitCode.DONE
    return Reply(partial(unhalt_text, found), data, code, error)


def _sources(sources: Iterable[Source]) -> list[dict[str, str]]:
    return [{"source": one.source, "uuid": one.uuid, "qualifier": one.qualifier} for one in sources]


def _left(left: Iterable[Left]) -> list[dict[str, str]]:
    return [{"source": one.source, "uuid": one.uuid, "qualifier": one.qualifier, "why": one.why} for one in left]


def _reserved(reserved: ReservedReport | None) -> dict[str, int | None] | None:
    return None if reserved is None else {"before": reserved.before, "now": reserved.now}


def _told(left: Iterable[Left]) -> str:
    from lambdaops.core.halt.mappings import source_name

    return "; ".join(f"{source_name(one.source) or 'reserved concurrency'}: {one.why}" for one in left)


def _trouble(found: UnhaltReport, again: str) -> LambdaOpsError | None:
    """What an unhalt ended with that was not everything being as it was."""
    from lambdaops.core.errors import HaltDriftError, PartlyDoneError, UnhaltHeldError

    left, name = _told(found.left), found.function
    if found.held and found.failed:
        return PartlyDoneError(
            f"{name} should be stopped again ({found.held}), and not all of it could be: {left}",
            hint=f"Act now: lambdaops halt {name}.",
            target=name,
        )
    if found.held:
        return UnhaltHeldError(
            f"{name} is stopped again: {found.held}", hint=f"When that is put right: {again}", target=name
        )
    if found.off:
        return HaltDriftError(
            f"somebody halted {name} again while it was started", hint=f"Find out who: {again} afterwards.", target=name
        )
    if found.failed:
        return PartlyDoneError(f"not all of {name} was started again: {left}", hint=f"Then: {again}", target=name)
    if found.left:
        return HaltDriftError(
            f"somebody changed {name} since it was halted, and that was left as it is: {left}",
            hint="Everything else is as it was before. See whether what is left is meant so.",
            target=name,
        )
    return None
