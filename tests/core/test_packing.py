"""What SQS takes, and how batches are filled."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.dlq.letter import Attribute, Outgoing
from lambdaops.core.dlq.packing import LARGEST, LARGEST_EVENT, MOST, pack, problem, problem_async, rounds, size


def message(
    body: str = "x",
    attributes: dict[str, Attribute] | None = None,
    id: str = "m",  # noqa: A002
    group: str | None = None,
) -> Outgoing:
    return Outgoing(id, body, attributes or {}, group=group)


def attribute(value: str | bytes = "v", type: str = "String") -> dict[str, Attribute]:  # noqa: A002
    return {"a": Attribute(type, value)}


def test_a_size_is_body_and_name_type_and_value_of_every_attribute() -> None:
    attributes = {"name": Attribute("String.x", "ä"), "b": Attribute("Binary", b"\x00\xff")}
    assert size(message("日本", attributes)) == 6 + (4 + 8 + 2) + (1 + 6 + 2)


def test_the_trace_does_not_count() -> None:
    assert size(Outgoing("m", "x", {}, trace="Root=1-5759e988-bd862e3fe1be46a994272793")) == 1


FINE = {
    "a body": message(),
    "the largest": message("x" * LARGEST),
    "every kind of space": message("\t\n\r "),
    "the last characters": message("\ud7ff\ue000\ufffd\U00010000\U0010ffff"),
    "ten attributes": message(attributes={f"a{n}": Attribute("String", "v") for n in range(MOST)}),
    "a custom type": message(attributes=attribute("1", "Number.java.lang.Long")),
    "binary": message(attributes=attribute(b"\x00", "Binary.gzip")),
    "a number": message(attributes=attribute("-1.5E+10", "Number")),
    "dots in a name": message(attributes={"a.b-c_d": Attribute("String", "v")}),
    "a group": message(group="tenant/7"),
}


@pytest.mark.parametrize("one", FINE.values(), ids=FINE)
def test_what_sqs_takes_has_no_problem(one: Outgoing) -> None:
    assert problem(one, fifo=False) == ""


WRONG = {
    "empty": (message(""), "the body is empty"),
    "a zero": (message("secret\x00"), "character U+0000 at 6 of the body"),
    "a surrogate": (message("\ud800"), "character U+D800 at 0 of the body"),
    "not a character": (message("\ufffe"), "character U+FFFE at 0 of the body"),
    "one byte too large": (message("x" * (LARGEST + 1)), f"{LARGEST + 1} bytes"),
    "too large with its attributes": (message("x" * LARGEST, attribute()), f"{LARGEST + 8} bytes"),
    "eleven attributes": (message(attributes={f"a{n}": Attribute("String", "v") for n in range(11)}), "11 attributes"),
    "an empty attribute": (message(attributes=attribute("")), "attribute 'a' has no value"),
    "an empty binary one": (message(attributes=attribute(b"", "Binary")), "attribute 'a' has no value"),
    "bytes as text": (
        message(attributes=attribute(b"v")),
        "attribute 'a' is of type String and has a value of another",
    ),
    "text as bytes": (message(attributes=attribute("v", "Binary")), "attribute 'a' is of type Binary and has a value"),
    "a character in it": (message(attributes=attribute("\x1f")), "attribute 'a' has a character that SQS refuses"),
    "no number": (
        message(attributes=attribute("twelve", "Number")),
        "attribute 'a' is of type Number and is no number",
    ),
    "no type": (message(attributes=attribute("v", "Text")), "attribute 'a' is neither String"),
    "a long type": (message(attributes=attribute("v", "String." + "x" * 250)), "attribute 'a' is neither String"),
    "aws's own name": (message(attributes={"AWS.x": Attribute("String", "v")}), "attribute 'AWS.x' has a name"),
    "two dots": (message(attributes={"a..b": Attribute("String", "v")}), "attribute 'a..b' has a name"),
    "a dot at the end": (message(attributes={"a.": Attribute("String", "v")}), "attribute 'a.' has a name"),
    "a space in a group": (message(group="a b"), "the message group is not"),
}


@pytest.mark.parametrize(("one", "said"), WRONG.values(), ids=WRONG)
def test_hazard_10_what_sqs_refuses_is_told_before(one: Outgoing, said: str) -> None:
    found = problem(one, fifo=False)
    assert found.startswith(said)
    assert "secret" not in found


def test_a_queue_may_take_less() -> None:
    assert (
        problem(message("x" * 1_025), fifo=False, largest=1_024)
        == "1025 bytes with its attributes, and the queue takes 1024"
    )
    assert problem(message("x" * 1_024), fifo=False, largest=1_024) == ""


def test_a_fifo_queue_needs_a_group() -> None:
    assert problem(message(), fifo=True) == "no message group, which a FIFO queue needs"
    assert problem(message(group="g"), fifo=True) == ""


def test_an_event_may_be_as_large_as_lambda_takes() -> None:
    assert problem_async("ä" * (LARGEST_EVENT // 2)) == ""
    assert problem_async("ä" * (LARGEST_EVENT // 2) + "x").startswith(f"{LARGEST_EVENT + 1} bytes")


MESSAGES = st.lists(
    st.builds(
        lambda length, group: (length, group),
        st.sampled_from([1, 10, 200_000, 500_000, LARGEST // 2, LARGEST // 2 + 1, LARGEST]),
        st.sampled_from("abc"),
    ),
    max_size=40,
).map(lambda drawn: [message("x" * length, id=f"m{n}", group=group) for n, (length, group) in enumerate(drawn)])


@given(MESSAGES)
def test_batches_keep_everything_in_order_and_within_the_limits(messages: list[Outgoing]) -> None:
    batches = pack(messages)
    assert [one for batch in batches for one in batch] == messages
    for batch in batches:
        assert 1 <= len(batch) <= MOST
        assert sum(size(one) for one in batch) <= LARGEST
    for batch, following in pairwise(batches):
        assert len(batch) == MOST or sum(map(size, batch)) + size(following[0]) > LARGEST, "not filled"


@given(MESSAGES)
def test_hazard_6_no_round_has_two_messages_of_a_group(messages: list[Outgoing]) -> None:
    dealt = rounds(messages)
    order: dict[str | None, list[Outgoing]] = defaultdict(list)
    for one_round in dealt:
        groups = [one.group for one in one_round]
        assert one_round
        assert len(set(groups)) == len(groups)
        for one in one_round:
            order[one.group].append(one)
    for group, found in order.items():
        assert found == [one for one in messages if one.group == group]
    assert sum(map(len, dealt)) == len(messages)


def test_messages_without_a_group_hold_up_nothing() -> None:
    assert len(rounds([message(id="a"), message(id="b")])) == 1
