"""Playbooks, plans and runs as text."""

from __future__ import annotations

import json
import re
import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lambdaops.core.arns import principal_name
from lambdaops.core.duration import format_duration
from lambdaops.core.playbook.builtin import BUILTIN
from lambdaops.render.columns import columns
from lambdaops.render.console import PLAIN, Paper
from lambdaops.render.words import moment, plain, wrap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lambdaops.core.playbook.book import Action, Input, Playbook, Step
    from lambdaops.core.playbook.plan import InnerStep, Plan, PlannedStep
    from lambdaops.core.playbook.reports import RunRow, StepRow

_UNDER = " " * 10
_WORTH_TELLING = timedelta(seconds=1)
_COLOUR = re.compile("\x1b\\[[0-9;]*m")
ICONS = {"done": "✔", "failed": "✖", "skipped": "·", "waiting": "?", "unknown": "?"}
_TONES = {"done": "good", "failed": "bad", "skipped": "dim", "waiting": "warn", "unknown": "warn"}
_SAID = {"unknown": "begun; how it ended is not known", "waiting": "waits for approval"}


def list_text(rows: Sequence[Mapping[str, Any]], paper: Paper = PLAIN) -> str:
    """One line a playbook."""
    if not rows:
        return "there is no playbook"
    cells = [
        (
            row["name"],
            "hidden" if row["hidden"] else row["from"],
            row.get("problem", "") or _first(row["description"]) or "-",
        )
        for row in rows
    ]
    return columns(("NAME", "FROM", "WHAT IT IS FOR"), cells, paper)


def book_data(book: Playbook) -> dict[str, object]:
    """A playbook for machines."""
    return {
        "name": book.name,
        "file": book.source,
        "digest": book.digest,
        "description": book.description,
        "inputs": [
            {
                "name": one.name,
                "type": one.kind.value,
                "description": one.description,
                "required": one.required,
                "default": one.default,
                "secret": one.secret,
            }
            for one in book.inputs
        ],
        "steps": [{"id": step.id, "uses": step.action.uses, "name": step.about} for step in book.steps],
    }


def book_text(book: Playbook, paper: Paper = PLAIN) -> str:
    """What it is for, what it needs, and its steps."""
    lines = [f"{paper.paint(plain(book.name), 'strong')}  {plain(book.source)}"]
    lines += [plain(line) for line in book.description.strip().splitlines()]
    if book.inputs:
        cells = [(one.name, _kind(one), _default(one), " ".join(one.description.split())) for one in book.inputs]
        lines += ["", columns(("INPUT", "TYPE", "DEFAULT", "MEANING"), cells, paper)]
    steps = [(step.id, step.action.uses, _what(step)) for step in book.steps]
    lines += ["", columns(("STEP", "USES", "WHAT"), steps, paper)]
    return "\n".join(lines)


def _kind(one: Input) -> str:
    kind = f"list of {one.of.value}" if one.kind.value == "list" else one.kind.value
    return f"{kind}, secret" if one.secret else kind


def _default(one: Input) -> str:
    if one.required:
        return "(required)"
    return one.default if isinstance(one.default, str) else json.dumps(one.default)


def _what(step: Step) -> str:
    how = _how(step)
    return (step.about or _given(step.action)) + (f" ({how})" if how else "")


def _how(step: Step) -> str:
    found = []
    if step.condition is not True:
        found.append(f"if {step.condition}")
    if step.each is not None:
        found.append("for each")
    if step.retry is not None:
        found.append(f"{step.retry.attempts} attempts")
    if step.timeout is not None:
        found.append(f"within {format_duration(step.timeout)}")
    if step.on_failure != "abort":
        found.append("goes on if it fails" if step.on_failure == "continue" else f"if it fails: {step.on_failure}")
    if step.undo is not None:
        only = f" if {step.undo.condition}" if step.undo.condition is not True else ""
        found.append(f"taken back by {step.undo.uses}{only}")
    if step.end:
        found.append("ends")
    return ", ".join(found)


