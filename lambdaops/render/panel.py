"""The live panel as lines of styled text: a pure function of the view, the time and the size of the terminal.

Rules this file guarantees: at most 24 lines and never more than the terminal has, no line wider than the terminal;
what objects is shown before what passes; an icon always stands with a word, so that colour carries nothing alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.gates import Verdict
from lambdaops.core.model import percent
from lambdaops.core.plan import OnTimeout
from lambdaops.core.states import Awaiting, Baking, Cause, Done, Held, Outcome, Paused, Promoting, Reverting
from lambdaops.render.say import why
from lambdaops.render.stagebar import stage_bar
from lambdaops.render.words import (
    VERDICT_ICON,
    WHEN_UNDECIDED,
    ascii_only,
    clock,
    countdown,
    cut,
    cut_middle,
    plain,
    told,
    width,
    wrap,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.core.gates import GateResult
    from lambdaops.render.view import ReleaseView, Told

MOST_LINES = 24
_WIDE = 60  # narrower terminals give names less room
_REASON_LINES = 3
_SHOWN_WARNINGS = 2
_FEWEST_EVENTS = 3
_LATE = timedelta(seconds=2)

_VERDICT_STYLE = {Verdict.PASS: "good", Verdict.FAIL: "bad", Verdict.INCONCLUSIVE: "warn", Verdict.ERROR: "warn"}
_THEN = {OnTimeout.ROLLBACK: "rolls back", OnTimeout.HOLD: "holds", OnTimeout.PROMOTE: "goes on"}
_OUTCOMES = {
    Outcome.PROMOTED: ("✔", "good"),
    Outcome.ROLLED_BACK: ("✖", "bad"),
    Outcome.REFUSED: ("✖", "bad"),
    Outcome.SUPERSEDED: ("⚠", "warn"),
}

Span = tuple[str, str]
"""A piece of text and its style: strong, dim, good, bad, warn, or none."""
Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """The room there is."""

    columns: int = 80
    rows: int = MOST_LINES
    unicode: bool = True

    @property
    def most(self) -> int:
        """How many lines the panel may have."""
        return max(1, min(MOST_LINES, self.rows))

    @property
    def wide(self) -> bool:
        """Whether names and reasons fit beside each other."""
        return self.columns >= _WIDE

    def text(self, text: str) -> str:
        """Text from anywhere, inert and in characters the terminal has."""
        return plain(text) if self.unicode else ascii_only(plain(text))


def panel(view: ReleaseView, now: datetime, size: Size) -> tuple[Line, ...]:
    """The frame for this moment."""
    top = [*_header(view, now, size), *_phase(view, size)]
    middle = [*_progress(view, now, size)]
    bottom = [*_next(view, now), *_warnings(view.warnings)]
    left = size.most - len(top) - len(middle) - len(bottom)
    gates = _gates(view, size, left - min(len(view.events), _FEWEST_EVENTS))
    events = _events(view, size, left - len(gates))
    sections = [section for section in (top, middle, gates, bottom, events) if section]
    room = left - len(gates) - len(events)
    lines: list[Line] = []
    for section in sections:
        if lines and room > 0:
            lines.append(())
            room -= 1
        lines += section
    return tuple(_fit(line, size) for line in lines[: size.most])


def _fit(line: Line, size: Size) -> Line:
    """The line in the terminal's characters and width; no trailing blanks."""
    spans: list[Span] = []
    left = size.columns
    for text, style in line:
        shown = size.text(text)
        if width(shown) > left:
            mark = cut(shown, left)
            spans.append((mark if size.unicode else ascii_only(mark), style))
            break
        spans.append((shown, style))
        left -= width(shown)
    while spans and not spans[-1][0].strip():
        spans.pop()
    if spans:
        spans[-1] = (spans[-1][0].rstrip(), spans[-1][1])
    return tuple(spans)


