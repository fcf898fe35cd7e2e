"""The published versions of the simulated account, and everything that can refer to one of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from lambdaops.core.errors import NotFoundError
from lambdaops.core.model import Alias, Routing, VersionNumber
from lambdaops.core.prune import Stock, StoredVersion
from lambdaops.ports.published import Deletion
from tests.sim.world import ARN, Failure, World, version

SIZE = 1024 * 1024


@dataclass
class SimPublished:
    """Implements PublishedVersions on a World: its versions, its alias live, and more aliases.

    ``refusals`` are the words that AWS refuses a version with; ``deleted`` is what it was asked to delete and did.
    """

    world: World
    more_aliases: dict[str, Routing] = field(default_factory=dict)
    with_concurrency: set[str] = field(default_factory=set)
    with_settings: set[str] = field(default_factory=set)
    mapped: dict[str, list[str]] = field(default_factory=dict)
    policies: dict[str, list[str]] = field(default_factory=dict)
    durable: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    refusals: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def publish(self, last: int) -> None:
        """There are versions 1 to ``last``."""
        self.world.versions = {str(number): version(str(number)) for number in range(1, last + 1)}

    def stock(self, function: str) -> Stock:
        self._call("stock", function)
        numbers = sorted(self.world.versions, key=int)
        return Stock(
            ARN.replace("111122223333", self.world.account),
            tuple(
                StoredVersion(one, SIZE, f"code-{one}", f"build {one}", durable=one in self.durable) for one in numbers
            ),
        )

    def aliases(self, function: str) -> tuple[Alias, ...]:
        self._call("aliases", function)
        live = self.world._alias()
        base = live.arn.rpartition(":")[0]
        more = (Alias(f"{base}:{name}", routing, "rev") for name, routing in self.more_aliases.items())
        return tuple(sorted((live, *more), key=lambda alias: alias.arn))

    def provisioned(self, function: str) -> frozenset[str]:
        self._call("provisioned", function)
        return frozenset(self.with_concurrency)

    def asynchronous(self, function: str) -> frozenset[str]:
        self._call("asynchronous", function)
        return frozenset(self.with_settings)

    def event_sources(self, function: str, version: str) -> tuple[str, ...]:
        self._call("event_sources", function, version)
        return tuple(self.mapped.get(version, ()))

    def policy(self, function: str, version: str) -> tuple[str, ...]:
        self._call("policy", function, version)
        return tuple(self.policies.get(version, ()))

    def durable_running(self, function: str, version: str) -> bool:
        assert version in self.durable, "only a version with a durable configuration is asked about"
        self._call("durable_running", function, version)
        return version in self.running

    def delete(self, function: str, version: VersionNumber) -> Deletion:
        number = version.number
        failure = self._call("delete", function, number, later=True)
        request = f"req-{len(self.asked)}"
        if number not in self.world.versions:
            return Deletion(request, gone=True)
        if number in self.refusals:
            return Deletion(request, refused=self.refusals[number])
        if any(number in alias.routing.versions for alias in self._aliases()):
            return Deletion(request, refused="it is referenced by an alias")
        del self.world.versions[number]
        self.deleted.append(number)
        if failure is not None:
            raise failure.error
        return Deletion(request)

    def _aliases(self) -> tuple[Alias, ...]:
        return (self.world._alias(), *(Alias(name, routing, "rev") for name, routing in self.more_aliases.items()))

    def _call(self, name: str, function: str, version: str = "", *, later: bool = False) -> Failure | None:
        self.asked.append((name, version))
        failure = self.world._call(name, later=later)
        if function != "orders":
            raise NotFoundError(f"{function} does not exist", hint="Check the name and the region.")
        return failure
