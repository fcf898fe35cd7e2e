"""What ``plan`` and ``release`` do once their words are read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from lambdaops.cli.aim import aim
from lambdaops.cli.anchoring import anchor
from lambdaops.cli.notifying import ToldTo
from lambdaops.cli.reply import Reply, telling
from lambdaops.cli.signals import ProcessSignals
from lambdaops.cli.sources import code_from, commit_of
from lambdaops.core import plan as planning
from lambdaops.core.codec import encode
from lambdaops.core.duration import parse_duration
from lambdaops.core.errors import BlockedError, ExitCode, UsageError
from lambdaops.core.freeze import freeze_findings
from lambdaops.core.model import parse_version
from lambdaops.core.notices import Progress
from lambdaops.core.replay import phase
from lambdaops.core.reports import PlanReport
from lambdaops.core.states import Held, Signal
from lambdaops.ops import release as op
from lambdaops.ops.postmortem import logged_errors
from lambdaops.ops.watchlist import WatchList, watch_list
from lambdaops.render.tables import logged_text, plan_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from pathlib import Path

    from lambdaops.cli.env import Env
    from lambdaops.cli.judging import Judging
    from lambdaops.cli.options import OutputFormat, Place
    from lambdaops.cli.reach import Aim
    from lambdaops.core.logged import Logged
    from lambdaops.core.settings import Settings
    from lambdaops.ops.release import Ended
    from lambdaops.ports import Code, Inventory, Ports, Signals


# What would have kept the other writer off: Terraform's lifecycle argument; CloudFormation writes an alias only when
# the template's own value changes, so a value that deployments rewrite must not stand in it.
_WHO_ELSE_WRITES = (
    "prevent: Terraform: lifecycle { ignore_changes = [function_version, routing_config] } on aws_lambda_alias",
    "         CloudFormation, SAM, CDK: let the stack create the alias once; no AutoPublishAlias, no currentVersion",
)


@dataclass(frozen=True)
class Asked:
    """The words of a command line, not yet understood; None where nothing was said."""

    target: str
    to: str | None
    zip_file: Path | None
    s3: str | None
    image: str | None
    strategy: str | None
    bake: str | None
    alarms: list[str]
    ignored: list[str]
    look_every: str | None
    patience: str | None
    on_inconclusive: str | None
    judging: Judging
    place: Place
    override_freeze: str | None = None
    reason: str = ""
    ticket: str = ""
    yes: bool = False
    on_interrupt: str | None = None
    read_logs: bool | None = None

    def code(self) -> Code | None:
        """The code to publish first, if there is any."""
        return code_from(self.zip_file, self.s3, self.image)

    def plan(self, code: Code | None, settings: Settings) -> planning.Plan:
        """The plan as far as it is known without AWS, still without alarms: the command line, the file, the defaults.

        Raises:
            UsageError: one of many; each says which word is wrong.
        """
        if (self.to is None) == (code is None):
            raise UsageError(
                "there is nothing to release" if code is None else "--to and new code exclude each other",
                hint="Give exactly one of --to VERSION, --zip FILE, --s3 s3://BUCKET/KEY and --image URI.",
            )
        if self.override_freeze is not None and not self.override_freeze.strip():
            raise UsageError("--override-freeze says no reason", hint='Say why: --override-freeze "WHY".')
        strategy = self.strategy or settings.strategy or planning.DEFAULT_STRATEGY
        bake = _time(self.bake, settings.bake, planning.DEFAULT_BAKE)
        undecided = planning.OnInconclusive(self.on_inconclusive) if self.on_inconclusive else settings.on_inconclusive
        plan = planning.Plan(
            stable="",
            candidate=parse_version(self.to) if self.to is not None else planning.NEW_VERSION,
            stages=planning.resolve_strategy(settings.stages_of(strategy), bake),
            strategy=strategy,
            look_every=_time(self.look_every, settings.look_every, planning.DEFAULT_LOOK_EVERY),
            patience=_time(self.patience, settings.patience, planning.DEFAULT_PATIENCE),
            on_inconclusive=undecided or planning.OnInconclusive.ROLLBACK,
            adaptive=planning.is_adaptive(settings.stages_of(strategy)),
        )
        return self.judging.complete(plan, settings)

    def watch_list(self, settings: Settings, inventory: Callable[[], Inventory]) -> WatchList:
        """The alarms: the names on the command line, else what the names and patterns of the file are right now.

        Raises:
            AwsError: the alarms cannot be listed.
        """
        listed = () if self.alarms else settings.alarms or ()
        spared = () if self.ignored else settings.ignore_alarms or ()
        found = watch_list(inventory, listed, spared)
        return WatchList(
            tuple(dict.fromkeys((*self.alarms, *found.alarms, *self.ignored))),
            tuple(dict.fromkeys((*self.ignored, *found.ignored))),
            found.findings,
        )


def _time(said: str | None, usual: timedelta | None, default: timedelta) -> timedelta:
    if said is not None:
        return parse_duration(said)
    return usual if usual is not None else default


def planned(env: Env, asked: Asked) -> Reply:
    """What a release would do; nothing is written."""
    aimed = aim(env, asked.target, asked.place, writes=True)
    plan = asked.plan(asked.code(), aimed.settings)
    ports = aimed.ports(env, _Quiet())
    request = _request(env, asked, aimed, plan, ports)
    target = aimed.target
    found = op.prepare(ports, op.look(ports, target), request)
    report = PlanReport(
        str(target),
        found.plan,
        found.findings,
        env.clock.now(),
        found.blocked,
        aimed.settings.environment,
        aimed.told,
    )
    data = encode(report)
    assert isinstance(data, dict)  # noqa: S101 -- a dataclass encodes to an object
    text = partial(plan_text, report)
    try:
        op.require_clear(target, found)
    except BlockedError as blocked:
        return Reply(text, data, blocked.exit_code, blocked)
    return Reply(text, data)


def released(env: Env, asked: Asked, output: OutputFormat) -> Reply:
    """The release, from its first look to its end."""
    aimed = aim(env, asked.target, asked.place, writes=True)
    aimed.require_reason(asked.reason)
    code = asked.code()
    plan = asked.plan(code, aimed.settings)
    signals = interrupts(env, asked.on_interrupt)
    target = aimed.target
    with telling(env, output, live=True) as shown, ToldTo(env, shown) as sink:
        sink.tell(aimed)
        ports = aimed.ports(env, sink, yes=asked.yes, signals=signals)
        if aimed.told:
            sink.emit(Progress(env.clock.now(), f"as {aimed.told} says"))
        done = _done_before(env, ports, aimed)
        if done is not None:
            return reply_to(aimed, done, None)
        request = _request(env, asked, aimed, plan, ports)
        commit = commit_of(env.variables, env.cwd) if code else ""
        ended = op.release(ports, replace(request, code=code, commit=commit))
        logged = logged_errors(ports, target, ended) if ended is not None else None
        if ended is not None:
            anchor(env, aimed, sink)
    if ended is None:
        data = {"target": str(target), "changed": False, "environment": aimed.settings.environment}
        return Reply(f"{target} already sends all its traffic there: nothing to release", data)
    return reply_to(aimed, ended, logged)


def _done_before(env: Env, ports: Ports, aimed: Aim) -> Ended | None:
    """The release that this very step of a playbook began, if it is over: its process may have died just then."""
    return op.ended_before(ports, aimed.target) if env.again else None


def _request(env: Env, asked: Asked, aimed: Aim, plan: planning.Plan, ports: Ports) -> op.Request:
    """The plan with its alarms, and what is known before the target is looked at: whose account, patterns, freezes."""
    aimed.require_caller(ports)
    watched = asked.watch_list(aimed.settings, partial(env.inventory, region=aimed.region, profile=aimed.profile))
    plan = replace(plan, alarms=watched.alarms, ignored=watched.ignored)
    frozen, overrides = freeze_findings(
        aimed.settings.freeze, env.clock.now(), plan.limit, (asked.override_freeze or "").strip()
    )
    findings = (*frozen, *watched.findings)
    return op.Request(
        aimed.target,
        plan,
        reason=asked.reason,
        ticket=asked.ticket,
        findings=findings,
        overrides=overrides,
        insists=asked.judging.insists(aimed.settings),
        read_logs=asked.read_logs if asked.read_logs is not None else aimed.settings.read_logs is not False,
    )


_LEFT = "left at once; the alias stays as it is and the release stays open in the journal"


def interrupts(env: Env, on_interrupt: str | None, left: str = _LEFT) -> Signals:
    """On a terminal Ctrl-C holds: a person is there to go on. Without one, and on SIGTERM, traffic goes back.

    A step of a playbook listens to what its run listens to. ``left`` is said when the same signal comes again.
    """
    if env.part is not None:
        return env.part.step.signals
    if on_interrupt is not None:
        wanted = Signal(on_interrupt)
        return ProcessSignals(env.clock, wanted, wanted, left)
    on_ctrl_c = Signal.HOLD if env.interactive else Signal.ROLLBACK
    return ProcessSignals(env.clock, on_ctrl_c, Signal.ROLLBACK, left)


def reply_to(aimed: Aim, ended: Ended, logged: Logged | None) -> Reply:
    """How a release ended, for people and machines, and what its candidate logged if it was taken back."""
    target = aimed.target
    plan_, reason = ended.release.plan, getattr(ended.state, "reason", "")
    word = phase(ended.state)
    lines = [f"{target} {plan_.stable} -> {plan_.candidate}: {word}: {reason}"]
    steps = _next_steps(aimed.target.again, ended)
    lines += [f"  {step}" for step in steps]
    if logged is not None:
        lines.append(logged_text(plan_.candidate, logged))
    data = {
        "target": str(target),
        "release": ended.release.id,
        "stable": plan_.stable,
        "candidate": plan_.candidate,
        "outcome": word,
        "reason": reason,
        "next": steps,
        "changed": ended.release.landed,
        "environment": aimed.settings.environment,
    }
    if logged is not None:
        data["logged"] = {
            "group": logged.group,
            "errors": [{"count": one.count, "message": one.message} for one in logged.errors],
            "note": logged.note,
        }
    return Reply("\n".join(lines), data, ended.exit_code, ended.error if ended.exit_code != ExitCode.DONE else None)


def _next_steps(target: str, ended: Ended) -> list[str]:
    """What a person does now; ``target`` as it is typed."""
    go_on = f"go on:   lambdaops resume {target}"
    go_back = f"go back: lambdaops rollback {target}"
    match ended.exit_code:
        case ExitCode.HELD | ExitCode.INTERRUPTED:
            return [go_on, go_back]
        case ExitCode.AWS if isinstance(ended.state, Held):
            return [f"renew the credentials, then {go_on}", go_back]
        case ExitCode.CONFLICT if isinstance(ended.state, Held):
            return [f"compare: lambdaops status {target}", go_on, go_back, *_WHO_ELSE_WRITES]
        case ExitCode.CONFLICT:
            return [f"compare: lambdaops status {target}"]
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
