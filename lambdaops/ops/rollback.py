"""Rollback: one absolute write of the stable routing, right from any phase.

Rules this file guarantees: GetAlias and UpdateAlias are all it needs to make traffic safe, then one more read proves
it; identity and journal come after the effect and cannot prevent it (a step of a playbook says before what it is about
to do, if that can be said); a refused revision is read again and written again, because a rollback outranks whoever
else is moving the alias; a release that is open and has moved nothing yet is called off, and a write of it that is on
its way can no longer land; running it twice changes nothing more, and a step of a playbook that is done again says what
it did.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import (
    UNREADABLE_JOURNAL,
    AliasChangedError,
    AwsError,
    LambdaOpsError,
    NotFoundError,
    RollbackIncompleteError,
    RollbackTargetUnknownError,
)
from lambdaops.core.events import Intent, Landed, RolledBack, Signalled
from lambdaops.core.model import Alias, Routing, Target, require_account
from lambdaops.core.notices import Progress, Warned
from lambdaops.core.playbook.tags import same_step, step_of
from lambdaops.core.replay import RollbackChoice, choose_rollback, open_release, tells_now
from lambdaops.core.states import Done, Outcome, Signal
from lambdaops.ops.recorder import Recorder, actor_if_known, new_run

if TYPE_CHECKING:
    from lambdaops.core.events import Entry
    from lambdaops.ports import Ports

_ATTEMPTS = 6
_READS = 5
_PAUSE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback does, or would do: from, to, and where ``to`` is known from.

    ``ends`` is the open release that has moved nothing yet and is called off; ``changed`` says whether traffic moves.
    """

    arn: str
    before: Routing
    after: Routing
    basis: str
    changed: bool
    revision: str
    ends: str = ""
    request_id: str = ""


def plan_rollback(ports: Ports, target: Target, to: str | None) -> Rollback:
    """Read the alias and choose where to go back to; writes nothing.

    Raises:
        RollbackTargetUnknownError: neither --to, nor the journal, nor a weighted alias tells.
        NotFoundError, AwsError: the alias cannot be read.
    """
    return _planned(ports, target, to, ports.functions.get_alias(target.function, target.alias))


def _planned(ports: Ports, target: Target, to: str | None, alias: Alias) -> Rollback:
    require_account(target, alias)
    # A version that was named needs no journal, unless the alias is there already: a release may be about to move it.
    entries = _entries(ports, alias.arn) if to is None or alias.routing == Routing(to) else ()
    choice = RollbackChoice(to, "--to") if to is not None else _choose(target, alias, entries)
    after = Routing(choice.version)
    waiting = open_release(entries)
    ends = waiting.id if waiting is not None and alias.routing == after == waiting.plan.baseline else ""
    return Rollback(alias.arn, alias.routing, after, choice.basis, alias.routing != after, alias.revision, ends)


def roll_back(ports: Ports, target: Target, to: str | None, reason: str, ticket: str) -> Rollback:
    """Return all traffic to the stable version and prove it.

    Raises:
        RollbackTargetUnknownError, NotFoundError: nothing was changed.
        RollbackIncompleteError: AWS would not take the write, or the alias does not read as written.
    """
    planned = plan_rollback(ports, target, to)
    if planned.ends:
        _call_off(ports, planned, reason)
    elif not planned.changed:
        before = _done_by_this_step(ports, planned, reason, ticket)
        if before is not None:
            return before
        ports.sink.emit(Progress(ports.clock.now(), f"{target} already sends all traffic to {planned.after}"))
        return planned
    run = new_run("b", ports.clock.now())
    if step_of(ports.run):
        _announce(ports, planned, run)
    done, replaced = _write(ports, target, to, planned)
    _verify(ports, target, done, replaced)
    _record(ports, done, run, reason, ticket)
    return done


def _announce(ports: Ports, planned: Rollback, run: str) -> None:
    """Journal what a step of a playbook is about to do, if that can be: whoever does it again knows it by that.

    Anybody else's rollback is not kept waiting for its journal.
    """
    then = Done(Outcome.ROLLED_BACK, planned.basis)
    intent = Intent(1, planned.before, planned.after, planned.revision, planned.basis, then)
    _recorder(ports, planned.arn, run).record_if_possible(intent)


def _done_by_this_step(ports: Ports, planned: Rollback, reason: str, ticket: str) -> Rollback | None:
    """What this very step of a playbook did before its process died, to be told again.

    If it died between its write and its record, the alias is where it was to be, and was not when the step began.
    """
    if not step_of(ports.run):
        return None
    others = False
    for entry in reversed(_entries(ports, planned.arn)):
        if not same_step(ports.run, entry.actor.run):
            others = others or isinstance(entry.event, Landed | RolledBack)
            continue
        match entry.event:
            case RolledBack(after=planned.after) as done:
                return replace(planned, before=done.before, basis=done.basis, changed=True, request_id=done.request_id)
            case Intent(desired=planned.after, before=Routing() as before, reason=basis) if not others:
                found = replace(planned, before=before, basis=basis, changed=True)
                _record(ports, found, entry.release, reason, ticket)
                return found
            case _:
                pass
    return None


