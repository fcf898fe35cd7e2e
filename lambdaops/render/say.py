"""What a notice says, in words: verb, object, number, reason; the same words for log lines, the panel and the audit.

Rules this file guarantees: a gate is told when its verdict changes, not at every look; a reason made by the core is
used verbatim; nothing is cut here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.duration import format_duration
from lambdaops.core.events import (
    Closed,
    Decided,
    Entry,
    Failed,
    Intent,
    Landed,
    Observed,
    Opened,
    Published,
    PublishFailed,
    PublishStarted,
    Resumed,
    RolledBack,
    Signalled,
)
from lambdaops.core.gates import GateResult, Verdict
from lambdaops.core.halt.records import HaltIntent
from lambdaops.core.model import Level
from lambdaops.core.notices import Looked, Notice, Planned, Progress, Redriving, Warned
from lambdaops.core.replay import phase
from lambdaops.core.states import Awaiting, Baking, Held, Paused, Reverting, Signal
from lambdaops.render import halts, pruning
from lambdaops.render.playbook_words import told
from lambdaops.render.redrives import described

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.core.plan import Plan
    from lambdaops.core.states import State
    from lambdaops.render.view import ReleaseView

_SHOWN_STAGES = 8
_WISHES = {
    Signal.HOLD: "hold",
    Signal.ROLLBACK: "roll back",
    Signal.PAUSE: "pause",
    Signal.RESUME: "go on",
    Signal.PROMOTE: "go to the next stage now",
    Signal.PROMOTE_FULL: "go to 100 % now",
}


def lines(view: ReleaseView, notice: Notice) -> Iterator[str]:
    """What is new in this notice to somebody who saw everything in ``view``."""
    match notice:
        case Planned(target=target, plan=plan, findings=findings):
            yield f"plan {target} {summary(plan)}, {span(plan)}"
            # When something blocks, the error that follows lists every finding.
            if all(finding.level is not Level.BLOCK for finding in findings):
                yield from (f"warning: {found.message}" for found in findings if found.level is Level.WARN)
        case Looked(gates=gates):
            yield from changed_gates(view.gates, gates)
        case Progress() | Warned():
            yield line(notice)
        case Redriving():
            return  # a redrive is told by a view of its own
        case Entry(event=Observed(gates=gates)):
            yield from changed_gates(view.gates, gates)
        case Entry(release=release) if view.release not in ("", release) or isinstance(notice.event, Opened):
            yield from _beside(view, notice)
        case Entry():
            yield from _line(view, notice)


def line(notice: Notice) -> str:
    """A notice by itself, whatever was told before; empty for one that says nothing without that."""
    match notice:
        case Entry():
            return describe(notice)
        case Warned(message=message, hint=hint):
            return f"warning: {message}" + (f". {hint}" if hint else "")
        case Progress(message=message):
            return message
        case _:
            return ""


def _beside(view: ReleaseView, entry: Entry) -> Iterator[str]:
    """A release that begins, or a record of another one than we follow."""
    match entry.event:
        case Opened(plan=plan, reason=reason):
            what = f"{plan.stable} -> {plan.candidate}" if view.plan == plan else summary(plan)
            yield f"release {short(entry.target)} {what}, as {entry.release}{_because(reason)}"
        case _:
            text = describe(entry)
            if text:
                yield f"{entry.release}: {text}"


def _line(view: ReleaseView, entry: Entry) -> Iterator[str]:
    match entry.event:
        case Landed(routing=routing, reconciled=True):
            yield f"{short(entry.target)} is at {routing} (found by reading it back)"
        case Landed(op=op, routing=routing):
            pending = view.pending
            stage = _stage(view.plan, pending.then) if pending is not None and pending.op == op else ""
            yield f"set {short(entry.target)} to {routing}{stage}"
        case Failed(op=op, code=code, message=message, request_id=request_id):
            pending = view.pending
            where = f" to {pending.desired}" if pending is not None and pending.op == op else ""
            yield f"could not set {short(entry.target)}{where}: {code}: {message}{_request(request_id)}"
        case Decided(state=Reverting(reason=reason)):
            to = f" to {view.stable}" if view.plan else ""
            yield f"rolling back {short(entry.target)}{to}: {reason}"
        case Intent() | HaltIntent():
            return  # its end is told
        case Closed() if view.release == "":
            yield f"{entry.release}: {describe(entry)}"
        case _:
            text = describe(entry)
            if text:
                yield text


def changed_gates(before: tuple[GateResult, ...], now: tuple[GateResult, ...]) -> Iterator[str]:
    """The gates whose verdict is new, and objections whose reason is; a gate that passes from the start is silent."""
    known = {gate.name: gate for gate in before}
    for gate in now:
        was = known.get(gate.name)
        if was is None:
            new = gate.verdict is not Verdict.PASS
        else:
            new = gate.verdict is not was.verdict or (gate.verdict >= Verdict.ERROR and gate.reason != was.reason)
        if new:
            yield f"gate {gate.name} {gate.verdict.name}: {why(gate)}"


def why(gate: GateResult) -> str:
    """The gate's reason without its name in front, or its numbers while it passes."""
    if gate.detail and gate.verdict is Verdict.PASS:
        return gate.detail
    return gate.reason.removeprefix(f"{gate.name}: ")


