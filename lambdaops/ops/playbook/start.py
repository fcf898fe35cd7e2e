"""Begin a run of a playbook, or take one up that nobody drives.

Rules this file guarantees: one process at a time drives a run; a run is taken up as it was begun: the same playbook,
account, region and inputs, or it is refused; a step that was done is not done again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lambdaops.core.errors import (
    ExitCode,
    LambdaOpsError,
    NothingOpenError,
    PartlyDoneError,
    PlaybookEditedError,
    PlaybookHeldError,
    PlaybookInProgressError,
)
from lambdaops.core.notices import Progress, Warned
from lambdaops.core.playbook.limits import excuse
from lambdaops.core.playbook.records import PlaybookOpened, PlaybookResumed
from lambdaops.core.playbook.run import Run, exit_code, runs
from lambdaops.ops.playbook.prepare import require_rate, same_run
from lambdaops.ops.playbook.runner import Runner
from lambdaops.ops.recorder import Recorder, actor_of, new_run
from lambdaops.ops.steady import Steady

if TYPE_CHECKING:
    from lambdaops.ops.playbook.prepare import Prepared
    from lambdaops.ports.playbooks import PlaybookPorts


@dataclass(frozen=True)
class Ended:
    """How a run stopped."""

    run: Run

    @property
    def exit_code(self) -> ExitCode:
        """The process's exit code."""
        return exit_code(self.run)

    @property
    def error(self) -> LambdaOpsError | None:
        """What is wrong, if anything is."""
        run = self.run
        if self.exit_code is ExitCode.DONE:
            return None
        if run.closed is not None:
            return PartlyDoneError(f"{run.said.name}: {run.closed.reason}", target=run.id)
        reason = run.held.reason if run.held is not None else "its process is gone"
        hint = f"lambdaops playbook resume {run.id} goes on there; lambdaops playbook cancel {run.id} ends it."
        return PlaybookHeldError(f"{run.said.name} is held: {reason}", hint=hint, target=run.id)


def begin(ports: PlaybookPorts, prepared: Prepared) -> Ended:
    """Open a run in the journal and drive it.

    Raises:
        LimitReachedError: too many began within the hour.
        PlaybookInProgressError: another process begins the very same.
        JournalUnwritableError: nothing was done.
        AwsError: STS did not say who we are.
    """
    ports = replace(ports, clock=Steady(ports.clock))
    actor = actor_of(ports)
    request, plan = prepared.request, prepared.plan
    run = new_run("o", ports.clock.now())
    journal = ports.journals.open(prepared.arn)
    recorder = Recorder(ports, journal, prepared.arn, run, actor)
    with ports.journals.drive(f"{prepared.arn}@{run}", run) as drive:
        # One at a time begins: two that do at once would both find no run of this plan, and count the same hour.
        with ports.journals.drive(prepared.arn, run):
            if same_run(ports, prepared) is not None:
                raise PlaybookInProgressError(
                    f"another process began {plan.playbook} with these inputs in this moment, and is gone",
                    hint="Run the same command again: it takes that run up.",
                    target=plan.playbook,
                )
            require_rate(ports, prepared)
            opened = recorder.record(
                PlaybookOpened(
                    request.playbook.name,
                    request.playbook.digest,
                    plan.hash,
                    plan.inputs,
                    request.place.environment,
                    request.stop_alarms,
                    request.approved,
                    request.reason,
                    request.ticket,
                    ports.tool,
                    excuse(request.override),
                    request.file,
                    request.above,
                )
            )
        (found,) = runs([opened])
        ports.signals.listen()
        return Ended(Runner(recorder, drive, prepared, found, opened.seq or 0).finish())


def take_up(ports: PlaybookPorts, prepared: Prepared, run: str, reason: str = "", *, edited: bool = False) -> Ended:
    """Go on with a run that nobody drives.

    Raises:
        NothingOpenError: it is over.
        PlaybookEditedError: the playbook or the inputs are others by now, and ``edited`` does not say that this is
            wanted.
        PlaybookInProgressError: a live process drives it.
        JournalUnwritableError, JournalTamperedError, AwsError: nothing was done.
    """
    ports = replace(ports, clock=Steady(ports.clock))
    actor = actor_of(ports)
    with ports.journals.drive(f"{prepared.arn}@{run}", run) as drive:
        journal = ports.journals.open(prepared.arn)
        entries = journal.read().entries
        heard = (entries[-1].seq or 0) if entries else 0
        found = next((one for one in runs(entries) if one.id == run), None)
        if found is None or not found.open:
            raise NothingOpenError(f"run {run} is over", hint="lambdaops playbook status shows those that are not.")
        _require_same(ports, prepared, found, edited=edited)
        began = found.opened.actor.arn
        by = "" if began == actor.arn else f", begun by {began}"
        ports.sink.emit(Progress(ports.clock.now(), f"taking up run {run} of {found.said.name}{by}"))
        recorder = Recorder(ports, journal, prepared.arn, run, actor)
        request = prepared.request
        overrides, digest = excuse(request.override), request.playbook.digest
        recorder.record(PlaybookResumed(digest, prepared.plan.hash, reason, overrides, request.above))
        # Read as any other record: between what was read and this one, somebody may have asked for something.
        for entry in journal.since(heard):
            heard = entry.seq or heard
            if entry.release == run:
                found.take(entry)
        ports.signals.listen()
        return Ended(Runner(recorder, drive, prepared, found, heard).finish())


def edited_since(run: Run, what: str) -> PlaybookEditedError:
    """Why a run is not taken up with another plan than it was begun with."""
    return PlaybookEditedError(
        f"run {run.id} is not taken up: {what}",
        hint="Bring back what it was begun with, or go on with what there is now: --edited.",
        target=run.id,
    )


def _require_same(ports: PlaybookPorts, prepared: Prepared, run: Run, *, edited: bool) -> None:
    if prepared.plan.hash == run.plan:
        return
    changed = prepared.request.playbook.digest != run.digest
    what = "the playbook was edited since" if changed else "the inputs, or a playbook that it runs, are others now"
    if not edited:
        raise edited_since(run, what)
    ports.sink.emit(Warned(ports.clock.now(), f"going on although {what}", "Steps that were done are not done again."))
