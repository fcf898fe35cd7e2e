"""Where a function's failed events go, as text: one line a path, then what loses events and what else to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.dlq.paths import Means
from lambdaops.render.columns import columns
from lambdaops.render.console import PLAIN
from lambdaops.render.words import plain, rough

if TYPE_CHECKING:
    from lambdaops.core.dlq.paths import FailurePath, PathsReport
    from lambdaops.render.console import Paper

_HEAD = ("EVENTS", "THROUGH", "VERSIONS", "GO BY", "TO", "LETTERS", "OLDEST", "EXPIRES")


def paths_text(report: PathsReport, again: str, paper: Paper = PLAIN) -> str:
    """Every path; ``again`` names the environment to the next command, or is empty."""
    name = plain(f"{report.function}:{report.alias}" if report.alias else report.function)
    parts = [paper.paint(name, "strong"), columns(_HEAD, [_row(path) for path in report.paths], paper)]
    lost = [line for path in report.paths for line in _lost(path, paper)]
    notes = [paper.paint(f"⚠ {plain(note)}", "warn") for note in report.notes]
    notes += [f"{_where(path)}: {plain(note)}" for path in report.paths for note in path.notes]
    parts += ["\n".join(lines) for lines in (lost, notes) if lines]
    parts.append("\n".join(_verdict(report, again, paper)))
    return "\n\n".join(parts)


def _row(path: FailurePath) -> tuple[str, ...]:
    letters, oldest, expires = "-", "-", "-"
    if path.depth is not None:
        letters = str(path.depth.messages)
        if path.depth.messages:
            oldest = rough(path.depth.oldest) if path.depth.oldest is not None else "?"
            # Whatever is in it, SQS deletes it then at the latest.
            expires = "<=" + rough(path.depth.expires if path.depth.expires is not None else path.depth.retention)
    return (
        _events(path.events),
        path.through or "-",
        ", ".join(path.versions) or "any",
        f"{_mark(path)} {path.means}",
        _place(path.to) or "-",
        letters,
        oldest,
        expires,
    )


def _mark(path: FailurePath) -> str:
    if path.lost:
        return "✖"
    return "?" if path.means is Means.NOWHERE else "✔"


def _events(events: str) -> str:
    """``asynchronous``, or which queue or stream: sqs invoices, kinesis clicks, dynamodb orders."""
    if not events.startswith("arn:"):
        return events
    _, _, service, _, _, resource = events.split(":", 5)
    parts = resource.split("/")
    return f"{service} {parts[1] if len(parts) > 1 else resource.rpartition(':')[2]}"


def _place(arn: str) -> str:
    """A queue by its name; anything else with its service."""
    service, name = arn.split(":")[2:3], arn.rpartition(":")[2]
    return name if service in ([], ["sqs"]) else f"{service[0]} {name}"


def _where(path: FailurePath) -> str:
    where = f"{_events(path.events)} through {path.through}" if path.through else _events(path.events)
    versions = "" if path.versions in ((), (path.through,)) else f", version {', '.join(path.versions)}"
    return plain(where + versions)


def _lost(path: FailurePath, paper: Paper) -> list[str]:
    if not path.lost:
        return []
    lines = [paper.paint(f"✖ {_where(path)}: {plain(path.lost)}", "bad")]
    return [*lines, f"  {plain(path.hint)}"] if path.hint else lines


def _verdict(report: PathsReport, again: str, paper: Paper) -> list[str]:
    count = len(report.paths)
    paths = "1 path" if count == 1 else f"{count} paths"
    if report.lost:
        what = "it loses" if count == 1 else "1 of them loses" if report.lost == 1 else f"{report.lost} of them lose"
        lines = [paper.paint(f"✖ {paths}, {what} events", "bad")]
    else:
        lines = [paper.paint(f"✔ {paths}, none is known to lose events", "good")]
    fullest = max(
        (path for path in report.paths if path.depth is not None and path.depth.messages),
        key=lambda path: path.depth.messages if path.depth else 0,
        default=None,
    )
    if fullest is not None:
        environment = f" {again}" if again else ""
        lines.append(
            f"next: lambdaops dlq inspect {plain(fullest.to.rpartition(':')[2])}{environment} shows what is there"
        )
    return lines
