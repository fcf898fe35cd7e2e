"""The text answers about the audit log as evidence: what was verified, what was anchored.

Rules this file guarantees: text without a last line break; a kind is said in the word that the JSON has for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.render.columns import columns
from lambdaops.render.console import PLAIN, Paper
from lambdaops.render.words import plain

if TYPE_CHECKING:
    from lambdaops.core.audit.anchors import CheckpointReport, JournalReport, Verification
    from lambdaops.core.audit.checkpoint import Written


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
