"""A release from its first read to its end: look, plan, preflight, then the driver.

Rules this file guarantees: planning writes nothing anywhere; the whole of preflight is read before the first write; a
release that is already open is taken up, never begun twice; one live process per target drives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lambdaops.core.duration import format_duration
from lambdaops.core.errors import (
    BlockedError,
    ExitCode,
    LambdaOpsError,
    PlanDiffersError,
    ReleaseInProgressError,
)
from lambdaops.core.events import Closed, Entry, Opened, Resumed, Signalled
from lambdaops.core.lifecycle import exit_code
from lambdaops.core.model import Alias, Finding, Level, Target, require_account
from lambdaops.core.notices import Planned, Progress, Warned
from lambdaops.core.plan import Plan, differences
from lambdaops.core.playbook.tags import same_step
from lambdaops.core.replay import Release, open_release, releases, tells_now, wants_rollback
from lambdaops.core.states import Done, Outcome, State
from lambdaops.ops.driver import Driver
from lambdaops.ops.preflight import Preflight, check
from lambdaops.ops.publish import describe_source, is_fixed, publish, published_from, sha256_of
from lambdaops.ops.recorder import Recorder, actor_of, new_run
from lambdaops.ports import SILENT_AFTER, Code

if TYPE_CHECKING:
    from lambdaops.ports import Drive, Journal, Lease, Ports


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for.

    ``plan`` lacks the stable version, which only the alias knows, and the candidate when ``code`` is to be published.
    ``findings`` are what was found before AWS was asked, and count as preflight's own; ``overrides`` are journaled.
    ``insists`` is true when comparing was asked for: then being unable to compare blocks. ``read_logs`` is whether the
    candidate's errors are looked for in its log after a rollback.
    """

    target: Target
    plan: Plan
    code: Code | None = None
    commit: str = ""
    reason: str = ""
    ticket: str = ""
    findings: tuple[Finding, ...] = ()
    overrides: tuple[str, ...] = ()
    insists: bool = False
    read_logs: bool = True


@dataclass(frozen=True, slots=True)
class Situation:
    """A target as it stands: the alias, its journal, and the release that is not over, if there is one."""

    target: Target
    alias: Alias
    entries: tuple[Entry, ...]
    open: Release | None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a release stopped; ``error`` is the last one an alias write met."""

    release: Release
    state: State
    error: LambdaOpsError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The process's exit code; an AWS refusal of the first write is AWS's, not preflight's."""
        code = exit_code(self.state)
        return self.error.exit_code if code is ExitCode.BLOCKED and self.error is not None else code


def look(ports: Ports, target: Target, *, whole: bool = True) -> Situation:
    """Read the alias and its journal: all of it, or as much as tells how things stand now.

    Raises:
        NotFoundError: no such function or alias, or it belongs to another account than the ARN says.
        JournalTamperedError: the journal was edited; nothing is built on it.
        AwsError: denied, throttled, unreachable.
    """
    alias = ports.functions.get_alias(target.function, target.alias)
    require_account(target, alias)
    journal = ports.journals.open(alias.arn)
    reading = journal.read() if whole else journal.recent(tells_now)
    if reading.torn:
        ports.sink.emit(
            Warned(ports.clock.now(), "the journal's last line is incomplete: a process died while writing it")
        )
    return Situation(target, alias, reading.entries, open_release(reading.entries))


def continues(situation: Situation, candidate: str) -> Release | None:
    """The open release that a request for this candidate takes up, if there is one."""
    found = situation.open
    return found if found is not None and found.plan.candidate == candidate else None


def nothing_to_do(situation: Situation, candidate: str) -> bool:
    """Whether the candidate already takes all the traffic and no release is open."""
    routing = situation.alias.routing
    return situation.open is None and routing.additional is None and routing.primary == candidate


def prepare(ports: Ports, situation: Situation, request: Request) -> Preflight:
    """Complete the plan with the stable version and check everything it touches; tells the sink what was found.

    Args:
        ports: the world.
        situation: the target as it was just read.
        request: with the plan, still without its stable version, and the findings that come first.

    Raises:
        AwsError: something the release needs to read cannot be read.
    """
    target = situation.target
    plan = replace(request.plan, stable=situation.alias.routing.primary)
    found = check(ports, target, situation.alias, plan, situation.entries, insists=request.insists)
    log_group = found.plan.log_group if request.read_logs else ""
    found = replace(found, plan=replace(found.plan, log_group=log_group), findings=(*request.findings, *found.findings))
    if situation.open is not None and not _given_up(situation):
        lease = ports.journals.driver(situation.alias.arn)
        found = replace(found, findings=(_not_over(target, situation.open, lease), *found.findings))
    ports.sink.emit(Planned(ports.clock.now(), target, found.plan, found.findings))
    return found


