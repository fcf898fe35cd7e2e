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

_GATHER, _MANY = 0.002, 10
"""Seconds for each worker beside the first, of ten at most."""


@dataclass
class Crew:
    """Threads, one a worker.

    Attributes:
        workers: who works.
        hands: what each works with.
    """

    workers: tuple[Worker, ...]
    hands: Callable[[], Hands]
    _box: SimpleQueue[Turn | BaseException] = field(default_factory=SimpleQueue)
    _replies: dict[int, SimpleQueue[Answer]] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)
    _waiting: set[int] = field(default_factory=set)
    _there: set[int] = field(default_factory=set)

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
        """What they said since, waiting so long for the first word, and a moment for the others.

        One record on disk serves all who wait for it; where many work, the moment costs none of them anything.
        """
        turns: list[Turn] = []
        end = monotonic() + within.total_seconds()
        while (wait := end - monotonic()) > 0 or not turns:
            try:
                word = self._box.get(timeout=max(0.0, wait))
            except Empty:
                break
            if isinstance(word, BaseException):
                raise word
            if not turns:
                end = monotonic() + _GATHER * min(_MANY, len(self._there) - 1)
            turns.append(word)
            if word.left:
                self._there.discard(word.worker)
            else:
                self._waiting.add(word.worker)
            if len(self._waiting) == len(self._there):
                break
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
