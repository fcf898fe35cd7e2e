"""Confirmation: a person answers on the terminal, a pipeline says --yes beforehand."""

from __future__ import annotations

from dataclasses import dataclass

from lambdaops.cli.env import Env
from lambdaops.core.errors import ConfirmationMissingError


@dataclass(frozen=True)
class Confirmation:
    """Implements the Ask port.

    ``given`` is --yes; ``typed`` is what must be typed instead of a yes, if anything; ``where`` is the environment,
    account and region, as far as they are known, which every question begins with.
    """

    env: Env
    given: bool
    typed: str = ""
    where: str = ""

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
        if self.where:
            question = f"{self.where}: {question}"
        if self.typed:
            self._require_typed(question)
            return
        self.env.stderr.write(f"{question} [y/N] ")
        self.env.stderr.flush()
        if self.env.stdin.readline().strip().lower() not in ("y", "yes"):
            raise ConfirmationMissingError("not confirmed: nothing was changed", hint="Answer y, or add --yes.")

    def _require_typed(self, question: str) -> None:
        self.env.stderr.write(f"{question} Type {self.typed} to go on: ")
        self.env.stderr.flush()
        if self.env.stdin.readline().strip() != self.typed:
            raise ConfirmationMissingError(
                "not confirmed: nothing was changed", hint=f"Type {self.typed} exactly, or add --yes."
            )
