"""Steering on the simulated account: requests come through the journal from other processes, at any moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from lambdaops.core.comparison import Comparison, Measure
from lambdaops.core.errors import (
    BlockedError,
    CredentialsExpiredError,
    ExitCode,
    NobodyDrivesError,
    NothingOpenError,
    PlanDiffersError,
    UnheededError,
    UnreachableError,
)
from lambdaops.core.events import Closed, Decided, Intent, Landed, Opened, Resumed, Signalled
from lambdaops.core.model import Actor, AlarmState, Routing
from lambdaops.core.notices import Progress
from lambdaops.core.plan import ManualGate, OnTimeout, Stage
from lambdaops.core.replay import releases
from lambdaops.core.states import Cause, Done, Held, Outcome, Signal
from lambdaops.ops import release as op
from lambdaops.ops import steer
from lambdaops.ops.release import Ended
from lambdaops.ops.rollback import Rollback
from lambdaops.ports import Lease
from tests.examples import times
from tests.sim.journal import Crash
from tests.sim.rig import STAGES, TARGET, Rig, plan_of
from tests.sim.world import ARN

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambdaops.core.notices import Notice
    from lambdaops.core.plan import Plan

ADA = Actor("arn:aws:sts::111122223333:assumed-role/oncall/ada", "ada-laptop")
SPLIT, HALF, NEW, STABLE = Routing("1", "2", 1_000), Routing("1", "2", 5_000), Routing("2"), Routing("1")
LATENCY = timedelta(seconds=0.5)
GATED = (Stage(1_000, timedelta(seconds=60), ManualGate(timedelta(minutes=20))), *STAGES[1:])


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.world.alarm("errors")
    return rig


def ask(rig: Rig, signal: Signal, reason: str = "", lasts: timedelta | None = None) -> None:
    """Another process writes its request into the journal of the release that is open."""
    release = rig.journal.entries[-1].release
    rig.journal.append(rig.world.clock.now(), release, ADA, Signalled(signal, reason, lasts))


def at(rig: Rig, seconds: float, signal: Signal, lasts: timedelta | None = None) -> None:
    rig.world.clock.after(seconds, lambda: ask(rig, signal, "because", lasts))


def answers(rig: Rig) -> list[tuple[timedelta, str]]:
    """How long each request waited, and what was said."""
    asked = {entry.seq: entry.at for entry in rig.journal.entries if isinstance(entry.event, Signalled)}
    return [
        (entry.at - asked[entry.event.answers], entry.event.reason)
        for entry in rig.journal.entries
        if isinstance(entry.event, Decided) and entry.event.answers is not None
    ]


def test_promote_takes_the_next_stage_within_half_a_second(rig: Rig) -> None:
    at(rig, 5.2, Signal.PROMOTE)
    ended = rig.release()
    assert ended.exit_code is ExitCode.DONE
    ((waited, said),) = answers(rig)
    assert waited <= LATENCY
    assert said == "stage 2/3: 50 % to 2, asked to go on now: because"
    assert rig.world.writes == [SPLIT, HALF, NEW]
    assert sum(rig.world.clock.slept, timedelta()) < timedelta(seconds=130)


def test_promote_full_goes_to_all_traffic_and_bakes_there(rig: Rig) -> None:
    at(rig, 5.2, Signal.PROMOTE_FULL)
    rig.world.clock.after(20, lambda: rig.world.breach("errors"))
    ended = rig.release()
    assert rig.world.writes == [SPLIT, NEW, STABLE]
    assert ended.exit_code is ExitCode.ROLLED_BACK


def test_a_paused_release_is_watched_and_goes_on_when_asked(rig: Rig) -> None:
    at(rig, 5.2, Signal.PAUSE)
    at(rig, 1_000, Signal.RESUME)
    ended = rig.release()
    assert ended.exit_code is ExitCode.DONE
    written = [entry.at for entry in rig.journal.entries if isinstance(entry.event, Landed)]
    assert written[1] - written[0] >= timedelta(seconds=1_000), "nothing moved while it was paused"
    assert answers(rig)[0][1] == "paused: because"


def test_a_paused_release_still_goes_back_when_a_gate_objects(rig: Rig) -> None:
    at(rig, 5.2, Signal.PAUSE)
    rig.world.clock.after(600, lambda: rig.world.breach("errors"))
    assert rig.release().exit_code is ExitCode.ROLLED_BACK
    rig.expect("1")


def test_a_pause_that_nobody_ends_is_held_when_its_time_is_over(rig: Rig) -> None:
    at(rig, 5.2, Signal.PAUSE, timedelta(minutes=7))
    ended = rig.release()
    assert isinstance(ended.state, Held)
    assert (ended.state.cause, ended.exit_code) == (Cause.PAUSED, ExitCode.HELD)
    assert rig.world.routing == SPLIT
    assert rig.release().exit_code is ExitCode.DONE, "and goes on when somebody takes it up"


def blind_once_opened(rig: Rig) -> Callable[[Notice], None]:
    """Preflight still sees the alarms; the release does not."""

    def emitted(notice: Notice) -> None:
        if isinstance(getattr(notice, "event", None), Opened):
            rig.world.fail("read_alarms", UnreachableError("no answer"), times=10_000)

    return emitted


@pytest.mark.parametrize("phase", ["ready", "baking", "paused", "awaiting", "no data", "unreadable", "write refused"])
def test_abort_wins_in_every_phase_within_one_tick(rig: Rig, phase: str) -> None:
    stages = GATED if phase == "awaiting" else STAGES
    when = 100.2
    match phase:
        case "ready":
            rig.on_notice = blind_once_opened(rig)
            when = 8.2
        case "paused":
            at(rig, 5.2, Signal.PAUSE)
        case "no data":
            rig.world.clock.after(30, lambda: rig.world.turn("errors", AlarmState.INSUFFICIENT_DATA))
        case "unreadable":
            rig.world.clock.after(90, lambda: rig.world.fail("get_alias", UnreachableError("no"), times=3))
        case "write refused":
            rig.world.clock.after(55, lambda: rig.world.fail("set_routing", UnreachableError("reset"), times=3))
        case _:
            pass
    at(rig, when, Signal.ROLLBACK)
    ended = rig.release(plan_of(stages))
    assert ended.exit_code is (ExitCode.BLOCKED if phase == "ready" else ExitCode.ROLLED_BACK)
    rig.expect("1")
    assert all(waited <= LATENCY for waited, _ in answers(rig))
    assert len(answers(rig)) == (2 if phase == "paused" else 1)


def test_asking_to_go_on_while_it_goes_back_changes_nothing_and_says_so(rig: Rig) -> None:
    rig.world.clock.after(35, lambda: rig.world.breach("errors"))
    rig.world.clock.after(36, lambda: rig.world.fail("set_routing", UnreachableError("reset"), times=4))
    at(rig, 42, Signal.PROMOTE)
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert any("promote changes nothing now (rolling back)" in said for _, said in answers(rig))


def test_of_several_requests_the_rollback_counts(rig: Rig) -> None:
    for signal in (Signal.ROLLBACK, Signal.PROMOTE, Signal.PAUSE):
        at(rig, 5.2, signal)
    assert rig.release().exit_code is ExitCode.ROLLED_BACK
    assert len(answers(rig)) == 1, "one answer for all of them"


def test_a_manual_gate_waits_and_an_approval_ends_it(rig: Rig) -> None:
    at(rig, 600, Signal.PROMOTE)
    assert rig.release(plan_of(GATED)).exit_code is ExitCode.DONE
    written = [entry.at for entry in rig.journal.entries if isinstance(entry.event, Landed)]
    assert timedelta(seconds=599) <= written[1] - written[0] <= timedelta(seconds=601)


@pytest.mark.parametrize(
    ("then", "code"),
    [(OnTimeout.ROLLBACK, ExitCode.ROLLED_BACK), (OnTimeout.HOLD, ExitCode.HELD), (OnTimeout.PROMOTE, ExitCode.DONE)],
)
def test_a_manual_gate_that_nobody_opens(rig: Rig, then: OnTimeout, code: ExitCode) -> None:
    gate = ManualGate(timedelta(minutes=20), then)
    stages = (Stage(1_000, timedelta(seconds=60), gate), *STAGES[1:])
    assert rig.release(plan_of(stages)).exit_code is code


def test_a_held_manual_gate_is_approved_by_resuming(rig: Rig) -> None:
    stages = (Stage(1_000, timedelta(seconds=60), ManualGate(timedelta(minutes=1), OnTimeout.HOLD)), *STAGES[1:])
    assert rig.release(plan_of(stages)).exit_code is ExitCode.HELD
    found = steer.find(rig.ports, TARGET, f"{ARN}:live")
    ended = steer.resume(rig.ports, TARGET, found, "approved by phone")
    assert isinstance(ended, Ended)
    assert ended.exit_code is ExitCode.DONE
    asked = [entry for entry in rig.journal.entries if isinstance(entry.event, Signalled)]
    assert [entry.event.reason for entry in asked if isinstance(entry.event, Signalled)] == ["approved by phone"]


def test_credentials_that_expire_hold_at_once_and_can_be_taken_up(rig: Rig) -> None:
    rig.world.clock.after(35, lambda: rig.world.fail("get_alias", CredentialsExpiredError("expired"), times=10_000))
    began = rig.world.clock.now()
    ended = rig.release()
    assert ended.exit_code is ExitCode.AWS
    assert rig.world.clock.now() - began < timedelta(seconds=60), "waiting renews no credentials"
    assert rig.world.routing == SPLIT
    rig.world.heal()
    assert rig.release().exit_code is ExitCode.DONE


def die(rig: Rig, seconds: float, plan: Plan | None = None) -> None:
    """The process is killed between two looks."""

    def killed() -> None:
        raise Crash

    rig.world.clock.after(seconds, killed)
    with pytest.raises(Crash):
        rig.release(plan)
    rig.journals.busy = False


def test_resume_takes_up_a_release_whose_process_is_gone(rig: Rig) -> None:
    die(rig, 35)
    found = steer.find(rig.ports, TARGET, f"{ARN}:live")
    assert not found.live
    ended = steer.resume(rig.ports, TARGET, found, "taking over")
    assert isinstance(ended, Ended)
    assert ended.exit_code is ExitCode.DONE
    assert any(isinstance(entry.event, Resumed) for entry in rig.journal.entries)


def test_making_sure_that_a_process_is_gone_is_not_done_in_silence(rig: Rig) -> None:
    """A team's table is watched for up to fifteen seconds."""
    die(rig, 35)
    rig.journals.left = Lease(4711, "ci-7", None, "", None, live=False)
    rig.notices.clear()
    steer.resume(rig.ports, TARGET, steer.find(rig.ports, TARGET, f"{ARN}:live"), "taking over")
    told = [notice.message for notice in rig.notices if isinstance(notice, Progress)]
    assert told[0] == "pid 4711 on ci-7 drove orders:live and shows no sign of life: making sure, 15s at most"


