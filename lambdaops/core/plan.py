"""Strategies resolved into a plan: a printable, validated value that says everything a release will do.

Rules this file guarantees: weights rise strictly to exactly 100 %; the last stage is 100 % and bakes too; CodeDeploy's
predefined Lambda configurations resolve to CodeDeploy's own weights and times.
"""

from __future__ import annotations

import difflib
import enum
import itertools
import re
from dataclasses import dataclass
from datetime import timedelta

from lambdaops.core.duration import format_duration, parse_duration
from lambdaops.core.errors import InvalidStagesError, UnknownStrategyError
from lambdaops.core.model import FULL, Routing, percent

DEFAULT_STRATEGY = "canary"
DEFAULT_BAKE = timedelta(minutes=5)
DEFAULT_LOOK_EVERY = timedelta(seconds=10)
DEFAULT_PATIENCE = timedelta(minutes=10)
REVERT_WITHIN = timedelta(minutes=5)
NEW_VERSION = "new"
"""Stands for the candidate in a plan made before its code is published."""

_MOST_STAGES = 100


class OnInconclusive(enum.Enum):
    """What happens when patience ends without a usable verdict."""

    ROLLBACK = "rollback"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Stage:
    """A weight in basis points and how long it must stay good."""

    weight: int
    bake: timedelta

    def __str__(self) -> str:
        return f"{percent(self.weight).replace(' ', '')}:{format_duration(self.bake)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """One release, decided in full before the first write.

    ``patience`` bounds how long a release waits without a usable verdict; ``look_every`` is the longest time between
    two looks at the gates; ``revert_within`` bounds how long a refused rollback is tried again. ``provisioned`` is
    true when the alias has provisioned concurrency: AWS then puts weights on it by itself for a while.
    """

    stable: str
    candidate: str
    stages: tuple[Stage, ...]
    strategy: str
    alarms: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    look_every: timedelta = DEFAULT_LOOK_EVERY
    patience: timedelta = DEFAULT_PATIENCE
    on_inconclusive: OnInconclusive = OnInconclusive.ROLLBACK
    revert_within: timedelta = REVERT_WITHIN
    provisioned: bool = False

    @property
    def baseline(self) -> Routing:
        """Where a rollback returns to: all traffic on the stable version."""
        return Routing(self.stable)

    @property
    def duration(self) -> timedelta:
        """The shortest time to promotion: every bake once."""
        return sum((stage.bake for stage in self.stages), timedelta())

    def routing_at(self, stage: int) -> Routing:
        """The routing that stage demands; at 100 % the candidate becomes primary and the weights are cleared."""
        weight = self.stages[stage].weight
        return Routing(self.candidate) if weight == FULL else Routing(self.stable, self.candidate, weight)

    def owns(self, routing: Routing) -> bool:
        """Whether this plan could have put that routing on the alias."""
        return routing == self.baseline or any(routing == self.routing_at(i) for i in range(len(self.stages)))


# The nine predefined configurations: https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
# "Canary10Percent5Minutes shifts 10 percent in the first increment, the remaining 90 percent five minutes later";
# "Linear10PercentEvery1Minute shifts 10 percent of traffic every minute until all traffic is shifted".
CODEDEPLOY: dict[str, str] = {
    "AllAtOnce": "all-at-once",
    **{f"Canary10Percent{m}Minutes": f"canary:10%:{m}m" for m in (5, 10, 15, 30)},
    "Linear10PercentEvery1Minute": "linear:10%:1m",
    **{f"Linear10PercentEvery{m}Minutes": f"linear:10%:{m}m" for m in (2, 3, 10)},
}
_CODEDEPLOY_PREFIX = re.compile(r"(CodeDeployDefault\.)?(Lambda)?")
_NAMED = {"all-at-once": "", "canary": "10%:5m", "linear": "10%:1m", "exponential": "1%:2m"}
STRATEGIES = (*_NAMED, *CODEDEPLOY)


def resolve_strategy(text: str, bake: timedelta = DEFAULT_BAKE) -> tuple[Stage, ...]:
    """Turn a strategy into stages.

    Args:
        text: ``all-at-once``, ``canary[:10%[:5m]]``, ``linear[:10%[:1m]]``, ``exponential[:1%[:2m]]`` (doubling),
            one of CodeDeploy's names, or stages written out: ``5%:2m,25%:5m,100%:10m``.
        bake: how long 100 % must stay good where the strategy does not say so itself.

    Raises:
        UnknownStrategyError: with the nearest known name.
        InvalidStagesError: the weights do not rise to 100 %, or there are more than a hundred stages.
        InvalidDurationError: a bake time that cannot be read.
    """
    if "%" in text.split(":", 1)[0]:
        return check_stages(tuple(_stage(part.strip(), text) for part in text.split(",")), text)
    known = text if text.split(":", 1)[0] in _NAMED else CODEDEPLOY.get(_CODEDEPLOY_PREFIX.sub("", text, count=1))
    if known is None:
        raise _unknown(text)
    name, _, rest = known.partition(":")
    if name == "all-at-once":
        if rest:
            raise InvalidStagesError(f"{text!r}: all-at-once takes no weight", hint="Set its bake with --bake.")
        return (Stage(FULL, bake),)
    first, _, every = rest.partition(":")
    default_first, _, default_every = _NAMED[name].partition(":")
    step = _weight(first or default_first, text)
    pause = parse_duration(every or default_every)
    weights: list[int] = []
    weight = step
    while weight < FULL and len(weights) < _MOST_STAGES:
        weights.append(weight)
        weight = {"canary": FULL, "linear": weight + step, "exponential": weight * 2}[name]
    return check_stages((*(Stage(w, pause) for w in weights), Stage(FULL, bake)), text)


def check_stages(stages: tuple[Stage, ...], text: str) -> tuple[Stage, ...]:
    """Give the stages back if their weights rise strictly to 100 %.

    Raises:
        InvalidStagesError: they do not, or there are too many.
    """
    if len(stages) > _MOST_STAGES:
        raise InvalidStagesError(
            f"{text!r} has more than {_MOST_STAGES} stages",
            hint="Take larger steps: every stage is an alias write.",
        )
    for earlier, later in itertools.pairwise(stages):
        if later.weight <= earlier.weight:
            raise InvalidStagesError(
                f"{text!r}: {percent(later.weight)} does not rise above {percent(earlier.weight)}",
                hint="Each stage must send more traffic to the candidate than the one before.",
            )
    if not stages or stages[-1].weight != FULL:
        raise InvalidStagesError(
            f"{text!r} does not end at 100 %", hint="End with the whole traffic, for instance ...,100%:10m."
        )
    return stages


def _stage(part: str, text: str) -> Stage:
    weight, colon, bake = part.partition(":")
    if not colon:
        raise InvalidStagesError(f"{part!r} in {text!r} has no bake time", hint="Write WEIGHT:TIME, like 5%:2m.")
    return Stage(_weight(weight, text), parse_duration(bake))


def _weight(part: str, text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?%", part)
    if not found:
        raise InvalidStagesError(
            f"{part!r} in {text!r} is not a weight",
            hint="Weights are per cent with at most two decimals: 5% or 0.25%.",
        )
    weight = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))
    if not 0 < weight <= FULL:
        raise InvalidStagesError(
            f"{part!r} in {text!r} is not above 0 % and at most 100 %",
            hint="Weights are the candidate's share.",
        )
    return weight


def _unknown(text: str) -> UnknownStrategyError:
    # Every1Minutes is nearer to Every1Minute than to Every10Minutes, which difflib does not know.
    folded = {name.lower().rstrip("s"): name for name in STRATEGIES}
    bare = _CODEDEPLOY_PREFIX.sub("", text, count=1).split(":", 1)[0].lower().rstrip("s")
    near = difflib.get_close_matches(bare, folded, n=1, cutoff=0.5)
    return UnknownStrategyError(
        f"no strategy is called {text!r}",
        hint=f"Did you mean {folded[near[0]]}?" if near else "Write stages like 5%:2m,25%:5m,100%:10m, or canary.",
    )
