"""The steps of one run in order, a step with ``for-each`` once for each item; and what expressions see of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidExpressionError
from lambdaops.core.playbook.book import Json, Step
from lambdaops.core.playbook.records import Status
from lambdaops.core.playbook.run import Tried
from lambdaops.core.playbook.templates import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambdaops.core.playbook.book import Playbook
    from lambdaops.core.playbook.run import Run

MOST_ITEMS = 100


@dataclass(frozen=True)
class Turn:
    """A step to be done; ``key`` names it in the journal: its id, or ``id[0]`` for the first of its items."""

    key: str
    step: Step
    item: Json = None


def turns_of(playbook: Playbook, inputs: Mapping[str, Json], evaluate: Callable[[str, object], Json]) -> list[Turn]:
    """Every turn of a run with these inputs.

    Raises:
        InvalidExpressionError: what a step is to be done for is no list, or too long.
    """
    found: list[Turn] = []
    for step in playbook.steps:
        if step.each is None:
            found.append(Turn(step.id, step))
            continue
        items = fill(step.each, lambda text: evaluate(text, {"inputs": dict(inputs)}))
        if not isinstance(items, list) or len(items) > MOST_ITEMS:
            what = f"{len(items)} items, more than {MOST_ITEMS}" if isinstance(items, list) else "no list"
            raise InvalidExpressionError(f"step {step.id}: for-each gives {what}")
        found += [Turn(f"{step.id}[{number}]", step, item) for number, item in enumerate(items)]
    return found


def steps_seen(playbook: Playbook, turns: list[Turn], run: Run) -> dict[str, Json]:
    """What expressions see as ``steps``."""
    seen: dict[str, Json] = {}
    for step in playbook.steps:
        own = [run.tried.get(turn.key, Tried()) for turn in turns if turn.step is step]
        if step.each is None:
            seen[step.id] = _seen(own[0])
        else:
            each = [_seen(tried) for tried in own]
            seen[step.id] = {
                "status": _together(own),
                "items": [*each],
                "outputs": [one["outputs"] for one in each],
            }
    return seen


def _seen(tried: Tried) -> dict[str, Json]:
    end = tried.end
    return {
        "status": end.status.value if end is not None else "pending",
        "exit_code": end.code if end is not None else None,
        "error": end.error if end is not None else "",
        "message": end.message if end is not None else "",
        "outputs": tried.outputs,
    }


def _together(all_: list[Tried]) -> str:
    """How a step went whose items went each in their way."""
    found = [tried.status for tried in all_]
    if Status.FAILED in found:
        return Status.FAILED.value
    if None in found:
        return "pending"
    return Status.DONE.value if Status.DONE in found else Status.SKIPPED.value


def failed_so_far(run: Run) -> bool:
    """Whether a step failed."""
    return any(tried.status is Status.FAILED for tried in run.tried.values())


ATTRIBUTES = ("status", "exit_code", "error", "message", "outputs")
"""What expressions see of a step."""
ATTRIBUTES_EACH = ("status", "items", "outputs")
"""What they see of one with ``for-each``."""
RUN = ("id", "name", "environment", "account", "region", "actor", "reason", "ticket", "failed")
"""What they see as ``run``."""
