from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta

import pytest

from lambdaops.core.events import Published
from lambdaops.core.gates import GateResult, Verdict
from lambdaops.render.live import LivePanel
from lambdaops.render.panel import Size
from tests.render.screen import AsciiTerminal, Terminal
from tests.render.script import START, Script, drift, plan_of, promoted, rolled_back
from tests.render.test_panel import frame

VARIABLES = {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}


def show(script: Script, terminal: Terminal, variables: dict[str, str] | None = None) -> Terminal:
    at = [START]
    with LivePanel(terminal, lambda: at[0], VARIABLES | (variables or {})) as panel:
        for notice in script.notices:
            at[0] = notice.at
            panel.emit(notice)
    return terminal


def settled(terminal: Terminal) -> list[str]:
    """The screen without the empty rows at its end."""
    return "\n".join(terminal.screen).rstrip("\n").split("\n")


@pytest.mark.parametrize("script", [promoted(), rolled_back(), drift()], ids=["promoted", "rolled back", "drift"])
def test_the_last_frame_stays_below_what_was_said_before(script: Script) -> None:
    terminal = show(script, Terminal())
    assert terminal.written.endswith("\n"), "what is written next begins on a line of its own"
    screen = settled(terminal)
    assert (
        screen[0]
        == "14:41:07  plan orders:live 41 -> 42, canary 10%:5m 100%:5m, gates: orders-errors, at least 10m, at most 40m"
    )
    assert screen[1:] == frame(script.view, script.now).splitlines()


def test_nothing_is_drawn_before_the_release_begins() -> None:
    script = Script().planned().tell(Published("42", "abc", new=True)).say("taking up").warn("a line is incomplete")
    terminal = show(script, Terminal())
    assert [line[10:24] for line in terminal.screen] == [
        "plan orders:li",
        "published vers",
        "taking up",
        "warning: a lin",
        "",
    ]


def test_colour_on_a_terminal_and_none_with_no_color() -> None:
    assert "\x1b[32m" in show(promoted(), Terminal()).written
    plain = show(promoted(), Terminal(), {"NO_COLOR": "1"})
    assert not re.search(r"\x1b\[[0-9;]*m", plain.written)
    assert plain.screen == show(promoted(), Terminal()).screen


def test_the_cursor_is_never_hidden() -> None:
    assert "\x1b[?25" not in show(promoted(), Terminal()).written


def test_an_ascii_terminal_gets_ascii() -> None:
    terminal = show(rolled_back(), AsciiTerminal())
    assert terminal.written.isascii()
    assert "x ROLLED BACK: orders-errors: ALARM since 14:41:17 (was OK before)" in terminal.screen


def test_a_narrow_terminal_is_respected() -> None:
    script = promoted()
    terminal = show(script, Terminal(), {"COLUMNS": "40"})
    assert settled(terminal)[1:] == frame(script.view, script.now, Size(40)).splitlines()


def test_markup_and_escapes_are_inert() -> None:
    name = "[red]x[/red] :smile: \x1b[31m"
    script = Script(plan_of(alarms=(name,))).begun().later(1).enter(0)
    script.gates = (GateResult(name, Verdict.FAIL, f"{name}: \x1b[2J[bold]"),)
    terminal = show(script.look("why"), Terminal())
    assert any("✖ FAIL  [red]x[/red] :smile: \ufffd[31m" in row for row in terminal.screen)
    assert "\x1b[2J" not in terminal.written
    assert "\x1b[31m[" not in terminal.written


def test_the_panel_counts_down_by_itself() -> None:
    seen = threading.Event()

    class Watched(Terminal):
        def write(self, text: str, /) -> int:
            if "next look in 0:04" in text:
                seen.set()
            return super().write(text)

    script = Script().begun().later(1).enter(0).look()
    at: list[datetime] = [script.now]
    with LivePanel(Watched(), lambda: at[0], VARIABLES) as panel:
        for notice in script.notices:
            panel.emit(notice)
        at[0] += timedelta(seconds=6)
        assert seen.wait(5), "not drawn again without an event"


def test_a_terminal_that_goes_away_does_not_stop_the_release() -> None:
    class Gone(Terminal):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError

    show(promoted(), Gone())


def test_an_error_leaves_the_last_frame_on_the_screen() -> None:
    terminal = Terminal()
    script = Script().begun().later(1).enter(0)

    def fail() -> None:
        with LivePanel(terminal, lambda: script.now, VARIABLES) as panel:
            for notice in script.notices:
                panel.emit(notice)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "▶ stage 1/2" in terminal.screen[2]
