"""Plans, states and observations of every kind, as the machine may meet them after any crash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product

from hypothesis import strategies as st

from lambdaops.core.gates import GateResult, Verdict
from lambdaops.core.model import Routing
from lambdaops.core.plan import ManualGate, OnInconclusive, OnTimeout, Plan, Stage
from lambdaops.core.states import (
    Awaiting,
    Baking,
    Cause,
    Done,
    Fault,
    Held,
    Observation,
    Outcome,
    Paused,
    Promoting,
    Ready,
    Reverting,
    Signal,
    State,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def seconds(*numbers: int) -> list[timedelta]:
    return [timedelta(seconds=number) for number in numbers]


LADDERS = [
    tuple(Stage(weight, timedelta(seconds=bake)) for weight, bake in ladder)
    for ladder in (
        [(10_000, 0)],
        [(10_000, 60)],
        [(1_000, 60), (10_000, 300)],
        [(1, 0), (5_000, 3_600), (9_999, 60), (10_000, 60)],
    )
]
GATED = [
    (
        Stage(1_000, timedelta(seconds=60), ManualGate(timedelta(seconds=300), then)),
        Stage(10_000, timedelta(seconds=60)),
    )
    for then in OnTimeout
]
PLANS = [
    Plan(
        "1",
        "2",
        stages,
        "custom",
        look_every=look_every,
        patience=patience,
        on_inconclusive=policy,
        revert_within=revert_within,
        provisioned=provisioned,
        adaptive=adaptive,
    )
    for stages, look_every, patience, policy, revert_within, provisioned, adaptive in product(
        [*LADDERS, *GATED],
        seconds(1, 600),
        seconds(0, 180),
        OnInconclusive,
        seconds(0, 300),
        [False, True],
        [False, True],
    )
]

# Sampled from lists, not built from parts: a run of a hundred examples then costs milliseconds.
plans = st.sampled_from(PLANS)
moments = st.one_of(
    st.sampled_from([NOON + gap for gap in seconds(-3_600, -300, -180, -60, -1, 0, 1, 60, 180, 300, 3_600)]),
    st.integers(-7_200, 7_200).map(lambda gap: NOON + timedelta(seconds=gap)),
)


@cache
def moving_states(plan: Plan) -> st.SearchStrategy[Ready | Baking | Paused | Awaiting | Promoting | Reverting]:
    bakings = st.builds(Baking, st.integers(0, len(plan.stages) - 1), moments, st.none() | moments, moments)
    places = st.builds(Ready, moments) | bakings
    lengths = st.sampled_from(seconds(0, 60, 3_600))

    def promoting(at: Ready | Baking) -> st.SearchStrategy[Promoting]:
        first = 0 if isinstance(at, Ready) else at.stage + 1
        # Past the last stage only from there: to go to 100 % at once is to go to it.
        last = max(first, len(plan.stages) - 1)
        return st.builds(Promoting, st.just("why"), st.integers(first, last), st.just(at), moments)

    return st.one_of(
        places,
        st.builds(Paused, st.just("why"), places, moments, lengths),
        st.builds(Awaiting, bakings, moments, lengths),
        places.flatmap(promoting),
        st.builds(Reverting, st.just("why"), moments, st.integers(0, 50)),
    )


@cache
def resting_states(plan: Plan) -> st.SearchStrategy[Ready | Baking | Awaiting | Reverting]:
    """Where a hold may go on from."""
    return moving_states(plan).filter(lambda state: not isinstance(state, Paused | Promoting)).map(_resting)


def _resting(state: State) -> Ready | Baking | Awaiting | Reverting:
    assert isinstance(state, Ready | Baking | Awaiting | Reverting)
    return state


@cache
def states(plan: Plan) -> st.SearchStrategy[State]:
    return st.one_of(
        moving_states(plan),
        st.builds(Held, st.just("why"), st.sampled_from(Cause), resting_states(plan)),
        st.builds(Done, st.sampled_from(Outcome), st.just("why")),
    )


def routings(plan: Plan) -> list[Routing | None]:
    """Ours, the splits that AWS makes, strangers, and none: it could not be read."""
    ours = [plan.baseline, *(plan.routing_at(stage) for stage in range(len(plan.stages)))]
    others = [
        Routing(*pair, 4_000) for pair in (("1", "2"), ("2", "1"), ("1", "3"), ("3", "2"), ("3", "4"), ("1", "1"))
    ]
    return [None, *ours, *others, Routing("3")]


def gate(name: str, verdict: Verdict, *, acts: bool = True) -> GateResult:
    return GateResult(name, verdict, f"{name}: {verdict.name}", acts)


GATES = [
    (),
    *((gate("a", verdict),) for verdict in Verdict),
    *((gate("a", one), gate("b", other)) for one, other in product(Verdict, Verdict)),
    (gate("a", Verdict.PASS), gate("b", Verdict.FAIL, acts=False)),
    *(
        (gate("a", one), GateResult("j", Verdict.PASS, "j: so far", True, "9 of 900", waits_for, True, acquits))
        for one, waits_for, acquits in product(Verdict, ["", "j: 7 more requests"], [False, True])
    ),
    (GateResult("j", Verdict.FAIL, "j: worse", judges=True),),
]
FAULTS = [Fault("no", permanent, conflict) for permanent, conflict in product([False, True], [False, True])]


@cache
def observations(plan: Plan) -> st.SearchStrategy[Observation]:
    return st.builds(
        Observation,
        now=moments,
        alias=st.sampled_from(routings(plan)),
        gates=st.sampled_from(GATES),
        signal=st.sampled_from([None, None, *Signal]),
        signal_reason=st.sampled_from(["", "ada"]),
        fault=st.sampled_from([None, None, *FAULTS]),
        stale=st.booleans(),
        blind=st.just("timeout"),
        unsettled=st.booleans(),
        locked_out=st.sampled_from([False, False, False, True]),
        lasts=st.sampled_from([None, *seconds(0, 60)]),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Plan, State, Observation]:
    """A plan, a state of it and something seen."""
    plan = draw(plans)
    return plan, draw(states(plan)), draw(observations(plan))
