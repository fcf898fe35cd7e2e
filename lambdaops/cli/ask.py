"""Confirmation: a person answers on the terminal, a pipeline says --yes beforehand."""

from __future__ import annotations

from dataclasses import dataclass

from lambdaops.cli.env import Env
from lambdaops.core.errors import ConfirmationMissingError


@dataclass(frozen=True)
class Confirmation:
    """Implements the Ask port; ``given`` is --yes."""

    env: Env
    given: bool

    def confirm(self, question: str) -> None:
        """Return on yes.

        Raises:
            ConfirmationMissingError: the answer is anything else, or there is no terminal to ask on.
        """
        if self.given:
            return
        if not self.env.interactive:
            raise ConfirmationMissingError(
                "nobody confirmed this change and there is no terminal to ask on", hint="Add --yes."
            )
        self.env.stderr.write(f"{question} [y/N] ")
        self.env.stderr.flush()
        if self.env.stdin.readline().strip().lower() not in ("y", "yes"):
            raise ConfirmationMissingError("not confirmed: nothing was changed", hint="Answer y, or add --yes.")
