"""Read-only answers: how a target stands, its versions, its history, the audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.arns import is_playbook, principal_name, resource_name
from lambdaops.core.audit.query import no_journal
from lambdaops.core.dlq.run import runs as redrives
from lambdaops.core.duration import format_duration
from lambdaops.core.errors import UNREADABLE_JOURNAL, UsageError
from lambdaops.core.events import Entry, Opened, RolledBack
from lambdaops.core.halt.history import halt_rows
from lambdaops.core.halt.memory import open_halt, tells
from lambdaops.core.halt.records import HaltOpened
from lambdaops.core.playbook.run import runs as playbook_runs
from lambdaops.core.replay import Release, choose_rollback, live_versions, phase, releases
from lambdaops.core.reports import AuditRow, HistoryRow, StatusReport, VersionRow
from lambdaops.core.states import BY_HAND
from lambdaops.ops.release import look
from lambdaops.ports import SILENT_AFTER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lambdaops.core.model import Target
    from lambdaops.ops.release import Situation
    from lambdaops.ports import Journal, Journals, Lease, Ports


_BEGINNINGS = (Opened, RolledBack, HaltOpened)
"""What a line of history begins with."""


def status(ports: Ports, target: Target) -> StatusReport:
    """How the alias stands, the release that is not over, and what to do next.

    Raises:
        NotFoundError, AwsError, JournalTamperedError.
    """
    situation = look(ports, target, whole=False)
    release = situation.open
    watched = release.plan.alarms if release else _last_alarms(situation)
    choice = choose_rollback(situation.entries, situation.alias.routing)
    lease = ports.journals.driver(situation.alias.arn)
    split = situation.alias.routing.additional is not None
    unaccounted = release is None and split
    return StatusReport(
        target=str(target),
        arn=situation.alias.arn,
        routing=situation.alias.routing,
        revision=situation.alias.revision,
        phase=phase(release.state) if release else ("split" if unaccounted else "at rest"),
        reason=_reason(release),
        release=release.id if release else None,
        next_step=_next_step(target, situation, lease),
        split_without_release=unaccounted,
        alarms=ports.alarms.read_alarms(watched),
        rollback_target=choice.version if choice else None,
        driver=_driver(lease, ports.clock.now()) if release else "",
        stranded=split and (lease is None or not lease.live),
        halted=_halted(ports.journals, situation.alias.arn.rpartition(":")[0], target),
    )


def _halted(journals: Journals, function: str, target: Target) -> str:
    """Since when the function is halted, as its own journal says; what is wrong with that holds nobody up."""
    try:
        halt = open_halt(journals.open(function).recent(tells).entries)
    except UNREADABLE_JOURNAL as error:
        return f"not known: {error.message}"
    if halt is None:
        return ""
    opened = halt.opened
    who = principal_name(opened.actor.arn)
    named = f" --env {target.environment}" if target.environment else ""
    return f"since {opened.at:%F %T} UTC by {who}; lambdaops unhalt {target.function}{named} starts it again"


def _last_alarms(situation: Situation) -> tuple[str, ...]:
    """The alarms of the last release: what one would want to see although none is running."""
    done = releases(situation.entries)
    return done[-1].plan.alarms if done else ()


def _reason(release: Release | None) -> str:
    if release is None:
        return ""
    reason = getattr(release.state, "reason", "")
    return str(reason)


def _driver(lease: Lease | None, now: datetime) -> str:
    """Who drives, in words; a process that exists and does not look is told from one that is at work."""
    if lease is None:
        return "no process drives it"
    who = f"pid {lease.pid} on {lease.host}" if lease.pid else "a process that is just starting"
    if not lease.live:
        return f"no process drives it: {who} died" + (f" about {lease.beat:%F %T} UTC" if lease.beat else "")
    silent = now - lease.beat if lease.beat else timedelta()
    since = f" since {lease.since:%F %T} UTC" if lease.since else ""
    if silent > SILENT_AFTER:
        return f"{who}{since}, but it has not shown itself for {format_duration(silent)}: stopped or asleep?"
    return f"{who}{since}"


def _next_step(target: Target, situation: Situation, lease: Lease | None) -> str:
    release = situation.open
    back = f"lambdaops rollback {target.again}"
    if release is not None:
        if lease is not None and lease.live:
            return f"lambdaops promote, pause, resume or abort {target.again} steers it; {back} goes back"
        return f"lambdaops resume {target.again} goes on, {back} goes back"
    if situation.alias.routing.additional is not None:
        return f"{back} sends all traffic to {situation.alias.routing.primary}"
    return ""


def versions(ports: Ports, target: Target) -> tuple[VersionRow, ...]:
    """Every published version, newest first: which is live, which was, when and by whom, and where a rollback goes."""
    situation = look(ports, target)
    live = live_versions(situation.entries)
    choice = choose_rollback(situation.entries, situation.alias.routing)
    back = choice.version if choice and choice.version != situation.alias.routing.primary else None
    if situation.alias.routing.additional is not None and choice:
        back = choice.version
    rows = []
    for version in reversed(ports.functions.list_versions(target.function)):
        entry = live.get(version.number)
        rows.append(
            VersionRow(
                number=version.number,
                state=version.state,
                live_share=situation.alias.routing.share(version.number),
                live_since=entry.at if entry else None,
                by=entry.actor.arn if entry else "",
                description=version.description,
                rollback_target=version.number == back,
                modified=version.modified,
            )
        )
    return tuple(rows)


def history(journal: Journal, limit: int = 0) -> tuple[tuple[HistoryRow, ...], bool]:
    """The newest ``limit`` releases, rollbacks or halts of one target, 0 for all, newest first; and if there are older.

    Raises:
        JournalTamperedError, InvalidFileError, JournalUnreachableError: what was to be read cannot be.
    """

    def enough(entries: Sequence[Entry]) -> bool:
        # A halt that takes in more has a second beginning.
        return 0 < limit < len({one.release for one in entries if isinstance(one.event, _BEGINNINGS)})

    entries = journal.recent(enough).entries
    rows = [_release_row(release) for release in releases(entries)]
    rows += [_rollback_row(entry, entry.event) for entry in entries if isinstance(entry.event, RolledBack)]
    rows += halt_rows(entries)
    rows.sort(key=lambda row: row.started, reverse=True)
    return tuple(rows[: limit or None]), bool(limit) and len(rows) > limit


def _release_row(release: Release) -> HistoryRow:
    opened = release.opened
    event = opened.event
    over = release.over
    undone = release.undone if over is release.undone else None
    return HistoryRow(
        release=release.id,
        started=opened.at,
        ended=over.at if over is not None else None,
        stable=release.plan.stable,
        candidate=release.plan.candidate,
        strategy=release.plan.strategy,
        outcome=release.outcome,
        reason=f"ended by rollback {undone.release}" if undone is not None else _reason(release),
        actor=opened.actor.arn,
        ticket=getattr(event, "ticket", ""),
    )


def _rollback_row(entry: Entry, event: RolledBack) -> HistoryRow:
    return HistoryRow(
        release=entry.release,
        started=entry.at,
        ended=entry.at,
        stable=event.after.primary,
        candidate=event.before.additional or event.before.primary,
        strategy="rollback",
        outcome=BY_HAND,
        reason=event.reason or event.basis,
        actor=entry.actor.arn,
        ticket=event.ticket,
    )


def audit(journals: Journals) -> tuple[AuditRow, ...]:
    """Every journal on this machine; one that cannot be read is listed with what is wrong."""
    rows = []
    for arn in journals.targets():
        try:
            entries = journals.open(arn).read().entries
        except UNREADABLE_JOURNAL as error:
            rows.append(AuditRow(arn, error.message, 0, 0, None))
            continue
        last = entries[-1].at if entries else None
        begun = len(releases(entries)) + len(redrives(entries)) + len(playbook_runs(entries))
        rows.append(AuditRow(arn, "", len(entries), begun, last))
    return tuple(rows)


def find_journal(journals: Journals, text: str, region: str | None = None) -> str:
    """The ARN whose journal is meant by a target, a function, a queue, a playbook or an ARN, in this region if given.

    Raises:
        NotFoundError: no journal fits.
        UsageError: several fit.
    """
    known = journals.targets()
    found = [arn for arn in known if text in (arn, resource_name(arn))]
    found = found or [arn for arn in known if is_playbook(arn) and resource_name(arn) == f"playbook:{text}"]
    found = [arn for arn in found if region is None or arn.split(":")[3] == region]
    if not found:
        raise no_journal(text, known)
    if len(found) > 1:
        raise UsageError(f"{text} has {len(found)} journals: {', '.join(found)}", hint="Give the ARN.")
    return found[0]
