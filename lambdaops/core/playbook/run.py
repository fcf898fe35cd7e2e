"""A run of a playbook as its journal tells it: which steps are done, what they gave, what somebody asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lambdaops.core.errors import ExitCode
from lambdaops.core.events import Entry
from lambdaops.core.playbook.limits import NOTHING_ABOVE, Above
from lambdaops.core.playbook.records import (
    ApprovalAsked,
    Outcome,
    PlaybookClosed,
    PlaybookHeld,
    PlaybookOpened,
    PlaybookResumed,
    PlaybookSignalled,
    PlaybookUndoing,
    Status,
    StepBegan,
    StepEnded,
    Wish,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambdaops.core.playbook.book import Json


@dataclass(frozen=True)
class Tried:
    """A step as far as it got: the record of its newest attempt, and that attempt's end if it has one.

    ``tries`` counts the attempts since the run was begun or taken up. ``before`` is whether an earlier attempt, or an
    earlier process, may have changed something.
    """

    began: Entry | None = None
    ended: Entry | None = None
    tries: int = 0
    before: bool = False

    @property
    def end(self) -> StepEnded | None:
        """How the newest attempt went; None while it is under way, or when nobody knows."""
        return self.ended.event if self.ended is not None and isinstance(self.ended.event, StepEnded) else None

    @property
    def attempt(self) -> int:
        """The number of the newest attempt; 0 before the first."""
        return self.began.event.attempt if self.began is not None and isinstance(self.began.event, StepBegan) else 0

    @property
    def status(self) -> Status | None:
        """How it ended; None when it did not."""
        return self.end.status if self.end is not None else None

    @property
    def happened(self) -> bool:
        """Whether it may have changed something: a refusal says so of its own attempt only."""
        end = self.end
        if end is None:
            return self.before or self.began is not None
        if end.status is Status.SKIPPED or end.code == ExitCode.ROLLED_BACK:
            return False
        return self.before or end.code not in (ExitCode.USAGE, ExitCode.BLOCKED)

    @property
    def outputs(self) -> dict[str, Json]:
        """What it gave."""
        found = json.loads(self.end.outputs) if self.end is not None else {}
        return found if isinstance(found, dict) else {}


@dataclass
class Run:
    """One run, folded from its entries.

    Attributes:
        id: the run's id; ``opened`` its first entry, ``last`` its newest.
        digest: of the playbook that it is run as; ``plan`` the hash of its plan.
        tried: the steps that were begun or skipped, by their keys, in the order in which that was.
        undone: the same for what takes them back.
        undoing: set from when on they are taken back.
        targets: what its steps were about to act on, each once.
        overrides: what it was excused from.
        above: what it has from the run that it is a step of; from the last that drove it as one.
        waits: the approval that was asked for last, if no step has ended since.
        wishes: what was asked of it, oldest first.
        held, closed: how it stopped, or ended.
    """

    id: str
    opened: Entry
    last: Entry
    digest: str
    plan: str
    tried: dict[str, Tried] = field(default_factory=dict)
    undone: dict[str, Tried] = field(default_factory=dict)
    undoing: PlaybookUndoing | None = None
    targets: list[str] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)
    above: Above = NOTHING_ABOVE
    waits: Entry | None = None
    wishes: list[Entry] = field(default_factory=list)
    held: PlaybookHeld | None = None
    closed: PlaybookClosed | None = None

    @property
    def said(self) -> PlaybookOpened:
        """What it was begun with."""
        assert isinstance(self.opened.event, PlaybookOpened)  # noqa: S101 -- a run begins with one
        return self.opened.event

    @property
    def open(self) -> bool:
        """Whether it may still do something."""
        return self.closed is None

    @property
    def inputs(self) -> dict[str, Json]:
        """Its inputs, secrets masked."""
        found = json.loads(self.said.inputs)
        return found if isinstance(found, dict) else {}

    @property
    def cancelled(self) -> Entry | None:
        """The first request to cancel it."""
        return next((one for one in self.wishes if _wish(one) is Wish.CANCEL), None)

    def take(self, entry: Entry) -> None:
        """Fold one more entry of this run."""
        self.last = entry
        match entry.event:
            case PlaybookResumed(digest=digest, plan=plan, overrides=overrides, above=above):
                self.held, self.digest, self.plan = None, digest, plan
                self.above = above if above.run else self.above
                self.overrides += overrides
                for known in (self.tried, self.undone):
                    known |= {step: replace(tried, tries=0, before=tried.happened) for step, tried in known.items()}
            case StepBegan(step=step, undo=undo, targets=targets):
                self.targets += [target for target in dict.fromkeys(targets) if target not in self.targets]
                # Taken out first: the order is that of the newest attempts.
                before = self._of(undo=undo).pop(step, Tried())
                self._of(undo=undo)[step] = Tried(entry, tries=before.tries + 1, before=before.happened)
            case StepEnded(step=step, undo=undo):
                before = self._of(undo=undo).get(step, Tried())
                self._of(undo=undo)[step] = Tried(before.began, entry, max(before.tries, 1), before.before)
                self.waits = None
            case ApprovalAsked():
                self.waits = entry
            case PlaybookSignalled():
                self.wishes.append(entry)
            case PlaybookUndoing() as undoing:
                self.undoing, self.held = undoing, None
            case PlaybookHeld() as held:
                self.held = held
            case PlaybookClosed() as closed:
                self.closed = closed
            case _:
                pass

    def _of(self, *, undo: bool) -> dict[str, Tried]:
        return self.undone if undo else self.tried

    def answer(self) -> Entry | None:
        """Who answered the approval that is waited for, and how; None while nobody did whose answer counts.

        An answer counts if it is of the same plan and step, was given in time, and, unless the step says otherwise, by
        somebody else than who began the run. A no counts whoever says it.
        """
        asked = self.waits.event if self.waits is not None else None
        if not isinstance(asked, ApprovalAsked) or self.waits is None:
            return None
        for entry in self.wishes:
            wish = entry.event
            if not isinstance(wish, PlaybookSignalled) or wish.wish is Wish.CANCEL or wish.step != asked.step:
                continue
            late = entry.at > asked.until or (entry.seq or 0) < (self.waits.seq or 0)
            if late or wish.plan != self.plan:
                continue
            if wish.wish is Wish.REJECT or asked.self_ or entry.actor.arn != self.opened.actor.arn:
                return entry
        return None


def runs(entries: Iterable[Entry]) -> tuple[Run, ...]:
    """Every run in these entries, oldest first."""
    found: dict[str, Run] = {}
    for entry in entries:
        if isinstance(entry.event, PlaybookOpened):
            said = entry.event
            found[entry.release] = Run(
                entry.release, entry, entry, said.digest, said.plan, overrides=list(said.overrides), above=said.above
            )
        elif entry.release in found:
            found[entry.release].take(entry)
    return tuple(found.values())


def phase(run: Run, *, live: bool) -> str:
    """One word or two for how it stands; ``live`` when a process is at work on it."""
    if run.closed is not None:
        return run.closed.outcome.value
    if run.held is not None and not live:
        return "held"
    if not live:
        return "abandoned"
    if run.undoing is not None:
        return "undoing"
    return "waiting for approval" if run.waits is not None else "running"


def exit_code(run: Run) -> ExitCode:
    """What its process ends with."""
    if run.closed is not None:
        return ExitCode.DONE if run.closed.outcome is Outcome.DONE else ExitCode.PARTIAL
    return ExitCode(run.held.code) if run.held is not None else ExitCode.INTERRUPTED


def _wish(entry: Entry) -> Wish | None:
    return entry.event.wish if isinstance(entry.event, PlaybookSignalled) else None