def _given(action: Action) -> str:
    return ", ".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value)}" for name, value in action.given.items()
    )


# -- a plan ------------------------------------------------------------------------------------------------------------


def plan_text(plan: Plan, paper: Paper = PLAIN, *, said: str = "") -> str:
    """What a run would do; ``said`` is how the playbook was named: one that was given as a file is run as that."""
    where = f"account {plan.account}, {plan.region}"
    where = f"{plan.environment} ({where})" if plan.environment else where
    lines = [
        f"{paper.paint(plain(plan.playbook), 'strong')} in {plain(where)}: nothing is done yet",
        f"  plan   {plan.hash}",
        f"  file   {plain(plan.source)}",
    ]
    inputs = json.loads(plan.inputs)
    lines += [f"  input  {plain(name)} = {plain(_told(value))}" for name, value in inputs.items()]
    if plan.targets:
        lines.append(f"  acts on {plain(', '.join(plan.targets))}")
    if plan.targets_unknown:
        lines.append(f"  acts on {plain(', '.join(plan.targets_unknown))}: known only then")
    for number, step in enumerate(plan.steps, 1):
        lines += ["", *_planned(number, step, paper)]
    changing = sum(step.changes for step in plan.steps)
    count = f"{len(plan.steps)} step{'s' if len(plan.steps) != 1 else ''}"
    lines += ["", f"{count}, {changing or 'none'} of them may change something; nothing was done."]
    typed = plain(shlex.quote(said or plan.playbook))
    lines.append(f"Exactly this, and nothing else: lambdaops playbook run {typed} ... --plan {plan.hash}")
    return "\n".join(lines)


def _planned(number: int, step: PlannedStep, paper: Paper) -> list[str]:
    head = f"{number}. {paper.paint(plain(step.key), 'strong')}" + (f"  {plain(step.about)}" if step.about else "")
    lines = [head, f"   {_typed(step.does)}"]
    if step.when == "not":
        lines.append("   not done: its condition is false for these inputs")
    elif step.when != "always":
        lines.append(f"   if {plain(step.when)}")
    if step.unknown:
        lines.append(f"   known only then: {plain(', '.join(step.unknown))}")
    lines += [_inner(one) for one in step.inside]
    if step.approval:
        lines.append("   waits for somebody's approval")
    lines += _calls(step.writes, step.reads, paper)
    if step.timeout is not None:
        lines.append(f"   within {format_duration(step.timeout)}")
    if step.on_failure != "abort":
        what = "go on" if step.on_failure == "continue" else f"go to {step.on_failure}"
        lines.append(f"   if it fails: {what}")
    if step.undo_when == "not":
        lines.append("   not taken back: the condition of that is false for these inputs")
    elif step.undo:
        lines.append(f"   taken back by: {_typed(step.undo)}")
        lines += [f"   that only if {plain(step.undo_when)}"] if step.undo_when != "always" else []
        lines += _calls(step.undo_writes, step.undo_reads, paper, indent="  ")
    return lines


def _inner(step: InnerStep) -> str:
    only = f", if {plain(step.when)}" if step.when != "always" else ""
    return f"   runs {plain(step.key.partition('/')[2])}: {_typed(step.does)}{only}"


def _typed(does: str) -> str:
    """A command as people type it; what is no command, as it is."""
    return plain(does if does.split(" ", maxsplit=1)[0] in BUILTIN else f"lambdaops {does}")


def _calls(writes: Sequence[str], reads: Sequence[str], paper: Paper, indent: str = "") -> list[str]:
    """The calls of each service together; on a terminal, what does not fit stands below."""
    under, lines = indent + _UNDER, []
    for head, calls in ((paper.paint("writes", "warn"), writes), ("reads ", reads)):
        by_service: dict[str, list[str]] = {}
        for call in calls:
            service, _, name = call.partition(":")
            by_service.setdefault(service, []).append(name)
        text = "; ".join(f"{service} {', '.join(names)}" for service, names in by_service.items())
        parts = wrap(text, paper.width - len(under)) if paper.width is not None else [text]
        lines += [f"{under if below else f'   {indent}{head} '}{part}" for below, part in enumerate(parts) if text]
    return lines