def summary(plan: Plan) -> str:
    """A plan in one line: ``41 -> 42, canary 10%:5m 100%:5m, gates: orders-errors``."""
    shown = [str(stage) for stage in plan.stages]
    if len(shown) > _SHOWN_STAGES:
        shown = [*shown[: _SHOWN_STAGES - 2], "...", shown[-1], f"({len(plan.stages)} stages)"]
    name = plan.strategy if "%" not in plan.strategy else "stages"
    gates = ", ".join(f"{gate} (ignored)" if gate in plan.ignored else gate for gate in plan.alarms)
    others = (*(one.name for one in plan.comparisons), *(gate.name for gate in plan.metrics))
    gates = ", ".join(filter(None, (gates, *others))) or "none"
    return f"{plan.stable} -> {plan.candidate}, {name} {' '.join(shown)}, gates: {gates}"


def span(plan: Plan) -> str:
    """How long a plan takes: ``at least 10m, at most 1h20m``; an adaptive one ends stages when the judge is sure."""
    usual = format_duration(plan.duration)
    return f"{f'{usual} or sooner' if plan.adaptive else f'at least {usual}'}, at most {format_duration(plan.limit)}"


def who(entry: Entry) -> str:
    """Who acted, as people say it: the last part of the ARN."""
    return entry.actor.arn.rpartition("/")[2]


def short(arn: str) -> str:
    """``FUNCTION:ALIAS`` of an alias ARN."""
    return arn.rpartition(":function:")[2]


def describe(entry: Entry) -> str:
    """One line for one record; empty for records that only matter to replay."""
    match entry.event:
        case Opened(plan=plan, reason=reason, overrides=overrides):
            excused = "".join(f"; overrides {override}" for override in overrides)
            return f"release {summary(plan)}{_because(reason)}{excused}"
        case Intent(desired=desired, reason=reason):
            return f"set alias to {desired} ({reason})"
        case Landed(routing=routing, reconciled=reconciled):
            return f"alias is at {routing}" + (" (found by reading it back)" if reconciled else "")
        case Failed(code=code, message=message, request_id=request_id):
            return f"alias write failed: {code}: {message}{_request(request_id)}"
        case Decided(state=Reverting(reason=reason)):
            return f"rolling back: {reason}"
        case Decided(state=Held() as state):
            return f"{phase(state)}: {state.reason}"
        case Decided(state=Paused() | Awaiting() as state, answers=None):
            return f"{phase(state)}: {entry.event.reason}"
        case Decided(reason=reason, answers=int()):
            return f"heard: {reason}"
        case Signalled(signal=signal, reason=reason):
            return f"asked to {_WISHES[signal]} by {who(entry)}{f': {reason}' if reason else ''}"
        case Resumed(state=state):
            return f"taken up by {entry.actor.arn} on {entry.actor.host}: {phase(state)}"
        case Closed(outcome=outcome, reason=reason):
            return f"{outcome.value}: {reason}"
        case RolledBack(before=before, after=after, basis=basis, reason=reason) if before == after:
            return f"rolled back: all traffic stays on {after.primary} ({basis}){_because(reason)}"
        case RolledBack(before=before, after=after, basis=basis, reason=reason):
            return f"rolled back from {before} to {after} ({basis}){_because(reason)}"
        case PublishStarted(source=source):
            return f"publish {source}"
        case Published(version=version, new=new):
            return f"published version {version}" if new else f"nothing changed: it is version {version}"
        case PublishFailed(code=code, message=message, request_id=request_id):
            return f"publish failed: {code}: {message}{_request(request_id)}"
        case _:
            event, by = entry.event, (who(entry), entry.actor.host)
            told_beside = pruning.described(event) or halts.described(event)
            return told_beside or described(event, *by) or told(event, *by)


def _stage(plan: Plan | None, then: State) -> str:
    if not isinstance(then, Baking):
        return ""
    return f" (stage {then.stage + 1}{f'/{len(plan.stages)}' if plan else ''})"


def _request(request_id: str) -> str:
    return f" (AWS request id {request_id})" if request_id else ""


def _because(reason: str) -> str:
    return f", because: {reason}" if reason else ""
