"""Playbooks of any mix of steps, with failures, deaths, alarms and people in any moment.

Either the check finds a flaw, or the run comes to an end that its journal explains.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import event, given
from hypothesis import strategies as st

from lambdaops.core.errors import BlockedError, LambdaOpsError, LimitReachedError, UnreachableError
from lambdaops.core.model import AlarmState
from lambdaops.core.playbook.book import ABORT, CONTINUE, Action, Input, Json, Kind, Limits, Playbook, Retry, Step, Undo
from lambdaops.core.playbook.check import check
from lambdaops.core.playbook.machine import decide
from lambdaops.core.playbook.records import Outcome, PlaybookUndoing, Status, StepBegan, StepEnded, Wish
from lambdaops.core.playbook.turns import turns_of
from lambdaops.core.playbook.uses import Again
from lambdaops.core.states import Signal
from lambdaops.ops.playbook.prepare import planned
from lambdaops.query.values import JmespathValues
from tests.examples import times
from tests.sim.journal import Crash
from tests.sim.playing import ADA, BOB, USES, PlayRig

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambdaops.core.playbook.run import Run, Tried
    from lambdaops.core.playbook.turns import Turn

INPUTS = (
    Input("items", Kind.LIST, required=False, default=["x", "y"]),
    Input("none", Kind.LIST, required=False, default=[]),
    Input("go", Kind.BOOLEAN, required=False, default=True),
)
NAMES = ["s0", "s1", "s2", "s3", "s4", "s5"]
MOST_PROCESSES = 14
CODES = [2, 3, 4, 5, 6, 8, 8, 8, 9]


def texts(number: int) -> st.SearchStrategy[Json]:
    """What a step is given: text, or what an earlier one gave, asked for more or less carefully."""
    earlier = st.sampled_from(NAMES[: number or 1])
    return (
        st.just("plain")
        if not number
        else st.one_of(
            st.just("plain"),
            st.just("plain"),
            earlier.map(lambda name: f"${{{{ steps.{name}.status }}}}"),
            earlier.map(lambda name: f"${{{{ steps.{name}.outputs.value }}}}"),
            earlier.map(lambda name: f"${{{{ steps.{name}.outputs.value || 'none' }}}}"),
            st.just("${{ run.id }}"),
        )
    )


def conditions(number: int) -> st.SearchStrategy[Json]:
    earlier = st.sampled_from(NAMES[: number or 1])
    return (
        st.sampled_from([True, True, "${{ inputs.go }}"])
        if not number
        else st.one_of(
            st.just(True),
            st.just(True),
            st.just(True),
            st.just("${{ run.failed }}"),
            st.just("${{ inputs.go }}"),
            st.just("${{ length(inputs.go) }}"),
            earlier.map(lambda name: f"${{{{ steps.{name}.status == 'done' }}}}"),
            earlier.map(lambda name: f"${{{{ steps.{name}.status == 'failed' }}}}"),
        )
    )


def undos(number: int) -> st.SearchStrategy[Undo]:
    """What takes a step back: always or if, with what the step gave, asked for more or less carefully."""
    own = f"steps.{NAMES[number]}.outputs.value"
    names = ["x", f"${{{{ {own} || 'x' }}}}", "${{ outputs.value || 'x' }}", "${{ outputs.value }}"]
    return st.builds(
        lambda name, condition: Undo("unship", {"name": name}, condition),
        st.sampled_from(names),
        st.sampled_from([True, True, *BACK_IF]),
    )


BACK_IF: dict[str, Callable[[Tried, bool], bool]] = {
    "${{ outputs.value }}": lambda tried, _: bool(tried.outputs.get("value")),
    "${{ !(outputs.value) }}": lambda tried, _: not tried.outputs.get("value"),
    "${{ outputs.name == 'plain' }}": lambda tried, _: tried.outputs.get("name") == "plain",
    "${{ run.failed }}": lambda _, failed: failed,
    "${{ inputs.go && outputs.value == 'of s0' }}": lambda tried, _: tried.outputs.get("value") == "of s0",
}
"""Conditions, and what they mean, for what a step gave and whether one has failed."""


@st.composite
def steps(draw: st.DrawFn, number: int, many: int) -> Step:
    uses = draw(st.sampled_from(["ship", "ship", "ship", "look", "once", "assert", "note", "wait-for", "approve"]))
    text = draw(texts(number))
    given: dict[str, Json] = {
        "assert": {"that": text},
        "note": {"message": text},
        "wait-for": {"time": "9s"},
        "approve": {"message": "?", "within": "1m"},
    }.get(uses, {"name": text})  # type: ignore[assignment]
    later = NAMES[number + 1 : many]
    return Step(
        NAMES[number],
        Action(uses, given),
        condition=draw(conditions(number)),
        retry=draw(st.none() | st.builds(Retry, st.integers(2, 3), st.just(timedelta(seconds=7)))),
        timeout=draw(st.none() | st.just(timedelta(minutes=2))) if USES[uses].stoppable else None,
        on_failure=draw(st.sampled_from([ABORT, ABORT, CONTINUE, *later])),
        undo=draw(st.none() | undos(number)),
        each=draw(st.sampled_from([None] * 6 + ["${{ inputs.items }}", "${{ inputs.items }}", "${{ inputs.none }}"])),
        end=draw(st.sampled_from([False] * 5 + [True])),
    )


limits = st.sampled_from([None, None, 1, 2, 3]).map(lambda most: Limits(targets=most))


@st.composite
def playbooks(draw: st.DrawFn) -> Playbook:
    many = draw(st.integers(2, len(NAMES)))
    outputs: dict[str, Json] = {"last": f"${{{{ steps.{NAMES[many - 1]}.outputs }}}}"}
    made = tuple(draw(steps(number, many)) for number in range(many))
    return Playbook("book", made, inputs=INPUTS, outputs=outputs, digest="d1", limits=draw(limits))


def before(number: int) -> str:
    """What the step before gave; of the first none."""
    return f"steps.{NAMES[number - 1]}.outputs.value" if number else "inputs.none"


@st.composite
def sagas(draw: st.DrawFn) -> Playbook:
    """Steps that are all taken back in one way or another, and a last one that fails."""
    made = [
        Step(
            NAMES[number],
            Action("ship", {"name": draw(st.sampled_from(["plain", "other", f"${{{{ {before(number)} || 'z' }}}}"]))}),
            condition=draw(st.sampled_from([True, True, True, "${{ inputs.go }}"])),
            undo=draw(undos(number) if number else undos(number).map(lambda one: replace(one, condition=True))),
            each=draw(st.sampled_from([None, None, "${{ inputs.items }}"])),
        )
        for number in range(draw(st.integers(1, len(NAMES) - 1)))
    ]
    last = Step(NAMES[len(made)], Action("assert", {"that": False}))
    return Playbook("book", (*made, last), inputs=INPUTS, digest="d1", limits=draw(limits))


KEYS = [f"{name}{item}{undo}" for name in NAMES for item in ("", "", "[0]", "[1]") for undo in ("", "", "~undo")]
BEHAVIOURS = st.sampled_from([*CODES, "partly", "die-before", "die-after", "wait", "slow", "works"])
scripts = st.dictionaries(st.sampled_from(KEYS), st.lists(BEHAVIOURS, min_size=1, max_size=3), min_size=3, max_size=12)
crashes = st.lists(st.tuples(st.integers(1, 25), st.booleans()), max_size=5)
happenings = st.lists(
    st.tuples(
        st.integers(0, 900),
        st.sampled_from(["approve", "approve-self", "reject", "cancel", "ctrl-c", "alarm", "quiet", "blind", "seeing"]),
    ),
    max_size=6,
)


def arrange(rig: PlayRig, happening: list[tuple[int, str]]) -> None:
    def politely(act: Callable[[], object]) -> Callable[[], None]:
        def try_it() -> None:
            try:
                act()
            except (BlockedError, LambdaOpsError) as error:
                event(f"refused: {error.code}")

        return try_it

    acts: dict[str, Callable[[], object]] = {
        "approve": lambda: rig.answer(Wish.APPROVE, BOB),
        "approve-self": lambda: rig.answer(Wish.APPROVE, ADA),
        "reject": lambda: rig.answer(Wish.REJECT, BOB),
        "cancel": rig.cancel,
        "ctrl-c": lambda: setattr(rig, "asked", (Signal.HOLD, "Ctrl-C")),
        "alarm": lambda: rig.states.update(fire=AlarmState.ALARM),
        "quiet": lambda: rig.states.update(fire=AlarmState.OK),
        "blind": lambda: setattr(rig, "blind", USELESS),
        "seeing": lambda: setattr(rig, "blind", None),
    }
    for seconds, what in happening:
        rig.clock.after(seconds, politely(acts[what]))


USELESS = UnreachableError("reset")


def drive(rig: PlayRig, book: Playbook, deaths: list[tuple[int, bool]]) -> Run:
    """The command, and then resuming, until the run is over; a person helps where it is held."""
    deaths, override = list(deaths), ""
    for process in range(MOST_PROCESSES):
        journal = next(iter(rig.journals.journals.values()), None)
        if deaths and journal is not None:
            after, before = deaths.pop(0)
            journal.crash_at, journal.crash_before = journal.appends + after, before
        began = rig.clock.now()
        try:
            if journal is not None and journal.entries:
                ended = rig.resume(book, repeat=process > 3, override=override)
            else:
                ended = rig.run(book, stop_alarms=("fire",), override=override)
            assert ended.run == rig.replayed(), "the process knows no more than its journal"
            assert list(ended.run.tried) == list(rig.replayed().tried)
            if not ended.run.open or process == MOST_PROCESSES - 1:
                return ended.run
            event(f"held: {ended.exit_code.name}")
            assert ended.error is not None
            if "--override-limits" in ended.error.message and process > 5:
                event("held by its limit")
                override = "it burns"
        except Crash:
            event("died")
            if journal is not None:
                journal.crash_at = None
        except LimitReachedError:
            assert not rig.journal, "only what has not begun is refused"
            event("refused by its limit")
            override = "it burns"
            continue
        except (BlockedError, UnreachableError):
            assert not rig.journal, "only what has not begun is refused"
            rig.states["fire"], rig.blind = AlarmState.OK, None
            continue
        assert rig.clock.now() - began < timedelta(hours=4), "every process has an end"
        if not rig.journal:
            continue
        if not rig.replayed().open:
            return rig.replayed()
        # Somebody looks after it: the alarm is quiet, nobody presses Ctrl-C, and a colleague says yes.
        rig.asked, rig.blind = None, None
        rig.states["fire"] = AlarmState.OK
        if process > 6:
            for seconds in range(2, 300, 20):
                rig.clock.after(seconds, lambda: _yes(rig))
        assert len(rig.journal) < 2_000, "the number of moves is bounded"
    raise AssertionError(f"it neither ends nor is held: {rig.story()[-20:]}")


def _yes(rig: PlayRig) -> None:
    try:
        rig.answer(Wish.APPROVE)
    except LambdaOpsError:
        return


def explained(rig: PlayRig, book: Playbook, run: Run) -> None:
    """What holds of every run that is over, from its journal alone."""
    events = rig.journal
    turns = turns_of(book, {one.name: one.default for one in INPUTS}, JmespathValues().evaluate)
    order = [turn.key for turn in turns]
    by_key = {turn.key: turn for turn in turns}
    event(run.closed.outcome.name if run.closed is not None else "held for good")

    ends = [one for one in events if isinstance(one, StepEnded)]
    done = Counter((one.step, one.undo) for one in ends if one.status is Status.DONE)
    assert set(done.values()) <= {1}, "no step is done twice"
    effects = rig.commands.effects
    for key, count in effects.items():
        step, undo = key.removesuffix("~undo"), key.endswith("~undo")
        use = USES["unship" if undo else by_key[step].step.action.uses]
        partial = sum(one.step == step and one.undo is undo and one.code == 9 for one in ends)
        if use.again is Again.SAFE:
            assert count <= 1 + partial, f"{key} has had its effect {count} times"
        if done[step, undo] and use.changes:
            assert count >= 1, f"{key} is on record and was never done"

    undoing = next((n for n, one in enumerate(events) if isinstance(one, PlaybookUndoing)), len(events))
    assert not [one for one in events[undoing:] if isinstance(one, StepBegan | StepEnded) and not one.undo]
    assert not [one for one in events[:undoing] if isinstance(one, StepBegan | StepEnded) and one.undo]

    within_limits(rig, book, run)

    firsts = list(dict.fromkeys(one.step for one in events if isinstance(one, StepBegan | StepEnded) and not one.undo))
    assert firsts == sorted(firsts, key=order.index), "steps go forward only"
    for one in ends:
        step_, undo_ = by_key[one.step].step, by_key[one.step].step.undo
        asked = step_.condition if not one.undo or undo_ is None else undo_.condition
        assert one.status is not Status.SKIPPED or asked is not True

    if run.closed is None:
        held_for_good(book, run)
        return
    gone_past(book, order, by_key, run)
    if run.closed.outcome in (Outcome.UNDONE, Outcome.CANCELLED):
        taken_back(run, by_key)
    if run.closed.outcome is Outcome.DONE:
        assert all(tried.status in (Status.DONE, Status.SKIPPED) for tried in run.tried.values())
    if run.closed.outcome is Outcome.PARTLY:
        assert any(tried.status is Status.FAILED for tried in run.tried.values())


def within_limits(rig: PlayRig, book: Playbook, run: Run) -> None:
    """What was acted on, as the commands saw it, is no more than the playbook may, unless somebody broke the glass."""
    uses = {turn.id: USES[turn.action.uses] for turn in book.steps}
    forward = [(key, given) for key, given in rig.commands.given if not key.endswith("~undo")]
    acted = {
        given["name"]
        for key, given in forward
        if uses[key.partition("[")[0]].changes and uses[key.partition("[")[0]].subject
    }
    known = {target for one in rig.journal if isinstance(one, StepBegan) and not one.undo for target in one.targets}
    assert acted <= known, "it is on record before it is acted on"
    if book.limits.targets is not None and not run.overrides:
        assert len(acted) <= book.limits.targets


def held_for_good(book: Playbook, run: Run) -> None:
    """Whoever resumes it meets the same failure each time, and is told so: nothing random is left by then."""
    assert run.held is not None
    if run.undoing is not None:
        assert "could not be taken back" in run.held.reason
        assert "is not on record" in run.held.reason or "gives nothing" in run.held.reason, "the rest works in the end"
        return
    (failed,) = [
        key for key, tried in run.tried.items() if tried.status is Status.FAILED and f"step {key} " in run.held.reason
    ]
    step = book.step(failed.partition("[")[0])
    hopeless = step.action.uses in ("assert", "approve") or "length" in str(step.condition)
    assert hopeless or "gives nothing" in run.held.reason, run.held.reason


def gone_past(book: Playbook, order: list[str], by_key: dict[str, Turn], run: Run) -> None:
    """Every step without a record was jumped over, or came after the end."""
    if run.closed is None or run.closed.outcome not in (Outcome.DONE, Outcome.PARTLY):
        return
    ids = [step.id for step in book.steps]
    known = [key for key in order if key in run.tried]
    for key in order:
        if key in run.tried:
            continue
        here = ids.index(key.partition("[")[0])
        before = [one for one in known if order.index(one) < order.index(key)]
        assert before, f"{key} is the first and has no record"
        last = before[-1]
        step = book.step(last.partition("[")[0])
        status = run.tried[last].status
        ended = step.end and any(
            run.tried[one].status is Status.DONE for one in before if one.partition("[")[0] == step.id
        )
        jumped = status is Status.FAILED and step.on_failure in ids and ids.index(step.on_failure) > here
        inside = status is Status.FAILED and step.on_failure in ids and step.id == ids[here]
        assert ended or jumped or inside, f"nothing explains why {key} has no record"


def taken_back(run: Run, by_key: dict[str, Turn]) -> None:
    """Whatever may have happened is taken back, unless it says that there is nothing to."""
    due = {key for key, tried in run.tried.items() if by_key[key].step.undo is not None and tried.happened}
    wanted = {key for key in due if to_take_back(run, by_key[key])}
    ends = {key: tried.status for key, tried in run.undone.items()}
    assert {key for key, status in ends.items() if status is Status.DONE} == wanted
    skipped = {key for key, status in ends.items() if status is Status.SKIPPED}
    assert skipped == due - wanted if wanted else not ends, "what is asked is on record"
    for key, tried in run.tried.items():
        if tried.status is Status.DONE and by_key[key].step.undo is not None:
            assert key in due


def to_take_back(run: Run, turn: Turn) -> bool:
    """Whether there is anything of a turn to take back, from what is on record of it."""
    undo, tried = turn.step.undo, run.tried[turn.key]
    assert undo is not None
    if undo.condition is True:
        return True
    failed = any(one.status is Status.FAILED for one in run.tried.values())
    event(f"taken back if: {undo.condition}")
    return BACK_IF[str(undo.condition)](tried, failed)


@times(8)
@given(playbooks() | sagas(), scripts, crashes, happenings)
def test_a_playbook_has_a_flaw_or_its_run_an_end_that_the_journal_explains(
    book: Playbook, script: dict[str, list[int | str]], deaths: list[tuple[int, bool]], happening: list[tuple[int, str]]
) -> None:
    flaws = check(book, USES, JmespathValues(), lambda _: None)
    if flaws:
        event("flaw")
        return
    rig = PlayRig(states={"fire": AlarmState.OK})
    rig.commands.script = {key: list(acts) for key, acts in script.items()}
    rig.journals.open(planned(rig.ports, rig.request(book)).arn)
    arrange(rig, happening)
    run = drive(rig, book, deaths)
    explained(rig, book, run)
    turns = turns_of(book, {one.name: one.default for one in INPUTS}, JmespathValues().evaluate)
    if run.cancelled is None and not run.open:
        # What was decided last is decided again from what is on record.
        closed, run.closed = run.closed, None
        again = decide(book, turns, run, USES, rig.clock.now(), repeat=True)
        assert closed is not None
        assert getattr(again, "outcome", None) is closed.outcome
