"""What stops a release, and what moves it on: ours and those of the field, over arrays of releases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.arrays import Evidence
from benchmarks.worlds import Bools, Floats, Flow, Ints
from lambdaops.cli.defaults import MIN_REQUESTS
from lambdaops.core.judge import Rule
from lambdaops.core.model import FULL
from lambdaops.core.plan import DEFAULT_PATIENCE, resolve_strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.worlds import World


HOUR = 60
FIXED = (0.05,) * 5 + (0.25,) * 55  # the stages under which gates are compared: 5 % for 5 minutes, then 25 %
ADAPTIVE = resolve_strategy("adaptive")[:-1]
GROWING = tuple(stage.weight / FULL for stage in ADAPTIVE)  # the adaptive strategy's shares before 100 %
LONGEST = tuple(stage.bake // timedelta(minutes=1) for stage in ADAPTIVE)  # minutes until a stage ends anyway
PATIENCE = DEFAULT_PATIENCE // timedelta(minutes=1)  # minutes that it waits longer for its requests, before it is held
CANARY = (0.10,) * 5  # CodeDeploy's Canary10Percent5Minutes
RULE = Rule()


@dataclass
class Outcome:
    """Of each release: when it was rolled back or fully promoted (minutes, nan if not) and what it cost users.

    Attributes:
        stopped: minute of the rollback.
        full: minute of the full promotion.
        failed: users' requests the candidate failed beyond stable's rate, without those of the first harmful minute.
        exposed: requests to the candidate before it had everything.
    """

    stopped: Floats
    full: Floats
    failed: Floats
    exposed: Floats


@dataclass
class Seen:
    """Counts of a whole hour under the fixed stages, minute by minute, in halves."""

    halves: list[tuple[Ints, Ints, Ints, Ints]]
    minutes: list[tuple[Ints, Ints, Ints, Ints]]
    excess: Floats  # (runs, minutes): the candidate's bad requests beyond stable's rate


def _each(counts: Iterable[Ints]) -> tuple[Ints, Ints, Ints, Ints]:
    stable, stable_bad, candidate, bad = counts
    return stable, stable_bad, candidate, bad


def watch(world: World, random: np.random.Generator, runs: int, weights: tuple[float, ...]) -> Seen:
    rows = np.arange(runs)
    flow = Flow.begin(world, random, runs, len(weights))
    halves, minutes, excess = [], [], []
    for minute, weight in enumerate(weights):
        both = [flow.half_minute(minute, half, np.full(runs, weight), rows) for half in (0, 1)]
        halves.append(both[0])
        whole = _each(a + b for a, b in zip(*both, strict=True))
        minutes.append(whole)
        excess.append(whole[3] - whole[2] * world.stable_rate(minute))
    return Seen(halves, minutes, np.stack(excess, axis=1))


def cost(world: World, excess: Floats, stopped: Floats, after: Floats | None = None) -> Floats:
    """Failed requests until the rollback, or in the whole hour; a rollback within a minute costs its part of it."""
    counted = excess.copy()
    counted[:, world.after] = 0.0
    until = np.where(np.isnan(stopped), excess.shape[1], stopped)[:, None]
    part = np.clip(until - np.arange(excess.shape[1])[None, :], 0.0, 1.0)
    failed: Floats = (counted * part).sum(axis=1)
    return failed if after is None else failed + np.where(np.isnan(stopped), after, 0.0)


def first(objects: Bools, delay: int) -> Floats:
    """The minute of the first objection, read when the metrics are there."""
    at = objects.argmax(axis=1) + 1.0 + delay
    return np.where(objects.any(axis=1) & (at <= objects.shape[1]), at, np.nan)


def fixed(world: World, seen: Seen, dispersion: Floats, budget: Floats) -> tuple[Outcome, Bools]:
    """Our judge under the fixed stages, and which releases it neither stopped nor acquitted."""
    runs, delay = len(dispersion), world.delay
    evidence = Evidence.begin(dispersion)
    stopped = np.full(runs, np.nan)
    acquitted = np.zeros(runs, bool)
    for now in range(HOUR):
        minute = now - delay
        if minute < 0:
            continue
        rows = np.flatnonzero(np.isnan(stopped))
        if not delay:
            half = _each(count[rows] for count in seen.halves[minute])
            stopped[rows[evidence.convicts(rows, RULE.alpha, half)]] = now + 0.5
            rows = np.flatnonzero(np.isnan(stopped))
        counts = _each(count[rows] for count in seen.minutes[minute])
        evidence.add(rows, counts)
        stopped[rows[evidence.convicts(rows, RULE.alpha)]] = now + 1.0
        rows = rows[np.isnan(stopped[rows])]
        acquitted[rows] |= evidence.acquits(rows, budget[rows], RULE.beta)
    undecided = np.isnan(stopped) & ~acquitted
    return Outcome(stopped, np.full(runs, float(HOUR)), cost(world, seen.excess, stopped), np.zeros(runs)), undecided


def adaptive(world: World, random: np.random.Generator, dispersion: Floats, budget: Floats) -> tuple[Outcome, Bools]:
    """Our judge moves the release on as soon as it acquits it for the next share, and rolls it back when it fails.

    In between, a stage ends when it lasted long enough and the candidate had its requests; one that does not get them
    is held where it is, with nobody to judge it any more.
    """
    runs, delay = len(dispersion), world.delay
    flow = Flow.begin(world, random, runs, HOUR)
    evidence = Evidence.begin(dispersion)
    stopped, full = np.full(runs, np.nan), np.full(runs, np.nan)
    stage, entered, served = (np.zeros(runs, np.int64) for _ in range(3))
    held = np.zeros(runs, bool)
    failed, exposed = np.zeros(runs), np.zeros(runs)
    after = (*GROWING[1:], 1.0)
    late: list[tuple[Ints, tuple[Ints, Ints, Ints, Ints]]] = []
    for now in range(HOUR):
        rows = np.flatnonzero(np.isnan(stopped) & np.isnan(full))
        harm = world.candidate_rate(now) - world.stable_rate(now)
        promoted = ~np.isnan(full)
        if now != world.after:
            failed[promoted] += world.rpm * float(world.swing(now)) * harm
        if not len(rows):
            continue
        share = np.asarray(GROWING)[stage[rows]]
        one = flow.half_minute(now, 0, share, rows)
        other = flow.half_minute(now, 1, share, rows)
        convicted = np.zeros(len(rows), bool)
        if not delay:
            convicted = evidence.convicts(rows, RULE.alpha, one) & ~held[rows]
        for counts, went in ((one, np.ones(len(rows), bool)), (other, ~convicted)):
            exposed[rows] += np.where(went, counts[2], 0)
            if now != world.after:
                failed[rows] += np.where(went, counts[3] - counts[2] * world.stable_rate(now), 0.0)
        stopped[rows[convicted]] = now + 0.5
        kept = ~convicted
        late.append((rows[kept], _each((a + b)[kept] for a, b in zip(one, other, strict=True))))
        if now < delay:
            continue
        rows, counts = late[now - delay]
        alive = np.isnan(stopped[rows]) & np.isnan(full[rows]) & ~held[rows]
        rows, counts = rows[alive], _each(count[alive] for count in counts)
        evidence.add(rows, counts)
        served[rows] += np.where(now - delay >= entered[rows], counts[2], 0)
        fails = evidence.convicts(rows, RULE.alpha)
        stopped[rows[fails]] = now + 1.0
        rows = rows[~fails]
        rows = rows[now - delay >= entered[rows]]  # a stage is judged by a period of its own at least
        share = np.asarray(after)[stage[rows]]
        allowed = np.where(share < 1, np.minimum(np.maximum(budget[rows], RULE.risk) / share, 0.5), budget[rows])
        lasted, longest = now + 1 - entered[rows], np.asarray(LONGEST)[stage[rows]]
        goes = evidence.acquits(rows, allowed, RULE.beta)
        goes |= (lasted >= longest) & (served[rows] >= int(MIN_REQUESTS))
        held[rows[~goes & (lasted >= longest + PATIENCE)]] = True
        moved = rows[goes]
        stage[moved] += 1
        entered[moved], served[moved] = now + 1, 0
        full[moved[stage[moved] == len(GROWING)]] = now + 1.0
    return Outcome(stopped, full, failed, exposed), np.isnan(stopped) & np.isnan(full)


def alarm(bad: Ints, requests: Ints, stable_bad: Ints, stable: Ints) -> Bools:
    """SAM's sample alarm: Errors of the new version over 0 in two periods of 60 s in a row."""
    some = bad > 0
    twice: Bools = some.copy()
    twice[:, 1:] &= some[:, :-1]
    twice[:, 0] = False
    return twice


