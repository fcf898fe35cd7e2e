"""Entries folded into releases, and which version a rollback goes to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.comparison import Comparison, Measure
from lambdaops.core.events import (
    Closed,
    Decided,
    Entry,
    Event,
    Failed,
    Intent,
    Judged,
    Landed,
    Observed,
    Opened,
    Published,
    Resumed,
    RolledBack,
    Signalled,
)
from lambdaops.core.judging import Row
from lambdaops.core.model import Actor, AlarmKind, AlarmReading, AlarmState, Routing
from lambdaops.core.plan import Plan, resolve_strategy
from lambdaops.core.replay import Release, choose_rollback, live_versions, open_release, phase, releases, tells_now
from lambdaops.core.states import Baking, Cause, Done, Held, Outcome, Ready, Reverting, Signal, State
from tests.core.machine_values import NOON

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

ACTOR = Actor("arn:aws:sts::111122223333:assumed-role/oncall/ada", "laptop")
ARN = "arn:aws:lambda:eu-central-1:111122223333:function:orders:live"


def plan_of(stable: str, candidate: str) -> Plan:
    return Plan(stable, candidate, resolve_strategy("10%:1m,50%:1m,100%:1m"), "custom")


@dataclass
class Story:
    """A journal told in verbs; every entry is a second later than the one before."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, release: str, *events: Event) -> Story:
        for event in events:
            at = NOON + timedelta(seconds=len(self.entries))
            self.entries.append(Entry(len(self.entries) + 1, at, ARN, release, ACTOR, event))
        return self

    @property
    def now(self) -> datetime:
        return self.entries[-1].at

    def opens(self, release: str, stable: str, candidate: str) -> Story:
        return self.add(release, Opened(plan_of(stable, candidate), "rev-0", ()))

    def intends(self, release: str, op: int, desired: Routing, then: State) -> Story:
        return self.add(release, Intent(op, None, desired, f"rev-{op - 1}", "why", then))

    def lands(self, release: str, op: int, desired: Routing, *, reconciled: bool = False) -> Story:
        return self.add(release, Landed(op, desired, f"rev-{op}", reconciled))

    def shifts(self, release: str, stable: str, candidate: str, stages: int = 3) -> Story:
        """The release begins and its first ``stages`` writes land."""
        self.opens(release, stable, candidate)
        plan = plan_of(stable, candidate)
        for stage in range(stages):
            self.intends(release, stage + 1, plan.routing_at(stage), Baking(stage, NOON, NOON, NOON))
            self.lands(release, stage + 1, plan.routing_at(stage))
        return self

    def closes(self, release: str, outcome: Outcome) -> Story:
        return self.add(release, Decided(Done(outcome, "why"), "why"), Closed(outcome, "why"))

    def promotes(self, release: str, stable: str, candidate: str) -> Story:
        return self.shifts(release, stable, candidate).closes(release, Outcome.PROMOTED)

    def reverts(self, release: str, op: int, stable: str) -> Story:
        reverting = Reverting("alarm", self.now)
        self.add(release, Decided(reverting, "alarm")).intends(release, op, Routing(stable), reverting)
        return self.lands(release, op, Routing(stable)).closes(release, Outcome.ROLLED_BACK)

    def rolled_back(self, before: Routing, after: str) -> Story:
        return self.add("b-1", RolledBack(before, Routing(after), "rev-9", "basis"))

    @property
    def only(self) -> Release:
        (release,) = releases(self.entries)
        return release


TENTH, HALF = Routing("1", "2", 1_000), Routing("1", "2", 5_000)
BAKING = Baking(0, NOON, NOON, NOON)
NEXT = Baking(1, NOON, NOON, NOON)


# -- the fold ------------------------------------------------------------------------------------------------------


def test_no_entries_are_no_releases() -> None:
    assert releases([]) == ()


def test_a_release_that_just_opened_is_ready() -> None:
    story = Story().opens("r-1", "1", "2")
    release = story.only
    assert (release.id, release.state, release.plan) == ("r-1", Ready(NOON), plan_of("1", "2"))
    assert (release.revision, release.replaced, release.writes) == ("rev-0", "", 0)
    assert (release.pending, release.landed, release.open) == (None, False, True)


