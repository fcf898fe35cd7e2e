"""The live panel of a release in a terminal: at most 24 lines, refreshed while time passes, left standing at the end.

Rules this file guarantees: an icon is always beside a word, so that colour carries nothing alone; what comes from
outside is inert (no markup, no control characters); NO_COLOR is respected; a narrow terminal shortens, never wraps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from lambdaops.core.duration import format_duration
from lambdaops.core.gates import GateResult, Verdict
from lambdaops.core.machine import Baking, Done, Held, Outcome, Reverting
from lambdaops.core.model import percent
from lambdaops.render.view import ReleaseView, fold
from lambdaops.render.words import VERDICT_ICON, fits, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from types import TracebackType

    from lambdaops.core.notices import Notice
    from lambdaops.core.plan import Plan

_REFRESH_PER_SECOND = 4
_MOST_GATES = 7
_MOST_STAGES = 8
_STYLE = {Verdict.PASS: "green", Verdict.INCONCLUSIVE: "yellow", Verdict.ERROR: "yellow", Verdict.FAIL: "bold red"}


class LivePanel:
    """A sink and a context: shows every notice's effect at once, and the countdown in between."""

    def __init__(self, stream: TextIO, now: Callable[[], datetime], variables: Mapping[str, str]) -> None:
        self._now = now
        self._view = ReleaseView()
        self._encoding = stream.encoding
        self._console = Console(
            file=stream, force_terminal=True, no_color=bool(variables.get("NO_COLOR")), highlight=False, markup=False
        )
        self._live = Live(
            console=self._console,
            get_renderable=lambda: panel(self._view, self._now(), self._console.width, self._encoding),
            refresh_per_second=_REFRESH_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LivePanel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live.is_started:
            self._live.stop()

    def emit(self, notice: Notice) -> None:
        """Fold it in and show it; the panel appears with the first thing that happens to the release."""
        self._view = fold(self._view, notice)
        if self._view.release is None:
            for line in _before(notice):
                self._console.print(Text(fits(plain(line), self._encoding)))
            return
        if not self._live.is_started:
            self._live.start()
        self._live.refresh()


def _before(notice: Notice) -> list[str]:
    """What is told before a release begins, as lines: the plan is still to be confirmed below it."""
    from lambdaops.core.model import Level  # noqa: PLC0415
    from lambdaops.core.notices import Planned, Progress, Warned  # noqa: PLC0415
    from lambdaops.render.words import LEVEL_WORD  # noqa: PLC0415

    match notice:
        case Planned(target=target, plan=plan, findings=findings):
            stages = " ".join(str(stage) for stage in plan.stages)
            least = format_duration(plan.duration)
            head = f"{target}  {plan.stable} -> {plan.candidate}  {stages}  at least {least}"
            notes = [f"  {LEVEL_WORD[item.level]}  {item.message}" for item in findings if item.level is not Level.OK]
            return [head, *notes]
        case Progress(message=message):
            return [message]
        case Warned(message=message, hint=hint):
            return [f"! {message}" + (f". {hint}" if hint else "")]
        case _:
            return []


def panel(view: ReleaseView, now: datetime, width: int, encoding: str | None) -> RenderableType:
    """The whole panel for one moment, no wider than ``width``."""
    inner = max(width - 4, 10)
    lines: list[Text] = []
    if view.plan is not None and view.release is not None:
        lines += [_stages(view, view.plan), _weights(view), Text("")]
    lines += [_gate(gate) for gate in _most_urgent(view.gates)]
    hidden = len(view.gates) - _MOST_GATES
    if hidden > 0:
        lines.append(Text(f"  and {hidden} more gates", style="dim"))
    lines += [Text(""), _now_line(view, now), Text("")]
    lines += [Text(f"{at:%H:%M:%S}  {plain(text)}", style="dim") for at, text in view.events]
    for line in lines:
        line.plain = fits(line.plain, encoding)
        line.truncate(inner, overflow="ellipsis")
        line.no_wrap = True
    title = Text(fits(_title(view), encoding))
    title.truncate(inner - 2, overflow="ellipsis")
    return Panel(Group(*lines), title=title, title_align="left", width=width, border_style=_border(view), safe_box=True)


def _title(view: ReleaseView) -> str:
    plan = view.plan
    if plan is None or view.release is None:
        return view.target
    return f"{plain(view.target)}  {plan.stable} → {plan.candidate}  {plan.strategy}  {view.release.id}"


def _border(view: ReleaseView) -> str:
    match view.state:
        case Done(outcome=Outcome.PROMOTED):
            return "green"
        case Done() | Reverting():
            return "red"
        case Held():
            return "yellow"
        case _:
            return "blue"


def _stages(view: ReleaseView, plan: Plan) -> Text:
    """The stage bar: done, current, to come, or taken back; long plans show the part around the current stage."""
    promoted = view.set_weight == 10_000 and isinstance(view.state, Done)  # noqa: PLR2004 -- 100 % in basis points
    current = len(plan.stages) if promoted else view.stage
    back = isinstance(view.state, Reverting) or (isinstance(view.state, Done) and not promoted)
    first = max(0, min((current or 0) - _MOST_STAGES // 2, len(plan.stages) - _MOST_STAGES))
    text = Text("… " if first else "")
    for at, stage in list(enumerate(plan.stages))[first : first + _MOST_STAGES]:
        if back:
            icon, style = "✖", "red"
        elif current is not None and at < current:
            icon, style = "✔", "green"
        elif at == current:
            icon, style = "▶", "bold"
        else:
            icon, style = "·", "dim"
        text.append(f"{icon} {percent(stage.weight)}  ", style=style)
    if first + _MOST_STAGES < len(plan.stages):
        text.append("…", style="dim")
    return text


def _weights(view: ReleaseView) -> Text:
    actual = view.actual_weight
    stage = f"stage {view.stage + 1}/{len(view.plan.stages)}  " if view.stage is not None and view.plan else ""
    seen = "not read" if actual is None else percent(actual)
    return Text(f"{stage}set {percent(view.set_weight)}  actual {seen}  alias {view.alias or 'not read'}")


def _most_urgent(gates: tuple[GateResult, ...]) -> list[GateResult]:
    return sorted(gates, key=lambda gate: -gate.verdict)[:_MOST_GATES]


def _gate(gate: GateResult) -> Text:
    word = f"{VERDICT_ICON[gate.verdict]} {gate.verdict.name:<12} "
    return Text(word, style=_STYLE[gate.verdict]).append(plain(gate.reason), style="default")


def _now_line(view: ReleaseView, now: datetime) -> Text:
    text = Text(f"{view.phase}: ", style="bold").append(plain(view.reason), style="default")
    state = view.state
    if isinstance(state, Baking) and view.plan is not None:
        bake = view.plan.stages[state.stage].bake
        if state.good_since is not None:
            left = max((state.good_since + bake - now).total_seconds(), 0)
            text.append(f"  bake ends in {_clock(left)}")
        if view.next_look is not None:
            text.append(f"  next look {_clock(max((view.next_look - now).total_seconds(), 0))}")
    return text


def _clock(seconds: float) -> str:
    whole = int(-(-seconds // 1))
    return f"{whole // 60}:{whole % 60:02d}"
