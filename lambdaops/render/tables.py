"""The text answers of the read-only commands: plan, status, versions, history, audit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.duration import format_duration
from lambdaops.core.events import kind_of
from lambdaops.core.model import percent
from lambdaops.core.plan import OnInconclusive
from lambdaops.render.lines import describe
from lambdaops.render.words import LEVEL_WORD, columns, moment, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.core.events import Entry
    from lambdaops.core.model import AlarmReading
    from lambdaops.core.reports import AuditRow, HistoryRow, PlanReport, StatusReport, VerifyReport, VersionRow

_MARK = {"OK": "✔", "ALARM": "✖", "INSUFFICIENT_DATA": "?"}


def plan_text(report: PlanReport) -> str:
    """The stages with clock times and what each writes, the gates, the findings, the total."""
    plan = report.plan
    rows = []
    at = timedelta()
    for number, stage in enumerate(plan.stages):
        rows.append(
            (
                f"{number + 1}/{len(plan.stages)}",
                f"{report.starts_at + at:%H:%M:%S}",
                f"+{format_duration(at)}",
                percent(stage.weight),
                format_duration(stage.bake),
                str(plan.routing_at(number)),
            )
        )
        at += stage.bake
    gates = ", ".join(f"{name} (ignored)" if name in plan.ignored else name for name in plan.alarms) or "none"
    undecided = "rolls back" if plan.on_inconclusive is OnInconclusive.ROLLBACK else "holds"
    lines = [
        f"{report.target}  {plan.stable} -> {plan.candidate}  {plan.strategy}",
        "",
        columns(("STAGE", "AT (UTC)", "AFTER", "WEIGHT", "BAKE", "ALIAS WRITTEN"), rows),
        "",
        f"done     {report.starts_at + at:%H:%M:%S} UTC at the earliest, after {format_duration(at)}",
        f"gates    {plain(gates)}, looked at every {format_duration(plan.look_every)} or sooner",
        f"no data  waits {format_duration(plan.patience)}, then {undecided}",
        f"failure  one write: all traffic to {plan.stable}",
        "",
        *(f"{LEVEL_WORD[finding.level]}  {plain(finding.message)}" for finding in report.findings),
    ]
    return "\n".join(lines)


def status_text(report: StatusReport) -> str:
    """How the target stands."""
    lines = [
        f"{report.target}  {report.routing}",
        f"state     {report.phase}" + (f": {plain(report.reason)}" if report.reason else ""),
    ]
    if report.release:
        lines.append(f"release   {report.release}")
    lines += [f"alarm     {_alarm(reading)}" for reading in report.alarms]
    lines.append(
        f"rollback  would go to {report.rollback_target}" if report.rollback_target else "rollback  needs --to"
    )
    if report.next_step:
        lines.append(f"next      {report.next_step}")
    return "\n".join(lines)


def _alarm(reading: AlarmReading) -> str:
    since = f" since {moment(reading.changed_at)}" if reading.changed_at else ""
    return f"{_MARK[reading.state.value]} {plain(reading.name)} {reading.state.value}{since}"


def versions_text(rows: Sequence[VersionRow]) -> str:
    """One line a version, newest first."""
    if not rows:
        return "no version is published yet"
    cells = [
        (
            row.number,
            row.state,
            f"live {percent(row.live_share)}" if row.live_share else ("rollback ->" if row.rollback_target else ""),
            moment(row.live_since),
            _who(row.by) or "-",
            row.description,
        )
        for row in rows
    ]
    return columns(("VERSION", "STATE", "TRAFFIC", "ALL TRAFFIC SINCE", "BY", "DESCRIPTION"), cells)


def history_text(rows: Sequence[HistoryRow]) -> str:
    """One line a release, newest first."""
    if not rows:
        return "no release yet"
    cells = [
        (
            row.release,
            moment(row.started),
            format_duration(row.ended - row.started) if row.ended else "-",
            f"{row.candidate} -> {row.stable}" if row.strategy == "rollback" else f"{row.stable} -> {row.candidate}",
            row.outcome,
            _who(row.actor),
            row.ticket or "-",
            row.reason,
        )
        for row in rows
    ]
    return columns(("RELEASE", "STARTED", "TOOK", "VERSIONS", "OUTCOME", "BY", "TICKET", "REASON"), cells)


def audit_text(rows: Sequence[AuditRow]) -> str:
    """One line a journal."""
    if not rows:
        return "no journal yet"
    cells = [
        (row.arn, str(row.records), str(row.releases), moment(row.last_at), row.problem or "readable") for row in rows
    ]
    return columns(("JOURNAL", "RECORDS", "RELEASES", "LAST RECORD", "STATE"), cells)


def records_text(entries: Sequence[Entry]) -> str:
    """One line a record, in order."""
    if not entries:
        return "no record yet"
    cells = [
        (str(entry.seq), moment(entry.at), entry.release, kind_of(entry.event), _who(entry.actor.arn), _what(entry))
        for entry in entries
    ]
    return columns(("SEQ", "AT (UTC)", "RELEASE", "KIND", "BY", "WHAT"), cells)


def _what(entry: Entry) -> str:
    event = entry.event
    text = describe(entry)
    if text:
        return text
    gates = getattr(event, "gates", ())
    if gates:
        return "; ".join(gate.reason for gate in gates)
    return str(getattr(event, "reason", ""))


def verify_text(reports: Sequence[VerifyReport]) -> str:
    """One line a journal: intact or not, and the head to keep elsewhere."""
    if not reports:
        return "no journal yet"
    cells = [
        (
            "✔ intact" if report.ok else "✖ EDITED",
            report.arn,
            f"{report.records} records" + (", last line incomplete" if report.torn else ""),
            f"head {report.head}" if report.ok else report.problem,
        )
        for report in reports
    ]
    return columns(("STATE", "JOURNAL", "LENGTH", "HEAD"), cells)


def _who(arn: str) -> str:
    return arn.partition("/")[2] or arn
