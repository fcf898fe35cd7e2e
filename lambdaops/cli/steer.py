"""``promote``, ``pause``, ``resume`` and ``abort``: steer a release from another shell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.options import (
    SAFETY,
    WHAT,
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
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.cli.reach import Aim
    from lambdaops.core.states import Signal
    from lambdaops.ops.steer import Found, Steered
    from lambdaops.ports import Ports, Signals, Sink

OpenTargetArgument = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="What has a release that is open on this machine: FUNCTION:ALIAS, the ARN of an alias, or FUNCTION if "
        "lambdaops.yaml says the alias.",
        autocompletion=complete.targets,
    ),
]
FullOption = Annotated[bool, typer.Option("--full", help="To 100 % at once.", rich_help_panel=WHAT)]
ForOption = Annotated[
    str,
    typer.Option("--for", metavar="TIME", help="How long at most; then the release is held.", rich_help_panel=SAFETY),
]
PAUSE = "1h"


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("promote")(promote)
    app.command("pause")(pause)
    app.command("resume")(resume)
    app.command("abort")(abort)


def promote(
    ctx: typer.Context,
    target: OpenTargetArgument,
    full: FullOption = False,
    reason: ReasonOption = "",
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Send a running release to its next stage now, or to 100 %; approve a stage that waits for it.

    Cuts the bake short; in the last stage it ends it. A failing gate still takes the release back, then and later. \
The process that drives the release does it; this command waits for its answer.

    \b
    # the numbers look good: do not wait for the rest of the bake
    lambdaops promote orders:live --reason "dashboards are flat"
    # in prod, and in no other environment
    lambdaops promote orders --env prod --reason "dashboards are flat"
    # everything to the candidate now
    lambdaops promote orders:live --full --yes
    """
    from lambdaops.core.states import Signal

    wish = _Wish(Signal.PROMOTE_FULL if full else Signal.PROMOTE, "promote", reason, ask=True)
    return _steer(
        ctx.obj, _Where(target, Place(environment, config, region, profile)), wish, output, yes=yes, dry_run=dry_run
    )