def any_error(bad: Ints, requests: Ints, stable_bad: Ints, stable: Ints) -> Bools:
    return np.asarray(bad > 0)


def five_percent(bad: Ints, requests: Ints, stable_bad: Ints, stable: Ints) -> Bools:
    return np.asarray(bad > 0.05 * requests)


def z_test(bad: Ints, requests: Ints, stable_bad: Ints, stable: Ints) -> Bools:
    """Two proportions, all so far, p < 0.05 on one side, every minute."""
    x1, n1, x0, n0 = (np.cumsum(x, axis=1).astype(np.float64) for x in (bad, requests, stable_bad, stable))
    n1, n0 = np.maximum(n1, 1.0), np.maximum(n0, 1.0)
    pooled = (x1 + x0) / (n1 + n0)
    error = np.sqrt(np.maximum(pooled * (1 - pooled) * (1 / n1 + 1 / n0), 1e-18))
    return np.asarray(((x1 / n1 - x0 / n0) / error > NormalDist().inv_cdf(0.95)) & (x1 > 0))


def mann_whitney(bad: Ints, requests: Ints, stable_bad: Ints, stable: Ints) -> Bools:
    """Kayenta's NetflixACAJudge on error rates a minute, once, at 50 points a side.

    Confidence 0.98; "High" when the interval of the shift lies above 0.25 of the Hodges-Lehmann estimate.
    """
    objects = np.zeros(bad.shape, bool)
    points = 50
    low = round(points * points / 2 - NormalDist().inv_cdf(0.99) * np.sqrt(points * points * (2 * points + 1) / 12))
    for begin in range(0, len(bad), 500):
        part = slice(begin, begin + 500)
        ours = (bad / np.maximum(requests, 1))[part, :points]
        theirs = (stable_bad / np.maximum(stable, 1))[part, :points]
        shifts = (ours[:, :, None] - theirs[:, None, :]).reshape(len(ours), -1)
        middle = points * points // 2
        shifts = np.partition(shifts, (low, middle), axis=1)
        objects[part, points - 1] = shifts[:, low] > 0.25 * np.abs(shifts[:, middle])
    return objects


