"""Is the candidate worse than the stable version? A comparison that may be looked at as often as one likes.

**The question.** In one period both versions met the same users and the same downstream systems, so only the *split* of
the bad requests tells the versions apart. If a request to the candidate is bad with theta times the odds of one to the
stable version, and the candidate had the part s of the requests, then of x bad requests the candidate's number is
Binomial(x, s*theta / (1 - s + s*theta)). How many bad requests there were, and why, drops out: a shared incident, the
time of day and a change of weights between periods leave the question as it is.

**The evidence.** One log-likelihood per theta of a grid around the tolerance t, added up over periods::

    L(theta) += (bad_candidate * log(theta) - bad_both * log(1 - s + s * theta)) / dispersion

- *Fail* when the weighted mean over the grid's theta > t, and over when the harm began, of exp(L(theta) - L(t)) *since
  then* reaches 1 / alpha. That mean is a nonnegative supermartingale that starts at 1 while the true theta is at most
  t, so it *ever* reaches 1 / alpha with probability alpha at most (Ville 1939, "Etude critique de la notion de
  collectif"; Howard, Ramdas, McAuliffe, Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences";
  for counts: Lindon and Malek 2022, "Anytime-valid inference for multinomial count data"). Looking often costs nothing.
- *Acquitted* when the same mean over theta < 2t, against 2t, reaches 1 / beta: a version that is twice as bad as
  tolerated is acquitted with probability beta at most. Between t and 2t both may take long, so what was seen must
  also be nearer to stable's than to the tolerance.
  While the evidence against it is 2 or more it is not acquitted: most versions that fail later come that far before
  their next stage, and of those within the tolerance less than half ever do.
- *Interval*: every theta against which the mean over the whole grid is under 1 / alpha, were theta the same all along:
  it is of the whole release, not of the time since the harm began, and can hold t when the candidate fails.
- *Limit* and *budget* ask the same of the candidate's own rate p, with the likelihood p^bad * (1-p)^good. Where there
  are hardly any bad requests to split, the budget is what acquits. With a limit, the mean of both evidences convicts.

**When the harm began** is not known, and what was good until then must not speak for what is not. A bet of part w on
theta that is placed when the k-th period with a bad request is about to come is worth w until then, and w times the
likelihood ratio of all later periods after: nonnegative, and a supermartingale, because nothing that decides when it is
placed lies after it. So is the sum of such bets, which starts at the sum of their parts: 0.8 are placed at once and
0.2 / (k (k + 1)) at the k-th, which add up to 1. All bets on one theta share their future, so one number a theta is
enough, ``S = (S + 0.2 / (k (k + 1))) * ratio``, and the bets that are still to come are worth 0.2 / (k + 1). (Mixing
over the time of a change: Shiryaev 1963, "On optimum methods in quickest detection problems"; for e-processes: Shin,
Ramdas, Rinaldo 2022, "E-detectors".) Only conviction has it: a version that was good lately, but not before, is not
acquitted for it; and the limit is asked of the whole release.

**The dispersion** is the number of bad requests that come as one: an event retried, a batch, one sick environment.
Dividing by it keeps all of this true for clusters, because E[X^(k/d)] <= E[X]^(k/d) for k <= d (Jensen). It is
estimated from the stable version's history, in ``core/baseline.py``.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from operator import mul
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEPS = 18  # on each side of the tolerance
_OCTAVE = 3  # steps that double theta: the grid reaches from t / 64 to 64 t
_TOLERATED = _STEPS  # where the grid has the tolerance
_TWICE = _STEPS + _OCTAVE  # and twice the tolerance
_RATES = tuple(2.0**step for step in range(1, 7))  # multiples of a limit's odds
_PARTS = tuple(1 / rate for rate in _RATES)  # of a budget's


def _shares(weights: Sequence[float]) -> tuple[float, ...]:
    """Logarithms of weights that add up to one."""
    return tuple(math.log(weight / sum(weights)) for weight in weights)


# Four times as bad as tolerated weighs half as much as the tolerance: what is a little worse than tolerated is found
# late anyway, and what is much worse is found soon with any weight.
_WEIGHTS = [2 ** (-abs(step) / (2 * _OCTAVE)) for step in range(-_STEPS, _STEPS + 1)]
_ALL, _OVER, _UNDER = _shares(_WEIGHTS), _shares(_WEIGHTS[_TOLERATED + 1 :]), _shares(_WEIGHTS[:_TWICE])
# Part of the bets that is for harm that begins later. Half of it is placed before the first bad request, so harm from
# the beginning loses a tenth of its evidence.
_LATER = 0.2
_ONSETS = tuple(math.exp(share) for share in _OVER)  # how the bets are spread over theta
_RICHEST = 1e300  # what a bet is worth at most: a float holds it, and less is never more evidence
_DOUBT = math.log(2)  # evidence against a candidate at which it is not acquitted, whatever speaks for it
_TAME = 100.0  # logarithm of a gain that needs no care
_HIGHEST = 700.0  # whose exponential a float still holds
_EQUAL = _shares([1.0] * len(_RATES))


@cache
def _grid(tolerance: float) -> tuple[tuple[float, float], ...]:
    """Each theta with its logarithm."""
    thetas = [tolerance * 2 ** (step / _OCTAVE) for step in range(-_STEPS, _STEPS + 1)]
    return tuple((theta, math.log(theta)) for theta in thetas)


@cache
def _steps(tolerance: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Each theta less one, and its logarithm: what adding a period needs, for hundreds of gates a look."""
    return tuple(theta - 1 for theta, _ in _grid(tolerance)), tuple(log for _, log in _grid(tolerance))


