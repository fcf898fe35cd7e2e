"""A command's summary page in CI: what was done, by whom and why, stage by stage, and what to do next.

Rules this file guarantees: it is a pure fold of the notices that every renderer gets, told before or after a failure
alike; whatever comes from outside is text, whatever it looks like: it stands inside HTML blocks, where Markdown means
nothing, and is escaped there; the page is never longer than asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import escape

from lambdaops.core.duration import format_duration
from lambdaops.core.errors import EXIT_MEANINGS, BlockedError, ExitCode, InvalidFileError, LambdaOpsError
from lambdaops.core.events import Entry, Landed, Opened, Published, PublishStarted, RolledBack
from lambdaops.core.halt.records import HaltDone, HaltOpened, UnhaltOpened
from lambdaops.core.model import Finding, Level, percent
from lambdaops.core.notices import Notice, Planned
from lambdaops.core.prune_records import PruneOpened, VersionDeleted
from lambdaops.core.states import Done, Held, Reverting
from lambdaops.render import say
from lambdaops.render import view as watching
from lambdaops.render.view import ReleaseView, StageState, StageView, Told
from lambdaops.render.words import LEVEL_ICON, VERDICT_ICON, clock, moment, plain

LIMIT = 1024 * 1024
"""What GitHub takes of one step, in bytes; a longer page is dropped as a whole."""

_MOST_TOLD = 200
_LONGEST_CELL = 2_000
_CUT = "<p><em>The rest did not fit: the job's log has it.</em></p>\n"
_MARK = {
    ExitCode.DONE: "✅",
    ExitCode.BLOCKED: "🚫",
    ExitCode.USAGE: "🚫",
    ExitCode.ROLLED_BACK: "↩️",
    ExitCode.HELD: "⏸️",
    ExitCode.INTERRUPTED: "⏸️",
}
_PASSED = {StageState.DONE: "passed", StageState.CURRENT: "not over", StageState.REVERTED: "taken back"}


@dataclass(frozen=True, slots=True)
class Stay:
    """The time in one stage; ``left`` is None while it lasts. ``said`` is the last thing that was said about it."""

    entered: datetime
    left: datetime | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """Everything told so far, as far as a page says it; ``stays`` goes by the stage's index."""

    view: ReleaseView = field(default_factory=ReleaseView)
    who: str = ""
    why: str = ""
    ticket: str = ""
    begun: datetime | None = None
    last: datetime | None = None
    changed: bool = False
    findings: tuple[Finding, ...] = ()
    stays: Mapping[int, Stay] = field(default_factory=dict)
    told: tuple[Told, ...] = ()

    @property
    def over(self) -> bool:
        """Whether a release was told to its end or to where it holds."""
        return isinstance(self.view.state, Done | Held)


@dataclass(frozen=True, slots=True)
class Ending:
    """How the command ended: what it said, what comes next, and its error if it had one."""

    command: str
    exit_code: ExitCode
    text: str = ""
    steps: tuple[str, ...] = ()
    error: LambdaOpsError | None = None


class Chronicle:
    """A sink that only remembers."""

    def __init__(self) -> None:
        self.story = Story()

    def emit(self, notice: Notice) -> None:
        """Take one notice."""
        self.story = fold(self.story, notice)


def fold(story: Story, notice: Notice) -> Story:
    """The story after one more notice."""
    before, after = story.view, watching.fold(story.view, notice)
    told = (*story.told, *after.told)[-_MOST_TOLD:]
    story = replace(story, view=after, told=told, begun=story.begun or notice.at, last=notice.at)
    match notice:
        case Planned(findings=findings):
            story = replace(story, findings=findings)
        case Entry(actor=actor, event=event):
            story = replace(story, who=actor.arn or story.who)
            if isinstance(event, Opened | RolledBack | PublishStarted | PruneOpened | HaltOpened | UnhaltOpened):
                story = replace(story, why=event.reason or story.why, ticket=event.ticket or story.ticket)
            changes = Landed | RolledBack | VersionDeleted | HaltDone
            if isinstance(event, changes) or (isinstance(event, Published) and event.new):
                story = replace(story, changed=True)
        case _:
            pass
    return replace(story, stays=_stays(story.stays, before, after, notice.at))


def _stays(stays: Mapping[int, Stay], before: ReleaseView, after: ReleaseView, at: datetime) -> Mapping[int, Stay]:
    if after.release != before.release and before.release:
        stays = {}
    now = dict(stays)
    if before.stage is not None and before.stage in now and after.stage != before.stage:
        turned = isinstance(after.state, Reverting | Held | Done)
        now[before.stage] = replace(now[before.stage], left=at, said=after.reason if turned else before.looked)
    if after.stage is not None:
        known = now.get(after.stage)
        again = known is None or known.left is not None
        now[after.stage] = Stay(at) if again or known is None else replace(known, said=after.reason)
    return now


def page(story: Story, ending: Ending, room: int = LIMIT) -> str:
    """The page, in at most ``room`` bytes of UTF-8; empty where not even its title would fit."""
    return fitted(list(_blocks(story, ending)), room)


