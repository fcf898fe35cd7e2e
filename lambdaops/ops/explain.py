"""What the judge saw of a release, period by period, and what was decided meanwhile; from the journal alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lambdaops.core.errors import NotFoundError
from lambdaops.core.events import Closed, Decided, Intent, Judged, Observed, Opened, RolledBack, Signalled
from lambdaops.core.gates import Verdict
from lambdaops.core.judging import judgement
from lambdaops.core.lifecycle import place
from lambdaops.core.replay import Release, advance, phase, releases
from lambdaops.core.reports import ExplainRow
from lambdaops.core.states import BY_HAND, Baking

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lambdaops.core.events import Entry
    from lambdaops.core.judging import Row

_MOST = 1e6


def explain(entries: Sequence[Entry], release: str, target: str = "TARGET") -> tuple[ExplainRow, ...]:
    """Every period that was judged, with the evidence after it, and every decision, in order.

    Args:
        entries: of the target's journal.
        release: the release's id; empty for the last one.
        target: what its journal was asked for by.

    Raises:
        NotFoundError: the journal has no such release.
    """
    known = {found.id for found in releases(entries)}
    last = next((entry.release for entry in reversed(entries) if isinstance(entry.event, Opened)), "")
    wanted = release or last
    if wanted not in known:
        raise NotFoundError(
            f"the journal has no release {release}" if release else "the journal has no release",
            hint=f"lambdaops history {target} lists them.",
        )
    return tuple(_rows([entry for entry in entries if entry.release == wanted]))


def tells(release: str, entries: Sequence[Entry]) -> bool:
    """Whether the end of a journal is enough to explain a release; an empty one is the last."""
    return any(isinstance(entry.event, Opened) and release in ("", entry.release) for entry in entries)


def _rows(entries: Sequence[Entry]) -> Iterator[ExplainRow]:
    (release,) = releases(entries[:1])
    for entry in entries[1:]:
        release = advance(release, entry)
        event = entry.event
        if isinstance(event, Judged):
            for row in event.rows:
                yield _judged(release, event, row)
            continue
        said = _said(event)
        if said:
            yield ExplainRow(entry.at, _weight(release), "", 0, 0, 0, 0, "", said)


def _judged(release: Release, event: Judged, row: Row) -> ExplainRow:
    (one,) = [one for one in release.plan.comparisons if one.name == row.name]
    said = judgement(one, release.sums)
    shown = f"{said.evidence:.3g}" if said.evidence < _MOST else "over 1000000"
    low, high = said.interval
    between = f"ratio {low:.2g} to {'any' if math.isinf(high) else f'{high:.2g}'}"
    return ExplainRow(
        event.at,
        _weight(release),
        row.name,
        row.stable,
        row.stable_bad,
        row.candidate,
        row.candidate_bad,
        f"{shown} of {said.needed:.4g}",
        f"{said.call.value}; {between}",
    )


def _weight(release: Release) -> int:
    at = place(release.state)
    return release.plan.stages[at.stage].weight if isinstance(at, Baking) else 0


def _said(event: object) -> str:
    match event:
        case Intent(reason=reason, desired=desired):
            return f"set the alias to {desired}: {reason}"
        case Decided(state=state, reason=reason):
            return f"{phase(state)}: {reason}"
        case Observed(gates=gates):
            return "; ".join(gate.reason for gate in gates if gate.verdict is not Verdict.PASS)
        case Signalled(signal=signal, reason=reason):
            return f"asked: {signal.value}" + (f", because: {reason}" if reason else "")
        case Closed(outcome=outcome):
            return f"over: {outcome.value}"
        case RolledBack(after=after):
            return f"{BY_HAND} to {after}"
        case _:
            return ""
