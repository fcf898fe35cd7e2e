"""Workers as threads: who waits for whom."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest

from lambdaops.core.dlq.talk import Grant, Leave, Rest, Turn, Wanted
from lambdaops.ops.dlq.crew import Crew

WANTED = (Wanted("m", "arn"),)
LONG = timedelta(seconds=20)


@dataclass
class Says:
    """A worker that says these turns, one after another, and is gone."""

    number: int
    turns: tuple[Turn, ...]
    broken: bool = False

    def work(self) -> Any:
        for turn in self.turns:
            _ = yield turn
        if self.broken:
            raise ValueError("a defect")
        yield Turn(self.number, left=True)


def crew(*workers: Any) -> Crew:
    hands: Any = _Hands
    made = Crew(workers, hands, moment=timedelta(seconds=5))
    made.start()
    return made


class _Hands:
    def perform(self, deed: object) -> object:
        raise AssertionError(deed)


def test_those_who_want_to_send_are_served_together() -> None:
    one = crew(*(Says(n, (Turn(n, wanted=WANTED),)) for n in range(4)))
    said = one.said(LONG)
    assert sorted(turn.worker for turn in said) == [0, 1, 2, 3]
    one.tell((turn.worker, Grant()) for turn in said)
    while one.there:
        one.said(LONG)


def test_nobody_waits_longer_for_others_than_the_last_record_took() -> None:
    one = crew(Says(0, (Turn(0, wanted=WANTED), Turn(0, wanted=WANTED))), Says(1, (Turn(1, wanted=WANTED),)))
    assert len(one.said(LONG)) == 2
    one.tell([(0, Grant())])
    began = monotonic()
    assert one.said(LONG) == [Turn(0, wanted=WANTED)], "the other has no answer yet, and says nothing"
    assert monotonic() - began < 2, "its moment would be five seconds"
    one.tell([(0, Leave()), (1, Leave())])
    while one.there:
        one.said(LONG)


def test_whoever_wants_nothing_sent_waits_for_nobody() -> None:
    one = crew(Says(0, (Turn(0), Turn(0, wanted=WANTED))), Says(1, (Turn(1), Turn(1))))
    first = {one.said(LONG)[0].worker, one.said(LONG)[0].worker}
    assert first == {0, 1}
    one.tell([(0, Rest(timedelta()))])
    one.tell([(1, Rest(timedelta()))])
    served = []
    while not (turns := one.said(LONG))[0].wanted:
        served += turns
        one.tell((turn.worker, Rest(timedelta())) for turn in turns if not turn.left)
    assert [turn.left for turn in served if turn.worker == 1] == [False, True]
    assert turns == [Turn(0, wanted=WANTED)]


def test_a_defect_of_a_worker_reaches_whoever_drives() -> None:
    one = crew(Says(0, (Turn(0),), broken=True))
    (turn,) = one.said(LONG)
    one.tell([(turn.worker, Leave())])
    with pytest.raises(ValueError, match="a defect"):
        one.said(LONG)
    assert not one.there


def test_nothing_is_said_within_the_time() -> None:
    one = crew(Says(0, (Turn(0),)))
    one.said(LONG)
    began = monotonic()
    assert one.said(timedelta(milliseconds=30)) == []
    assert monotonic() - began >= 0.03
    one.tell([(0, Leave())])
    one.said(LONG)
    assert not one.there
    assert not [thread for thread in threading.enumerate() if thread.name == "redrive-0" and not thread.daemon]
