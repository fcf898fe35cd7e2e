"""What halting a function needs of the world, as Protocols: its event source mappings and its reserved concurrency.

An adapter returns our values and raises our errors (``core.errors``), as in the rest of the ports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lambdaops.ports import Alarms, Ask, Clock, Identity, Journals, Sink

if TYPE_CHECKING:
    from lambdaops.core.halt.callers import Caller
    from lambdaops.core.halt.mappings import Mapping


@dataclass(frozen=True, slots=True)
class Concurrency:
    """A function by its ARN, and the concurrency that is reserved for it; None for none, 0 for a stopped one."""

    arn: str
    reserved: int | None


class Levers(Protocol):
    """What starts a function and can be stopped."""

    def concurrency(self, function: str) -> Concurrency:
        """The function's ARN and its reserved concurrency.

        Raises:
            NotFoundError: no such function.
            AwsError: denied, throttled, unreachable.
        """

    def mappings(self, function: str) -> tuple[Mapping, ...]:
        """Every event source mapping of the function, whatever it is qualified with, by source.

        Raises:
            NotFoundError, AwsError: as above.
        """

    def callers(self, function: str) -> tuple[Caller, ...]:
        """Who may invoke it by its policy: that of the function, and those of its aliases.

        Raises:
            NotFoundError, AwsError: as above.
        """

    def turn(self, uuid: str, *, on: bool) -> str:
        """Enable or disable a mapping; that takes effect later. Gives AWS's request id.

        Raises:
            ConflictError: it is changing already; waiting helps.
            NotFoundError: it is gone.
            AwsError: ``ambiguous`` when it may have taken effect all the same.
        """

    def reserve(self, function: str, executions: int | None) -> str:
        """Reserve concurrency for the function, or none any more; gives AWS's request id.

        Raises:
            RejectedError: more is provisioned, or the account has not as much left.
            ConflictError: the function is being changed.
            NotFoundError, AwsError: as above.
        """


@dataclass(frozen=True, slots=True)
class HaltPorts:
    """Everything that halting needs, wired once by the composition root."""

    clock: Clock
    levers: Levers
    alarms: Alarms
    identity: Identity
    journals: Journals
    sink: Sink
    ask: Ask
    host: str
    run: str = ""
    tool: str = ""
    commit: str = ""
