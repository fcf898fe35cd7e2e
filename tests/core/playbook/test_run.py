"""A run folded from its records: which approval counts, how it stands, and that records keep everything."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.errors import ExitCode
from lambdaops.core.events import Entry, from_record, to_record
from lambdaops.core.model import Actor
from lambdaops.core.playbook.limits import Above, Bound
from lambdaops.core.playbook.records import (
    ApprovalAsked,
    Outcome,
    PlaybookClosed,
    PlaybookEvent,
    PlaybookHeld,
    PlaybookOpened,
    PlaybookResumed,
    PlaybookSignalled,
    PlaybookUndoing,
    Status,
    StepBegan,
    StepEnded,
    Wish,
)
from lambdaops.core.playbook.run import exit_code, phase, runs
from tests.core.playbook.book_values import ADA, ARN, BOB, NOON, at, entry, fold

ASKED = ApprovalAsked("ok", "Ship it?", at(600))
SELF = ApprovalAsked("ok", "Ship it?", at(600), self_=True)
BEGAN, ENDED = StepBegan("ok", 1, "approve"), StepEnded("ok", 1, Status.DONE)


def yes(step: str = "ok", plan: str = "p1") -> PlaybookSignalled:
    return PlaybookSignalled(Wish.APPROVE, "fine", step, plan)


def no(step: str = "ok", plan: str = "p1") -> PlaybookSignalled:
    return PlaybookSignalled(Wish.REJECT, "no", step, plan)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([(ASKED, 1), (yes(), 2, BOB)], "approve"),
        ([(ASKED, 1), (yes(), 2, ADA)], None),  # who began it
        ([(SELF, 1), (yes(), 2, ADA)], "approve"),
        ([(ASKED, 1), (yes(), 600, BOB)], "approve"),
        ([(ASKED, 1), (yes(), 600.001, BOB)], None),  # late
        ([(yes(), 1, BOB), (ASKED, 2)], None),  # before it was asked
        ([(ASKED, 1), (yes(plan="p2"), 2, BOB)], None),
        ([(ASKED, 1), (yes("other"), 2, BOB)], None),
        ([(ASKED, 1), (no(), 2, ADA)], "reject"),
        ([(ASKED, 1), (no(), 700, BOB)], None),
        ([(ASKED, 1), (no(plan="p2"), 2, BOB)], None),
        ([(ASKED, 1), (no(), 2, BOB), (yes(), 3, BOB)], "reject"),  # the first that counts
        ([(ASKED, 1), (yes(), 2, ADA), (yes(), 3, BOB)], "approve"),
        ([(ASKED, 1), (PlaybookSignalled(Wish.CANCEL, "", "ok", "p1"), 2, BOB)], None),
        ([(ASKED, 1), (yes(), 2, BOB), (ENDED, 3)], None),  # over
        ([(ASKED, 1), (PlaybookResumed("d2", "p2"), 2), (yes(), 3, BOB)], None),  # of the plan before
        ([(ASKED, 1), (PlaybookResumed("d2", "p2"), 2), (yes(plan="p2"), 3, BOB)], "approve"),
        ([(ASKED, 1), (yes(), 2, BOB), (ApprovalAsked("ok", "Again?", at(900)), 3)], None),
        ([], None),
    ],
)
def test_whose_answer_counts(events: list[tuple[PlaybookEvent, float]], expected: str | None) -> None:
    found = fold(*events).answer()
    assert (found.event.wish.value if found and isinstance(found.event, PlaybookSignalled) else None) == expected


@pytest.mark.parametrize(
    ("events", "live", "expected", "code"),
    [
        ([], True, "running", ExitCode.INTERRUPTED),
        ([], False, "abandoned", ExitCode.INTERRUPTED),
        ([BEGAN, ASKED], True, "waiting for approval", ExitCode.INTERRUPTED),
        ([BEGAN, ASKED, ENDED], True, "running", ExitCode.INTERRUPTED),
        ([PlaybookHeld(6, "held")], False, "held", ExitCode.HELD),
        ([PlaybookHeld(8, "held")], False, "held", ExitCode.AWS),
        ([PlaybookHeld(6, "held")], True, "running", ExitCode.HELD),
        ([PlaybookHeld(6, "held"), PlaybookResumed("d1", "p1")], False, "abandoned", ExitCode.INTERRUPTED),
        ([PlaybookUndoing("x")], True, "undoing", ExitCode.INTERRUPTED),
        ([PlaybookClosed(Outcome.DONE, "x")], False, "done", ExitCode.DONE),
        ([PlaybookClosed(Outcome.PARTLY, "x")], False, "partly", ExitCode.PARTIAL),
        ([PlaybookClosed(Outcome.UNDONE, "x")], True, "undone", ExitCode.PARTIAL),
        ([PlaybookClosed(Outcome.CANCELLED, "x")], False, "cancelled", ExitCode.PARTIAL),
    ],
)
def test_how_a_run_stands(events: list[PlaybookEvent], live: bool, expected: str, code: ExitCode) -> None:
    run = fold(*events)
    assert (phase(run, live=live), exit_code(run)) == (expected, code)


def test_attempts_since_it_was_taken_up_are_counted() -> None:
    run = fold(
        BEGAN, StepEnded("ok", 1, Status.FAILED, 8), StepBegan("ok", 2, ""), StepEnded("ok", 2, Status.FAILED, 8)
    )
    assert (run.tried["ok"].attempt, run.tried["ok"].tries) == (2, 2)
    run.take(entry(9, PlaybookResumed("d1", "p1")))
    assert (run.tried["ok"].attempt, run.tried["ok"].tries) == (2, 0)
    run.take(entry(10, StepBegan("ok", 3, "")))
    assert (run.tried["ok"].attempt, run.tried["ok"].tries, run.tried["ok"].status) == (3, 1, None)


def test_steps_are_in_the_order_of_their_newest_attempts() -> None:
    run = fold(StepBegan("a", 1, ""), StepBegan("b", 1, ""), StepBegan("a", 2, ""))
    assert list(run.tried) == ["b", "a"]


def test_runs_of_one_journal_are_told_apart_and_what_belongs_to_none_is_left() -> None:
    opened = PlaybookOpened("book", "d1", "p1", '{"a": 1}')
    found = runs(
        [
            entry(1, StepBegan("lost", 1, ""), run="o-0"),
            entry(2, opened, run="o-1"),
            entry(3, opened, run="o-2"),
            entry(4, BEGAN, run="o-1"),
            entry(5, PlaybookClosed(Outcome.DONE, ""), run="o-2"),
        ]
    )
    assert [(run.id, list(run.tried), run.open, run.last.seq) for run in found] == [
        ("o-1", ["ok"], True, 4),
        ("o-2", [], False, 5),
    ]
    assert found[0].inputs == {"a": 1}


moments = st.datetimes(
    min_value=NOON.replace(tzinfo=None), max_value=(NOON + timedelta(days=900)).replace(tzinfo=None)
).map(lambda one: one.replace(tzinfo=NOON.tzinfo))
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
bounds = st.builds(Bound, texts, st.integers(1, 999), st.lists(texts).map(tuple))
aboves = st.builds(Above, texts, st.lists(bounds, max_size=3).map(tuple), texts)
events = st.one_of(
    st.builds(
        PlaybookOpened,
        texts,
        texts,
        texts,
        texts,
        texts,
        st.lists(texts).map(tuple),
        st.booleans(),
        texts,
        texts,
        texts,
        st.lists(texts).map(tuple),
        texts,
        aboves,
    ),
    st.builds(PlaybookResumed, texts, texts, texts, st.lists(texts).map(tuple), aboves),
    st.builds(StepBegan, texts, st.integers(1, 99), texts, st.booleans(), st.lists(texts).map(tuple)),
    st.builds(
        StepEnded,
        texts,
        st.integers(0, 99),
        st.sampled_from(Status),
        st.integers(0, 255),
        texts,
        texts,
        texts,
        st.booleans(),
    ),
    st.builds(ApprovalAsked, texts, texts, moments, st.booleans()),
    st.builds(PlaybookSignalled, st.sampled_from(Wish), texts, texts, texts),
    st.builds(PlaybookUndoing, texts, st.booleans()),
    st.builds(PlaybookHeld, st.integers(0, 255), texts),
    st.builds(PlaybookClosed, st.sampled_from(Outcome), texts, texts),
)


def test_what_a_run_has_from_above_is_that_of_the_last_run_that_drove_it() -> None:
    first, second = (Above(run, (Bound("top", 3, ("a",)),), "why") for run in ("o-8", "o-9"))
    opened = PlaybookOpened("book", "d1", "p1", "{}", overrides=("limits: why",), above=first)
    (run,) = runs([entry(1, opened)])
    assert (run.above, run.overrides) == (first, ["limits: why"])
    run.take(entry(2, PlaybookResumed("d1", "p1", above=second)))
    run.take(entry(3, PlaybookResumed("d1", "p1", overrides=("limits: more",))))
    assert (run.above, run.overrides) == (second, ["limits: why", "limits: more"])


def test_what_was_acted_on_stands_once() -> None:
    run = fold(StepBegan("a", 1, "", targets=("x", "x", "y")), StepBegan("a", 2, "", targets=("y", "z")))
    assert run.targets == ["x", "y", "z"]


@given(events)
def test_a_record_is_read_back_as_it_was(event: PlaybookEvent) -> None:
    made = Entry(3, NOON, ARN, "o-1", Actor(ADA, "laptop", "playbook:o-2/ship"), event)
    assert from_record(json.loads(json.dumps(to_record(made)))) == made


def test_every_kind_of_record_is_tried_above() -> None:
    made = {
        PlaybookOpened,
        PlaybookResumed,
        StepBegan,
        StepEnded,
        ApprovalAsked,
        PlaybookSignalled,
        PlaybookUndoing,
        PlaybookHeld,
        PlaybookClosed,
    }
    assert set(get_args(PlaybookEvent)) == made


@given(st.lists(events, max_size=12))
def test_any_records_fold_to_a_run(all_: list[PlaybookEvent]) -> None:
    run = fold(*[one for one in all_ if not isinstance(one, PlaybookOpened)])
    phase(run, live=True)
    exit_code(run) if run.held is None or run.held.code in list(ExitCode) else None
    run.answer()
