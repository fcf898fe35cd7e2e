"""The text answers of the read-only commands: plan, findings, status, versions, history, audit.

Rules this file guarantees: a function takes plain core values and gives text without a last line break; nothing is
truncated; times are UTC and say so.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.arns import principal_name
from lambdaops.core.duration import format_duration
from lambdaops.core.events import Decided, Judged, Observed, kind_of
from lambdaops.core.halt.history import HALT
from lambdaops.core.model import FULL, Level, percent
from lambdaops.core.replay import phase
from lambdaops.render.columns import columns
from lambdaops.render.console import PLAIN, Paper
from lambdaops.render.errors import finding_lines
from lambdaops.render.say import describe
from lambdaops.render.words import WHEN_UNDECIDED, clock, moment, plain, told, tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.core.events import Entry
    from lambdaops.core.logged import Logged
    from lambdaops.core.model import AlarmReading, Finding
    from lambdaops.core.reports import (
        AuditRow,
        ExplainRow,
        HistoryRow,
        PlanReport,
        SettingRow,
        StatusReport,
        VersionRow,
    )

_MARK = {"OK": "✔", "ALARM": "✖", "INSUFFICIENT_DATA": "?"}


def plan_text(report: PlanReport, paper: Paper = PLAIN) -> str:
    """The stages with clock times and what each writes, the gates, the findings, the total."""
    plan = report.plan
    rows = []
    at = timedelta()
    for number, stage in enumerate(plan.stages):
        rows.append(
            (
                f"{number + 1}/{len(plan.stages)}",
                clock(report.starts_at + at),
                f"+{format_duration(at)}",
                percent(stage.weight),
                f"{'<=' if plan.adaptive and stage.weight < FULL else ''}{format_duration(stage.bake)}",
                str(plan.routing_at(number)),
            )
        )
        at += stage.bake
        if stage.gate is not None:
            then = f"then {stage.gate.then.value}"
            rows.append(("", "", "", "hold", f"<={format_duration(stage.gate.within)}", f"until promoted, {then}"))
    gates = ", ".join(f"{name} (ignored)" if name in plan.ignored else name for name in plan.alarms)
    undecided = WHEN_UNDECIDED[plan.on_inconclusive]
    compared = ", ".join(str(comparison) for comparison in plan.comparisons)
    lines = [
        paper.paint(f"{plain(report.target)}  {plan.stable} -> {plan.candidate}  {plain(plan.strategy)}", "strong"),
        *([f"as {plain(report.config)} says"] if report.config else []),
        "",
        columns(("STAGE", "AT (UTC)", "AFTER", "WEIGHT", "BAKE", "ALIAS WRITTEN"), rows, paper),
        "",
        f"done     {clock(report.starts_at + at)} UTC {_earliest(plan.adaptive)}, after {format_duration(at)}",
        f"limit    {clock(report.starts_at + plan.limit)} UTC at the latest, after {format_duration(plan.limit)}",
        f"gates    {plain(gates)}, looked at every {format_duration(plan.look_every)} or sooner"
        if plan.alarms
        else "gates    no alarm"
        + ("" if plan.comparisons or plan.metrics else ": nothing but time separates the stages"),
        f"compared {compared}" if plan.comparisons else "compared nothing",
        *(f"metric   {plain(str(gate))}" for gate in plan.metrics),
        f"no data  waits {format_duration(plan.patience)}, then {undecided}",
        f"failure  one write: all traffic to {plan.stable}",
        "",
        findings_text(report.findings, paper),
        "",
        _conclusion(report, paper),
    ]
    return "\n".join(lines)


def _earliest(adaptive: bool) -> str:
    return "or sooner, as soon as the judge is sure" if adaptive else "at the earliest"


def _conclusion(report: PlanReport, paper: Paper) -> str:
    blocks = sum(finding.level is Level.BLOCK for finding in report.findings)
    if report.blocked:
        return paper.paint(f"✖ blocked by {blocks} finding{'s' if blocks != 1 else ''}: nothing was written", "bad")
    return paper.paint("✔ nothing blocks this release", "good") + "; nothing was written"


def findings_text(findings: Sequence[Finding], paper: Paper = PLAIN) -> str:
    """One line a finding, and its hint below."""
    lines = [line for finding in findings for line in finding_lines(finding, paper)]
    return "\n".join(lines) or "  nothing found"


def status_text(report: StatusReport, paper: Paper = PLAIN) -> str:
    """How the target stands."""
    reason = report.reason
    if report.split_without_release and not reason:
        reason = "no release of this machine accounts for it"
    lines = [
        paper.paint(f"{plain(report.target)}  {report.routing}", "strong"),
        f"arn       {plain(report.arn)}",
        f"state     {plain(told(report.phase, reason))}",
    ]
    if report.release:
        lines.append(f"release   {plain(report.release)}")
    if report.driver:
        lines.append(f"driver    {paper.paint(plain(report.driver), 'bad' if report.stranded else '')}")
    if report.halted:
        lines.append(f"halted    {paper.paint(plain(report.halted), 'bad')}")
    lines += [f"alarm     {_alarm(reading, paper)}" for reading in report.alarms]
    if report.rollback_target is None:
        lines.append("rollback  needs --to: no version is known to be good")
    elif report.routing.additional is None and report.routing.primary == report.rollback_target:
        lines.append(f"rollback  changes nothing: all traffic is on {report.rollback_target}")
    else:
        lines.append(f"rollback  would go to {plain(report.rollback_target)}")
    if report.next_step:
        lines.append(f"next      {plain(report.next_step)}")
    return "\n".join(lines)


def _alarm(reading: AlarmReading, paper: Paper) -> str:
    since = f" since {moment(reading.changed_at)} UTC" if reading.changed_at else ""
    mark = _MARK[reading.state.value]
    stale = f", {plain(reading.evaluation)}" if reading.evaluation else ""
    return f"{paper.paint(f'{mark} {reading.state.value}', tone(mark))} {plain(reading.name)}{since}{stale}"


def versions_text(rows: Sequence[VersionRow], paper: Paper = PLAIN) -> str:
    """One line a version, in the order given; marks what is live and where a rollback goes."""
    if not rows:
        return "no version is published yet"
    cells = [
        (
            row.number,
            row.state,
            _traffic(row),
            moment(row.live_since),
            principal_name(row.by) or "-",
            row.description,
        )
        for row in rows
    ]
    return columns(("VERSION", "STATE", "TRAFFIC", "ALL TRAFFIC SINCE", "BY", "DESCRIPTION"), cells, paper)


def _traffic(row: VersionRow) -> str:
    marks = [f"live {percent(row.live_share)}"] if row.live_share else []
    return ", ".join([*marks, "rollback ->"] if row.rollback_target else marks)


def history_text(rows: Sequence[HistoryRow], older: bool, paper: Paper = PLAIN) -> str:
    """One line a release, in the order given, and whether there are ``older`` ones."""
    if not rows:
        return "no release yet"
    cells = [
        (
            row.release,
            moment(row.started),
            format_duration(row.ended - row.started) if row.ended else "-",
            _moved(row),
            row.outcome,
            principal_name(row.actor) or "-",
            row.ticket or "-",
            row.reason,
        )
        for row in rows
    ]
    table = columns(("RELEASE", "STARTED (UTC)", "TOOK", "VERSIONS", "OUTCOME", "BY", "TICKET", "REASON"), cells, paper)
    return f"{table}\n... and older ones: --limit 0 shows all" if older else table


def _moved(row: HistoryRow) -> str:
    if row.strategy == HALT:
        return row.candidate
    return f"{row.candidate} -> {row.stable}" if row.strategy == "rollback" else f"{row.stable} -> {row.candidate}"


def audit_text(rows: Sequence[AuditRow], paper: Paper = PLAIN) -> str:
    """One line a journal."""
    if not rows:
        return "no journal yet"
    cells = [
        (
            row.arn,
            str(row.records),
            str(row.releases),
            moment(row.last_at),
            f"✖ {row.problem}" if row.problem else "✔ readable",
        )
        for row in rows
    ]
    return columns(("JOURNAL", "RECORDS", "RELEASES", "LAST RECORD (UTC)", "STATE"), cells, paper)


def records_text(entries: Sequence[Entry], paper: Paper = PLAIN) -> str:
    """One line a record, in order; below, for each run, all that is known of who wrote its records."""
    if not entries:
        return "no record yet"
    cells = [
        (
            "-" if entry.seq is None else str(entry.seq),
            moment(entry.at),
            entry.release,
            kind_of(entry.event),
            principal_name(entry.actor.arn),
            what(entry),
        )
        for entry in entries
    ]
    actors = [
        (release, actor.host, actor.tool or "-", actor.commit or "-", actor.run or "-", actor.arn)
        for release, actor in dict.fromkeys((entry.release, entry.actor) for entry in entries)
    ]
    records = columns(("SEQ", "AT (UTC)", "RELEASE", "KIND", "BY", "WHAT"), cells, paper)
    return f"{records}\n\n{columns(('RELEASE', 'HOST', 'TOOL', 'COMMIT', 'CI RUN', 'ARN'), actors, paper)}"


def what(entry: Entry) -> str:
    """One line for one record, also for those that only matter to replay."""
    match entry.event:
        case Observed(alias=alias, gates=gates):
            seen = f"alias is at {alias}" if alias is not None else "alias could not be read"
            return "; ".join([seen, *(gate.reason for gate in gates)])
        case Judged(at=at, rows=rows):
            compared = [
                f"{row.name}: {row.candidate_bad} of {row.candidate} on the candidate, "
                f"{row.stable_bad} of {row.stable} on the stable version"
                for row in rows
            ]
            return f"from {clock(at)} on, {'; '.join(compared)}"
        case Decided(state=state, reason=reason):
            return f"{phase(state)}: {reason}"
        case _:
            return describe(entry)


def explain_text(rows: Sequence[ExplainRow], paper: Paper = PLAIN) -> str:
    """One line a judged period and comparison, and one for everything that was decided meanwhile."""
    if not rows:
        return "nothing was judged or decided yet"
    cells = [
        (
            clock(row.at),
            percent(row.weight) if row.weight else "-",
            row.comparison or "·",
            f"{row.candidate_bad}/{row.candidate}" if row.comparison else "",
            f"{row.stable_bad}/{row.stable}" if row.comparison else "",
            row.evidence,
            row.said,
        )
        for row in rows
    ]
    return columns(("AT (UTC)", "WEIGHT", "COMPARED", "CANDIDATE", "STABLE", "EVIDENCE", "WHAT"), cells, paper)


def logged_text(version: str, logged: Logged) -> str:
    """What a version wrote to its log when it failed, one message a line."""
    note = f" ({plain(logged.note)})" if logged.note else ""
    if not logged.errors:
        return f"version {plain(version)} logged no error that was found in {plain(logged.group)}{note}"
    most = len(str(logged.errors[0].count))
    return "\n".join(
        (
            f"version {plain(version)} logged in {plain(logged.group)}{note}:",
            *(f"  {one.count:>{most}} x {plain(one.message)}" for one in logged.errors),
        )
    )


def settings_text(rows: Sequence[SettingRow], paper: Paper = PLAIN) -> str:
    """What holds, and where it comes from."""
    return columns(("SETTING", "VALUE", "FROM"), [(row.key, row.value, row.origin) for row in rows], paper)
