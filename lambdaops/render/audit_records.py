"""Records that were asked for, as a table, as CSV, and one by one as they come.

Rules this file guarantees: a spreadsheet takes no cell for a formula; a record is one line, whatever it says.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC
from typing import TYPE_CHECKING

from lambdaops.core.arns import principal_name, resource_name
from lambdaops.core.events import kind_of
from lambdaops.render.columns import columns
from lambdaops.render.console import PLAIN, Paper
from lambdaops.render.tables import what
from lambdaops.render.words import moment, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.core.audit.query import Match
    from lambdaops.core.events import Entry

CSV_HEAD = (
    "at",
    "target",
    "seq",
    "release",
    "kind",
    "actor",
    "host",
    "run",
    "commit",
    "tool",
    "ticket",
    "outcome",
    "what",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def matches_text(matches: Sequence[Match], paper: Paper = PLAIN) -> str:
    """One line a record."""
    if not matches:
        return "no record is like that"
    cells = [
        (
            moment(match.entry.at),
            resource_name(match.entry.target),
            str(match.entry.seq),
            match.entry.release,
            kind_of(match.entry.event),
            principal_name(match.entry.actor.arn),
            match.ticket or "-",
            match.outcome or "-",
            what(match.entry),
        )
        for match in matches
    ]
    return columns(("AT (UTC)", "TARGET", "SEQ", "RELEASE", "KIND", "BY", "TICKET", "OUTCOME", "WHAT"), cells, paper)


def matches_csv(matches: Sequence[Match]) -> str:
    """RFC 4180 with a head line, for spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(CSV_HEAD)
    for match in matches:
        entry = match.entry
        writer.writerow(
            [
                _safe(text)
                for text in (
                    entry.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                    entry.target,
                    str(entry.seq),
                    entry.release,
                    kind_of(entry.event),
                    entry.actor.arn,
                    entry.actor.host,
                    entry.actor.run,
                    entry.actor.commit,
                    entry.actor.tool,
                    match.ticket,
                    match.outcome,
                    what(entry),
                )
            ]
        )
    return out.getvalue()


def _safe(text: str) -> str:
    """A cell that no spreadsheet computes."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def record_line(entry: Entry) -> str:
    """One record, for whoever follows."""
    name, who = resource_name(entry.target), principal_name(entry.actor.arn)
    return plain(f"{moment(entry.at)}  {name} #{entry.seq}  {kind_of(entry.event)}  {who}  {what(entry)}").rstrip()
