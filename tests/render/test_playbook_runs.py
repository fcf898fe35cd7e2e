"""Runs of playbooks as text: one beside another, and step by step."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lambdaops.core.playbook.reports import RunRow, StepRow
from lambdaops.render.console import PLAIN, Paper
from lambdaops.render.playbooks import run_text, runs_text
from lambdaops.render.words import width

AT = datetime(2026, 11, 29, 4, 49, 35, tzinfo=UTC)
LONG = "published orders version 3 (code k+CuypPnzj5LOOlxjw9nnoz2Rj8kfCo2cdTrKo87Dm4=, by arn:aws:iam::1:root - a day)"


def step(name: str, status: str, message: str = "", took: int = 0, **more: object) -> StepRow:
    ended = AT + timedelta(seconds=took) if status in ("done", "failed", "skipped") else None
    row = StepRow(name, status, 1, AT, ended, f"do {name}", message)
    return replace(row, **more)  # type: ignore[arg-type]


ROW = RunRow(
    run="o-20261129-044935-a35a",
    playbook="game-day",
    phase="held",
    started=AT,
    ended=None,
    reason="interrupted: Ctrl-C",
    why="practice",
    ticket="",
    actor="arn:aws:iam::111122223333:user/ada",
    environment="prod",
    account="111122223333",
    region="eu-central-1",
    plan="362a2a60c9f34def",
    inputs="{}",
    steps=(
        step("fine", "done", "it is so"),
        step("broken", "done", LONG, took=2),
        step("wrong", "failed", "no", attempts=3, code=8),
        step("not", "skipped", "its condition is false"),
        step("lost", "unknown"),
        step("go", "waiting"),
        step("fine", "done", "back", undo=True),
    ),
    waits="go: customers cannot order. Repair orders:live in another shell, then say so: approve, or reject",
    until=AT + timedelta(minutes=30),
    next_step="lambdaops playbook resume o-20261129-044935-a35a goes on, lambdaops playbook cancel it",
)


def test_each_step_is_a_line_that_says_how_it_went() -> None:
    assert run_text(ROW).splitlines() == [
        "game-day o-20261129-044935-a35a: held: interrupted: Ctrl-C",
        "  prod (account 111122223333, eu-central-1), begun 2026-11-29 04:49:35 UTC by ada",
        "  because: practice",
        "  ✔ fine: it is so",
        f"  ✔ broken: {LONG} (2s)",
        "  ✖ wrong: no, attempt 3",
        "  · not: its condition is false",
        "  ? lost: begun; how it ended is not known",
        "  ? go: waits for approval",
        "  ✔ take back fine: back",
        f"  waits for approval until 2026-11-29 05:19:35 UTC: {ROW.waits}",
        f"  next: {ROW.next_step}",
    ]


@pytest.mark.parametrize("room", [60, 80, 100])
def test_on_a_terminal_what_does_not_fit_stands_below_and_no_word_is_cut(room: int) -> None:
    lines = run_text(ROW, Paper(width=room)).splitlines()
    assert max(map(width, lines)) <= room
    assert " ".join(run_text(ROW, Paper(width=room)).split()) == " ".join(run_text(ROW).split())


def test_colour_takes_no_room() -> None:
    coloured = run_text(ROW, Paper(colour=True, width=80))
    for code in ("\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == run_text(ROW, Paper(width=80))


def test_runs_beside_each_other_have_a_line_each() -> None:
    other = replace(ROW, run="o-2", phase="done", waits="", reason="every step is done", steps=())
    head, first, second = runs_text((ROW, other), PLAIN).splitlines()
    assert head.split()[:3] == ["RUN", "PLAYBOOK", "PHASE"]
    assert "2 done" in first
    assert ROW.waits in first
    assert second.rstrip().endswith("every step is done")


def test_what_comes_from_outside_is_inert() -> None:
    text = run_text(replace(ROW, reason="\x1b[2Jgone", steps=(step("a\nb", "failed", "\x07bell"),)))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert len(text.splitlines()) == 6