def pause(
    ctx: typer.Context,
    target: OpenTargetArgument,
    lasts: ForOption = PAUSE,
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Keep a running release where it is; its gates are watched on and can still take it back. Never asks.

    When the time is over the release is held (exit 6 of its process). Pausing again sets a new time.

    \b
    lambdaops pause orders:live --for 30m --reason "waiting for the payments team"
    """
    from lambdaops.core.states import Signal

    wish = _Wish(Signal.PAUSE, "pause", reason, lasts=lasts)
    return _steer(
        ctx.obj, _Where(target, Place(environment, config, region, profile)), wish, output, yes=True, dry_run=dry_run
    )


def resume(
    ctx: typer.Context,
    target: OpenTargetArgument,
    reason: ReasonOption = "",
    on_interrupt: OnInterruptOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Go on with a release that is paused, waits for approval, is held, or whose process is gone.

    If a process drives it, that process goes on. If none does, this command takes the release up as it was planned \
and drives it to its end, with the release's exit codes.

    \b
    lambdaops resume orders:live
    # hand over: another machine's process died, go on here (same journal directory)
    lambdaops resume orders:live --yes --reason "taking over from ada"
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.anchoring import anchor
        from lambdaops.cli.notifying import ToldTo
        from lambdaops.cli.releasing import interrupts, reply_to
        from lambdaops.ops import steer as op
        from lambdaops.ops.postmortem import logged_errors
        from lambdaops.ops.release import Ended, ended_before

        signals = interrupts(env, on_interrupt.value if on_interrupt else None)
        with telling(env, output, live=True) as shown, ToldTo(env, shown) as sink:
            where = _Where(target, Place(environment, config, region, profile))
            ports, aimed, arn = where.aim(env, sink, yes=yes, signals=signals)
            wanted = aimed.target
            over = ended_before(ports, wanted) if env.again else None
            if over is not None:
                return reply_to(aimed, over, None)
            found = op.find(ports, wanted, arn)
            sink.tell(aimed)
            if dry_run:
                what = "ask its process to go on" if found.live else "take it up and drive it here"
                return _would(aimed, found, what)
            ports.ask.confirm(f"Go on with release {found.release.id} of {wanted}?")
            # A freeze holds up what begins, not what has begun: traffic split over a weekend is worse than either end.
            done = op.resume(ports, wanted, found, reason)
            logged = logged_errors(ports, wanted, done) if isinstance(done, Ended) else None
            if isinstance(done, Ended):
                anchor(env, aimed, sink)
        return reply_to(aimed, done, logged) if isinstance(done, Ended) else _told(aimed, "resume", done)

    return answer(env, "resume", output, body)


def abort(
    ctx: typer.Context,
    target: OpenTargetArgument,
    reason: ReasonOption = "",
    ticket: TicketOption = "",
    dry_run: DryRunOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Roll a release back: all traffic returns to the stable version, in every phase. Never asks.

    The process that drives the release is asked first and given five seconds; if it does not heed, or there is none, \
the rollback is done right here. Exit 0 once traffic is back, 5 if that could not be done.

    \b
    lambdaops abort orders:live --reason "wrong build"
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.notifying import ToldTo
        from lambdaops.cli.rollback import rolled_back
        from lambdaops.ops import steer as op
        from lambdaops.ops.rollback import Rollback

        with telling(env, output) as shown, ToldTo(env, shown) as sink:
            where = _Where(target, Place(environment, config, region, profile))
            ports, aimed, arn = where.aim(env, sink, yes=True, urgent=True)
            wanted = aimed.target
            before = op.aborted_before(ports, arn) if env.again else None
            if before is not None:
                return _told(aimed, "abort", before)
            found = op.find(ports, wanted, arn)
            sink.tell(aimed)
            if dry_run:
                return _would(aimed, found, "roll it back")
            done = op.abort(ports, wanted, found, reason, ticket)
        if isinstance(done, Rollback):
            text = rolled_back(wanted, done)
            data = {"target": str(wanted), "release": found.release.id, "signal": "rollback", "changed": done.changed}
            data |= {"phase": "rolled back", "reason": done.basis, "environment": aimed.settings.environment}
            return Reply(text, data)
        return _told(aimed, "abort", done)

    return answer(env, "abort", output, body)


@dataclass(frozen=True)
class _Wish:
    """What is asked for, in the words of a command line."""

    signal: Signal
    command: str
    reason: str
    lasts: str = ""
    ask: bool = False


@dataclass(frozen=True)
class _Where:
    """Whom it is asked of, in the words of a command line."""

    target: str
    place: Place

    def aim(
        self, env: Env, sink: Sink, *, yes: bool, signals: Signals | None = None, urgent: bool = False
    ) -> tuple[Ports, Aim, str]:
        """What is needed to steer, and the ARN whose journal has the release; ``urgent`` takes it back."""
        from lambdaops.cli.aim import aim_abort, aim_at_journal

        if urgent:
            aimed, arn = aim_abort(env, self.target, self.place, sink)
        else:
            aimed, arn = aim_at_journal(env, self.target, self.place)
        return aimed.ports(env, sink, yes=yes, signals=signals, urgent=urgent), aimed, arn


def _steer(env: Env, where: _Where, wish: _Wish, output: OutputFormat, *, yes: bool, dry_run: bool) -> int:
    def body() -> Reply:
        from lambdaops.core.duration import parse_duration
        from lambdaops.core.events import Signalled
        from lambdaops.ops import steer as op

        lasts = parse_duration(wish.lasts) if wish.lasts else None
        with telling(env, output) as sink:
            ports, aimed, arn = where.aim(env, sink, yes=yes)
            wanted = aimed.target
            before = op.asked_before(ports, wanted, arn) if env.again else None
            if before is not None:
                return _told(aimed, wish.command, before)
            found = op.find(ports, wanted, arn)
            if dry_run:
                return _would(aimed, found, f"ask for {wish.signal.value}")
            if wish.ask:
                aimed.require_reason(wish.reason)
                ports.ask.confirm(f"{wish.command.capitalize()} release {found.release.id} of {wanted}?")
            done = op.ask_for(ports, wanted, found, Signalled(wish.signal, wish.reason, lasts))
        return _told(aimed, wish.command, done)

    return answer(env, wish.command, output, body)


def _would(aimed: Aim, found: Found, what: str) -> Reply:
    from lambdaops.core.replay import phase

    target = aimed.target
    state = phase(found.release.state)
    text = f"would {what}: release {found.release.id} of {target} ({state})"
    data = {"target": str(target), "release": found.release.id, "phase": state, "changed": False, "dry_run": True}
    return Reply(text, {**data, "environment": aimed.settings.environment})


def _told(aimed: Aim, command: str, done: Steered) -> Reply:
    from lambdaops.core.errors import ExitCode
    from lambdaops.core.lifecycle import exit_code
    from lambdaops.core.replay import phase
    from lambdaops.core.states import Done, Held
    from lambdaops.render.words import told

    target = aimed.target
    word = phase(done.state)
    # Whoever aborts wants the release to end as it did.
    over = isinstance(done.state, Held) or (isinstance(done.state, Done) and command != "abort")
    code = exit_code(done.state) if over else ExitCode.DONE
    data = {
        "target": str(target),
        "release": done.release.id,
        "phase": word,
        "reason": done.reason,
        "changed": done.changed,
        "environment": aimed.settings.environment,
    }
    return Reply(f"{target} {told(word, done.reason)}", data, code)
