"""Our own commands, done as steps in this process: the same words, the same rules, the same records.

Rules this file guarantees: a step goes to the environment, region and profile of its run; nothing is asked; what it
writes to stdout is kept from the reader of the run's own result; its records name the run and the step.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.cli.ci import Ci
from lambdaops.cli.options import Place
from lambdaops.cli.playbook.catalogue import command_of
from lambdaops.cli.playbook.part import StepPart
from lambdaops.core.playbook.argv import argv

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.core.playbook.book import Json
    from lambdaops.core.playbook.uses import Result, Use
    from lambdaops.ports.playbooks import Part


@dataclass(frozen=True)
class CommandSteps:
    """Implements ports.playbooks.Commands; ``place`` is where the run acts."""

    env: Env
    place: Place

    def perform(self, use: Use, given: Mapping[str, Json], part: Part) -> Result:
        """Do it as a step of the run."""
        from lambdaops.cli.main import main

        child = copy.copy(self.env)
        child.part, child.stdout, child.stdin = StepPart(part), io.StringIO(), io.StringIO()
        child.ci = Ci({})
        main(self._words(use, given), child)
        return child.part.result

    def _words(self, use: Use, given: Mapping[str, Json]) -> list[str]:
        known = {word for one in command_of(use.words).params for word in one.opts}
        place = self.place
        placed = {
            "--env": place.environment,
            "--config": str(place.config) if place.config is not None else None,
            "--region": place.region,
            "--profile": place.profile,
        }
        more = [word for name, value in placed.items() if value and name in known for word in (name, value)]
        more += ["--yes"] if "--yes" in known else []
        words = argv(use, given)
        return [*use.words, *more, "--output", "text", *words[len(use.words) :]]
