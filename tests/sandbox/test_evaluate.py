"""Alarm evaluation as CloudWatch documents it: tables, and metric math that cannot be talked into anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.sandbox.evaluate import (
    ALARM,
    INSUFFICIENT,
    OK,
    MathError,
    Rule,
    Sample,
    assess,
    calculate,
    series,
    statistic,
)

ABOVE = "GreaterThanThreshold"
NOW = 1_000_005.0  # in the open period that began at 1 000 000
P = 10


def values(*closed: float | None, opened: float | None = None) -> dict[int, float]:
    """One value a period: the closed ones, newest last, and the open one."""
    starts = [1_000_000 - P * (len(closed) - at) for at in range(len(closed))]
    found = dict(zip(starts, closed, strict=True)) | {1_000_000: opened}
    return {start: value for start, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("rule", "seen", "before", "after"),
    [
        (Rule(ABOVE, 2), values(3), OK, ALARM),
        (Rule(ABOVE, 2), values(2), ALARM, OK),
        (Rule("GreaterThanOrEqualToThreshold", 2), values(2), OK, ALARM),
        (Rule("LessThanThreshold", 2), values(1), OK, ALARM),
        (Rule("LessThanOrEqualToThreshold", 2), values(2), OK, ALARM),
        (Rule(ABOVE, 2), values(0, opened=3), OK, ALARM),
        (Rule(ABOVE, 2), values(3, opened=0), ALARM, ALARM),
        (Rule(ABOVE, 2, 3, 2), values(3, 0, 3), OK, ALARM),
        (Rule(ABOVE, 2, 3, 2), values(0, 0, 3), OK, OK),
        (Rule(ABOVE, 2, 3, 3), values(3, None, 3), OK, OK),
        (Rule(ABOVE, 2), {}, OK, INSUFFICIENT),
        (Rule(ABOVE, 2, missing="notBreaching"), {}, INSUFFICIENT, OK),
        (Rule(ABOVE, 2, missing="breaching"), {}, OK, ALARM),
        (Rule(ABOVE, 2, missing="ignore"), {}, ALARM, ALARM),
        (Rule(ABOVE, 2, missing="ignore"), {}, OK, OK),
        (Rule(ABOVE, 2, 3, 3, "breaching"), values(3, None, 3), OK, ALARM),
        (Rule(ABOVE, 2, 2, 2, "notBreaching"), values(3, None), OK, OK),
    ],
)
def test_states(rule: Rule, seen: dict[int, float], before: str, after: str) -> None:
    assert assess(rule, seen, P, NOW, before)[0] == after


@pytest.mark.parametrize(
    ("rule", "seen", "reason"),
    [
        # As recorded on AWS, for an alarm without DatapointsToAlarm.
        (
            Rule(ABOVE, 21.0),
            values(21.5),
            "Threshold Crossed: 1 datapoint [21.5 (12/01/70 13:46:30)] was greater than the threshold (21.0).",
        ),
        # As recorded on AWS.
        (
            Rule(ABOVE, 2.0, 2, 2, "breaching"),
            {},
            (
                "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as "
                "[Breaching]."
            ),
        ),
        (
            Rule(ABOVE, 2.0, missing="notBreaching"),
            {},
            (
                "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
                "[NonBreaching]."
            ),
        ),
        (Rule(ABOVE, 2.0), {}, "Insufficient Data: 1 datapoint was unknown."),
        (Rule(ABOVE, 2.0, 3, 3), {}, "Insufficient Data: 3 datapoints were unknown."),
        (
            Rule(ABOVE, 2.0, 3, 2),
            values(3.0, 0.0, 4.0),
            (
                "Threshold Crossed: 2 out of the last 3 datapoints [4.0 (12/01/70 13:46:30), 3.0 (12/01/70 13:46:10)] "
                "were greater than the threshold (2.0) (minimum 2 datapoints for OK -> ALARM transition)."
            ),
        ),
        # Only those that speak for OK are listed, and it takes N - M + 1 of them.
        (
            Rule(ABOVE, 2.0, 3, 2),
            values(0.0, 1.0, 4.0),
            (
                "Threshold Crossed: 2 out of the last 3 datapoints [1.0 (12/01/70 13:46:20), 0.0 (12/01/70 13:46:10)] "
                "were not greater than the threshold (2.0) (minimum 2 datapoints for ALARM -> OK transition)."
            ),
        ),
    ],
)
def test_a_reason_is_worded_as_cloudwatch_words_it(rule: Rule, seen: dict[int, float], reason: str) -> None:
    assert assess(rule, seen, P, NOW, OK)[1] == reason


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sum", 31.0),
        ("Average", 7.75),
        ("Minimum", 1.0),
        ("Maximum", 20.0),
        ("SampleCount", 4.0),
        ("p50", 5.0),
        ("p90", 20.0),
        ("p99.9", 20.0),
        ("p25", 1.0),
    ],
)
def test_statistics_weigh_counted_samples(name: str, expected: float) -> None:
    samples = [Sample(0, 5.0, 2), Sample(0, 1.0), Sample(0, 20.0)]
    assert statistic(samples, name) == expected


def test_no_samples_have_no_statistic() -> None:
    assert statistic([], "Sum") is None
    assert series([], 10, "Sum") == {}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("100*e/i", {0: 50.0}),
        ("e+i", {0: 3.0}),
        ("-(i-e)", {0: -1.0}),
        ("IF(e > 0, i, 0)", {0: 2.0}),
        ("FILL(e, 0) + i", {0: 3.0, 10: 4.0}),
        ("e/0", {}),
        ("i", {0: 2.0, 10: 4.0}),
    ],
)
def test_metric_math(expression: str, expected: dict[int, float]) -> None:
    assert calculate(expression, {"e": {0: 1.0}, "i": {0: 2.0, 10: 4.0}}) == expected


@pytest.mark.parametrize("expression", ["__import__('os')", "e.real", "unknown", "e if i else e", "(", "e**i"])
def test_anything_else_is_refused(expression: str) -> None:
    with pytest.raises(MathError):
        calculate(expression, {"e": {0: 1.0}, "i": {0: 2.0}})


samples_of = st.lists(
    st.builds(Sample, st.floats(999_900, 1_000_005), st.floats(-100, 100), st.integers(1, 5).map(float)), max_size=20
)
rules = st.builds(
    Rule,
    st.sampled_from([ABOVE, "LessThanThreshold"]),
    st.floats(-50, 50),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from(["missing", "breaching", "notBreaching", "ignore"]),
)


@given(rules, samples_of, st.sampled_from([OK, ALARM, INSUFFICIENT]))
def test_it_is_total_and_the_order_of_samples_does_not_matter(rule: Rule, samples: list[Sample], state: str) -> None:
    found = assess(rule, series(samples, P, "Maximum"), P, NOW, state)
    assert found[0] in (OK, ALARM, INSUFFICIENT)
    assert found == assess(rule, series(samples[::-1], P, "Maximum"), P, NOW, state)


@given(rules, samples_of, st.floats(-100, 100))
def test_the_open_period_can_convict_but_not_acquit(rule: Rule, samples: list[Sample], opened: float) -> None:
    closed = {start: value for start, value in series(samples, P, "Sum").items() if start < 1_000_000}
    found = assess(rule, {**closed, 1_000_000: opened}, P, NOW, OK)
    breaching = opened > rule.threshold if rule.comparison == ABOVE else opened < rule.threshold
    if not breaching:
        assert found == assess(rule, closed, P, NOW, OK), "as if it were not there"
    elif rule.datapoints == 1:
        assert found[0] == ALARM


counted = st.builds(Sample, st.just(0.0), st.integers(-50, 50).map(float), st.integers(1, 5).map(float))


@given(st.lists(counted), st.data())
def test_no_statistic_depends_on_the_order_of_samples(samples: list[Sample], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(samples))
    for name in ("Sum", "Average", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p99.9"):
        assert statistic(shuffled, name) == statistic(samples, name)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("e < i", 1.0),
        ("e > i", 0.0),
        ("e <= 1", 1.0),
        ("i >= 3", 0.0),
        ("e == 1", 1.0),
        ("e != 1", 0.0),
        ("e * i", 2.0),
        ("IF(i >= 2, 100 * e / i, 0)", 50.0),
        ("IF(e > 5, e, i)", 2.0),
        ("1.5", 1.5),
        ("FILL(e, 9)", 1.0),
    ],
)
def test_metric_math_of_one_period(expression: str, expected: float) -> None:
    assert calculate(expression, {"e": {0: 1.0}, "i": {0: 2.0}}) == {0: expected}
