"""The workers of a redrive as threads, and the box in which they leave what they have to say.

Rules this file guarantees: a worker waits for its answer, so that nothing is done that the desk did not say; a defect
in a worker reaches whoever drives the run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from queue import Empty, SimpleQueue
from time import monotonic

from lambdaops.core.dlq.talk import Answer, Leave, Turn
from lambdaops.ops.dlq.hands import Hands, labour
from lambdaops.ops.dlq.worker import Worker

_MOMENT = timedelta(milliseconds=2)
_MANY = 10


@dataclass
class Crew:
    """Threads, one a worker.

    Attributes:
        workers: who works.
        hands: what each works with.
        moment: how long whoever wants to send waits for each other worker, of ten at most; and no longer than the last
            record took.
    """

    workers: tuple[Worker, ...]
    hands: Callable[[], Hands]
    moment: timedelta = _MOMENT
    _box: SimpleQueue[Turn | BaseException] = field(default_factory=SimpleQueue)
    _replies: dict[int, SimpleQueue[Answer]] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)
    _waiting: set[int] = field(default_factory=set)
    _there: set[int] = field(default_factory=set)
    _gathered: list[Turn] = field(default_factory=list)
    _gathered_by: float = 0.0
    _served_at: float | None = None
    _took: float = float("inf")

    def start(self) -> None:
        """Let them begin."""
        for worker in self.workers:
            self._replies[worker.number] = SimpleQueue()
            self._there.add(worker.number)
            # daemon: a second Ctrl-C leaves at once, whatever a call in flight waits for
            thread = threading.Thread(target=self._run, args=(worker,), name=f"redrive-{worker.number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    @property
    def there(self) -> bool:
        """Whether any is at work."""
        return bool(self._there)

    def said(self, within: timedelta) -> list[Turn]:
        """What is to be answered now; nothing, if nobody says anything for so long.

        Whoever wants to send waits a moment for others who want to: one record on disk serves all of them. The moment
        is as long as the last record took: a slow disk, or a processor that has too much to do, gets few records, and
        where a record costs nothing nobody waits for it. Nobody else waits: an order needs no record.
        """
        now = monotonic()
        if self._served_at is not None:
            self._took, self._served_at = now - self._served_at, None
        end = now + within.total_seconds()
        while (wait := (self._gathered_by if self._gathered else end) - monotonic()) > 0:
            if self._gathered and len(self._gathered) == len(self._there):
                break
            try:
                word = self._box.get(timeout=wait)
            except Empty:
                break
            if isinstance(word, BaseException):
                raise word
            if word.left:
                self._there.discard(word.worker)
            else:
                self._waiting.add(word.worker)
            if not word.wanted:
                return [word]
            if not self._gathered:
                moment = (self.moment * min(_MANY, len(self._there) - 1)).total_seconds()
                self._gathered_by = monotonic() + min(moment, self._took)
            self._gathered.append(word)
        turns, self._gathered = self._gathered, []
        if turns:
            self._served_at = monotonic()
        return turns

    def tell(self, answers: Iterable[tuple[int, Answer]]) -> None:
        """Answer those who wait."""
        for worker, answer in answers:
            self._waiting.discard(worker)
            self._replies[worker].put(answer)

    def dismiss(self, within: timedelta) -> None:
        """Something went wrong at the desk: let all give back what they have in hand, for so long at most."""
        end = monotonic() + within.total_seconds()
        while self._there and monotonic() < end:
            self.tell([(worker, Leave()) for worker in tuple(self._waiting)])
            try:
                self.said(timedelta(milliseconds=100))
            except Exception:  # noqa: BLE001, S112 -- the first error is the one to tell
                continue

    def _run(self, worker: Worker) -> None:
        try:
            labour(worker.work(), self.hands().perform, self._ask)
        except BaseException as error:  # noqa: BLE001 -- it is raised where the run is driven
            self._there.discard(worker.number)
            self._box.put(error)

    def _ask(self, turn: Turn) -> Answer:
        self._box.put(turn)
        return Leave() if turn.left else self._replies[turn.worker].get()
