"""Pruning on the simulated account: what keeps a version, what is journaled, and what a second run does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from lambdaops.core.errors import (
    AccessDeniedError,
    AwsFaultError,
    CredentialsExpiredError,
    FunctionBusyError,
    JournalTamperedError,
    JournalUnwritableError,
    LambdaOpsError,
    NotFoundError,
    ThrottledError,
    UnreachableError,
)
from lambdaops.core.events import Opened, kind_of
from lambdaops.core.model import Actor, Routing
from lambdaops.core.notices import Warned
from lambdaops.core.prune import left_behind
from lambdaops.core.prune_records import (
    PruneClosed,
    PruneOpened,
    VersionDeleted,
    VersionDeleteFailed,
    VersionDeleting,
    VersionSpared,
)
from lambdaops.ops.prune import Pruned, Survey, prune, survey
from tests.examples import times
from tests.sim.journal import Crash, SimJournal
from tests.sim.published import SIZE, SimPublished
from tests.sim.rig import Rig, plan_of
from tests.sim.world import ARN

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambdaops.core.notices import Notice
    from lambdaops.core.plan import Plan

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ADA = Actor("arn:aws:sts::111122223333:assumed-role/oncall/ada", "ci-7")


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.world.repoint_alias(Routing("10"))
    return rig


@pytest.fixture
def shelf(rig: Rig) -> SimPublished:
    """Ten versions, of which the alias points at the newest."""
    shelf = SimPublished(rig.world)
    shelf.publish(10)
    return shelf


def look(rig: Rig, shelf: SimPublished, keep: int = 5, since: datetime | None = None) -> Survey:
    recent = since or rig.world.clock.now() - timedelta(days=30)
    return survey(rig.ports, shelf, "orders", keep, recent)


def run(rig: Rig, shelf: SimPublished, keep: int = 5, since: datetime | None = None, reason: str = "") -> Pruned:
    found = look(rig, shelf, keep, since)
    return prune(rig.ports, shelf, "orders", found, keep=keep, reason=reason, ticket="")


def going(found: Survey) -> list[str]:
    return [version.number for version in found.decision.delete]


def why(found: Survey, version: str) -> str:
    return next(kept.why for kept in found.decision.keep if kept.version == version)


def journal(rig: Rig) -> SimJournal:
    return rig.journals.open(ARN)


def kinds(rig: Rig) -> list[str]:
    return [kind_of(entry.event) for entry in journal(rig).entries]


# -- the way it should go ------------------------------------------------------------------------------------------


def test_what_nothing_refers_to_is_deleted_oldest_first(rig: Rig, shelf: SimPublished) -> None:
    done = run(rig, shelf, reason="storage")
    assert shelf.deleted == ["1", "2", "3", "4", "5"]
    assert [version.number for version in done.deleted] == shelf.deleted
    assert done.freed == 5 * SIZE
    assert [kept.version for kept in done.keep] == ["10", "9", "8", "7", "6"]
    assert sorted(rig.world.versions, key=int) == ["6", "7", "8", "9", "10"]
    assert rig.world.routing == Routing("10")
    assert done.trouble is None


def test_the_journal_says_what_why_and_how_it_ended(rig: Rig, shelf: SimPublished) -> None:
    since = rig.world.clock.now() - timedelta(days=30)
    done = run(rig, shelf, keep=8, since=since, reason="storage")
    events = [entry.event for entry in journal(rig).read().entries]
    assert events[0] == PruneOpened(("1", "2"), 8, since, "storage", "", "lambdaops test")
    assert events[1] == VersionDeleting("1", SIZE, "code-1")
    assert isinstance(events[2], VersionDeleted)
    assert events[2].request_id.startswith("req-")
    assert events[-1] == PruneClosed(2, 2 * SIZE)
    assert {entry.release for entry in journal(rig).entries} == {done.run}


def test_a_look_writes_nothing(rig: Rig, shelf: SimPublished) -> None:
    assert going(look(rig, shelf)) == ["1", "2", "3", "4", "5"]
    assert shelf.deleted == []
    assert not any(journal.entries for journal in rig.journals.journals.values())


def test_nothing_to_delete_leaves_no_record(rig: Rig, shelf: SimPublished) -> None:
    done = run(rig, shelf, keep=10)
    assert (done.deleted, len(done.keep)) == ((), 10)
    assert kinds(rig) == []


def test_deletions_leave_the_control_plane_to_others(rig: Rig, shelf: SimPublished) -> None:
    began = rig.world.clock.now()
    run(rig, shelf)
    seconds = (rig.world.clock.now() - began).total_seconds()
    assert len(shelf.asked) / seconds <= 15, "requests a second, in an account that answers at once"


# -- what keeps a version ------------------------------------------------------------------------------------------

GUARDS: list[tuple[str, Callable[[SimPublished], object], str]] = [
    ("alias", lambda shelf: shelf.more_aliases.update(test=Routing("2")), "orders:test points at it"),
    ("split", lambda shelf: shelf.more_aliases.update(test=Routing("10", "2", 100)), "orders:test sends it 1 %"),
    ("concurrency", lambda shelf: shelf.with_concurrency.update({"2", "live"}), "has provisioned concurrency"),
    ("settings", lambda shelf: shelf.with_settings.update({"2", "$LATEST"}), "asynchronous invocations"),
    ("mapping", lambda shelf: shelf.mapped.update({"2": ["arn:q"]}), "event source arn:q invokes it"),
    ("policy", lambda shelf: shelf.policies.update({"2": ["s3"]}), "its policy speaks of s3"),
    (
        "durable",
        lambda shelf: [one.add("2") for one in (shelf.durable, shelf.running)],  # type: ignore[func-returns-value]
        "durable executions are running on it",
    ),
]


@pytest.mark.parametrize(("name", "arrange", "reason"), GUARDS, ids=[guard[0] for guard in GUARDS])
def test_what_refers_to_a_version_keeps_it(
    rig: Rig, shelf: SimPublished, name: str, arrange: Callable[[SimPublished], object], reason: str
) -> None:
    arrange(shelf)
    found = look(rig, shelf)
    assert going(found) == ["1", "3", "4", "5"]
    assert reason in why(found, "2")
    run(rig, shelf)
    assert "2" in rig.world.versions


def test_only_durable_versions_are_asked_for_executions(rig: Rig, shelf: SimPublished) -> None:
    shelf.durable.add("3")
    look(rig, shelf)
    assert [version for name, version in shelf.asked if name == "durable_running"] == ["3"]


def test_the_rollback_target_of_an_old_release_stays(rig: Rig, shelf: SimPublished) -> None:
    rig.world.repoint_alias(Routing("2"))
    rig.world.alarm("errors")
    rig.release(plan_of(candidate="10"))
    rig.world.clock.advance(timedelta(days=400))
    found = look(rig, shelf)
    assert going(found) == ["1", "3", "4", "5"]
    assert "a rollback of orders:live goes to it" in why(found, "2")


def test_what_a_recent_release_or_rollback_had_to_do_with_stays(rig: Rig, shelf: SimPublished) -> None:
    rig.world.repoint_alias(Routing("2"))
    rig.rollback("3")
    rig.rollback("10")
    assert going(look(rig, shelf)) == ["1", "4", "5"]
    rig.world.clock.advance(timedelta(days=31))
    assert going(look(rig, shelf)) == ["1", "2", "3", "4", "5"], "after a rollback, another one stays where it is"


def test_a_rollback_that_goes_to_a_version_can_still_be_made(rig: Rig, shelf: SimPublished) -> None:
    rig.world.repoint_alias(Routing("2"))
    rig.world.alarm("errors")
    rig.release(plan_of(candidate="10"))
    rig.world.clock.advance(timedelta(days=400))
    run(rig, shelf, keep=1)
    assert rig.rollback().after == Routing("2")
    rig.expect("2")


def test_an_alias_without_a_journal_is_warned_of(rig: Rig, shelf: SimPublished) -> None:
    look(rig, shelf)
    assert [notice.message for notice in rig.notices if isinstance(notice, Warned)] == [
        "no journal here says where a rollback of orders:live would go: it may be a version that goes"
    ]
    rig.notices.clear()
    look(rig, shelf, keep=10)
    assert rig.notices == [], "nothing goes"


# -- what cannot be read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["aliases", "provisioned", "asynchronous"])
def test_what_is_not_known_of_all_keeps_all(rig: Rig, shelf: SimPublished, call: str) -> None:
    rig.world.fail(call, AccessDeniedError(f"no {call}", hint="The caller needs it."), times=99)
    found = look(rig, shelf)
    assert going(found) == []
    assert f"no {call}" in why(found, "1")
    assert [trouble.code for trouble in found.troubles] == ["access-denied"]
    run(rig, shelf)
    assert shelf.deleted == []


@pytest.mark.parametrize("call", ["policy", "event_sources", "durable_running"])
def test_what_is_not_known_of_one_keeps_that_one(rig: Rig, shelf: SimPublished, call: str) -> None:
    shelf.durable |= {"1", "2"}
    rig.world.fail(call, AccessDeniedError(f"no {call}"))
    found = look(rig, shelf)
    assert going(found) == ["2", "3", "4", "5"]
    assert why(found, "1").startswith("not known")
    assert len(found.troubles) == 1


def test_a_throttled_question_is_no_answer_either(rig: Rig, shelf: SimPublished) -> None:
    rig.world.fail("policy", ThrottledError("slow down"), times=99)
    assert going(look(rig, shelf)) == []


def test_credentials_that_aws_takes_no_more_end_it(rig: Rig, shelf: SimPublished) -> None:
    rig.world.fail("policy", CredentialsExpiredError("expired"))
    with pytest.raises(CredentialsExpiredError):
        look(rig, shelf)


@pytest.mark.parametrize("arn", [ARN, f"{ARN}:live", f"{ARN}:gone"])
def test_a_journal_that_cannot_be_used_keeps_everything(rig: Rig, shelf: SimPublished, arn: str) -> None:
    rig.journals.open(arn).tampered = True
    with pytest.raises(JournalTamperedError):
        run(rig, shelf)
    assert shelf.deleted == []


def test_a_function_that_does_not_exist(rig: Rig, shelf: SimPublished) -> None:
    with pytest.raises(NotFoundError):
        survey(rig.ports, shelf, "nosuch", 5, LONG_AGO)


# -- somebody else, in between ---------------------------------------------------------------------------------------


def test_an_alias_that_is_pointed_there_in_between_keeps_it(rig: Rig, shelf: SimPublished) -> None:
    def on_notice(notice: Notice) -> None:
        if isinstance(getattr(notice, "event", None), VersionDeleted):
            shelf.more_aliases["test"] = Routing("9", "3", 500)

    rig.on_notice = on_notice
    done = run(rig, shelf)
    assert shelf.deleted == ["1", "2", "4", "5"]
    assert next(kept.why for kept in done.keep if kept.version == "3") == (
        "since a moment ago: orders:test sends it 5 %"
    )
    assert ("delete", "3") not in shelf.asked, "AWS was not even asked"
    assert VersionSpared("3", "since a moment ago: orders:test sends it 5 %") in [
        entry.event for entry in journal(rig).entries
    ]


def test_a_release_that_is_opened_in_between_keeps_both_its_versions(rig: Rig, shelf: SimPublished) -> None:
    rig.world.alarm("errors")

    def on_notice(notice: Notice) -> None:
        if isinstance(getattr(notice, "event", None), VersionDeleted):
            rig.on_notice = None
            rig.journal.append(rig.world.clock.now(), "r-9", ADA, Opened(open_plan(), "rev", ()))

    rig.on_notice = on_notice
    done = run(rig, shelf)
    assert shelf.deleted == ["1", "2", "4", "5"]
    assert "release r-9 of orders:live is not over" in next(kept.why for kept in done.keep if kept.version == "3")


def open_plan() -> Plan:
    return replace(plan_of(candidate="3"), stable="10")


@pytest.mark.parametrize("words", ["it is referenced by an alias", "it is a replicated function"])
def test_what_aws_does_not_delete_stays_and_is_told(rig: Rig, shelf: SimPublished, words: str) -> None:
    shelf.refusals["3"] = words
    done = run(rig, shelf)
    assert shelf.deleted == ["1", "2", "4", "5"]
    assert next(kept.why for kept in done.keep if kept.version == "3") == f"AWS does not delete it: {words}"
    assert done.trouble is None


def test_what_somebody_else_deleted_counts_as_done(rig: Rig, shelf: SimPublished) -> None:
    def delete() -> None:
        del rig.world.versions["1"]

    rig.world.before_call("delete", delete)
    done = run(rig, shelf)
    assert [version.number for version in done.deleted] == ["1", "2", "3", "4", "5"]
    assert shelf.deleted == ["2", "3", "4", "5"]


def test_one_process_prunes_at_a_time(rig: Rig, shelf: SimPublished) -> None:
    found = look(rig, shelf)
    rig.journals.busy = True
    with pytest.raises(FunctionBusyError):
        prune(rig.ports, shelf, "orders", found, keep=5, reason="", ticket="")
    assert (shelf.deleted, kinds(rig)) == ([], [])


# -- what fails ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [UnreachableError("reset"), AwsFaultError("500")])
def test_a_lost_answer_is_settled_by_looking(rig: Rig, shelf: SimPublished, error: LambdaOpsError) -> None:
    rig.world.fail("delete", error, after=True)
    done = run(rig, shelf)
    assert shelf.deleted == ["1", "2", "3", "4", "5"]
    assert [version.number for version in done.deleted] == shelf.deleted
    ends = [entry.event for entry in journal(rig).entries if isinstance(entry.event, VersionDeleted)]
    assert [end.found for end in ends] == [True, False, False, False, False]


@pytest.mark.parametrize("error", [UnreachableError("reset"), AccessDeniedError("no"), ThrottledError("429")])
def test_a_deletion_that_fails_ends_the_run_and_is_told(rig: Rig, shelf: SimPublished, error: LambdaOpsError) -> None:
    def on_notice(notice: Notice) -> None:
        if isinstance(getattr(notice, "event", None), VersionDeleted):
            rig.on_notice = None
            rig.world.fail("delete", error)

    rig.on_notice = on_notice
    done = run(rig, shelf)
    assert shelf.deleted == ["1"]
    assert done.trouble is error
    assert [kept.version for kept in done.keep] == ["10", "9", "8", "7", "6", "5", "4", "3", "2"]
    events = [entry.event for entry in journal(rig).entries]
    assert events[-2:] == [
        VersionDeleteFailed("2", error.code, error.message),
        PruneClosed(1, SIZE, error.message),
    ]
    assert [version.number for version in run(rig, shelf).deleted] == ["2", "3", "4", "5"]


def test_aliases_that_cannot_be_read_any_more_end_the_run(rig: Rig, shelf: SimPublished) -> None:
    found = look(rig, shelf)
    rig.world.fail("aliases", AccessDeniedError("no"))
    done = prune(rig.ports, shelf, "orders", found, keep=5, reason="", ticket="")
    assert (shelf.deleted, done.deleted) == ([], ())
    assert isinstance(done.trouble, AccessDeniedError)


def test_without_the_journal_nothing_is_deleted(rig: Rig, shelf: SimPublished) -> None:
    journal(rig).broken = "no space left on device"
    with pytest.raises(JournalUnwritableError):
        run(rig, shelf)
    assert shelf.deleted == []


def test_a_journal_that_breaks_in_the_middle_ends_the_run_after_what_it_announced(
    rig: Rig, shelf: SimPublished
) -> None:
    rig.world.before_call("delete", lambda: setattr(journal(rig), "broken", "no space left on device"))
    done = run(rig, shelf)
    assert shelf.deleted == ["1"]
    assert isinstance(done.trouble, JournalUnwritableError)
    assert [version.number for version in done.deleted] == ["1"]
    assert any(isinstance(notice, Warned) and "NOT JOURNALED" in notice.message for notice in rig.notices)
    journal(rig).broken = ""
    assert [version.number for version in run(rig, shelf).deleted] == ["2", "3", "4", "5"]
    assert left_behind(journal(rig).entries) == ()


# -- crashes -------------------------------------------------------------------------------------------------------


@times(6)
@given(
    st.lists(st.tuples(st.integers(1, 14), st.booleans()), max_size=5),
    st.lists(st.sampled_from(["lost", "5xx-after", "denied", "alias", "gone"]), max_size=3),
    st.integers(1, 10),
)
def test_killed_at_any_append_the_same_command_completes_it(
    crashes: list[tuple[int, bool]], troubles: list[str], keep: int
) -> None:
    rig = Rig()
    rig.world.repoint_alias(Routing("10"))
    shelf = SimPublished(rig.world)
    shelf.publish(10)
    shelf.policies["2"] = ["s3"]
    protected = {"2", "10"}
    for trouble in troubles:
        arrange(rig, shelf, trouble, protected)
    for after, before in crashes:
        journal(rig).crash_at, journal(rig).crash_before = journal(rig).appends + after, before
        try:
            run(rig, shelf, keep)
        except Crash:
            event("crashed")
            rig.journals.busy = False  # the operating system frees a dead process's lock
        assert announced(rig) >= set(shelf.deleted), "every deletion stood in the journal before it was made"
        assert protected <= set(rig.world.versions)
    journal(rig).crash_at = None
    for _ in range(6):
        done = run(rig, shelf, keep)
        if done.trouble is None:
            break
        event(f"again: {done.trouble.code}")
    gone = {"1"} if "gone" in troubles else set()
    wanted = {str(number) for number in range(1, 11) if number <= 10 - keep} - protected
    assert set(rig.world.versions) == {str(number) for number in range(1, 11)} - wanted - gone
    assert rig.world.routing == Routing("10")
    assert left_behind(journal(rig).read().entries) == (), "every deletion has its end"
    ends = [entry.event.version for entry in journal(rig).entries if isinstance(entry.event, VersionDeleted)]
    assert len(ends) == len(set(ends)), "and one only"
    assert set(shelf.deleted) <= set(ends)


def announced(rig: Rig) -> set[str]:
    return {entry.event.version for entry in journal(rig).entries if isinstance(entry.event, VersionDeleting)}


def arrange(rig: Rig, shelf: SimPublished, trouble: str, protected: set[str]) -> None:
    match trouble:
        case "lost":
            rig.world.fail("delete", UnreachableError("reset"))
        case "5xx-after":
            rig.world.fail("delete", AwsFaultError("500"), after=True)
        case "denied":
            rig.world.fail("delete", AccessDeniedError("no"))
        case "alias":
            shelf.more_aliases["test"] = Routing("9", "3", 500)
            protected |= {"3", "9"}
        case _:
            rig.world.versions.pop("1", None)
