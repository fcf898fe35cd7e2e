"""How long a FIFO queue recognises what it was sent before, and until when that is relied on.

Rules this file guarantees: what a clock that was set back cannot tell is not taken for recent.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

REMEMBERED: Final = timedelta(minutes=5)
"""How long a FIFO queue remembers a deduplication id: SQS guide, *Exactly-once processing*."""
_CLOCKS_DIFFER: Final = timedelta(seconds=30)
_UNDER_WAY: Final = timedelta(seconds=30)
"""How long a call that is given up after this silence may take to arrive (``aws.session``)."""


def remembered_until(sent: datetime) -> datetime:
    """Until when what may have been sent then can be sent once more, and is certainly delivered once.

    The queue counts from the first sending, whatever it is sent since: it is the first that must be given.
    """
    return sent + REMEMBERED - _CLOCKS_DIFFER - _UNDER_WAY


def surely_remembered(sent: datetime, now: datetime) -> bool:
    """Whether that is so now; ``sent`` is by the clock of whoever sent it."""
    return sent - _CLOCKS_DIFFER <= now <= remembered_until(sent)
