from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.events import Entry, Published, PublishFailed, PublishStarted, Resumed, RolledBack
from lambdaops.core.model import AlarmKind, AlarmReading, AlarmState, Finding, Level, Routing
from lambdaops.core.plan import OnInconclusive
from lambdaops.core.reports import AuditRow, HistoryRow, PlanReport, StatusReport, VersionRow
from lambdaops.core.states import Ready, Signal
from lambdaops.render import say, tables
from lambdaops.render.columns import columns
from lambdaops.render.console import PLAIN, Outlet, Paper, Streams, coloured
from lambdaops.render.words import width
from tests.render import golden
from tests.render.script import ACTOR, ARN, LADDER, RUN, START, Script, plan_of, rolled_back

if TYPE_CHECKING:
    from collections.abc import Callable

LATER = START + timedelta(minutes=20)
PLAN = plan_of(LADDER, "canary", ("orders-errors", "orders-latency"), ("orders-latency",))
REPORT = PlanReport(
    "orders:live",
    PLAN,
    (
        Finding(Level.OK, "alarms", "metric alarm orders-errors is OK since 10:00:00"),
        Finding(Level.WARN, "alarms", "alarm orders-latency is ALARM, ignored for this release"),
    ),
    START,
    blocked=False,
)
BLOCKED = replace(
    REPORT,
    plan=replace(PLAN, alarms=(), ignored=(), on_inconclusive=OnInconclusive.HOLD),
    findings=(Finding(Level.BLOCK, "role", "versions 41 and 42 have different roles", "Publish with the same role."),),
    blocked=True,
)
STATUS = StatusReport(
    target="orders:live",
    arn=ARN,
    routing=Routing("41", "42", 1_000),
    revision="rev-1",
    phase="held (drift)",
    reason="the alias was changed by somebody else",
    release=RUN,
    next_step="lambdaops release orders:live --to 42 goes on, lambdaops rollback orders:live goes back",
    split_without_release=False,
    alarms=(
        AlarmReading("orders-errors", AlarmKind.METRIC, AlarmState.ALARM, START),
        AlarmReading("orders-all", AlarmKind.COMPOSITE, AlarmState.OK),
        AlarmReading("orders-latency", AlarmKind.METRIC, AlarmState.INSUFFICIENT_DATA, START, "PARTIAL_DATA"),
    ),
    rollback_target="41",
)
AT_REST = replace(
    STATUS,
    routing=Routing("41"),
    phase="at rest",
    reason="",
    release=None,
    next_step="",
    alarms=(),
    rollback_target="41",
)
SPLIT = replace(AT_REST, routing=STATUS.routing, phase="split", split_without_release=True, rollback_target=None)
VERSIONS = (
    VersionRow("43", "Pending", 0, None, "", "commit 3f2a91c", False, ""),
    VersionRow("42", "Active", 1_000, None, "", "注文を直す", False, ""),
    VersionRow("41", "Active", 9_000, START, ACTOR.arn, "", True, ""),
    VersionRow("40", "Active", 0, START, "arn:aws:iam::111122223333:root", "old\nand hostile \x1b[31m", False, ""),
)
HISTORY = (
    HistoryRow("b-1", START, START, "41", "42", "rollback", "rolled back by hand", "customers call", ACTOR.arn, ""),
    HistoryRow(RUN, START, LATER, "41", "42", "canary", "promoted", "every stage stayed good", ACTOR.arn, "CHG-1"),
    HistoryRow("r-2", START, None, "41", "42", "canary", "baking stage 1", "", ACTOR.arn, ""),
)
AUDIT = (AuditRow(ARN, "", 12, 2, START), AuditRow(ARN.replace("orders", "pay"), "line 3 was edited", 0, 0, None))


def records() -> Script:
    script = rolled_back().signal(Signal.HOLD, "Ctrl-C").tell(Resumed(Ready(START)))
    script.tell(RolledBack(Routing("41", "42", 1_000), Routing("41"), "rev", "--to", "customers call"))
    script.tell(PublishStarted("build/orders.zip", "")).tell(Published("42", "abc", new=True))
    script.tell(PublishFailed("rejected", "too large"))
    script.notices = script.notices[1:]  # the plan is no record
    return script


def entries_of(script: Script) -> tuple[Entry, ...]:
    return tuple(replace(n, seq=None) if n is script.notices[-1] else n for n in script.notices if isinstance(n, Entry))


TEXTS = {
    "plan": tables.plan_text(REPORT),
    "plan_blocked": tables.plan_text(BLOCKED),
    "findings_none": tables.findings_text(()),
    "status": tables.status_text(STATUS),
    "status_at_rest": tables.status_text(AT_REST),
    "status_split": tables.status_text(SPLIT),
    "versions": tables.versions_text(VERSIONS),
    "versions_none": tables.versions_text(()),
    "history": tables.history_text(HISTORY, older=False),
    "history_older": tables.history_text(HISTORY, older=True),
    "history_none": tables.history_text((), older=False),
    "audit": tables.audit_text(AUDIT),
    "audit_none": tables.audit_text(()),
    "records": tables.records_text(entries_of(records())),
    "records_none": tables.records_text(()),
}


