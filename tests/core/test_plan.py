"""Strategies become stages: every form, CodeDeploy's names, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.errors import (
    ExitCode,
    InvalidDurationError,
    InvalidStagesError,
    UnknownStrategyError,
    UsageError,
)
from lambdaops.core.model import FULL, Routing
from lambdaops.core.plan import (
    CODEDEPLOY,
    DEFAULT_BAKE,
    DEFAULT_STRATEGY,
    STRATEGIES,
    Plan,
    Stage,
    check_stages,
    resolve_strategy,
)

LAST = timedelta(minutes=7)


def stages_of(*pairs: tuple[float, float]) -> tuple[Stage, ...]:
    """Stages from per cent and minutes."""
    return tuple(Stage(round(weight * 100), timedelta(minutes=minutes)) for weight, minutes in pairs)


def written(stages: tuple[Stage, ...]) -> str:
    return ",".join(str(stage) for stage in stages)


TENTHS = range(10, 100, 10)


# -- the named strategies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all-at-once", stages_of((100, 7))),
        ("canary", stages_of((10, 5), (100, 7))),
        ("canary:5%", stages_of((5, 5), (100, 7))),
        ("canary:5%:90s", stages_of((5, 1.5), (100, 7))),
        ("canary:0.01%:1h", stages_of((0.01, 60), (100, 7))),
        ("canary:99.99%:0s", stages_of((99.99, 0), (100, 7))),
        ("canary:100%:5m", stages_of((100, 7))),
        ("linear", stages_of(*((weight, 1) for weight in TENTHS), (100, 7))),
        ("linear:25%", stages_of((25, 1), (50, 1), (75, 1), (100, 7))),
        ("linear:25%:2m", stages_of((25, 2), (50, 2), (75, 2), (100, 7))),
        ("linear:30%:2m", stages_of((30, 2), (60, 2), (90, 2), (100, 7))),
        ("linear:33.33%:2m", stages_of((33.33, 2), (66.66, 2), (99.99, 2), (100, 7))),
        ("linear:60%", stages_of((60, 1), (100, 7))),
        ("exponential", stages_of(*((2**n, 2) for n in range(7)), (100, 7))),
        ("exponential:5%", stages_of((5, 2), (10, 2), (20, 2), (40, 2), (80, 2), (100, 7))),
        ("exponential:50%:3m", stages_of((50, 3), (100, 7))),
        ("adaptive", stages_of((1, 10), (5, 10), (20, 60), (100, 7))),
        ("adaptive:12m", stages_of((1, 2), (5, 2), (20, 12), (100, 7))),
        ("adaptive:3s", stages_of((1, 1 / 60), (5, 1 / 60), (20, 0.05), (100, 7))),
        ("exponential:0.5%:1m", stages_of(*((0.5 * 2**n, 1) for n in range(8)), (100, 7))),
    ],
)
def test_a_named_strategy_becomes_its_stages(text: str, expected: tuple[Stage, ...]) -> None:
    assert resolve_strategy(text, LAST) == expected


def test_the_last_bake_is_five_minutes_unless_told() -> None:
    assert resolve_strategy("canary")[-1] == Stage(FULL, DEFAULT_BAKE)
    assert timedelta(minutes=5) == DEFAULT_BAKE


def test_the_default_strategy_exists() -> None:
    assert resolve_strategy(DEFAULT_STRATEGY) == stages_of((10, 5), (100, 5))


def test_a_hundred_stages_are_taken() -> None:
    stages = resolve_strategy("linear:1%:1m", LAST)
    assert [stage.weight for stage in stages] == list(range(100, 10_001, 100))


# -- CodeDeploy ----------------------------------------------------------------------------------------------------

# https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html: written out by hand, not made
# from the table under test.
PREDEFINED = {
    "AllAtOnce": [],
    "Canary10Percent5Minutes": [(10, 5)],
    "Canary10Percent10Minutes": [(10, 10)],
    "Canary10Percent15Minutes": [(10, 15)],
    "Canary10Percent30Minutes": [(10, 30)],
    "Linear10PercentEvery1Minute": [(10, 1), (20, 1), (30, 1), (40, 1), (50, 1), (60, 1), (70, 1), (80, 1), (90, 1)],
    "Linear10PercentEvery2Minutes": [(weight, 2) for weight in TENTHS],
    "Linear10PercentEvery3Minutes": [(weight, 3) for weight in TENTHS],
    "Linear10PercentEvery10Minutes": [(weight, 10) for weight in TENTHS],
}


def test_all_nine_of_codedeploys_configurations_are_known() -> None:
    assert set(CODEDEPLOY) == set(PREDEFINED)


@pytest.mark.parametrize("prefix", ["", "Lambda", "CodeDeployDefault.", "CodeDeployDefault.Lambda"])
@pytest.mark.parametrize("name", PREDEFINED)
def test_a_codedeploy_configuration_has_codedeploys_weights_and_times(prefix: str, name: str) -> None:
    assert resolve_strategy(prefix + name, LAST) == stages_of(*PREDEFINED[name], (100, 7))


@pytest.mark.parametrize(
    ("name", "minutes"),
    [("Canary10Percent30Minutes", 30), ("Linear10PercentEvery1Minute", 9), ("Linear10PercentEvery10Minutes", 90)],
)
def test_a_codedeploy_configuration_reaches_100_percent_when_codedeploy_does(name: str, minutes: int) -> None:
    before_full = resolve_strategy(name)[:-1]
    assert sum((stage.bake for stage in before_full), timedelta()) == timedelta(minutes=minutes)


# -- stages written out --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100%:10m", stages_of((100, 10))),
        ("5%:2m,25%:5m,100%:10m", stages_of((5, 2), (25, 5), (100, 10))),
        ("5%:2m, 25%:5m , 100%:10m", stages_of((5, 2), (25, 5), (100, 10))),
        ("0.25%:2m,2.5%:1h30m,100%:0s", stages_of((0.25, 2), (2.5, 90), (100, 0))),
        ("00.10%:1m,100.00%:1m", stages_of((0.1, 1), (100, 1))),
        ("10%:1m,10.01%:1m,100%:1m", stages_of((10, 1), (10.01, 1), (100, 1))),
    ],
)
def test_stages_written_out_keep_their_own_bakes(text: str, expected: tuple[Stage, ...]) -> None:
    assert resolve_strategy(text, LAST) == expected


# -- refused -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("25%:1m,5%:1m,100%:1m", "5 % does not rise above 25 %"),
        ("5%:1m,5%:1m,100%:1m", "5 % does not rise above 5 %"),
        ("100%:1m,100%:1m", "100 % does not rise above 100 %"),
        ("5%:1m", "does not end at 100 %"),
        ("5%:1m,99.99%:1m", "does not end at 100 %"),
        ("0%:1m,100%:1m", "is not above 0 % and at most 100 %"),
        ("0.00%:1m,100%:1m", "is not above 0 % and at most 100 %"),
        ("100.01%:1m", "is not above 0 % and at most 100 %"),
        ("101%:1m", "is not above 0 % and at most 100 %"),
        ("canary:0%", "is not above 0 % and at most 100 %"),
        ("linear:250%", "is not above 0 % and at most 100 %"),
        ("0.125%:1m,100%:1m", "'0.125%' in .* is not a weight"),
        (".5%:1m,100%:1m", "'.5%' in .* is not a weight"),
        ("5.%:1m,100%:1m", "'5.%' in .* is not a weight"),
        ("-5%:1m,100%:1m", "'-5%' in .* is not a weight"),
        ("1000%:1m", "'1000%' in .* is not a weight"),
        ("\u0665%:1m,100%:1m", "'\u0665%' in .* is not a weight"),
        ("5%%:1m,100%:1m", "'5%%' in .* is not a weight"),
        ("canary:5", "'5' in .* is not a weight"),
        ("exponential:fast", "'fast' in .* is not a weight"),
        ("5%", "'5%' in '5%' has no bake time"),
        ("5%:1m,100%", "'100%' in .* has no bake time"),
        ("5%:1m,", "'' in .* has no bake time"),
        ("5%:1m,,100%:1m", "'' in .* has no bake time"),
        ("linear:0.5%", "more than 100 stages"),
        ("linear:0.01%", "more than 100 stages"),
        (",".join(f"0.{n:02}%:1m" for n in range(1, 100)) + ",1%:1m,100%:1m", "more than 100 stages"),
        ("all-at-once:5%", "all-at-once takes no weight"),
    ],
)
def test_stages_that_do_not_rise_to_100_percent_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidStagesError, match=message) as caught:
        resolve_strategy(text)
    assert caught.value.hint
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    "text", ["5%:,100%:1m", "5%:fast,100%:1m", "5%:1m:2m,100%:1m", "canary:5%:5", "canary:5%:5m:1m", "linear:5%:-1m"]
)
def test_a_bake_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidDurationError):
        resolve_strategy(text)


def test_no_stage_at_all_is_refused() -> None:
    with pytest.raises(InvalidStagesError, match="does not end at 100 %"):
        check_stages((), "")


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("canry", "canary"),
        ("Canary", "canary"),
        ("CANARY:10%:5m", "canary"),
        ("canry:10%:5m", "canary"),
        ("linaer", "linear"),
        ("exponentiel:1%", "exponential"),
        ("allatonce", "AllAtOnce"),
        ("all_at_once", "AllAtOnce"),
        ("Linear10PercentEvery1Minutes", "Linear10PercentEvery1Minute"),
        ("Linear10PercentEvery2Minute", "Linear10PercentEvery2Minutes"),
        ("CodeDeployDefault.LambdaLinear10PercentEvery1Minutes", "Linear10PercentEvery1Minute"),
        ("canary10percent5minutes", "Canary10Percent5Minutes"),
        ("codedeploydefault.lambdacanary10percent30minutes", "Canary10Percent30Minutes"),
        ("CodeDeployDefault.LambdaCanary10Percent5Minute", "Canary10Percent5Minutes"),
        ("LambdaAllAtonce", "AllAtOnce"),
    ],
)
def test_an_unknown_name_gets_the_nearest_known_one(text: str, nearest: str) -> None:
    with pytest.raises(UnknownStrategyError) as caught:
        resolve_strategy(text)
    assert caught.value.hint == f"Did you mean {nearest}?"
    assert nearest in STRATEGIES
    assert repr(text) in caught.value.message


@pytest.mark.parametrize(
    "text", ["", " ", "5", "blue/green", "%s", "\0", "CodeDeployDefault.", "Lambda", "5:2m,100:5m"]
)
def test_a_name_like_nothing_gets_examples(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_strategy(text)
    assert "5%" in caught.value.hint


def test_only_codedeploys_own_prefixes_are_cut_off() -> None:
    for text in ("CodeDeployDefault.canary", "Lambda.AllAtOnce", "xLambdaAllAtOnce", "CodeDeployDefault.OneAtATime"):
        with pytest.raises(UnknownStrategyError):
            resolve_strategy(text)


# -- what holds for any text ---------------------------------------------------------------------------------------

numbers = st.one_of(
    st.integers(0, 120).map(str),
    st.decimals(0, 101, places=2).map(str),
    st.sampled_from(["", "100", "0", "1e2", "0.125", "-1", "\u0665"]),
)
bakes = st.sampled_from(["", ":", ":1m", ":0s", ":90s", ":7d", ":8d", ":1h30m", ":m", ":5"])
parts = st.tuples(numbers, st.sampled_from(["%", "%", "%", "", "%%"]), bakes).map("".join)
names = st.sampled_from([*STRATEGIES, "CodeDeployDefault.Lambda", "canry", "", "Lambda"])
texts = st.one_of(
    st.text(max_size=30),
    st.lists(parts, max_size=5).map(",".join),
    st.lists(st.integers(1, 9_999), unique=True, max_size=9).map(
        lambda weights: ",".join([*(f"{w // 100}.{w % 100:02}%:1m" for w in sorted(weights)), "100%:5m"])
    ),
    st.tuples(names, st.sampled_from(["", ":"]), parts).map("".join),
)


def tried(text: str) -> tuple[Stage, ...] | UsageError:
    try:
        return resolve_strategy(text, LAST)
    except UsageError as error:
        return error


@given(texts)
def test_any_text_becomes_weights_that_rise_to_100_percent_or_a_usage_error(text: str) -> None:
    stages = tried(text)
    if isinstance(stages, UsageError):
        assert stages.message
        assert stages.hint
        return
    weights = [0, *(stage.weight for stage in stages)]
    assert all(earlier < later for earlier, later in pairwise(weights))
    assert weights[-1] == FULL
    assert len(stages) <= 100
    assert all(timedelta() <= stage.bake <= timedelta(days=7) for stage in stages)
    assert resolve_strategy(written(stages)) == stages, "what is printed means the same when given back"


# -- the plan ------------------------------------------------------------------------------------------------------

PLAN = Plan("7", "8", resolve_strategy("5%:2m,50%:3m,100%:10m"), "custom")


def test_a_plan_knows_the_routing_of_every_stage() -> None:
    assert [PLAN.routing_at(n) for n in range(3)] == [Routing("7", "8", 500), Routing("7", "8", 5_000), Routing("8")]
    assert PLAN.baseline == Routing("7")


def test_a_plan_lasts_as_long_as_every_bake_once() -> None:
    assert PLAN.duration == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("routing", "ours"),
    [
        (Routing("7"), True),
        (Routing("8"), True),
        (Routing("7", "8", 500), True),
        (Routing("7", "8", 5_000), True),
        (Routing("7", "8", 501), False),
        (Routing("8", "7", 500), False),
        (Routing("7", "9", 500), False),
        (Routing("9"), False),
    ],
)
def test_a_plan_owns_only_routings_it_could_have_written(routing: Routing, ours: bool) -> None:
    assert PLAN.owns(routing) is ours


@pytest.mark.parametrize(
    ("stage", "text"), [(Stage(25, timedelta(minutes=2)), "0.25%:2m"), (Stage(FULL, timedelta(hours=2)), "100%:2h")]
)
def test_a_stage_is_written_as_it_is_read(stage: Stage, text: str) -> None:
    assert str(stage) == text