def test_a_release_that_nobody_drives_is_not_asked_for_anything(rig: Rig) -> None:
    die(rig, 35)
    found = steer.find(rig.ports, TARGET, f"{ARN}:live")
    before = len(rig.journal.entries)
    with pytest.raises(NobodyDrivesError, match="nobody drives it"):
        steer.ask_for(rig.ports, TARGET, found, Signalled(Signal.PROMOTE, ""))
    assert len(rig.journal.entries) == before


def test_abort_without_a_process_rolls_back_here(rig: Rig) -> None:
    die(rig, 35)
    done = steer.abort(rig.ports, TARGET, steer.find(rig.ports, TARGET, f"{ARN}:live"), "enough", "")
    assert isinstance(done, Rollback)
    rig.expect("1")
    with pytest.raises(NothingOpenError, match="open in its journal"):  # which may be a team's
        steer.find(rig.ports, TARGET, f"{ARN}:live")


def test_a_process_that_does_not_listen_is_not_waited_for_for_ever(rig: Rig) -> None:
    die(rig, 35)
    rig.journals.busy = True  # stopped by SIGSTOP: it holds its lock and does nothing
    found = steer.find(rig.ports, TARGET, f"{ARN}:live")
    with pytest.raises(UnheededError, match="has not taken it up within"):
        steer.ask_for(rig.ports, TARGET, found, Signalled(Signal.PAUSE, ""))
    done = steer.abort(rig.ports, TARGET, found, "enough", "")
    assert isinstance(done, Rollback)
    rig.expect("1")


