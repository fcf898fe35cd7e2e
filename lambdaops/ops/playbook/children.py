"""The runs that a run began: those that its steps ran, and those that theirs ran.

Rules this file guarantees: whose a run is says its journal: its records name the step that they were written for
(``core/playbook/tags``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.playbook.records import StepBegan
from lambdaops.core.playbook.run import runs
from lambdaops.core.playbook.tags import owner_of
from lambdaops.core.playbook.uses import Parameter, Use, parameters
from lambdaops.ops.playbook.runs import PLAYBOOK, FoundRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lambdaops.ports import Journals

CANCEL = Use(
    "playbook cancel",
    parameters=parameters(Parameter("run", required=True), Parameter("reason", option="--reason")),
    words=("playbook", "cancel"),
)
"""How a run ends one that it began; no step uses it."""


def acted_on(journals: Journals, arn: str, run: str, playbooks: Iterable[str]) -> frozenset[str]:
    """The targets of runs that steps of a run began, and of those that theirs began, as their journals tell them.

    Args:
        journals: those that there are.
        arn: what the journal of the run's own playbook is kept under.
        run: its id.
        playbooks: those that it runs, however deep, by name.

    Raises:
        InvalidFileError, JournalTamperedError: a journal cannot be read.
    """
    entries = [entry for name in playbooks for entry in journals.open(_journal(arn, name)).each()]
    family = {run}
    while True:
        more = {one.release for one in entries if owner_of(one.actor.run)[0] in family} - family
        if not more:
            break
        family |= more
    return frozenset(
        target
        for entry in entries
        if entry.release in family and isinstance(entry.event, StepBegan)
        for target in entry.event.targets
    )


def _journal(arn: str, playbook: str) -> str:
    """What the journal of another playbook at the same place is kept under."""
    return f"{arn.rpartition(PLAYBOOK)[0]}{PLAYBOOK}{playbook}"


def left_open(journals: Journals, arn: str, run: str, playbooks: Iterable[str]) -> Iterator[tuple[str, FoundRun]]:
    """The runs that steps of a run left open, each with the key of its step; those that somebody drives are not left.

    Args:
        journals: those that there are.
        arn: what the journal of the run's own playbook is kept under.
        run: its id.
        playbooks: those that it runs, by name.

    Raises:
        InvalidFileError, JournalTamperedError: a journal cannot be read.
    """
    for name in playbooks:
        other = _journal(arn, name)
        journal = journals.open(other)
        for one in runs(journal.each()):
            owner, step = owner_of(one.last.actor.run)
            if one.open and owner == run and not (found := FoundRun.of(journals, other, journal, one)).live:
                yield step, found
