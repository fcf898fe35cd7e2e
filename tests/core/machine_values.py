"""Plans, states and observations of every kind, as the machine may meet them after any crash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from lambdaops.core.gates import GateResult, Verdict
from lambdaops.core.machine import (
    Baking,
    Cause,
    Done,
    Fault,
    Held,
    Observation,
    Outcome,
    Ready,
    Reverting,
    Signal,
    State,
)
from lambdaops.core.model import Routing
from lambdaops.core.plan import OnInconclusive, Plan, Stage

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

spans = st.integers(0, 3_600).map(lambda seconds: timedelta(seconds=seconds))
steps = st.integers(1, 600).map(lambda seconds: timedelta(seconds=seconds))
moments = st.integers(-7_200, 7_200).map(lambda seconds: NOON + timedelta(seconds=seconds))
texts = st.sampled_from(["", "why"])
weights = st.lists(st.integers(1, 9_999), max_size=4, unique=True).map(sorted)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    stages = tuple(Stage(weight, draw(spans)) for weight in [*draw(weights), 10_000])
    return Plan(
        "1",
        "2",
        stages,
        "custom",
        look_every=draw(steps),
        patience=draw(spans),
        on_inconclusive=draw(st.sampled_from(OnInconclusive)),
        revert_within=draw(spans),
        provisioned=draw(st.booleans()),
    )


def moving_states(plan: Plan) -> st.SearchStrategy[Ready | Baking | Reverting]:
    return st.one_of(
        st.builds(Ready, moments),
        st.builds(Baking, st.integers(0, len(plan.stages) - 1), moments, st.none() | moments, moments),
        st.builds(Reverting, texts, moments, st.integers(0, 50)),
    )


def states(plan: Plan) -> st.SearchStrategy[State]:
    return st.one_of(
        moving_states(plan),
        st.builds(Held, texts, st.sampled_from(Cause), moving_states(plan)),
        st.builds(Done, st.sampled_from(Outcome), texts),
    )


def routings(plan: Plan) -> st.SearchStrategy[Routing]:
    """Ours mostly; else any other, including splits that AWS makes and those with strangers."""
    ours = [plan.baseline, *(plan.routing_at(stage) for stage in range(len(plan.stages)))]
    pairs = st.sampled_from([("1", "2"), ("2", "1"), ("1", "3"), ("3", "2"), ("3", "4")])
    return st.one_of(
        st.sampled_from(ours),
        st.builds(lambda pair, weight: Routing(pair[0], pair[1], weight), pairs, st.integers(0, 9_999)),
        st.just(Routing("3")),
    )


gates = st.lists(st.builds(GateResult, st.just("g"), st.sampled_from(Verdict), st.just("g: why"), st.booleans()))


def observations(plan: Plan) -> st.SearchStrategy[Observation]:
    return st.builds(
        Observation,
        now=moments,
        alias=st.none() | routings(plan),
        gates=gates.map(tuple),
        signal=st.none() | st.sampled_from(Signal),
        signal_reason=texts,
        fault=st.none() | st.builds(Fault, texts, permanent=st.booleans(), conflict=st.booleans()),
        stale=st.booleans(),
        blind=texts,
        unsettled=st.booleans(),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Plan, State, Observation]:
    """A plan, a state of it and something seen."""
    plan = draw(plans())
    return plan, draw(states(plan)), draw(observations(plan))
