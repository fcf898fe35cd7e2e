"""Steps that call functions and AWS; what a run keeps of what they give, and of secrets."""

from __future__ import annotations

import json
import shlex
from dataclasses import fields, replace
from datetime import timedelta

import pytest

from lambdaops.core.errors import (
    ExitCode,
    UnreachableError,
)
from lambdaops.core.playbook.book import Action, Input, Json, Kind, Playbook, Retry, Step, Undo
from lambdaops.core.playbook.records import PlaybookClosed, PlaybookHeld
from lambdaops.ports.playbooks import Answer
from tests.ops.playbook.books import book, held, ship, undoable
from tests.sim.journal import Crash
from tests.sim.playing import PlayRig


def invoke(**given: Json) -> Playbook:
    return book(Step("a", Action("invoke", {"target": "orders:live", "payload": {"n": 1}, **given})))


def test_a_function_is_called_and_what_was_selected_is_kept() -> None:
    rig = PlayRig(answers=[Answer("r", "7", "", "", {"token": "t0ken", "ok": [1, 2]})])
    assert rig.run(invoke(select="ok[0]")).exit_code is ExitCode.DONE
    assert rig.invoked == [b'{"n": 1}']
    assert rig.replayed().tried["a"].outputs["selected"] == 1
    assert "t0ken" not in rig.lines() and '"n"' not in rig.lines()  # noqa: PT018


def test_a_function_that_failed_fails_the_step() -> None:
    rig = PlayRig(answers=[Answer("r", "7", "Unhandled", "KeyError", None)])
    assert rig.run(invoke()).exit_code is ExitCode.HELD


def test_a_function_that_may_fail_tells_what_went_wrong() -> None:
    rig = PlayRig(answers=[Answer("r", "7", "Unhandled", "KeyError", None)])
    assert rig.run(invoke(fail=False)).exit_code is ExitCode.DONE
    assert rig.replayed().tried["a"].outputs["error"] == "KeyError"


def test_a_call_that_may_have_been_made_is_not_made_again_without_a_person() -> None:
    rig = PlayRig(answers=["die"])
    with pytest.raises(Crash):
        rig.run(invoke())
    assert rig.run(invoke()).exit_code is ExitCode.HELD
    assert "invoke may happen twice" in held(rig)[1]
    assert len(rig.invoked) == 1
    assert rig.resume(invoke(), repeat=True).exit_code is ExitCode.DONE
    assert len(rig.invoked) == 2


def test_a_call_that_may_be_repeated_is() -> None:
    rig = PlayRig(answers=["die"])
    with pytest.raises(Crash):
        rig.run(invoke(repeatable=True))
    assert rig.run(invoke(repeatable=True)).exit_code is ExitCode.DONE


@pytest.mark.parametrize(("repeatable", "calls"), [(False, 1), (True, 2)])
def test_a_call_whose_answer_was_lost_is_tried_again_only_if_it_may_be(repeatable: bool, calls: int) -> None:
    rig = PlayRig(answers=[UnreachableError("reset")])
    (step,) = invoke(repeatable=repeatable).steps
    rig.run(book(replace(step, retry=Retry(3, timedelta(seconds=1)))))
    assert len(rig.invoked) == calls
    if not repeatable:
        assert "may happen twice" in held(rig)[1]


def test_a_selection_that_cannot_be_made_does_not_undo_the_call() -> None:
    rig = PlayRig()
    (step,) = invoke(select="sort(ok)").steps
    rig.run(book(replace(step, undo=Undo("unship", {"name": "a"}))))
    assert rig.story() == ["failed a", "undone a"]


def test_a_question_to_aws_keeps_no_variables_and_reads_only() -> None:
    rig = PlayRig()
    good = Action("aws", {"service": "lambda", "call": "GetFunctionConfiguration", "parameters": {"FunctionName": "f"}})
    rig.run(book(Step("a", good)))
    assert rig.replayed().tried["a"].outputs == {"answer": {"N": 3, "Nested": [{"Kept": 2}]}}
    rig.run(replace(book(Step("a", Action("aws", {"service": "lambda", "call": "UpdateAlias"}))), digest="d3"))
    assert rig.asked_of_aws == [("lambda", "GetFunctionConfiguration")]


