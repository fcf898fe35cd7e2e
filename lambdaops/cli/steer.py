"""``promote``, ``pause``, ``resume`` and ``abort``: steer a release from another shell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.ask import Confirmation
from lambdaops.cli.options import (
    SAFETY,
    WHAT,
    DryRunOption,
    OnInterruptOption,
    OutputFormat,
    OutputOption,
    ProfileOption,
    ReasonOption,
    RegionOption,
    TicketOption,
    YesOption,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.core.model import Target
    from lambdaops.core.states import Signal
    from lambdaops.ops.steer import Found, Steered
    from lambdaops.ports import Ports, Signals, Sink

OpenTargetArgument = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="FUNCTION:ALIAS or the ARN of an alias whose release is open on this machine.",
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
    # everything to the candidate now
    lambdaops promote orders:live --full --yes
    """
    from lambdaops.core.states import Signal

    wish = _Wish(Signal.PROMOTE_FULL if full else Signal.PROMOTE, "promote", reason, ask=True)
    return _steer(ctx.obj, _Where(target, region, profile), wish, output, yes=yes, dry_run=dry_run)


def pause(
    ctx: typer.Context,
    target: OpenTargetArgument,
    lasts: ForOption = PAUSE,
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
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
    return _steer(ctx.obj, _Where(target, region, profile), wish, output, yes=True, dry_run=dry_run)


def resume(
    ctx: typer.Context,
    target: OpenTargetArgument,
    reason: ReasonOption = "",
    on_interrupt: OnInterruptOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
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
        from lambdaops.cli.releasing import interrupts, reply_to
        from lambdaops.ops import steer as op
        from lambdaops.ops.release import Ended

        signals = interrupts(env, on_interrupt.value if on_interrupt else None)
        with telling(env, output, live=True) as sink:
            ports, wanted, found = _Where(target, region, profile).find(env, sink, yes=yes, signals=signals)
            if dry_run:
                what = "ask its process to go on" if found.live else "take it up and drive it here"
                return _would(wanted, found, what)
            ports.ask.confirm(f"Go on with release {found.release.id} of {wanted}?")
            done = op.resume(ports, wanted, found, reason)
        return reply_to(wanted, done) if isinstance(done, Ended) else _told(wanted, "resume", done)

    return answer(env, "resume", output, body)


def abort(
    ctx: typer.Context,
    target: OpenTargetArgument,
    reason: ReasonOption = "",
    ticket: TicketOption = "",
    dry_run: DryRunOption = False,
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
        from lambdaops.ops import steer as op
        from lambdaops.ops.rollback import Rollback

        with telling(env, output) as sink:
            ports, wanted, found = _Where(target, region, profile).find(env, sink, yes=True, urgent=True)
            if dry_run:
                return _would(wanted, found, "roll it back")
            done = op.abort(ports, wanted, found, reason, ticket)
        if isinstance(done, Rollback):
            text = f"returned {wanted} from {done.before} to {done.after} ({done.basis})"
            data = {"target": str(wanted), "release": found.release.id, "signal": "rollback", "changed": done.changed}
            return Reply(text, {**data, "phase": "rolled back", "reason": done.basis})
        return _told(wanted, "abort", done)

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
    region: str | None
    profile: str | None

    def find(
        self, env: Env, sink: Sink, *, yes: bool, signals: Signals | None = None, urgent: bool = False
    ) -> tuple[Ports, Target, Found]:
        """The open release of this machine's journal, and what is needed to steer it."""
        from lambdaops.core.model import Target
        from lambdaops.ops.reports import find_journal
        from lambdaops.ops.steer import find

        arn = find_journal(env.journals, self.target, region=self.region)
        wanted = Target.parse(arn)
        ask = Confirmation(env, yes)
        ports = env.ports(
            sink=sink, ask=ask, region=wanted.region, profile=self.profile, signals=signals, urgent=urgent
        )
        return ports, wanted, find(ports, wanted, arn)


def _steer(env: Env, where: _Where, wish: _Wish, output: OutputFormat, *, yes: bool, dry_run: bool) -> int:
    def body() -> Reply:
        from lambdaops.core.duration import parse_duration
        from lambdaops.core.events import Signalled
        from lambdaops.ops import steer as op

        lasts = parse_duration(wish.lasts) if wish.lasts else None
        with telling(env, output) as sink:
            ports, wanted, found = where.find(env, sink, yes=yes)
            if dry_run:
                return _would(wanted, found, f"ask for {wish.signal.value}")
            if wish.ask:
                ports.ask.confirm(f"{wish.command.capitalize()} release {found.release.id} of {wanted}?")
            done = op.ask_for(ports, wanted, found, Signalled(wish.signal, wish.reason, lasts))
        return _told(wanted, wish.command, done)

    return answer(env, wish.command, output, body)


def _would(target: Target, found: Found, what: str) -> Reply:
    from lambdaops.core.replay import phase

    state = phase(found.release.state)
    text = f"would {what}: release {found.release.id} of {target} ({state})"
    data = {"target": str(target), "release": found.release.id, "phase": state, "changed": False, "dry_run": True}
    return Reply(text, data)


def _told(target: Target, command: str, done: Steered) -> Reply:
    from lambdaops.core.errors import ExitCode
    from lambdaops.core.lifecycle import exit_code
    from lambdaops.core.replay import phase
    from lambdaops.core.states import Done, Held

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
    }
    return Reply(f"{target} {word}: {done.reason}", data, code)