@pytest.mark.parametrize("name", TEXTS)
def test_tables(name: str) -> None:
    golden.check(f"table_{name}", TEXTS[name] + "\n")


@pytest.mark.parametrize("name", TEXTS)
def test_no_trailing_blanks_and_no_control_characters(name: str) -> None:
    for line in TEXTS[name].split("\n"):
        assert line == line.rstrip()
        assert not set(line) & {"\x1b", "\r", "\t"}


COLOURED = (
    (tables.plan_text, BLOCKED),
    (tables.plan_text, REPORT),
    (tables.status_text, STATUS),
    (tables.versions_text, VERSIONS),
    (tables.audit_text, AUDIT),
)


@pytest.mark.parametrize(("render", "value"), COLOURED)
def test_a_terminal_gets_the_same_text_in_colour(render: Callable[..., str], value: object) -> None:
    coloured_text = render(value, Paper(colour=True))
    assert "\x1b[1m" in coloured_text
    assert re.sub(r"\x1b\[[0-9]+m", "", coloured_text) == render(value)


def test_an_adaptive_plan_does_not_say_that_it_takes_its_time_at_least() -> None:
    text = tables.plan_text(replace(REPORT, plan=replace(PLAN, adaptive=True)))
    assert "at the earliest" not in text
    assert "UTC or sooner, as soon as the judge is sure, after" in text
    assert "<=" in text
    assert say.span(PLAN).startswith("at least ")
    assert say.span(replace(PLAN, adaptive=True)) == say.span(PLAN).removeprefix("at least ").replace(
        ", ", " or sooner, ", 1
    )


def test_columns_stay_aligned_with_wide_characters() -> None:
    rows = columns(("A", "B"), [("注文", "x"), ("ab", "y")]).split("\n")
    assert [width(row[: row.index(mark)]) for row, mark in zip(rows, "Bxy", strict=True)] == [6, 6, 6]


def test_the_last_column_wraps_within_itself_on_a_terminal() -> None:
    rows = [("r-1", "a reason that is longer than its column"), ("r-2", "short")]
    assert columns(("RELEASE", "REASON"), rows, Paper(width=30)).split("\n") == [
        "RELEASE  REASON",
        "r-1      a reason that is",
        "         longer than its",
        "         column",
        "r-2      short",
    ]
    assert "longer than its column" in columns(("RELEASE", "REASON"), rows)
    assert "longer than its column" in columns(("RELEASE", "REASON"), rows, Paper(width=12)), "too narrow to wrap"


def test_what_a_terminal_has_no_room_for_continues_below() -> None:
    head = ("SEQ", "AT", "BY", "WHAT")
    rows = [("1", "2026-11-28 23:53:26", "somebody@example", "set alias to 2 (stage 1/1)"), ("2", "later", "", "")]
    assert columns(head, rows, Paper(width=46)).split("\n") == [
        "SEQ  AT                   BY",
        "    WHAT",
        "1    2026-11-28 23:53:26  somebody@example",
        "    set alias to 2 (stage 1/1)",
        "2    later",
    ]
    assert columns(head, rows, Paper(width=30)).split("\n") == [
        "SEQ  AT",
        "    BY",
        "    WHAT",
        "1    2026-11-28 23:53:26",
        "    somebody@example",
        "    set alias to 2 (stage 1/1)",
        "2    later",
    ]
    assert columns(head, rows, Paper(width=80)) == columns(head, rows)
    assert columns(head, rows).count("\n") == 2, "in a pipe a row is a line"


@pytest.mark.parametrize("room", [40, 60, 80, 100, 120])
def test_no_row_of_records_is_wider_than_its_terminal(room: int) -> None:
    rows = [("12", "2026-11-28 23:53:26", "r-20261128-235326-1e42", "published", "deploy/ann", "word " * 40)]
    text = columns(("SEQ", "AT (UTC)", "RELEASE", "KIND", "BY", "WHAT"), rows, Paper(width=room))
    assert max(map(width, text.split("\n"))) <= room


def test_colour_needs_a_terminal_and_no_objection() -> None:
    assert coloured({}, tty=True)
    assert coloured({"NO_COLOR": ""}, tty=True)
    assert not coloured({}, tty=False)
    assert not coloured({"NO_COLOR": "1"}, tty=True)
    assert not coloured({"TERM": "dumb"}, tty=True)


def test_what_is_known_about_streams() -> None:
    out, err = io.StringIO(), io.StringIO()
    streams = Streams(out, err, out_tty=False, err_tty=True, env={"COLUMNS": "100"})
    assert streams.out_paper == PLAIN
    assert streams.err_paper == Paper(colour=True, width=100)
    assert replace(streams, env={}).err_paper == Paper(colour=True, width=None), "no file descriptor to ask"
    assert Outlet(out).encoding is None
    assert not Outlet(out).isatty()
