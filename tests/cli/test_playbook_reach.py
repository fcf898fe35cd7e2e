"""Limits over playbooks that run playbooks: what a run acts on counts for every run above it, in any process."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.playbook.records import PlaybookOpened
from tests.cli.plays import Play
from tests.cli.test_contract import valid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INNER = """\
  - {id: call, uses: invoke, with: {target: "${{ inputs.where }}", repeatable: true}}
"""
OUTER = """\
  - {id: one, uses: run-playbook, with: {playbook: inner, inputs: {where: "a:live"}}}
  - {id: say, uses: note, with: {message: "c:live"}}
  - {id: own, uses: invoke, with: {target: "b:live", repeatable: true}}
  - {id: two, uses: run-playbook, with: {playbook: inner, inputs: {where: "${{ steps.say.outputs.message }}"}}}
"""
TOP = "  - {id: all, uses: run-playbook, with: {playbook: outer}}\n"
FURTHER = ("--override-limits", "it burns")


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    play = Play(tmp_path)
    arrange(play)
    yield play
    for number, handler in handlers.items():
        signal.signal(number, handler)


def arrange(play: Play, inner: int = 9, outer: int = 2, top: int = 9) -> None:
    """Top runs outer, which acts on b and runs inner twice: for a, and for c, which only a step tells."""
    play.steps("inner", INNER, f"inputs: {{where: {{type: target}}}}\nlimits: {{targets: {inner}}}\n")
    play.steps("outer", OUTER, f"limits: {{targets: {outer}}}\n")
    play.steps("top", TOP, f"limits: {{targets: {top}}}\n")


def called(play: Play) -> list[str]:
    """The functions that were called, each once, in order."""
    return list(dict.fromkeys(call[0] for call in play.cli.answers.invoked))


def opened(play: Play, name: str) -> list[PlaybookOpened]:
    return [entry.event for entry in play.entries(name) if isinstance(entry.event, PlaybookOpened)]


def test_the_plan_tells_what_playbooks_act_on_that_it_runs(play: Play) -> None:
    ran = play("plan", "top")
    assert "  acts on a:live, b:live\n  acts on <inputs.where>: known only then\n" in ran.out
    plan = valid(play("plan", "top", "--output", "json"))["data"]
    assert (plan["targets"], plan["targets_unknown"]) == (["a:live", "b:live"], ["<inputs.where>"])


@pytest.mark.parametrize(("outer", "top"), [(1, 9), (9, 1)])
def test_what_is_known_before_is_refused_before(play: Play, outer: int, top: int) -> None:
    """By whoever may not reach so far: the playbook that is begun, or one that it runs."""
    arrange(play, outer=outer, top=top)
    ran = play("run", "top", "--yes")
    assert ran.code == (3 if top == 1 else 6)
    assert f"{'top' if top == 1 else 'outer'} would act on 2 targets, and may on 1: a:live, b:live" in ran.err
    assert called(play) == []


@pytest.mark.parametrize(
    ("name", "which", "outer", "top"), [("outer", "outer", 2, 9), ("top", "outer", 2, 9), ("top", "top", 9, 2)]
)
def test_what_turns_out_to_be_too_far_is_held_before_it_is_done(
    play: Play, name: str, which: str, outer: int, top: int
) -> None:
    arrange(play, outer=outer, top=top)
    ran = play("run", name, "--yes")
    assert ran.code == 6
    first = play.last(name).id
    assert f"step call would act on c:live: {which} may act on 2 targets, and that would be 3" in ran.err
    assert f'lambdaops playbook resume {first} --override-limits "WHY"' in ran.err, "the run that a person began"
    assert called(play) == ["a", "b"]
    assert play("resume", name, "--yes").code == 6
    assert play("run", name, "--yes").code == 6
    assert called(play) == ["a", "b"]
    ran = play("resume", name, "--yes", *FURTHER)
    assert ran.code == 0, ran.err
    assert called(play) == ["a", "b", "c"]
    assert "overrides limits: it burns" in play.cli("audit", "show", name).out
    assert "overrides limits: it burns" in play.cli("audit", "show", "inner").out
    assert play("status").out == "no run of a playbook is open\n"
    assert play.cli("audit", "verify").code == 0


def test_the_own_limit_of_a_playbook_that_is_run_holds_whatever_those_above_it_may(play: Play) -> None:
    arrange(play, outer=9)
    inputs = "inputs: {where: {type: target}, too: {type: target, default: d:live}}\nlimits: {targets: 1}\n"
    play.steps("inner", INNER + INNER.replace("call", "more").replace("inputs.where", "inputs.too"), inputs)
    ran = play("run", "top", "--yes")
    assert (ran.code, called(play)) == (6, [])
    assert "inner would act on 2 targets, and may on 1: a:live, d:live" in ran.err
    assert play("resume", "top", "--yes", *FURTHER).code == 0, "the glass is broken for all that it runs"
    assert called(play) == ["a", "d", "b", "c"]


def test_one_that_is_begun_with_an_override_hands_it_down_and_says_so(play: Play) -> None:
    assert play("run", "top", "--yes", *FURTHER).code == 0
    for name in ("top", "outer", "inner"):
        assert {one.overrides for one in opened(play, name)} == {("limits: it burns",)}, name


def test_a_playbook_s_own_excuse_for_what_it_runs_is_none_for_itself(play: Play) -> None:
    """``override-limits`` of a step is for the playbook that it runs."""
    arrange(play, outer=1, top=2)
    excused = TOP.replace("playbook: outer", "playbook: outer, override-limits: as agreed")
    play.steps("top", excused, "limits: {targets: 2}\n")
    ran = play("run", "top", "--yes")
    assert ran.code == 6
    assert "top may act on 2 targets, and that would be 3" in ran.err
    assert called(play) == ["a", "b"]


@pytest.mark.parametrize(("most", "code", "reached"), [(4, 0, "abcd"), (3, 6, "abc")])
def test_what_runs_far_below_acted_on_counts_for_the_step_after_them(
    play: Play, most: int, code: int, reached: str
) -> None:
    own = '  - {id: say, uses: note, with: {message: "d:live"}}\n'
    own += '  - {id: own, uses: invoke, with: {target: "${{ steps.say.outputs.message }}", repeatable: true}}\n'
    arrange(play, outer=9)
    play.steps("top", TOP + own, f"limits: {{targets: {most}}}\n")
    ran = play("run", "top", "--yes")
    assert (ran.code, called(play)) == (code, list(reached)), ran.err
    too_far = "step own would act on d:live: top may act on 3 targets, and that would be 4"
    assert (too_far in ran.err) is (code == 6)


def test_what_somebody_else_s_run_acted_on_does_not_count(play: Play) -> None:
    """The same playbooks, run by themselves."""
    assert play("run", "inner", "--input", "where=x:live", "--yes").code == 0
    assert play("run", "inner", "--input", "where=y:live", "--yes").code == 0
    assert play("run", "outer", "--yes").code == 6
    assert called(play) == ["x", "y", "a", "b"]


@pytest.mark.parametrize(("outer", "top"), [(2, 9), (9, 2)])
def test_one_that_somebody_resumes_by_itself_keeps_to_what_those_above_it_may(play: Play, outer: int, top: int) -> None:
    arrange(play, outer=outer, top=top)
    assert play("run", "top", "--yes").code == 6
    for name in ("inner", "outer", "inner"):
        ran = play("resume", name, "--yes")
        assert (ran.code, called(play)) == (6, ["a", "b"])
        assert f"resume {play.last('top').id} --override-limits" in ran.err
    assert play("resume", "inner", "--yes", *FURTHER).code == 0, "a person may break the glass for it alone"
    assert called(play) == ["a", "b", "c"]


def test_what_the_top_acted_on_itself_counts_far_below(play: Play) -> None:
    own = '  - {id: own, uses: invoke, with: {target: "t:live", repeatable: true}}\n'
    arrange(play, outer=9)
    play.steps("top", own + TOP, "limits: {targets: 3}\n")
    ran = play("run", "top", "--yes")
    assert (ran.code, called(play)) == (6, ["t", "a", "b"])
    assert "step call would act on c:live: top may act on 3 targets, and that would be 4" in ran.err


def test_one_that_a_person_began_counts_for_the_run_that_took_it_up(play: Play) -> None:
    """It was held; then it became a step of another, which may not reach so far, whoever resumes it after that."""
    quiet = "  - {id: quiet, uses: check, with: {alarms: [errors]}}\n"
    play.steps("inner", quiet + INNER, "inputs: {where: {type: target}}\n")
    play.cli.world.breach("errors")
    assert play("run", "inner", "--input", "where=c:live", "--yes").code == 6
    play.cli.world.alarm("errors")
    play.steps("outer", OUTER.partition("\n")[2], "limits: {targets: 1}\n")
    for words in (("run", "outer"), ("resume", "inner"), ("resume", "outer")):
        ran = play(*words, "--yes")
        assert (ran.code, called(play)) == (6, ["b"]), words
        assert "step call would act on c:live: outer may act on 1 target, and that would be 2" in ran.err
    assert len(opened(play, "inner")) == 1


def test_an_empty_reason_breaks_no_glass(play: Play) -> None:
    play("run", "outer", "--yes")
    ran = play("resume", "outer", "--yes", "--override-limits", " ")
    assert (ran.code, "says no reason" in ran.err) == (2, True)
    assert called(play) == ["a", "b"]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("number", range(1, 22))
def test_killed_at_any_record_it_reaches_as_far_as_it_would_have(play: Play, number: int, before: bool) -> None:
    died = play.dies(number, "playbook", "run", "top", "--yes", before=before)
    assert died or number > 19, "the table is longer than the run"
    for _ in range(2):
        assert play("run", "top", "--yes").code == 6
        assert called(play) == ["a", "b"]
        assert "step call would act on c:live" in str(play.last("inner").held)
    assert len(opened(play, "top")) == len(opened(play, "outer")) == 1
    assert play("run", "top", "--yes", *FURTHER).code == 0
    assert called(play) == ["a", "b", "c"]
    assert play.cli("audit", "verify").code == 0
