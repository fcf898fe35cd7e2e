"""Strategies resolved into a plan: a printable, validated value that says everything a release will do.

Rules this file guarantees: weights rise strictly to exactly 100 %; the last stage is 100 % and bakes too; CodeDeploy's
predefined Lambda configurations resolve to CodeDeploy's own weights and times.
"""

from __future__ import annotations

import difflib
import enum
import itertools
import re
from dataclasses import dataclass, replace
from datetime import timedelta

from lambdaops.core.comparison import PERIOD, Comparison
from lambdaops.core.duration import format_duration, parse_duration
from lambdaops.core.errors import InvalidStagesError, UnknownStrategyError
from lambdaops.core.metric_gates import MetricGate
from lambdaops.core.model import FULL, Routing, percent

DEFAULT_STRATEGY = "canary"
DEFAULT_BAKE = timedelta(minutes=5)
DEFAULT_LOOK_EVERY = timedelta(seconds=10)
DEFAULT_PATIENCE = timedelta(minutes=10)
REVERT_WITHIN = timedelta(minutes=5)
PAUSE_LIMIT = timedelta(hours=1)
NEW_VERSION = "new"
"""Stands for the candidate in a plan made before its code is published."""

_MOST_STAGES = 100


class OnInconclusive(enum.Enum):
    """What happens when patience ends without a usable verdict.

    ``PROMOTE`` goes on where data is missing; where AWS cannot be read or written, it holds.
    """

    ROLLBACK = "rollback"
    HOLD = "hold"
    PROMOTE = "promote"


class OnTimeout(enum.Enum):
    """What a manual gate does when nobody approved in time."""

    ROLLBACK = "rollback"
    HOLD = "hold"
    PROMOTE = "promote"


@dataclass(frozen=True, slots=True)
class ManualGate:
    """After its bake the stage waits for a person, at most ``within``; ``then`` is what happens without one."""

    within: timedelta
    then: OnTimeout = OnTimeout.ROLLBACK

    def __str__(self) -> str:
        return f"hold:{format_duration(self.within)}:{self.then.value}"


@dataclass(frozen=True, slots=True)
class Stage:
    """A weight in basis points, how long it must stay good, and whether a person must then approve."""

    weight: int
    bake: timedelta
    gate: ManualGate | None = None

    def __str__(self) -> str:
        text = f"{percent(self.weight).replace(' ', '')}:{format_duration(self.bake)}"
        return text if self.gate is None else f"{text},{self.gate}"


@dataclass(frozen=True, slots=True)
class Plan:
    """One release, decided in full before the first write.

    ``patience`` bounds how long a release waits without a usable verdict; ``look_every`` is the longest time between
    two looks at the gates; ``revert_within`` bounds how long a refused rollback is tried again. ``provisioned`` is
    true when the alias has provisioned concurrency: AWS then puts weights on it by itself for a while. ``comparisons``
    are what the judge is asked, over metrics of this ``period``; ``adaptive`` lets it end a stage before its bake is
    over, once it is sure that the candidate is not worse. ``metrics`` are gates with a threshold.
    ``log_group`` is where the candidate logs; without one nobody looks for its errors after a rollback.
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
    comparisons: tuple[Comparison, ...] = ()
    period: timedelta = PERIOD
    adaptive: bool = False
    metrics: tuple[MetricGate, ...] = ()
    log_group: str = ""

    @property
    def baseline(self) -> Routing:
        """Where a rollback returns to: all traffic on the stable version."""
        return Routing(self.stable)

    @property
    def duration(self) -> timedelta:
        """The shortest time to promotion: every bake once."""
        return sum((stage.bake for stage in self.stages), timedelta())

    @property
    def limit(self) -> timedelta:
        """The longest time until it is promoted, held, or begins to go back; a person's pause comes on top.

        Each stage may wait for ``patience`` beyond its bake, and so may the first write.
        """
        waits = (
            stage.bake + self.patience + (stage.gate.within if stage.gate else timedelta()) for stage in self.stages
        )
        return sum(waits, self.patience)

    def routing_at(self, stage: int) -> Routing:
        """The routing that stage demands; at 100 % the candidate becomes primary and the weights are cleared."""
        weight = self.stages[stage].weight
        return Routing(self.candidate) if weight == FULL else Routing(self.stable, self.candidate, weight)

    def owns(self, routing: Routing) -> bool:
        """Whether this plan could have put that routing on the alias."""
        return routing == self.baseline or any(routing == self.routing_at(i) for i in range(len(self.stages)))


_ASKED = ("stages", "alarms", "ignored", "look_every", "patience", "on_inconclusive", "period", "adaptive", "metrics")


def differences(asked: Plan, planned: Plan, *, insists: bool = False) -> tuple[str, ...]:
    """What a release that is asked for now would do otherwise than the one that was planned, in words.

    Args:
        asked: as it was asked for, nothing in it completed by preflight yet.
        planned: as preflight left it.
        insists: whether comparing was asked for. Where it was not, preflight may have let go of it.
    """
    found = [
        f"{name} {_shown(before)}, now {_shown(now)}"
        for name in _ASKED
        if (before := getattr(planned, name)) != (now := getattr(asked, name))
    ]
    compares = any(stage.weight < FULL for stage in planned.stages) and (planned.comparisons or insists)
    before, now = (tuple(_compared(one, exactly=insists) for one in plan.comparisons) for plan in (planned, asked))
    if compares and before != now:
        found.append(f"compare {_shown(before)}, now {_shown(now)}")
    return tuple(found)


def _compared(one: Comparison, *, exactly: bool) -> str:
    """A comparison as it was asked for, without what preflight measured."""
    least = f", {one.min_requests} requests" if exactly and one.acts else ""
    return f"{one} (alpha {one.alpha / FULL:g}{least})"


def _shown(value: object) -> str:
    match value:
        case tuple():
            return ",".join(str(item) for item in value) or "none"
        case timedelta():
            return format_duration(value)
        case enum.Enum():
            return str(value.value)
        case _:
            return str(value)


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
_NAMED = {"all-at-once": "", "canary": "10%:5m", "linear": "10%:1m", "exponential": "1%:2m", "adaptive": "1h"}
_ADAPTIVE = (100, 500, 2000)
"""Weights in basis points: a fault that breaks everything is met by one request in a hundred.

