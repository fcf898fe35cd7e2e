"""``playbook`` as it is typed, on the simulated account: what it says, what it refuses, and what it leaves alone."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.codec import decode
from lambdaops.core.model import Routing
from lambdaops.core.playbook.plan import Plan
from lambdaops.core.playbook.records import Outcome, PlaybookOpened
from lambdaops.render.console import Paper
from lambdaops.render.playbooks import plan_text
from tests.cli.plays import SHIP, SHIPPED, Play
from tests.cli.test_contract import valid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAILS = """\
  - {id: first, uses: note, with: {message: one}}
  - {id: wrong, uses: check, with: {alarms: [errors]}}
  - {id: last, uses: note, with: {message: three}}
"""
WAITS = """\
  - {id: ask, uses: approve, with: {message: really, within: 10m}}
  - {id: back, uses: rollback, with: {target: "orders:live", to: "2"}}
"""
OTHER = "444455556666"


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    play = Play(tmp_path)
    play.write("ship", SHIP)
    yield play
    for number, handler in handlers.items():
        signal.signal(number, handler)


def untouched(play: Play) -> bool:
    """Whether nothing was written: no alias, no message, no call of a function, no record."""
    return (
        not play.cli.world.writes
        and not play.cli.answers.invoked
        and not {"send", "delete"} & set(play.post.sqs.calls)
        and not play.entries()
    )


# -- looking -----------------------------------------------------------------------------------------------------------


def test_what_there_is_and_what_one_says(play: Play) -> None:
    listed = play("list").out
    assert "ship" in listed
    assert "here" in listed
    shown = play("show", "ship").out
    assert "orders-dlq" in shown
    assert "taken back by rollback" in shown
    assert play("check", "ship").out == "playbooks/ship.yaml has no mistakes: ship, 5 steps\n"
    assert play("check", "playbooks/ship.yaml").code == 0
    assert not play.cli.reached, "nothing of this needs AWS"


def test_one_with_a_mistake_is_listed_with_it(play: Play) -> None:
    play.write("broken", "version: 1\nname: broken\nsteps: []\n")
    ran = play("list")
    assert ran.code == 0
    assert "broken has" in ran.out.replace("playbooks/broken.yaml", "broken")


def test_a_plan_says_every_call_and_touches_nothing(play: Play) -> None:
    ran = play("plan", "ship", *SHIPPED)
    assert ran.code == 0, ran.err
    assert "lambdaops release orders:live --to 2" in ran.out
    assert "lambdaops invoke" not in ran.out, "it is no command"
    assert "UpdateAlias" in ran.out
    assert "<steps.ship.outputs.candidate>" in ran.out
    assert "taken back by: lambdaops rollback orders:live" in ran.out
    assert set(play.cli.world.calls) <= {"caller"}
    assert untouched(play)


def test_a_plan_and_the_playbook_say_when_a_step_is_taken_back(play: Play) -> None:
    back = '{{uses: rollback, with: {{target: "orders:live", to: "${{{{ outputs.before }}}}"}}, if: "{}"}}'
    conditions = {"may": "${{ outputs.changed }}", "not": "${{ inputs.go }}", "will": "${{ !(inputs.go) }}"}
    steps = "".join(
        f'  - id: {name}\n    uses: rollback\n    with: {{target: "orders:live", to: "2"}}\n'
        f"    compensate: {back.format(condition)}\n"
        for name, condition in conditions.items()
    )
    play.steps("moves", steps, "inputs: {go: {type: boolean, default: false}}\n")
    shown = play("show", "moves").out
    assert all(f"taken back by rollback if {condition}" in shown for condition in conditions.values())
    assert "lambdaops playbook run moves ... --plan" in play("plan", "moves").out
    path = "./playbooks/moves.yaml"
    assert f"lambdaops playbook run {path} ... --plan" in play("plan", path).out, "as it was named, so that it is found"
    _, may, not_, will = play("plan", "moves").out.split("rollback orders:live --to 2\n")
    taken_back = "   taken back by: lambdaops rollback orders:live --to '<outputs.before>'\n"
    assert f"{taken_back}   that only if ${{{{ outputs.changed }}}}\n" in may
    assert "   not taken back: the condition of that is false for these inputs\n" in not_
    assert taken_back in will
    assert "only if" not in not_ + will
    plan = valid(play("plan", "moves", "--output", "json"))["data"]
    assert [step["undo_when"] for step in plan["steps"]] == ["${{ outputs.changed }}", "not", "always"]


def test_a_plan_counts_a_playbook_that_it_runs_among_what_may_change_something(play: Play) -> None:
    play.steps("inner", "  - {id: said, uses: note, with: {message: hi}}\n")
    play.steps("outer", "  - {id: inside, uses: run-playbook, with: {playbook: inner}}\n")
    assert "1 step, 1 of them may change something" in play("plan", "outer").out
    assert "1 step, none of them may change something" in play("plan", "inner").out


def test_a_dry_run_is_the_plan_and_touches_nothing(play: Play) -> None:
    plan = valid(play("plan", "ship", *SHIPPED, "--output", "json"))["data"]
    dry = valid(play("run", "ship", *SHIPPED, "--dry-run", "--output", "json"))["data"]
    assert dry["hash"] == plan["hash"]
    assert dry["changed"] is False
    assert untouched(play)


@pytest.mark.parametrize("width", ["80", "100"])
def test_a_plan_on_a_terminal_is_no_wider_than_that(play: Play, width: str) -> None:
    found = decode(Plan, valid(play("plan", "ship", *SHIPPED, "--output", "json"))["data"])
    lines = plan_text(found, Paper(width=int(width))).splitlines()
    lines = [line for line in lines if line.startswith(("   writes", "   reads", " " * 10))]
    assert max(map(len, lines)) <= int(width)
    assert len(plan_text(found, Paper(width=int(width))).splitlines()) > len(plan_text(found).splitlines())


# -- running -----------------------------------------------------------------------------------------------------------


def test_a_run_from_start_to_end(play: Play) -> None:
    ran = play("run", "ship", *SHIPPED, "--yes", "--reason", "the fix", "--ticket", "T-1")
    assert ran.code == 0, ran.err
    assert play.cli.world.routing == Routing("2")
    assert play.last("ship").closed is not None
    assert play("status").out == "no run of a playbook is open\n"
    assert "shipped 2" in play("status", "ship").out
    assert play.cli("audit", "verify").code == 0


def test_the_result_for_machines(play: Play) -> None:
    data = valid(play("run", "ship", *SHIPPED, "--yes", "--output", "json"))["data"]
    assert (data["outcome"], data["outputs"], data["changed"]) == ("done", {"version": "2"}, True)
    assert [step["step"] for step in data["steps"]] == ["ship", "drain", "try", "quiet", "said"]


def test_a_stream_has_every_record_and_ends_with_the_result(play: Play) -> None:
    lines = [json.loads(line) for line in play("run", "ship", *SHIPPED, "--yes", "--output", "jsonl").out.splitlines()]
    events = [line.get("event") for line in lines]
    assert events.count("step") == events.count("step-ended") == 5
    assert (events[1], events[-2]) == ("playbook-opened", "playbook-closed")
    assert lines[-1]["exit_code"] == 0


SUCCESSES = [
    ("list",),
    ("show", "ship"),
    ("check", "ship"),
    ("schema",),
    ("plan", "ship", *SHIPPED),
    ("run", "ship", *SHIPPED, "--yes"),
    ("run", "ship", *SHIPPED, "--dry-run"),
    ("status",),
    ("status", "ship"),
]


@pytest.mark.parametrize("output", ["json", "jsonl"])
@pytest.mark.parametrize("words", SUCCESSES, ids=" ".join)
def test_every_success_is_as_published(play: Play, words: tuple[str, ...], output: str) -> None:
    assert play("run", "ship", *SHIPPED, "--yes").code == 0
    envelope = valid(play(*words, "--output", output))
    assert (envelope["exit_code"], envelope["command"]) == (0, f"playbook {words[0]}")


@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_every_request_is_as_published(play: Play, output: str) -> None:
    play.steps("fails", FAILS)
    play.cli.world.breach("errors")
    held = valid(play("run", "fails", "--yes", "--output", output))
    assert (held["exit_code"], held["data"]["outcome"]) == (6, "held")
    assert held["data"]["next"]
    again = valid(play("resume", "fails", "--yes", "--output", output))
    assert again["exit_code"] == 6
    ended = valid(play("cancel", "fails", "--yes", "--reason", "enough", "--output", output))
    assert (ended["exit_code"], ended["data"]["phase"]) == (0, "cancelled"), "it is what was asked for"
    assert play.last("fails").closed is not None


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run", "nope"), 3, "there is no playbook 'nope'"),
        (("run", "shp"), 3, "Did you mean ship?"),
        (("check", "missing.yaml"), 2, "missing.yaml"),
        (("run", "ship", "--yes"), 2, "ship needs target, to"),
        (("run", "ship", *SHIPPED, "--input", "tarjet=x", "--yes"), 2, "Did you mean target?"),
        (("run", "ship", "--input", "target", "--yes"), 2, "Write --input NAME=VALUE"),
        (("run", "ship", "--inputs", "{", "--yes"), 2, "--inputs is no JSON object"),
        (("run", "ship", "--inputs", "[1]", "--yes"), 2, "--inputs is no JSON object"),
        (("run", "ship", *SHIPPED[:2], "--input", "to=$LATEST", "--yes"), 2, "input to"),
        (("run", "ship", *SHIPPED, "--plan", "0000000000000000", "--yes"), 3, "0000000000000000 was asked for"),
        (("run", "ship", *SHIPPED, "--override-limits", " ", "--yes"), 2, "says no reason"),
        (("run", "ship", *SHIPPED, "--stop-alarm", "nope", "--yes"), 3, "alarm nope does not exist"),
        (("run", "ship", *SHIPPED), 3, "no terminal"),
        (("run", "ship", *SHIPPED, "--env", "prod", "--yes"), 2, "the environment 'prod' was named"),
        (("resume", "ship"), 3, "no run ship is open"),
        (("cancel", "o-1"), 3, "no run o-1 is open"),
        (("approve", "o-1"), 3, "no run o-1 is open"),
        (("reject", "o-1"), 3, "no run o-1 is open"),
        (("status", "nope"), 3, "no journal knows a run or a playbook nope"),
    ],
    ids=str,
)
def test_what_is_refused(play: Play, words: tuple[str, ...], code: int, said: str) -> None:
    ran = play(*words)
    assert said in ran.err, ran.err
    assert ran.code == code
    assert untouched(play)
    assert "Traceback" not in ran.err


def test_an_input_without_an_equals_sign_is_not_repeated(play: Play) -> None:
    """Somebody may have typed a secret there."""
    ran = play("run", "ship", "--input", "token:hunter2-hunter2", "--yes")
    assert ran.code == 2
    assert "hunter2" not in ran.err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version: 1\n\tname: x",
        "a: &a [*a]",
        "\x00",
        "- 1",
        "version: 1\nname: ugly\nname: ugly",
        "{{{",
        "no: on",
    ],
)
def test_what_is_no_playbook(play: Play, text: str) -> None:
    play.write("ugly", text)
    for words in (("check", "ugly"), ("run", "ugly", "--yes"), ("show", "ugly"), ("plan", "ugly")):
        ran = play(*words)
        assert ran.code == 2
        assert "ugly.yaml" in ran.err
        assert "Traceback" not in ran.err
    assert play("list").code == 0
    assert untouched(play)


def test_the_hash_of_the_plan_holds_a_run_to_it(play: Play) -> None:
    found = valid(play("plan", "ship", *SHIPPED, "--output", "json"))["data"]["hash"]
    play.write("ship", SHIP.replace("10%:1m", "20%:1m"))
    ran = play("run", "ship", *SHIPPED, "--plan", found, "--yes")
    assert ran.code == 3
    assert untouched(play)
    play.write("ship", SHIP)
    assert play("run", "ship", *SHIPPED, "--plan", found, "--yes").code == 0


def test_the_same_command_takes_up_what_is_not_over(play: Play) -> None:
    play.steps("fails", FAILS)
    play.cli.world.breach("errors")
    assert play("run", "fails", "--yes").code == 6
    first = play.last("fails").id
    play.cli.world.alarm("errors")
    ran = play("run", "fails", "--yes")
    assert ran.code == 0, ran.err
    assert play.last("fails").id == first
    assert [tried.attempt for tried in play.last("fails").tried.values()] == [1, 2, 1]
    assert sum(isinstance(entry.event, PlaybookOpened) for entry in play.entries("fails")) == 1


def test_an_edited_playbook_is_not_taken_up_unless_that_is_wanted(play: Play) -> None:
    play.steps("fails", FAILS)
    play.cli.world.breach("errors")
    assert play("run", "fails", "--yes").code == 6
    play.steps("fails", FAILS.replace("three", "four"))
    ran = play("resume", "fails", "--yes")
    assert (ran.code, "was edited since" in ran.err) == (3, True)
    play.cli.world.alarm("errors")
    ran = play("resume", "fails", "--yes", "--edited")
    assert ran.code == 0, ran.err
    assert "four" in ran.out


def test_another_account_is_refused(play: Play) -> None:
    play.steps("fails", FAILS)
    play.cli.world.breach("errors")
    assert play("run", "fails", "--yes").code == 6
    play.cli.world.account = OTHER
    count = len(play.entries())
    ran = play("resume", "fails", "--yes")
    assert ran.code == 3
    assert "was begun in account 111122223333" in ran.err
    assert len(play.entries()) == count


def test_a_file_from_elsewhere_is_resumed_from_anywhere(play: Play, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    play.steps("fails", FAILS).rename(elsewhere / "fails.yaml")
    play.cli.world.breach("errors")
    assert play("run", "elsewhere/fails.yaml", "--yes").code == 6
    play.cli.world.alarm("errors")
    (elsewhere / "fails.yaml").rename(elsewhere / "gone.yaml")
    ran = play("resume", "fails", "--yes")
    assert (ran.code, "is not there any more" in ran.err, "--no-compensate" in ran.err) == (3, True, True)
    (elsewhere / "gone.yaml").rename(elsewhere / "fails.yaml")
    play.cli.directory = elsewhere
    assert play("resume", "fails", "--yes").code == 0


PINNED = """\
version: 1
environments:
  prod: {account: "111122223333", region: eu-central-1, confirm: type-target}
  other: {account: "444455556666", region: eu-central-1}
