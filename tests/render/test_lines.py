from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace

from lambdaops.core.events import Published, PublishStarted, Resumed, RolledBack
from lambdaops.core.gates import GateResult, Verdict
from lambdaops.core.model import Finding, Level, Routing
from lambdaops.core.notices import Looked
from lambdaops.core.states import Baking, Outcome, Signal
from lambdaops.render.lines import Lines
from tests.render import golden
from tests.render.script import (
    LADDER,
    START,
    Script,
    drift,
    failing,
    passing,
    plan_of,
    promoted,
    rolled_back,
    stuck,
)


def text_of(script: Script) -> str:
    raw = io.BytesIO()
    sink = Lines(io.TextIOWrapper(raw, encoding="utf-8", newline="\n"))
    for notice in script.notices:
        sink.emit(notice)
    return raw.getvalue().decode()


def last_of(script: Script) -> str:
    return text_of(script).splitlines()[-1]


def test_a_promoted_release() -> None:
    golden.check("lines_promoted", text_of(promoted()))


def test_a_release_rolled_back() -> None:
    golden.check("lines_rolled_back", text_of(rolled_back()))


def test_a_release_held_by_drift() -> None:
    golden.check("lines_drift", text_of(drift()))


def test_a_rollback_that_did_not_complete() -> None:
    golden.check("lines_stuck", text_of(stuck()))


def test_everything_else_that_can_be_told() -> None:
    script = Script().say("uploading build/orders.zip, 3.1 MB").tell(PublishStarted("build/orders.zip", ""), release="")
    script.tell(Published("42", "abc", new=True), release="").tell(Published("42", "abc", new=False), release="")
    script.planned(Finding(Level.OK, "a", "fine"), Finding(Level.WARN, "alarms", "no alarm watches this release"))
    script.opened().signal(Signal.ROLLBACK, "SIGTERM").warn("NOT JOURNALED: disk full", "Free some space.")
    script.tell(Resumed(Baking(0, START, START, START)))
    script.tell(RolledBack(Routing("41", "42", 1_000), Routing("41"), "rev", "--to", "CHG-7"), release="b-1")
    script.tell(RolledBack(Routing("41"), Routing("41"), "rev", "stable in release r-1"), release="b-2")
    golden.check("lines_others", text_of(script))


def test_a_plan_that_is_blocked_leaves_its_findings_to_the_error() -> None:
    script = Script().planned(Finding(Level.BLOCK, "a", "no"), Finding(Level.WARN, "b", "hm"))
    assert text_of(script).count("\n") == 1


def test_a_release_that_was_not_planned_here_says_everything_at_once() -> None:
    assert text_of(Script().opened()) == (
        "14:41:07  release orders:live 41 -> 42, canary 10%:5m 100%:5m, gates: orders-errors, "
        "as r-20261123-144107-5999\n"
    )


def test_many_stages_are_counted() -> None:
    plan = plan_of(tuple(replace(LADDER[0], weight=100 * n) for n in range(1, 101)), "linear:1%:5m")
    assert "1%:5m 2%:5m 3%:5m 4%:5m 5%:5m 6%:5m ... 100%:5m (100 stages)" in text_of(Script(plan).planned())


def test_an_unchanged_look_prints_nothing() -> None:
    script = Script().begun().later(1).enter(0).look()
    before = text_of(script)
    for _ in range(5):
        script.later(10).look()
    assert text_of(script) == before


def test_a_silent_minute_prints_a_sign_of_life() -> None:
    script = Script().begun().later(1).enter(0).look()
    before = text_of(script)
    for _ in range(360):
        script.later(10).look()
    signs = text_of(script)[len(before) :].splitlines()
    assert len(signs) == 60
    assert signs[0] == (
        "14:42:08  orders:live stage 1/2, good for 1m of 5m: baking, 1 of 1 gates pass; next look 14:42:18"
    )


def test_the_sign_of_life_goes_by_the_looks_and_survives_a_clock_set_back() -> None:
    script = Script().begun().later(1).enter(0).look().later(-3_600).look().later(59).look()
    assert text_of(script).splitlines()[-1].startswith("13:41:08  orders:live stage 1/2")


