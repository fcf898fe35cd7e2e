"""What there is to know of a function's published versions before one is deleted, and the deletion itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lambdaops.core.model import Alias, VersionNumber
    from lambdaops.core.prune import Stock


@dataclass(frozen=True, slots=True)
class Deletion:
    """How AWS answered: ``refused`` are its words when it keeps the version; ``gone`` when there was none any more."""

    request_id: str = ""
    gone: bool = False
    refused: str = ""


class PublishedVersions(Protocol):
    """The versions of functions, and everything in Lambda that can refer to one of them.

    A function URL cannot: it belongs to ``$LATEST`` or to an alias (Lambda API reference, CreateFunctionUrlConfig).
    Each call raises NotFoundError (no such function) and AwsError (denied, throttled, unreachable).
    """

    def stock(self, function: str) -> Stock:
        """Every published version, oldest first, without $LATEST."""

    def aliases(self, function: str) -> tuple[Alias, ...]:
        """Every alias, in the order of their names."""

    def provisioned(self, function: str) -> frozenset[str]:
        """The versions and aliases that have provisioned concurrency."""

    def asynchronous(self, function: str) -> frozenset[str]:
        """The versions and aliases (and $LATEST) with settings of their own for asynchronous invocations."""

    def event_sources(self, function: str, version: str) -> tuple[str, ...]:
        """What is mapped to this very version."""

    def policy(self, function: str, version: str) -> tuple[str, ...]:
        """Whom the policy of this very version speaks of; empty when it has none."""

    def durable_running(self, function: str, version: str) -> bool:
        """Whether a durable execution is running on this version."""

    def delete(self, function: str, version: VersionNumber) -> Deletion:
        """Delete one version, and never a function.

        Raises:
            AwsError: denied, throttled, unreachable; ``ambiguous`` when it may have been deleted.
        """
