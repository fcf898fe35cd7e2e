"""Playbooks in a few words, and how their runs ended, for the tests of this directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambdaops.core.playbook.book import Action, Playbook, Step, Undo
from lambdaops.core.states import Signal
from tests.sim.journal import Crash

if TYPE_CHECKING:
    from lambdaops.core.playbook.records import Outcome
    from tests.sim.playing import PlayRig

CTRL_C = (Signal.HOLD, "Ctrl-C")


def ship(name: str, **more: object) -> Step:
    return Step(name, Action("ship", {"name": name}), **more)  # type: ignore[arg-type]


def undoable(name: str, **more: object) -> Step:
    return ship(name, undo=Undo("unship", {"name": name}), **more)


def book(*steps: Step, **more: object) -> Playbook:
    return Playbook("book", steps, digest="d1", **more)  # type: ignore[arg-type]


def closed(rig: PlayRig) -> tuple[Outcome, str]:
    run = rig.replayed()
    assert run.closed is not None, run.held
    return run.closed.outcome, run.closed.reason


def held(rig: PlayRig) -> tuple[int, str]:
    run = rig.replayed()
    assert run.held is not None, run.closed
    return run.held.code, run.held.reason


def killed_at(rig: PlayRig, number: int, book: Playbook, *, before: bool) -> None:
    """The command begins a run, and its process dies around this append to the only journal that there is."""
    (journal,) = rig.journals.journals.values()
    journal.crash_at, journal.crash_before = number, before
    with pytest.raises(Crash):
        rig.run(book)
    journal.crash_at = None
