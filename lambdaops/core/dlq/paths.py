"""Where failed events of a function may go: what is configured, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Published:
    """A version (or $LATEST) and the dead-letter queue frozen into it: ARN of a queue or topic, or empty."""

    version: str
    dead_letters: str = ""


@dataclass(frozen=True, slots=True)
class AliasVersions:
    """An alias and the versions that it sends traffic to."""

    alias: str
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AsyncSettings:
    """EventInvokeConfig of one qualifier: ``$LATEST``, a version, or an alias.

    Attributes:
        qualifier: what it holds for; AWS calls the function's own ``$LATEST``.
        on_failure: ARN of the on-failure destination, or empty.
        retries: how often Lambda tries again after an error; 2 unless set.
        max_age: how long an event may wait; six hours unless set.
    """

    qualifier: str
    on_failure: str = ""
    retries: int = 2
    max_age: timedelta = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Mapped:
    """An event source mapping: what polls a queue or a stream and invokes the function.

    Attributes:
        id: its UUID.
        source: ARN of the queue or stream; of a Kafka cluster without one, its servers.
        qualifier: the version or alias it invokes; empty for the unpublished code.
        enabled: whether it polls.
        on_failure: ARN of its on-failure destination, or empty.
        retries: how often a failed batch of a stream is tried again; None for ever (AWS says -1).
        max_age: records older than this are given up; None for never (AWS says -1).
        bisects: whether a failed batch is split to find the record that fails.
    """

    id: str
    source: str
    qualifier: str = ""
    enabled: bool = True
    on_failure: str = ""
    retries: int | None = None
    max_age: timedelta | None = None
    bisects: bool = False