def _told(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# -- runs --------------------------------------------------------------------------------------------------------------


def runs_text(rows: Sequence[RunRow], paper: Paper = PLAIN, *, whole: bool = False) -> str:
    """Runs, one line each; the only one whole."""
    if not rows:
        return "no run of a playbook is open"
    if whole:
        return run_text(rows[0], paper)
    cells = [
        (
            row.run,
            row.playbook,
            row.phase,
            moment(row.started),
            f"{sum(step.status == 'done' for step in row.steps if not step.undo)} done",
            principal_name(row.actor),
            row.waits or row.reason or row.next_step or "-",
        )
        for row in rows
    ]
    return columns(("RUN", "PLAYBOOK", "PHASE", "BEGUN (UTC)", "STEPS", "BY", "WHAT"), cells, paper)


def run_text(row: RunRow, paper: Paper = PLAIN) -> str:
    """One run, step by step; on a terminal a long line goes on below itself."""
    where = f"account {row.account}, {row.region}"
    where = f"{row.environment} ({where})" if row.environment else where
    head = f"{row.playbook} {row.run}: "
    lines = _hung(plain(head) + paper.paint(row.phase, _tone(row.phase)), len(head) + len(row.phase), row.reason, paper)
    told = [("", f"{where}, begun {moment(row.started)} UTC by {principal_name(row.actor)}")]
    told += [("because: ", row.why)] if row.why else []
    lines += [line for word, text in told for line in _hung(f"  {word}", len(word) + 2, text, paper, colon=False)]
    lines += [line for step in row.steps for line in _step(step, paper)]
    more = [("driven by ", row.driver), ("next: ", row.next_step)]
    if row.waits and row.until is not None:
        more.insert(0, (f"waits for approval until {moment(row.until)} UTC: ", row.waits))
    lines += [line for word, text in more if text for line in _hung(f"  {word}", 4, text, paper, colon=False)]
    return "\n".join(lines)


def _hung(lead: str, wide: int, text: str, paper: Paper, *, colon: bool = True) -> list[str]:
    """A lead and what it says; what does not fit stands below, ``wide`` columns in, or six if that is too far."""
    if not text:
        return [lead]
    lead = f"{lead}: " if colon else lead
    if paper.width is None:
        return [lead + plain(text)]
    bare = _COLOUR.sub("", lead)
    start, indent = len(bare) - len(bare.lstrip()), min(wide, 6)
    whole = (bare + plain(text)).strip()
    first, *_ = wrap(whole, paper.width - start)
    rest = wrap(whole[len(first) :], paper.width - indent)
    head = " " * start + first
    # Colour is put back where the lead has room, which it has everywhere but on the narrowest of terminals.
    head = lead + head[len(bare) :] if head.startswith(bare) else head
    return [head, *(" " * indent + line for line in rest)]


def _step(step: StepRow, paper: Paper) -> list[str]:
    icon = paper.paint(ICONS[step.status], _TONES[step.status])
    name = f"take back {step.step}" if step.undo else step.step
    took = ""
    if step.began is not None and step.ended is not None and step.ended - step.began >= _WORTH_TELLING:
        took = f" ({format_duration(step.ended - step.began)})"
    attempts = f", attempt {step.attempts}" if step.attempts > 1 else ""
    said = step.message or _SAID.get(step.status, step.status)
    return _hung(f"  {icon} {plain(name)}", 6, f"{said}{attempts}{took}", paper)


def _tone(phase: str) -> str:
    return {"done": "good", "held": "bad", "abandoned": "bad", "partly": "warn", "undone": "warn"}.get(phase, "strong")


def _first(text: str) -> str:
    return " ".join(text.strip().partition("\n\n")[0].split())
