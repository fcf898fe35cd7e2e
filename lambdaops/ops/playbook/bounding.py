"""How far a run may reach while it runs: held against its own limit, and those of the runs above it.

Rules this file guarantees: what counts is read from the journals, so that any process counts the same; a run that
somebody resumes by itself keeps to what those above it may, as it was when they began it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lambdaops.core.playbook.limits import Above, Bound, beyond, excused
from lambdaops.core.playbook.run import Run
from lambdaops.ops.playbook.children import acted_on
from lambdaops.ops.playbook.prepare import Prepared
from lambdaops.ports import Journals

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Bounding:
    """The bounds of one run."""

    journals: Journals
    prepared: Prepared
    run: Run

    def too_far(self, step: str, targets: Sequence[str]) -> str:
        """Why a step may not act on its targets, and how it may; empty if it may.

        Raises:
            InvalidFileError, JournalTamperedError: the journal of a run that it began cannot be read.
        """
        bounds = self._bounds() if targets else ()
        why = beyond(bounds, self._used(), targets) if bounds else ""
        further = f'lambdaops playbook resume {self._above.run or self.run.id} --override-limits "WHY" reaches further'
        return f"step {step} would act on {why}; {further}" if why else ""

    def handed_down(self) -> Above:
        """What a run has from this one that a step begins.

        Raises:
            InvalidFileError, JournalTamperedError: as above.
        """
        bounds = self._bounds()
        used = self._used() if bounds else frozenset()
        counted = tuple(replace(bound, used=tuple(sorted(used.union(bound.used)))) for bound in bounds)
        return Above(self._above.run or self.run.id, counted, excused(self.run.overrides))

    @property
    def _above(self) -> Above:
        """What it has from above: from who drives it now, or else from who did last."""
        given = self.prepared.request.above
        return given if given.run else self.run.above

    def _bounds(self) -> tuple[Bound, ...]:
        request, override = self.prepared.request, excused(self.run.overrides)
        # A playbook may excuse one that it runs from its own limits, a person who resumes it from all.
        above = self._above.bounds if request.above.run or not override else ()
        most = request.playbook.limits.targets
        return above if most is None or override else (*above, Bound(request.playbook.name, most))

    def _used(self) -> frozenset[str]:
        """What this run has acted on, and the runs that it began."""
        found = acted_on(self.journals, self.prepared.arn, self.run.id, self.prepared.request.digests)
        return found.union(self.run.targets)
