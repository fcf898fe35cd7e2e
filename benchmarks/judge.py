"""``python -m benchmarks.judge [--runs N] [--scenario PART] [--seed N]``: how often it is wrong, what harm it lets by.

Thousands of releases are simulated a scenario, seeded. Under the same stages (5 % for 5 minutes, then 25 %) stand our
judge and five gates of the field; beside them two strategies: CodeDeploy's canary with its alarm, and ours that moves
on when the judge acquits. Needs ``pip install 'lambdaops[bench]'``.
"""

from __future__ import annotations

import argparse
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import arrays, policies
from benchmarks.worlds import World, history
from lambdaops.core.baseline import budget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.policies import Outcome
    from benchmarks.worlds import Bools, Floats, Ints

ADAPTIVE, OURS, CODEDEPLOY = "ours, adaptive", "ours", "Canary10Percent5Minutes"


def null_worlds() -> Iterator[World]:
    for rpm in (10, 100, 1_000, 10_000):
        for base in (0.0, 0.001, 0.01, 0.05):
            yield World(f"identical, {rpm} rpm, {base:.1%}", rpm, base)
    for rpm in (100, 1_000, 10_000):
        yield World(f"shared incident, {rpm} rpm", rpm, 0.001, incident=(3, 13))
    yield World("incident in the history, 1000 rpm", 1_000, 0.001, eventful=True)
    for base in (0.001, 0.05):
        yield World(f"diurnal, 1000 rpm, {base:.1%}", 1_000, base, diurnal=True)
    for cluster in (3, 20):
        for rpm in (10, 100, 1_000, 10_000):
            for base in (0.001, 0.01):
                yield World(f"clusters of {cluster}, {rpm} rpm, {base:.1%}", rpm, base, cluster=cluster)
    yield World("clusters of 20, 30 rpm, 0.1%", 30, 0.001, cluster=20)  # two a day: too rare to be known
    for retried in ((1, 3), tuple(range(1, 10))):
        for rpm in (10, 100, 1_000, 10_000):
            for base in (0.001, 0.01):
                name = f"poison retried {len(retried)} times, {rpm} rpm, {base:.1%}"
                yield World(name, rpm, base, retried=retried)
    yield World("weights back and forth, 1000 rpm", 1_000, 0.01, weights=(0.05, 0.5, 0.01, 0.25) * 15)
    for rpm in (100, 1_000):
        yield World(f"late metrics, {rpm} rpm", rpm, 0.01, delay=3)


def harmful_worlds() -> Iterator[World]:
    for factor in (2, 5, 20):
        for rpm in (100, 1_000, 10_000):
            for base in (0.001, 0.01, 0.05) if factor < 20 else (0.001, 0.01):
                yield World(f"{factor} x, {rpm} rpm, {base:.1%}", rpm, base, factor)
    for rpm in (10, 100, 1_000, 10_000):
        for base in (0.0, 0.001, 0.01):
            yield World(f"one shape in fifty, {rpm} rpm, {base:.1%}", rpm, base, extra=0.02)
    yield World("5 x, incident in the history, 1000 rpm, 0.1%", 1_000, 0.001, 5, eventful=True)
    for rpm in (1_000, 10_000):
        yield World(f"5 x after 10 minutes, {rpm} rpm, 1.0%", rpm, 0.01, 5, after=10)
        yield World(f"latency + 50 %, {rpm} rpm", rpm, 0.05, 4.05, errors=False)
        yield World(f"throttled 3 %, {rpm} rpm", rpm, 0.0, extra=0.03, errors=False)
        yield World(f"5 x, clusters of 3, {rpm} rpm, 1.0%", rpm, 0.01, 5, cluster=3)


def outcomes(world: World, runs: int, seed: int) -> dict[str, tuple[Outcome, Bools]]:
    random = np.random.default_rng(zlib.crc32(world.name.encode(), seed))
    spread, allowed = np.ones(runs), np.ones(runs)
    for begin in range(0, runs, 500):
        past = history(world, random, min(500, runs - begin))
        spread[begin : begin + 500] = arrays.dispersion(*past)
        allowed[begin : begin + 500] = budgets(*past)
    seen = policies.watch(world, random, runs, world.weights or policies.FIXED)
    none = np.zeros(runs, bool)
    found = {
        ADAPTIVE: policies.adaptive(world, random, spread, allowed),
        OURS: policies.fixed(world, seen, spread, allowed),
        CODEDEPLOY: (policies.codedeploy(world, random, runs), none),
    }
    return found | {name: (policies.peer(world, seen, name), none) for name in policies.GATES}


def budgets(requests: Ints, bad: Ints) -> Floats:
    eighths = np.stack([x.reshape(len(x), 8, -1).sum(axis=2) for x in (requests, bad)], axis=2)
    return np.asarray([budget([(n, x) for n, x in one]) for one in eighths.tolist()])


