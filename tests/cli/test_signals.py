"""What the signals of a process ask for, when several come before the release has looked."""

from __future__ import annotations

import signal

import pytest

from lambdaops.cli.signals import ProcessSignals
from lambdaops.core.states import Signal
from tests.sim.clock import SimClock

INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
HOLD, BACK = Signal.HOLD, Signal.ROLLBACK


@pytest.mark.parametrize(
    ("numbers", "wanted"),
    [
        ((INT,), (HOLD, "Ctrl-C")),
        ((TERM,), (BACK, "SIGTERM")),
        ((HUP,), (BACK, "the terminal went away (SIGHUP)")),
        # going back is asked for on top of a hold, and stays asked for
        ((INT, TERM), (BACK, "SIGTERM")),
        ((TERM, INT), (BACK, "SIGTERM")),
        ((HUP, INT), (BACK, "the terminal went away (SIGHUP)")),
        # a held release is not taken back because its person left
        ((INT, HUP), (HOLD, "Ctrl-C")),
        ((HUP, HUP, HUP), (BACK, "the terminal went away (SIGHUP)")),
    ],
)
def test_several_signals_before_the_next_look(numbers: tuple[int, ...], wanted: tuple[Signal, str]) -> None:
    signals = ProcessSignals(SimClock(), on_interrupt=HOLD, on_terminate=BACK)
    assert signals.pending() is None
    for number in numbers:
        signals._handle(number, None)
    assert signals.pending() == wanted
