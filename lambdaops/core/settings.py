"""What a configuration file says about one target in one environment, with every name and template filled in.

None means that the file does not say it: what the command line says stands before, the built-in default behind.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta

from lambdaops.core.freeze import FreezeWindow
from lambdaops.core.metric_gates import MetricGate
from lambdaops.core.notifications import Channel
from lambdaops.core.plan import OnInconclusive
from lambdaops.core.stores import TableStore


class Confirm(enum.Enum):
    """How a person confirms a change on a terminal."""

    ASK = "ask"
    TYPE_TARGET = "type-target"


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Where and how the audit log is anchored after a release; at most one of ``sign_with`` and ``kms``."""

    to: str
    sign_with: str | None = None
    kms: str | None = None
    retain: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one function in one environment; an empty environment or function means none was named.

    ``account`` and ``region`` are pins: a command that would reach another one is refused. ``alarms`` and
    ``ignore_alarms`` are names or shell patterns. ``strategies`` are the file's own, name and stages, for a name given
    on the command line. ``source`` is the file, empty when there is none. ``store`` is where journals are kept, None
    for this machine's files.
    """

    environment: str = ""
    account: str | None = None
    region: str | None = None
    profile: str | None = None
    function: str = ""
    alias: str | None = None
    strategy: str | None = None
    bake: timedelta | None = None
    alarms: tuple[str, ...] | None = None
    ignore_alarms: tuple[str, ...] | None = None
    look_every: timedelta | None = None
    patience: timedelta | None = None
    on_inconclusive: OnInconclusive | None = None
    compare: str | None = None
    tolerance: str | None = None
    alpha: str | None = None
    min_requests: str | None = None
    period: timedelta | None = None
    metrics: tuple[MetricGate, ...] | None = None
    observe: str | None = None
    read_logs: bool | None = None
    reason_required: bool = False
    confirm: Confirm = Confirm.ASK
    freeze: tuple[FreezeWindow, ...] = ()
    strategies: tuple[tuple[str, str], ...] = ()
    source: str = ""
    store: TableStore | None = None
    checkpoint: Anchoring | None = None
    notify: tuple[Channel, ...] = ()

    def stages_of(self, strategy: str) -> str:
        """What a strategy of the file stands for; any other text as it is."""
        return dict(self.strategies).get(strategy, strategy)
