"""``plan`` and ``release``: what a release would do, and the release."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from lambdaops.cli.ask import Confirmation
from lambdaops.cli.clock import ProcessSignals
from lambdaops.cli.options import (
    AlarmOption,
    BakeOption,
    DryRunOption,
    IgnoreAlarmOption,
    ImageOption,
    LookEveryOption,
    OnInconclusive,
    OnInconclusiveOption,
    OnInterrupt,
    OnInterruptOption,
    OutputFormat,
    OutputOption,
    PatienceOption,
    ProfileOption,
    ReasonOption,
    RegionOption,
    S3Option,
    StrategyOption,
    TargetArgument,
    TicketOption,
    ToOption,
    YesOption,
    ZipOption,
)
from lambdaops.cli.reply import Reply, answer, telling
from lambdaops.cli.sources import code_from, commit_of
from lambdaops.core import plan as planning
from lambdaops.core.codec import encode
from lambdaops.core.duration import format_duration, parse_duration
from lambdaops.core.errors import ExitCode, UsageError
from lambdaops.core.machine import Signal
from lambdaops.core.model import Target, parse_version

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.core.errors import LambdaOpsError
    from lambdaops.core.plan import Plan
    from lambdaops.ops.release import Ended
    from lambdaops.ports import Code

_BAKE = format_duration(planning.DEFAULT_BAKE)
_LOOK = format_duration(planning.DEFAULT_LOOK_EVERY)
_PATIENCE = format_duration(planning.DEFAULT_PATIENCE)


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
    strategy: StrategyOption = planning.DEFAULT_STRATEGY,
    bake: BakeOption = _BAKE,
    alarm: AlarmOption = None,
    ignore_alarm: IgnoreAlarmOption = None,
    look_every: LookEveryOption = _LOOK,
    patience: PatienceOption = _PATIENCE,
    on_inconclusive: OnInconclusiveOption = OnInconclusive.ROLLBACK,
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
    """
    env: Env = ctx.obj

    def body() -> Reply:
        code = code_from(zip_file, s3, image)
        wanted = Target.parse(target)
        asked = _plan(to, code, strategy, bake, alarm, ignore_alarm, look_every, patience, on_inconclusive)
        return _planned(env, wanted, asked, output, wanted.region or region, profile)

    return answer(env, "plan", output, body)


