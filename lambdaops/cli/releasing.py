"""What ``plan`` and ``release`` do once their words are read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lambdaops.cli.ask import Confirmation
from lambdaops.cli.reply import Reply, telling
from lambdaops.cli.signals import ProcessSignals
from lambdaops.cli.sources import code_from, commit_of
from lambdaops.core import plan as planning
from lambdaops.core.codec import encode
from lambdaops.core.duration import parse_duration
from lambdaops.core.errors import BlockedError, ExitCode, UsageError
from lambdaops.core.model import Target, parse_version
from lambdaops.core.replay import phase
from lambdaops.core.reports import PlanReport
from lambdaops.core.states import Held, Signal
from lambdaops.ops import release as op
from lambdaops.render.tables import plan_text

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.cli.options import OutputFormat
    from lambdaops.ops.release import Ended
    from lambdaops.ports import Code


# What would have kept the other writer off: Terraform's lifecycle argument; CloudFormation writes an alias only when
# the template's own value changes, so a value that deployments rewrite must not stand in it.
_WHO_ELSE_WRITES = (
    "prevent: Terraform: lifecycle { ignore_changes = [function_version, routing_config] } on aws_lambda_alias",
    "         CloudFormation, SAM, CDK: let the stack create the alias once; no AutoPublishAlias, no currentVersion",
)


@dataclass(frozen=True)
class Asked:
    """The words of a command line, not yet understood."""

    target: str
    to: str | None
    zip_file: Path | None
    s3: str | None
    image: str | None
    strategy: str
    bake: str
    alarms: list[str]
    ignored: list[str]
    look_every: str
    patience: str
    on_inconclusive: str
    region: str | None
    profile: str | None
    reason: str = ""
    ticket: str = ""
    yes: bool = False
    on_interrupt: str | None = None

    def code(self) -> Code | None:
        """The code to publish first, if there is any."""
        return code_from(self.zip_file, self.s3, self.image)

    def plan(self, code: Code | None) -> planning.Plan:
        """The plan, as far as it is known without AWS.

        Raises:
            UsageError: one of many; each says which word is wrong.
        """
        if (self.to is None) == (code is None):
            raise UsageError(
                "there is nothing to release" if code is None else "--to and new code exclude each other",
                hint="Give exactly one of --to VERSION, --zip FILE, --s3 s3://BUCKET/KEY and --image URI.",
            )
        ignored = tuple(dict.fromkeys(self.ignored))
        return planning.Plan(
            stable="",
            candidate=parse_version(self.to) if self.to is not None else planning.NEW_VERSION,
            stages=planning.resolve_strategy(self.strategy, parse_duration(self.bake)),
            strategy=self.strategy,
            alarms=tuple(dict.fromkeys((*self.alarms, *ignored))),
            ignored=ignored,
            look_every=parse_duration(self.look_every),
            patience=parse_duration(self.patience),
            on_inconclusive=planning.OnInconclusive(self.on_inconclusive),
        )


def planned(env: Env, asked: Asked) -> Reply:
    """What a release would do; nothing is written."""
    target = Target.parse(asked.target)
    plan = asked.plan(asked.code())
    ask = Confirmation(env, given=False)
    ports = env.ports(sink=_Quiet(), ask=ask, region=target.region or asked.region, profile=asked.profile)
    found = op.prepare(ports, op.look(ports, target), plan)
    report = PlanReport(str(target), found.plan, found.findings, env.clock.now(), found.blocked)
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
    target = Target.parse(asked.target)
    code = asked.code()
    plan = asked.plan(code)
    signals = interrupts(env, asked.on_interrupt)
    with telling(env, output, live=True) as sink:
        ask = Confirmation(env, asked.yes)
        where = target.region or asked.region
        ports = env.ports(sink=sink, ask=ask, region=where, profile=asked.profile, signals=signals)
        commit = commit_of(env.variables, env.cwd) if code else ""
        ended = op.release(ports, op.Request(target, plan, code, commit, asked.reason, asked.ticket))
    if ended is None:
        data = {"target": str(target), "changed": False}
        return Reply(f"{target} already sends all its traffic there: nothing to release", data)
    return reply_to(target, ended)


def interrupts(env: Env, on_interrupt: str | None) -> ProcessSignals:
    """On a terminal Ctrl-C holds: a person is there to go on. Without one, and on SIGTERM, traffic goes back."""
    if on_interrupt is not None:
        wanted = Signal(on_interrupt)
        return ProcessSignals(env.clock, wanted, wanted)
    on_ctrl_c = Signal.HOLD if env.interactive else Signal.ROLLBACK
    return ProcessSignals(env.clock, on_ctrl_c, Signal.ROLLBACK)


def reply_to(target: Target, ended: Ended) -> Reply:
    """How a release ended, for people and machines."""
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
