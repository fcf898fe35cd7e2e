"""A bounded crowd of requests in flight at once, and the count of what came of them.

Rules this file guarantees: offering never waits, so that a slow shop does not lower the rate it is offered; what finds
no room is counted, not queued; every request is counted exactly once; leaving never waits longer than it was told to.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DROPPED, UNANSWERED = "dropped", "unanswered"


class Crowd:
    """At most ``size`` requests at once, each on a thread; a request says in a word what came of it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._in_flight = 0
        self._threads = 0
        self._counts: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._waiting: queue.SimpleQueue[Callable[[], str]] = queue.SimpleQueue()

    def offer(self, request: Callable[[], str]) -> bool:
        """Start a request, or count it as dropped when ``size`` are in flight; whether it was started."""
        with self._changed:
            if self._in_flight == self._size:
                self._counts[DROPPED] += 1
                return False
            self._in_flight += 1
            if self._in_flight > self._threads:
                self._threads += 1
                # Daemons: a request without an answer must not keep the process from ending.
                threading.Thread(target=self._serve, daemon=True).start()
        self._waiting.put(request)
        return True

    def gather(self, seconds: float) -> Counter[str]:
        """Wait for those in flight, but no longer than this; gives the counts."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight == 0, timeout=seconds)
            counts = self._counts.copy()
            counts[UNANSWERED] += self._in_flight
            return counts

    def _serve(self) -> None:
        while True:
            request = self._waiting.get()
            outcome = None
            try:
                outcome = request()
            finally:
                # A request that raises is a defect: it ends this thread, loudly, but its room is free again.
                with self._changed:
                    self._counts[outcome or UNANSWERED] += 1
                    self._threads -= outcome is None
                    self._in_flight -= 1
                    self._changed.notify_all()