The last one lasts longest where nobody can be sure: after it there is nothing to compare with, and five times one error
in a thousand takes most of an hour to show with 200 requests a minute.
"""
STRATEGIES = (*_NAMED, *CODEDEPLOY)


def is_adaptive(strategy: str) -> bool:
    """Whether the judge may end the stages of this strategy before their bake is over."""
    return strategy.partition(":")[0] == "adaptive"


def resolve_strategy(text: str, bake: timedelta = DEFAULT_BAKE) -> tuple[Stage, ...]:
    """Turn a strategy into stages.

    Args:
        text: ``all-at-once``, ``canary[:10%[:5m]]``, ``linear[:10%[:1m]]``, ``exponential[:1%[:2m]]`` (doubling),
            ``adaptive[:1h]`` (1 %, 5 %, 20 %, the last for at most that long, the others for a sixth of it), one of
            CodeDeploy's names, or stages written out: ``5%:2m,25%:5m,100%:10m``. Between written-out stages
            ``hold[:1h[:rollback|hold|promote]]`` waits for a person.
        bake: how long 100 % must stay good where the strategy does not say so itself.

    Raises:
        UnknownStrategyError: with the nearest known name.
        InvalidStagesError: the weights do not rise to 100 %, a hold stands first or last, or there are more than a
            hundred stages.
        InvalidDurationError: a bake time that cannot be read.
    """
    if "%" in text.split(":", 1)[0]:
        return check_stages(_written_out(text), text)
    known = text if text.split(":", 1)[0] in _NAMED else CODEDEPLOY.get(_CODEDEPLOY_PREFIX.sub("", text, count=1))
    if known is None:
        raise _unknown(text)
    name, _, rest = known.partition(":")
    if name == "all-at-once":
        if rest:
            raise InvalidStagesError(f"{text!r}: all-at-once takes no weight", hint="Set its bake with --bake.")
        return (Stage(FULL, bake),)
    if name == "adaptive":
        longest = parse_duration(rest or _NAMED[name])
        sixth = timedelta(seconds=max(longest // timedelta(seconds=6), 1))
        return (*(Stage(weight, sixth) for weight in _ADAPTIVE[:-1]), Stage(_ADAPTIVE[-1], longest), Stage(FULL, bake))
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


def _written_out(text: str) -> tuple[Stage, ...]:
    parts = [part.strip() for part in text.split(",")]
    stages: list[Stage] = []
    for number, part in enumerate(parts, 1):
        if part.partition(":")[0] != "hold":
            stages.append(_stage(part, text))
        elif stages[-1].gate is not None or number == len(parts):
            raise InvalidStagesError(
                f"{part!r} in {text!r} does not stand between two stages",
                hint="A hold waits for a person before the next stage: 10%:5m,hold:1h,100%:10m.",
            )
        else:
            stages[-1] = replace(stages[-1], gate=_manual_gate(part, text))
    return tuple(stages)


def _manual_gate(part: str, text: str) -> ManualGate:
    _, _, rest = part.partition(":")
    within, _, then = rest.partition(":")
    try:
        consequence = OnTimeout(then or OnTimeout.ROLLBACK.value)
    except ValueError:
        raise InvalidStagesError(
            f"{then!r} in {text!r} is not what a hold can end in",
            hint="Write hold:TIME:rollback, hold:TIME:hold or hold:TIME:promote.",
        ) from None
    return ManualGate(parse_duration(within) if within else PAUSE_LIMIT, consequence)


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