def test_an_intent_without_an_end_stays_pending() -> None:
    story = Story().opens("r-1", "1", "2").intends("r-1", 1, TENTH, BAKING)
    assert story.only.pending == story.entries[-1].event
    assert (story.only.state, story.only.landed, story.only.writes) == (Ready(NOON), False, 1)


def test_a_failed_write_stays_pending_because_its_answer_may_have_been_lost() -> None:
    story = Story().opens("r-1", "1", "2").intends("r-1", 1, TENTH, BAKING).add("r-1", Failed(1, "unreachable", "x"))
    assert story.only.pending is not None
    assert story.only.state == Ready(NOON)


def test_a_write_that_landed_takes_its_state_from_when_it_landed() -> None:
    story = Story().opens("r-1", "1", "2").intends("r-1", 1, TENTH, BAKING).lands("r-1", 1, TENTH)
    release, at = story.only, story.now
    assert release.state == Baking(0, at, at, at)
    assert (release.revision, release.replaced, release.pending) == ("rev-1", "rev-0", None)
    assert (release.landed, release.writes) == (True, 1)


def test_a_write_found_to_have_landed_counts_like_one_that_answered() -> None:
    story = Story().opens("r-1", "1", "2").intends("r-1", 1, TENTH, BAKING)
    story.add("r-1", Failed(1, "unreachable", "x")).lands("r-1", 1, TENTH, reconciled=True)
    assert isinstance(story.only.state, Baking)
    assert story.only.pending is None


def test_a_landing_of_another_write_settles_only_the_revision() -> None:
    story = Story().opens("r-1", "1", "2").intends("r-1", 2, TENTH, BAKING).lands("r-1", 1, TENTH)
    assert story.only.pending is not None
    assert (story.only.state, story.only.revision, story.only.landed) == (Ready(NOON), "rev-1", False)


def test_a_forward_write_found_landed_after_the_decision_to_go_back_stays_going_back() -> None:
    story = Story().shifts("r-1", "1", "2", 1).intends("r-1", 2, HALF, NEXT)
    reverting = Reverting("alarm", story.now)
    story.add("r-1", Failed(2, "unreachable", "x"), Decided(reverting, "alarm"))
    story.lands("r-1", 2, HALF, reconciled=True)
    assert story.only.state == reverting
    assert story.only.pending is None
    assert story.only.revision == "rev-2"


def test_the_rollbacks_own_write_landing_keeps_it_reverting_until_it_is_seen() -> None:
    story = Story().shifts("r-1", "1", "2", 1)
    reverting = Reverting("alarm", story.now)
    story.add("r-1", Decided(reverting, "alarm")).intends("r-1", 2, Routing("1"), reverting)
    assert story.lands("r-1", 2, Routing("1")).only.state == reverting


def test_a_resumed_release_goes_on_from_the_state_it_resumed_with() -> None:
    story = Story().shifts("r-1", "1", "2", 1)
    held, again = Held("x", Cause.INTERRUPTED, BAKING), Baking(0, NOON, None, story.now)
    assert story.add("r-1", Decided(held, "x")).only.state == held
    assert story.only.open, "a held release is not over"
    assert story.add("r-1", Resumed(again)).only.state == again


def test_an_empty_look_does_not_replace_the_last_one_that_saw() -> None:
    seen = (AlarmReading("errors", AlarmKind.METRIC, AlarmState.OK, NOON),)
    story = Story().opens("r-1", "1", "2").add("r-1", Observed(TENTH, seen, ()))
    assert story.only.alarms == seen
    assert story.add("r-1", Observed(None, (), ())).only.alarms == seen


def test_what_only_tells_does_not_move_the_state() -> None:
    story = Story().shifts("r-1", "1", "2", 1)
    before = story.only
    story.add("r-1", Signalled(Signal.HOLD, "ada"), Observed(None, (), ()))
    assert story.only.state == before.state
    assert story.only.last == story.entries[-1]


def test_closing_settles_everything() -> None:
    story = Story().opens("r-1", "1", "2").intends("r-1", 1, TENTH, BAKING).closes("r-1", Outcome.REFUSED)
    assert story.only.pending is None
    assert not story.only.open


