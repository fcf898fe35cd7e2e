"""A release on the simulated account: what it writes, when, and what it does when the world objects."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from lambdaops.core.errors import (
    AccessDeniedError,
    AwsFaultError,
    BlockedError,
    ConfirmationMissingError,
    ExitCode,
    JournalTamperedError,
    JournalUnwritableError,
    NotFoundError,
    ReleaseInProgressError,
    ThrottledError,
    UnreachableError,
)
from lambdaops.core.events import Entry, Intent, Landed
from lambdaops.core.model import AlarmState, Alias, Provisioned, Routing, Target
from lambdaops.core.notices import Looked, Notice, Planned, Warned
from lambdaops.core.plan import NEW_VERSION, OnInconclusive, Stage
from lambdaops.core.replay import releases
from lambdaops.core.states import Done, Held, Outcome, Signal
from lambdaops.ops import release as op
from lambdaops.ops.publish import describe_source
from lambdaops.ports import Code
from tests.sim.rig import TARGET, Rig, plan_of

SPLIT = Routing("1", "2", 1_000)
HALF = Routing("1", "2", 5_000)


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.world.alarm("errors")
    return rig


def test_a_good_candidate_is_promoted_in_stages(rig: Rig) -> None:
    ended = rig.release()
    assert ended.exit_code is ExitCode.DONE
    assert rig.world.writes == [SPLIT, HALF, Routing("2")]
    assert sum(rig.world.clock.slept, timedelta()) == timedelta(minutes=3)


def test_the_finish_is_one_call_that_moves_the_primary_and_clears_the_weights(rig: Rig) -> None:
    rig.release()
    assert rig.world.writes[-1] == Routing("2", None, 0)


def test_an_alarm_rolls_the_release_back_at_once(rig: Rig) -> None:
    rig.world.clock.after(70, lambda: rig.world.breach("errors"))
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert rig.world.writes == [SPLIT, HALF, Routing("1")]
    assert ended.state == Done(Outcome.ROLLED_BACK, "errors: ALARM since 03:01:10 (was OK before)")


def test_the_last_bake_at_full_traffic_can_still_roll_back(rig: Rig) -> None:
    rig.world.clock.after(150, lambda: rig.world.breach("errors"))
    ended = rig.release()
    assert rig.world.writes == [SPLIT, HALF, Routing("2"), Routing("1")]
    assert ended.exit_code is ExitCode.ROLLED_BACK


def test_an_alarm_that_flapped_between_two_looks_counts(rig: Rig) -> None:
    rig.world.clock.after(35, lambda: rig.world.flap("errors"))
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert isinstance(ended.state, Done)
    assert "left OK and came back at 03:00:35" in ended.state.reason


def test_an_alarm_with_no_data_is_not_success(rig: Rig) -> None:
    rig.world.turn("errors", AlarmState.INSUFFICIENT_DATA)
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert sum(rig.world.clock.slept, timedelta()) == timedelta(minutes=3)
    assert isinstance(ended.state, Done)
    assert ended.state.reason.endswith("waited 3m")


def test_no_data_can_hold_instead(rig: Rig) -> None:
    rig.world.turn("errors", AlarmState.INSUFFICIENT_DATA)
    ended = rig.release(plan_of(on_inconclusive=OnInconclusive.HOLD))
    assert ended.exit_code is ExitCode.HELD
    rig.expect("1", 1_000, "2")


def test_data_that_arrives_in_time_starts_the_bake(rig: Rig) -> None:
    rig.world.turn("errors", AlarmState.INSUFFICIENT_DATA)
    rig.world.clock.after(30, lambda: rig.world.turn("errors", AlarmState.OK))
    assert rig.release().exit_code is ExitCode.DONE
    assert sum(rig.world.clock.slept, timedelta()) == timedelta(seconds=30 + 180)


def test_an_alarm_deleted_during_the_release_is_an_error_not_a_pass(rig: Rig) -> None:
    rig.world.clock.after(35, lambda: rig.world.delete_alarm("errors"))
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert isinstance(ended.state, Done)
    assert "errors: no longer exists" in ended.state.reason


def test_an_ignored_alarm_does_not_act(rig: Rig) -> None:
    rig.world.alarm("known-broken", AlarmState.ALARM)
    plan = plan_of(alarms=("errors", "known-broken"), ignored=("known-broken",))
    assert rig.release(plan).exit_code is ExitCode.DONE


def test_a_short_blindness_is_waited_out(rig: Rig) -> None:
    rig.world.clock.after(25, lambda: rig.world.fail("read_alarms", ThrottledError("slow down"), times=4))
    assert rig.release().exit_code is ExitCode.DONE


def test_a_long_blindness_rolls_back(rig: Rig) -> None:
    rig.world.clock.after(25, lambda: rig.world.fail("read_alarms", ThrottledError("slow down"), times=99))
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLED_BACK
    rig.expect("1")


@pytest.mark.parametrize("routing", [Routing("3"), Routing("1", "3", 500), Routing("2", "1", 100), HALF])
def test_drift_holds_and_is_never_overwritten(rig: Rig, routing: Routing) -> None:
    rig.world.clock.after(35, lambda: rig.world.repoint_alias(routing))
    ended = rig.release()
    assert ended.exit_code is ExitCode.CONFLICT
    assert rig.world.writes == [SPLIT]
    assert rig.world.routing == routing
    assert isinstance(ended.state, Held)
    assert f"expected {SPLIT}, found {routing}" in ended.state.reason


def test_somebody_elses_rollback_supersedes_the_release(rig: Rig) -> None:
    rig.world.clock.after(35, lambda: rig.world.repoint_alias(Routing("1")))
    ended = rig.release()
    assert isinstance(ended.state, Done)
    assert ended.state.outcome is Outcome.SUPERSEDED
    assert ended.exit_code is ExitCode.CONFLICT
    assert rig.world.writes == [SPLIT]


def test_a_rollback_command_during_the_release_wins(rig: Rig) -> None:
    rig.world.clock.after(75, rig.roll_back_now)
    ended = rig.release()
    assert ended.exit_code is ExitCode.CONFLICT
    assert rig.world.writes == [SPLIT, HALF, Routing("1")]


def test_a_stale_revision_is_explained_not_retried(rig: Rig) -> None:
    """Somebody touches the alias between our look and our write."""

    def touch(notice: Notice) -> None:
        event = getattr(notice, "event", None)
        if isinstance(event, Intent) and event.desired == HALF:
            rig.world.repoint_alias(SPLIT)

    rig.on_notice = touch
    ended = rig.release()
    assert ended.exit_code is ExitCode.CONFLICT
    assert rig.world.writes == [SPLIT]


def test_a_rollback_meets_a_stale_revision_and_still_goes_through(rig: Rig) -> None:
    def touch(notice: Notice) -> None:
        event = getattr(notice, "event", None)
        if isinstance(event, Intent) and event.desired == Routing("1"):
            rig.on_notice = None
            rig.world.repoint_alias(SPLIT)

    rig.on_notice = touch
    rig.world.clock.after(35, lambda: rig.world.breach("errors"))
    assert rig.release().exit_code is ExitCode.ROLLED_BACK
    rig.expect("1")


@pytest.mark.parametrize("error", [UnreachableError("reset"), AwsFaultError("500")])
def test_an_answer_lost_after_the_write_took_effect_is_settled_by_reading(rig: Rig, error: UnreachableError) -> None:
    rig.world.fail("set_routing", error, after=True)
    assert rig.release().exit_code is ExitCode.DONE
    assert rig.world.writes == [SPLIT, HALF, Routing("2")]
    assert rig.kinds().count("failed") == 1


def test_an_answer_lost_before_the_write_took_effect_is_written_again(rig: Rig) -> None:
    rig.world.fail("set_routing", UnreachableError("reset"))
    assert rig.release().exit_code is ExitCode.DONE
    assert rig.world.writes == [SPLIT, HALF, Routing("2")]


def test_a_late_read_of_the_alias_is_not_taken_for_drift(rig: Rig) -> None:
    def lag(notice: Notice) -> None:
        if type(getattr(notice, "event", None)).__name__ == "Landed":
            rig.world.lag = 2

    rig.on_notice = lag
    assert rig.release().exit_code is ExitCode.DONE
    assert rig.world.writes == [SPLIT, HALF, Routing("2")]


def test_a_denied_first_write_changes_nothing_and_exits_as_aws(rig: Rig) -> None:
    rig.world.fail("set_routing", AccessDeniedError("not allowed to lambda:UpdateAlias"), times=99)
    ended = rig.release()
    assert ended.exit_code is ExitCode.AWS
    assert rig.world.writes == []
    assert isinstance(ended.state, Done)
    assert ended.state.outcome is Outcome.REFUSED


def test_a_rollback_that_is_denied_is_stuck_and_says_act_now(rig: Rig) -> None:
    def deny() -> None:
        rig.world.breach("errors")
        rig.world.fail("set_routing", AccessDeniedError("not allowed to lambda:UpdateAlias"), times=99)

    rig.world.clock.after(35, deny)
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLBACK_INCOMPLETE
    rig.expect("1", 1_000, "2")


def test_a_throttled_rollback_is_tried_again_until_it_is_through(rig: Rig) -> None:
    def throttle() -> None:
        rig.world.breach("errors")
        rig.world.fail("set_routing", ThrottledError("slow down"), times=7)

    rig.world.clock.after(35, throttle)
    assert rig.release().exit_code is ExitCode.ROLLED_BACK
    rig.expect("1")


def test_a_next_stage_throttled_for_too_long_rolls_back(rig: Rig) -> None:
    rig.world.clock.after(35, lambda: rig.world.fail("set_routing", ThrottledError("slow down"), times=9_999))
    rig.world.clock.after(400, rig.world.heal)
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert isinstance(ended.state, Done)
    assert "could not be written: slow down; waited 3m" in ended.state.reason


def test_a_rollback_throttled_for_too_long_gives_up_loudly(rig: Rig) -> None:
    def throttle() -> None:
        rig.world.breach("errors")
        rig.world.fail("set_routing", ThrottledError("slow down"), times=9_999)

    rig.world.clock.after(35, throttle)
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLBACK_INCOMPLETE
    assert isinstance(ended.state, Held)
    assert "not rolled back after 5m" in ended.state.reason


def test_an_alarm_that_fires_between_preflight_and_the_first_write_refuses(rig: Rig) -> None:
    rig.on_notice = lambda notice: rig.world.breach("errors") if isinstance(notice, Planned) else None
    ended = rig.release()
    assert ended.exit_code is ExitCode.BLOCKED
    assert rig.world.writes == []


def test_without_a_yes_nothing_is_written_or_journaled(rig: Rig) -> None:
    rig.refuses = True
    with pytest.raises(ConfirmationMissingError):
        rig.release()
    assert (rig.world.writes, rig.journal.entries) == ([], [])


def test_requests_are_listened_to_only_once_the_release_is_driven(rig: Rig) -> None:
    """Before that an interrupt must end the process: a prompt that swallows Ctrl-C holds a person prisoner."""
    rig.release()
    assert rig.listening
    rig.listening, rig.refuses = False, True
    with pytest.raises(ConfirmationMissingError):
        rig.release(plan_of(candidate="3"))
    assert not rig.listening


def test_a_finished_release_asked_for_again_changes_nothing(rig: Rig) -> None:
    rig.release()
    writes = list(rig.world.writes)
    assert op.release(rig.ports, op.Request(TARGET, plan_of())) is None
    assert rig.world.writes == writes


def test_zip_is_published_then_released(rig: Rig) -> None:
    ended = rig.release(plan_of(candidate=NEW_VERSION), code=Code(zip=b"new code"))
    assert ended.exit_code is ExitCode.DONE
    rig.expect("4")
    assert len(rig.questions) == 1


def test_the_same_zip_again_takes_up_the_release_it_began(rig: Rig) -> None:
    """What a pipeline does when its job is retried: the same words, the zip included."""
    code = Code(zip=b"new code")
    first = lost_runner(rig, code)
    again = rig.release(plan_of(candidate=NEW_VERSION), code=code)
    assert (again.exit_code, again.release.id) == (ExitCode.DONE, first.release.id)
    assert rig.world.calls.count("publish_version") == 1
    rig.expect("4")


FIXED = (
    Code(s3=("builds", "orders.zip", "v7")),
    Code(image="111122223333.dkr.ecr.eu-central-1.amazonaws.com/o@sha256:9f"),
)
LOOSE = (Code(s3=("builds", "orders.zip", None)), Code(image="111122223333.dkr.ecr.eu-central-1.amazonaws.com/o:main"))


def lost_runner(rig: Rig, code: Code) -> op.Ended:
    """A release of new code whose process ended in its first stage."""
    rig.world.clock.after(40, lambda: setattr(rig, "asked", (Signal.HOLD, "runner lost")))
    ended = rig.release(plan_of(candidate=NEW_VERSION), code=code)
    assert ended.exit_code is ExitCode.INTERRUPTED
    rig.asked = None
    return ended


@pytest.mark.parametrize("code", FIXED, ids=describe_source)
def test_code_that_cannot_have_changed_takes_up_the_release_it_began(rig: Rig, code: Code) -> None:
    first = lost_runner(rig, code)
    again = rig.release(plan_of(candidate=NEW_VERSION), code=code)
    assert (again.exit_code, again.release.id) == (ExitCode.DONE, first.release.id)
    assert rig.world.calls.count("update_code") == 1
    rig.expect("4")


@pytest.mark.parametrize("code", LOOSE, ids=describe_source)
def test_code_that_may_have_changed_is_not_taken_for_the_same(rig: Rig, code: Code) -> None:
    first = lost_runner(rig, code)
    with pytest.raises(BlockedError, match=f"release {first.release.id} .* may hold other code by now") as caught:
        rig.release(plan_of(candidate=NEW_VERSION), code=code)
    assert "lambdaops resume orders:live goes on with that version" in caught.value.hint
    assert rig.world.calls.count("update_code") == 1


@pytest.mark.parametrize(("began", "given"), [FIXED, FIXED[::-1], (FIXED[0], LOOSE[0])])
def test_code_from_elsewhere_during_an_open_release_publishes_nothing(rig: Rig, began: Code, given: Code) -> None:
    lost_runner(rig, began)
    with pytest.raises(BlockedError, match=r"is blocked: release .* is not over, and nobody drives it"):
        rig.release(plan_of(candidate=NEW_VERSION), code=given)
    assert rig.world.calls.count("update_code") == 1


def test_another_zip_during_an_open_release_publishes_nothing(rig: Rig) -> None:
    rig.world.clock.after(40, lambda: setattr(rig, "asked", (Signal.HOLD, "runner lost")))
    rig.release(plan_of(candidate=NEW_VERSION), code=Code(zip=b"new code"))
    rig.asked = None
    with pytest.raises(BlockedError, match="is not over"):
        rig.release(plan_of(candidate=NEW_VERSION), code=Code(zip=b"newer code"))
    assert rig.world.calls.count("publish_version") == 1


def test_a_blocked_release_publishes_nothing(rig: Rig) -> None:
    rig.world.breach("errors")
    with pytest.raises(BlockedError):
        rig.release(plan_of(candidate=NEW_VERSION), code=Code(zip=b"new code"))
    assert "update_code" not in rig.world.calls


def test_every_tick_makes_one_alarm_call_and_one_alias_read(rig: Rig) -> None:
    looks = [notice for notice in rig.notices if isinstance(notice, Looked)]
    rig.release()
    looks = [notice for notice in rig.notices if isinstance(notice, Looked)]
    ticks = len(looks) + 3 + 1  # waiting ticks, three writes, the stop
    assert rig.world.calls.count("read_alarms") == ticks + 1  # and preflight's
    assert rig.world.calls.count("get_alias") == ticks + 1


def test_the_intent_is_journaled_before_its_write(rig: Rig) -> None:
    order: list[str] = []

    def note(notice: Notice) -> None:
        order.append(f"{type(getattr(notice, 'event', notice)).__name__}:{len(rig.world.writes)}")

    rig.on_notice = note
    rig.release()
    intents = [text for text in order if text.startswith("Intent")]
    assert intents == ["Intent:0", "Intent:1", "Intent:2"]
    assert [text for text in order if text.startswith("Landed")] == ["Landed:1", "Landed:2", "Landed:3"]


def test_a_hold_stops_where_it_is_and_a_second_run_goes_on(rig: Rig) -> None:
    def interrupt() -> None:
        rig.asked = (Signal.HOLD, "Ctrl-C by ada")

    rig.world.clock.after(75, interrupt)
    ended = rig.release()
    assert ended.exit_code is ExitCode.INTERRUPTED
    rig.expect("1", 5_000, "2")
    rig.asked = None
    again = rig.release()
    assert again.exit_code is ExitCode.DONE
    assert again.release.id == ended.release.id
    assert rig.world.writes == [SPLIT, HALF, Routing("2")]


def test_a_rollback_signal_rolls_back(rig: Rig) -> None:
    def interrupt() -> None:
        rig.asked = (Signal.ROLLBACK, "SIGTERM")

    rig.world.clock.after(75, interrupt)
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert rig.kinds().count("signal") == 1
    rig.expect("1")


def test_a_rollback_signal_before_the_first_write_changes_nothing(rig: Rig) -> None:
    rig.asked = (Signal.ROLLBACK, "SIGTERM")
    ended = rig.release()
    assert ended.exit_code is ExitCode.BLOCKED
    assert rig.world.writes == []


def test_a_clock_set_back_delays_a_bake_by_one_bake_at_most(rig: Rig) -> None:
    rig.world.clock.after(30, lambda: rig.world.clock.step_back(3_600))
    assert rig.release().exit_code is ExitCode.DONE
    assert sum(rig.world.clock.slept, timedelta()) <= timedelta(minutes=4, seconds=10)


def test_a_journal_that_cannot_be_written_stops_before_the_first_write(rig: Rig) -> None:
    rig.journal.broken = "no space left on device"
    with pytest.raises(JournalUnwritableError):
        rig.release()
    assert rig.world.writes == []


def test_a_journal_that_fails_in_the_middle_rolls_back_loudly(rig: Rig) -> None:
    def full() -> None:
        rig.journal.broken = "no space left on device"

    rig.world.clock.after(35, full)
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLED_BACK
    rig.expect("1")
    assert any(isinstance(n, Warned) and "NOT JOURNALED" in n.message for n in rig.notices)


@pytest.mark.parametrize("kind", ["Intent", "Landed", "Observed", "Decided"])
def test_a_journal_that_fails_at_any_record_never_leaves_a_split(rig: Rig, kind: str) -> None:
    """The journal breaks just before the second record of this kind."""
    seen = 0

    def full(notice: Notice) -> None:
        nonlocal seen
        seen += type(getattr(notice, "event", None)).__name__ == kind
        if seen == 2:
            rig.journal.broken = "no space left on device"

    rig.on_notice = full
    ended = rig.release()
    assert ended.exit_code in (ExitCode.ROLLED_BACK, ExitCode.DONE)
    assert rig.world.routing in (Routing("1"), Routing("2"))


@pytest.mark.parametrize("well_at", range(1, 9))
def test_what_could_not_be_journaled_is_journaled_once_it_can_be(rig: Rig, well_at: int) -> None:
    """The disk is full when the alarm goes off, and well again when so much was told since."""
    told: list[Entry | Warned] = []

    def hear(notice: Notice) -> None:
        if rig.journal.broken or told:
            if isinstance(notice, Entry | Warned):
                told.append(notice)
            if len(told) >= well_at:
                rig.journal.broken = ""

    def full() -> None:
        rig.journal.broken = "no space left on device"
        rig.world.turn("errors", AlarmState.ALARM)

    rig.on_notice = hear
    rig.world.clock.after(35, full)
    assert rig.release().exit_code is ExitCode.ROLLED_BACK
    rig.expect("1")
    happened = [(one.at, one.event) for one in told if isinstance(one, Entry)]
    assert [(one.at, one.event) for one in rig.journal.entries[-len(happened) :]] == happened
    late = [one.message for one in told if isinstance(one, Warned) and "NOT JOURNALED" not in one.message]
    missed = sum(one.seq is None for one in told if isinstance(one, Entry))
    assert len(late) == 1
    assert late[0].endswith(f"is in it now ({missed})")
    (release,) = releases(rig.journal.entries)
    assert isinstance(release.state, Done)
    assert release.pending is None
    assert not release.asked


def test_a_tampered_journal_is_not_built_upon(rig: Rig) -> None:
    rig.journal.tampered = True
    with pytest.raises(JournalTamperedError):
        rig.release()


def test_a_torn_journal_is_mentioned(rig: Rig) -> None:
    rig.journal.torn = True
    rig.release()
    assert any(isinstance(n, Warned) and "incomplete" in n.message for n in rig.notices)


def test_a_journal_that_grew_since_it_was_read_stops_the_release(rig: Rig) -> None:
    """Somebody released or rolled back between our look and our turn."""

    def meanwhile(notice: Notice) -> None:
        if isinstance(notice, Planned):
            rig.on_notice = None
            rig.world.repoint_alias(SPLIT)
            rig.rollback()

    rig.on_notice = meanwhile
    with pytest.raises(ReleaseInProgressError, match="grew since it was read"):
        rig.release()
    assert rig.world.writes == [Routing("1")]


def test_a_second_driver_is_refused(rig: Rig) -> None:
    rig.journals.busy = True
    with pytest.raises(ReleaseInProgressError, match="4711"):
        rig.release()
    assert rig.world.writes == []


def test_another_candidate_waits_for_the_open_release(rig: Rig) -> None:
    rig.asked = (Signal.HOLD, "Ctrl-C")
    rig.world.clock.after(5, lambda: None)
    rig.on_notice = None
    rig.asked = None
    rig.world.clock.after(35, lambda: setattr(rig, "asked", (Signal.HOLD, "Ctrl-C")))
    rig.release()
    rig.asked = None
    with pytest.raises(BlockedError, match=r"release r-.* is not over"):
        rig.release(plan_of(candidate="3"))


def test_an_open_release_whose_alias_went_home_gives_way(rig: Rig) -> None:
    rig.world.clock.after(35, lambda: setattr(rig, "asked", (Signal.HOLD, "Ctrl-C")))
    rig.release()
    rig.asked = None
    rig.world.repoint_alias(Routing("1"))
    assert rig.release(plan_of(candidate="3")).exit_code is ExitCode.DONE
    rig.expect("3")


def test_the_wrong_account_is_refused_before_anything(rig: Rig) -> None:
    with pytest.raises(NotFoundError, match="999999999999"):
        op.look(rig.ports, Target("orders", "live", "eu-central-1", "999999999999"))


def test_aws_moving_provisioned_concurrency_is_not_drift(rig: Rig) -> None:
    rig.world.concurrency = Provisioned("READY", 5, 5)

    def aws_moves(notice: Notice) -> None:
        event = getattr(notice, "event", None)
        if isinstance(event, Landed) and event.routing == Routing("2"):
            rig.on_notice = None
            rig.world.repoint_alias(Routing("2", "1", 4_000))
            rig.world.clock.after(45, lambda: rig.world.repoint_alias(Routing("2")))

    rig.on_notice = aws_moves
    assert rig.release().exit_code is ExitCode.DONE


def test_a_foreign_split_without_provisioned_concurrency_is_drift(rig: Rig) -> None:
    def move(notice: Notice) -> None:
        event = getattr(notice, "event", None)
        if isinstance(event, Landed) and event.routing == Routing("2"):
            rig.world.repoint_alias(Routing("2", "1", 4_000))

    rig.on_notice = move
    assert rig.release().exit_code is ExitCode.CONFLICT


def test_all_at_once_bakes_at_full_traffic(rig: Rig) -> None:
    rig.world.clock.after(20, lambda: rig.world.breach("errors"))
    ended = rig.release(plan_of((Stage(10_000, timedelta(minutes=1)),)))
    assert rig.world.writes == [Routing("2"), Routing("1")]
    assert ended.exit_code is ExitCode.ROLLED_BACK


def test_without_alarms_time_alone_promotes(rig: Rig) -> None:
    assert rig.release(plan_of(alarms=())).exit_code is ExitCode.DONE
    assert "read_alarms" not in rig.world.calls


def test_sequence_numbers_are_unbroken(rig: Rig) -> None:
    rig.release()
    numbers = [entry.seq or 0 for entry in rig.journal.entries]
    assert all(later == earlier + 1 for earlier, later in pairwise(numbers))


def test_the_alias_is_read_with_the_names_asked_for(rig: Rig) -> None:
    with pytest.raises(NotFoundError):
        op.look(rig.ports, Target("orders", "nosuch"))
    assert isinstance(op.look(rig.ports, TARGET).alias, Alias)