def _call_off(ports: Ports, planned: Rollback, reason: str) -> None:
    """Ask the release that is about to move the alias to stop.

    Asked before the alias is written, not after: whoever reads the revision of that write reads the request as well.
    """
    journal = ports.journals.open(planned.arn)
    recorder = Recorder(ports, journal, planned.arn, planned.ends, actor_if_known(ports))
    recorder.record_if_possible(Signalled(Signal.ROLLBACK, reason))


def _write(ports: Ports, target: Target, to: str | None, planned: Rollback) -> tuple[Rollback, str]:
    """Write until it is taken; with it the revision the write replaced, which a late read may still show.

    Where a release is called off the routing is there already, and is written for its new revision: a write that was
    made for the old one is refused by AWS from then on.
    """
    now, error = planned, None
    for attempt in range(_ATTEMPTS):
        try:
            if attempt:
                ports.clock.sleep(_PAUSE * min(attempt, 4))
                now = _look_again(ports, target, to, planned)
            if not now.changed and not now.ends:  # the write whose answer was lost had landed
                return replace(now, changed=True), ""
            alias = ports.functions.set_routing(target.function, target.alias, now.after, now.revision)
        except (AliasChangedError, AwsError) as problem:
            error = problem
            if isinstance(problem, AwsError) and problem.permanent:
                break
            again = f"the rollback of {target} was not taken: {problem.message}; trying again"
            ports.sink.emit(Warned(ports.clock.now(), again))
        else:
            return replace(now, revision=alias.revision, request_id=alias.request_id), now.revision
    assert error is not None  # noqa: S101 -- the loop ends early only by returning or by an error
    raise _incomplete(target, now, f"AWS did not take the write: {error.message}", error)


def _look_again(ports: Ports, target: Target, to: str | None, planned: Rollback) -> Rollback:
    """Read the alias anew; the choice stands unless a version has appeared that it was not made between."""
    alias = ports.functions.get_alias(target.function, target.alias)
    if not alias.routing.versions <= planned.before.versions | planned.after.versions:
        return _planned(ports, target, to, alias)
    if alias.routing == planned.after:
        return replace(planned, changed=False, revision=alias.revision)
    return replace(planned, before=alias.routing, changed=True, revision=alias.revision)


def _verify(ports: Ports, target: Target, done: Rollback, replaced: str) -> None:
    """Read the alias back: again only if that failed for a moment or shows it as before the write."""
    why, cause = "", None
    for attempt in range(_READS):
        if attempt:
            ports.clock.sleep(_PAUSE)
        try:
            seen = ports.functions.get_alias(target.function, target.alias)
        except (AwsError, NotFoundError) as error:
            why, cause = f"it could not be read back: {error.message}", error
            if isinstance(error, NotFoundError) or error.permanent:
                break
            continue
        if seen.routing == done.after:
            return
        why, cause = f"the alias now reads {seen.routing}", None
        if seen.revision != replaced:
            break
    raise _incomplete(target, done, f"written, but {why}", cause)


def _incomplete(target: Target, planned: Rollback, why: str, error: LambdaOpsError | None) -> RollbackIncompleteError:
    what = (
        f"{target} was not rolled back from {planned.before} to {planned.after}"
        if planned.changed
        else f"{target} is on {planned.after}, but a write of release {planned.ends} may still be on its way"
    )
    return RollbackIncompleteError(
        f"{what}: {why}",
        hint=f"Act now: lambdaops rollback {target.again} --to {planned.after.primary}, or in the console set the "
        f"alias to version {planned.after.primary} with no additional version." + (f" {error.hint}" if error else ""),
        target=str(target),
        request_id=error.request_id if error else "",
    )


def _record(ports: Ports, done: Rollback, run: str, reason: str, ticket: str) -> None:
    """Journal what was done; by now nothing here may fail the rollback."""
    _recorder(ports, done.arn, run).record_if_possible(
        RolledBack(done.before, done.after, done.revision, done.basis, reason, ticket, done.request_id)
    )


def _recorder(ports: Ports, arn: str, run: str) -> Recorder[Ports]:
    return Recorder(ports, ports.journals.open(arn), arn, run, actor_if_known(ports))


def _choose(target: Target, alias: Alias, entries: tuple[Entry, ...]) -> RollbackChoice:
    choice = choose_rollback(entries, alias.routing)
    if choice is None:
        known = "the journal speaks of no move to it" if entries else "this machine has no journal of it"
        raise RollbackTargetUnknownError(
            f"{target} sends all traffic to {alias.routing.primary} and {known}: which version was good is not known",
            hint=f"Say it: lambdaops rollback {target.again} --to VERSION. "
            f"lambdaops versions {target.again} lists them.",
            target=str(target),
        )
    return choice


def _entries(ports: Ports, arn: str) -> tuple[Entry, ...]:
    """The journal, if it can be read: a broken one must not stand in the way."""
    try:
        return ports.journals.open(arn).recent(tells_now).entries
    except UNREADABLE_JOURNAL as error:
        ports.sink.emit(Warned(ports.clock.now(), f"the journal is not used: {error.message}", error.hint))
        return ()
