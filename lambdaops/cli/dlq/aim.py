"""Which queue is meant, where, and what work on it needs: the command line and the configuration file together.

Rules this file guarantees: account and region of an environment are pins for queues as they are for functions: what
contradicts them is refused before any call, and the queue that was found is held to them before anything is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.cli.reach import Reach
from lambdaops.core.dlq.naming import queue_name
from lambdaops.core.errors import UsageError, WrongAccountError
from lambdaops.core.settings import Confirm

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.cli.options import Place
    from lambdaops.core.dlq.letter import Queue
    from lambdaops.ports import Signals, Sink
    from lambdaops.ports.queues import DeadLetterPorts


@dataclass(frozen=True)
class QueueReach(Reach):
    """A reach with a queue: ``text`` as it was named; ``own_account`` that of its ARN or URL, if it has one."""

    text: str
    own_account: str | None

    @property
    def name(self) -> str:
        """The queue's name, as people type it."""
        return queue_name(self.text).name

    @property
    def account(self) -> str | None:
        """The account of the environment, or of the ARN or URL."""
        return self.own_account or self.settings.account

    @property
    def environment(self) -> str:
        """The option that names the environment, with a blank before it; empty where there is none."""
        return f" --env {self.settings.environment}" if self.settings.environment else ""

    @property
    def again(self) -> str:
        """What another command is given to act in the same place."""
        return self.text + self.environment

    def dead_letters(
        self, env: Env, sink: Sink, *, yes: bool = False, signals: Signals | None = None
    ) -> DeadLetterPorts:
        """What work on dead letters needs to act there; ``yes`` is --yes."""
        from lambdaops.cli.ask import Confirmation

        typed = self.name if self.settings.confirm is Confirm.TYPE_TARGET else ""
        ask = Confirmation(env, yes, typed, self.where)
        return env.dead_letter_ports(
            sink=sink,
            ask=ask,
            journals=self.journals(env),
            region=self.region,
            profile=self.profile,
            signals=signals,
        )

    def find(self, ports: DeadLetterPorts) -> Queue:
        """The queue, held to what was pinned.

        Raises:
            WrongAccountError: it is in another account or region than is meant.
            NotFoundError, AwsError: SQS's word on it.
        """
        queue = ports.queues.find(self.text)
        meant = f"environment {self.settings.environment}" if self.settings.environment else self.name
        for what, wanted, found in (
            ("account", self.account, queue.account),
            ("region", self.settings.region, queue.region),
        ):
            if wanted is not None and wanted != found:
                raise WrongAccountError(
                    f"{meant} is in {what} {wanted}, and {queue.arn} is in {found}",
                    hint=f"Use credentials and a region of {wanted}, for instance with --profile or --env.",
                    target=self.name,
                )
        return queue

    def require_reason(self, reason: str) -> None:
        """Hold a change to ``reason: required``.

        Raises:
            UsageError: there is none.
        """
        if self.settings.reason_required and not reason.strip():
            raise UsageError(f"{self.settings.source} requires a reason", hint='Say it: --reason "WHY".')


def aim_at_queue(env: Env, text: str, place: Place, *, writes: bool) -> QueueReach:
    """Understand QUEUE: a name, URL or ARN.

    Args:
        env: the process.
        text: QUEUE.
        place: the other words.
        writes: whether it must be clear which environment is meant: the command changes something, or foretells that.

    Raises:
        InvalidQueueError: it is none of these.
        UsageError: the environment is not there or left open, or something contradicts its pins.
        InvalidFileError: the file cannot be read, or has mistakes.
    """
    from lambdaops.cli.aim import load, reach_of
    from lambdaops.core.model import Target

    named = queue_name(text)
    # Only its account and region matter: which environment is meant, and what contradicts it.
    told = Target("", "", named.region or None, named.account or None)
    found = reach_of(load(env, place), "", None, told, place, writes=writes)
    return QueueReach(found.settings, found.region, found.profile, text, named.account or None)
