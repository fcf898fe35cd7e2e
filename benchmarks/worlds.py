"""Traffic for the judge's benchmark: many releases at once, minute by minute, as CloudWatch would count them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]

DAY = 1440


@dataclass(frozen=True)
class World:
    """One scenario: the stable version's rate of bad requests, the traffic, and what the candidate does to it.

    Attributes:
        rpm: requests a minute, both versions together.
        base: share of bad requests of the stable version.
        factor: the candidate's rate as a multiple of it.
        extra: added to the candidate's rate.
        after: minute from which the candidate is harmful.
        cluster: bad requests that come together, on one version, within a minute.
        retried: minutes after the first attempt at which a poison event fails again, on the version it began on.
        incident: minutes in which a shared downstream makes 30 % of all requests bad.
        diurnal: traffic and error rate swing by 80 % over the day, and the release comes where they change fastest.
        delay: minutes until metrics can be read.
        errors: what is bad are Errors; of latency and throttles an alarm on Errors sees nothing.
        eventful: the history has an incident of ten minutes.
    """

    name: str
    rpm: float
    base: float
    factor: float = 1.0
    extra: float = 0.0
    after: int = 0
    cluster: int = 1
    retried: tuple[int, ...] = ()
    incident: tuple[int, int] = (0, 0)
    diurnal: bool = False
    weights: tuple[float, ...] = ()
    delay: int = 0
    errors: bool = True
    eventful: bool = False

    @property
    def harmful(self) -> bool:
        return self.factor > 1 or self.extra > 0

    def swing(self, minute: int | Floats) -> Floats:
        return np.asarray(1 + 0.8 * np.sin(2 * np.pi * np.asarray(minute) / DAY) if self.diurnal else 1.0)

    def stable_rate(self, minute: int) -> float:
        first, last = self.incident
        return float(self.base * self.swing(minute)) + (0.3 if first <= minute < last else 0.0)

    def candidate_rate(self, minute: int) -> float:
        rate = self.stable_rate(minute)
        return rate if minute < self.after else rate * self.factor + self.extra


@dataclass
class Flow:
    """The requests of many releases; poison events that will fail again are remembered per version."""

    world: World
    random: np.random.Generator
    pending: list[Ints]

    @classmethod
    def begin(cls, world: World, random: np.random.Generator, runs: int, minutes: int) -> Flow:
        size = (runs, minutes + 1 + max(world.retried, default=0))
        return cls(world, random, [np.zeros(size if world.retried else (0, 0), np.int64) for _ in range(2)])

    def half_minute(self, minute: int, half: int, share: Floats, rows: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """Requests and bad ones of the stable version, then of the candidate, in half a minute."""
        world, random = self.world, self.random
        requests = random.poisson(world.rpm / 2 * float(world.swing(minute)), len(rows))
        candidate = random.binomial(requests, share)
        counts = []
        sides = ((requests - candidate, world.stable_rate(minute)), (candidate, world.candidate_rate(minute)))
        for pending, (number, rate) in zip(self.pending, sides, strict=True):
            if world.retried:
                events = random.poisson(number * rate / (1 + len(world.retried)))
                for later in world.retried:
                    pending[rows, minute + later] += events
                again = pending[rows, minute] if half == 0 else np.zeros(len(rows), np.int64)
                number = number + again  # noqa: PLW2901
                bad = np.minimum(events + again, number)
            elif world.cluster > 1:
                bad = np.minimum(random.poisson(number * rate / world.cluster) * world.cluster, number)
            else:
                bad = random.binomial(number, rate)
            counts += [number, bad]
        return counts[0], counts[1], counts[2], counts[3]


def history(world: World, random: np.random.Generator, runs: int) -> tuple[Ints, Ints]:
    """Requests and bad ones of the stable version in each minute of the day before."""
    minutes = np.arange(-DAY, 0, dtype=np.float64)
    swing = np.broadcast_to(world.swing(minutes), (DAY,))
    requests = random.poisson(world.rpm * swing, (runs, DAY))
    rate = np.broadcast_to(world.base * swing, (DAY,)).copy()
    if world.eventful:
        rate[600:610] += 0.2
    if world.retried:
        events = random.poisson(requests * rate / (1 + len(world.retried)))
        bad = events.copy()
        for later in world.retried:
            bad[:, later:] += events[:, :-later]
        return requests + bad - events, bad
    if world.cluster > 1:
        return requests, np.minimum(random.poisson(requests * rate / world.cluster) * world.cluster, requests)
    return requests, random.binomial(requests, rate)
