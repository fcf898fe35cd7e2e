"""What a look at a queue found, as text: groups, ages, what the look cost, and one letter if it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.duration import format_duration
from lambdaops.render.columns import columns
from lambdaops.render.console import PLAIN
from lambdaops.render.words import moment, plain, rough

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.core.dlq.inspection import Inspection, Shown
    from lambdaops.render.console import Paper

_BAR = 24


def inspection_text(found: Inspection, again: str, paper: Paper = PLAIN) -> str:
    """A queue and a sample of what is in it; ``again`` is what the next command is given to look at the same."""
    parts = [_about(found, paper)]
    if found.letter is not None:
        parts += [_letter(found.letter, paper), _cost(found)]
    elif found.looked:
        parts += [_groups(found, paper), _ages(found, paper), _cost(found)]
        parts.append(f"next: lambdaops dlq inspect {again} --message {found.groups[0].example} shows one letter")
    return "\n\n".join(parts)


def _about(found: Inspection, paper: Paper) -> str:
    lines = [f"{paper.paint(_name(found.queue), 'strong')}  {found.queue}"]
    total = found.waiting + found.hidden + found.delayed
    counts = [f"{found.waiting} to be received"]
    counts += [f"{found.hidden} in other hands"] if found.hidden else []
    counts += [f"{found.delayed} delayed"] if found.delayed else []
    lines.append(f"about {_letters(total)} ({', '.join(counts)}), kept for {format_duration(found.retention)}")
    if found.interrupted:
        lines.append(f"stopped after {_letters(found.looked)}")
    elif not found.looked:
        lines.append("no letter could be received" if total else "it is empty")
    else:
        lines.append(f"looked at {_letters(found.looked)}" + (", which is all there are" if found.complete else ""))
    if found.oldest is not None and found.expires is not None:
        left = found.expires - found.at
        old = rough(found.at - found.oldest)
        gone = f"⚠ expires in {rough(left)}" if left < found.retention / 4 else f"expires in {rough(left)}"
        lines.append(f"the oldest of these is {old} old and {gone}, {moment(found.expires)} UTC")
    if found.still_hidden:
        lines.append(f"⚠ {_letters(found.still_hidden)} stay hidden until {moment(found.hidden_until)} UTC")
    return "\n".join(lines)


def _groups(found: Inspection, paper: Paper) -> str:
    most = max(one.count for one in found.groups)
    rows = [
        (*one.names, str(one.count), _bar(one.count, most), moment(one.oldest), one.example) for one in found.groups
    ]
    head = (*(by.value.upper() for by in found.by), "LETTERS", "", "OLDEST (UTC)", "EXAMPLE")
    return columns(head, rows, paper)


def _ages(found: Inspection, paper: Paper) -> str:
    most = max(one.count for one in found.ages)
    return columns(
        ("AGE", "LETTERS", ""), [(one.age, str(one.count), _bar(one.count, most)) for one in found.ages], paper
    )


def _cost(found: Inspection) -> str:
    """What it cost to look."""
    said = "This look cost every one of these letters one receive (ApproximateReceiveCount)."
    if not found.max_receives:
        return f"{said} The queue has no redrive policy of its own, so nothing comes of that."
    name = _name(found.dead_letters) or "its dead-letter queue"
    if not found.left:
        return f"⚠ {said} Some were received {found.max_receives} times now: the next receive moves them to {name}."
    return f"{said} After {found.max_receives} SQS moves a letter to {name}; these have at least {found.left} left."


def _letter(one: Shown, paper: Paper) -> str:
    lines = [paper.paint(f"letter {plain(one.id)}", "strong")]
    lines += [f"  {name:<15}{plain(value)}" for name, value in _facts(one) if value]
    lines += [
        f"  {'attribute':<15}{plain(item.name)} ({plain(item.type)}) {plain(item.value)}" for item in one.attributes
    ]
    if not one.open:
        lines.append(f"  {'body':<15}{one.size} bytes, without its values (--show-body shows them):")
    else:
        lines.append(f"  {'body':<15}{one.size} bytes:")
    return "\n".join([*lines, *(f"    {plain(line)}" for line in one.body.split("\n"))])


def _facts(one: Shown) -> Iterator[tuple[str, str]]:
    yield "kind", one.kind.value
    yield "sent", f"{moment(one.sent)} UTC"
    yield "received", "for the first time" if one.receives == 1 else f"{one.receives} times, this one included"
    yield "from queue", one.source or ""
    yield "function", f"{one.function}:{one.qualifier}" if one.function and one.qualifier else one.function
    yield "version", one.version
    yield "error", one.error
    yield "said", one.message
    yield "origin", "" if one.origin == one.source else one.origin
    yield "request", one.request
    yield "tried", f"{one.attempts} times" if one.attempts else ""
    yield "group", one.group or ""
    yield "deduplication", one.deduplication or ""
    yield "trace", one.trace or ""


def _bar(count: int, most: int) -> str:
    """A bar as long as its share of the longest; whatever is there at all shows."""
    return "█" * max(1 if count else 0, count * _BAR // most) if most else ""


def _letters(count: int) -> str:
    return "1 letter" if count == 1 else f"{count} letters"


def _name(arn: str) -> str:
    return arn.rpartition(":")[2]