GATES: dict[str, tuple[Callable[[Ints, Ints, Ints, Ints], Bools], bool]] = {  # and whether it sees Errors only
    "SAM's sample alarm": (alarm, True),
    "any error in a minute": (any_error, True),
    "static 5 %": (five_percent, True),
    "z-test, p < 0.05 each minute": (z_test, False),
    "Mann-Whitney (Kayenta)": (mann_whitney, False),
}


def peer(world: World, seen: Seen, name: str) -> Outcome:
    """A gate of the field under the fixed stages."""
    gate, blind = GATES[name]
    stable, stable_bad, requests, bad = (np.stack(x, axis=1) for x in zip(*seen.minutes, strict=True))
    runs = len(bad)
    sees = world.errors or not blind
    stopped = first(gate(bad, requests, stable_bad, stable), world.delay) if sees else np.full(runs, np.nan)
    return Outcome(stopped, np.full(runs, float(HOUR)), cost(world, seen.excess, stopped), np.zeros(runs))


def codedeploy(world: World, random: np.random.Generator, runs: int) -> Outcome:
    """CodeDeploy's Canary10Percent5Minutes with SAM's sample alarm, which nobody watches after the promotion."""
    seen = watch(world, random, runs, CANARY)
    stable, stable_bad, requests, bad = (np.stack(x, axis=1) for x in zip(*seen.minutes, strict=True))
    stopped = np.full(runs, np.nan)
    if world.errors:
        stopped = first(alarm(bad, requests, stable_bad, stable), world.delay)
    later = sum(
        world.rpm * float(world.swing(minute)) * (world.candidate_rate(minute) - world.stable_rate(minute))
        for minute in range(len(CANARY), HOUR)
        if minute != world.after
    )
    excess = seen.excess
    if world.after >= len(CANARY):
        excess = np.pad(excess, ((0, 0), (0, world.after + 1 - len(CANARY))))
    failed = cost(world, excess, stopped, np.full(runs, later))
    full = np.where(np.isnan(stopped), float(len(CANARY)), np.nan)
    return Outcome(stopped, full, failed, requests.sum(axis=1).astype(np.float64))