def _not_over(target: Target, other: Release, lease: Lease | None) -> Finding:
    """Another release stands in the way: whether somebody is at it, and what to do."""
    what = f"release {other.id} ({other.plan.stable} -> {other.plan.candidate}) of {target} is not over"
    undo = f"undo it with lambdaops abort {target.again}."
    if lease is not None and lease.live:
        hint = f"Steer it with lambdaops promote, pause or resume {target.again}, or {undo}"
        return Finding(Level.BLOCK, "open-release", f"{what}: {lease.who} drives it", hint)
    hint = f"Take it up with lambdaops resume {target.again}, or {undo}"
    return Finding(Level.BLOCK, "open-release", f"{what}, and nobody drives it", hint)


def require_clear(target: Target, preflight: Preflight) -> None:
    """Go on only if nothing blocks.

    Raises:
        BlockedError: with every finding.
    """
    blocks = [finding for finding in preflight.findings if finding.level is Level.BLOCK]
    if blocks:
        more = f" (and {len(blocks) - 1} more)" if len(blocks) > 1 else ""
        raise BlockedError(
            f"the release of {target} is blocked: {blocks[0].message}{more}",
            hint=blocks[0].hint,
            target=str(target),
            findings=preflight.findings,
        )


def release(ports: Ports, request: Request) -> Ended | None:
    """The whole command: look, publish if there is code, check, ask, begin or take up; None if nothing is to be done.

    Raises:
        BlockedError: nothing was changed (a new version may have been published; the alias was not touched).
        ConfirmationMissingError: nobody said yes.
        ReleaseInProgressError, JournalUnwritableError, NotFoundError, AwsError.
    """
    target, candidate, asked = request.target, request.plan.candidate, False
    situation = look(ports, target)
    if request.code is not None:
        unfinished_version = _being_released(ports, situation, request.code)
        if unfinished_version is None:
            candidate, asked = _publish_first(ports, situation, request, request.code), True
            situation = look(ports, target)
        else:
            candidate = unfinished_version
    if nothing_to_do(situation, candidate):
        message = f"{target} already sends all traffic to {candidate}: nothing to release"
        ports.sink.emit(Progress(ports.clock.now(), message))
        return None
    unfinished = continues(situation, candidate)
    if unfinished is not None:
        _require_same_plan(request, unfinished)
        if not asked:
            ports.ask.confirm(f"Go on with release {unfinished.id} of {target} to version {candidate}?")
        return take_up(ports, situation, unfinished)
    prepared = prepare(ports, situation, replace(request, plan=replace(request.plan, candidate=candidate)))
    require_clear(target, prepared)
    if not asked:
        ports.ask.confirm(f"Release {target} from version {prepared.plan.stable} to {candidate}?")
    return _begin(ports, situation, prepared, request)


def _being_released(ports: Ports, situation: Situation, code: Code) -> str | None:
    """The candidate of the open release if it is this very code: a pipeline that is run again gives it again.

    Raises:
        BlockedError: it came from there, and what is there may be other code by now.
    """
    if situation.open is None:
        return None
    target, candidate, sha = situation.target, situation.open.plan.candidate, sha256_of(code)
    if sha:
        version = ports.functions.get_version(target.function, candidate)
        return candidate if version.code_sha256 == sha else None
    source = describe_source(code)
    if candidate not in published_from(ports, situation.alias.arn.rpartition(":")[0], source):
        return None
    if not is_fixed(code):
        raise BlockedError(
            f"release {situation.open.id} of {target} is not over, and {source} may hold other code by now than its "
            f"version {candidate}",
            hint=f"lambdaops resume {target.again} goes on with that version. Named so that it cannot change "
            "(s3://BUCKET/KEY@VERSION, REPOSITORY@sha256:DIGEST), the same command takes it up.",
            target=str(target),
        )
    return candidate


def _publish_first(ports: Ports, situation: Situation, request: Request, code: Code) -> str:
    """Check what can be checked without the version, ask, publish; gives the version."""
    target = situation.target
    require_clear(target, prepare(ports, situation, request))
    ports.ask.confirm(f"Publish {describe_source(code)} and release it to {target}?")
    published = publish(
        ports, target.function, code, commit=request.commit, reason=request.reason, ticket=request.ticket
    )
    return published.version.number


