"""A run killed around every append and inside every step: every effect once, and nothing that the journal forgot."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lambdaops.core.playbook.book import CONTINUE, Action, Input, Kind, Playbook, Retry, Step, Undo
from lambdaops.core.playbook.records import ApprovalAsked, Outcome, Wish
from tests.sim.journal import Crash
from tests.sim.playing import PlayRig


def ship(name: str, **more: object) -> Step:
    undo = Undo("unship", {"name": name})
    return Step(name, Action("ship", {"name": name}), undo=undo, **more)  # type: ignore[arg-type]


FORWARD = Playbook(
    "book",
    (
        ship("a", retry=Retry(3, timedelta(seconds=5))),
        ship("skipped", condition="${{ run.failed }}"),
        Step("each", Action("ship", {"name": "${{ item }}"}), each="${{ inputs.names }}"),
        Step("ok", Action("approve", {"message": "?"})),
        ship("b", on_failure=CONTINUE),
        Step("c", Action("ship", {"name": "c"}), on_failure="e"),
        ship("d"),
        Step("e", Action("note", {"message": "${{ steps.c.message }}"})),
    ),
    inputs=(Input("names", Kind.LIST, required=False, default=["x", "y"]),),
    digest="d1",
)
BACK = Playbook("book", (ship("a"), ship("b"), ship("c"), Step("d", Action("assert", {"that": False}))), digest="d1")
SCRIPTS: dict[str, dict[str, list[int | str]]] = {"forward": {"a": [8], "c": [6, 6]}, "back": {}}
BOOKS = {"forward": FORWARD, "back": BACK}
ENDS = {"forward": Outcome.PARTLY, "back": Outcome.UNDONE}
EFFECTS = {
    "forward": {"a": 1, "each[0]": 1, "each[1]": 1, "b": 1},
    "back": dict.fromkeys(("a", "b", "c", "a~undo", "b~undo", "c~undo"), 1),
}


def rig_for(which: str) -> PlayRig:
    rig = PlayRig()
    rig.commands.script = {key: list(acts) for key, acts in SCRIPTS[which].items()}
    rig.journals.open(rig.prepared(BOOKS[which]).arn)

    def say_yes(notice: object) -> None:
        if isinstance(getattr(notice, "event", None), ApprovalAsked):
            rig.clock.after(5, lambda: rig.answer(Wish.APPROVE))

    rig.on_notice = say_yes
    return rig


def to_the_end(rig: PlayRig, which: str) -> int:
    """The same command until it is over, with a colleague who says yes; how often it died."""
    died = 0
    for _ in range(20):
        waiting = bool(rig.journal) and rig.replayed().waits is not None and rig.replayed().answer() is None
        if waiting:
            rig.answer(Wish.APPROVE)
        try:
            run = rig.run(BOOKS[which]).run
        except Crash:
            died += 1
            (journal,) = rig.journals.journals.values()
            journal.crash_at = None
            continue
        if not run.open:
            assert run == rig.replayed()
            return died
    raise AssertionError("it never ends")


def settled(rig: PlayRig, which: str) -> None:
    run = rig.replayed()
    assert run.closed is not None
    assert run.closed.outcome is ENDS[which]
    assert rig.commands.effects == EFFECTS[which]
    assert rig.kinds().count("playbook-opened") == 1
    done = [line for line in rig.story() if "done" in line]
    assert len(done) == len(set(done)), "nothing is done twice"


def appends(which: str) -> int:
    rig = rig_for(which)
    assert to_the_end(rig, which) == 0
    settled(rig, which)
    return len(rig.journal)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("which", list(BOOKS))
def test_killed_around_any_append_it_goes_on_where_it_was(which: str, before: bool) -> None:
    count = appends(which)
    assert count > 12
    for number in range(1, count + 1):
        rig = rig_for(which)
        (journal,) = rig.journals.journals.values()
        journal.crash_at, journal.crash_before = number, before
        died = to_the_end(rig, which)
        if died == 0:
            continue  # the append was the colleague's
        if not before and number == count:
            assert rig.kinds().count("playbook-opened") == 2, "it was over, and begun anew"
            continue
        settled(rig, which)


@pytest.mark.parametrize("how", ["die-before", "die-after"])
@pytest.mark.parametrize("which", list(BOOKS))
def test_killed_inside_any_step_it_recognises_what_it_did(which: str, how: str) -> None:
    for key in EFFECTS[which]:
        rig = rig_for(which)
        script = rig.commands.script
        script[key] = [how, *script.get(key, [])]
        assert to_the_end(rig, which) == 1
        settled(rig, which)
        assert (key, True) in rig.commands.calls, "whoever took it up was told that nobody knows"


def test_killed_in_every_step_one_after_another() -> None:
    rig = rig_for("back")
    rig.commands.script = {key: ["die-before", "die-after"] for key in EFFECTS["back"]}
    assert to_the_end(rig, "back") == 2 * len(EFFECTS["back"])
    settled(rig, "back")