def test_the_count_of_writes_never_falls() -> None:
    story = Story().opens("r-1", "1", "2").intends("r-1", 5, TENTH, BAKING).intends("r-1", 2, TENTH, BAKING)
    assert story.only.writes == 5


def test_entries_of_other_runs_are_not_mixed_in() -> None:
    story = Story().opens("r-1", "1", "2").add("p-1", Published("2", "sha", new=True))
    story.opens("r-2", "1", "3").intends("r-1", 1, TENTH, BAKING)
    story.add("r-9", Landed(1, Routing("9"), "rev"))
    first, second = releases(story.entries)
    assert (first.id, first.writes, second.id, second.writes) == ("r-1", 1, "r-2", 0)


# -- which release is open -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (Story(), None),
        (Story().opens("r-1", "1", "2"), "r-1"),
        (Story().shifts("r-1", "1", "2", 2), "r-1"),
        (Story().shifts("r-1", "1", "2", 2).add("r-1", Decided(Held("x", Cause.DRIFT, NEXT), "x")), "r-1"),
        (Story().promotes("r-1", "1", "2"), None),
        (Story().shifts("r-1", "1", "2", 1).reverts("r-1", 2, "1"), None),
        (Story().opens("r-1", "1", "2").closes("r-1", Outcome.REFUSED), None),
        # somebody rolled back with the command: the release is over although its process could not say so
        (Story().shifts("r-1", "1", "2", 1).rolled_back(TENTH, "1"), None),
        # a rollback from before it does not count
        (Story().rolled_back(Routing("9"), "1").shifts("r-1", "1", "2", 1), "r-1"),
        (Story().promotes("r-1", "1", "2").shifts("r-2", "2", "3", 1), "r-2"),
        (Story().shifts("r-1", "1", "2", 1).promotes("r-2", "1", "3"), None),
    ],
)
def test_the_open_release_is_the_last_one_unless_it_is_over(story: Story, expected: str | None) -> None:
    found = open_release(story.entries)
    assert (found.id if found else None) == expected


# -- where a rollback goes -----------------------------------------------------------------------------------------

CHAIN = Story().promotes("r-1", "1", "2").promotes("r-2", "2", "3").promotes("r-3", "3", "4")
DENIED = Story().opens("r-1", "1", "2").intends("r-1", 1, TENTH, BAKING)
DENIED.add("r-1", Failed(1, "access-denied", "no")).closes("r-1", Outcome.REFUSED)


