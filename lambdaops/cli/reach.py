"""Where a command acts, once its words are understood: the settings, the session, and what holds it to them.

Rules this file guarantees: every question names the environment, the account and the region, as far as they are known;
credentials of another account than the pinned one are refused before anything is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.errors import UsageError, WrongAccountError
from lambdaops.core.settings import Confirm

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.core.model import Target
    from lambdaops.core.settings import Settings
    from lambdaops.core.stores import TableStore
    from lambdaops.ports import Ask, Journals, Ports, Recording, Signals, Sink
    from lambdaops.ports.halting import HaltPorts


@dataclass(frozen=True)
class Reach:
    """Which function in which environment, and the session that reaches it."""

    settings: Settings
    region: str | None
    profile: str | None

    @property
    def name(self) -> str:
        """What is changed, as people type it."""
        return self.settings.function

    @property
    def account(self) -> str | None:
        """The account that is meant, if that is known."""
        return self.settings.account

    @property
    def where(self) -> str:
        """Environment, account and region, as far as they are known."""
        parts = [f"account {self.account}" if self.account else "", self.region or ""]
        place = ", ".join(part for part in parts if part)
        environment = self.settings.environment
        return f"{environment} ({place})" if environment else place

    @property
    def told(self) -> str:
        """Which file speaks here, and for which environment; empty where none does."""
        source = self.settings.source
        return f"{source}, environment {self.where}" if source and self.settings.environment else source

    def ports(
        self, env: Env, sink: Sink, *, yes: bool = False, signals: Signals | None = None, urgent: bool = False
    ) -> Ports:
        """What an operation needs to act there; ``yes`` is --yes."""
        return env.ports(
            sink=sink,
            ask=self._ask(env, yes=yes),
            journals=self.journals(env, urgent=urgent),
            region=self.region,
            profile=self.profile,
            signals=signals,
            urgent=urgent,
        )

    def halting(self, env: Env, sink: Sink, *, yes: bool = False) -> HaltPorts:
        """What halting a function needs to act there; ``yes`` is --yes."""
        return env.halt_ports(
            sink=sink,
            ask=self._ask(env, yes=yes),
            journals=self.journals(env),
            region=self.region,
            profile=self.profile,
        )

    def _ask(self, env: Env, *, yes: bool) -> Ask:
        from lambdaops.cli.ask import Confirmation

        typed = self.name if self.settings.confirm is Confirm.TYPE_TARGET else ""
        return Confirmation(env, yes, typed, self.where)

    def journals(self, env: Env, *, urgent: bool = False) -> Journals:
        """The audit log of this place: what ``LAMBDAOPS_STORE`` says, else the file, else this machine's.

        Raises:
            UsageError: the variable cannot be understood.
        """
        return env.journals_in(self.store(env), region=self.region, profile=self.profile, urgent=urgent)

    def store(self, env: Env) -> TableStore | None:
        """Where that is; None for this machine's files.

        Raises:
            UsageError: the variable cannot be understood.
        """
        from lambdaops.core.stores import VARIABLE, parse_store

        said = env.variables.get(VARIABLE)
        return parse_store(said) if said else self.settings.store

    def require_caller(self, ports: Recording) -> None:
        """Ask AWS whose credentials these are, if an account is pinned.

        Raises:
            WrongAccountError: another account's.
            AwsError: AWS did not say.
        """
        if self.account is None:
            return
        caller = ports.identity.caller()
        found = caller.split(":")[4]
        if found != self.account:
            meant = f"environment {self.settings.environment}" if self.settings.environment else self.name
            raise WrongAccountError(
                f"{meant} is in account {self.account}, and these credentials are for account {found} ({caller})",
                hint=f"Use credentials of account {self.account}, for instance with --profile.",
                target=self.name,
            )

    def require_reason(self, reason: str) -> None:
        """Hold a forward change to ``reason: required``.

        Raises:
            UsageError: there is none.
        """
        if self.settings.reason_required and not reason.strip():
            raise UsageError(
                f"{self.settings.source} requires a reason for {self.settings.function}", hint='Say it: --reason "WHY".'
            )


@dataclass(frozen=True)
class Aim(Reach):
    """A reach with a target, which carries the pinned account and region."""

    target: Target

    @property
    def name(self) -> str:
        """The target, as people type it."""
        return str(self.target)

    @property
    def account(self) -> str | None:
        """The account of the environment, or of an ARN."""
        return self.target.account
