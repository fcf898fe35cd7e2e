"""The judge's word as gates: periods of metrics folded into evidence, evidence into verdicts with reasons.

Rules this file guarantees: a settled period counts once, whoever reads it; one that may still change may convict, and
acquits only for the next, watched stage; too little traffic is said with how much is missing, and ends no stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.comparison import Comparison, Measure
from lambdaops.core.gates import GateResult, Verdict
from lambdaops.core.judge import Call, Evidence, Judgement, Rule, Split, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lambdaops.core.series import Counts, Period

_MILLION = 1_000_000
_ACQUITS = 5
"""Times alpha: how often what is twice as bad as tolerated may be acquitted."""
_NO_WORSE = "no worse than tolerated, as far as is known"
_TOO_LITTLE = "not enough traffic yet"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison in one settled period: the requests of both versions and how many of them were bad."""

    name: str
    stable: int
    stable_bad: int
    candidate: int
    candidate_bad: int


@dataclass(frozen=True, slots=True)
class Sums:
    """What was seen of a release so far: evidence by comparison, and how far it has been read.

    ``stage_requests`` counts the candidate's requests since its stage began.
    """

    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    until: datetime | None = None
    stage_requests: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Early:
    """When the judge may end a stage early: it began at ``since``, and the next one has this ``share``."""

    since: datetime
    share: float


# -- from metrics to sums ------------------------------------------------------------------------------------------


def rows_of(comparisons: Sequence[Comparison], period: Period) -> tuple[Row, ...]:
    """A period as the rows that the journal keeps; ``slow`` counts follow the order of the latency comparisons."""
    thresholds = slow_thresholds(comparisons)
    return tuple(
        Row(one.name, *bad_of(one, period.stable, thresholds), *bad_of(one, period.candidate, thresholds))
        for one in comparisons
    )


def slow_thresholds(comparisons: Iterable[Comparison]) -> tuple[timedelta, ...]:
    """What makes a request a slow one, of every comparison of latencies, in their order."""
    return tuple(one.slower_than for one in comparisons if one.measure is Measure.LATENCY)


def bad_of(one: Comparison, counts: Counts, thresholds: tuple[timedelta, ...]) -> tuple[int, int]:
    """Requests of a period, and how many of them were bad; ``thresholds`` are those of the counts of slow ones."""
    match one.measure:
        case Measure.ERRORS:
            return counts.requests, counts.errors
        case Measure.THROTTLES:
            # Invocations does not count throttled requests (Lambda developer guide, "Invocation metrics").
            return counts.requests + counts.throttles, counts.throttles
        case Measure.LATENCY:
            return counts.requests, counts.slow[thresholds.index(one.slower_than)]


def folded(
    sums: Sums,
    comparisons: Sequence[Comparison],
    at: datetime,
    length: timedelta,
    rows: Sequence[Row],
    *,
    counts: bool,
) -> Sums:
    """One more settled period; ``counts`` when all of it is of the stage we are in.

    A period that begins before the last one ended was read already, and a row of something that the plan does not
    compare means nothing: neither counts, because a journal that holds them must still be readable for a rollback.
    """
    if sums.until is not None and at < sums.until:
        return sums
    known = {one.name: one for one in comparisons}
    evidence, requests = dict(sums.evidence), dict(sums.stage_requests)
    for row in rows:
        if row.name not in known:
            continue
        evidence[row.name] = _seen(sums, known[row.name]).add(_split(row, at, length))
        if counts:
            requests[row.name] = requests.get(row.name, 0) + row.candidate
    return Sums(evidence, at + length, requests)


def entered(sums: Sums) -> Sums:
    """A stage begins: what it must see is counted anew, the evidence of the release is kept."""
    return replace(sums, stage_requests={})


def _seen(sums: Sums, one: Comparison) -> Evidence:
    return sums.evidence.get(one.name) or Evidence.begin(one.dispersion / 100, one.tolerance / 100)


