"""What the stable version's history says: how its bad requests come together, and how few of them a candidate may have.

Rules this file guarantees: neither the time of day nor one incident changes the dispersion; the less history there is,
the more careful the answer; every answer is finite.
"""

from __future__ import annotations

import math
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SCALES = (1, 5, 20)  # periods over which a cluster may be spread
_KNOWN = 720  # periods of history that are enough to know
_INCIDENT = 40  # periods on each side of the worst that are left out with it
_CHANCE = 4  # standard deviations of a cluster's size that are chance
_PARTS = 8  # of the history, of which the worst is left out
_CLEAN = 1 / 3000  # rate under which a version counts as one without bad requests
_UNNOTICED = 0.01  # rate that is tolerated of a candidate of such a version


def dispersion(history: Iterable[tuple[int, int]]) -> float:
    """How many bad requests of the stable version come as one, at least 1.

    Half a day of periods is enough to know; of less, the answer is more careful, up to 2 for no history at all. What
    came only once in a longer history is forgiven: it was one incident, or it is too rare to be met by a release.

    Args:
        history: requests and bad ones of its recent periods, oldest first.
    """
    counts = [(requests, min(bad, requests)) for requests, bad in history]
    requests = [0, *accumulate(requests for requests, _ in counts)]
    bad = [0, *accumulate(bad for _, bad in counts)]
    periods = len(counts)
    found = 1 + max(0.0, 1 - periods / _KNOWN)
    if not bad[-1]:
        return found  # nothing comes together
    for scale in _SCALES:
        size = _cluster(_windows(requests, scale), _windows(bad, scale), scale, forgive=periods >= _KNOWN)
        if size > 1 + _CHANCE * math.sqrt(scale / max(periods, 1)):  # less than that is chance
            found = max(found, size)
    return found


def _windows(sums: Sequence[int], scale: int) -> list[int]:
    return [later - earlier for earlier, later in zip(sums, sums[scale:], strict=False)]


def _cluster(requests: Sequence[int], bad: Sequence[int], scale: int, *, forgive: bool) -> float:
    """Variance over mean of the bad requests in windows, from each one's distance to the one before *and* after it.

    While the rate is the same, the product of both distances has the variance as its mean. A slope, or the edge of an
    incident, makes one of them small or turns its sign: neither the time of day nor incidents look like clusters.
    """
    spread, mean = [], []
    for i in range(scale, len(bad) - scale):
        (n0, b0), (n1, b1), (n2, b2) = ((requests[j], bad[j]) for j in (i - scale, i, i + scale))
        known = (n0 + n1) * (n1 + n2) or 1  # a neighbour with little traffic says little
        spread.append((b1 * n0 - b0 * n1) * (b1 * n2 - b2 * n1) / known)
        mean.append(b1 * n0 * n2 / known)
    if forgive and spread:
        worst = spread.index(max(spread))
        near = slice(max(worst - _INCIDENT, 0), worst + _INCIDENT)
        del spread[near], mean[near]
    return sum(spread) / sum(mean) if any(mean) else 0.0


def budget(history: Iterable[tuple[int, int]], tolerance: float = 1.5) -> float:
    """The rate of bad requests under which a candidate may be acquitted: twice what is tolerated of stable's own.

    Of a version with less than one bad request in 3000 no multiple is asked, which few requests could not show: 1 %.

    The worst eighth of the history is left out: an incident of the past is no measure of what is usual.

    Args:
        history: as of `dispersion`.
        tolerance: the multiple that is tolerated.
    """
    periods = list(history)
    ends = [len(periods) * part // _PARTS for part in range(_PARTS + 1)]
    sums = [_sum(periods[start:end]) for start, end in pairwise(ends)]
    sums.remove(max(sums, key=_rate))
    rate = _rate(_sum(sums))
    return min(2 * tolerance * rate, 0.5) if rate > _CLEAN else _UNNOTICED


def _sum(periods: Iterable[tuple[int, int]]) -> tuple[int, int]:
    requests = bad = 0
    for period_requests, period_bad in periods:
        requests += period_requests
        bad += min(period_bad, period_requests)
    return requests, bad


def _rate(counts: tuple[int, int]) -> float:
    requests, bad = counts
    return bad / requests if requests else 0.0