class Call(enum.Enum):
    """What the judge says of the candidate."""

    PASS = "pass"  # noqa: S105
    WAITING = "waiting"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Split:
    """Requests and bad ones of both versions in one period.

    Attributes:
        at: when the period began.
        length: how long it is.
        stable: requests to the stable version.
        stable_bad: those of them that were bad.
        candidate: requests to the candidate.
        candidate_bad: those of them that were bad.
    """

    at: datetime
    length: timedelta
    stable: int
    stable_bad: int
    candidate: int
    candidate_bad: int

    def __post_init__(self) -> None:
        """Refuse negative counts; more bad requests than requests are metrics that are still coming in."""
        if min(self.stable, self.stable_bad, self.candidate, self.candidate_bad) < 0:
            raise ValueError(f"a count is negative: {self}")


@dataclass(frozen=True, slots=True)
class Rule:
    """What is asked of the candidate.

    Attributes:
        tolerance: its odds of a bad request may be this multiple of stable's (of small rates: its rate).
        alpha: bound on the chance that a version within the tolerance ever fails, however often one looks.
        beta: bound on the chance that each way acquits a version that is twice as bad as tolerated, or at the budget.
        min_requests: of the candidate, in a stage, before the stage may end.
        limit: it fails also when its rate is surely above this, whatever stable's is.
        budget: it is acquitted also when its rate is surely under this.
        risk: part of all users' requests that may fail in a stage that leaves stable some traffic: such a stage ends
            sooner, because the next one is watched as well.
    """

    tolerance: float = 1.5
    alpha: float = 0.01
    beta: float = 0.05
    min_requests: int = 0
    limit: float | None = None
    budget: float | None = None
    risk: float = 0.02

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if not 0.01 <= self.tolerance <= 100:  # noqa: PLR2004
            raise ValueError(f"the tolerance is a multiple between 0.01 and 100, not {self.tolerance}")
        for name in ("alpha", "beta", "limit", "budget", "risk"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                raise ValueError(f"{name} is between 0 and 1, not {value}")

    def toward(self, share: float) -> Rule:
        """The rule by which a stage may give way to one in which the candidate has this share of all requests."""
        if share >= 1:
            return self
        return replace(self, budget=min(max(self.budget or 0.0, self.risk) / share, 0.5))


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is kept of the periods seen: sums, however many there were. Begin with `begin`.

    Attributes:
        dispersion: what the logarithms were divided by.
        tolerance: the middle of the grid.
        stable: requests to the stable version; ``stable_bad``, ``candidate``, ``candidate_bad`` alike.
        expected: bad requests of the candidate that the stable version's rate would have made, by Mantel and Haenszel.
        found: those it had, weighted in the same way.
        logs: the log-likelihoods over the grid, over dispersion.
        told: periods that had a bad request and both versions: those that say something of theta.
        onsets: for each theta over the tolerance, what the bets on it are worth, whenever they were placed.
        until: end of the last period added.
    """

    dispersion: float
    tolerance: float
    stable: int = 0
    stable_bad: int = 0
    candidate: int = 0
    candidate_bad: int = 0
    expected: float = 0.0
    found: float = 0.0
    logs: tuple[float, ...] = (0.0,) * len(_WEIGHTS)
    told: int = 0
    onsets: tuple[float, ...] = (1 - _LATER,) * _STEPS
    until: datetime | None = None

    @classmethod
    def begin(cls, dispersion: float = 1.0, tolerance: float = 1.5) -> Evidence:
        """No evidence yet.

        Raises:
            ValueError: a dispersion under 1 or not finite.
        """
        if not 1 <= dispersion < math.inf:
            raise ValueError(f"the dispersion is at least 1, not {dispersion}")
        return cls(dispersion, tolerance)

    def add(self, split: Split) -> Evidence:
        """This and one more period.

        Raises:
            ValueError: the period begins before the last one ended: it would count twice.
        """
        if self.until is not None and split.at < self.until:
            raise ValueError(f"the period of {split.at} begins before {self.until}, up to which all is counted")
        stable_bad = min(split.stable_bad, split.stable)
        bad = min(split.candidate_bad, split.candidate)
        expected, found, logs, told, onsets = self.expected, self.found, self.logs, self.told, self.onsets
        if split.stable and split.candidate and bad + stable_bad:  # else it says nothing of theta
            share = split.candidate / (split.stable + split.candidate)
            expected += stable_bad * share
            found += bad * (1 - share)
            ours, both = bad / self.dispersion, (bad + stable_bad) / self.dispersion
            less_one, log_thetas = _steps(self.tolerance)
            log1p = math.log1p
            added = [
                ours * log_theta - both * log1p(share * step)
                for step, log_theta in zip(less_one, log_thetas, strict=True)
            ]
            logs = tuple([log + more for log, more in zip(logs, added, strict=True)])
            told += 1
            onsets = _with_one_more(onsets, told, added)
        return Evidence(
            self.dispersion,
            self.tolerance,
            self.stable + split.stable,
            self.stable_bad + stable_bad,
            self.candidate + split.candidate,
            self.candidate_bad + bad,
            expected,
            found,
            logs,
            told,
            onsets,
            split.at + split.length,
        )

    @property
    def against(self) -> float:
        """Logarithm of the evidence that the candidate is, or became, worse than tolerated."""
        return math.log(math.fsum(map(mul, self.onsets, _ONSETS)) + _LATER / (self.told + 1))

    @property
    def ratio(self) -> float | None:
        """How many times as bad the candidate is, pooled over periods; None without a bad request on either side."""
        if self.expected:
            return self.found / self.expected
        return math.inf if self.found else None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judge says, and everything it says it from.

    Attributes:
        call: fail, pass, or waiting for traffic.
        reason: the call in words; whose beginning, what was counted as bad, is the caller's to say.
        rule: what was asked.
        seen: requests and bad ones of both sides, and their ratio, of all periods that the call is about.
        evidence: against the candidate so far, by which it fails: that it is, or became, worse than tolerated.
        missing: requests of the candidate still missing in this stage.
        acquitted: passes, and is surely under twice the tolerance, or under the budget, and nothing much speaks against
            it: no need to wait longer.
    """

    call: Call
    reason: str
    rule: Rule
    seen: Evidence
    evidence: float
    missing: int
    acquitted: bool

    @property
    def needed(self) -> float:
        """Evidence at which it fails, 1 / alpha."""
        return 1 / self.rule.alpha

    @property
    def interval(self) -> tuple[float, float]:
        """The ratios that are left, with confidence 1 - alpha at every look together; (0, inf) says nothing.

        Of a ratio that is the same over the whole release: harm that began later can fail while this holds 1.
        """
        return _interval(self.rule, self.seen)


def judge(rule: Rule, evidence: Evidence, *, stage_requests: int, open_split: Split | None = None) -> Judgement:
    """Judge the candidate.

    Args:
        rule: what is asked of it.
        evidence: all closed periods of the release so far.
        stage_requests: requests to the candidate in closed periods of this stage.
        open_split: the period that is not over: it may convict, never acquit.

    Raises:
        ValueError: the evidence was begun with another tolerance.
    """
    if evidence.tolerance != rule.tolerance:
        raise ValueError(f"evidence around a tolerance of {evidence.tolerance} cannot be judged by {rule.tolerance}")
    latest = evidence if open_split is None else evidence.add(open_split)
    against = compared = latest.against
    over = -math.inf
    if rule.limit is not None:
        over = _rates(latest, rule.limit, _RATES)
        against = _mean((compared, over), (-math.log(2),) * 2)
    failed = against >= -math.log(rule.alpha)
    shown = latest if failed else evidence
    missing = max(max(rule.min_requests, 1) - stage_requests, 0)  # without one request there is nothing to pass
    call = Call.FAIL if failed else Call.WAITING if missing else Call.PASS
    sure: list[str] = []
    if call is Call.PASS and (compared if latest is evidence else evidence.against) < _DOUBT:
        sure = _acquittals(rule, evidence)
    if failed:
        sure = [f"over the limit of {rule.limit:.2%}" if over > compared else _worse(rule, latest)]
    return Judgement(
        call=call,
        reason=_reason(shown, missing if call is Call.WAITING and rule.min_requests else 0, sure),
        rule=rule,
        seen=shown,
        evidence=math.exp(min(against, _HIGHEST)),
        missing=missing,
        acquitted=call is Call.PASS and bool(sure),
    )


def _worse(rule: Rule, evidence: Evidence) -> str:
    """What the candidate was convicted of; whose counts of the whole release need not show it, if it became worse."""
    since_the_beginning = _mean(evidence.logs[_TOLERATED + 1 :], _OVER) - evidence.logs[_TOLERATED]
    now = "" if since_the_beginning >= -math.log(rule.alpha) else "by now "
    return f"{now}over {rule.tolerance:g} times stable's"


def _acquittals(rule: Rule, evidence: Evidence) -> list[str]:
    """What the candidate is surely under, if what was seen of it is nearer to stable's than to what is tolerated.

    Without the second, most versions that are somewhat worse than tolerated would be acquitted before they fail.
    """
    needed, near = -math.log(rule.beta), math.sqrt(rule.tolerance)
    found = []
    if (
        evidence.found <= near * evidence.expected
        and _mean(evidence.logs[:_TWICE], _UNDER) - evidence.logs[_TWICE] >= needed
    ):
        found.append(f"under {2 * rule.tolerance:g} times stable's")
    if (
        rule.budget is not None
        and evidence.candidate_bad <= rule.budget / 2 / near * evidence.candidate
        and _rates(evidence, rule.budget, _PARTS) >= needed
    ):
        found.append(f"under {rule.budget:.2%}")
    return found


def _with_one_more(onsets: Sequence[float], told: int, added: Sequence[float]) -> tuple[float, ...]:
    """The bets over theta after one more period that says something, which is the ``told``-th."""
    bet, middle, exp = _LATER / (told * (told + 1)), added[_TOLERATED], math.exp
    over = added[_TOLERATED + 1 :]
    if max(over) - middle < _TAME and max(onsets) < _RICHEST / exp(_TAME) / 2:
        return tuple([(worth + bet) * exp(more - middle) for worth, more in zip(onsets, over, strict=True)])
    gains = [exp(min(more - middle, _HIGHEST)) for more in over]
    return tuple([min((worth + bet) * gain, _RICHEST) for worth, gain in zip(onsets, gains, strict=True)])


def _mean(logs: Sequence[float], weights: Sequence[float]) -> float:
    """Logarithm of the weighted mean of what these are the logarithms of, without overflow."""
    weighted = [log + weight for log, weight in zip(logs, weights, strict=True)]
    highest, exp = max(weighted), math.exp
    return highest + math.log(math.fsum([exp(log - highest) for log in weighted]))


def _rates(evidence: Evidence, rate: float, factors: Sequence[float]) -> float:
    """Logarithm of the evidence that the candidate's own odds are some multiple of this rate's."""
    bad, good = evidence.candidate_bad, evidence.candidate - evidence.candidate_bad
    logs = []
    for factor in factors:
        shift = -math.log1p(rate * (factor - 1))  # of log(1 - p) when the odds are multiplied
        logs.append((bad * (math.log(factor) + shift) + good * shift) / evidence.dispersion)
    return _mean(logs, _EQUAL)


def _interval(rule: Rule, evidence: Evidence) -> tuple[float, float]:
    """From the last theta ruled out below to the first ruled out above."""
    highest = _mean(evidence.logs, _ALL) + math.log(rule.alpha)
    left = [place for place, log in enumerate(evidence.logs) if log > highest]
    low, high = left[0] - 1, left[-1] + 1
    grid = _grid(rule.tolerance)
    return grid[low][0] if low >= 0 else 0.0, grid[high][0] if high < len(grid) else math.inf


def _reason(seen: Evidence, missing: int, sure: Sequence[str]) -> str:
    said = f"{missing} more request{'s' if missing > 1 else ''} needed" if missing else "not shown to be worse"
    if sure:
        said = "surely " + " and ".join(sure)
    return f"{_share(seen.candidate_bad, seen.candidate)}, stable {_share(seen.stable_bad, seen.stable)}: {said}"


def _share(bad: int, requests: int) -> str:
    return f"{bad / requests:.2%} of {requests}" if requests else "no requests"