def _split(row: Row, at: datetime, length: timedelta) -> Split:
    return Split(at, length, row.stable, row.stable_bad, row.candidate, row.candidate_bad)


# -- from sums to gates --------------------------------------------------------------------------------------------


def assess(
    comparisons: Sequence[Comparison], sums: Sums, unsettled: Sequence[Period], early: Early | None = None
) -> tuple[GateResult, ...]:
    """What the judge says of each comparison now.

    Args:
        comparisons: what is asked.
        sums: the settled periods.
        unsettled: the periods that may still change; they may convict.
        early: if the judge may end the stage early: then those that are over may acquit as well.
    """
    rows = [(period, rows_of(comparisons, period)) for period in unsettled]
    return tuple(
        _result(one, sums, [(period, row[number]) for period, row in rows], early)
        for number, one in enumerate(comparisons)
    )


def blind(comparisons: Sequence[Comparison], why: str) -> tuple[GateResult, ...]:
    """The results when the metrics could not be read."""
    return tuple(
        GateResult(one.name, Verdict.ERROR, f"{one.name}: cannot be read: {why}", acts=one.acts, judges=True)
        for one in comparisons
    )


def judgement(one: Comparison, sums: Sums, late: Sequence[tuple[Period, Row]] = ()) -> Judgement:
    """The judge's word on one comparison; ``late`` periods may still change, and convict all the same.

    They are added one by one: their weights may differ, and together they would blame the candidate for an incident of
    the one in which it had more traffic.
    """
    evidence = _seen(sums, one)
    splits = [_split(row, period.at, period.length) for period, row in late]
    for split in splits[:-1]:
        evidence = evidence.add(split)
    requests = sums.stage_requests.get(one.name, 0)
    return judge(_rule(one), evidence, stage_requests=requests, open_split=splits[-1] if splits else None)


def _rule(one: Comparison) -> Rule:
    alpha = one.alpha / 10_000
    return Rule(
        one.tolerance / 100,
        alpha,
        beta=min(_ACQUITS * alpha, 0.5),
        min_requests=one.min_requests,
        budget=one.budget / _MILLION,
    )


def _result(one: Comparison, sums: Sums, late: Sequence[tuple[Period, Row]], early: Early | None) -> GateResult:
    said = judgement(one, sums, late)
    failed = said.call is Call.FAIL
    # Where no request is asked for, none is waited for: a function that is hardly ever invoked can be released.
    # Nor where the judge is sure with fewer, or with those of periods that are over but may still change.
    acquits = not failed and early is not None and _acquits(one, sums, late, early)
    waiting = said.call is Call.WAITING and one.min_requests > 0 and not acquits
    reason = f"{one.name}: {said.reason if failed else _TOO_LITTLE if waiting else _NO_WORSE}"
    waits = f"{one.name}: {said.missing} more requests of the candidate" if waiting else ""
    if not one.acts:
        reason, waits = f"{reason} (observed only)", ""
    return GateResult(
        one.name,
        Verdict.FAIL if failed else Verdict.PASS,
        reason,
        acts=one.acts,
        detail=said.reason,
        waits_for=waits,
        judges=True,
        acquits=acquits,
    )


def _acquits(one: Comparison, sums: Sums, late: Sequence[tuple[Period, Row]], early: Early) -> bool:
    """Whether enough was seen for the next stage, counting the periods that are over but may still change."""
    evidence, requests = _seen(sums, one), sums.stage_requests.get(one.name, 0)
    for period, row in late:
        if not period.over:
            break
        evidence = evidence.add(_split(row, period.at, period.length))
        # A stage that began early in a period has had most of it.
        requests += row.candidate if period.at + period.length / 2 >= early.since else 0
    rule = replace(_rule(one), min_requests=0).toward(early.share)
    return judge(rule, evidence, stage_requests=requests).acquitted
