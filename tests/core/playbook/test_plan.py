"""What a run would do: its hash, what is known and what is not, and no secret."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import InvalidExpressionError
from lambdaops.core.playbook.book import Action, Input, Json, Kind, Playbook, Step, Undo
from lambdaops.core.playbook.commands import COMMANDS
from lambdaops.core.playbook.inputs import resolve
from lambdaops.core.playbook.plan import Place, Plan, plan_of, writes
from lambdaops.core.playbook.turns import MOST_ITEMS, turns_of
from lambdaops.core.playbook.uses import Spared, Use
from lambdaops.query.values import JmespathValues
from tests.core.playbook.book_values import USES, book, ship

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambdaops.core.playbook.scope import Books

HERE = Place("111122223333", "eu-central-1", "prod")
INPUTS = (
    Input("name"),
    Input("names", Kind.LIST, required=False, default=["x", "y"]),
    Input("token", secret=True),
    Input("maybe", required=False),
    Input("go", Kind.BOOLEAN, required=False, default=False),
)
SAID: dict[str, Json] = {"name": "n 1", "token": "it's secret"}


def planned(
    *steps: Step,
    said: dict[str, Json] | None = None,
    place: Place = HERE,
    digests: dict[str, str] | None = None,
    uses: Mapping[str, Use] = USES,
    books: Books = lambda _: None,
    **more: object,
) -> Plan:
    playbook: Playbook = book(*steps, **{"inputs": INPUTS, **more})
    inputs = resolve(playbook, SAID | (said or {}))
    turns = turns_of(playbook, inputs, JmespathValues().evaluate)
    return plan_of(playbook, inputs, turns, uses, JmespathValues(), place, digests or {}, books)


@pytest.mark.parametrize(
    "other",
    [
        {"said": {"name": "n2"}},
        {"said": {"names": "x"}},
        {"place": replace(HERE, account="999999999999")},
        {"place": replace(HERE, region="eu-west-1")},
        {"place": replace(HERE, environment="dev")},
        {"digests": {"other": "d9"}},
    ],
)
def test_the_hash_tells_plans_apart(other: dict[str, object]) -> None:
    assert planned(ship("a"), **other).hash != planned(ship("a")).hash  # type: ignore[arg-type]


def test_the_hash_is_that_of_the_file_not_of_secrets_or_of_what_is_typed_differently() -> None:
    one = planned(ship("a"))
    assert one.hash == planned(ship("a"), said={"token": "another"}).hash
    assert (
        one.hash
        == planned(ship("a"), said={"names": ["x", "y"]}).hash
        == planned(ship("a"), said={"names": "x,y"}).hash
    )
    assert len(one.hash) == 16
    assert one.digests == ("book d1",)
    assert planned(ship("a"), digests={"z": "1", "a": "2"}).digests == ("a 2", "book d1", "z 1")
    assert one.inputs == '{"go": false, "maybe": null, "name": "n 1", "names": ["x", "y"], "token": "***"}'


@pytest.mark.parametrize(
    ("given", "does", "unknown"),
    [
        ({"name": "${{ inputs.name }}"}, "ship 'n 1'", ()),
        ({"name": "x ${{ inputs.name }}", "tag": ["${{ inputs.name }}"]}, "ship 'x n 1' --tag 'n 1'", ()),
        ({"name": "${{ steps.z.outputs.value }}"}, "ship '<steps.z.outputs.value>'", ("steps.z.outputs.value",)),
        ({"name": "${{ inputs.name }}/${{ steps.z.status }}"}, "ship 'n 1/<steps.z.status>'", ("steps.z.status",)),
        (
            {"name": "a", "tag": ["b", "${{ steps.z.status }}"]},
            "ship a --tag b --tag '<steps.z.status>'",
            ("steps.z.status",),
        ),
        ({"name": "${{ run.id }}"}, "ship '<run.id>'", ()),
        ({"name": "a", "mode": "${{ inputs.maybe }}"}, "ship a", ()),
        ({"name": "a", "more": {"m": "${{ inputs.maybe }}"}}, None, ()),
        ({"name": "${{ inputs.token }}"}, "ship ***", ()),
        ({"name": "a", "more": {"t": "${{ inputs.token }}"}}, 'ship a --more \'{"t": "***"}\'', ()),
        ({"name": "${{ length(inputs.go) }}"}, None, ()),
        ({"name": "${{ steps.z.status }} ${{ inputs.names }}"}, None, ("steps.z.status",)),
    ],
)
def test_what_a_step_does_as_far_as_it_is_known(
    given: dict[str, Json], does: str | None, unknown: tuple[str, ...]
) -> None:
    plan = planned(ship("z"), ship("a", given=given))
    step = plan.steps[1]
    if does is None:
        assert "<" in step.does
    else:
        assert step.does == does
    assert step.unknown == unknown
    assert "secret" not in repr(plan)


@pytest.mark.parametrize(
    ("condition", "when"),
    [
        (True, "always"),
        (False, "not"),
        ("${{ inputs.go }}", "not"),
        ("${{ inputs.name }}", "always"),
        ("${{ steps.z.status == 'done' }}", "${{ steps.z.status == 'done' }}"),
        ("${{ run.failed }}", "${{ run.failed }}"),
        ("${{ inputs.maybe }}", "not"),
    ],
)
def test_when_a_step_is_done(condition: Json, when: str) -> None:
    assert planned(ship("z"), ship("a", condition=condition)).steps[1].when == when


@pytest.mark.parametrize(
    ("undo", "does", "when"),
    [
        (None, "", ""),
        (Undo("unship", {"name": "a"}), "unship a", "always"),
        (Undo("unship", {"name": "${{ outputs.name }}"}), "unship '<outputs.name>'", "always"),
        (Undo("unship", {"name": "a"}, "${{ outputs.value }}"), "unship a", "${{ outputs.value }}"),
        (Undo("unship", {"name": "a"}, "${{ inputs.go }}"), "unship a", "not"),
        (Undo("unship", {"name": "a"}, "${{ inputs.name }}"), "unship a", "always"),
    ],
)
def test_when_a_step_is_taken_back(undo: Undo | None, does: str, when: str) -> None:
    (step,) = planned(ship("a", undo=undo)).steps
    assert (step.undo, step.undo_when) == (does, when)


def test_an_item_is_taken_back_as_itself() -> None:
    undo = Undo("unship", {"name": "${{ item }}"}, "${{ item == 'x' }}")
    plan = planned(ship("a", undo=undo, each="${{ inputs.names }}"))
    assert [(one.undo, one.undo_when) for one in plan.steps] == [("unship x", "always"), ("unship y", "not")]


def test_calls_targets_and_what_takes_back() -> None:
    steps = (
        ship("a", undo=Undo("unship", {"name": "${{ steps.a.outputs.name }}"})),
        ship("b", given={"name": "${{ item }}"}, each="${{ inputs.names }}"),
        ship("c", "look"),
        Step("d", Action("aws", {"service": "sqs", "call": "GetQueueUrl"})),
        Step("e", Action("approve", {"message": "Sure?"})),
        Step("f", Action("invoke", {"target": "f:live", "payload": {"t": "${{ inputs.token }}"}})),
        Step("g", Action("note", {"message": "${{ inputs.name }}"})),
    )
    plan = planned(*steps)
    assert plan.targets == ("a", "x", "y", "f:live")
    assert [one.key for one in plan.steps] == ["a", "b[0]", "b[1]", "c", "d", "e", "f", "g"]
    first = plan.steps[0]
    assert (first.reads, first.writes, first.changes) == (("lambda:GetAlias",), ("lambda:UpdateAlias",), True)
    assert first.undo == "unship '<steps.a.outputs.name>'"
    assert (first.undo_reads, first.undo_writes) == (("lambda:GetAlias",), ("lambda:UpdateAlias",))
    assert (plan.steps[1].undo_reads, plan.steps[1].undo_writes) == ((), ())
    assert plan.steps[4].reads == ("sqs:GetQueueUrl",)
    assert plan.steps[5].approval
    assert plan.steps[6].does == "invoke target=f:live payload=(not shown)"
    assert plan.steps[7].does == "note message=n 1"


WITH, OFF, LACKING = (
    Spared(("x:Put",), given=("to", "by")),
    Spared(("x:Put",), off="go"),
    Spared(("x:Put",), lacking=("all", "most")),
)


@pytest.mark.parametrize(
    ("spared", "given", "spares"),
    [
        (WITH, {}, False),
        (WITH, {"to": "2"}, True),
        (WITH, {"by": ["x"]}, True),
        (WITH, {"to": "<steps.a.outputs.version>"}, True),
        (WITH, {"to": None, "by": []}, False),
        (WITH, {"to": False}, False),
        (OFF, {}, False),
        (OFF, {"go": True}, False),
        (OFF, {"go": "<steps.a.outputs.go>"}, False),
        (OFF, {"go": False}, True),
        (LACKING, {}, True),
        (LACKING, {"all": False}, True),
        (LACKING, {"all": "<steps.a.outputs.all>"}, False),
        (LACKING, {"most": True}, False),
        (LACKING, {"to": "2"}, True),
    ],
)
def test_calls_that_certain_options_spare_are_not_in_the_plan(
    spared: Spared, given: dict[str, Json], spares: bool
) -> None:
    """What only an earlier step can tell counts as given: the plan says what may be called at most."""
    use = Use("put", calls=("x:Get", "x:Put"), spared=(spared,))
    (step,) = planned(Step("a", Action("put", given)), uses={"put": use}).steps
    assert (step.reads, step.writes) == (("x:Get",), () if spares else ("x:Put",))


INNER = Playbook(
    "inner",
    (
        ship("q", given={"name": "${{ inputs.where }}"}),
        ship("r", given={"name": "${{ item }}!"}, each="${{ inputs.all }}"),
        ship("s", given={"name": "s"}, condition="${{ inputs.go }}"),
        ship("t", given={"name": "${{ steps.q.outputs.value }}"}, condition="${{ run.failed }}"),
        ship("u", "look"),
    ),
    inputs=(
        Input("where", required=False, default="here"),
        Input("all", Kind.LIST, required=False, default=[]),
        Input("go", Kind.BOOLEAN, required=False, default=False),
    ),
)
MIDDLE = Playbook(
    "middle",
    (
        Step("m", Action("run-playbook", {"playbook": "inner", "inputs": {"where": "${{ inputs.where }}"}})),
        Step("n", Action("run-playbook", {"playbook": "inner", "inputs": {"where": "middle"}}), condition=False),
    ),
    inputs=(Input("where"),),
)
FLAWED = Playbook(
    "flawed",
    (
        ship("a", "nope"),
        ship("b", condition="no expression"),
        ship("c", given={"name": "${{ inputs. }}"}),
        ship("d", each="x"),
        Step("e", Action("run-playbook", {"playbook": "gone"})),
        Step("f", Action("run-playbook", {"playbook": ["x"]})),
    ),
)
BOOKS = {one.name: one for one in (INNER, MIDDLE, FLAWED)}
Q = "<steps.q.outputs.value>"


def runs(playbook: str, inputs: Json = None, **more: object) -> Step:
    """A step that runs another playbook."""
    given: dict[str, Json] = {"playbook": playbook}
    if inputs is not None:
        given["inputs"] = inputs
    return Step("x", Action("run-playbook", given), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("steps", "known", "unknown"),
    [
        ([runs("inner")], ("here",), (Q,)),
        ([runs("inner", {"where": "there", "all": ["a", "b"], "go": True})], ("there", "a!", "b!", "s"), (Q,)),
        ([runs("inner", {"where": "${{ inputs.name }}"})], ("n 1",), (Q,)),
        ([runs("inner", {"where": "${{ inputs.maybe }}"})], ("here",), (Q,)),  # left to that playbook
        ([runs("inner", "${{ {where: 'w', all: inputs.names} }}")], ("w", "x!", "y!"), (Q,)),
        ([runs("inner", {"where": "${{ item }}"}, each="${{ inputs.names }}")], ("x", "y"), (Q,)),
        ([runs("middle", {"where": "deep"})], ("deep",), (Q,)),
        ([runs("inner", condition=False)], (), ()),
        ([runs("inner", condition="${{ inputs.go }}")], (), ()),
        ([runs("inner", condition="${{ run.failed }}")], ("here",), (Q,)),
        ([ship("here"), runs("inner")], ("here",), (Q,)),
        ([runs("gone")], (), ()),
        # what only an earlier step can tell
        ([ship("z"), runs("inner", {"where": "${{ steps.z.outputs.value }}"})], ("z",), ("<inputs.where>", Q)),
        ([ship("z"), runs("middle", {"where": "${{ run.id }}"})], ("z",), ("<inputs.where>", Q)),
        ([ship("z"), runs("inner", "${{ steps.z.outputs.value }}")], ("z", "s"), ("<inputs.where>", "<item>!", Q)),
        ([ship("z"), runs("inner", {"all": "${{ steps.z.outputs.value }}"})], ("z", "here"), ("<item>!", Q)),
        ([ship("z"), runs("inner", {"all": ["a", "${{ run.id }}"]})], ("z", "here"), ("<item>!", Q)),
        ([ship("z"), runs("inner", {"go": "${{ run.failed }}"})], ("z", "here", "s"), (Q,)),
        ([ship("z"), ship("a", given={"name": "${{ run.id }}"})], ("z",), ("<run.id>",)),
        # what is wrong with a playbook that is run is told when it is
        ([runs("flawed")], ("b", "d"), ("<inputs. cannot be read at column 8 (''): inputs.>",)),
        ([runs("inner", {"go": "perhaps", "all": 7})], ("here", "s"), ("<item>!", Q)),
        ([runs("inner", "x"), runs("middle")], ("s",), ("<inputs.where>", "<item>!", Q)),
    ],
)
def test_the_targets_are_those_of_playbooks_that_are_run_as_well(
    steps: list[Step], known: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    plan = planned(*steps, books=BOOKS.get)
    assert (plan.targets, plan.targets_unknown) == (known, unknown)


def test_the_steps_of_playbooks_that_are_run_are_planned_as_well() -> None:
    plan = planned(runs("middle", {"where": "deep"}), runs("inner", {"go": True, "all": ["a"]}), books=BOOKS.get)
    assert [(one.key, one.does, one.when) for one in plan.steps[0].inside] == [
        ("x/m", 'playbook run inner --inputs \'{"where": "deep"}\'', "always"),
        ("x/m/q", "ship deep", "always"),
        ("x/m/t", f"ship '{Q}'", "${{ run.failed }}"),
        ("x/m/u", "look up u", "always"),
    ]
    assert [one.key for one in plan.steps[1].inside] == ["x/q", "x/r[0]", "x/s", "x/t", "x/u"]
    for step in plan.steps:
        assert step.reads == ("lambda:GetAlias",)
        assert step.writes == ("lambda:UpdateAlias",)


def test_a_playbook_that_only_looks_is_run_without_a_call_that_writes() -> None:
    looks = Playbook("looks", (ship("u", "look"), ship("v", condition=False)))
    (step,) = planned(runs("looks"), books={"looks": looks}.get).steps
    assert step.writes == ()


def test_what_takes_back_a_step_of_a_playbook_that_is_run_is_a_call_of_that() -> None:
    takes = Playbook("takes", (ship("u", "look", undo=Undo("unship", {"name": "u"})),))
    (step,) = planned(runs("takes"), books={"takes": takes}.get).steps
    assert step.writes == ("lambda:UpdateAlias",)


def test_a_playbook_with_a_flaw_is_planned_as_far_as_it_can_be_read() -> None:
    plan = planned(runs("flawed"), runs("gone"), books=BOOKS.get)
    assert [one.key for one in plan.steps[0].inside] == ["x/b", "x/c", "x/d[?]", "x/e", "x/f"]
    assert plan.steps[1].inside == ()


def test_a_secret_is_no_target_that_is_told() -> None:
    assert planned(ship("a", given={"name": "${{ inputs.token }}"})).targets == ("***",)


def test_no_more_items_than_can_be_looked_over() -> None:
    assert len(turns_of(book(ship("a", each=["x"] * MOST_ITEMS)), {}, JmespathValues().evaluate)) == MOST_ITEMS
    for each in (["x"] * (MOST_ITEMS + 1), "${{ inputs.name }}"):
        with pytest.raises(InvalidExpressionError):
            turns_of(book(ship("a", each=each)), {"name": "n"}, JmespathValues().evaluate)


def test_calls_are_told_apart_by_their_verbs() -> None:
    calls = {call for command in COMMANDS.values() for call in command.calls}
    assert {call for call in calls if not writes(call)} >= {
        "lambda:GetAlias",
        "sqs:ReceiveMessage",
        "cloudwatch:DescribeAlarms",
    }
    assert {"lambda:UpdateAlias", "lambda:Invoke", "sqs:PurgeQueue", "sns:Publish", "sqs:DeleteMessageBatch"} <= {
        call for call in calls if writes(call)
    }