"""


def test_pins_hold_a_run_to_its_account(play: Play) -> None:
    (play.here / "lambdaops.yaml").write_text(PINNED, "utf-8")
    ran = play("run", "ship", *SHIPPED, "--yes")
    assert (ran.code, "environment" in ran.err) == (2, True)
    ran = play("run", "ship", *SHIPPED, "--env", "other", "--yes")
    assert (ran.code, "is in account 444455556666" in ran.err) == (3, True)
    ran = play("plan", "ship", *SHIPPED, "--env", "other")
    assert (ran.code, "is in account 444455556666" in ran.err) == (3, True), "a plan is one of that account, or none"
    ran = play("run", "ship", *SHIPPED, "--env", "nope", "--yes")
    assert ran.code == 2
    assert untouched(play)
    ran = play("run", "ship", *SHIPPED, "--env", "prod", "--yes")
    assert ran.code == 0, ran.err


def test_a_strict_environment_has_the_playbook_s_name_typed(play: Play) -> None:
    (play.here / "lambdaops.yaml").write_text(PINNED, "utf-8")
    play.cli.tty, play.cli.answer = True, "y\n"
    ran = play("run", "ship", *SHIPPED, "--env", "prod")
    assert ran.code == 3
    assert "prod (account 111122223333, eu-central-1): Run ship (5 steps)? Type ship to go on" in ran.err
    assert untouched(play)
    play.cli.answer = "ship\n"
    assert play("run", "ship", *SHIPPED, "--env", "prod").code == 0


def test_a_run_of_one_environment_is_resumed_in_that(play: Play) -> None:
    text = PINNED.replace(OTHER, "111122223333")
    (play.here / "lambdaops.yaml").write_text(text, "utf-8")
    play.steps("fails", FAILS)
    play.cli.world.breach("errors")
    assert play("run", "fails", "--env", "prod", "--yes").code == 6
    ran = play("resume", "fails", "--env", "other", "--yes")
    assert (ran.code, "Name it: --env prod" in ran.err) == (3, True)


# -- more than one -----------------------------------------------------------------------------------------------------


def test_a_step_for_each_of_several(play: Play) -> None:
    text = """\
  - id: each
    uses: invoke
    for-each: ${{ inputs.targets }}
    with: {target: "${{ item }}"}
