"""Write what is in a queue into a file, and leave the queue as it was.

Rules this file guarantees: nothing is sent or deleted; a file under its own name is whole as far as SQS would give it,
and it is said when it gave less than there is; what was written until an error or Ctrl-C stays, under another name.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lambdaops.core.dlq.dumped import line_of
from lambdaops.core.dlq.file_reports import DumpReport
from lambdaops.ops.dlq.holding import Holding
from lambdaops.ops.dlq.inspect import price

if TYPE_CHECKING:
    from lambdaops.core.dlq.letter import Queue
    from lambdaops.ops.dlq.cargo import Cargo
    from lambdaops.ports.queues import DeadLetterPorts, Pages


def dump(ports: DeadLetterPorts, queue: Queue, pages: Pages) -> DumpReport:
    """Receive everything, write it, give it back.

    Raises:
        ConfirmationMissingError: receiving costs something here, and nobody agreed.
        InvalidFileError: the file is there already, or cannot be written.
        NotFoundError, AwsError: SQS's word on it.
    """
    if queue.max_receives and queue.total:
        ports.ask.confirm(price(queue, queue.total))
    pages.open()
    letters = 0
    try:
        with Holding(ports, queue, sys.maxsize) as holding:
            for letter in holding.letters():
                pages.write([line_of(letter, queue.arn)])
                letters += 1
            missing = _missing(queue, letters, holding)
        if holding.interrupted:
            pages.keep()
        else:
            pages.finish()
    finally:
        pages.close()
    return DumpReport(
        queue.arn,
        pages.name,
        letters,
        not missing,
        missing,
        holding.stuck,
        holding.until if holding.stuck else None,
        holding.interrupted,
    )


def dumped_before(cargo: Cargo, queue: Queue) -> DumpReport | None:
    """What a file says that was written for the step we are; None if letters came since, or it is of another queue."""
    if cargo.queues != {queue.arn} or cargo.letters < queue.total:
        return None
    return DumpReport(queue.arn, cargo.lines.name, cargo.letters, complete=True)


def _missing(queue: Queue, letters: int, holding: Holding) -> str:
    """Why the dump may not have every letter; SQS's counts are approximate, but rarely too large for long."""
    if holding.interrupted:
        return "it was stopped"
    if holding.full:
        return f"SQS gives no more than {letters} letters out at a time"
    if queue.delayed:
        return f"about {queue.delayed} letters are delayed and cannot be received yet"
    if queue.hidden:
        return f"about {queue.hidden} letters were in other hands"
    if letters < queue.waiting and queue.fifo:
        return (
            f"SQS counts about {queue.waiting} letters, but gives no more of a group while its first ones are in hand: "
            "only dlq purge, which deletes as it writes, reaches the rest"
        )
    if letters < queue.waiting:
        return f"SQS counts about {queue.waiting} letters"
    return ""
