"""Which steps can be reached, and which are surely done before each: the ways a run can go, without running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.playbook.book import ABORT, CONTINUE

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Playbook, Step


@dataclass(frozen=True)
class Flow:
    """For each step by id: the steps that are done whenever it begins; None for one that never begins."""

    before: dict[str, frozenset[str] | None]

    def reached(self, step: str) -> bool:
        """Whether any way leads there."""
        return self.before[step] is not None

    def sure(self, step: str) -> frozenset[str]:
        """What is done whenever it begins."""
        return self.before[step] or frozenset()


def flow_of(playbook: Playbook) -> Flow:
    """Follow every way forward; there is none back. References to later steps or to itself are taken for none."""
    steps = playbook.steps
    places = {step.id: number for number, step in enumerate(steps)}
    before: list[frozenset[str] | None] = [None] * (len(steps) + 1)
    if steps:
        before[0] = frozenset()
    for number, step in enumerate(steps):
        known = before[number]
        if known is None:
            continue
        for target, done in _ways(step, number, known, places):
            old = before[target]
            before[target] = done if old is None else old & done
    return Flow({step.id: before[number] for number, step in enumerate(steps)})


def _ways(step: Step, number: int, known: frozenset[str], places: dict[str, int]) -> list[tuple[int, frozenset[str]]]:
    """Where a step leads, and what is done then."""
    ways: list[tuple[int, frozenset[str]]] = []
    following = number + 1
    if step.condition is not False and not step.end:
        ways.append((following, known | {step.id}))
    if step.condition is not True:
        ways.append((following, known))
    if step.end and step.each is not None:  # without an item it is not done, and nothing ends
        ways.append((following, known))
    if step.condition is not False:
        if step.on_failure == CONTINUE:
            ways.append((following, known))
        elif step.on_failure != ABORT and places.get(step.on_failure, 0) > number:
            ways.append((places[step.on_failure], known))
    return ways
