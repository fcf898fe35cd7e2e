"""A command as the step of a playbook: what it listens to, and what it replied."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from lambdaops.core.playbook.limits import NOTHING_ABOVE, Above
from lambdaops.core.playbook.uses import Result

if TYPE_CHECKING:
    from lambdaops.cli.reply import Reply
    from lambdaops.ports import Signals


@dataclass
class StepPart:
    """The step that a command is done for.

    ``tag`` names run, step and attempt; ``again`` is whether it was begun before, at ``since``, and nobody knows how
    that ended. ``above`` is what a run that the command begins has from the run of the step.
    """

    tag: str
    again: bool
    signals: Signals
    since: datetime | None = None
    above: Above = NOTHING_ABOVE
    result: Result = field(default_factory=lambda: Result(1, "the command said nothing", error="internal"))

    def take(self, reply: Reply) -> None:
        """Keep what the command replied."""
        from lambdaops.render.console import PLAIN

        text = reply.text if isinstance(reply.text, str) else reply.text(PLAIN)
        said, *more = [line.strip() for line in text.splitlines() if line.strip()] or [""]
        if said.isupper():  # the head of a table
            said = f"{len(more)} line{'s' if len(more) != 1 else ''}"
        error = reply.error
        message = error.message if error is not None else said
        self.result = Result(int(reply.exit_code), message, dict(reply.data), error.code if error else "")  # type: ignore[arg-type]
