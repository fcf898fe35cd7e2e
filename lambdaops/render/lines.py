"""Plain progress: one line per change, for logs, pipes and CI.

Rules this file guarantees: an unchanged look prints nothing, but a silent minute prints one line so that a log does not
look dead; a line says verb, object, number and reason; whatever comes from outside is inert.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TextIO

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
from lambdaops.core.machine import Held, Reverting
from lambdaops.core.model import Level
from lambdaops.core.notices import Looked, Notice, Planned, Progress, Warned
from lambdaops.core.replay import phase
from lambdaops.render.words import LEVEL_WORD, VERDICT_ICON, fits, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_SILENCE = timedelta(seconds=60)


class Lines:
    """A sink that writes lines to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._target = ""
        self._gates: dict[str, GateResult] = {}
        self._spoke_at: datetime | None = None

    def emit(self, notice: Notice) -> None:
        """Write what changed."""
        lines = list(self._lines(notice))
        if lines:
            self._spoke_at = notice.at
        for line in lines:
            self._stream.write(fits(f"{notice.at:%H:%M:%S}  {plain(line)}\n", self._stream.encoding))
        self._stream.flush()

    def _lines(self, notice: Notice) -> Iterator[str]:
        match notice:
            case Planned(target=target, plan=plan, findings=findings):
                stages = " ".join(str(stage) for stage in plan.stages)
                yield f"plan {target} {plan.stable} -> {plan.candidate}: {plan.strategy}, stages {stages}"
                for finding in findings:
                    if finding.level is not Level.OK:
                        yield f"{LEVEL_WORD[finding.level]} {finding.message}"
            case Looked(gates=gates, reason=reason, next_look=until):
                yield from self._changed(gates)
                if self._spoke_at is None or notice.at - self._spoke_at >= _SILENCE:
                    yield f"{reason}, next look {until:%H:%M:%S}"
            case Progress(message=message):
                yield message
            case Warned(message=message, hint=hint):
                yield f"⚠ {message}" + (f". {hint}" if hint else "")
            case Entry():
                yield from self._entry(notice)

    def _changed(self, gates: tuple[GateResult, ...]) -> Iterator[str]:
        for gate in gates:
            before = self._gates.get(gate.name)
            if before is None or (before.verdict, before.reason) != (gate.verdict, gate.reason):
                self._gates[gate.name] = gate
                if before is not None or gate.verdict is not Verdict.PASS:
                    yield f"gate {VERDICT_ICON[gate.verdict]} {gate.verdict.name}: {gate.reason}"

    def _entry(self, entry: Entry) -> Iterator[str]:
        self._target = entry.target.split(":function:")[-1]
        match entry.event:
            case Observed(gates=gates):
                yield from self._changed(gates)
            case Opened(plan=plan, reason=reason):
                gates_text = ", ".join(plan.alarms) or "none"
                why = f", because: {reason}" if reason else ""
                yield f"release {self._target} {plan.stable} -> {plan.candidate} as {entry.release}, gates: {gates_text}{why}"
            case _:
                text = describe(entry)
                if text:
                    yield text


def describe(entry: Entry) -> str:
    """One line for one record; empty for records that only matter to replay."""
    match entry.event:
        case Opened(plan=plan, reason=reason):
            stages = " ".join(str(stage) for stage in plan.stages)
            why = f": {reason}" if reason else ""
            return f"release {plan.stable} -> {plan.candidate}, {stages}, gates {', '.join(plan.alarms) or 'none'}{why}"
        case Intent(desired=desired, reason=reason):
            return f"set alias to {desired} ({reason})"
        case Landed(routing=routing, reconciled=reconciled):
            return f"alias is at {routing}" + (" (found by reading it back)" if reconciled else "")
        case Failed(code=code, message=message):
            return f"alias write failed, {code}: {message}"
        case Decided(state=Reverting(reason=reason)):
            return f"rolling back: {reason}"
        case Decided(state=Held() as state):
            return f"{phase(state)}: {state.reason}"
        case Signalled(signal=signal, reason=reason):
            return f"asked to {signal.value}: {reason}"
        case Resumed(state=state):
            return f"taken up by {entry.actor.arn}: {phase(state)}"
        case Closed(outcome=outcome, reason=reason):
            return f"{outcome.value}: {reason}"
        case RolledBack(before=before, after=after, basis=basis, reason=reason):
            why = f", because: {reason}" if reason else ""
            return f"rolled back from {before} to {after} ({basis}){why}"
        case PublishStarted(source=source):
            return f"publish {source}"
        case Published(version=version, new=new):
            return f"published version {version}" if new else f"nothing changed: it is version {version}"
        case PublishFailed(code=code, message=message):
            return f"publish failed, {code}: {message}"
        case _:
            return ""
