"""A run before it begins: its plan, what it may not do, and the run that it takes up.

Rules this file guarantees: nothing is written; a playbook with a flaw, an alarm that objects, or a limit that would be
passed ends it here; the same playbook with the same inputs takes up the run of it that is not over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import LimitReachedError, PlaybookEditedError, PlaybookInProgressError
from lambdaops.core.playbook.book import Json, Playbook
from lambdaops.core.playbook.limits import NOTHING_ABOVE, Above, named
from lambdaops.core.playbook.plan import Place, Plan, plan_of
from lambdaops.core.playbook.run import Run, runs
from lambdaops.core.playbook.scope import Books
from lambdaops.core.playbook.turns import Turn, turns_of
from lambdaops.core.playbook.uses import Use
from lambdaops.ops.stop_alarms import require_quiet

if TYPE_CHECKING:
    from lambdaops.ports.playbooks import PlaybookPorts

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
        playbook: without a flaw.
        inputs: every input's value.
        uses: the catalogue.
        place: where it acts.
        digests: of the playbooks that it runs.
        reason, ticket: why.
        stop_alarms: what stops the whole run.
        approved: whether --yes was given.
        plan: the hash of the plan that it is held to; empty for any.
        override: why limits do not count from now on; empty if they do.
        repeat: whether a step may be repeated whose end nobody knows.
        file: where the playbook is.
        above: what it has from the run that it is a step of.
        books: the playbooks that it may run.
    """

    playbook: Playbook
    inputs: Mapping[str, Json]
    uses: Mapping[str, Use]
    place: Place
    digests: Mapping[str, str]
    reason: str = ""
    ticket: str = ""
    stop_alarms: tuple[str, ...] = ()
    approved: bool = False
    plan: str = ""
    override: str = ""
    repeat: bool = False
    file: str = ""
    above: Above = NOTHING_ABOVE
    books: Books = lambda _: None


@dataclass(frozen=True)
class Prepared:
    """A run that may begin, or go on: ``unfinished`` is the one that it takes up."""

    request: Request
    arn: str
    plan: Plan
    turns: list[Turn]
    unfinished: Run | None = None


def arn_of(caller: str, place: Place, playbook: str) -> str:
    """What a playbook's journal is kept under; ``caller`` is an ARN of the account."""
    return f"arn:{caller.split(':')[1]}:lambda:{place.region}:{place.account}:playbook:{playbook}"


def planned(ports: PlaybookPorts, request: Request) -> Prepared:
    """The plan of a run; asks nobody anything but who we are.

    Raises:
        InvalidExpressionError: what a step is to be done for cannot be told.
        AwsError: STS did not say who we are.
    """
    language = ports.language
    turns = turns_of(request.playbook, request.inputs, language.evaluate)
    plan = plan_of(
        request.playbook,
        request.inputs,
        turns,
        request.uses,
        language,
        request.place,
        request.digests,
        request.books,
    )
    return Prepared(request, arn_of(ports.identity.caller(), request.place, request.playbook.name), plan, turns)


def prepare(ports: PlaybookPorts, request: Request) -> Prepared:
    """As :func:`planned`, held against limits, alarms and the journal.

    Raises:
        PlaybookEditedError: it is another plan than the one that was asked for.
        LimitReachedError: it would reach too far, or too many began within the hour.
        BlockedError: an alarm that stops the run objects already.
        PlaybookInProgressError: a live process runs the very same.
        JournalTamperedError, InvalidFileError, AwsError.
    """
    found = planned(ports, request)
    _require_plan(found)
    unfinished = same_run(ports, found)
    if unfinished is None:
        _require_targets(found)
    require_quiet(ports.alarms, request.stop_alarms, "the run", found.plan.playbook)
    return Prepared(request, found.arn, found.plan, found.turns, unfinished)


def same_run(ports: PlaybookPorts, found: Prepared) -> Run | None:
    """The run of this very plan that is not over.

    Raises:
        PlaybookInProgressError: a live process is at work on it.
    """
    open_ = [run for run in runs(ports.journals.open(found.arn).each()) if run.open and run.plan == found.plan.hash]
    if not open_:
        return None
    run = open_[-1]
    lease = ports.journals.driver(f"{found.arn}@{run.id}")
    if lease is not None and lease.live:
        raise PlaybookInProgressError(
            f"{found.plan.playbook} is being run with these inputs already: run {run.id}, by {lease.who}",
            hint=f"See it with lambdaops playbook status {run.id}; end it with lambdaops playbook cancel {run.id}.",
            target=run.id,
        )
    return run


def require_rate(ports: PlaybookPorts, found: Prepared) -> None:
    """Hold a run that is about to begin to the limit of runs in an hour.

    Raises:
        LimitReachedError: too many began.
    """
    most = found.request.playbook.limits.runs_per_hour
    if most is None or found.request.override:
        return
    now = ports.clock.now()
    begun = [run.opened.at for run in runs(ports.journals.open(found.arn).each())]
    recent = sorted(at for at in begun if at > now - _HOUR)
    if len(recent) >= most:
        raise LimitReachedError(
            f"{found.plan.playbook} was begun {len(recent)} times within the hour, and may be {most} times",
            hint=f"The next may begin at {recent[-most] + _HOUR:%H:%M:%S} UTC; "
            'break the glass with --override-limits "WHY", which is journaled.',
            target=found.plan.playbook,
        )


def _require_plan(found: Prepared) -> None:
    wanted = found.request.plan
    if wanted and wanted != found.plan.hash:
        raise PlaybookEditedError(
            f"the plan is {found.plan.hash} now, and {wanted} was asked for: the playbook, its inputs or the place is "
            "another",
            hint="Look at it: lambdaops playbook plan.",
            target=found.plan.playbook,
        )


def _require_targets(found: Prepared) -> None:
    most, targets = found.request.playbook.limits.targets, found.plan.targets
    if most is not None and len(targets) > most and not found.request.override:
        raise LimitReachedError(
            f"{found.plan.playbook} would act on {len(targets)} targets, and may on {most}: {named(targets)}",
            hint='Name fewer, or break the glass with --override-limits "WHY", which is journaled.',
            target=found.plan.playbook,
        )
