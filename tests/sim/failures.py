"""A function's failure paths, as they are configured; refuses what it is told to refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.dlq.paths import AliasVersions, AsyncSettings, AsyncTraffic, Mapped, Published
from lambdaops.core.errors import LambdaOpsError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass
class SimFailures:
    """Implements ports.queues.FailurePaths for one function."""

    function: str = "orders"
    versions: tuple[Published, ...] = (Published("$LATEST"), Published("1"))
    pointed: tuple[AliasVersions, ...] = (AliasVersions("live", ("1",)),)
    configured: tuple[AsyncSettings, ...] = ()
    sources: tuple[Mapped, ...] = ()
    counted: AsyncTraffic = field(default_factory=lambda: AsyncTraffic(received=12))
    ages: dict[str, timedelta] = field(default_factory=dict)
    errors: dict[str, LambdaOpsError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def published(self, function: str) -> tuple[Published, ...]:
        self._call("published", function)
        return self.versions

    def aliases(self, function: str) -> tuple[AliasVersions, ...]:
        self._call("aliases", function)
        return self.pointed

    def settings(self, function: str) -> tuple[AsyncSettings, ...]:
        self._call("settings", function)
        return self.configured

    def mapped(self, function: str, aliases: Iterable[str]) -> tuple[Mapped, ...]:
        self._call("mapped", function)
        return self.sources

    def traffic(self, function: str, within: timedelta) -> AsyncTraffic:
        self._call("traffic", function)
        assert within
        return self.counted

    def oldest(self, queues: Sequence[str]) -> dict[str, timedelta]:
        self._call("oldest", self.function)
        return {arn: age for arn, age in self.ages.items() if arn in queues}

    def _call(self, name: str, function: str) -> None:
        self.asked.append(name)
        if name in self.errors:
            raise self.errors[name]
        if function != self.function:
            raise NotFoundError(f"could not read {function}: Function not found", target=function)
