"""The bounded crowd: requests that wait for the test, so that nothing here depends on time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from lambdaops.sandbox.crowd import Crowd

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

LONG = 10.0


class Gate:
    """A request that stays in flight until the test lets it go."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def __call__(self) -> str:
        assert self.opened.wait(LONG)
        return "late"


def saying(word: str) -> Callable[[], str]:
    return lambda: word


def test_every_request_is_counted_by_what_came_of_it() -> None:
    crowd = Crowd(100)
    for word in ("ok", "ok", "failed"):
        crowd.offer(saying(word))
    assert crowd.gather(LONG) == {"ok": 2, "failed": 1, "unanswered": 0}


def test_a_request_without_room_is_dropped_and_the_offer_does_not_wait() -> None:
    crowd, gate = Crowd(2), Gate()
    assert [crowd.offer(gate) for _ in range(5)] == [True, True, False, False, False]
    gate.opened.set()
    assert crowd.gather(LONG) == {"late": 2, "dropped": 3, "unanswered": 0}


def test_room_is_free_again_after_an_answer() -> None:
    crowd, gate = Crowd(1), Gate()
    crowd.offer(gate)
    assert not crowd.offer(saying("ok"))
    gate.opened.set()
    crowd.gather(LONG)
    assert crowd.offer(saying("ok"))
    assert crowd.gather(LONG)["ok"] == 1


def test_they_run_at_the_same_time() -> None:
    crowd, meeting = Crowd(8), threading.Barrier(8, timeout=LONG)

    def meet() -> str:
        meeting.wait()
        return "met"

    for _ in range(8):
        crowd.offer(meet)
    assert crowd.gather(LONG)["met"] == 8


def test_threads_are_used_again() -> None:
    crowd, seen = Crowd(8), set()

    def here() -> str:
        seen.add(threading.current_thread())
        return "ok"

    for _ in range(50):
        crowd.offer(here)
        crowd.gather(LONG)
    assert len(seen) == 1


def test_who_does_not_answer_is_not_waited_for() -> None:
    crowd, gate = Crowd(2), Gate()
    crowd.offer(gate)
    assert crowd.gather(0.0) == {"unanswered": 1}
    gate.opened.set()
    assert crowd.gather(LONG) == {"late": 1, "unanswered": 0}


def test_a_request_that_raises_is_loud_and_takes_no_room_away(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd, threads, loud = Crowd(1), [], []
    monkeypatch.setattr(threading, "excepthook", lambda raised: loud.append(raised.exc_type))

    def defective() -> str:
        threads.append(threading.current_thread())
        raise ZeroDivisionError

    for _ in range(3):
        assert crowd.offer(defective)
        crowd.gather(LONG)
    assert crowd.offer(saying("ok"))
    assert crowd.gather(LONG) == {"unanswered": 3, "ok": 1}
    for thread in threads:
        thread.join(LONG)  # it reports after its room is free
    assert loud == [ZeroDivisionError] * 3
