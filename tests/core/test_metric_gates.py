"""Gates on metrics as people write them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.codec import decode, encode
from lambdaops.core.errors import InvalidMetricError, LambdaOpsError
from lambdaops.core.metric_gates import Beyond, Metric, MetricGate, distinct, filled, metric_gate, parse_metric, parts

MINUTE = timedelta(minutes=1)
AGE = "[AWS/SQS ApproximateAgeOfOldestMessage Maximum QueueName=orders]"


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        (f"backlog: {AGE} > 300", MetricGate("backlog", AGE, Beyond.ABOVE, "300")),
        (f"backlog:{AGE}>=300 for 3", MetricGate("backlog", AGE, Beyond.AT_LEAST, "300", 3)),
        (f" a b : {AGE} < -0.5 every 5m", MetricGate("a b", AGE, Beyond.BELOW, "-0.5", 1, 5 * MINUTE)),
        (f"x: {AGE} <= 2 for 10 every 1s", MetricGate("x", AGE, Beyond.AT_MOST, "2", 10, timedelta(seconds=1))),
        (
            "share: 100 * [A B Sum X={candidate}] / [A C Sum] > 2.5",
            MetricGate("share", "100 * [A B Sum X={candidate}] / [A C Sum]", Beyond.ABOVE, "2.5"),
        ),
        (  # the last comparison is the threshold
            "both: IF([A B Sum] > 5, [A C Sum], 0) > 1",
            MetricGate("both", "IF([A B Sum] > 5, [A C Sum], 0)", Beyond.ABOVE, "1"),
        ),
        (
            "cpu: SELECT MAX(CPUUtilization) FROM \"AWS/ECS\" WHERE ServiceName = 'x' > 90",
            MetricGate(
                "cpu", "SELECT MAX(CPUUtilization) FROM \"AWS/ECS\" WHERE ServiceName = 'x'", Beyond.ABOVE, "90"
            ),
        ),
        (
            "all: SUM(SEARCH('{AWS/SQS,QueueName} orders', 'Sum')) > 1",
            MetricGate("all", "SUM(SEARCH('{AWS/SQS,QueueName} orders', 'Sum'))", Beyond.ABOVE, "1"),
        ),
    ],
)
def test_what_is_watched(text: str, gate: MetricGate) -> None:
    assert parse_metric(text) == gate
    assert parse_metric(str(gate)) == gate


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a metric with a threshold"),
        ("backlog", "is not a metric with a threshold"),
        (f"backlog: {AGE}", "is not a metric with a threshold"),
        (f"{AGE} > 5", "is not a metric with a threshold"),
        (f": {AGE} > 5", "cannot be the name of a gate"),
        (f"a,b: {AGE} > 5", "cannot be the name of a gate"),
        (f"a: {AGE} > five", "is not a threshold"),
        (f"a: {AGE} > nan", "is not a threshold"),
        (f"a: {AGE} > 1e9", "is not a threshold"),
        (f"a: {AGE} > 5 for 0", "is not a number of periods"),
        (f"a: {AGE} > 5 for 101", "is not a number of periods"),
        (f"a: {AGE} > 5 for ever", "is not a number of periods"),
        (f"a: {AGE} > 5 every 7s", "is not a period of CloudWatch's"),
        (f"a: {AGE} > 5 every day", "is not a duration"),
        (f"a: {AGE} => 5", "is not a metric with a threshold"),
        ("a: 5 > 3", "reads no metric"),
        ("a: 2 * m1 > 3", "'m1' in '2 * m1' stands for no metric"),
        # the judge's own series are in the same call
        (f"a: c_errors + {AGE} > 3", "'c_errors' in"),
        ("a: [AWS/SQS Age] > 3", "is not a metric"),
        ("a: [AWS/SQS 'Age Sum] > 3", "reads no metric"),
        ("a: [AWS/SQS Age sum] > 3", "Did you mean Sum?"),
        ("a: [AWS/SQS Age QueueName=x Sum] > 3", "is not a statistic"),
        ("a: [AWS/SQS Age Sum QueueName] > 3", "is not a dimension"),
        ("a: [AWS/SQS Age Sum QueueName=] > 3", "is not a dimension"),
        ("a: [AWS/SQS Age Sum QueueName={queue}] > 3", "is a placeholder that nothing fills in"),
        (f"a: {'+'.join(f'[A B{number} Sum]' for number in range(21))} > 3", "more than 20 metrics"),
        (f"a: [A B Sum X={'x' * 3000}] > 3", "longer than 2048"),
    ],
)
def test_what_cannot_be_watched(text: str, says: str) -> None:
    with pytest.raises(LambdaOpsError) as caught:
        parse_metric(text)
    assert says in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_metric_math_has_ids_for_what_stands_in_brackets() -> None:
    math, metrics = parts("MAX([[A B Sum X=1], [A C p99.9]]) + FILL([A B Sum X=1], 0)", "g7")
    assert math == "MAX([g7_0, g7_1]) + FILL(g7_0, 0)"
    assert metrics == (Metric("A", "B", "Sum", (("X", "1"),)), Metric("A", "C", "p99.9"))


def test_quotes_hold_blanks_and_brackets_together() -> None:
    (metric,) = parts("""["My Space" 'A metric' PR(:300) "Q=a [b] c"]""")[1]
    assert metric == Metric("My Space", "A metric", "PR(:300)", (("Q", "a [b] c"),))
    assert parts(str(metric))[1] == (metric,)


def test_placeholders_are_filled_in_after_it_is_understood() -> None:
    gate = parse_metric("a: [A B Sum F={function} R={function}:{alias} V={candidate}] / [A B Sum V={stable}] > 1")
    math, (first, second) = filled(
        gate, {"function": "orders", "alias": "] x", "candidate": "42", "stable": "41"}, "g0"
    )
    assert math == "g0_0 / g0_1"
    assert first.dimensions == (("F", "orders"), ("R", "orders:] x"), ("V", "42"))
    assert second.dimensions == (("V", "41"),)
    assert gate.names("stable")
    assert not gate.names("environment")


def test_a_query_has_them_too_and_braces_of_a_search_are_left_alone() -> None:
    gate = parse_metric("a: SELECT SUM(Errors) FROM SCHEMA(\"AWS/Lambda\", F) WHERE F = '{function}' > 1")
    assert "F = 'orders'" in filled(gate, {"function": "orders"})[0]
    assert gate.queries
    search = parse_metric("a: SUM(SEARCH('{AWS/SQS,QueueName} {function}', 'Sum')) > 1")
    assert filled(search, {"function": "orders"})[0] == "SUM(SEARCH('{AWS/SQS,QueueName} orders', 'Sum'))"


@pytest.mark.parametrize(
    ("expression", "condition", "grows"),
    [
        ("[A B Sum]", "> 1", True),
        ("[A B Maximum]", ">= 1", True),
        ("[A B SampleCount]", "> 1", True),
        ("[A B Minimum]", "< 1", True),
        ("[A B Sum]", "< 1", False),
        ("[A B Minimum]", "> 1", False),
        ("[A B Average]", "> 1", False),
        ("[A B p99]", "> 1", False),
        ("[A B Sum] + 1", "> 1", False),
        ("[A B Sum] / [A C Sum]", "> 1", False),
        ("SELECT MAX(B) FROM A", "> 1", False),
    ],
)
def test_whether_more_data_can_undo_an_objection(expression: str, condition: str, grows: bool) -> None:
    assert metric_gate("a", expression, condition, "1", MINUTE).grows is grows


def test_names_are_distinct_and_few() -> None:
    one = parse_metric("a: [A B Sum] > 1")
    with pytest.raises(InvalidMetricError, match="two gates are called 'a'"):
        distinct((one, one))
    with pytest.raises(InvalidMetricError, match="two gates are called 'a'"):
        distinct((one,), ("a",))
    with pytest.raises(InvalidMetricError, match="more than 20"):
        distinct(tuple(replace(one, name=str(number)) for number in range(21)))


@given(
    st.text(st.characters(exclude_categories=["C"], exclude_characters=":,[]'\"{}"), min_size=1, max_size=20).filter(
        lambda text: text == text.strip()
    ),
    st.lists(st.text(st.characters(exclude_categories=["C"], exclude_characters="[]{}="), min_size=1), min_size=2),
    st.sampled_from(["Sum", "p99", "TC(800:)"]),
    st.sampled_from(["> 5", "<= -0.25", ">= 0"]),
    st.integers(1, 100),
)
def test_every_gate_reads_back_from_its_text_and_from_the_journal(
    name: str, words: list[str], stat: str, condition: str, periods: int
) -> None:
    metric = Metric(words[0], words[1], stat, tuple((word, word) for word in words[2:]))
    assert parts(str(metric))[1] == (metric,)
    gate = metric_gate(name, f"2 * {metric}", condition, str(periods), MINUTE)
    assert parse_metric(str(gate)) == gate
    assert decode(MetricGate, encode(gate)) == gate


@given(st.text())
def test_any_text_is_a_gate_or_an_error_of_ours(text: str) -> None:
    try:
        gate = parse_metric(text)
    except LambdaOpsError:
        return
    assert parse_metric(str(gate)) == gate