def test_a_gate_is_told_when_its_verdict_changes() -> None:
    script = Script().begun().later(1).enter(0).look()

    def waiting(missing: int) -> GateResult:
        return GateResult("errors", Verdict.INCONCLUSIVE, f"errors: {missing} requests are missing")

    before = text_of(script)
    for gate in (waiting(9), waiting(5), *passing("errors"), waiting(3)):
        script.gates = (gate,)
        script.later(1).look(gate.reason if gate.verdict else "baking, 1 of 1 gates pass")
    assert [line[10:] for line in text_of(script)[len(before) :].splitlines()] == [
        "gate errors INCONCLUSIVE: 9 requests are missing",
        "gate errors PASS: OK",
        "gate errors INCONCLUSIVE: 3 requests are missing",
    ]


def test_an_objection_with_another_reason_is_told_again() -> None:
    script = Script().begun().later(1).enter(0).look()
    for why in ("denied", "denied", "throttled"):
        script.gates = (GateResult("orders-errors", Verdict.ERROR, f"orders-errors: cannot be read: {why}"),)
        script.later(1).look(script.gates[0].reason)
    assert text_of(script).count("denied") == 1
    assert last_of(script) == "14:41:11  gate orders-errors ERROR: cannot be read: throttled"


def test_a_reason_that_is_no_gates_is_told() -> None:
    script = Script().begun().later(1).enter(0).look().later(10)
    script.alias = None
    script.look("the alias could not be read: timeout").later(10).look("the alias could not be read: timeout")
    assert text_of(script).count("timeout") == 1
    assert "orders:live stage 1/2, good for 10s of 5m: the alias could not be read: timeout" in last_of(script)


def test_a_write_found_later_says_so() -> None:
    assert last_of(Script().begun().later(1).enter(0, reconciled=True)) == (
        "14:41:08  orders:live is at 41 90 % + 42 10 % (found by reading it back)"
    )


def test_a_failed_write_names_what_was_wanted_and_the_request() -> None:
    script = Script().begun()
    script.intent(script.plan.routing_at(0), "stage 1/2", script.state).failed("throttled", "too fast", "req-9")
    assert last_of(script) == (
        "14:41:07  could not set orders:live to 41 90 % + 42 10 %: throttled: too fast (AWS request id req-9)"
    )


def test_hostile_text_stays_on_its_line() -> None:
    script = Script(plan_of(alarms=("[red]x\x1b[31m\n",))).begun("because\r\x1b[2J").later(1).enter(0)
    script.gates = (GateResult("[red]x\x1b[31m\n", Verdict.FAIL, "[red]x\x1b[31m\n: bad\nline"),)
    text = text_of(script.look())
    assert "\x1b" not in text
    assert "\r" not in text
    assert text.splitlines()[-1] == "14:41:08  gate [red]x\ufffd[31m  FAIL: bad line"


def test_an_ascii_stream_gets_ascii() -> None:
    raw = io.BytesIO()
    sink = Lines(io.TextIOWrapper(raw, encoding="ascii"))
    sink.emit(Script().say("Größe ✔").notices[0])
    assert raw.getvalue() == b"14:41:07  Gr??e +\n"


def test_a_reader_that_goes_away_does_not_stop_the_release() -> None:
    class Gone(io.StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError

    sink = Lines(Gone())
    for notice in failing().notices:
        sink.emit(notice)
    assert sink.view.phase == "rolling back"
    closed = io.StringIO()
    closed.close()
    Lines(closed).emit(failing().notices[0])


def test_before_the_first_write_the_standing_names_the_phase() -> None:
    script = Script().begun()
    script.gates = (GateResult("orders-errors", Verdict.ERROR, "orders-errors: cannot be read"),)
    script.look(script.gates[0].reason).later(60).look(script.gates[0].reason)
    assert last_of(script) == "14:42:07  orders:live ready: orders-errors: cannot be read; next look 14:42:17"


def test_without_any_context_a_look_still_says_something() -> None:
    script = Script()
    assert text_of(script.look("x")) == "14:41:07  release ready: x; next look 14:41:17\n"
    assert isinstance(script.notices[0], Looked)
    assert last_of(Script().close(Outcome.REFUSED, "no")) == "14:41:07  r-20261123-144107-5999: refused: no"


def test_lines_need_no_rich() -> None:
    code = (
        "import sys, lambdaops.render.lines, lambdaops.render.tables, lambdaops.render.jsonl, lambdaops.render.errors;"
    )
    code += "sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
