"""The stages of a release in one line: ``✔ 10 % done  ▶ 50 % now  · 100 % to do``, however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.model import percent
from lambdaops.core.states import Awaiting, Held, Paused
from lambdaops.render.view import StageState
from lambdaops.render.words import width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.render.view import ReleaseView, StageView

_MARKS = {
    StageState.DONE: ("✔", "good"),
    StageState.CURRENT: ("▶", "strong"),
    StageState.TODO: ("·", "dim"),
    StageState.REVERTED: ("◀", "bad"),
}

Span = tuple[str, str]


def stage_bar(view: ReleaseView, room: int) -> tuple[Span, ...]:
    """One line in at most ``room`` columns if it can be done at all: far stages are counted instead of shown."""
    held = _standing(view)
    stages = view.stages
    whole = _joined([_cell(stage, held=held) for stage in stages])
    if _wide(whole) <= room:
        return whole
    # Whatever does not fit is counted: first the stages before the current one, then those after what fits.
    at = next((n for n, stage in enumerate(stages) if stage.state in (StageState.CURRENT, StageState.TODO)), None)
    at = len(stages) - 1 if at is None else at
    best = _joined([_cell(stages[at], held=held)])
    for end in range(at + 1, len(stages) + 1):
        cells = [
            *_count(stages[:at]),
            *(_cell(stage, held=held) for stage in stages[at:end]),
            *_count(stages[end:], ahead=True),
        ]
        line = _joined(cells)
        if _wide(line) > room:
            break
        best = line
    return best


def _standing(view: ReleaseView) -> str:
    """The word for a current stage that nothing moves on by itself; empty for one that bakes."""
    match view.state:
        case Held():
            return "held"
        case Paused():
            return "paused"
        case Awaiting():
            return "waits"
        case _:
            return ""


def _cell(stage: StageView, *, held: str) -> Span:
    icon, style = _MARKS[stage.state]
    word = stage.state.value
    if held and stage.state is StageState.CURRENT:
        icon, style, word = "‖", "warn", held
    return f"{icon} {percent(stage.weight)} {word}", style


def _count(stages: Sequence[StageView], *, ahead: bool = False) -> list[Span]:
    if not stages:
        return []
    icon, style = _MARKS[stages[-1].state]
    if ahead:
        return [(f"… {len(stages)} more to {percent(stages[-1].weight)}", "dim")]
    return [(f"{icon} {len(stages)} {stages[-1].state.value}", style)]


def _joined(cells: Sequence[Span]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for cell in cells:
        spans += [("  ", ""), cell] if spans else [cell]
    return tuple(spans)


def _wide(line: Sequence[Span]) -> int:
    return sum(width(text) for text, _ in line)