@pytest.mark.parametrize(
    ("that", "code"),
    [
        ("${{ steps.a.outputs.value == 'of a' }}", ExitCode.DONE),
        ("${{ steps.a.outputs.value == 'x' }}", ExitCode.HELD),
        ("${{ steps.a.outputs.none }}", ExitCode.HELD),
        ("text", ExitCode.DONE),
        ("", ExitCode.HELD),
        (0, ExitCode.DONE),
    ],
)
def test_an_assertion(that: Json, code: ExitCode) -> None:
    rig = PlayRig()
    assert rig.run(book(ship("a"), Step("b", Action("assert", {"that": that})))).exit_code is code


def test_what_a_run_gives_is_null_where_it_cannot_be_told() -> None:
    rig = PlayRig()
    outputs: dict[str, Json] = {"a": "${{ steps.a.outputs.value }}", "b": "${{ steps.a.outputs.none }}", "c": 5}
    rig.run(book(ship("a"), outputs=outputs))
    (end,) = (one for one in rig.journal if isinstance(one, PlaybookClosed))
    assert end.outputs == '{"a":"of a","b":null,"c":5}'


def test_of_outputs_that_are_too_large_the_largest_are_left_out() -> None:
    rig = PlayRig()
    rig.commands.outputs = {"a": {"large": "x" * 40_000, "small": 1}}
    rig.run(book(ship("a")))
    assert rig.replayed().tried["a"].outputs == {"left_out": ["large"], "name": "a", "small": 1, "value": "of a"}


def test_no_record_grows_with_what_a_step_says() -> None:
    rig = PlayRig()
    rig.commands.outputs = {"a": {"value": "x" * 30_000}}
    many = " ".join(["${{ steps.a.outputs.value }}"] * 30)
    rig.run(book(ship("a"), Step("b", Action("note", {"message": many}))))
    assert max(map(len, rig.lines().split("\n"))) < 100_000


@pytest.mark.parametrize("secret", ["hunter2", "it's", 'quo"te', "back\\slash", "pässword", "a b", "1", ",", ":", "}"])
def test_a_secret_is_in_no_record_and_leaves_records_readable(secret: str) -> None:
    """Wherever a function, a command or AWS gives it back."""
    token = Input("token", secret=True)
    rig = PlayRig(answers=[Answer("r", "7", "", "", {"said": f"got {secret}", secret: [secret]})])
    rig.commands.outputs = {"b": {"value": f"x{secret}y", "n": 1}}
    call = Step("a", Action("invoke", {"target": "f:live", "payload": "${{ inputs.token }}", "select": "@"}))
    steps = book(
        call,
        ship("b"),
        Step("c", Action("ship", {"name": "${{ inputs.token }}", "more": {"t": "${{ inputs.token }}"}})),
        Step("d", Action("note", {"message": "${{ inputs.token }} ${{ to_string(inputs) }}"})),
        Step("e", Action("assert", {"that": False, "message": "not ${{ inputs.token }}"})),
        inputs=(token,),
        outputs={"t": "${{ inputs.token }}"},
    )
    rig.run(steps, {"token": secret})
    run = rig.replayed()
    assert [run.tried[key].status is not None for key in "abcde"] == [True] * 5
    assert rig.commands.given[-1][1]["name"] == secret, "what does the work sees it"
    if len(secret) > 1:
        forms = (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
        told = [text for one in rig.journal for text in _texts(one)]
        assert not [text for text in told for form in forms if form in text]
        assert not [text for text in told if len(shlex.quote(secret)) > len(secret) + 2 and shlex.quote(secret) in text]


def test_a_secret_number_is_masked_as_a_number_too() -> None:
    rig = PlayRig()
    rig.commands.outputs = {"a": {"value": 4711, "list": [{"n": 4711}, True, None]}}
    rig.run(book(ship("a"), inputs=(Input("pin", Kind.INTEGER, secret=True),)), {"pin": 4711})
    assert "4711" not in rig.lines()
    assert rig.replayed().tried["a"].outputs["list"] == [{"n": "***"}, True, None]


def _texts(event: object) -> list[str]:
    return [value for one in fields(event) if isinstance(value := getattr(event, one.name), str)]  # type: ignore[arg-type]


def test_a_step_that_was_held_says_so_to_whoever_asks() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": [5]}
    ended = rig.run(book(ship("a")))
    assert ended.exit_code is ExitCode.ROLLBACK_INCOMPLETE
    assert isinstance(rig.journal[-1], PlaybookHeld)
    assert ended.error is not None


def test_what_was_taken_back_gives_nothing() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": [6]}
    rig.run(book(undoable("a"), ship("b"), outputs={"a": "${{ steps.a.outputs.value }}"}))
    (end,) = (one for one in rig.journal if isinstance(one, PlaybookClosed))
    assert end.outputs == "{}"