@pytest.mark.parametrize(
    ("story", "routing", "expected", "basis"),
    [
        # during a release, at any stage
        (Story().shifts("r-1", "1", "2", 1), TENTH, "1", "stable in release r-1"),
        (Story().shifts("r-1", "1", "2", 2), HALF, "1", "stable in release r-1"),
        (Story().shifts("r-1", "1", "2", 3), Routing("2"), "1", "stable in release r-1"),
        # a write whose end is unknown counts: it may have landed
        (Story().opens("r-1", "1", "2").intends("r-1", 1, TENTH, BAKING), TENTH, "1", "stable in release r-1"),
        (Story().shifts("r-1", "1", "2", 2).intends("r-1", 3, Routing("2"), BAKING), Routing("2"), "1", "r-1"),
        # AWS moving provisioned concurrency
        (Story().shifts("r-1", "1", "2", 3), Routing("2", "1", 4_000), "1", "stable in release r-1"),
        # after the promotion
        (Story().promotes("r-1", "1", "2"), Routing("2"), "1", "stable in release r-1"),
        # after the release went back by itself: nothing further back
        (Story().shifts("r-1", "1", "2", 1).reverts("r-1", 2, "1"), Routing("1"), "1", "stable in release r-1"),
        (Story().promotes("r-1", "1", "2").shifts("r-2", "2", "3").reverts("r-2", 4, "2"), Routing("2"), "2", "r-2"),
        # after a rollback: running it twice stays where it is
        (Story().promotes("r-1", "1", "2").rolled_back(Routing("2"), "1"), Routing("1"), "1", "rolled back at 2026-"),
        (CHAIN, Routing("4"), "3", "stable in release r-3"),
        (Story([*CHAIN.entries]).rolled_back(Routing("4"), "3"), Routing("3"), "3", "rolled back at 2026-11-23 12:"),
        (Story([*CHAIN.entries]).rolled_back(Routing("3", "4", 500), "3"), Routing("3"), "3", "rolled back at"),
        (Story([*CHAIN.entries]).rolled_back(Routing("3", "4", 500), "3"), Routing("4"), "3", "rolled back at"),
        (Story([*CHAIN.entries]).rolled_back(Routing("4"), "1"), Routing("1"), "1", "rolled back at"),
        # the rolled back candidate is back by hand: it is gone back from again
        (Story([*CHAIN.entries]).rolled_back(Routing("4"), "3"), Routing("4"), "3", "rolled back at"),
        # released again after a rollback
        (
            Story().promotes("r-1", "1", "2").rolled_back(Routing("2"), "1").promotes("r-2", "1", "3"),
            Routing("3"),
            "1",
            "stable in release r-2",
        ),
        # a release that is about to begin: going back means staying
        (Story().promotes("r-1", "1", "2").opens("r-2", "2", "3"), Routing("2"), "2", "stable in release r-2"),
        # going back twice must not go back further: the release that was called off says where it stays
        (
            Story().promotes("r-1", "1", "2").opens("r-2", "2", "3").rolled_back(Routing("2"), "2"),
            Routing("2"),
            "2",
            "rolled back at",
        ),
        # a release that wrote nothing and is over says nothing
        (
            Story().promotes("r-1", "1", "2").opens("r-2", "2", "3").closes("r-2", Outcome.REFUSED),
            Routing("2"),
            "1",
            "stable in release r-1",
        ),
        # the journal speaks of other versions: the alias itself tells, if it is split
        (Story().promotes("r-1", "1", "2"), Routing("7", "8", 500), "7", "the primary version of a weighted alias"),
        (Story().promotes("r-1", "1", "2"), Routing("2", "3", 500), "2", "the primary version of a weighted alias"),
        (Story().shifts("r-1", "1", "2", 1), Routing("1", "3", 500), "1", "the primary version of a weighted alias"),
        (CHAIN, Routing("2", "3", 500), "2", "the primary version of a weighted alias"),
        # no journal
        (Story(), Routing("7", "8", 500), "7", "the primary version of a weighted alias"),
        (Story().add("p-1", Published("2", "sha", new=True)), Routing("7", "8", 500), "7", "the primary version"),
        (Story().opens("r-1", "1", "2"), TENTH, "1", "the primary version of a weighted alias"),
    ],
)
def test_a_rollback_goes_to(story: Story, routing: Routing, expected: str, basis: str) -> None:
    choice = choose_rollback(story.entries, routing)
    assert choice is not None
    assert choice.version == expected
    assert basis in choice.basis


@pytest.mark.parametrize(
    ("story", "routing"),
    [
        (Story(), Routing("7")),
        (Story().opens("r-1", "1", "2"), Routing("2")),
        (DENIED, Routing("2")),
        # released elsewhere, or set by hand: what an old entry calls stable must not undo it
        (Story().promotes("r-1", "1", "2"), Routing("3")),
        (Story().promotes("r-1", "1", "2").rolled_back(Routing("2"), "1"), Routing("3")),
        # only the newest statement counts, so a chain is never walked further back
        (CHAIN, Routing("2")),
        (CHAIN, Routing("1")),
        (Story([*CHAIN.entries]).rolled_back(Routing("4"), "3"), Routing("2")),
    ],
)
def test_where_nothing_known_fits_a_rollback_must_be_told(story: Story, routing: Routing) -> None:
    assert choose_rollback(story.entries, routing) is None