"""
    play.steps("all", text, "limits: {targets: 2}\ninputs:\n  targets: {type: list, of: target}\n")
    ran = play("run", "all", "--input", "targets=orders:live,orders:next", "--yes")
    assert ran.code == 0, ran.err
    assert [call[:2] for call in play.cli.answers.invoked] == [("orders", "live"), ("orders", "next")]
    ran = play("run", "all", "--input", "targets=a:live,b:live,c:live", "--yes")
    assert (ran.code, "would act on 3 targets, and may on 2" in ran.err) == (3, True)
    assert play("run", "all", "--input", "targets=a:b,c:d,e:f", "--override-limits", "it burns", "--yes").code == 0
    assert "overrides limits: it burns" in play.cli("audit", "show", "all").out


def test_a_playbook_in_a_playbook_gives_what_it_gave(play: Play) -> None:
    play.write(
        "inner",
        'version: 1\nname: inner\ninputs:\n  what: {}\nsteps:\n  - {id: said, uses: note, with: {message: "${{ '
        'inputs.what }}"}}\noutputs: {it: "${{ steps.said.outputs.message }}"}\n',
    )
    play.steps(
        "outer",
        '  - {id: inside, uses: run-playbook, with: {playbook: inner, inputs: {what: "$${{ x"}}}\n'
        '  - {id: after, uses: note, with: {message: "it was ${{ steps.inside.outputs.outputs.it }}"}}\n',
    )
    ran = play("run", "outer", "--yes")
    assert ran.code == 0, ran.err
    assert "it was ${{ x" in ran.out


# -- somebody else -----------------------------------------------------------------------------------------------------


def as_somebody_else(play: Play, *words: str) -> int:
    """A command of a colleague."""
    world = play.cli.world
    ours = type(world).caller
    try:
        world.caller = lambda: "arn:aws:sts::111122223333:assumed-role/oncall/bob"  # type: ignore[method-assign]
        return play(*words).code
    finally:
        world.caller = ours.__get__(world)  # type: ignore[method-assign]


@pytest.mark.parametrize(("word", "code", "routing"), [("approve", 0, Routing("2")), ("reject", 6, Routing("1"))])
def test_somebody_else_answers(play: Play, word: str, code: int, routing: Routing) -> None:
    play.steps("waits", WAITS)
    codes: list[int] = []
    play.cli.world.clock.after(60, lambda: codes.append(play("approve", "waits").code))
    play.cli.world.clock.after(90, lambda: codes.append(as_somebody_else(play, word, "waits", "--reason", "seen")))
    ran = play("run", "waits", "--yes")
    assert codes == [3, 0], "who began it may not approve it; a colleague may"
    assert ran.code == code, ran.err
    assert play.cli.world.routing == routing
    assert "oncall/bob" in ran.out


def test_nobody_answers(play: Play) -> None:
    play.steps("waits", WAITS)
    ran = play("run", "waits", "--yes")
    assert (ran.code, "nobody approved it in time" in ran.err) == (6, True)
    assert play("approve", "waits").code == 3


def test_somebody_else_cancels_while_it_waits(play: Play) -> None:
    play.steps("waits", WAITS)
    play.cli.world.clock.after(60, lambda: play.dies(2, "playbook", "cancel", "waits", "--yes") or None)  # type: ignore[arg-type]
    ran = play("run", "waits", "--yes")
    assert ran.code == 9, ran.err
    run = play.last("waits")
    assert run.closed is not None
    assert run.closed.outcome is Outcome.CANCELLED


# -- the audit log -----------------------------------------------------------------------------------------------------


def test_the_audit_log_knows_runs(play: Play) -> None:
    assert play("run", "ship", *SHIPPED, "--yes", "--ticket", "INC-7").code == 0
    run = play.last("ship").id
    assert run in play.cli("history", "ship").out
    assert "shipped 2" in play.cli("audit", "show", "ship").out
    assert "playbook:ship" in play.cli("audit", "list").out
    assert "playbook:ship" in play.cli("audit", "tail").out
    assert run in play.cli("audit", "search", "--outcome", "done").out
    assert run in play.cli("audit", "search", "--ticket", "inc-7").out
    assert "promoted" in play.cli("audit", "search", "--actor", f"{run}/ship").out, "what a step did names its run"
    assert valid(play.cli("history", "ship", "--output", "json"))["data"]["runs"][0]["run"] == run
    for form in ("jsonl", "ocsf", "cloudevents"):
        assert run in play.cli("audit", "export", "--format", form).out
    ocsf = [json.loads(line) for line in play.cli("audit", "export", "--format", "ocsf").out.splitlines()]
    ends = [one for one in ocsf if one["api"]["operation"] in ("step-ended", "playbook-closed")]
    assert {one["status"] for one in ends} == {"Success"}
    report = str(play.here / "report.html")
    assert valid(play.cli("audit", "report", report, "--output", "json"))["data"]["promotions"] == 1
    assert play.cli("audit", "search", "--outcome", "partly").code == 0


def test_a_log_of_github_has_a_section_for_each_step(play: Play) -> None:
    play.cli.variables = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(play.here / "summary.md")}
    ran = play("run", "ship", *SHIPPED, "--yes")
    assert ran.code == 0
    assert ran.err.count("::group::") == ran.err.count("::endgroup::") >= 5
    assert "::group::step ship" in ran.err
