"""A release killed before or after any journal append, with AWS failing at random, ends on stable or candidate.

At every moment in between the alias holds the stable version, the candidate, or a routing that an intent in the
journal announced.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from lambdaops.core.errors import (
    AccessDeniedError,
    AwsError,
    AwsFaultError,
    ExitCode,
    LambdaOpsError,
    ThrottledError,
    UnreachableError,
)
from lambdaops.core.events import Closed, Intent, Observed
from lambdaops.core.gates import Verdict
from lambdaops.core.model import AlarmState, Routing
from lambdaops.core.plan import Stage
from lambdaops.core.states import Signal
from lambdaops.ops import release as op
from lambdaops.ops.rollback import Rollback
from tests.examples import times
from tests.sim.journal import Crash
from tests.sim.rig import TARGET, Rig, plan_of

if TYPE_CHECKING:
    from lambdaops.core.notices import Notice
    from lambdaops.core.plan import Plan
    from lambdaops.ops.release import Ended

ENDS = {
    ExitCode.DONE: Routing("2"),
    ExitCode.ROLLED_BACK: Routing("1"),
    ExitCode.BLOCKED: Routing("1"),
}
weights = st.lists(st.integers(1, 9_999), max_size=4, unique=True).map(sorted)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    bakes = st.integers(0, 90)
    stages = tuple(Stage(weight, timedelta(seconds=draw(bakes))) for weight in [*draw(weights), 10_000])
    return plan_of(stages)


troubles = st.lists(
    st.tuples(
        st.integers(0, 240),
        st.sampled_from(
            ["breach", "silence", "recover", "lost-before", "lost-after", "throttled", "blind", "5xx-after"]
        ),
    ),
    max_size=6,
)


def arrange(rig: Rig, trouble: list[tuple[int, str]]) -> None:
    world = rig.world
    actions = {
        "breach": lambda: world.breach("errors"),
        "silence": lambda: world.turn("errors", AlarmState.INSUFFICIENT_DATA),
        "recover": lambda: world.turn("errors", AlarmState.OK),
        "lost-before": lambda: world.fail("set_routing", UnreachableError("reset")),
        "lost-after": lambda: world.fail("set_routing", UnreachableError("reset"), after=True),
        "5xx-after": lambda: world.fail("set_routing", AwsFaultError("500"), after=True),
        "throttled": lambda: world.fail("set_routing", ThrottledError("429"), times=3),
        "blind": lambda: world.fail("get_alias", UnreachableError("timeout"), times=3),
    }
    for seconds, name in trouble:
        world.clock.after(seconds, actions[name])


def announced(rig: Rig) -> set[Routing]:
    intents = {entry.event.desired for entry in rig.journal.entries if isinstance(entry.event, Intent)}
    return intents | {Routing("1"), Routing("2")}


def watch(rig: Rig) -> None:
    def look(_: Notice) -> None:
        assert rig.world.routing in announced(rig)

    rig.on_notice = look


def run(rig: Rig, plan: Plan) -> Ended | None:
    """The command, given again while AWS cannot even be read."""
    for _ in range(30):
        try:
            return op.release(rig.ports, op.Request(TARGET, plan))
        except AwsError as error:
            event(f"again: {error.code}")
            rig.world.clock.advance(timedelta(seconds=5))
    raise AssertionError("AWS never came back")


def code_of(ended: Ended | None) -> ExitCode:
    return ended.exit_code if ended else ExitCode.DONE


def survive(rig: Rig, plan: Plan, crashes: list[tuple[int, bool]]) -> Ended | None:
    """Run the release; die where told; run the same command again until it ends by itself."""
    for after, before in crashes:
        rig.journal.crash_at, rig.journal.crash_before = rig.journal.appends + after, before
        try:
            return run(rig, plan)
        except Crash:
            event("crashed")
            rig.journals.busy = False  # the operating system frees a dead process's lock
            assert rig.world.routing in announced(rig)
    rig.journal.crash_at = None
    return run(rig, plan)


@times(12)
@given(plans(), troubles, st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=4))
def test_killed_anywhere_it_ends_on_stable_or_candidate(
    plan: Plan, trouble: list[tuple[int, str]], crashes: list[tuple[int, bool]]
) -> None:
    rig = Rig()
    rig.world.alarm("errors")
    arrange(rig, trouble)
    watch(rig)
    try:
        ended = survive(rig, plan, crashes)
    except LambdaOpsError as error:
        # Only before anything moved: preflight or the first read said no.
        event(f"refused: {error.code}")
        assert rig.world.routing == Routing("1")
        return
    code = code_of(ended)
    event(code.name)
    assert rig.world.routing == ENDS[code]
    if rig.kinds().count("opened") > 1:
        return  # it had ended before the crash, and was asked for once more
    forward = [write.share("2") for write in rig.world.writes if write != Routing("1")]
    assert forward == sorted(set(forward)), "weights only rise and no stage is written twice"


@times(3)
@given(plans(), troubles, st.integers(0, 240), st.sampled_from(list(Signal)))
def test_signals_in_any_moment_end_on_stable_candidate_or_a_journaled_split(
    plan: Plan, trouble: list[tuple[int, str]], when: int, signal: Signal
) -> None:
    rig = Rig()
    rig.world.alarm("errors")
    arrange(rig, trouble)
    watch(rig)
    rig.world.clock.after(when, lambda: setattr(rig, "asked", (signal, "somebody")))
    code = code_of(run(rig, plan))
    if code in (ExitCode.INTERRUPTED, ExitCode.HELD):
        assert rig.world.routing in announced(rig)
        rig.asked = None
        code = code_of(run(rig, plan))
    assert rig.world.routing == ENDS[code]


@times(1.5)
@given(plans(), st.integers(0, 240))
def test_a_rollback_command_at_any_moment_wins(plan: Plan, when: int) -> None:
    rig, rolled_back = Rig(), list[Rollback]()
    rig.world.alarm("errors")
    rig.world.clock.after(when, lambda: rolled_back.append(rig.rollback()))
    ended = rig.release(plan)
    if rig.world.writes[-1] == Routing("1"):
        assert ended.exit_code is ExitCode.CONFLICT
    assert rig.world.routing in (Routing("1"), Routing("2"))


def test_a_flap_seen_just_before_the_process_died_still_counts() -> None:
    """The look is in the journal, the decision is not: the next process must object for the same reason."""
    rig = Rig()
    rig.world.alarm("errors")
    rig.world.clock.after(35, lambda: rig.world.flap("errors"))

    def die(notice: Notice) -> None:
        seen = getattr(notice, "event", None)
        if isinstance(seen, Observed) and any(gate.verdict is Verdict.FAIL for gate in seen.gates):
            rig.on_notice = None
            raise Crash

    rig.on_notice = die
    with pytest.raises(Crash):
        rig.release()
    rig.journals.busy = False
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLED_BACK
    last = rig.journal.entries[-1].event
    assert isinstance(last, Closed)
    assert "left OK and came back" in last.reason
    rig.expect("1")


def test_a_release_denied_in_the_middle_keeps_the_journaled_split() -> None:
    rig = Rig()
    rig.world.alarm("errors")
    rig.world.clock.after(35, lambda: rig.world.fail("set_routing", AccessDeniedError("no"), times=10_000))
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLBACK_INCOMPLETE
    assert rig.world.routing in announced(rig)
    rig.world.heal()
    assert rig.release().exit_code is ExitCode.ROLLED_BACK
    rig.expect("1")