def test_a_period_counts_once_and_a_row_nobody_asked_for_never() -> None:
    """Whoever wrote them: a rollback reads the journal first."""
    plan = replace(plan_of("1", "2"), comparisons=(Comparison(Measure.ERRORS),))
    minute = timedelta(minutes=1)
    rows = (Row("errors", 90, 1, 10, 1), Row("latency:800ms", 90, 1, 10, 1))
    story = Story().add("r-1", Opened(plan, "rev-0", ()), Judged(NOON, minute, rows), Judged(NOON, minute, rows))
    (release,) = releases(story.entries)
    assert release.sums.until == NOON + minute
    assert release.sums.evidence.keys() == {"errors"}
    assert release.sums.evidence["errors"].candidate == 10


def test_rolling_back_again_and_again_never_walks_further_back() -> None:
    story, routing = Story([*CHAIN.entries]), Routing("4")
    for _ in range(3):
        choice = choose_rollback(story.entries, routing)
        assert choice is not None
        assert choice.version == "3"
        if routing != Routing("3"):
            story.rolled_back(routing, choice.version)
        routing = Routing("3")


# -- which versions were live --------------------------------------------------------------------------------------


def numbers(entries: Sequence[Entry]) -> dict[str, int]:
    return {version: entry.seq or 0 for version, entry in live_versions(entries).items()}


def test_a_version_was_live_once_it_took_all_the_traffic() -> None:
    assert numbers(Story().shifts("r-1", "1", "2", 2).entries) == {}
    story = Story().shifts("r-1", "1", "2", 3)
    assert numbers(story.entries) == {"2": len(story.entries)}
    story.reverts("r-1", 4, "1")
    assert numbers(story.entries) == {"2": 7, "1": 10}
    story.rolled_back(Routing("1"), "2")
    assert numbers(story.entries)["2"] == len(story.entries), "the last time counts"


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (Ready(NOON), "ready"),
        (Baking(0, NOON, NOON, NOON), "baking stage 1"),
        (Baking(2, NOON, None, NOON), "baking stage 3"),
        (Reverting("x", NOON), "rolling back"),
        (Held("x", Cause.DRIFT, BAKING), "held (drift)"),
        (Done(Outcome.PROMOTED, "x"), "promoted"),
        (Done(Outcome.ROLLED_BACK, "x"), "rolled back"),
    ],
)
def test_a_state_in_a_few_words(state: State, word: str) -> None:
    assert phase(state) == word


# -- the end of a journal ------------------------------------------------------------------------------------------


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Releases one after another, some of them given up or overtaken, and rollbacks between them."""
    story, stable = Story(), 1
    for number in range(draw(st.integers(0, 6))):
        run, candidate = f"r-{number}", str(draw(st.integers(1, 5)))
        match draw(st.sampled_from(["opens", "shifts", "promotes", "reverts", "rolled back", "intends"])):
            case "opens":
                story.opens(run, str(stable), candidate)
            case "shifts":
                story.shifts(run, str(stable), candidate, draw(st.integers(0, 3)))
            case "promotes":
                story.promotes(run, str(stable), candidate)
                stable = int(candidate)
            case "reverts":
                story.shifts(run, str(stable), candidate, 1).reverts(run, 2, str(stable))
            case "rolled back":
                stable = draw(st.integers(1, 5))
                story.rolled_back(Routing(candidate), str(stable))
            case _:
                story.opens(run, str(stable), candidate).intends(run, 1, TENTH, BAKING)
    return story


@given(stories(), st.integers(1, 5), st.none() | st.integers(1, 5))
def test_an_end_that_tells_how_things_stand_tells_what_the_whole_does(
    story: Story, primary: int, additional: int | None
) -> None:
    second = str(additional) if additional not in (None, primary) else None
    routing = Routing(str(primary), second, 1_000 if second else 0)
    whole = story.entries
    for first in range(len(whole)):
        part = whole[first:]
        if tells_now(part):
            assert choose_rollback(part, routing) == choose_rollback(whole, routing)
            there, here = open_release(whole), open_release(part)
            assert here == there
            assert releases(part)[-1] == releases(whole)[-1]


def test_an_end_without_a_move_is_not_enough() -> None:
    story = Story().promotes("r-1", "1", "2").opens("r-2", "2", "3")
    assert not tells_now(story.entries[-1:])
    assert not tells_now(story.entries[1:-1])
    assert tells_now(story.entries)
    assert not tells_now([])
