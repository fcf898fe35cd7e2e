"""An event source mapping as it is, what it can be called, and what there is to do about it.

Facts: Lambda API reference, *EventSourceMappingConfiguration* (State is Creating, Enabling, Enabled, Disabling,
Disabled, Updating or Deleting) and *UpdateEventSourceMapping* (asynchronous; ResourceInUseException while it changes).
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.errors import NotFoundError
from lambdaops.core.halt.records import Remembered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DEFINITE = {"Enabled", "Disabled"}
_STILL = {"Disabled", "Disabling", "Deleting"}
_RESOURCE = 5


@dataclass(frozen=True, slots=True)
class Mapping:
    """An event source mapping; ``state`` is AWS's word, ``source`` an ARN or a Kafka cluster's servers."""

    uuid: str
    source: str
    qualifier: str
    state: str

    @property
    def polls(self) -> bool:
        """Whether it polls, or is about to: one that changes otherwise is taken for one that does."""
        return self.state not in _STILL

    @property
    def name(self) -> str:
        """What people call its source."""
        return source_name(self.source)

    def remembered(self) -> Remembered:
        """As it stands in the journal."""
        return Remembered(self.uuid, self.source, self.qualifier, self.state, self.polls)


def source_name(source: str) -> str:
    """What people call a source: a queue, stream, table, cluster or broker by its name.

    ARNs end with ``NAME`` (SQS), ``stream/NAME``, ``table/NAME/stream/LABEL``, ``cluster/NAME/UUID``,
    ``broker:NAME:ID`` or ``cluster:NAME``.
    """
    parts = source.split(":", _RESOURCE)
    if not source.startswith("arn:") or len(parts) <= _RESOURCE:
        return source
    words = re.split("[:/]", parts[_RESOURCE])
    return words[1] if len(words) > 1 else words[0]


def is_called(one: Mapping | Remembered, text: str) -> bool:
    """Whether ``--source`` means it: UUID, ARN, name, or one of the servers of a Kafka cluster."""
    return text in (one.uuid, one.source, source_name(one.source), *one.source.split(","))


def named(there: Sequence[Mapping | Remembered], sources: Iterable[str], function: str) -> frozenset[str]:
    """The UUIDs of what ``--source`` names; of all where nothing is named.

    Raises:
        NotFoundError: a name that none of them has.
    """
    sources = tuple(sources)
    for text in sources:
        if not any(is_called(one, text) for one in there):
            known = ", ".join(sorted({source_name(one.source) for one in there})) or "none"
            raise NotFoundError(
                f"{function} has no event source {text}",
                hint=f"Name it by name, ARN or UUID; there are: {known}.",
                target=function,
            )
    return frozenset(one.uuid for one in there if not sources or any(is_called(one, text) for text in sources))


class Step(enum.Enum):
    """What there is to do about a mapping that is to be enabled or disabled."""

    DONE = "done"
    WRITE = "write"
    WAIT = "wait"
    GONE = "gone"


def step(seen: Mapping | None, *, on: bool) -> Step:
    """What there is to do next; one that changes is waited for, whatever it changes into."""
    if seen is None or seen.state == "Deleting":
        return Step.GONE
    if seen.state not in _DEFINITE:
        return Step.WAIT
    return Step.DONE if (seen.state == "Enabled") is on else Step.WRITE