def test_an_abort_that_nobody_heard_is_heeded_by_whoever_takes_over(rig: Rig) -> None:
    die(rig, 35)
    ask(rig, Signal.PROMOTE)
    ask(rig, Signal.ROLLBACK)
    assert rig.release().exit_code is ExitCode.ROLLED_BACK


def test_a_promotion_that_nobody_heard_is_out_of_date(rig: Rig) -> None:
    die(rig, 35)
    ask(rig, Signal.PROMOTE_FULL)
    assert rig.release().exit_code is ExitCode.DONE
    assert rig.world.writes == [SPLIT, HALF, NEW]


def test_the_same_command_with_another_plan_does_not_take_it_up(rig: Rig) -> None:
    die(rig, 35)
    with pytest.raises(PlanDiffersError, match="stages 10%:1m,50%:1m,100%:1m, now 10%:1m,100%:1m"):
        rig.release(plan_of((STAGES[0], STAGES[2])))
    assert rig.world.routing == SPLIT


def test_the_judge_must_be_asked_the_same_too(rig: Rig) -> None:
    """What preflight has filled in since is no difference; what the person says is."""
    rig.world.traffic.rate, rig.world.traffic.bad = 1_000, {"1": 0.01, "2": 0.01}
    asked = replace(plan_of(), comparisons=(Comparison(Measure.ERRORS, min_requests=0),))
    other = replace(asked, comparisons=(Comparison(Measure.ERRORS, tolerance=900, min_requests=0),))
    die(rig, 35, asked)
    (release,) = releases(rig.journal.entries)
    assert release.plan.comparisons != asked.comparisons, "preflight fills in nothing here"
    with pytest.raises(PlanDiffersError, match=r"compare errors at most 1\.5 x .*, now errors at most 9 x"):
        rig.release(other)
    assert rig.world.routing == SPLIT
    assert rig.release(asked).exit_code is ExitCode.DONE