def _header(view: ReleaseView, now: datetime, size: Size) -> list[Line]:
    pieces: list[Span] = [(cut_middle(size.text(view.target), max(12, size.columns // 2)), "strong")]
    if view.plan is not None:
        pieces.append((f"{view.stable} → {view.candidate}", "strong"))
        pieces.append((view.strategy if "%" not in view.strategy else "stages", ""))
    if view.release:
        pieces.append((f"release {view.release}", "dim"))
    pieces.append((f"{clock(now)} UTC", "dim"))
    return _packed(pieces, size)[:2]


def _packed(pieces: Sequence[Span], size: Size) -> list[Line]:
    """The pieces two blanks apart, on as many lines as they need."""
    lines: list[list[Span]] = []
    used = 0
    for piece in pieces:
        need = width(size.text(piece[0]))
        if not lines or used + 2 + need > size.columns:
            lines.append([piece])
            used = need
        else:
            lines[-1] += [("  ", ""), piece]
            used += 2 + need
    return [tuple(line) for line in lines]


def _phase(view: ReleaseView, size: Size) -> list[Line]:
    icon, style, word = _phase_mark(view)
    reason = size.text(_shortened(view.reason, view, size))
    text = f"{icon} {told(word, reason)}"
    return [((row, style),) for row in wrap(text, size.columns, _REASON_LINES)]


def _phase_mark(view: ReleaseView) -> tuple[str, str, str]:
    match view.state:
        case Done(outcome=outcome):
            icon, style = _OUTCOMES[outcome]
            return icon, style, outcome.value.upper()
        case Held(cause=Cause.STUCK):
            return "✖", "bad", "ROLLBACK DID NOT COMPLETE, ACT NOW"
        case Held(cause=cause):
            return "‖", "warn", f"HELD ({cause.value})"
        case Reverting():
            return "◀", "bad", f"ROLLING BACK to {view.stable}"
        case Paused():
            return "‖", "warn", "PAUSED"
        case Awaiting():
            return "‖", "warn", "WAITS FOR APPROVAL"
        case Promoting():
            return "▶", "strong", "GOING ON"
        case Baking(stage=stage):
            of = f"/{len(view.plan.stages)}" if view.plan else ""
            return "▶", "strong", f"stage {stage + 1}{of}"
        case _:
            return "·", "strong", view.phase


def _progress(view: ReleaseView, now: datetime, size: Size) -> list[Line]:
    lines = [stage_bar(view, size.columns)] if view.stages else []
    lines += _weights(view, size)
    bake = view.bake
    if bake is not None and bake.good_since is not None:
        good = min(max(now - bake.good_since, timedelta()), bake.length)
        cells = 20 if size.wide else 10
        full = cells if not bake.length else int(good / bake.length * cells)
        bar = "█" * full + "░" * (cells - full)
        left = countdown(bake.length - good)
        lines.append((("bake    ", "dim"), (bar, "good"), (f"  {left} left of {countdown(bake.length)}", "")))
    if view.gives_up_at is not None:
        what, then = _waiting(view)
        left = countdown(view.gives_up_at - now)
        lines.append((("waits   ", "dim"), (f"for {what}, {left} at most, then {then}", "warn")))
    return lines


def _waiting(view: ReleaseView) -> tuple[str, str]:
    """What the release waits for, and what happens without it."""
    match view.state:
        case Paused():
            return "somebody to go on", "holds"
        case Awaiting():
            return "approval", _THEN[view.manual_gate.then] if view.manual_gate is not None else "holds"
        case _:
            on = view.plan.on_inconclusive if view.plan else None
            return "its gates", WHEN_UNDECIDED[on] if on is not None else "holds"


def _weights(view: ReleaseView, size: Size) -> list[Line]:
    if view.actual is None and view.set_weight is None:
        return []
    demanded = "nothing" if view.set_weight is None else percent(view.set_weight)
    seen = "not seen yet" if view.actual_weight is None else percent(view.actual_weight)
    differs = view.set_weight is not None and view.actual_weight not in (None, view.set_weight)
    line: list[Span] = [("weight  ", "dim"), (f"set {demanded}", ""), ("   ", "")]
    line.append((f"actual {seen}{' (last seen)' if view.blind and view.actual else ''}", "warn" if differs else ""))
    alias: list[Span] = [("alias ", "dim"), (str(view.actual), "")] if view.actual is not None else []
    if size.wide:
        return [(*line, *([("   ", "")] if alias else []), *alias)]
    return [tuple(line), *([(("alias   ", "dim"), alias[1])] if alias else [])]


def _gates(view: ReleaseView, size: Size, room: int) -> list[Line]:
    if room < 1:
        return []
    if not view.gates:
        unwatched = view.plan is not None and not (view.plan.alarms or view.plan.comparisons or view.plan.metrics)
        return [(("⚠ no gate watches this release", "warn"),)] if unwatched else []
    rows: Sequence[GateResult] = view.gates
    rest: list[Line] = []
    if len(rows) > room:
        # What acts and objects, then what would object but is ignored, then what passes; in each, the plan's order.
        ranked = sorted(rows, key=lambda gate: (gate.verdict if gate.acts else 0, gate.verdict), reverse=True)
        rows, hidden = ranked[: room - 1], ranked[room - 1 :]
        tally = ", ".join(f"{count} {word}" for word, count in Counter(map(_word, hidden)).items())
        rest = [((f"… {len(hidden)} more gates: {tally}", "dim"),)]
    verdicts = [f"{VERDICT_ICON[gate.verdict]} {_word(gate)}" for gate in rows]
    first = max(map(width, verdicts), default=0)
    names = [size.text(gate.name) for gate in rows]
    left = size.columns - first - 4
    second = min(max(map(width, names), default=0), max(8, left * 2 // 5))
    lines: list[Line] = []
    for gate, verdict, name in zip(rows, verdicts, names, strict=True):
        shown = cut_middle(name, second)
        style = _VERDICT_STYLE[gate.verdict] if gate.acts else "dim"
        pad = " " * (second - width(shown) + 2)
        lines.append(((f"{verdict:<{first}}  ", style), (f"{shown}{pad}", ""), (why(gate), "" if gate.acts else "dim")))
    return [*lines, *rest]


def _word(gate: GateResult) -> str:
    return gate.verdict.name if gate.acts else f"{gate.verdict.name} ignored"


def _next(view: ReleaseView, now: datetime) -> list[Line]:
    if view.next_look is None:
        writing = view.pending is not None and not isinstance(view.state, Held | Done)
        return [((f"setting the alias to {view.pending.desired}", ""),)] if writing and view.pending else []
    left = view.next_look - now
    if left <= -_LATE:
        return [((f"looking, {countdown(-left)} late", "warn"),)]
    return [((f"next look in {countdown(left)}" if left > timedelta() else "looking now", ""),)]


def _warnings(warnings: Sequence[Told]) -> list[Line]:
    shown = warnings[-_SHOWN_WARNINGS:]
    hidden = len(warnings) - len(shown)
    lines: list[Line] = [((f"⚠ warning {clock(told.at)}  {told.text}", "warn"),) for told in shown]
    if hidden:
        (text, style) = lines[0][0]
        lines[0] = ((text.replace("⚠ warning", f"⚠ warning ({hidden} before)", 1), style),)
    return lines


def _events(view: ReleaseView, size: Size, room: int) -> list[Line]:
    shown = view.events[-room:] if room > 0 else ()
    return [((f"{clock(told.at)}  ", "dim"), (_shortened(told.text, view, size), "")) for told in shown]


def _shortened(text: str, view: ReleaseView, size: Size) -> str:
    """The text with long names cut in their middle, so that what is said about them is not what gets cut."""
    room = max(12, size.columns // 3)
    for name in sorted((gate.name for gate in view.gates), key=len, reverse=True):
        if width(name) > room:
            text = text.replace(name, cut_middle(plain(name), room))
    return text
