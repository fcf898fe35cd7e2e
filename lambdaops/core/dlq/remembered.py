"""How long a FIFO queue recognises what it was sent before, and when that is sure.

Rules this file guarantees: what a clock that was set back cannot tell is not taken for recent.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

REMEMBERED: Final = timedelta(minutes=5)
"""How long a FIFO queue remembers a deduplication id: SQS guide, *Exactly-once processing*."""
_CLOCKS_DIFFER: Final = timedelta(seconds=30)


def surely_remembered(sent: datetime, now: datetime) -> bool:
    """Whether what may have been sent then, by the sender's clock, is certainly delivered once if it is sent now."""
    return -_CLOCKS_DIFFER <= now - sent <= REMEMBERED - _CLOCKS_DIFFER
