"""What the records of work on dead letters say, in words: for log lines, the audit log and the end report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.dlq.plan import format_stages
from lambdaops.core.dlq.records import (
    Change,
    Ending,
    LoadStep,
    QueueChanged,
    QueueChanging,
    RedriveClosed,
    RedriveHeard,
    RedriveHeld,
    RedriveOpened,
    RedriveResumed,
    RedriveSignalled,
    RedriveStage,
    RedriveStep,
    Tally,
    Wish,
)
from lambdaops.core.duration import format_duration
from lambdaops.render.columns import columns
from lambdaops.render.words import moment, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.core.dlq.plan import RedrivePlan
    from lambdaops.core.dlq.reports import Rehearsal, RunRow, Told
    from lambdaops.core.dlq.run import Run
    from lambdaops.core.events import Event
    from lambdaops.render.console import Paper

_WISHES = {Wish.PAUSE: "pause", Wish.RESUME: "go on", Wish.CANCEL: "end it where it is", Wish.HOLD: "stop"}
_DONE = {Change.LOAD: "loaded", Change.PURGE: "purged"}


def described(event: Event, who: str, host: str) -> str:
    """One line for one record; empty for events that are not about dead letters.

    Args:
        event: what was recorded.
        who: who acted, as people say it.
        host: where.
    """
    match event:
        case RedriveOpened(plan=plan, reason=reason):
            return f"redrive of {plan.name}: {summary(plan)}" + because(reason)
        case RedriveResumed(resend=resend):
            return f"taken up by {who} on {host}" + (", sending what is in doubt again" if resend else "")
        case RedriveStep(began=began, ended=ended):
            sent = sum(len(batch.ids) for batch in began)
            parts = [f"sends {messages(sent)} in {_count(len(began), 'batch', 'batches')}"] if began else []
            failed = sum(len(batch.failures) for batch in ended)
            if ended:
                parts.append(
                    _count(len(ended), "batch", "batches") + " ended" + (f", {failed} failed" if failed else "")
                )
            return "; ".join(parts)
        case RedriveStage(stage=stage, watched=True, moved=moved, reason=reason):
            return f"stage {stage} over, {messages(moved)} moved: {reason}"
        case RedriveStage(stage=stage, reason=reason):
            return f"stage {stage}: {reason}"
        case RedriveSignalled(wish=wish, reason=reason):
            return f"asked to {_WISHES[wish]} by {who}" + (f": {reason}" if reason else "")
        case RedriveHeard(wish=wish):
            return "paused" if wish is Wish.PAUSE else "going on"
        case RedriveHeld(cause=cause, reason=reason, tally=tally):
            return f"held ({cause.value}): {reason}; {counts(tally)}"
        case RedriveClosed(ending=ending, reason=reason, tally=tally):
            return f"{ending.value}: {reason}; {counts(tally)}"
        case QueueChanging(change=change, total=total, detail=detail, reason=reason):
            return f"{change.value} {messages(total)}" + (f", {detail}" if detail else "") + because(reason)
        case LoadStep(ids=ids, failures=failures):
            parts = [f"sends {messages(len(ids))}"] if ids else []
            parts += [f"{len(failures)} before were not taken"] if failures else []
            return "; ".join(parts) or "all before were taken"
        case QueueChanged(change=change, done=done, failed=failed, detail=detail):
            also = f", {failed} failed" if failed else ""
            return f"{_DONE[change]} {messages(done)}{also}" + (f": {detail}" if detail else "")
        case _:
            return ""


def summary(plan: RedrivePlan) -> str:
    """A plan in one line."""
    parts = [
        f"{messages(min(plan.total, plan.limit) if plan.limit else plan.total)}",
        f"to {short(plan.to)}" if plan.to else "each to where it came from",
        f"filter {plan.filter}" if plan.filter else "",
        f"transform {plan.transform}" if plan.transform else "",
        "with edits" if plan.edit else "",
        f"older than {format_duration(plan.older_than)}" if plan.older_than is not None else "",
        f"newer than {format_duration(plan.newer_than)}" if plan.newer_than is not None else "",
        f"at most {plan.rate}" if plan.rate else "",
        "moved by SQS itself" if plan.native else f"stages {format_stages(plan.stages)}",
        f"stops for {', '.join(plan.stop_alarms)}" if plan.stop_alarms else "",
        f"what has nowhere to go to {short(plan.quarantine)}" if plan.quarantine else "",
    ]
    return ", ".join(part for part in parts if part)


def counts(tally: Tally) -> str:
    """A tally in one line: what there is none of is not told."""
    parts = [
        f"moved {tally.moved}" + (f" ({tally.quarantined} to quarantine)" if tally.quarantined else ""),
        f"left {tally.left}" if tally.left else "",
        f"nowhere to go {tally.unroutable}" if tally.unroutable else "",
        f"cannot be sent {tally.unsendable}" if tally.unsendable else "",
        f"failed {tally.unsent}" if tally.unsent else "",
        f"sent but not deleted {tally.undeleted}" if tally.undeleted else "",
        f"in doubt {tally.doubtful}" if tally.doubtful else "",
        f"not reached {tally.unreached}" if tally.unreached else "",
        f"came back {tally.came_back}" if tally.came_back else "",
        f"arrived since {tally.arrived}" if tally.arrived else "",
    ]
    return ", ".join(part for part in parts if part)


def ended_text(run: Run, ended: Told, paper: Paper) -> str:
    """How a redrive ended: the counts, where it went, and what stays and why."""
    end = run.closed or run.held
    assert end is not None  # noqa: S101 -- it has ended
    good = run.closed is not None and run.closed.ending is Ending.MOVED
    word = run.closed.ending.value if run.closed is not None else "held"
    lines = [paper.paint(f"{plain(run.plan.name)} {word}: {plain(end.reason)}", "good" if good else "bad")]
    lines.append(f"  {counts(end.tally)}, as {run.id}")
    lines += [f"  {count} to {plain(short(to))}" for to, count in sorted(ended.places.items())]
    lines += [f"  {problem.what} {plain(problem.id)}: {plain(problem.detail)}" for problem in ended.problems]
    more = end.tally.kept - len(ended.problems)
    if ended.problems and more > 0:
        lines.append(f"  and {more} more")
    if ended.unsure:
        lines.append(
            f"  the answer to {_count(ended.unsure, 'batch', 'batches')} was lost and they were sent again: "
            "duplicates are possible on a standard queue"
        )
    if run.open:
        lines += [f"  go on:  lambdaops dlq resume {run.id}", f"  end it: lambdaops dlq cancel {run.id}"]
    return "\n".join(lines)


def runs_text(rows: Sequence[RunRow], paper: Paper) -> str:
    """One line a redrive, and what to do next where there is one."""
    if not rows:
        return "no redrive"
    cells = [
        (
            row.run,
            short(row.queue),
            moment(row.started),
            f"{row.moved}/{row.total}",
            row.phase,
            row.driver or "-",
            row.actor.rpartition("/")[2],
            row.reason or row.why,
        )
        for row in rows
    ]
    titles = ("RUN", "QUEUE", "STARTED (UTC)", "MOVED", "STATE", "AT WORK", "BY", "REASON")
    steps = [f"next: {plain(row.next_step)}" for row in rows if row.next_step]
    return "\n".join([columns(titles, cells, paper), *steps])


def rehearsal_text(found: Rehearsal, paper: Paper) -> str:
    """What a redrive would do."""
    plan = found.plan
    lines = [paper.paint(f"would redrive {plain(plan.name)}: {plain(summary(plan))}", "strong")]
    lines.append(f"native   {plain(found.native)}" if found.native else "native   yes: SQS's own move does all of this")
    lines.append(
        f"stages   {format_stages(plan.stages)}, watched {format_duration(plan.watch)} after each but the last"
    )
    lines.append(f"takes    at least {format_duration(plan.at_least)}, and as long as the messages need")
    if found.expires is not None:
        lines.append(f"expiry   the oldest of the sample is deleted by SQS at {moment(found.expires)} UTC")
    lines.append(f"sample   {messages(found.sampled)} looked at; each was received once more by that")
    for title, shares in (("to", found.goes), ("stays:", found.stays)):
        for share in shares:
            lines.append(f"  {share.count:>5} {title} {plain(short(share.what)) if title == 'to' else share.what}")
            lines += [f"        {plain(example)}" for example in share.examples]
    if found.findings:
        from lambdaops.render.tables import findings_text  # noqa: PLC0415 -- tables describe records, too

        lines += ["", findings_text(found.findings, paper)]
    lines += ["", "nothing was sent, deleted or journaled"]
    return "\n".join(lines)


def messages(count: int) -> str:
    """A number of messages."""
    return _count(count, "message", "messages")


def short(arn: str) -> str:
    """A queue's name, or ``FUNCTION:ALIAS``."""
    return arn.rpartition(":function:")[2] if ":function:" in arn else arn.rpartition(":")[2]


def because(reason: str) -> str:
    """A reason that somebody gave."""
    return f", because: {reason}" if reason else ""


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