def release(
    ctx: typer.Context,
    target: TargetArgument,
    to: ToOption = None,
    zip_file: ZipOption = None,
    s3: S3Option = None,
    image: ImageOption = None,
    strategy: StrategyOption = planning.DEFAULT_STRATEGY,
    bake: BakeOption = _BAKE,
    alarm: AlarmOption = None,
    ignore_alarm: IgnoreAlarmOption = None,
    look_every: LookEveryOption = _LOOK,
    patience: PatienceOption = _PATIENCE,
    on_inconclusive: OnInconclusiveOption = OnInconclusive.ROLLBACK,
    reason: ReasonOption = "",
    ticket: TicketOption = "",
    on_interrupt: OnInterruptOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Shift an alias to a version in stages, watch the alarms, and promote it or take it back (exit 4).

    Safe to run again: a release whose process is gone is taken up where it was, as it was planned; one that is done \
is not done twice. With --zip, --s3 or --image the code is published first.

    \b
    # shift to version 42, watched by two alarms
    lambdaops release orders:live --to 42 --alarm orders-errors --alarm orders-latency
    # publish a build and release it, unattended
    lambdaops release orders:live --zip build/orders.zip --alarm orders-errors --yes --reason "CHG-1201"
    # your own stages
    lambdaops release orders:live --to 42 --strategy 5%:2m,25%:5m,100%:10m
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.ops.release import Request
        from lambdaops.ops.release import release as run

        wanted = Target.parse(target)
        code = code_from(zip_file, s3, image)
        asked = _plan(to, code, strategy, bake, alarm, ignore_alarm, look_every, patience, on_inconclusive)
        if dry_run:
            return _planned(env, wanted, asked, output, wanted.region or region, profile)
        signals = _signals(env, on_interrupt)
        signals.install()
        with telling(env, output, live=True) as sink:
            ask = Confirmation(env, yes)
            where = wanted.region or region
            ports = env.ports(sink=sink, ask=ask, region=where, profile=profile, signals=signals)
            commit = commit_of(env.variables, env.cwd) if code else ""
            ended = run(ports, Request(wanted, asked, code, commit, reason, ticket))
        if ended is None:
            data = {"target": str(wanted), "changed": False}
            return Reply(f"{wanted} already sends all its traffic there: nothing to release", data)
        return _reply(wanted, ended)

    return answer(env, "release", output, body)


def _plan(
    to: str | None,
    code: Code | None,
    strategy: str,
    bake: str,
    alarm: list[str] | None,
    ignore_alarm: list[str] | None,
    look_every: str,
    patience: str,
    on_inconclusive: OnInconclusive,
) -> Plan:
    if (to is None) == (code is None):
        raise UsageError(
            "say what to release" if to is None else "--to and new code exclude each other",
            hint="Give exactly one of --to VERSION, --zip FILE, --s3 s3://BUCKET/KEY and --image URI.",
        )
    ignored = tuple(dict.fromkeys(ignore_alarm or ()))
    return planning.Plan(
        stable="",
        candidate=parse_version(to) if to is not None else planning.NEW_VERSION,
        stages=planning.resolve_strategy(strategy, parse_duration(bake)),
        strategy=strategy,
        alarms=tuple(dict.fromkeys((*(alarm or ()), *ignored))),
        ignored=ignored,
        look_every=parse_duration(look_every),
        patience=parse_duration(patience),
        on_inconclusive=planning.OnInconclusive(on_inconclusive.value),
    )


def _planned(
    env: Env, target: Target, asked: Plan, output: OutputFormat, region: str | None, profile: str | None
) -> Reply:
    from lambdaops.core.errors import BlockedError
    from lambdaops.core.reports import PlanReport
    from lambdaops.ops.release import look, prepare, require_clear
    from lambdaops.render.tables import plan_text

    with telling(env, output) as sink:
        ports = env.ports(sink=_Quiet(), ask=Confirmation(env, given=False), region=region, profile=profile)
        del sink
        found = prepare(ports, look(ports, target), asked)
    blocked: LambdaOpsError | None = None
    try:
        require_clear(target, found)
    except BlockedError as error:
        blocked = error
    report = PlanReport(str(target), found.plan, found.findings, env.clock.now(), found.blocked)
    data = encode(report)
    assert isinstance(data, dict)  # noqa: S101 -- a dataclass encodes to an object
    return Reply(partial(plan_text, report), data, ExitCode.BLOCKED if blocked else ExitCode.DONE, blocked)


def _signals(env: Env, on_interrupt: OnInterrupt | None) -> ProcessSignals:
    """On a terminal Ctrl-C holds: a person is there to go on. Without one, and on SIGTERM, traffic goes back."""
    if on_interrupt is not None:
        wanted = Signal(on_interrupt.value)
        return ProcessSignals(env.clock, wanted, wanted, env.stderr)
    on_ctrl_c = Signal.HOLD if env.interactive else Signal.ROLLBACK
    return ProcessSignals(env.clock, on_ctrl_c, Signal.ROLLBACK, env.stderr)


def _reply(target: Target, ended: Ended) -> Reply:
    from lambdaops.core.replay import phase

    plan_, reason = ended.release.plan, getattr(ended.state, "reason", "")
    word = phase(ended.state)
    lines = [f"{target} {plan_.stable} -> {plan_.candidate}: {word}: {reason}"]
    steps = _next_steps(target, ended)
    lines += [f"  {step}" for step in steps]
    data = {
        "target": str(target),
        "release": ended.release.id,
        "stable": plan_.stable,
        "candidate": plan_.candidate,
        "outcome": word,
        "reason": reason,
        "next": steps,
        "changed": ended.release.landed,
    }
    return Reply("\n".join(lines), data, ended.exit_code, ended.error if ended.exit_code != ExitCode.DONE else None)


def _next_steps(target: Target, ended: Ended) -> list[str]:
    """What a person does now."""
    go_on = f"go on:   lambdaops release {target} --to {ended.release.plan.candidate}"
    go_back = f"go back: lambdaops rollback {target}"
    match ended.exit_code:
        case ExitCode.HELD | ExitCode.INTERRUPTED:
            return [go_on, go_back]
        case ExitCode.CONFLICT:
            return [f"compare: lambdaops status {target}", go_back]
        case ExitCode.ROLLBACK_INCOMPLETE:
            return [f"ACT NOW: lambdaops rollback {target} --to {ended.release.plan.stable}"]
        case ExitCode.DONE:
            return [f"undo:    lambdaops rollback {target}"]
        case _:
            return []


class _Quiet:
    """A sink for planning: its result is the answer itself."""

    def emit(self, notice: object) -> None:
        """Say nothing."""
