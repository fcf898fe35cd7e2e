"""What halting and starting again say, in words: records for log lines and the audit log, and the end of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.dlq.plan import format_stages
from lambdaops.core.halt.mappings import source_name
from lambdaops.core.halt.records import (
    HaltDone,
    Halted,
    HaltFailed,
    HaltIntent,
    HaltOpened,
    Turn,
    Unhalted,
    UnhaltHeld,
    UnhaltOpened,
    UnhaltStage,
)
from lambdaops.render.columns import columns
from lambdaops.render.console import PLAIN, Paper
from lambdaops.render.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lambdaops.core.events import Event
    from lambdaops.core.halt.plan import Left
    from lambdaops.core.halt.reports import HaltReport, ReservedReport, Source, UnhaltReport

_IN_FLIGHT = "messages in flight are finished by the invocations that have them; what comes now waits in the queue"
_LATER = "what comes now waits in queue or stream, until it is older than that keeps it"


def described(event: Event) -> str:
    """One line for one record; empty for events that are not about halting."""
    match event:
        case HaltOpened(mappings=mappings, reserved=reserved, reason=reason):
            parts = [f"{_named(one.source, one.qualifier)} ({one.state})" for one in mappings]
            parts += [f"reserved concurrency {_number(reserved.executions)}"] if reserved is not None else []
            known = f", as it was before: {', '.join(parts)}" if parts else ""
            return f"halt{known}" + _because(reason)
        case HaltIntent(turn=turn):
            return f"about to {_verb(turn)} {_what(turn)}"
        case HaltDone(turn=turn, reconciled=reconciled):
            return f"{_done(turn)} {_what(turn)}" + (" (found by looking again)" if reconciled else "")
        case HaltFailed(turn=turn, code=code, message=message, request_id=request_id):
            request = f" (AWS request id {request_id})" if request_id else ""
            return f"could not {_verb(turn)} {_what(turn)}: {code}: {message}{request}"
        case Halted(held=held, throttled=throttled, left=left):
            parts = [f"{held} event source{_s(held)} disabled", *(["nothing may run"] if throttled else [])]
            return f"halted: {', '.join(parts)}" + (f"; not stopped: {'; '.join(left)}" if left else "")
        case UnhaltOpened(sources=sources, stages=stages, reason=reason):
            inside = f" in stages {format_stages(stages)}" if len(stages) > 1 else ""
            return f"start {', '.join(sources) or 'everything'} again{inside}" + _because(reason)
        case UnhaltStage(stage=stage, restored=restored, total=total):
            return f"stage {stage} over: {restored} of {total} event sources poll again"
        case UnhaltHeld(reason=reason):
            return f"stopped again: {reason}"
        case Unhalted(restored=restored, over=over, left=left):
            rest = "" if over else "; the halt stays open"
            return f"started {restored} event source{_s(restored)} again{rest}" + (
                f"; left: {'; '.join(left)}" if left else ""
            )
        case _:
            return ""


def _what(turn: Turn) -> str:
    return _named(turn.source, turn.qualifier) if turn.uuid else f"concurrency to {_number(turn.reserved)}"


def _verb(turn: Turn) -> str:
    return ("enable" if turn.on else "disable") if turn.uuid else "set reserved"


def _done(turn: Turn) -> str:
    return ("enabled" if turn.on else "disabled") if turn.uuid else "set reserved"


def _named(source: str, qualifier: str) -> str:
    return source_name(source) + (f" to :{qualifier}" if qualifier else "")


def _number(executions: int | None) -> str:
    return "none" if executions is None else str(executions)


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _because(reason: str) -> str:
    return f", because: {reason}" if reason else ""


# -- the end of a command ----------------------------------------------------------------------------------------------


def halt_text(report: HaltReport, paper: Paper = PLAIN) -> str:
    """How the function stands: what is stopped, what is not, and what starts it again."""
    verb = "would stop" if report.dry_run else "stopped"
    rows = [*_rows(verb, report.halted), *_rows("off before", report.before), *_left(report.left)]
    rows += [("STILL RUNS IT", plain(one.by), one.qualifier or "-", plain(one.next)) for one in report.not_stopped]
    head = _halt_head(report)
    lines = [paper.paint(head, "strong")]
    lines += [columns(("", "SOURCE", "INVOKES", "WHAT NOW"), rows, paper)] if rows else []
    lines += _reserved_line(report.reserved)
    lines += [f"what else invokes it is not known: {plain(report.unknown)}"] * bool(report.unknown)
    if report.dry_run:
        return "\n".join(lines)
    if report.halted:
        queues = any(":sqs:" in one.source for one in report.halted)
        lines.append(_IN_FLIGHT if queues else _LATER)
    if report.halt:
        lines.append(f"next  lambdaops unhalt {plain(report.function)}")
    return "\n".join(lines)


def _halt_head(report: HaltReport) -> str:
    name = plain(report.function)
    if report.dry_run:
        state = f"halted already, as {report.halt}" if report.halt else "not halted"
        return f"{name}: {state}; nothing was written"
    if not report.halt:
        return f"{name} has no event source that is enabled: nothing was halted"
    if report.left:
        return f"{name} is NOT all halted ({report.halt})"
    return f"{name} is halted ({report.halt})" + ("" if report.changed else ", as it was: nothing was written")


def unhalt_text(report: UnhaltReport, paper: Paper = PLAIN) -> str:
    """What polls again, what is left, and whether the halt is over."""
    name = plain(report.function)
    if not report.halt:
        return f"{name} is not halted, as far as the journal knows: nothing to do"
    verb = "would start" if report.dry_run else "started"
    rows = [*_rows(verb, report.restored), *_left(report.left), *_rows("stays stopped", report.halted)]
    lines = [paper.paint(f"{name}: {_unhalt_head(report)}", "strong")]
    lines += [columns(("", "SOURCE", "INVOKES", "WHY"), rows, paper)] if rows else []
    lines += _reserved_line(report.reserved)
    if not report.over and not report.dry_run:
        lines.append(f"next  lambdaops unhalt {name}")
    return "\n".join(lines)


def _unhalt_head(report: UnhaltReport) -> str:
    if report.dry_run:
        return f"halted, as {report.halt}; nothing was written"
    if report.held:
        return f"stopped again ({report.halt}): {plain(report.held)}"
    if report.over:
        return f"the halt {report.halt} is over"
    return f"the halt {report.halt} stays open"


def _rows(verb: str, sources: Iterable[Source]) -> list[tuple[str, str, str, str]]:
    return [(verb, plain(one.name), one.qualifier or "-", "") for one in sources]


def _left(left: Sequence[Left]) -> list[tuple[str, str, str, str]]:
    return [
        ("left", plain(source_name(one.source) or "reserved concurrency"), one.qualifier or "-", plain(one.why))
        for one in left
    ]


def _reserved_line(reserved: ReservedReport | None) -> list[str]:
    if reserved is None:
        return []
    return [f"reserved concurrency: {_number(reserved.now)} now, {_number(reserved.before)} before the halt"]
