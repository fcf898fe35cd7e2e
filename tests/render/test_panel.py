from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from lambdaops.core.gates import GateResult, Verdict
from lambdaops.core.model import Routing
from lambdaops.core.plan import OnInconclusive, Plan, Stage
from lambdaops.core.states import Baking, Cause, Done, Held, Outcome, Ready, Reverting
from lambdaops.render.panel import MOST_LINES, Size, panel
from lambdaops.render.view import ReleaseView, Told
from tests.examples import times
from tests.render import golden
from tests.render.script import LADDER, START, Script, drift, failing, plan_of, promoted, rolled_back, stuck


def frame(view: ReleaseView, now: datetime, size: Size | None = None) -> str:
    rows = panel(view, now, size or Size())
    return "".join("".join(text for text, _ in row) + "\n" for row in rows)


def baking() -> Script:
    """Two minutes into the second of three stages, all good."""
    script = Script(plan_of(LADDER, "canary", ("orders-errors", "orders-latency-p99")))
    script.begun("CHG-1201").later(1).enter(0).look("baking, 2 of 2 gates pass").later(300).enter(1)
    return script.later(120).look("baking, 2 of 2 gates pass")


def waiting() -> Script:
    script = Script().begun().later(1).enter(0)
    script.gates = (GateResult("orders-errors", Verdict.INCONCLUSIVE, "orders-errors: INSUFFICIENT_DATA"),)
    assert isinstance(script.state, Baking)
    script.state = replace(script.state, good_since=None)
    return script.look("orders-errors: INSUFFICIENT_DATA")


def long_names() -> Script:
    """Names as long as AWS allows."""
    names = tuple(f"{'prod-orders-service-' * 12}{number}-high" for number in range(3))
    script = Script(plan_of(LADDER, "canary", names)).begun().later(1).enter(0)
    script.gates = (GateResult(names[1], Verdict.FAIL, f"{names[1]}: ALARM since 14:41:00"), *script.gates)
    return script.look(f"{names[1]}: ALARM since 14:41:00")


FRAMES = {
    "planned": Script().planned(),
    "baking": baking(),
    "waiting": waiting(),
    "failing": failing(),
    "rolled_back": rolled_back(),
    "promoted": promoted(),
    "drift": drift(),
    "stuck": stuck(),
    "long_names": long_names(),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames(name: str) -> None:
    script = FRAMES[name]
    golden.check(f"panel_{name}", frame(script.view, script.now + timedelta(seconds=3)))


@pytest.mark.parametrize("name", ["baking", "rolled_back", "long_names"])
def test_narrow_frames(name: str) -> None:
    script = FRAMES[name]
    golden.check(f"panel_{name}_40", frame(script.view, script.now + timedelta(seconds=3), Size(40)))


@pytest.mark.parametrize("name", ["baking", "failing"])
def test_ascii_frames(name: str) -> None:
    script = FRAMES[name]
    text = frame(script.view, script.now + timedelta(seconds=3), Size(unicode=False))
    assert text.isascii()
    golden.check(f"panel_{name}_ascii", text)


def test_many_stages_and_gates_are_counted_and_what_objects_comes_first() -> None:
    stages = tuple(Stage(100 * number, timedelta(minutes=1)) for number in (*range(1, 60), 100))
    names = tuple(f"alarm-{number:02}" for number in range(30))
    script = Script(plan_of(stages, "linear:1%:1m", names)).begun().later(1)
    script.enter(12)
    gates = list(script.gates)
    gates[3] = GateResult(names[3], Verdict.FAIL, "alarm-03: ALARM (ignored)", acts=False)
    gates[20] = GateResult(names[20], Verdict.INCONCLUSIVE, "alarm-20: INSUFFICIENT_DATA")
    gates[29] = GateResult(names[29], Verdict.FAIL, "alarm-29: ALARM since 14:41:00 (was OK before)")
    script.gates = tuple(gates)
    text = frame(script.look("alarm-29: ALARM").view, script.now)
    golden.check("panel_crowded", text)
    rows = text.splitlines()
    assert len(rows) == MOST_LINES
    listed = [row.split()[2] for row in rows if "alarm-" in row and row[0] in "✖?✔"]
    assert listed[:4] == ["alarm-29", "alarm-20", "ignored", "alarm-00"]


def test_the_countdown_needs_no_event() -> None:
    view = baking().view
    at = START + timedelta(seconds=421)
    shown = [line for second in (0, 4, 10, 11, 55) for line in frame(view, at + timedelta(seconds=second)).splitlines()]
    assert [line for line in shown if "look" in line] == [
        "next look in 0:10",
        "next look in 0:06",
        "looking now",
        "looking now",
        "looking, 0:45 late",
    ]


def test_blindness_and_warnings_show() -> None:
    script = baking()
    script.alias = None
    for number in range(4):
        script.warn(f"NOT JOURNALED: disk full {number}")
    text = frame(script.look("the alias could not be read: timeout").view, script.now)
    assert "actual 50 % (last seen)" in text
    assert "⚠ warning (2 before) 14:48:08  NOT JOURNALED: disk full 2" in text
    assert "⚠ warning 14:48:08  NOT JOURNALED: disk full 3" in text


def test_hostile_text_is_inert() -> None:
    name = "[red]x[/red]\x1b[31m\n"
    script = Script(plan_of(alarms=(name,))).begun("\x1b]0;title\x07").later(1).enter(0)
    script.gates = (GateResult(name, Verdict.FAIL, f"{name}: [bold]\x1b[2J\r\nnew line"),)
    text = frame(script.look(script.gates[0].reason).view, script.now)
    assert "\x1b" not in text
    assert "✖ FAIL  [red]x[/red]\ufffd[31m   [bold]\ufffd[2J  new line" in text


def test_every_style_that_means_something_has_a_word() -> None:
    """Colour carries nothing alone: a styled verdict or state says its word too."""
    for script in FRAMES.values():
        for row in panel(script.view, script.now, Size(200)):
            for text, style in row:
                if style in ("good", "bad", "warn"):
                    assert any(char.isalpha() for char in text) or set(text) <= set("█░"), (text, style)


@pytest.mark.parametrize("rows", range(1, 24))
def test_a_low_terminal_shows_what_matters_first(rows: int) -> None:
    script = failing()
    lines = frame(script.view, script.now, Size(rows=rows)).splitlines()
    assert len(lines) <= rows
    assert lines[0].startswith("orders:live  41 → 42")
    if rows >= 2:
        assert "ROLLING BACK to 41: orders-errors: ALARM" in lines[1]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=90)
