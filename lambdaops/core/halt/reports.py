"""What halting and starting again came to, as values for people (render) and machines alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.halt.callers import NotStopped
from lambdaops.core.halt.mappings import source_name
from lambdaops.core.halt.plan import Left

if TYPE_CHECKING:
    from lambdaops.core.halt.mappings import Mapping
    from lambdaops.core.halt.records import Remembered


@dataclass(frozen=True, slots=True)
class Source:
    """An event source: its name or ARN, the mapping's UUID, and the version or alias that it invokes."""

    source: str
    uuid: str
    qualifier: str

    @property
    def name(self) -> str:
        """What people call it."""
        return source_name(self.source)


def source_of(one: Mapping | Remembered) -> Source:
    """The event source of a mapping."""
    return Source(one.source, one.uuid, one.qualifier)


@dataclass(frozen=True, slots=True)
class ReservedReport:
    """Reserved concurrency before the halt, and now; None for none."""

    before: int | None
    now: int | None


@dataclass(frozen=True, slots=True)
class HaltReport:
    """How a function stands after it was halted, or would be.

    Attributes:
        function: its name.
        halt: what groups the records of the halt; empty when none is open.
        halted: mappings that this halt holds disabled; those that it would, of a dry run.
        before: mappings that were disabled before, and stay so.
        left: mappings that should be disabled and are not, and why; with the UUID empty: reserved concurrency.
        not_stopped: what still invokes the function.
        unknown: why it is not known what else does; empty where it is.
        reserved: where the halt set it to 0, or was asked to.
        changed: whether anything was written.
        dry_run: whether nothing was to be.
    """

    function: str
    halt: str
    halted: tuple[Source, ...]
    before: tuple[Source, ...]
    left: tuple[Left, ...]
    not_stopped: tuple[NotStopped, ...]
    unknown: str
    reserved: ReservedReport | None
    changed: bool
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class UnhaltReport:
    """How a function stands after it was started again, or would be.

    Attributes:
        function: its name.
        halt: what groups the records of the halt; empty when none was open.
        restored: mappings that poll again; those that would, of a dry run.
        left: what is not as we had left it, or could not be had, and why; with the UUID empty: reserved concurrency.
        halted: mappings that the halt still holds.
        reserved: where it was given back, or is still to be.
        held: why it was stopped, and what it had started stopped again; empty where it was not.
        failed: whether something of ``left`` was refused or did not come in time.
        off: whether somebody halted the function again meanwhile.
        over: whether nothing of the halt remains.
        changed: whether anything was written.
        dry_run: whether nothing was to be.
    """

    function: str
    halt: str
    restored: tuple[Source, ...] = ()
    left: tuple[Left, ...] = ()
    halted: tuple[Source, ...] = ()
    reserved: ReservedReport | None = None
    held: str = ""
    failed: bool = False
    off: bool = False
    over: bool = True
    changed: bool = False
    dry_run: bool = False
