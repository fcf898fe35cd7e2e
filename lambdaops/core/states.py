"""The states of a release, what its machine sees, and what it wants done: one frozen class each.

One class per phase, so that no field is ever empty in some phases. The rules that connect them are in ``machine``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from lambdaops.core.gates import GateResult
from lambdaops.core.model import Routing


class Outcome(enum.Enum):
    """How a release ended."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


BY_HAND = "rolled back by hand"
"""How a rollback that somebody made is listed beside releases."""


class Cause(enum.Enum):
    """Why a release holds."""

    DRIFT = "drift"
    INCONCLUSIVE = "inconclusive"
    INTERRUPTED = "interrupted"
    PAUSED = "paused"
    DENIED = "denied"
    STUCK = "stuck"


class Signal(enum.Enum):
    """What a person or the platform asks of a running release.

    HOLD ends the process and leaves the release where it is; PAUSE keeps the process watching. PROMOTE goes to the next
    stage, PROMOTE_FULL to 100 %; in the last stage both end its bake.
    """

    HOLD = "hold"
    ROLLBACK = "rollback"
    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    PROMOTE_FULL = "promote-full"


# -- states: one class per phase, so no field is ever empty in some phases -----------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """Nothing written yet."""

    since: datetime


@dataclass(frozen=True, slots=True)
class Baking:
    """The alias holds the routing of ``stage``; ``good_since`` is None while the gates are not all passing."""

    stage: int
    entered_at: datetime
    good_since: datetime | None
    signal_at: datetime


@dataclass(frozen=True, slots=True)
class Paused:
    """A person stopped it for at most ``lasts``; the gates are watched all the same, and the bake counts on."""

    reason: str
    at: Ready | Baking
    since: datetime
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class Awaiting:
    """The stage is over and its manual gate waits for approval, for at most ``within``."""

    at: Baking
    since: datetime
    within: timedelta


@dataclass(frozen=True, slots=True)
class Promoting:
    """A person sends it to ``stage`` now, whatever is left of the bake; one past the last stage ends the last bake."""

    reason: str
    stage: int
    at: Ready | Baking
    since: datetime


@dataclass(frozen=True, slots=True)
class Reverting:
    """All traffic goes back to the stable version; ``attempts`` counts refused writes."""

    reason: str
    since: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """Stopped where it is, waits for a person; ``at`` is where it goes on from."""

    reason: str
    cause: Cause
    at: Ready | Baking | Awaiting | Reverting


@dataclass(frozen=True, slots=True)
class Done:
    """Over."""

    outcome: Outcome
    reason: str


State = Ready | Baking | Paused | Awaiting | Promoting | Reverting | Held | Done


# -- what the machine sees -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """The last alias write failed: ``permanent`` when trying again cannot help, ``conflict`` on a stale RevisionId."""

    message: str
    permanent: bool = False
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """The world at one moment.

    ``alias`` is None when it could not be read (``blind`` says why). ``stale`` marks a read that still shows the
    revision our own last write replaced. ``unsettled`` is true while the end of a write is unknown: it may have landed.
    ``overtaken`` is true when a write without a known end is not in effect and the alias was written since: ours was
    refused, or somebody has undone it. ``undone`` is true when the journal holds a rollback by somebody. ``locked_out``
    is true when AWS takes our credentials no more: neither reading nor writing can help. ``lasts`` says how long a
    pause may last.
    """

    now: datetime
    alias: Routing | None
    gates: tuple[GateResult, ...] = ()
    signal: Signal | None = None
    signal_reason: str = ""
    fault: Fault | None = None
    stale: bool = False
    blind: str = ""
    unsettled: bool = False
    overtaken: bool = False
    undone: bool = False
    locked_out: bool = False
    lasts: timedelta | None = None


# -- what the shell must do next -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetRouting:
    """Write this routing; when it has landed the state is ``then``."""

    routing: Routing
    reason: str
    then: State


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again at ``until`` or a little earlier."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing more to do."""

    reason: str


Action = SetRouting | Wait | Stop
Decision = tuple[State, Action]