def test_a_foreign_rollback_is_noticed_at_once(rig: Rig) -> None:
    rig.world.clock.after(12.2, rig.roll_back_now)
    ended = rig.release()
    assert isinstance(ended.state, Done)
    assert ended.state.outcome is Outcome.SUPERSEDED
    closed = rig.journal.entries[-1].at
    rolled = next(entry.at for entry in rig.journal.entries if entry.release.startswith("b-"))
    assert closed - rolled <= LATENCY


happenings = st.lists(
    st.tuples(
        st.integers(0, 900),
        st.sampled_from(
            [*Signal, Signal.PROMOTE, Signal.RESUME, "rollback command", "breach", "silence", "recover", "flap"]
        ),
    ),
    max_size=8,
)


@times(2.5)
@given(happenings, st.sampled_from([STAGES, GATED]), st.lists(st.integers(1, 60), max_size=2))
def test_operators_aws_and_time_in_any_order(
    what: list[tuple[int, Signal | str]], stages: tuple[Stage, ...], deaths: list[int]
) -> None:
    """Whatever people ask and whenever the process dies: traffic is where the journal says, and back wins at once."""
    rig = Rig()
    rig.world.alarm("errors")
    back_at = []

    def happen(thing: Signal | str) -> None:
        match thing:
            case Signal():
                if not rig.journal.entries:
                    return
                if thing is Signal.ROLLBACK and not isinstance(rig.journal.entries[-1].event, Closed):
                    back_at.append(rig.world.clock.now())
                ask(rig, thing)
            case "rollback command":
                back_at.append(rig.world.clock.now())
                rig.rollback("1")
            case "breach":
                rig.world.breach("errors")
            case "silence":
                rig.world.turn("errors", AlarmState.INSUFFICIENT_DATA)
            case "flap":
                rig.world.flap("errors")
            case _:
                rig.world.turn("errors", AlarmState.OK)

    for seconds, thing in what:
        rig.world.clock.after(seconds + 0.25, lambda thing=thing: happen(thing))  # type: ignore[misc]

    def check(_: Notice) -> None:
        announced = {entry.event.desired for entry in rig.journal.entries if isinstance(entry.event, Intent)}
        assert rig.world.routing in announced | {STABLE}
        if back_at and rig.world.clock.now() > back_at[0] + LATENCY:
            rig.expect("1")

    rig.on_notice = check
    code = None
    for appends in [*deaths, None]:
        rig.journal.crash_at = None if appends is None else rig.journal.appends + appends
        try:
            ended = op.release(rig.ports, op.Request(TARGET, plan_of(stages)))
        except Crash:
            event("crashed")
            rig.journals.busy = False
            back_at.clear()  # nobody is there to heed it, until somebody takes over
            continue
        except BlockedError as error:
            event(error.code)
            return  # preflight said no
        code = ended.exit_code if ended is not None else ExitCode.DONE
        event(code.name)
        break
    if code in (ExitCode.DONE, ExitCode.ROLLED_BACK, ExitCode.BLOCKED, ExitCode.CONFLICT):
        assert rig.world.routing in (STABLE, NEW)