def fitted(blocks: Sequence[str], room: int) -> str:
    """As many whole blocks as fit; what is missing is said."""
    whole = "\n".join(blocks)
    if len(whole.encode()) <= room:
        return whole
    left, kept = room - len(_CUT.encode()) - 1, list[str]()
    for block in blocks:
        left -= len(block.encode()) + 1
        if left < 0:
            break
        kept.append(block)
    return "\n".join([*kept, _CUT]) if kept else ""


def _blocks(story: Story, ending: Ending) -> Iterator[str]:
    """Every block is one HTML block for Markdown: no empty line within."""
    yield f"<h3>{_MARK.get(ending.exit_code, '❌')} {_text(_title(story, ending))}</h3>\n"
    yield _table((), [(f"<strong>{name}</strong>", value) for name, value in _facts(story, ending) if value])
    steps = ending.steps or ((ending.error.hint,) if ending.error is not None and ending.error.hint else ())
    if steps:
        yield _list("Next", [_code(step) for step in steps])
    if story.stays:
        yield _table(("Stage", "Weight", "Entered (UTC)", "Time in it", "Result", "Verdict"), list(_stages(story)))
    if story.view.gates:
        gates = [
            (_code(gate.name), f"{VERDICT_ICON[gate.verdict]} {gate.verdict.name}", _code(say.why(gate)))
            for gate in story.view.gates
        ]
        yield _table(("Gate", "Last verdict", "Reason"), gates)
    objections = _objections(story, ending)
    if objections:
        yield _table(("", "Preflight", ""), objections)
    if isinstance(ending.error, InvalidFileError) and ending.error.mistakes:
        yield _list("Mistakes", [_code(str(mistake)) for mistake in ending.error.mistakes])
    if story.view.warnings:
        yield _list("Warnings", [_code(told.text) for told in story.view.warnings])
    if "\n" in ending.text.strip():
        yield f"<pre>{_lines(ending.text)}</pre>\n"
    if story.told:
        lines = "\n".join(f"{clock(told.at)}  {plain(told.text)}" for told in story.told)
        yield f"<details><summary>What happened, in UTC</summary><pre>{_lines(lines)}</pre></details>\n"


def _title(story: Story, ending: Ending) -> str:
    view = story.view
    ended = view.phase if story.over else ""
    target = f" {view.target}" if view.target else ""
    return f"lambdaops {ending.command}{target}: {ended or EXIT_MEANINGS[ending.exit_code]}"


def _facts(story: Story, ending: Ending) -> Iterator[tuple[str, str]]:
    view, plan = story.view, story.view.plan
    first = ending.text.strip().partition("\n")[0]
    yield "Result", _code(ending.error.message if ending.error is not None else first)
    if plan is not None:
        yield "Versions", f"{_code(plan.stable)} → {_code(plan.candidate)}" if plan.stable else ""
        yield "Plan", _code(f"{say.summary(plan)}, {say.span(plan)}")
    yield "Exit code", f"{int(ending.exit_code)} ({_text(EXIT_MEANINGS[ending.exit_code])})"
    yield "Release", _code(view.release)
    yield "Who", _code(story.who)
    yield "Why", _code(story.why)
    yield "Ticket", _code(story.ticket)
    yield "Began (UTC)", moment(story.begun) if story.begun else ""
    if story.begun is not None and story.last is not None:
        yield "Took", format_duration(story.last - story.begun)
    yield "AWS request id", _code(ending.error.request_id if ending.error is not None else "")


def _stages(story: Story) -> Iterator[tuple[str, ...]]:
    count = len(story.view.stages)
    for at, stage in enumerate(story.view.stages):
        name = f"{at + 1}/{count}"
        stay = story.stays.get(at)
        if stay is None:
            yield name, percent(stage.weight), "", "", _unvisited(stage), ""
            continue
        until = stay.left or story.last or stay.entered
        stood = f"{format_duration(max(until - stay.entered, until - until))} of {format_duration(stage.bake)}"
        yield name, percent(stage.weight), clock(stay.entered), stood, _PASSED.get(stage.state, ""), _code(stay.said)


def _unvisited(stage: StageView) -> str:
    return "not reached" if stage.state is StageState.TODO else "before this run"


def _objections(story: Story, ending: Ending) -> list[tuple[str, ...]]:
    findings = ending.error.findings if isinstance(ending.error, BlockedError) else story.findings
    return [
        (LEVEL_ICON[found.level], _code(found.message), _code(found.hint))
        for found in findings
        if found.level is not Level.OK
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of ready cells."""
    lines = ["<tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>"] if head else []
    lines += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return "\n".join(["<table>", *lines, "</table>"]) + "\n"


def _list(title: str, items: Sequence[str]) -> str:
    return (
        "\n".join([f"<p><strong>{title}</strong></p>", "<ul>", *(f"<li>{item}</li>" for item in items), "</ul>"]) + "\n"
    )


def _code(text: str) -> str:
    """Text from outside: in a code element no name becomes a mention and no word an emoji."""
    return f"<code>{_text(text)}</code>" if text else ""


def _text(text: str) -> str:
    inert = plain(text)
    return escape(inert if len(inert) <= _LONGEST_CELL else f"{inert[:_LONGEST_CELL]}…")


def _lines(text: str) -> str:
    """Several lines within ``pre``; an empty one would end the HTML block around it."""
    return "\n".join(escape(plain(line)) or " " for line in text.strip("\n").split("\n"))
