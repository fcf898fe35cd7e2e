"""Ctrl-C and SIGTERM while a playbook runs: held, and how to go on is said; the same again leaves at once."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

from lambdaops.core.playbook.run import Run, runs
from lambdaops.store.files import FileJournals
from tests.wire.conftest import until
from tests.wire.proxy import PASSED, Answer
from tests.wire.terminals import CTRL_C, terminal

if TYPE_CHECKING:
    from tests.wire.conftest import Function, Shell
    from tests.wire.proxy import Wire

WAITS = """\
version: 1
name: long
steps:
  - {id: said, uses: note, with: {message: begun}}
  - {id: rest, uses: wait-for, with: {time: 60s}}
  - {id: over, uses: note, with: {message: over}}
"""
CALLS = """\
version: 1
name: long
inputs: {target: {type: target}}
steps:
  - {id: call, uses: invoke, with: {target: "${{ inputs.target }}"}}
"""
SHIPS = """\
version: 1
name: long
inputs: {target: {type: target}, bake: {type: duration}}
steps:
  - id: ship
    uses: release
    with: {target: "${{ inputs.target }}", to: "2", strategy: "10%:${{ inputs.bake }},100%:1s", look-every: 1s}
"""


def written(shell: Shell, text: str) -> str:
    path = shell.home.parent / "long.yaml"
    path.write_text(text, "utf-8")
    return str(path)


def last(shell: Shell) -> Run:
    journals = FileJournals(shell.home)
    (arn,) = [arn for arn in journals.targets() if ":playbook:" in arn]
    return runs(journals.open(arn).read().entries)[-1]


def test_ctrl_c_on_a_terminal_holds_and_says_how_to_go_on(shell: Shell) -> None:
    with terminal(shell, "playbook", "run", written(shell, WAITS), "--yes") as person:
        person.sees("rest: wait-for")
        person.type(CTRL_C)
        assert person.ended() == 130, person.shown
        (run,) = set(re.findall(r"lambdaops playbook resume (o-[0-9a-f-]+)", person.shown))
    assert "Traceback" not in person.shown
    held = last(shell)
    assert (held.id, held.open) == (run, True)
    ended = shell("playbook", "cancel", run, "--yes")
    assert ended.code == 0, ended.err
    assert not last(shell).open


def test_sigterm_holds_and_says_how_to_go_on(shell: Shell) -> None:
    process = shell.start("playbook", "run", written(shell, WAITS), "--yes")
    until(lambda: shell.home.exists() and any(":playbook:" in arn for arn in FileJournals(shell.home).targets()))
    until(lambda: "rest" in last(shell).tried)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert f"lambdaops playbook resume {last(shell).id}" in err


def test_ctrl_c_twice_leaves_at_once_and_what_was_done_is_not_known(
    function: Function, shell: Shell, wire: Wire
) -> None:
    wire.answers["Invoke"] = Answer(PASSED, "", delay=8, times=1)
    words = ("playbook", "run", written(shell, CALLS), "--yes", "--input", f"target={function.target}")
    with terminal(shell, *words) as person:
        person.sees("call: invoke")
        until(lambda: "Invoke" in wire.calls)
        person.type(CTRL_C)
        person.sees("^C")
        assert person.process.poll() is None, "the call is under way"
        person.type(CTRL_C)
        assert person.ended(4) == 130, person.shown
    assert "left at once, with a step half done" in person.shown
    ran = shell("playbook", "resume", "long", "--yes")
    assert ran.code == 6, ran.err
    assert "may happen twice" in ran.err
    assert wire.calls.count("Invoke") == 1
    assert shell("playbook", "resume", "long", "--yes", "--repeat").code == 0
    assert wire.calls.count("Invoke") == 2


def test_sigterm_takes_the_release_of_a_step_back(function: Function, shell: Shell) -> None:
    given = ("--input", f"target={function.target}", "--input", "bake=5s")
    process = shell.start("playbook", "run", written(shell, SHIPS), "--yes", *given)
    until(lambda: function.alias() == ("1", {"2": 0.1}))
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert function.alias() == ("1", {})
    ran = shell("playbook", "resume", "long", "--yes")
    assert ran.code == 0, ran.err
    assert function.alias() == ("2", {})
