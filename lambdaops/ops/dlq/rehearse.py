"""What a redrive would do, from a sample: nothing is sent, deleted or journaled, and the sample is given back."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lambdaops.core.dlq.fate import Go
from lambdaops.core.dlq.reports import Rehearsal, Share
from lambdaops.ops.dlq.holding import Holding

if TYPE_CHECKING:
    from lambdaops.core.dlq.fate import Fates
    from lambdaops.ops.dlq.redrive import Prepared
    from lambdaops.ports.queues import DeadLetterPorts

_MOST_DETAILS = 5


def rehearse(
    ports: DeadLetterPorts, prepared: Prepared, fates: Fates, most: int, *, blocked: bool, native: str
) -> Rehearsal:
    """Look at a sample, and say what would become of it.

    Raises:
        NotFoundError, AwsError: SQS's word on it.
    """
    goes: Counter[str] = Counter()
    stays: Counter[str] = Counter()
    details: dict[str, dict[str, None]] = {}
    sampled, oldest = 0, None
    with Holding(ports, prepared.queue, most) as holding:
        for letter in holding.letters():
            sampled += 1
            oldest = letter.sent if oldest is None else min(oldest, letter.sent)
            fate = fates.of(letter)
            if isinstance(fate, Go):
                goes[f"{fate.to} (quarantine)" if fate.quarantine else fate.to] += 1
                if fate.quarantine:
                    details.setdefault(f"{fate.to} (quarantine)", {})[fate.quarantine] = None
            else:
                stays[fate.why.value] += 1
                if fate.detail:
                    details.setdefault(fate.why.value, {})[fate.detail] = None
    return Rehearsal(
        prepared.plan,
        sampled,
        _shares(goes, details),
        _shares(stays, details),
        oldest + prepared.queue.retention if oldest is not None else None,
        prepared.findings,
        blocked,
        native,
    )


def _shares(counts: Counter[str], details: dict[str, dict[str, None]]) -> tuple[Share, ...]:
    return tuple(
        Share(what, count, tuple(details.get(what, ()))[:_MOST_DETAILS]) for what, count in counts.most_common()
    )
