"""The text answers about the audit log as evidence: what was verified, what was anchored.

Rules this file guarantees: text without a last line break; a kind is said in the word that the JSON has for it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lambdaops.core.audit.reconcile import Standing
from lambdaops.render.columns import columns
from lambdaops.render.console import PLAIN, Paper
from lambdaops.render.words import moment, plain

if TYPE_CHECKING:
    from lambdaops.core.audit.anchors import CheckpointReport, JournalReport, Verification
    from lambdaops.core.audit.checkpoint import Written
    from lambdaops.core.audit.reconcile import Line, Reconciled


def verify_text(found: Verification, paper: Paper = PLAIN) -> str:
    """One line a journal, one a checkpoint that is not valid, and what was asked for beside what was found."""
    if not found.journals and not found.where:
        return "no journal yet"
    lines = []
    if found.journals:
        cells = [
            (
                "✔ valid" if report.ok else f"✖ INVALID: {report.kind}",
                report.arn,
                _length(report),
                *((_anchor(report),) if found.where else ()),
                f"head {report.head}" if report.ok else report.problem,
            )
            for report in found.journals
        ]
        anchors = ("ANCHORED",) if found.where else ()
        lines += [columns(("STATE", "JOURNAL", "FOUND", *anchors, "HEAD"), cells, paper), ""]
    lines += [_bad(report, paper) for report in found.chain.reports if not report.ok]
    valid = sum(report.ok for report in found.journals)
    lines.append(f"{valid}/{len(found.journals)} journals valid, {_records(found)}")
    if found.where:
        lines.append(_checkpoints(found))
    return "\n".join(lines)


def _length(report: JournalReport) -> str:
    intact = "" if report.ok else " intact"
    many = f"{report.records}{intact} record{'s' if report.records != 1 else ''}"
    many = f"{many} of {report.expected}" if report.records < report.expected else many
    return many + (", last line incomplete" if report.torn else "")


def _anchor(report: JournalReport) -> str:
    if not report.anchored:
        return "unanchored"
    since = f", {report.unanchored} unanchored since" if report.unanchored else ""
    return f"up to {report.anchored} by checkpoint {report.checkpoint}{since}"


def _records(found: Verification) -> str:
    good = sum(report.records for report in found.journals if report.ok)
    asked = sum(max(report.records, report.expected) for report in found.journals)
    text = f"{good}/{asked} records valid"
    if found.where:
        text += f", {sum(report.anchored for report in found.journals if report.ok)} anchored"
    return text


def _bad(report: CheckpointReport, paper: Paper) -> str:
    mark = paper.paint(f"✖ INVALID: {report.kind}", "bad")
    return f"{mark}  checkpoint {report.number}: {plain(report.problem)}"


def _checkpoints(found: Verification) -> str:
    reports = found.chain.reports
    if not reports:
        return f"no checkpoint at {plain(found.where)}"
    valid = [report for report in reports if report.ok]
    span = f"{valid[0].number} to {valid[-1].number}, until {valid[-1].at}" if valid else "none"
    signed = sum(report.signed for report in valid)
    return f"{len(valid)}/{len(reports)} checkpoints valid ({span}), {signed} signed, at {plain(found.where)}"


def checkpoint_text(written: Written) -> str:
    """What was written, where, and what to keep."""
    heads = written.checkpoint.heads
    signed = ", signed" if written.checkpoint.signature else ""
    return (
        f"checkpoint {written.number} of {len(heads)} journal{'s' if len(heads) != 1 else ''}, "
        f"{written.records} records{signed}, at {plain(written.where)}\nsha256 {written.digest}"
    )


def reconciled_text(found: Reconciled, paper: Paper = PLAIN) -> str:
    """One line a write or a change, and how many stand how."""
    counts = Counter(line.standing for line in found.lines)
    said = ", ".join(f"{counts[standing]} {standing.value}" for standing in Standing if counts[standing])
    span = f"{found.target} from {moment(found.since)} to {moment(found.until)} UTC"
    if not found.lines:
        return f"{span}: nothing changed it, says CloudTrail, and nothing did here"
    cells = [
        (
            _STANDINGS[line.standing],
            moment(line.at),
            str(line.routing) if line.routing is not None else f"({line.kind})",
            line.by or "-",
            f"record {line.seq} of {line.release}" if line.seq is not None else _agent(line),
            line.request_id or "-",
        )
        for line in found.lines
    ]
    table = columns(("STANDING", "AT (UTC)", "ALIAS", "BY", "THROUGH", "REQUEST ID"), cells, paper)
    return f"{table}\n\n{span}: {said}"


_STANDINGS = {
    Standing.MATCHED: "✔ matched",
    Standing.NOT_YET: "? not in CloudTrail yet",
    Standing.MISSING: "✖ not in CloudTrail",
    Standing.FOREIGN: "✖ not through us",
}


def _agent(line: Line) -> str:
    """The tool as it named itself: anybody can call himself anything."""
    return plain(line.agent.partition(" ")[0]) or "-"