def row(world: World, name: str, result: tuple[Outcome, Bools]) -> str:
    outcome, undecided = result
    stopped = ~np.isnan(outcome.stopped)
    full = outcome.full[~np.isnan(outcome.full)]
    cells = [
        f"{stopped.mean():8.2%}",
        f"{outcome.failed.mean():9.1f}" if world.harmful else f"{'-':>9}",
        f"{np.median(outcome.failed):9.1f}" if world.harmful else f"{'-':>9}",
        f"{np.median(outcome.stopped[stopped]):6.1f}" if stopped.any() else f"{'-':>6}",
        f"{undecided.mean():9.1%}",
        f"{np.median(full):5.0f}" if len(full) and not world.harmful else f"{'-':>5}",
        f"{np.median(outcome.exposed):8.0f}" if outcome.exposed.any() else f"{'-':>8}",
    ]
    return f"{world.name:<46} {name:<30} {' '.join(cells)}"


Results = dict["World", dict[str, "tuple[Outcome, Bools]"]]


def share_stopped(result: tuple[Outcome, Bools]) -> float:
    return float((~np.isnan(result[0].stopped)).mean())


def times(world: World) -> float:
    """How many times as many errors as stable's the candidate makes once it is harmful; 1 where errors are not it."""
    return (world.base * world.factor + world.extra) / world.base if world.base and world.errors else 1.0


def checks(results: Results, runs: int) -> Iterator[tuple[bool, str]]:
    """What must hold, and whether it does, of the scenarios that were run."""
    null = {world: found for world, found in results.items() if not world.harmful}
    for name in (OURS, ADAPTIVE) if null else ():
        worst = max((share_stopped(found[name]), world.name) for world, found in null.items())
        yield (
            worst[0] <= policies.RULE.alpha,
            f"{name}: at most 1 % false rollbacks; most: {worst[0]:.2%} in {worst[1]}",
        )
    for world, found in results.items():
        if world.harmful and times(world) >= 5 and world.rpm >= 1000 and world.base >= 0.001:
            for name in (OURS, ADAPTIVE):
                caught, failed = share_stopped(found[name]), float(np.median(found[name][0].failed))
                good = caught >= 0.99 and failed <= 15
                yield good, f"{name}: {world.name}: {caught:.2%} caught, median {failed:.1f} failed requests"
        if not world.harmful and world.name.startswith("identical") and world.rpm >= 1000:
            ours, theirs = found[ADAPTIVE][0], found[CODEDEPLOY][0]
            sooner = float(np.nanmedian(ours.full)) < len(policies.CANARY)
            less = float(np.median(ours.exposed)) < float(np.median(theirs.exposed))
            yield sooner and less, f"{world.name}: sooner than CodeDeploy's canary, with less exposure"


def against_peers(results: Results, runs: int, seed: int) -> Iterator[tuple[bool, str]]:
    """Failed requests beside every gate that is wrong in at most 5 % of the good releases of the same traffic."""
    twins = {replace(world, name=""): found for world, found in results.items() if not world.harmful}
    fair: list[tuple[World, str]] = []
    for world, found in results.items():
        if world.harmful:
            twin = replace(world, name="", factor=1.0, extra=0.0, after=0, errors=True)
            if twin not in twins:
                twins[twin] = outcomes(twin, runs, seed)
            fair += [(world, name) for name in found if share_stopped(twins[twin][name]) <= 0.05]
    for ours in (OURS, ADAPTIVE):
        for peer in (CODEDEPLOY, *policies.GATES):
            worlds = [world for world, name in fair if name == peer]
            pairs = [(results[world][ours][0].failed, results[world][peer][0].failed) for world in worlds]
            noise = [3 * np.hypot(mine.std(), its.std()) / np.sqrt(runs) for mine, its in pairs]
            gaps = [mine.mean() - its.mean() for mine, its in pairs]
            more = [(gap, world.name) for gap, chance, world in zip(gaps, noise, worlds, strict=True) if gap > chance]
            total = [sum(side.mean() for side in sides) for sides in zip(*pairs, strict=True)]
            said = f"{ours}: {total[0]:.0f} failed requests, {peer} {total[1]:.0f}, in {len(worlds)} harmful scenarios"
            if more:
                said += f"; more in {len(more)}, most: {max(more)[0]:.1f} in {max(more)[1]}"
            yield not more and total[0] < total[1], said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--scenario", default="", help="only scenarios with this in their name")
    parser.add_argument("--seed", type=int, default=0, help="other releases than the ones reported, to choose by")
    asked = parser.parse_args()
    arrays.agree()
    columns = f"{'stopped':>8} {'failed':>9} {'median':>9} {'min':>6} {'undecided':>9} {'full':>5} {'exposed':>8}"
    print(f"{'scenario':<46} {'policy':<30} {columns}")
    results: Results = {}
    for world in (*null_worlds(), *harmful_worlds()):
        if asked.scenario in world.name:
            results[world] = outcomes(world, asked.runs, asked.seed)
            for name, result in results[world].items():
                print(row(world, name, result), flush=True)
    print("\nWhat must hold:")
    found = [*checks(results, asked.runs), *(() if asked.scenario else against_peers(results, asked.runs, asked.seed))]
    for good, said in found:
        print("holds " if good else "fails ", said)
    print(f"{sum(good for good, _ in found)} of {len(found)} hold")


if __name__ == "__main__":
    main()
