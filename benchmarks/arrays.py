"""``core/judge.py`` over arrays, a row a release, so that thousands can be judged; `agree` holds it to the original."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.worlds import Bools, Floats, Ints
from lambdaops.core import baseline
from lambdaops.core import judge as core

MIDDLE, TWICE = core._TOLERATED, core._TWICE
FACTORS = np.asarray(core._RATES)
ONSETS, UNDER, EQUAL = (np.asarray(weights) for weights in (core._ONSETS, core._UNDER, core._EQUAL))


def mean(logs: Floats, weights: Floats) -> Floats:
    weighted = logs + weights
    highest = weighted.max(axis=1)
    result: Floats = highest + np.log(np.exp(weighted - highest[:, None]).sum(axis=1))
    return result


@dataclass
class Evidence:
    """As in the core, a row a release."""

    dispersion: Floats
    tolerance: float
    logs: Floats
    candidate: Ints
    bad: Ints
    expected: Floats
    found: Floats
    told: Ints
    onsets: Floats

    @classmethod
    def begin(cls, dispersion: Floats, tolerance: float = 1.5) -> Evidence:
        runs = len(dispersion)
        none = np.zeros(runs, np.int64)
        zeros = np.zeros(runs)
        onsets = np.full((runs, core._STEPS), 1 - core._LATER)
        logs = np.zeros((runs, len(core._ALL)))
        return cls(dispersion, tolerance, logs, none, none.copy(), zeros, zeros.copy(), none.copy(), onsets)

    def more(self, rows: Ints, counts: tuple[Ints, Ints, Ints, Ints]) -> Floats:
        """What these counts, of these rows, add to the logarithms."""
        stable, stable_bad, candidate, bad = counts
        added = np.zeros((len(rows), len(core._ALL)))
        told = (stable > 0) & (candidate > 0) & (bad + stable_bad > 0)
        if told.any():
            theta, log = np.asarray(core._grid(self.tolerance)).T
            share = (candidate[told] / (stable[told] + candidate[told]))[:, None]
            both = (bad[told] + stable_bad[told])[:, None]
            added[told] = bad[told][:, None] * log - both * np.log1p(share * (theta - 1))
            added[told] /= self.dispersion[rows[told]][:, None]
        return added

    def then(self, rows: Ints, counts: tuple[Ints, Ints, Ints, Ints], more: Floats) -> tuple[Ints, Floats]:
        """Periods that said something, and the bets over theta, of these rows after these counts."""
        stable, stable_bad, candidate, bad = counts
        says = (stable > 0) & (candidate > 0) & (bad + stable_bad > 0)
        told = self.told[rows] + says
        bet = np.where(says, core._LATER / np.maximum(told * (told + 1), 1), 0.0)
        gain = np.exp(np.minimum(more[:, MIDDLE + 1 :] - more[:, [MIDDLE]], core._HIGHEST))
        onsets: Floats = np.minimum((self.onsets[rows] + bet[:, None]) * gain, core._RICHEST)
        return told, onsets

    def add(self, rows: Ints, counts: tuple[Ints, Ints, Ints, Ints]) -> None:
        stable, stable_bad, candidate, bad = counts
        share = candidate / np.maximum(stable + candidate, 1)
        compared = (stable > 0) & (candidate > 0)
        more = self.more(rows, counts)
        self.told[rows], self.onsets[rows] = self.then(rows, counts, more)
        self.logs[rows] += more
        self.candidate[rows] += candidate
        self.bad[rows] += bad
        self.expected[rows] += np.where(compared, stable_bad * share, 0.0)
        self.found[rows] += np.where(compared, bad * (1 - share), 0.0)

    def against(self, rows: Ints, counts: tuple[Ints, Ints, Ints, Ints] | None = None) -> Floats:
        """Logarithm of the evidence against each candidate, with the counts of a period that is not over."""
        told, onsets = self.told[rows], self.onsets[rows]
        if counts is not None:
            told, onsets = self.then(rows, counts, self.more(rows, counts))
        result: Floats = np.log(onsets @ ONSETS + core._LATER / (told + 1))
        return result

    def convicts(self, rows: Ints, alpha: float, counts: tuple[Ints, Ints, Ints, Ints] | None = None) -> Bools:
        result: Bools = self.against(rows, counts) >= -np.log(alpha)
        return result

    def acquits(self, rows: Ints, budget: Floats, beta: float) -> Bools:
        """By the ratio or by the budget, one a row."""
        logs = self.logs[rows]
        ratio = mean(logs[:, :TWICE], UNDER) - logs[:, TWICE]
        shift = -np.log1p(budget[:, None] * (1 / FACTORS - 1))
        bad, good = self.bad[rows][:, None], (self.candidate[rows] - self.bad[rows])[:, None]
        under = mean((bad * (-np.log(FACTORS) + shift) + good * shift) / self.dispersion[rows][:, None], EQUAL)
        within = self.found[rows] <= np.sqrt(self.tolerance) * self.expected[rows]
        below = self.bad[rows] <= budget / 2 / np.sqrt(self.tolerance) * self.candidate[rows]
        result: Bools = (within & (ratio >= -np.log(beta))) | (below & (under >= -np.log(beta)))
        result &= self.against(rows) < core._DOUBT
        return result


def dispersion(requests: Ints, bad: Ints) -> Floats:
    """As in the core, a row a history."""
    runs, periods = bad.shape
    found = np.full(runs, 1 + max(0.0, 1 - periods / baseline._KNOWN))
    for scale in baseline._SCALES:
        if periods < 3 * scale:
            continue
        sums = [np.pad(x.cumsum(axis=1), ((0, 0), (1, 0))) for x in (requests, bad)]
        n, b = ((x[:, scale:] - x[:, :-scale]).astype(np.float64) for x in sums)
        n0, n1, n2 = n[:, : -2 * scale], n[:, scale:-scale], n[:, 2 * scale :]
        b0, b1, b2 = b[:, : -2 * scale], b[:, scale:-scale], b[:, 2 * scale :]
        known = np.maximum((n0 + n1) * (n1 + n2), 1.0)
        spread = (b1 * n0 - b0 * n1) * (b1 * n2 - b2 * n1) / known
        total = b1 * n0 * n2 / known
        if periods >= baseline._KNOWN:
            away = np.arange(spread.shape[1])[None, :] - spread.argmax(axis=1)[:, None]
            near = (away >= -baseline._INCIDENT) & (away < baseline._INCIDENT)
            spread, total = np.where(near, 0.0, spread), np.where(near, 0.0, total)
        spread, total = spread.sum(axis=1), total.sum(axis=1)
        size = np.divide(spread, total, out=np.zeros(runs), where=total > 0)
        found = np.where(size > 1 + baseline._CHANCE * np.sqrt(scale / periods), np.maximum(found, size), found)
    return found


def agree(runs: int = 40, minutes: int = 20) -> None:
    """Judge random releases by both; any difference ends the benchmark."""
    random = np.random.default_rng(1)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    minute = timedelta(minutes=1)
    past = random.poisson(1000, (runs, 800)), random.poisson(random.uniform(0, 3, (runs, 1)), (runs, 800)) * 2
    spread = dispersion(*past)
    ours = Evidence.begin(spread)
    theirs = []
    for row in range(runs):
        one = baseline.dispersion([(int(n), int(b)) for n, b in zip(past[0][row], past[1][row], strict=True)])
        if abs(one - spread[row]) > 1e-9:
            raise SystemExit(f"dispersion differs: {one} and {spread[row]}")
        theirs.append(core.Evidence.begin(float(spread[row])))
    rows = np.arange(runs)
    for at in range(minutes):
        stable, candidate = random.poisson(900, runs), random.poisson(100, runs)
        bad = random.binomial(candidate, random.choice([0.001, 0.004, 0.02], runs))
        counts = (stable, random.binomial(stable, 0.002), candidate, bad)
        ours.add(rows, counts)
        for row in range(runs):
            split = core.Split(start + at * minute, minute, *(int(count[row]) for count in counts))
            theirs[row] = theirs[row].add(split)
        rule = core.Rule(budget=0.01)
        said = [core.judge(rule, one, stage_requests=1) for one in theirs]
        if not np.allclose([one.against for one in theirs], ours.against(rows), rtol=1e-9, atol=1e-9):
            raise SystemExit("the array judge has other evidence than core/judge.py")
        fails = ours.convicts(rows, rule.alpha)
        acquits = ours.acquits(rows, np.full(runs, 0.01), rule.beta) & ~fails
        if [one.call is core.Call.FAIL for one in said] != fails.tolist():
            raise SystemExit("the array judge convicts others than core/judge.py")
        if [one.acquitted for one in said] != acquits.tolist():
            raise SystemExit("the array judge acquits others than core/judge.py")
