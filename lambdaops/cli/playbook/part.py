"""A command as the step of a playbook: what it listens to, and what it replied."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lambdaops.core.playbook.uses import Result

if TYPE_CHECKING:
    from lambdaops.cli.reply import Reply
    from lambdaops.ports.playbooks import Part


@dataclass
class StepPart:
    """The step that a command is done for, and what the command replied."""

    step: Part
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
