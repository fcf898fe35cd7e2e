"""What is wrong with a playbook before its first step: one flaw a row, with its place and what to do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.playbook.book import CONTINUE, Action, Input, Json, Kind, Playbook, Step, Undo
from lambdaops.core.playbook.check import check
from lambdaops.core.playbook.flow import flow_of
from lambdaops.query.values import JmespathValues
from tests.core.playbook.book_values import USES, book, ship

if TYPE_CHECKING:
    from lambdaops.core.playbook.language import Flaw

INPUTS = (
    Input("text"),
    Input("number", Kind.INTEGER),
    Input("flag", Kind.BOOLEAN),
    Input("names", Kind.LIST),
    Input("target", Kind.TARGET),
    Input("maybe", required=False),
    Input("token", secret=True),
    Input("share", Kind.NUMBER),
    Input("long", Kind.DURATION),
)
OTHER = Playbook(
    "other", (ship("x"),), inputs=(Input("where", Kind.TARGET), Input("count", Kind.INTEGER, required=False, default=1))
)
SECRETIVE = Playbook(
    "secretive", (ship("x"),), inputs=(Input("pin", secret=True), Input("open", required=False, default="a"))
)
LOOP = Playbook("loop", (Step("x", Action("run-playbook", {"playbook": "book"})),))
DEEP = Playbook("deep", (Step("x", Action("run-playbook", {"playbook": "loop"})),))
SELF = Playbook("self", (Step("x", Action("run-playbook", {"playbook": "self"})),))
GIVES = Playbook("gives", (ship("x"),), outputs={"moved": "${{ steps.x.outputs.value }}"})
BOOKS = {one.name: one for one in (OTHER, SECRETIVE, LOOP, DEEP, SELF, GIVES)}


def found(playbook: Playbook) -> list[Flaw]:
    return check(playbook, USES, JmespathValues(), BOOKS.get)


def of(*steps: Step, **more: object) -> list[Flaw]:
    return found(book(*steps, **{"inputs": INPUTS, **more}))


def step(uses: str, given: dict[str, Json], **more: object) -> Step:
    return Step("a", Action(uses, given), **more)  # type: ignore[arg-type]


def b(value: Json, **more: object) -> Step:
    return Step("b", Action("note", {"message": value}), **more)  # type: ignore[arg-type]


def back(value: Json, condition: Json = True, name: str = "a", each: Json = None) -> Step:
    """A step that is taken back so."""
    return ship(name, undo=Undo("unship", {"name": value}, condition), each=each)


def giving(value: Json, condition: Json = True) -> Step:
    """One that runs a playbook which gives something, and is taken back so."""
    return step("run-playbook", {"playbook": "gives"}, undo=Undo("unship", {"name": value}, condition))


A = ship("a")
IF = "${{ inputs.flag }}"
MAY = ship("a", condition=IF)
BAD_B = ("steps", 1, "with", "message")
NOT_SURE = "step a may not be done by then: it has a condition, may fail, or is gone past"
ASK = "Ask first: if: ${{ steps.a.status == 'done' }}, or fall back: A || 'text'."


GOOD: list[tuple[str, list[Step]]] = [
    ("plain", [A]),
    (
        "every type",
        [
            ship(
                "a",
                given={
                    "name": "${{ inputs.text }}",
                    "count": "${{ inputs.number }}",
                    "force": IF,
                    "tag": "${{ inputs.names }}",
                    "more": {"x": "${{ inputs.text }}"},
                    "mode": "${{ inputs.text }}",
                },
            )
        ],
    ),
    ("a number as text", [ship("a", given={"name": 7})]),
    ("one word as a list", [ship("a", given={"name": "a", "tag": "${{ inputs.text }}"})]),
    ("output of what is done", [A, b("${{ steps.a.outputs.value }}")]),
    ("deep in an output", [A, b("${{ steps.a.outputs.value.deep[0].x }}")]),
    ("status of what may not be", [MAY, b("${{ steps.a.status }}")]),
    ("asked first", [MAY, b("${{ steps.a.outputs.value }}", condition="${{ steps.a.status == 'done' }}")]),
    ("fallback", [MAY, b("${{ steps.a.outputs.value || 'none' }}")]),
    ("in a condition", [MAY, b("x", condition="${{ steps.a.outputs.value == 'x' }}")]),
    ("own outputs, taken back", [ship("a", undo=Undo("unship", {"name": "${{ steps.a.outputs.name }}"}))]),
    ("what it gave, taken back", [back("${{ outputs.name }}", "${{ outputs.value }}")]),
    ("what an item gave, taken back", [back("${{ item }} ${{ outputs.name }}", "${{ outputs.value }}", each=["x"])]),
    ("taken back if it was not skipped", [MAY, back("${{ steps.a.outputs.name }}", "${{ steps.a.status }}", "b")]),
    ("always taken back", [back("x", True)]),
    (
        "what another playbook gave, taken back",
        [giving("${{ outputs.outputs.moved }} ${{ outputs.outputs }}", "${{ outputs.outputs.moved }}")],
    ),
    ("item", [ship("a", given={"name": "${{ item }}"}, each="${{ inputs.names }}")]),
    ("items written down", [ship("a", given={"name": "${{ item }}"}, each=["x", "${{ inputs.text }}"])]),
    ("for each, seen", [ship("a", each=["x"]), b("${{ steps.a.items[0].status }} ${{ steps.a.outputs[0].value }}")]),
    ("run", [b("${{ run.id }} ${{ run.environment }}")]),
    ("jump", [ship("a", on_failure="b"), b("x")]),
    ("jumped past, and end", [ship("a", on_failure="c"), ship("b", end=True), ship("c")]),
    ("timeout", [ship("a", timeout=timedelta(minutes=1))]),
    ("text in backticks and functions", [b("${{ join(',', sort_by(inputs.names, &length(@))) }}")]),
    ("escape", [b("$${{ anything }}")]),
    ("secret as a payload", [step("invoke", {"target": "f:live", "payload": {"t": "${{ inputs.token }}"}})]),
    ("secret, asserted", [step("assert", {"that": "${{ inputs.token }}"})]),
    ("whole select", [step("invoke", {"target": "f:live", "select": "@"})]),
    ("another playbook", [step("run-playbook", {"playbook": "other", "inputs": {"where": "f:live"}})]),
    (
        "another, what it may leave out",
        [
            step(
                "run-playbook",
                {"playbook": "other", "inputs": {"where": "f:live", "count": "${{ inputs.maybe }}"}},
            )
        ],
    ),
    (
        "another, its secret",
        [step("run-playbook", {"playbook": "secretive", "inputs": {"pin": "${{ inputs.token }}"}})],
    ),
    (
        "aws",
        [
            step(
                "aws",
                {
                    "service": "lambda",
                    "call": "GetAlias",
                    "parameters": {"FunctionName": "${{ inputs.text }}"},
                    "select": "Name",
                },
            )
        ],
    ),
    ("first element of an input", [b("${{ inputs.names[0] }}")]),
]

BAD: list[tuple[str, list[Step], tuple[object, ...], str, str]] = [
    # -- uses and what they are given
    ("unknown use", [step("shipp", {})], ("steps", 0, "uses"), "no step uses 'shipp'", "Did you mean ship?"),
    (
        "unknown parameter",
        [ship("a", given={"name": "a", "cuont": 1})],
        ("steps", 0, "with", "cuont"),
        "ship takes no 'cuont'",
        "Did you mean count?",
    ),
    (
        "the run's own",
        [ship("a", given={"name": "a", "yes": True})],
        ("steps", 0, "with", "yes"),
        "ship takes no 'yes'",
        "The run decides that: it keeps to one environment, and asks once.",
    ),
    ("missing", [step("ship", {})], ("steps", 0, "uses"), "ship needs name", "What it is done to."),
    (
        "may be null",
        [ship("a", given={"name": "${{ inputs.maybe }}"})],
        ("steps", 0, "with", "name"),
        "ship needs name, and this input may be null",
        "Give it a default.",
    ),
    (
        "text: flag",
        [ship("a", given={"name": True})],
        ("steps", 0, "with", "name"),
        "ship: name takes text",
        "Put it into quotes if it is meant as text.",
    ),
    ("text: list", [ship("a", given={"name": ["a"]})], ("steps", 0, "with", "name"), "ship: name takes text", ""),
    ("text: null", [ship("a", given={"name": None})], ("steps", 0, "with", "name"), "ship: name takes text", ""),
    (
        "number: text",
        [ship("a", given={"name": "a", "count": "3"})],
        ("steps", 0, "with", "count"),
        "ship: count takes a number",
        "",
    ),
    (
        "number: flag",
        [ship("a", given={"name": "a", "count": True})],
        ("steps", 0, "with", "count"),
        "ship: count takes a number",
        "Put it into quotes if it is meant as text.",
    ),
    (
        "flag: text",
        [ship("a", given={"name": "a", "force": "yes"})],
        ("steps", 0, "with", "force"),
        "ship: force takes true or false",
        "",
    ),
    (
        "list: number",
        [ship("a", given={"name": "a", "tag": 3})],
        ("steps", 0, "with", "tag"),
        "ship: tag takes a list",
        "",
    ),
    (
        "mapping: text",
        [ship("a", given={"name": "a", "more": "x"})],
        ("steps", 0, "with", "more"),
        "ship: more takes a mapping",
        "",
    ),
    (
        "choice",
        [ship("a", given={"name": "a", "mode": "fats"})],
        ("steps", 0, "with", "mode"),
        "ship: mode cannot be 'fats'",
        "Did you mean fast?",
    ),
    (
        "text: list input",
        [ship("a", given={"name": "${{ inputs.names }}"})],
        ("steps", 0, "with", "name"),
        "ship: name takes text, and this input is a list",
        "Give the input another type.",
    ),
    (
        "text: boolean input",
        [ship("a", given={"name": IF})],
        ("steps", 0, "with", "name"),
        "ship: name takes text, and this input is a boolean",
        "Give the input another type.",
    ),
    (
        "number: string input",
        [ship("a", given={"name": "a", "count": "${{ inputs.text }}"})],
        ("steps", 0, "with", "count"),
        "ship: count takes a number, and this input is a string",
        "Give the input another type.",
    ),
    (
        "flag: number input",
        [ship("a", given={"name": "a", "force": "${{ inputs.number }}"})],
        ("steps", 0, "with", "force"),
        "ship: force takes true or false, and this input is a integer",
        "Give the input another type.",
    ),
    (
        "mapping: input",
        [ship("a", given={"name": "a", "more": "${{ inputs.text }}"})],
        ("steps", 0, "with", "more"),
        "ship: more takes a mapping, and this input is a string",
        "Give the input another type.",
    ),
    (
        "list: boolean input",
        [ship("a", given={"name": "a", "tag": IF})],
        ("steps", 0, "with", "tag"),
        "ship: tag takes a list, and this input is a boolean",
        "Give the input another type.",
    ),
    # -- rules of single uses
    (
        "wait for nothing",
        [step("wait-for", {})],
        ("steps", 0, "uses"),
        "wait-for takes exactly one of time, alarms and queue",
        "",
    ),
    (
        "wait for two",
        [step("wait-for", {"time": "5s", "queue": "q"})],
        ("steps", 0, "uses"),
        "wait-for takes exactly one of time, alarms and queue",
        "",
    ),
    (
        "no duration",
        [step("wait-for", {"time": "5"})],
        ("steps", 0, "with", "time"),
        "'5' is not a duration",
        "Write a number and a unit: 45s, 5m, 2h or 1h30m.",
    ),
    (
        "no duration to approve",
        [step("approve", {"message": "?", "within": "soon"})],
        ("steps", 0, "with", "within"),
        "'soon' is not a duration",
        "Write a number and a unit: 45s, 5m, 2h or 1h30m.",
    ),
    (
        "aws service",
        [step("aws", {"service": "lamda", "call": "GetAlias"})],
        ("steps", 0, "with", "service"),
        "nothing of lamda may be called",
        "Did you mean lambda?",
    ),
    (
        "aws call",
        [step("aws", {"service": "lambda", "call": "UpdateAlias"})],
        ("steps", 0, "with", "call"),
        "lambda UpdateAlias may not be called: only what reads may",
        "*",
    ),
    (
        "aws secrets",
        [step("aws", {"service": "ssm", "call": "GetParameter"})],
        ("steps", 0, "with", "service"),
        "nothing of ssm may be called",
        "*",
    ),
    (
        "aws, computed",
        [step("aws", {"service": "lambda", "call": "${{ inputs.text }}"})],
        ("steps", 0, "with", "call"),
        "which call is made must be known beforehand",
        "Write its name.",
    ),
    (
        "select",
        [step("invoke", {"target": "f:live", "select": "a["})],
        ("steps", 0, "with", "select"),
        "a[ cannot be read",
        "*",
    ),
    (
        "no playbook",
        [step("run-playbook", {"playbook": "nope"})],
        ("steps", 0, "with", "playbook"),
        "there is no playbook 'nope'",
        "*",
    ),
    (
        "computed playbook",
        [step("run-playbook", {"playbook": "${{ inputs.text }}"})],
        ("steps", 0, "with", "playbook"),
        "which playbook is run must be known beforehand",
        "Write its name.",
    ),
    (
        "itself",
        [step("run-playbook", {"playbook": "book"})],
        ("steps", 0, "with", "playbook"),
        "it runs in a circle: book -> book",
        "Take one of them out.",
    ),
    (
        "a circle",
        [step("run-playbook", {"playbook": "loop"})],
        ("steps", 0, "with", "playbook"),
        "it runs in a circle: book -> loop -> book",
        "Take one of them out.",
    ),
    (
        "a longer circle",
        [step("run-playbook", {"playbook": "deep"})],
        ("steps", 0, "with", "playbook"),
        "it runs in a circle: book -> deep -> loop -> book",
        "Take one of them out.",
    ),
    (
        "a circle elsewhere",
        [step("run-playbook", {"playbook": "self"})],
        ("steps", 0, "with", "playbook"),
        "it runs in a circle: book -> self -> self",
        "Take one of them out.",
    ),
    (
        "its input unknown",
        [step("run-playbook", {"playbook": "other", "inputs": {"where": "f", "cuont": 1}})],
        ("steps", 0, "with", "inputs", "cuont"),
        "other has no input 'cuont'",
        "Did you mean count?",
    ),
    (
        "its input missing",
        [step("run-playbook", {"playbook": "other"})],
        ("steps", 0, "uses"),
        "other needs the input where",
        "",
    ),
    (
        "its input may be null",
        [step("run-playbook", {"playbook": "other", "inputs": {"where": "${{ inputs.maybe }}"}})],
        ("steps", 0, "with", "inputs", "where"),
        "other needs the input where, and this input may be null",
        "Give it a default.",
    ),
    (
        "its input does not fit",
        [step("run-playbook", {"playbook": "other", "inputs": {"where": "f", "count": "x"}})],
        ("steps", 0, "with", "inputs", "count"),
        "expected a whole number, found 'x'",
        "",
    ),
    # -- secrets
    (
        "a secret on record",
        [step("ship", {"name": "${{ inputs.token }}"})],
        ("steps", 0, "with", "name"),
        "ship would put the secret inputs.token on record",
        "Secrets go to invoke's payload, to aws, or to a secret input of run-playbook.",
    ),
    (
        "a secret by the way",
        [step("ship", {"name": "${{ to_string(inputs) }}"})],
        ("steps", 0, "with", "name"),
        "ship would put the secret inputs on record",
        "Secrets go to invoke's payload, to aws, or to a secret input of run-playbook.",
    ),
    (
        "a secret through a pipe",
        [step("ship", {"name": "${{ inputs | token }}"})],
        ("steps", 0, "with", "name"),
        "ship would put the secret inputs.token on record",
        "Secrets go to invoke's payload, to aws, or to a secret input of run-playbook.",
    ),
    (
        "a secret in pieces",
        [step("ship", {"name": "${{ @.inputs.token }}"})],
        ("steps", 0, "with", "name"),
        "ship would put the secret inputs.token on record",
        "Secrets go to invoke's payload, to aws, or to a secret input of run-playbook.",
    ),
    (
        "a secret to an open input",
        [step("run-playbook", {"playbook": "secretive", "inputs": {"pin": "x", "open": "${{ inputs.token }}"}})],
        ("steps", 0, "with", "inputs", "open"),
        "secretive would put the secret inputs.token on record",
        "Secrets go to invoke's payload, to aws, or to a secret input of run-playbook.",
    ),
    (
        "everything",
        [b("${{ to_string(@) }}")],
        ("steps", 0, "with", "message"),
        "it reads everything there is at once",
        "Name what it reads, such as inputs.NAME.",
    ),
    (
        "everything by a star",
        [b("${{ *.token }}")],
        ("steps", 0, "with", "message"),
        "it reads everything there is at once",
        "Name what it reads, such as inputs.NAME.",
    ),
    # -- where steps lead
    (
        "timeout",
        [ship("a", "unship", timeout=timedelta(minutes=1))],
        ("steps", 0, "timeout"),
        "unship cannot be stopped half-way, so it takes no timeout",
        "*",
    ),
    (
        "no such step",
        [ship("a", on_failure="c"), ship("b"), ship("cc")],
        ("steps", 0, "on-failure"),
        "there is no step 'c'",
        "*",
    ),
    (
        "backward",
        [A, ship("b", on_failure="a")],
        ("steps", 1, "on-failure"),
        "step a is not after b: that would be a cycle",
        "Steps go forward only; retry tries a step again.",
    ),
    (
        "to itself",
        [ship("a", on_failure="a")],
        ("steps", 0, "on-failure"),
        "step a is not after a: that would be a cycle",
        "Steps go forward only; retry tries a step again.",
    ),
    ("nothing after the end", [ship("a", end=True), b("x")], ("steps", 1, "id"), "step b is never reached", "*"),
    ("never done", [ship("a", condition=False)], ("steps", 0, "if"), "step a is never done", "*"),
    (
        "approve takes nothing back",
        [ship("a", undo=Undo("approve", {"message": "?"}))],
        ("steps", 0, "compensate", "uses"),
        "approve takes nothing back",
        "Use what does.",
    ),
    (
        "flaw in what takes back",
        [ship("a", undo=Undo("unship", {}))],
        ("steps", 0, "compensate", "uses"),
        "unship needs name",
        "What it is done to.",
    ),
    (
        "unknown output, taken back",
        [back("${{ outputs.nmae }}")],
        ("steps", 0, "compensate", "with", "name"),
        "ship gives no 'nmae'",
        "Did you mean name?",
    ),
    (
        "unknown output of an item, taken back",
        [back("${{ outputs.nmae }}", each=["x"])],
        ("steps", 0, "compensate", "with", "name"),
        "ship gives no 'nmae'",
        "Did you mean name?",
    ),
    (
        "unknown output, asked for",
        [back("x", "${{ outputs.valeu }}")],
        ("steps", 0, "compensate", "if"),
        "ship gives no 'valeu'",
        "Did you mean value?",
    ),
    (
        "unknown output of another playbook",
        [giving("x", "${{ outputs.outputs.mvoed }}")],
        ("steps", 0, "compensate", "if"),
        "gives gives no 'mvoed'",
        "Did you mean moved?",
    ),
    (
        "unknown output of another playbook, seen later",
        [step("run-playbook", {"playbook": "gives"}), b("${{ steps.a.outputs.outputs.mvoed }}")],
        BAD_B,
        "gives gives no 'mvoed'",
        "Did you mean moved?",
    ),
    (
        "outputs where nothing is taken back",
        [A, b("${{ outputs.value }}")],
        BAD_B,
        "outputs stands alone only in compensate",
        "Name the step: ${{ steps.ID.outputs.NAME }}.",
    ),
    (
        "outputs in the condition of a step",
        [back("x"), ship("b", condition="${{ outputs.value }}")],
        ("steps", 1, "if"),
        "outputs stands alone only in compensate",
        "Name the step: ${{ steps.ID.outputs.NAME }}.",
    ),
    (
        "nearly outputs, taken back",
        [back("${{ output.name }}")],
        ("steps", 0, "compensate", "with", "name"),
        "there is no 'output'",
        "Did you mean outputs?",
    ),
    (
        "nearly outputs elsewhere",
        [b("${{ output.name }}")],
        ("steps", 0, "with", "message"),
        "there is no 'output'",
        "There is inputs, steps and run. A text stands in 'quotes'.",
    ),
    (
        "item, taken back",
        [back("${{ item }}")],
        ("steps", 0, "compensate", "with", "name"),
        "there is an item only in a step with for-each",
        "",
    ),
    (
        "never taken back",
        [back("x", False)],
        ("steps", 0, "compensate", "if"),
        "step a is never taken back",
        "Delete compensate, or write a condition: ${{ ... }}.",
    ),
    (
        "taken back if a text",
        [back("x", "outputs.value")],
        ("steps", 0, "compensate", "if"),
        "a condition is one expression, or true or false",
        "Write it as ${{ ... }}.",
    ),
    (
        "taken back if nothing",
        [back("x", None)],
        ("steps", 0, "compensate", "if"),
        "a condition is one expression, or true or false",
        "Write it as ${{ ... }}.",
    ),
    (
        "taken back by what may not be done",
        [MAY, back("${{ steps.a.outputs.name }}", name="b")],
        ("steps", 1, "compensate", "with", "name"),
        NOT_SURE,
        ASK,
    ),
    (
        "taken back by what comes later",
        [back("x", "${{ steps.b.status == 'failed' }}"), b("x")],
        ("steps", 0, "compensate", "if"),
        "step b is not before this one: nothing is known of it yet",
        "",
    ),
    # -- conditions
    (
        "a text",
        [ship("a", condition="inputs.flag")],
        ("steps", 0, "if"),
        "a condition is one expression, or true or false",
        "Write it as ${{ ... }}.",
    ),
    (
        "two expressions",
        [ship("a", condition="${{ inputs.flag }}${{ inputs.flag }}")],
        ("steps", 0, "if"),
        "a condition is one expression, or true or false",
        "Write it as ${{ ... }}.",
    ),
    (
        "with a space",
        [ship("a", condition=" ${{ inputs.flag }}")],
        ("steps", 0, "if"),
        "a condition is one expression, or true or false",
        "Write it as ${{ ... }}.",
    ),
    (
        "without an end",
        [ship("a", condition="${{ inputs.flag")],
        ("steps", 0, "if"),
        "the expression at column 1 has no end",
        "*",
    ),
    (
        "not before a dot",
        [ship("a", condition="${{ !inputs.flag }}")],
        ("steps", 0, "if"),
        "!inputs.flag never gives anything",
        "Put what is not to be so into parentheses: !(inputs.name).",
    ),
    (
        "its own outcome",
        [ship("a", condition="${{ steps.a.status == 'done' }}")],
        ("steps", 0, "if"),
        "step a is not before this one: nothing is known of it yet",
        "",
    ),
    # -- references
    (
        "unknown root",
        [b("${{ input.text }}")],
        ("steps", 0, "with", "message"),
        "there is no 'input'",
        "Did you mean inputs?",
    ),
    ("a bare word", [b("${{ production }}")], ("steps", 0, "with", "message"), "there is no 'production'", "*"),
    (
        "unknown input",
        [b("${{ inputs.txt }}")],
        ("steps", 0, "with", "message"),
        "there is no input 'txt'",
        "Did you mean text?",
    ),
    (
        "unknown element",
        [b("${{ inputs.naems[0] }}")],
        ("steps", 0, "with", "message"),
        "there is no input 'naems'",
        "Did you mean names?",
    ),
    (
        "in a function",
        [b("${{ length(inputs.naems) }}")],
        ("steps", 0, "with", "message"),
        "there is no input 'naems'",
        "Did you mean names?",
    ),
    ("unknown step", [A, b("${{ steps.aa.status }}")], BAD_B, "there is no step 'aa'", "*"),
    (
        "unknown attribute",
        [A, b("${{ steps.a.output.value }}")],
        BAD_B,
        "a step has no 'output'",
        "Did you mean outputs?",
    ),
    ("unknown output", [A, b("${{ steps.a.outputs.valeu }}")], BAD_B, "ship gives no 'valeu'", "Did you mean value?"),
    (
        "unknown of run",
        [b("${{ run.envrionment }}")],
        ("steps", 0, "with", "message"),
        "run has no 'envrionment'",
        "Did you mean environment?",
    ),
    (
        "attribute of items",
        [ship("a", each=["x"]), b("${{ steps.a.exit_code }}")],
        BAD_B,
        "a step has no 'exit_code'",
        "*",
    ),
    (
        "forward",
        [Step("b", Action("note", {"message": "${{ steps.a.status }}"})), A],
        ("steps", 0, "with", "message"),
        "step a is not before this one: nothing is known of it yet",
        "",
    ),
    (
        "itself",
        [ship("a", given={"name": "${{ steps.a.status }}"})],
        ("steps", 0, "with", "name"),
        "step a is not before this one: nothing is known of it yet",
        "",
    ),
    ("may be skipped", [MAY, b("${{ steps.a.outputs.value }}")], BAD_B, NOT_SURE, ASK),
    ("may fail", [ship("a", on_failure=CONTINUE), b("${{ steps.a.outputs.value }}")], BAD_B, NOT_SURE, ASK),
    (
        "may be jumped past",
        [ship("z", on_failure="b"), A, b("${{ steps.a.outputs.value }}")],
        ("steps", 2, "with", "message"),
        NOT_SURE,
        ASK,
    ),
    (
        "no item",
        [b("${{ item }}")],
        ("steps", 0, "with", "message"),
        "there is an item only in a step with for-each",
        "",
    ),
    ("bad expression", [b("${{ inputs. }}")], ("steps", 0, "with", "message"), "inputs. cannot be read", "*"),
    (
        "bad function",
        [b("${{ upper(inputs.text) }}")],
        ("steps", 0, "with", "message"),
        "upper(inputs.text) calls upper(), which JMESPath does not have",
        "*",
    ),
    ("no end", [b("${{ inputs.text }")], ("steps", 0, "with", "message"), "the expression at column 1 has no end", "*"),
    # -- for-each
    (
        "of steps",
        [A, ship("b", each="${{ steps.a.outputs.value }}")],
        ("steps", 1, "for-each"),
        "steps is not known before the run: for-each goes by inputs",
        "Write ${{ inputs.NAME }}.",
    ),
    (
        "in its list",
        [A, ship("b", each=["${{ run.id }}"])],
        ("steps", 1, "for-each", 0),
        "run is not known before the run: for-each goes by inputs",
        "Write ${{ inputs.NAME }}.",
    ),
    (
        "text",
        [ship("a", each="names")],
        ("steps", 0, "for-each"),
        "for-each takes a list, or one expression of inputs",
        "Write ${{ inputs.NAME }}.",
    ),
    (
        "not a list",
        [ship("a", each="${{ inputs.text }}")],
        ("steps", 0, "for-each"),
        "for-each takes a list, and this input is a string",
        "Give it type: list.",
    ),
    (
        "two",
        [ship("a", each="${{ inputs.names }}${{ inputs.names }}")],
        ("steps", 0, "for-each"),
        "for-each takes a list, or one expression of inputs",
        "Write ${{ inputs.NAME }}.",
    ),
    (
        "without an end",
        [ship("a", each="${{ inputs.names")],
        ("steps", 0, "for-each"),
        "the expression at column 1 has no end",
        "*",
    ),
]


@pytest.mark.parametrize("steps", [row[1] for row in GOOD], ids=[row[0] for row in GOOD])
def test_nothing_is_wrong(steps: list[Step]) -> None:
    assert of(*steps) == []


@pytest.mark.parametrize(("steps", "loc", "message", "hint"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_one_flaw(steps: list[Step], loc: tuple[object, ...], message: str, hint: str) -> None:
    flaws = of(*steps)
    assert [(flaw.loc, flaw.message[: len(message)]) for flaw in flaws] == [(loc, message)]
    assert flaws[0].hint if hint == "*" else flaws[0].hint == hint


@pytest.mark.parametrize(
    ("one", "loc", "message"),
    [
        (Input("x", pattern="(["), ("inputs", "x", "pattern"), "'([' is no regular expression"),
        (
            Input("x", secret=True, required=False, default="s"),
            ("inputs", "x", "default"),
            "a secret has no default: a file is no place for it",
        ),
        (
            Input("x", Kind.INTEGER, required=False, default="a"),
            ("inputs", "x", "default"),
            "expected a whole number, found 'a'",
        ),
        (Input("x", allowed=("a",), required=False, default="b"), ("inputs", "x", "default"), "'b' is not allowed"),
        (
            Input("x", Kind.INTEGER, allowed=(1, "b")),
            ("inputs", "x", "allowed", 1),
            "expected a whole number, found 'b'",
        ),
        (
            Input("x", Kind.LIST, of=Kind.INTEGER, allowed=("b",)),
            ("inputs", "x", "allowed", 0),
            "expected a whole number, found 'b'",
        ),
        (
            Input("x", pattern="[a-z]", required=False, default="ab"),
            ("inputs", "x", "default"),
            "'ab' does not match [a-z]",
        ),
    ],
)
def test_flaws_of_inputs(one: Input, loc: tuple[object, ...], message: str) -> None:
    flaws = found(book(A, inputs=(one,)))
    assert [(flaw.loc, flaw.message[: len(message)]) for flaw in flaws] == [(loc, message)]


def test_inputs_without_a_flaw() -> None:
    good = (
        Input("a", required=False),
        Input("b", Kind.NUMBER, required=False, default="0.5", allowed=("0.5", 1)),
        Input("c", Kind.VERSION, required=False, default=7),
        Input("d", Kind.LIST, required=False, default=[]),
    )
    assert found(book(A, inputs=good)) == []


def test_outputs_may_be_of_steps_that_may_not_be_done_and_of_nothing_that_is_not() -> None:
    assert of(MAY, outputs={"x": "${{ steps.a.outputs.value }}"}) == []
    (flaw,) = of(MAY, outputs={"x": ["${{ steps.b.outputs.value }}"]})
    assert (flaw.loc, flaw.message) == (("outputs", "x", 0), "there is no step 'b'")


def test_two_steps_of_one_name_are_told_and_nothing_else_of_steps() -> None:
    assert [(one.loc, one.message) for one in of(A, A, b("${{ nope }}"))] == [
        (("steps", 0, "id"), "two steps are called a"),
        (("steps", 1, "id"), "two steps are called a"),
    ]


def test_every_flaw_is_found_at_once() -> None:
    flaws = of(ship("a", given={"nmae": "x"}, on_failure="zzz", condition="x"), b("${{ inputs.nope }} ${{ nope }}"))
    assert len(flaws) == 6, flaws


@pytest.mark.parametrize(
    ("steps", "sure", "reached"),
    [
        ([A, ship("b")], {"a": set(), "b": {"a"}}, {"a", "b"}),
        ([MAY, ship("b")], {"b": set()}, {"a", "b"}),
        ([ship("a", on_failure=CONTINUE), ship("b")], {"b": set()}, {"a", "b"}),
        ([ship("a", on_failure="c"), ship("b"), ship("c")], {"b": {"a"}, "c": set()}, {"a", "b", "c"}),
        (
            [ship("a"), ship("b", on_failure="d"), ship("c"), ship("d")],
            {"c": {"a", "b"}, "d": {"a"}},
            {"a", "b", "c", "d"},
        ),
        ([ship("a", on_failure="c"), ship("b", end=True), ship("c")], {"c": set()}, {"a", "b", "c"}),
        ([ship("a", end=True), ship("b")], {}, {"a"}),
        ([ship("a", end=True, condition=IF), ship("b")], {"b": set()}, {"a", "b"}),
        ([ship("a", end=True, each="${{ inputs.names }}"), ship("b")], {"b": set()}, {"a", "b"}),
        ([ship("a", each="${{ inputs.names }}"), ship("b")], {"b": {"a"}}, {"a", "b"}),
        ([ship("a", condition=False), ship("b")], {"b": set()}, {"a", "b"}),
        ([ship("a", end=True, on_failure=CONTINUE), ship("b")], {"b": set()}, {"a", "b"}),
        ([ship("a", condition=False, end=True, on_failure="c"), ship("b"), ship("c")], {"c": {"b"}}, {"a", "b", "c"}),
        ([ship("a", on_failure="nope"), ship("b")], {"b": {"a"}}, {"a", "b"}),
    ],
)
def test_which_steps_are_done_before_others(steps: list[Step], sure: dict[str, set[str]], reached: set[str]) -> None:
    flow = flow_of(book(*steps))
    assert {step.id for step in steps if flow.reached(step.id)} == reached
    assert {name: set(flow.sure(name)) for name in sure} == sure
