"""What comes next in a run: a table of every branch, and what holds for all of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lambdaops.core.errors import ExitCode
from lambdaops.core.playbook.book import CONTINUE, Retry, Step, Undo
from lambdaops.core.playbook.machine import Close, Do, Hold, Move, TakeBack, Wait, decide
from lambdaops.core.playbook.records import (
    PlaybookEvent,
    PlaybookResumed,
    PlaybookSignalled,
    PlaybookUndoing,
    Status,
    StepBegan,
    StepEnded,
    Wish,
)
from lambdaops.core.playbook.turns import turns_of
from tests.core.playbook.book_values import NOON, USES, at, book, fold, ship


def began(step: str, attempt: int = 1, *, undo: bool = False) -> StepBegan:
    return StepBegan(step, attempt, f"ship {step}", undo)


def ended(step: str, code: int = 0, attempt: int = 1, *, undo: bool = False) -> StepEnded:
    status = Status.FAILED if code else Status.DONE
    return StepEnded(step, attempt, status, code, "", "" if not code else "it broke", undo=undo)


def done(step: str, *, undo: bool = False) -> tuple[PlaybookEvent, ...]:
    return began(step, undo=undo), ended(step, undo=undo)


def failed(step: str, code: int = 6, attempt: int = 1, *, undo: bool = False) -> tuple[PlaybookEvent, ...]:
    return began(step, attempt, undo=undo), ended(step, code, attempt, undo=undo)


def skipped(step: str) -> StepEnded:
    return StepEnded(step, 0, Status.SKIPPED)


RESUMED = PlaybookResumed("d1", "p1")
CANCEL = PlaybookSignalled(Wish.CANCEL, "enough")
UNDO = PlaybookUndoing("step b failed: it broke")


def told(move: Move) -> str:
    """A move in a few words, so that the tables below can be read."""
    match move:
        case Do(turn, action, attempt, again, undo):
            words = [action.uses, turn.key, str(attempt), "again" if again else "", "undo" if undo else ""]
            return " ".join(filter(None, words))
        case Wait(turn, until):
            return f"wait for {turn.key} until {(until - NOON).total_seconds():g}"
        case TakeBack(reason, cancelled):
            return f"take back{' (cancelled)' if cancelled else ''}: {reason}"
        case Hold(code, reason):
            return f"hold {int(code)}: {reason}"
        case Close(outcome, reason):
            return f"{outcome.value}: {reason}"


def u(name: str, **more: object) -> Step:
    return ship(name, undo=Undo("unship", {"name": name}), **more)  # type: ignore[arg-type]


A, B, C = ship("a"), ship("b"), ship("c")
RETRY = Retry(3, timedelta(seconds=10))
TWICE = ship("a", retry=RETRY)
LOOK = ship("a", "look", retry=RETRY)
ONCE, UONCE = ship("a", "once"), ship("a", undo=Undo("once", {"name": "a"}))
EACH = ship("a", each=["x", "y"])
NONE = ship("a", each=[])
UNSURE = "step a was begun, and whether it was done is not known: once may happen twice; --repeat does it once more"

FORWARD: list[tuple[str, list[Step], list[PlaybookEvent], str]] = [
    ("the first", [A, B], [], "ship a 1"),
    ("the next", [A, B], [*done("a")], "ship b 1"),
    ("after what was skipped", [A, B], [skipped("a")], "ship b 1"),
    ("the end", [A, B], [*done("a"), *done("b")], "done: every step is done"),
    ("all skipped", [A], [skipped("a")], "done: every step is done"),
    ("nothing to do", [NONE], [], "done: every step is done"),
    ("begun and no end", [A, B], [began("a")], "ship a 1 again"),
    ("begun twice and no end", [A, B], [*failed("a"), RESUMED, began("a", 2)], "ship a 2 again"),
    ("what cannot be recognised", [ONCE], [began("a")], f"hold 6: {UNSURE}"),
    ("the end ends it", [ship("a", end=True), B], [*done("a")], "done: every step is done"),
    ("an end that was skipped does not", [ship("a", end=True), B], [skipped("a")], "ship b 1"),
    ("an end that failed does not", [ship("a", end=True, on_failure=CONTINUE), B], [*failed("a")], "ship b 1"),
    ("the first item", [EACH, B], [], "ship a[0] 1"),
    ("the next item", [EACH, B], [*done("a[0]")], "ship a[1] 1"),
    ("after the items", [EACH, B], [*done("a[0]"), *done("a[1]")], "ship b 1"),
    ("no item", [NONE, B], [], "ship b 1"),
    ("not the last item", [ship("a", each=["x", "y"], end=True), B], [*done("a[0]")], "ship a[1] 1"),
    (
        "the last item",
        [ship("a", each=["x", "y"], end=True), B],
        [*done("a[0]"), skipped("a[1]")],
        "done: every step is done",
    ),
    (
        "items of which one failed",
        [ship("a", each=["x", "y"], end=True, on_failure=CONTINUE), B],
        [*failed("a[0]"), *done("a[1]")],
        "ship b 1",
    ),
    ("no item was done", [ship("a", each=["x"], end=True), B], [skipped("a[0]")], "ship b 1"),
]

FAILURES: list[tuple[str, list[Step], list[PlaybookEvent], str]] = [
    ("abort", [A, B], [*failed("a")], "hold 6: step a failed: it broke"),
    ("abort, nothing done", [A], [*failed("a", 2)], "hold 6: step a failed: it broke"),
    ("the code is kept: 5", [A], [*failed("a", 5)], "hold 5: step a failed: it broke"),
    ("the code is kept: 8", [A], [*failed("a", 8)], "hold 8: step a failed: it broke"),
    ("the code is kept: 130", [A], [*failed("a", 130)], "hold 130: step a failed: it broke"),
    ("the code is not kept: 4", [A], [*failed("a", 4)], "hold 6: step a failed: it broke"),
    ("the code is not kept: 1", [A], [*failed("a", 1)], "hold 6: step a failed: it broke"),
    ("abort with something done", [u("a"), B], [*done("a"), *failed("b")], "take back: step b failed: it broke"),
    ("abort with nothing to take back", [A, B], [*done("a"), *failed("b")], "hold 6: step b failed: it broke"),
    ("what failed itself", [u("a")], [*failed("a", 9)], "take back: step a failed: it broke"),
    ("what failed without effect", [u("a")], [*failed("a", 3)], "hold 6: step a failed: it broke"),
    ("continue", [ship("a", on_failure=CONTINUE), B], [*failed("a")], "ship b 1"),
    (
        "continue to the end",
        [ship("a", on_failure=CONTINUE), B],
        [*failed("a"), *done("b")],
        "partly: it came to its end, and a failed",
    ),
    ("jump", [ship("a", on_failure="c"), B, C], [*failed("a")], "ship c 1"),
    ("no jump", [ship("a", on_failure="c"), B, C], [*done("a")], "ship b 1"),
    ("jump to items", [ship("a", on_failure="c"), B, ship("c", each=["x"])], [*failed("a")], "ship c[0] 1"),
    ("jump to no item", [ship("a", on_failure="b"), ship("b", each=[]), C], [*failed("a")], "ship c 1"),
    (
        "jump to no item at the end",
        [ship("a", on_failure="b"), ship("b", each=[])],
        [*failed("a")],
        "partly: it came to its end, and a failed",
    ),
    (
        "jump past the other items",
        [ship("a", each=["x", "y"], on_failure="c"), B, C],
        [*failed("a[0]")],
        "ship c 1",
    ),
    ("resumed at what failed", [A, B], [*failed("a"), RESUMED], "ship a 2"),
    ("resumed, not what went on", [ship("a", on_failure=CONTINUE), B], [*failed("a"), RESUMED], "ship b 1"),
    ("resumed, not what jumped", [ship("a", on_failure="c"), B, C], [*failed("a"), RESUMED], "ship c 1"),
    ("resumed after a failure before it began", [A], [ended("a", 2), RESUMED], "ship a 1"),
    ("resumed and failed", [A], [*failed("a"), RESUMED, *failed("a", attempt=2)], "hold 6: step a failed: it broke"),
    ("resumed and done", [A, B], [*failed("a"), RESUMED, began("a", 2), ended("a", 0, 2)], "ship b 1"),
    ("cancelled", [A, B], [*done("a"), CANCEL], "cancelled: cancelled: enough"),
    ("cancelled before anything", [u("a")], [CANCEL], "cancelled: cancelled: enough"),
    ("cancelled with something done", [u("a"), B], [*done("a"), CANCEL], "take back (cancelled): cancelled: enough"),
    ("cancelled with no end", [u("a"), B], [began("a"), CANCEL], "take back (cancelled): cancelled: enough"),
    ("a skipped step is not taken back", [u("a"), B], [skipped("a"), CANCEL], "cancelled: cancelled: enough"),
    ("approved is not cancelled", [A], [PlaybookSignalled(Wish.APPROVE, "", "a", "p1")], "ship a 1"),
]

BACK: list[tuple[str, list[Step], list[PlaybookEvent], str]] = [
    ("the newest first", [u("a"), u("b"), C], [*done("a"), *done("b"), *failed("c"), UNDO], "unship b 1 undo"),
    (
        "then the next",
        [u("a"), u("b"), C],
        [*done("a"), *done("b"), *failed("c"), UNDO, *done("b", undo=True)],
        "unship a 1 undo",
    ),
    (
        "the newest attempt counts",
        [u("a", on_failure=CONTINUE), u("b"), C],
        [*failed("b"), *done("a"), UNDO],
        "unship a 1 undo",
    ),
    (
        "all taken back",
        [u("a"), B],
        [*done("a"), *failed("b"), UNDO, *done("a", undo=True)],
        "undone: step b failed: it broke; what was done before is taken back",
    ),
    (
        "cancelled",
        [u("a"), B],
        [*done("a"), CANCEL, PlaybookUndoing("cancelled", cancelled=True), *done("a", undo=True)],
        "cancelled: cancelled; what was done before is taken back",
    ),
    (
        "cancelled while taking back",
        [u("a"), B],
        [*done("a"), *failed("b"), UNDO, CANCEL],
        "unship a 1 undo",
    ),
    ("killed", [u("a"), B], [*done("a"), *failed("b"), UNDO, began("a", undo=True)], "unship a 1 again undo"),
    (
        "killed, and not to be recognised",
        [UONCE, B],
        [*done("a"), *failed("b"), UNDO, began("a", undo=True)],
        f"hold 6: {UNSURE}",
    ),
    (
        "what fails does not keep the others",
        [u("a"), u("b"), C],
        [*done("a"), *done("b"), *failed("c"), UNDO, *failed("b", undo=True)],
        "unship a 1 undo",
    ),
    (
        "and the run holds",
        [u("a"), u("b"), C],
        [*done("a"), *done("b"), *failed("c"), UNDO, *failed("b", 4, undo=True), *done("a", undo=True)],
        "hold 6: b could not be taken back: it broke",
    ),
    (
        "with the code that matters",
        [u("a"), u("b"), C],
        [*done("a"), *done("b"), *failed("c"), UNDO, *failed("b", undo=True), *failed("a", 8, undo=True)],
        "hold 8: b, a could not be taken back: it broke",
    ),
    (
        "tried again when resumed",
        [u("a"), B],
        [*done("a"), *failed("b"), UNDO, *failed("a", undo=True), RESUMED],
        "unship a 2 undo",
    ),
    (
        "what was never begun is not",
        [u("a"), u("b"), C],
        [*done("a"), *failed("b", 2), UNDO, *done("a", undo=True)],
        "undone: step b failed: it broke; what was done before is taken back",
    ),
    (
        "refused the second time, done the first",
        [u("a"), B],
        [*failed("a", 9), RESUMED, *failed("a", 3, 2)],
        "take back: step a failed: it broke",
    ),
    (
        "begun, nobody knows, and refused",
        [u("a"), B],
        [began("a"), RESUMED, ended("a", 3)],
        "take back: step a failed: it broke",
    ),
    (
        "rolled back by itself says that all is as it was",
        [u("a"), B],
        [*failed("a", 9), RESUMED, *failed("a", 4, 2)],
        "hold 6: step a failed: it broke",
    ),
    ("never begun", [u("a"), B], [ended("a", 2)], "hold 6: step a failed: it broke"),
    (
        "the items that were done and the one that failed, the newest first",
        [u("a", each=["x", "y", "z", "z"]), B],
        [*done("a[0]"), *done("a[1]"), *failed("a[2]"), UNDO],
        "unship a[2] 1 undo",
    ),
    (
        "then the items before it",
        [u("a", each=["x", "y", "z", "z"]), B],
        [*done("a[0]"), *done("a[1]"), *failed("a[2]"), UNDO, *done("a[2]", undo=True)],
        "unship a[1] 1 undo",
    ),
    (
        "no item that was not begun",
        [u("a", each=["x", "y", "z", "z"]), B],
        [*done("a[0]"), *failed("a[1]", 3), UNDO, *done("a[0]", undo=True)],
        "undone: step b failed: it broke; what was done before is taken back",
    ),
    ("nothing new begins", [u("a"), B, C], [*done("a"), UNDO, *done("a", undo=True)], ("undone: "
     "step b failed: it broke; what was done before is taken back")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "events", "expected"), [row[1:] for row in FORWARD + FAILURES + BACK],
    ids=[f"{name}" for name, *_ in FORWARD + FAILURES + BACK],
)  # fmt: skip
def test_what_comes_next(steps: list[Step], events: list[PlaybookEvent], expected: str) -> None:
    playbook = book(*steps)
    turns = turns_of(playbook, {}, lambda text, _: text)
    assert told(decide(playbook, turns, fold(*events), USES, at(9_999))) == expected


FAILED_C = [*done("a"), *done("b"), *failed("c")]
SKIPPED_B = StepEnded("b", 0, Status.SKIPPED, undo=True)


@pytest.mark.parametrize(
    ("due", "events", "expected"),
    [
        ("ab", FAILED_C, "take back: step c failed: it broke"),
        ("a", FAILED_C, "take back: step c failed: it broke"),
        ("b", FAILED_C, "take back: step c failed: it broke"),
        ("", FAILED_C, "hold 6: step c failed: it broke"),
        ("", [*FAILED_C, RESUMED], "ship c 2"),
        ("", [*FAILED_C, CANCEL], "cancelled: cancelled: enough"),
        ("a", [*FAILED_C, CANCEL], "take back (cancelled): cancelled: enough"),
        # once it is decided, each is asked, and those of which there is nothing are on record as skipped
        ("a", [*FAILED_C, UNDO], "unship b 1 undo"),
        ("a", [*FAILED_C, UNDO, SKIPPED_B], "unship a 1 undo"),
        ("a", [*FAILED_C, UNDO, SKIPPED_B, RESUMED], "unship a 1 undo"),
        (
            "a",
            [*FAILED_C, UNDO, SKIPPED_B, *done("a", undo=True)],
            "undone: step b failed: it broke; what was done before is taken back",
        ),
    ],
)
def test_a_run_of_which_nothing_is_to_be_taken_back_is_held(
    due: str, events: list[PlaybookEvent], expected: str
) -> None:
    playbook = book(u("a"), u("b"), C)
    turns = turns_of(playbook, {}, lambda text, _: text)
    move = decide(playbook, turns, fold(*events), USES, NOON, due=lambda turn: turn.key in due)
    assert told(move) == expected


@pytest.mark.parametrize(
    ("step", "events", "seconds", "expected"),
    [
        (TWICE, [*failed("a", 8)], 5, "wait for a until 13"),
        (TWICE, [*failed("a", 8)], 12.9, "wait for a until 13"),
        (TWICE, [*failed("a", 8)], 13, "ship a 2"),
        (TWICE, [*failed("a", 6)], 5, "hold 6: step a failed: it broke"),
        (TWICE, [*failed("a", 2)], 5, "hold 6: step a failed: it broke"),
        (TWICE, [*failed("a", 8), *failed("a", 8, 2)], 99, "ship a 3"),
        (TWICE, [*failed("a", 8), *failed("a", 8, 2), *failed("a", 8, 3)], 99, "hold 8: step a failed: it broke"),
        (TWICE, [*failed("a", 8), *failed("a", 8, 2), *failed("a", 8, 3), RESUMED], 99, "ship a 4"),
        (
            TWICE,
            [*failed("a", 8), *failed("a", 8, 2), *failed("a", 8, 3), RESUMED, *failed("a", 8, 4)],
            99,
            "ship a 5",
        ),
        (LOOK, [*failed("a", 6)], 5, "wait for a until 13"),
        (LOOK, [*failed("a", 2)], 5, "hold 6: step a failed: it broke"),
        (ship("a", "look"), [*failed("a", 6)], 5, "hold 6: step a failed: it broke"),
        (ship("a", "look", retry=RETRY, on_failure=CONTINUE), [*failed("a"), *failed("a", 6, 2)], 99, "look a 3"),
        (
            ship("a", "look", retry=RETRY, on_failure=CONTINUE),
            [*failed("a"), *failed("a", 6, 2), *failed("a", 6, 3), RESUMED],
            99,
            "partly: it came to its end, and a failed",
        ),
        # one that fails before it begins was not tried at all
        (LOOK, [ended("a", 2)], 5, "hold 6: step a failed: it broke"),
    ],
)
def test_another_attempt(step: Step, events: list[PlaybookEvent], seconds: float, expected: str) -> None:
    playbook = book(step)
    turns = turns_of(playbook, {}, lambda text, _: text)
    assert told(decide(playbook, turns, fold(*events), USES, at(seconds))) == expected


@pytest.mark.parametrize(
    ("step", "repeat", "expected"),
    [
        (ONCE, True, "once a 1 again"),
        (ONCE, False, f"hold 6: {UNSURE}"),
        (ship("a", "once", {"name": "a", "repeatable": True}), False, "once a 1 again"),
        (ship("a", "once", {"name": "a", "repeatable": "${{ true }}"}), False, f"hold 6: {UNSURE}"),
        (A, False, "ship a 1 again"),
    ],
)
def test_a_person_or_the_playbook_may_say_that_a_step_can_be_repeated(step: Step, repeat: bool, expected: str) -> None:
    playbook = book(step)
    turns = turns_of(playbook, {}, lambda text, _: text)
    assert told(decide(playbook, turns, fold(began("a")), USES, NOON, repeat=repeat)) == expected


def test_a_step_that_an_edit_took_out_is_neither_done_nor_taken_back() -> None:
    playbook = book(B)
    turns = turns_of(playbook, {}, lambda text, _: text)
    run = fold(*done("a"), RESUMED)
    assert told(decide(playbook, turns, run, USES, NOON)) == "ship b 1"
    run = fold(*done("a"), CANCEL)
    assert told(decide(playbook, turns, run, USES, NOON)) == "cancelled: cancelled: enough"


def test_the_codes_that_are_kept_are_those_that_say_what_to_do() -> None:
    kept = []
    for code in ExitCode:
        playbook = book(A)
        turns = turns_of(playbook, {}, lambda text, _: text)
        if code is not ExitCode.DONE:
            move = decide(playbook, turns, fold(*failed("a", int(code))), USES, NOON)
            assert isinstance(move, Hold)
            kept += [int(code)] if move.code is code and code is not ExitCode.HELD else []
    assert kept == [5, 8, 130]
