"""Which versions go and which stay, as values; what the journals still need; what a dead process left."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.errors import InvalidVersionError
from lambdaops.core.events import Entry, Published, RolledBack
from lambdaops.core.model import Actor, Alias, Routing, VersionNumber
from lambdaops.core.prune import (
    EVERY,
    Kept,
    LeftBehind,
    Reference,
    StoredVersion,
    agreed,
    decide,
    knows_no_rollback,
    left_behind,
    of_aliases,
    of_journals,
)
from lambdaops.core.prune_records import (
    PruneClosed,
    PruneOpened,
    VersionDeleted,
    VersionDeleteFailed,
    VersionDeleting,
    VersionSpared,
)
from tests.core.test_replay import ARN, Story

if TYPE_CHECKING:
    from lambdaops.core.events import Event

FUNCTION = ARN.rpartition(":")[0]
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
LONG_AGO, NEVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
ADA = Actor("arn:aws:sts::123456789012:assumed-role/oncall/ada", "laptop")


def stored(*numbers: int) -> list[StoredVersion]:
    return [StoredVersion(str(number), 10) for number in numbers]


def numbers(versions: object) -> list[str]:
    return [str(getattr(one, "number", getattr(one, "version", ""))) for one in versions]  # type: ignore[attr-defined]


def alias(name: str, *routing: object) -> Alias:
    return Alias(f"{FUNCTION}:{name}", Routing(*routing), "rev")  # type: ignore[arg-type]


# -- the decision --------------------------------------------------------------------------------------------------


def test_the_newest_stay_and_the_rest_goes_oldest_first() -> None:
    decision = decide(stored(9, 1, 10, 2), 2, ())
    assert numbers(decision.delete) == ["1", "2"], "9 is older than 10"
    assert decision.keep == (Kept("10", "one of the newest 2"), Kept("9", "one of the newest 2"))
    assert decision.size == 20


@pytest.mark.parametrize("keep", [1, 0, -3])
def test_the_newest_one_stays_in_any_case(keep: int) -> None:
    decision = decide(stored(1, 2), keep, ())
    assert (numbers(decision.delete), decision.keep) == (["1"], (Kept("2", "the newest"),))


def test_every_reason_is_told_once() -> None:
    references = [Reference("1", "a"), Reference("1", "b"), Reference("1", "a"), Reference("7", "of none there is")]
    assert decide(stored(1, 2), 1, references).keep == (Kept("2", "the newest"), Kept("1", "a; b"))


def test_a_reference_to_every_version_keeps_every_version() -> None:
    decision = decide(stored(1, 2, 3), 1, [Reference(EVERY, "not known")])
    assert decision.delete == ()
    assert {kept.why for kept in decision.keep} == {"the newest; not known", "not known"}


@given(
    st.sets(st.integers(1, 300), max_size=30),
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(1, 300), st.sampled_from("abc")), max_size=20),
)
def test_whatever_is_there_is_divided(there: set[int], keep: int, referred: list[tuple[int, str]]) -> None:
    references = [Reference(str(number), why) for number, why in referred]
    decision = decide(stored(*there), keep, references)
    gone, stays = {*numbers(decision.delete)}, {*numbers(decision.keep)}
    assert gone | stays == {str(number) for number in there}
    assert gone & stays == set()
    assert gone & {reference.version for reference in references} == set()
    assert gone & {str(number) for number in sorted(there)[-keep:]} == set()
    assert all(kept.why for kept in decision.keep)


def test_what_nobody_agreed_to_stays() -> None:
    before = decide(stored(1, 2, 3, 9), 1, [Reference("2", "a")])
    now = agreed(decide(stored(1, 2, 3, 9), 1, [Reference("3", "b")]), before.delete)
    assert numbers(now.delete) == ["1"]
    assert now.keep == (Kept("9", "the newest"), Kept("3", "b"), Kept("2", "nobody was asked"))


# -- references ----------------------------------------------------------------------------------------------------


def test_either_side_of_an_alias() -> None:
    assert of_aliases([alias("live", "4"), alias("test", "5", "6", 1_000)]) == (
        Reference("4", "orders:live points at it"),
        Reference("5", "orders:test sends it 90 %"),
        Reference("6", "orders:test sends it 10 %"),
    )


def test_the_rollback_target_of_an_alias_stays_however_long_ago_it_was() -> None:
    entries = Story().promotes("r-1", "3", "4").entries
    found = of_journals({ARN: entries}, [alias("live", "4")], NEVER)
    assert found == (Reference("3", "a rollback of orders:live goes to it (stable in release r-1)"),)
    elsewhere = of_journals({ARN: entries}, [alias("live", "9")], NEVER)
    assert elsewhere == (), "the journal speaks of no move to 9"


def test_both_versions_of_an_open_release_stay() -> None:
    entries = Story().opens("r-1", "3", "4").entries
    found = of_journals({ARN: entries}, [], NEVER)
    assert {(one.version, one.why) for one in found} == {
        ("3", "release r-1 of orders:live is not over"),
        ("4", "release r-1 of orders:live is not over"),
    }


def test_what_is_recent_stays_even_of_an_alias_that_is_gone() -> None:
    entries = Story().promotes("r-1", "3", "4").entries
    found = of_journals({ARN: entries}, [], entries[-1].at)
    assert {one.version for one in found} == {"3", "4"}
    assert {one.why for one in found} == {f"release r-1 of orders:live on {entries[-1].at:%F}"}
    assert of_journals({ARN: entries}, [], entries[-1].at + timedelta(seconds=1)) == ()


def entry(event: Event, run: str = "p-1", seq: int = 1, target: str = FUNCTION) -> Entry:
    return Entry(seq, NOON, target, run, ADA, event)


def test_recent_publications_and_rollbacks_stay() -> None:
    published = entry(Published("7", "sha", new=True))
    back = entry(RolledBack(Routing("5", "6", 1), Routing("4"), "rev", "--to"), "b-1", target=ARN)
    found = of_journals({FUNCTION: [published], ARN: [back]}, [], NOON)
    assert found == (
        Reference("7", "published on 2026-08-01 as p-1"),
        *(Reference(number, "rollback b-1 of orders:live on 2026-08-01") for number in "456"),
    )
    assert of_journals({FUNCTION: [published], ARN: [back]}, [], NOON + timedelta(seconds=1)) == ()


def test_aliases_of_which_no_journal_knows_where_a_rollback_goes() -> None:
    entries = Story().promotes("r-1", "3", "4").entries
    known = [alias("live", "4"), alias("split", "3", "4", 100), alias("test", "4")]
    assert knows_no_rollback({ARN: entries}, known) == ("orders:test",)


# -- what a dead process left --------------------------------------------------------------------------------------

OPENED = PruneOpened(("1", "2", "3", "4"), 5, LONG_AGO)


def deleting(number: str) -> VersionDeleting:
    return VersionDeleting(number, int(number) * 10, "sha")


def test_what_was_begun_and_has_no_end_is_left_behind() -> None:
    events: list[Event] = [
        OPENED,
        deleting("1"),
        VersionDeleted("1"),
        deleting("2"),
        VersionSpared("2", "an alias"),
        deleting("3"),
    ]
    entries = [entry(event, "v-1", at + 1) for at, event in enumerate(events)]
    assert left_behind(entries) == (LeftBehind("v-1", 1, 10, (deleting("3"),)),)
    assert left_behind([*entries, entry(VersionDeleteFailed("3", "x", "y"), "v-1", 9)])[0].deleting == ()
    assert left_behind([*entries, entry(PruneClosed(1, 10), "v-1", 9)]) == ()
    assert left_behind([replace(one, release="v-2") for one in entries[1:]]) == (), "never opened"


@pytest.mark.parametrize("text", ["", "0", "$LATEST", "live", "007", "-1", "1 ", "١", "1\n", "7:8"])  # noqa: RUF001
def test_what_is_no_number_of_a_version_cannot_be_made_one(text: str) -> None:
    with pytest.raises(InvalidVersionError):
        VersionNumber(text)


def test_a_number_is_one() -> None:
    assert str(VersionNumber("42")) == "42"