MOMENTS = st.integers(0, 100_000).map(lambda seconds: START + timedelta(seconds=seconds))
SPANS = st.integers(0, 90_000).map(lambda seconds: timedelta(seconds=seconds))
BAKINGS = st.builds(Baking, st.integers(0, 70), MOMENTS, st.none() | MOMENTS, MOMENTS)
READIES, REVERTINGS = st.builds(Ready, MOMENTS), st.builds(Reverting, TEXTS, MOMENTS, st.integers(0, 9))
STATES = st.one_of(
    READIES,
    BAKINGS,
    REVERTINGS,
    st.builds(Held, TEXTS, st.sampled_from(Cause), READIES | BAKINGS | REVERTINGS),
    st.builds(Done, st.sampled_from(Outcome), TEXTS),
)
ROUTINGS = st.builds(Routing, st.just("41") | TEXTS, st.none() | st.just("42"), st.integers(0, 10_000))
GATES = st.lists(st.builds(GateResult, TEXTS, st.sampled_from(Verdict), TEXTS, st.booleans()), max_size=30).map(tuple)
TOLD = st.builds(Told, MOMENTS, TEXTS)


def _plan(weights: list[int], strategy: str, bake: timedelta, undecided: OnInconclusive) -> Plan:
    stages = tuple(Stage(weight, bake) for weight in weights)
    return Plan("41", "42", stages, strategy, on_inconclusive=undecided)


PLANS = st.builds(
    _plan, st.lists(st.integers(1, 10_000), min_size=1, max_size=60), TEXTS, SPANS, st.sampled_from(OnInconclusive)
)
VIEWS = st.builds(
    ReleaseView,
    target=TEXTS,
    release=TEXTS,
    plan=st.none() | PLANS,
    state=st.none() | STATES,
    reached=st.integers(-1, 60),
    actual=st.none() | ROUTINGS,
    blind=st.booleans(),
    gates=GATES,
    looked=TEXTS,
    next_look=st.none() | MOMENTS,
    events=st.lists(TOLD, max_size=6).map(tuple),
    warnings=st.lists(TOLD, max_size=5).map(tuple),
)


@times(3)
@given(VIEWS, MOMENTS, st.sampled_from([1, 2, 10, 40, 80, 200]), st.integers(1, 60), st.booleans())
def test_no_frame_outgrows_the_terminal(
    view: ReleaseView, now: datetime, columns: int, rows: int, unicode: bool
) -> None:
    lines = panel(view, now, Size(columns, rows, unicode))
    assert 1 <= len(lines) <= min(MOST_LINES, rows)
    for line in lines:
        text = "".join(part for part, _ in line)
        assert cell_len(text) <= columns
        assert text == text.rstrip()
        assert not set(text) & {"\n", "\r", "\x1b", "\t"}
        assert unicode or text.isascii()


@given(VIEWS, MOMENTS)
def test_an_acting_gate_that_fails_is_always_on_the_screen(view: ReleaseView, now: datetime) -> None:
    failing_gates = [gate for gate in view.gates if gate.acts and gate.verdict is Verdict.FAIL]
    shown = sum("✖ FAIL" in "".join(part for part, _ in line) for line in panel(view, now, Size()))
    assert shown >= min(len(failing_gates), 1)
