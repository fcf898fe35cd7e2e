"""Ctrl-C and SIGTERM while letters are in hand: both stop between two calls, so that what is held is given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.ports import Signals


def stopping(env: Env, left: str) -> Signals:
    """Signals that ask to stop; ``left`` says what becomes of it when somebody does not wait for that."""
    from lambdaops.cli.signals import ProcessSignals
    from lambdaops.core.states import Signal

    if env.part is not None:
        return env.part.step.signals
    return ProcessSignals(env.clock, Signal.HOLD, Signal.HOLD, left=f"left at once; {left}")