def _begin(ports: Ports, situation: Situation, prepared: Preflight, request: Request) -> Ended:
    """Open the release in the journal and drive it to its end."""
    actor = actor_of(ports)
    arn = situation.alias.arn
    run = new_run("r", ports.clock.now())
    with _right(ports, situation.target, arn, run) as drive:
        journal = ports.journals.open(arn)
        _still_as_seen(journal, situation)
        if situation.open is not None:
            given_up = Recorder(ports, journal, arn, situation.open.id, actor)
            given_up.record(Closed(Outcome.SUPERSEDED, f"given up for a release of {prepared.plan.candidate}"))
        recorder = Recorder(ports, journal, arn, run, actor)
        opened = Opened(
            prepared.plan,
            situation.alias.revision,
            prepared.alarms,
            request.reason,
            request.ticket,
            ports.tool,
            request.overrides,
        )
        begun = recorder.record(opened)
        (opening,) = releases([begun])
        driver = Driver(recorder, drive, situation.target, opening, heard=begun.seq or 0)
        ports.signals.listen()
        return _ended(driver, driver.run())


def take_up(ports: Ports, situation: Situation, unfinished: Release, asked: Signalled | None = None) -> Ended:
    """Go on with a release whose process is gone, exactly as it was planned; ``asked`` is what is wanted of it first.

    Raises:
        ReleaseInProgressError: a live process drives it, or it was closed meanwhile.
        JournalUnwritableError, JournalTamperedError, AwsError: nothing was changed.
    """
    actor = actor_of(ports)
    arn = situation.alias.arn
    with _right(ports, situation.target, arn, unfinished.id) as drive:
        journal = ports.journals.open(arn)
        entries = journal.read().entries
        now = open_release(entries)
        if now is None or now.id != unfinished.id:
            raise _grew(situation)
        began = now.opened.actor.arn
        by = "" if began == actor.arn else f", begun by {began}"
        message = f"taking up release {now.id} as it was planned{by}"
        ports.sink.emit(Progress(ports.clock.now(), message))
        ports.sink.emit(Planned(ports.clock.now(), situation.target, now.plan, ()))
        recorder = Recorder(ports, journal, arn, now.id, actor)
        driver = Driver(recorder, drive, situation.target, now, heard=entries[-1].seq or 0)
        ports.signals.listen()
        return _ended(driver, driver.resume(asked))


def ended_before(ports: Ports, target: Target) -> Ended | None:
    """The last release that was driven for the step we are (``ports.run``), if it is over.

    One that was taken back because its process was told to end does not count: who goes on wants it once more.

    Raises:
        NotFoundError, JournalTamperedError, AwsError: as :func:`look`.
    """
    entries = look(ports, target).entries
    written = [entry for entry in entries if same_step(ports.run, entry.actor.run)]
    driven = {entry.release for entry in written if isinstance(entry.event, Opened | Resumed)}
    ours = [one for one in releases(entries) if one.id in driven]
    if not ours or ours[-1].over is None:
        return None
    last = ours[-1]
    if last.closed is not None:
        ended = any(entry.release == last.id and wants_rollback(entry) for entry in written)
        if ended and last.closed.outcome is Outcome.ROLLED_BACK:
            return None
        return Ended(last, Done(last.closed.outcome, last.closed.reason))
    return Ended(last, Done(Outcome.SUPERSEDED, f"ended by rollback {last.over.release}" if last.over else ""))


def _right(ports: Ports, target: Target, arn: str, run: str) -> Drive:
    """The right to drive; a team's table is watched for a while before it is taken from who left it behind."""
    lease = ports.journals.driver(arn)
    if lease is not None and not lease.live:
        most = format_duration(SILENT_AFTER)
        message = f"{lease.who} drove {target} and shows no sign of life: making sure, {most} at most"
        ports.sink.emit(Progress(ports.clock.now(), message))
    return ports.journals.drive(arn, run)


def _require_same_plan(request: Request, unfinished: Release) -> None:
    """A release is taken up as it was planned; what is asked for now must not be lost without a word."""
    target = request.target
    other = differences(request.plan, unfinished.plan, insists=request.insists)
    if other:
        raise PlanDiffersError(
            f"release {unfinished.id} of {target} is open and was planned otherwise: {'; '.join(other)}",
            hint=f"lambdaops resume {target.again} goes on as it was planned; "
            f"lambdaops abort {target.again} takes it back first.",
            target=str(target),
        )


def _ended(driver: Driver, state: State) -> Ended:
    return Ended(driver.release, state, driver.error)


def _given_up(situation: Situation) -> bool:
    """Whether the open release moved nothing that is still there: its alias is back on its stable version."""
    return situation.open is not None and situation.alias.routing == situation.open.plan.baseline


def _still_as_seen(journal: Journal, situation: Situation) -> None:
    if journal.since(situation.entries[-1].seq or 0 if situation.entries else 0):
        raise _grew(situation)


def _grew(situation: Situation) -> ReleaseInProgressError:
    return ReleaseInProgressError(
        f"the journal of {situation.target} grew since it was read: another process is at work",
        hint=f"Look again: lambdaops status {situation.target.again}.",
        target=str(situation.target),
    )
