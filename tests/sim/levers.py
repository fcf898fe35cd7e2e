"""What starts a function, simulated: mappings that take a while to change, reserved concurrency, policies.

Verbs say what happens (``polls``, ``somebody_turns``); ``fail`` makes the next calls of an operation fail, before or
after they took effect. Every write is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lambdaops.core.errors import ConflictError, LambdaOpsError, NotFoundError, RejectedError
from lambdaops.core.halt.callers import Caller
from lambdaops.core.halt.mappings import Mapping
from lambdaops.ports.halting import Concurrency
from tests.sim.clock import SimClock
from tests.sim.world import ACCOUNT, ARN, Failure

QUEUE = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:orders-queue"
STREAM = f"arn:aws:kinesis:eu-central-1:{ACCOUNT}:stream/clicks"
TABLE = f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/carts/stream/2026-01-01T00:00:00.000"


@dataclass
class SimLevers:
    """Implements ports.halting.Levers for one function; ``takes`` is how many seconds a mapping takes to change.

    ``provisioned`` is what the function's aliases have together: AWS reserves no less.
    """

    clock: SimClock = field(default_factory=SimClock)
    there: dict[str, Mapping] = field(default_factory=dict)
    reserved: int | None = None
    provisioned: int = 0
    policy: tuple[Caller, ...] = ()
    takes: float = 3
    writes: list[tuple[str, object]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    arn: str = ARN
    _failures: dict[str, list[Failure]] = field(default_factory=dict)

    # -- verbs ---------------------------------------------------------------------------------------------------------

    def polls(self, source: str, uuid: str, qualifier: str = "live", state: str = "Enabled") -> None:
        """There is a mapping of this source."""
        self.there[uuid] = Mapping(uuid, source, qualifier, state)

    def somebody_turns(self, uuid: str, state: str) -> None:
        """Somebody else changed a mapping, and that is through."""
        self.there[uuid] = replace(self.there[uuid], state=state)

    def delete(self, uuid: str) -> None:
        del self.there[uuid]

    def fail(self, call: str, error: LambdaOpsError, times: int = 1, *, after: bool = False) -> None:
        """The next ``times`` calls of this operation fail."""
        self._failures.setdefault(call, []).append(Failure(error, times, after))

    def heal(self) -> None:
        self._failures.clear()

    @property
    def states(self) -> dict[str, str]:
        return {uuid: one.state for uuid, one in self.there.items()}

    # -- Levers --------------------------------------------------------------------------------------------------------

    def concurrency(self, function: str) -> Concurrency:
        self._call("concurrency", function)
        return Concurrency(self.arn, self.reserved)

    def mappings(self, function: str) -> tuple[Mapping, ...]:
        self._call("mappings", function)
        return tuple(self.there.values())

    def callers(self, function: str) -> tuple[Caller, ...]:
        self._call("callers", function)
        return self.policy

    def turn(self, uuid: str, *, on: bool) -> str:
        failure = self._call("turn", "orders")
        if uuid not in self.there:
            raise NotFoundError("could not turn it: the mapping does not exist")
        if self.there[uuid].state not in ("Enabled", "Disabled"):
            raise ConflictError("could not turn it: the mapping is in use by another update")
        self.writes.append((uuid, on))
        during, after = ("Enabling", "Enabled") if on else ("Disabling", "Disabled")
        if self.there[uuid].state != after:
            self.there[uuid] = replace(self.there[uuid], state=during)
            self.clock.after(self.takes, lambda: self._through(uuid, during, after))
        if failure is not None:
            raise failure.error
        return f"req-{len(self.writes)}"

    def reserve(self, function: str, executions: int | None) -> str:
        failure = self._call("reserve", function)
        if executions is not None and executions < self.provisioned:
            raise RejectedError("could not reserve: more is provisioned", hint="Delete it first.", request_id="req-no")
        self.writes.append(("reserved", executions))
        self.reserved = executions
        if failure is not None:
            raise failure.error
        return f"req-{len(self.writes)}"

    def _through(self, uuid: str, during: str, after: str) -> None:
        if uuid in self.there and self.there[uuid].state == during:
            self.there[uuid] = replace(self.there[uuid], state=after)

    def _call(self, name: str, function: str) -> Failure | None:
        self.calls.append(name)
        if function != "orders":
            raise NotFoundError(f"{function} does not exist", target=function)
        queue = self._failures.get(name, [])
        while queue and queue[0].times == 0:
            queue.pop(0)
        if not queue:
            return None
        failure = queue[0]
        failure.times -= 1
        if failure.after:
            return failure
        raise failure.error
