"""Look at what is in a queue, and leave it as it was.

Rules this file guarantees: nothing is sent or deleted; the letters that were looked at are visible again when it is
over, however it ends; a look that costs a letter one of the receives it has left is asked for first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.dlq.dead import decode
from lambdaops.core.dlq.groups import USUAL, By, ages, group, seen
from lambdaops.core.dlq.inspection import AgeCount, Inspection, Shown, shown
from lambdaops.core.errors import NotFoundError
from lambdaops.ops.dlq.holding import Holding

if TYPE_CHECKING:
    from datetime import datetime

    from lambdaops.core.dlq.groups import Seen
    from lambdaops.core.dlq.letter import Queue
    from lambdaops.ports.queues import DeadLetterPorts


@dataclass(frozen=True, slots=True)
class Look:
    """What is wanted of a look.

    ``pick`` is the letter to show whole: its id, or its number in the order of the look; empty for none. ``values``
    shows what is in it, too.
    """

    most: int = 100
    by: tuple[By, ...] = USUAL
    pick: str = ""
    values: bool = False


def inspect(ports: DeadLetterPorts, queue: Queue, look: Look) -> Inspection:
    """Receive a sample, understand and group it, and give it back.

    Raises:
        ConfirmationMissingError: a look costs something here, and nobody agreed.
        NotFoundError: the queue is gone, or the letter that was to be shown is not in the sample.
        AwsError: SQS's word on it.
    """
    if queue.max_receives and queue.total:
        ports.ask.confirm(price(queue, look.most))
    sample: list[Seen] = []
    letter: Shown | None = None
    with Holding(ports, queue, look.most) as holding:
        for one in holding.letters():
            dead = decode(one)
            sample.append(seen(one, dead))
            if look.pick in (one.id, str(len(sample))):
                letter = shown(one, dead, values=look.values)
                break  # every further one would be received for nothing
    if look.pick and letter is None and not holding.interrupted:
        raise NotFoundError(
            f"letter {look.pick} is not among the {len(sample)} of {queue.name} that were looked at",
            hint=""
            if holding.ended
            else f"SQS cannot be asked for one letter: look at more, for instance --sample {look.most * 10}.",
            target=queue.name,
        )
    return _found(queue, look, sample, holding, letter)


def _found(queue: Queue, look: Look, sample: list[Seen], holding: Holding, letter: Shown | None) -> Inspection:
    oldest: datetime | None = min((one.sent for one in sample), default=None)
    most = max((one.receives for one in sample), default=0)
    return Inspection(
        queue=queue.arn,
        at=queue.at,
        waiting=queue.waiting,
        hidden=queue.hidden,
        delayed=queue.delayed,
        looked=len(sample),
        # Letters that others have in hand, or that are delayed, no look can find.
        complete=holding.ended and not queue.hidden and not queue.delayed,
        by=look.by,
        groups=group(sample, look.by, queue.at),
        ages=tuple(AgeCount(name, count) for name, count in ages(sample, queue.at)),
        oldest=oldest,
        expires=oldest + queue.retention if oldest else None,
        retention=queue.retention,
        dead_letters=queue.dead_letters,
        max_receives=queue.max_receives,
        left=max(0, queue.max_receives - most) if queue.max_receives and sample else None,
        still_hidden=holding.stuck,
        hidden_until=holding.until if holding.stuck else None,
        interrupted=holding.interrupted,
        letter=letter,
    )


def price(queue: Queue, most: int) -> str:
    """The question before a look that may cost a letter its last receive."""
    elsewhere = queue.dead_letters.rpartition(":")[2] or "its dead-letter queue"
    times = "once" if queue.max_receives == 1 else f"{queue.max_receives} times"
    return (
        f"{queue.name} has a redrive policy: SQS moves a letter that was received {times} to {elsewhere} at its next "
        f"receive, and every look is one. Look at up to {most} letters?"
    )
