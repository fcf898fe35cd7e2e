"""What a look at a queue says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lambdaops.core.dlq.dead import decode
from lambdaops.core.dlq.groups import USUAL, Group
from lambdaops.core.dlq.inspection import AgeCount, Inspection, shown
from lambdaops.core.dlq.letter import Attribute
from lambdaops.render.console import Paper
from lambdaops.render.dead_letters import inspection_text
from lambdaops.render.words import width
from tests.core import letters
from tests.render import golden

AT = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
OLD = AT - timedelta(days=3, hours=2, minutes=5)
FOUND = Inspection(
    queue="arn:aws:sqs:eu-west-1:123456789012:orders-dlq",
    at=AT,
    waiting=1_204,
    hidden=12,
    delayed=0,
    looked=100,
    complete=False,
    by=USUAL,
    groups=(
        Group(("CustomerMissing", "invoices:live", "3d-7d"), 71, OLD, AT, "5fea7756-0ea4-451a-a703-a558b933e274"),
        Group(("Timeout", "invoices:live", "under 1h"), 28, AT, AT, "b7a64b25-2a53-4b8a-9c5b-3d60f1d2b1ff"),
        Group(("(not said)", "queue orders", "under 1h"), 1, AT, AT, "0c0ffee0-2a53-4b8a-9c5b-3d60f1d2b1ff"),
    ),
    ages=(AgeCount("under 1h", 29), AgeCount("1h-6h", 0), AgeCount("3d-7d", 71)),
    oldest=OLD,
    expires=OLD + timedelta(days=4),
    retention=timedelta(days=4),
    dead_letters="",
    max_receives=0,
    left=None,
)
EMPTY = replace(FOUND, waiting=0, hidden=0, looked=0, complete=True, groups=(), ages=(), oldest=None, expires=None)


def test_a_queue() -> None:
    golden.check("dlq_inspect", inspection_text(FOUND, "orders-dlq --env prod") + "\n")


def test_hazard_14_a_letter_that_is_soon_deleted_is_marked() -> None:
    assert "⚠ expires in 21h55m" in inspection_text(FOUND, "orders-dlq")
    young = replace(FOUND, oldest=AT, expires=AT + FOUND.retention)
    assert "old and expires in 4d" in inspection_text(young, "orders-dlq")


def test_a_queue_on_a_narrow_terminal() -> None:
    text = inspection_text(FOUND, "orders-dlq", Paper(width=80))
    assert "CustomerMissing" in text


def test_an_empty_queue() -> None:
    golden.check("dlq_inspect_empty", inspection_text(EMPTY, "orders-dlq") + "\n")
    assert "no letter could be received" in inspection_text(replace(EMPTY, hidden=3), "orders-dlq")


def test_what_needs_care_is_marked() -> None:
    worst = replace(
        FOUND,
        dead_letters="arn:aws:sqs:eu-west-1:123456789012:graveyard",
        max_receives=3,
        left=0,
        still_hidden=10,
        hidden_until=AT + timedelta(minutes=2),
        interrupted=True,
    )
    golden.check("dlq_inspect_worst", inspection_text(worst, "orders-dlq") + "\n")


def test_one_letter_without_its_values_and_with_them() -> None:
    one = replace(
        letters.destination(),
        attributes={"tenant": Attribute("String", "acme"), "blob": Attribute("Binary.gz", b"\x00\xff")},
        group="customer-9",
    )
    for values, name in ((False, "dlq_letter_closed"), (True, "dlq_letter_open")):
        text = inspection_text(replace(FOUND, letter=shown(one, decode(one), values=values)), "orders-dlq")
        golden.check(name, text.partition("\n\nletter ")[2] + "\n")
        assert "AGE" not in text


def test_a_hostile_letter_breaks_no_line() -> None:
    one = letters.letter("a\x1b[2J\u2028b\nc", {"n\n": Attribute("String", "v\r\n")}, group="g\x07")
    text = inspection_text(replace(FOUND, letter=shown(one, decode(one), values=True)), "orders-dlq")
    assert "\x1b" not in text
    assert "\x07" not in text
    (body,) = [line for line in text.splitlines() if line.endswith("c")]
    assert width(body) == len("    c")
