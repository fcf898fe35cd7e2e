"""The rollback command on the simulated account: from every phase, with everything else broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import (
    AccessDeniedError,
    AwsFaultError,
    ConflictError,
    CredentialsExpiredError,
    ExitCode,
    LambdaOpsError,
    NotFoundError,
    RejectedError,
    RollbackIncompleteError,
    RollbackTargetUnknownError,
    ThrottledError,
    UnreachableError,
)
from lambdaops.core.events import Entry, Event, Failed, Intent, Landed, Observed, Opened, RolledBack, Signalled
from lambdaops.core.model import Actor, Provisioned, Routing, Target
from lambdaops.core.notices import Progress, Warned
from lambdaops.core.replay import open_release, phase
from lambdaops.core.states import Signal
from lambdaops.ops.reports import history
from lambdaops.ops.rollback import Rollback, plan_rollback, roll_back
from tests.sim.journal import Crash
from tests.sim.rig import TARGET, Rig, plan_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambdaops.core.notices import Notice

SPLIT = Routing("1", "2", 1_000)
HALF = Routing("1", "2", 5_000)
STABLE, NEW = Routing("1"), Routing("2")
READY = Provisioned("READY", 5, 5)


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.world.alarm("errors")
    return rig


def hold_at(rig: Rig, seconds: float) -> None:
    """A release that a person stopped after this time."""
    rig.world.clock.after(seconds, lambda: setattr(rig, "asked", (Signal.HOLD, "Ctrl-C")))
    rig.release()
    rig.asked = None


def calls_of(rig: Rig, what: Callable[[], object]) -> list[str]:
    before = len(rig.world.calls)
    what()
    return rig.world.calls[before:]


def warnings(rig: Rig) -> list[str]:
    return [notice.message for notice in rig.notices if isinstance(notice, Warned)]


def record_of(rig: Rig) -> RolledBack:
    """The last record, as the file would give it back."""
    event = rig.journal.read().entries[-1].event
    assert isinstance(event, RolledBack)
    return event


# -- from every phase ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "before"), [(35, SPLIT), (75, HALF), (150, NEW)], ids=["first stage", "second stage", "full traffic"]
)
def test_during_a_release_all_traffic_goes_back_to_stable(rig: Rig, seconds: float, before: Routing) -> None:
    hold_at(rig, seconds)
    done = rig.rollback()
    rig.expect("1")
    assert (done.before, done.after, done.changed) == (before, STABLE, True)
    assert done.basis.startswith("stable in release r-")


def test_after_a_promotion_the_primary_goes_back(rig: Rig) -> None:
    """Clearing the weights would do nothing here."""
    rig.release()
    assert rig.rollback().before == NEW
    rig.expect("1")


def test_after_a_release_that_went_back_by_itself_nothing_is_written(rig: Rig) -> None:
    rig.world.clock.after(35, lambda: rig.world.breach("errors"))
    rig.release()
    writes = len(rig.world.writes)
    assert rig.rollback().changed is False
    assert len(rig.world.writes) == writes


def test_of_two_releases_the_last_is_undone(rig: Rig) -> None:
    rig.release()
    rig.release(plan_of(candidate="3"))
    rig.rollback()
    rig.expect("2")


def test_during_the_second_release_the_first_ones_candidate_is_stable(rig: Rig) -> None:
    rig.release()
    rig.world.clock.after(35, lambda: setattr(rig, "asked", (Signal.HOLD, "Ctrl-C")))
    rig.release(plan_of(candidate="3"))
    rig.rollback()
    rig.expect("2")


def test_while_aws_moves_provisioned_concurrency_the_stable_version_is_known(rig: Rig) -> None:
    rig.release()
    rig.world.repoint_alias(Routing("2", "1", 4_000))
    rig.rollback()
    rig.expect("1")


def test_a_running_release_notices_and_is_superseded(rig: Rig) -> None:
    rig.world.clock.after(75, rig.roll_back_now)
    assert rig.release().exit_code is ExitCode.CONFLICT
    rig.expect("1")
    assert rig.world.writes == [SPLIT, HALF, STABLE]


def test_a_step_of_a_playbook_that_is_done_again_says_what_it_did(rig: Rig) -> None:
    """Its process died after it was on record; another step, or another attempt, did nothing."""
    rig.release()
    for run, before, changed in (
        ("playbook:o-1/back", "2", True),
        ("playbook:o-1/back", "2", True),
        ("playbook:o-1/back#2", "1", False),
        ("playbook:o-1/other", "1", False),
        ("", "1", False),
    ):
        done = roll_back(replace(rig.ports, run=run), TARGET, "1", "", "")
        assert (str(done.before), str(done.after), done.changed) == (before, "1", changed), run
    assert sum(isinstance(entry.event, RolledBack) for entry in rig.journal.entries) == 1


STEP = "playbook:o-1/back"


def step_killed_at(rig: Rig, appends: int, *, before: bool = False) -> None:
    """A step of a playbook rolls back, and its process dies around this append from now on."""
    rig.journal.crash_at, rig.journal.crash_before = rig.journal.appends + appends, before
    with pytest.raises(Crash):
        roll_back(replace(rig.ports, run=STEP), TARGET, "1", "", "")
    rig.journal.crash_at = None


def test_a_step_that_died_between_its_write_and_its_record_knows_that_it_wrote(rig: Rig) -> None:
    rig.release()
    step_killed_at(rig, 2, before=True)
    rig.expect("1")
    for _ in range(2):
        done = roll_back(replace(rig.ports, run=STEP), TARGET, "1", "enough", "")
        assert (str(done.before), done.changed) == ("2", True)
    (record,) = [entry for entry in rig.journal.entries if isinstance(entry.event, RolledBack)]
    assert record.event.reason == "enough"  # type: ignore[union-attr]
    assert record.release == rig.journal.entries[-2].release, "one rollback"
    assert len(rig.world.writes) == 4, "three of the release, and one back"


def test_a_step_that_died_before_its_write_makes_it(rig: Rig) -> None:
    rig.release()
    step_killed_at(rig, 1)
    assert rig.world.routing == Routing("2")
    done = roll_back(replace(rig.ports, run=STEP), TARGET, "1", "", "")
    assert (str(done.before), done.changed) == ("2", True)
    rig.expect("1")


def test_a_step_that_died_before_its_write_does_not_claim_what_somebody_else_did(rig: Rig) -> None:
    rig.release()
    step_killed_at(rig, 1)
    rig.rollback("1")
    done = roll_back(replace(rig.ports, run=STEP), TARGET, "1", "", "")
    assert not done.changed
    assert sum(isinstance(entry.event, RolledBack) for entry in rig.journal.entries) == 1


def test_a_step_goes_back_although_its_journal_cannot_be_written(rig: Rig) -> None:
    rig.release()
    rig.journal.broken = "no space left"
    done = roll_back(replace(rig.ports, run=STEP), TARGET, "1", "", "")
    assert done.changed
    rig.expect("1")


def test_running_it_twice_changes_nothing_more(rig: Rig) -> None:
    rig.release()
    rig.rollback()
    writes, entries = list(rig.world.writes), len(rig.journal.entries)
    calls = calls_of(rig, rig.rollback)
    assert (rig.world.writes, len(rig.journal.entries), calls) == (writes, entries, ["get_alias"])
    assert isinstance(rig.notices[-1], Progress)
    assert "already sends all traffic to 1" in rig.notices[-1].message


def test_a_release_stopped_by_a_rollback_is_not_taken_up_again(rig: Rig) -> None:
    hold_at(rig, 75)
    rig.rollback()
    again = rig.release()
    assert again.exit_code is ExitCode.DONE
    assert rig.world.writes == [SPLIT, HALF, STABLE, SPLIT, HALF, NEW], "from the first stage, not from where it held"


# -- a release that is open and has moved nothing ------------------------------------------------------------------


def waits_to_begin(rig: Rig) -> None:
    """AWS does not take the first write, and tells nothing of the alarms after that."""

    def throttled() -> None:
        rig.world.fail("set_routing", ThrottledError("slow down"))
        rig.world.fail("read_alarms", ThrottledError("slow down"), times=20)

    rig.world.before_call("set_routing", throttled)


def killed_at(rig: Rig, event: type[Event]) -> None:
    """The process dies as soon as this is on record, before its first write."""

    class Killed(BaseException):
        pass

    def kill(notice: Notice) -> None:
        if isinstance(notice, Entry) and isinstance(notice.event, event):
            raise Killed

    rig.on_notice = kill
    with pytest.raises(Killed):
        rig.release()
    rig.on_notice = None
    rig.world.clock.sleep(timedelta(minutes=1))


def test_a_release_that_waits_for_its_first_write_is_called_off(rig: Rig) -> None:
    waits_to_begin(rig)
    done: list[Rollback] = []
    rig.world.clock.after(30, lambda: done.append(rig.rollback(reason="customers call")))
    ended = rig.release()
    rig.expect("1")
    assert rig.world.writes == [STABLE], "the alias is written for its revision only"
    release = ended.release.id
    assert (done[0].changed, done[0].ends, done[0].basis) == (False, release, f"stable in release {release}")
    assert ended.exit_code in (ExitCode.BLOCKED, ExitCode.CONFLICT)
    assert open_release(rig.journal.entries) is None


@pytest.mark.parametrize("event", [Opened, Observed, Intent])
def test_a_release_that_was_killed_before_its_first_write_is_ended(rig: Rig, event: type[Event]) -> None:
    killed_at(rig, event)
    done = rig.rollback()
    rig.expect("1")
    assert (rig.world.writes, done.changed) == ([STABLE], False)
    assert open_release(rig.journal.entries) is None
    (rolled, row), _ = history(rig.journal)
    assert (row.outcome, row.reason, row.ended) == ("superseded", f"ended by rollback {rolled.release}", rolled.ended)
    again = rig.rollback()
    assert (again.changed, again.ends, rig.world.writes) == (False, "", [STABLE])


def test_a_write_that_was_on_its_way_can_no_longer_land(rig: Rig) -> None:
    """The process sleeps between its decision and its call; the rollback comes and goes; the process wakes."""
    done: list[Rollback] = []
    rig.world.before_call("set_routing", lambda: done.append(rig.rollback()))
    ended = rig.release()
    rig.expect("1")
    assert done[0].ends == ended.release.id
    assert rig.world.writes == [STABLE]
    assert ended.exit_code in (ExitCode.BLOCKED, ExitCode.CONFLICT, ExitCode.ROLLED_BACK)


def test_a_write_that_lands_just_before_is_rolled_back(rig: Rig) -> None:
    killed_at(rig, Intent)
    rig.world.before_call("set_routing", lambda: rig.world.repoint_alias(SPLIT))
    done = rig.rollback()
    rig.expect("1")
    assert (done.changed, done.before, record_of(rig).before) == (True, SPLIT, SPLIT)


def test_a_first_write_that_was_undone_before_its_answer_came_is_not_made_again(rig: Rig) -> None:
    """Its answer is lost, and by the time it looks somebody has rolled back but not yet journaled that."""
    rig.world.fail("set_routing", UnreachableError("connection reset"), after=True)

    def undone(notice: Notice) -> None:
        if isinstance(notice, Entry) and isinstance(notice.event, Failed) and notice.event.code != "overtaken":
            rig.world.repoint_alias(STABLE)

    rig.on_notice = undone
    ended = rig.release()
    rig.expect("1")
    assert ended.exit_code is ExitCode.CONFLICT
    assert rig.world.writes == [SPLIT]


def test_a_first_write_whose_answer_was_lost_and_that_was_rolled_back_is_superseded(rig: Rig) -> None:
    rig.world.fail("set_routing", UnreachableError("connection reset"), after=True)

    def rolled_back(notice: Notice) -> None:
        if isinstance(notice, Entry) and isinstance(notice.event, Failed):
            rig.on_notice = None
            rig.rollback()

    rig.on_notice = rolled_back
    ended = rig.release()
    rig.expect("1")
    assert (phase(ended.state), rig.world.writes) == ("superseded", [SPLIT, STABLE])


def test_after_such_a_hold_a_person_may_go_on(rig: Rig) -> None:
    """Somebody wrote the alias without moving it (its description): said, held, and gone on with when asked to."""
    rig.world.fail("set_routing", UnreachableError("connection reset"))
    rig.world.before_call("set_routing", lambda: rig.world.repoint_alias(STABLE))
    assert rig.release().exit_code is ExitCode.CONFLICT
    assert rig.release().exit_code is ExitCode.DONE
    rig.expect("2")


def test_the_request_to_stop_is_on_record_before_the_alias_is_written(rig: Rig) -> None:
    killed_at(rig, Intent)
    rig.world.before_call("set_routing", lambda: seen.extend(rig.kinds()))
    seen: list[str] = []
    rig.rollback()
    assert seen[-1] == "signal"
    assert rig.kinds()[-1] == "rollback"


def test_a_plan_says_which_release_it_would_call_off_and_writes_nothing(rig: Rig) -> None:
    killed_at(rig, Intent)
    entries = len(rig.journal.entries)
    planned = plan_rollback(rig.ports, TARGET, None)
    assert (planned.changed, planned.ends) == (False, rig.journal.entries[-1].release)
    assert (rig.world.writes, len(rig.journal.entries)) == ([], entries)


def test_where_the_write_is_refused_it_says_that_a_release_may_still_move_traffic(rig: Rig) -> None:
    killed_at(rig, Intent)
    rig.world.fail("set_routing", AccessDeniedError("no UpdateAlias"))
    with pytest.raises(RollbackIncompleteError, match=r"is on 1, but a write of release r-.* may still be on its way"):
        rig.rollback()
    assert open_release(rig.journal.entries) is not None, "what is not certain is not called over"


def test_a_named_version_ends_the_waiting_release_as_well(rig: Rig) -> None:
    killed_at(rig, Intent)
    assert rig.rollback(to="1").ends
    assert open_release(rig.journal.entries) is None


def test_a_version_that_was_named_is_not_undone_by_a_process_that_hears_of_it_late(rig: Rig) -> None:
    """It was asked to go back, and before it heard that, somebody went back further."""
    rig.world.repoint_alias(Routing("3"))
    ada = Actor("arn:aws:sts::111122223333:assumed-role/oncall/ada", "ada-laptop")

    def further() -> None:
        release = rig.journal.entries[-1].release
        rig.journal.append(rig.world.clock.now(), release, ada, Signalled(Signal.ROLLBACK, "enough"))
        rig.rollback("1")

    rig.world.clock.after(35.2, further)
    ended = rig.release()
    assert ended.exit_code is ExitCode.CONFLICT
    assert rig.world.writes[-1] == Routing("1")
    rig.expect("1")


def test_a_release_at_its_end_is_not_called_off_by_naming_its_candidate(rig: Rig) -> None:
    hold_at(rig, 150)
    rig.expect("2")
    done = rig.rollback(to="2")
    assert (done.changed, done.ends) == (False, "")


# -- without a journal, or with one that speaks of something else --------------------------------------------------


def test_without_a_journal_the_primary_of_a_split_alias_is_stable(rig: Rig) -> None:
    rig.world.repoint_alias(Routing("2", "3", 500))
    done = rig.rollback()
    rig.expect("2")
    assert done.basis == "the primary version of a weighted alias"


def test_somebody_elses_release_of_other_versions_is_undone_not_ours(rig: Rig) -> None:
    rig.release()
    rig.world.repoint_alias(Routing("2", "3", 500))
    rig.rollback()
    rig.expect("2")


@pytest.mark.parametrize(
    ("released", "reason"),
    [(False, "this machine has no journal of it"), (True, "the journal speaks of no move to it")],
)
def test_where_nothing_tells_the_stable_version_nothing_is_written(rig: Rig, reason: str, *, released: bool) -> None:
    if released:
        rig.release()
    rig.world.repoint_alias(Routing("3"))
    writes = list(rig.world.writes)
    with pytest.raises(RollbackTargetUnknownError, match=reason) as caught:
        rig.rollback()
    assert caught.value.exit_code is ExitCode.BLOCKED
    assert "--to VERSION" in caught.value.hint
    assert rig.world.writes == writes


def test_a_tampered_journal_is_said_and_not_used(rig: Rig) -> None:
    hold_at(rig, 75)
    rig.journal.tampered = True
    assert rig.rollback().basis == "the primary version of a weighted alias"
    rig.expect("1")
    said = warnings(rig)
    assert any("the journal is not used" in text and "line 3" in text for text in said)
    assert any(text.startswith("NOT JOURNALED") for text in said)


def test_a_tampered_journal_after_a_promotion_asks_for_the_version(rig: Rig) -> None:
    rig.release()
    rig.journal.tampered = True
    with pytest.raises(RollbackTargetUnknownError):
        rig.rollback()
    rig.rollback(to="1")
    rig.expect("1")


def test_a_torn_journal_is_used_as_far_as_it_goes(rig: Rig) -> None:
    rig.release()
    rig.journal.torn = True
    rig.rollback()
    rig.expect("1")


def test_a_journal_that_cannot_be_written_is_said_loudly_and_stops_nothing(rig: Rig) -> None:
    rig.release()
    rig.journal.broken = "no space left on device"
    assert rig.rollback().changed
    rig.expect("1")
    loud = [notice for notice in rig.notices if isinstance(notice, Warned)]
    assert [(notice.message, notice.hint) for notice in loud] == [
        ("NOT JOURNALED: no space left on device", "Free some space.")
    ]


# -- the version that was named ------------------------------------------------------------------------------------


def test_a_version_that_was_named_wins_over_the_journal(rig: Rig) -> None:
    rig.release()
    done = rig.rollback(to="3")
    rig.expect("3")
    assert done.basis == "--to"


def test_a_version_that_was_named_needs_no_journal_at_all(rig: Rig) -> None:
    rig.journal.tampered = True
    rig.rollback(to="2")
    rig.expect("2")
    assert not any("not used" in text for text in warnings(rig))


def test_a_second_run_after_a_named_version_stays_there(rig: Rig) -> None:
    rig.release()
    rig.rollback(to="3")
    assert rig.rollback().changed is False
    rig.expect("3")


@pytest.mark.parametrize("to", [None, "1"])
def test_a_version_that_was_deleted_is_named_and_nothing_is_written(rig: Rig, to: str | None) -> None:
    rig.release()
    del rig.world.versions["1"]
    writes = list(rig.world.writes)
    with pytest.raises(NotFoundError, match="version 1 does not exist"):
        rig.rollback(to=to)
    assert rig.world.writes == writes
    rig.expect("2")


# -- which calls, in which order -----------------------------------------------------------------------------------


def test_two_calls_make_it_safe_one_proves_it_and_identity_comes_last(rig: Rig) -> None:
    rig.release()
    assert calls_of(rig, rig.rollback) == ["get_alias", "set_routing", "get_alias", "caller"]


def test_nothing_but_the_alias_is_needed(rig: Rig) -> None:
    hold_at(rig, 75)
    down = UnreachableError("down")
    for call in (
        "caller",
        "read_alarms",
        "get_version",
        "list_versions",
        "provisioned",
        "event_sources",
        "permissions",
    ):
        rig.world.fail(call, down, times=9)
    rig.journals.busy = True
    rig.refuses = True
    rig.rollback()
    rig.expect("1")


def test_the_record_is_written_after_the_effect_and_its_proof(rig: Rig) -> None:
    hold_at(rig, 35)
    seen: list[tuple[Routing, str]] = []

    def note(notice: Notice) -> None:
        if isinstance(getattr(notice, "event", None), RolledBack):
            seen.append((rig.world.routing, rig.world.calls[-1]))

    rig.on_notice = note
    rig.rollback()
    assert seen == [(STABLE, "caller")]


def test_the_record_says_what_why_and_who(rig: Rig) -> None:
    rig.release()
    roll_back(rig.ports, TARGET, None, "checkout errors", "INC-7")
    record = record_of(rig)
    assert (record.before, record.after, record.reason, record.ticket) == (NEW, STABLE, "checkout errors", "INC-7")
    assert record.revision == f"rev-{rig.world.revision}"
    assert rig.journal.entries[-1].actor.arn.endswith("oncall/ada")


def test_without_an_identity_the_record_says_so(rig: Rig) -> None:
    rig.release()
    rig.world.fail("caller", CredentialsExpiredError("the token has expired"))
    rig.rollback()
    assert rig.journal.entries[-1].actor.arn == "unknown (credentials-expired)"
    assert any("identity is unknown: the token has expired" in text for text in warnings(rig))


def test_a_plan_writes_nothing_anywhere(rig: Rig) -> None:
    rig.release()
    entries = len(rig.journal.entries)
    planned = plan_rollback(rig.ports, TARGET, None)
    assert (planned.before, planned.after, planned.changed) == (NEW, STABLE, True)
    assert rig.world.routing == NEW
    assert len(rig.journal.entries) == entries


def test_the_wrong_account_is_refused_before_anything(rig: Rig) -> None:
    rig.release()
    target = Target("orders", "live", "eu-central-1", "999999999999")
    with pytest.raises(NotFoundError, match="999999999999"):
        roll_back(rig.ports, target, "1", "", "")
    rig.expect("2")


# -- writes that do not go through -----------------------------------------------------------------------------


def test_a_stale_revision_is_read_again_and_written_again(rig: Rig) -> None:
    hold_at(rig, 35)
    rig.world.before_call("set_routing", lambda: rig.world.repoint_alias(HALF))
    calls = calls_of(rig, rig.rollback)
    assert calls == ["get_alias", "set_routing", "get_alias", "set_routing", "get_alias", "caller"]
    rig.expect("1")
    assert any("was changed since it was read; trying again" in text for text in warnings(rig))


def test_a_release_that_finishes_just_before_the_write_does_not_win(rig: Rig) -> None:
    """Without a journal a promoted alias tells nothing: the choice made a moment ago stands."""
    rig.world.repoint_alias(SPLIT)
    rig.world.before_call("set_routing", lambda: rig.world.repoint_alias(NEW))
    assert rig.rollback().before == NEW
    rig.expect("1")


def test_a_release_of_other_versions_just_before_the_write_is_not_undone_blindly(rig: Rig) -> None:
    rig.world.repoint_alias(SPLIT)
    rig.world.before_call("set_routing", lambda: rig.world.repoint_alias(Routing("3")))
    with pytest.raises(RollbackTargetUnknownError):
        rig.rollback()
    rig.expect("3")


def test_a_split_of_other_versions_just_before_the_write_goes_to_its_own_primary(rig: Rig) -> None:
    rig.world.repoint_alias(SPLIT)
    rig.world.before_call("set_routing", lambda: rig.world.repoint_alias(Routing("2", "3", 500)))
    done = rig.rollback()
    rig.expect("2")
    assert record_of(rig).before == done.before == Routing("2", "3", 500)


@pytest.mark.parametrize("journaled", [True, False])
@pytest.mark.parametrize("error", [UnreachableError("reset"), AwsFaultError("500")])
def test_an_answer_lost_after_the_effect_is_settled_by_reading(
    rig: Rig, error: LambdaOpsError, *, journaled: bool
) -> None:
    if journaled:
        hold_at(rig, 35)
    else:
        rig.world.repoint_alias(SPLIT)
    writes = len(rig.world.writes)
    rig.world.fail("set_routing", error, after=True)
    done = rig.rollback()
    assert (done.before, done.after, done.changed) == (SPLIT, STABLE, True)
    assert len(rig.world.writes) == writes + 1, "written once"
    assert record_of(rig).before == SPLIT


def test_an_answer_lost_before_the_effect_is_written_again(rig: Rig) -> None:
    hold_at(rig, 35)
    rig.world.fail("set_routing", UnreachableError("reset"))
    rig.rollback()
    rig.expect("1")


@pytest.mark.parametrize("error", [ThrottledError("slow down"), ConflictError("busy"), AwsFaultError("500")])
def test_what_passes_is_waited_out(rig: Rig, error: LambdaOpsError) -> None:
    hold_at(rig, 35)
    rig.world.clock.slept.clear()
    rig.world.fail("set_routing", error, times=5)
    rig.rollback()
    rig.expect("1")
    assert sum(rig.world.clock.slept, timedelta()) <= timedelta(seconds=15)


def test_a_read_that_fails_between_two_tries_is_one_more_try(rig: Rig) -> None:
    hold_at(rig, 35)
    rig.world.fail("set_routing", ThrottledError("slow down"))
    rig.world.before_call("set_routing", lambda: rig.world.fail("get_alias", UnreachableError("timeout")))
    rig.rollback()
    rig.expect("1")


def test_what_does_not_pass_ends_with_act_now(rig: Rig) -> None:
    hold_at(rig, 35)
    rig.world.fail("set_routing", ThrottledError("slow down", request_id="req-7"), times=99)
    with pytest.raises(RollbackIncompleteError, match="AWS did not take the write: slow down") as caught:
        rig.rollback()
    assert caught.value.exit_code is ExitCode.ROLLBACK_INCOMPLETE
    assert caught.value.request_id == "req-7"
    assert rig.world.calls.count("set_routing") == 1 + 6
    assert sum(rig.world.clock.slept[-5:], timedelta()) == timedelta(seconds=14)


@pytest.mark.parametrize("error", [AccessDeniedError("not allowed", hint="Ask."), RejectedError("no")])
def test_a_refusal_for_good_is_not_tried_again_and_says_what_to_do(rig: Rig, error: LambdaOpsError) -> None:
    hold_at(rig, 35)
    rig.world.fail("set_routing", error, times=99)
    tries = rig.world.calls.count("set_routing")
    with pytest.raises(RollbackIncompleteError) as caught:
        rig.rollback()
    assert rig.world.calls.count("set_routing") == tries + 1
    assert caught.value.exit_code is ExitCode.ROLLBACK_INCOMPLETE
    assert caught.value.message == (
        f"orders:live was not rolled back from 1 90 % + 2 10 % to 1: AWS did not take the write: {error.message}"
    )
    assert "lambdaops rollback orders:live --to 1" in caught.value.hint
    assert "set the alias to version 1 with no additional version" in caught.value.hint
    assert error.hint in caught.value.hint


@pytest.mark.parametrize(
    ("error", "code"),
    [(NotFoundError("no such alias"), ExitCode.BLOCKED), (AccessDeniedError("no"), ExitCode.AWS)],
)
def test_an_alias_that_cannot_be_read_is_not_written(rig: Rig, error: LambdaOpsError, code: ExitCode) -> None:
    rig.world.fail("get_alias", error)
    with pytest.raises(LambdaOpsError) as caught:
        rig.rollback(to="1")
    assert caught.value is error
    assert caught.value.exit_code is code
    assert rig.world.writes == []


# -- the proof -----------------------------------------------------------------------------------------------------


def after_the_write(rig: Rig, hook: Callable[[], None]) -> None:
    """Something happens just before the read that proves the write."""
    rig.world.before_call("set_routing", lambda: rig.world.before_call("get_alias", hook))


def test_an_alias_that_reads_otherwise_ends_with_act_now(rig: Rig) -> None:
    hold_at(rig, 35)
    after_the_write(rig, lambda: rig.world.repoint_alias(HALF))
    with pytest.raises(RollbackIncompleteError, match=r"written, but the alias now reads 1 50 % \+ 2 50 %") as caught:
        rig.rollback()
    assert caught.value.exit_code is ExitCode.ROLLBACK_INCOMPLETE
    assert rig.world.calls[-1] == "get_alias", "another value is no late read: nothing is tried again"


def test_a_late_read_is_read_again(rig: Rig) -> None:
    hold_at(rig, 35)
    after_the_write(rig, lambda: setattr(rig.world, "lag", 3))
    assert rig.rollback().changed
    assert rig.world.calls[-5:] == ["get_alias"] * 4 + ["caller"]


def test_a_read_that_stays_late_ends_with_act_now(rig: Rig) -> None:
    hold_at(rig, 35)
    after_the_write(rig, lambda: setattr(rig.world, "lag", 99))
    with pytest.raises(RollbackIncompleteError, match=r"the alias now reads 1 90 % \+ 2 10 %"):
        rig.rollback()


def test_a_proof_that_fails_for_a_moment_is_read_again(rig: Rig) -> None:
    hold_at(rig, 35)
    after_the_write(rig, lambda: rig.world.fail("get_alias", ThrottledError("slow down"), times=2))
    assert rig.rollback().changed


@pytest.mark.parametrize(
    ("error", "reads"), [(UnreachableError("timeout"), 5), (AccessDeniedError("no"), 1), (NotFoundError("gone"), 1)]
)
def test_a_proof_that_cannot_be_had_ends_with_act_now(rig: Rig, error: LambdaOpsError, reads: int) -> None:
    hold_at(rig, 35)
    after_the_write(rig, lambda: rig.world.fail("get_alias", error, times=99))
    with pytest.raises(RollbackIncompleteError, match="written, but it could not be read back") as caught:
        rig.rollback()
    assert caught.value.exit_code is ExitCode.ROLLBACK_INCOMPLETE
    assert rig.world.calls[-reads - 1 :] == ["set_routing"] + ["get_alias"] * reads
    rig.expect("1")


def test_the_same_command_proves_it_later(rig: Rig) -> None:
    hold_at(rig, 35)
    after_the_write(rig, lambda: rig.world.fail("get_alias", AccessDeniedError("no"), times=1))
    with pytest.raises(RollbackIncompleteError):
        rig.rollback()
    assert rig.rollback().changed is False
    rig.expect("1")


# -- a release that goes back by itself, against late reads and AWS's own moves ------------------------------------


def test_an_alarm_that_fires_before_the_write_is_visible_goes_back_at_once(rig: Rig) -> None:
    def landed(notice: Notice) -> None:
        if isinstance(getattr(notice, "event", None), Landed):
            rig.on_notice = None
            rig.world.lag = 3
            rig.world.breach("errors")

    rig.on_notice = landed
    assert rig.release().exit_code is ExitCode.ROLLED_BACK
    rig.expect("1")
    assert rig.kinds().count("done") == 2, "a late read does not make a refused write look landed"


def when_aws_moves(rig: Rig, primary: str, weighted: Routing, then: Callable[[], None]) -> None:
    """AWS puts weights on the alias whenever this version becomes its primary, as with provisioned concurrency."""

    def move(notice: Notice) -> None:
        event = getattr(notice, "event", None)
        if isinstance(event, Landed) and event.routing == Routing(primary):
            assert len(rig.world.writes) < 9, "writes against AWS again and again"
            rig.world.repoint_alias(weighted)
            then()

    rig.on_notice = move


def test_an_alarm_while_aws_moves_provisioned_concurrency_goes_back_at_once(rig: Rig) -> None:
    rig.world.concurrency = READY
    when_aws_moves(rig, "2", Routing("2", "1", 4_000), lambda: rig.world.breach("errors"))
    assert rig.release().exit_code is ExitCode.ROLLED_BACK
    rig.expect("1")


def test_aws_moving_provisioned_concurrency_back_is_waited_for(rig: Rig) -> None:
    rig.world.concurrency = READY
    rig.world.clock.after(150, lambda: rig.world.breach("errors"))

    def done_in_a_minute() -> None:
        rig.world.clock.after(60, lambda: rig.world.repoint_alias(STABLE))

    when_aws_moves(rig, "1", Routing("1", "2", 4_000), done_in_a_minute)
    assert rig.release().exit_code is ExitCode.ROLLED_BACK
    assert rig.world.writes == [SPLIT, HALF, NEW, STABLE], "written once, not fought over"


# -- a first write whose end nobody knows --------------------------------------------------------------------------


@pytest.mark.parametrize("alarm", [True, False])
def test_a_first_write_that_may_have_landed_unseen_goes_back(rig: Rig, *, alarm: bool) -> None:
    """The answer is lost, the alias cannot be read for a while, and an alarm fires or patience ends."""

    def lose() -> None:
        rig.world.fail("set_routing", UnreachableError("reset"), after=True)
        rig.world.fail("get_alias", UnreachableError("timeout"), times=9_999)
        if alarm:
            rig.world.breach("errors")
        rig.world.clock.after(240, rig.world.heal)

    rig.world.before_call("set_routing", lose)
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLED_BACK, "not 'refused, nothing changed'"
    rig.expect("1")
