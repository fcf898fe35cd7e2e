"""What a dump, a load and a purge say they did."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from lambdaops.core.dlq.file_reports import DumpReport, LoadReport, PurgeReport
from lambdaops.core.dlq.records import Failure
from lambdaops.render.letter_files import dump_text, load_text, purge_text

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders-dlq"
DUMPED = DumpReport(QUEUE, "a.jsonl", 1, complete=True)
LOADED = LoadReport(QUEUE, "a.jsonl", letters=10, sent=10, run="l-1")
PURGED = PurgeReport(QUEUE, "a.jsonl", 12, run="d-1")


def test_a_whole_dump_and_a_partial_one_cannot_be_mixed_up() -> None:
    assert dump_text(DUMPED) == "✔ 1 letter of orders-dlq in a.jsonl, which is all there are"
    until = datetime(2026, 11, 1, 8, tzinfo=UTC)
    partial = replace(DUMPED, complete=False, missing="it was stopped", still_hidden=3, hidden_until=until)
    assert dump_text(partial).splitlines() == [
        "⚠ PARTIAL: 1 letter of orders-dlq in a.jsonl: it was stopped",
        "⚠ 3 letters stay hidden until 2026-11-01 08:00:00 UTC",
    ]


def test_a_load_that_is_whole() -> None:
    assert load_text(LOADED, "again") == "✔ all 10 letters of a.jsonl are in orders-dlq"
    resumed = replace(LOADED, sent=4, before=6, doubtful=2)
    assert load_text(resumed, "again").splitlines() == [
        "✔ all 10 letters of a.jsonl are in orders-dlq, 6 of them sent before",
        "  2 may be there twice: a process died while it sent them",
    ]
    assert "they were sent before (l-1)" in load_text(replace(LOADED, sent=0, before=10), "again")


def test_a_load_that_is_not_says_what_is_missing_and_what_to_do() -> None:
    worst = replace(
        LOADED,
        sent=3,
        before=1,
        failures=(Failure("i1", "InternalError"), Failure("i\x1b2", "Throttled")),
        failed=3,
        held_back=2,
        doubtful=1,
        left_in_doubt=True,
        interrupted=True,
    )
    assert load_text(worst, "lambdaops dlq load a.jsonl").splitlines() == [
        "⚠ PARTIAL: 4 of 10 letters of a.jsonl are in orders-dlq",
        "  3 were not taken (InternalError: 1, Throttled: 1)",
        "    i1  InternalError",
        "    i\N{REPLACEMENT CHARACTER}2  Throttled",
        "    and 1 more",
        "  2 were not tried: one before them in their group is not in the queue",
        "  1 may have been sent by a process that died, and would be there twice: --resend-doubtful sends them",
        "  stopped",
        "next: lambdaops dlq load a.jsonl sends what is left",
    ]


def test_a_purge() -> None:
    assert purge_text(PURGED).splitlines() == [
        "✔ deleted 12 letters of orders-dlq; they are in a.jsonl",
        "next: lambdaops dlq load a.jsonl puts them back",
    ]
    worst = purge_text(replace(PURGED, failed=2, bounded=True, interrupted=True))
    for said in ("⚠ stopped: deleted 12", "2 that SQS would not delete", "more arrived meanwhile"):
        assert said in worst
    assert "nothing was kept" in purge_text(replace(PURGED, file=""))
