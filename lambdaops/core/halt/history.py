"""The halts of a function as lines of its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.halt.mappings import source_name
from lambdaops.core.halt.records import HaltOpened, Unhalted, UnhaltHeld
from lambdaops.core.reports import HistoryRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambdaops.core.events import Entry

HALT = "halt"
"""What stands for a strategy in the line of a halt."""


def halt_rows(entries: Iterable[Entry]) -> tuple[HistoryRow, ...]:
    """One line a halt: from its first record to the end of the unhalt that ended it."""
    runs: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.release in runs or isinstance(entry.event, HaltOpened):
            runs.setdefault(entry.release, []).append(entry)
    return tuple(_row(run) for run in runs.values())


def _row(run: list[Entry]) -> HistoryRow:
    opened, stopped, nothing_runs, reason, ticket = run[0], list[str](), False, "", ""
    outcome, ended, why = "halted", None, ""
    for entry in run:
        match entry.event:
            case HaltOpened() as event:
                stopped += [source_name(one.source) for one in event.mappings if one.polls]
                nothing_runs = nothing_runs or event.reserved is not None
                reason, ticket, outcome, why = reason or event.reason, ticket or event.ticket, "halted", ""
            case UnhaltHeld(reason=why):
                outcome = "unhalt held"
            case Unhalted(over=over):
                why = ""
                outcome, ended = ("unhalted", entry.at) if over else ("halted", None)
            case _:
                pass
    what = [*dict.fromkeys(stopped), *(["everything"] if nothing_runs else [])]
    return HistoryRow(
        release=opened.release,
        started=opened.at,
        ended=ended,
        stable="",
        candidate=", ".join(what) or "nothing",
        strategy=HALT,
        outcome=outcome,
        reason=why or reason,
        actor=opened.actor.arn,
        ticket=ticket,
    )
