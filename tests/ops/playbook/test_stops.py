"""What stops a run of a playbook: alarms, people, a request to cancel it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lambdaops.core.errors import (
    AccessDeniedError,
    BlockedError,
    ExitCode,
    NothingOpenError,
    UnreachableError,
)
from lambdaops.core.model import AlarmState
from lambdaops.core.playbook.book import Action, Json, Step
from lambdaops.core.playbook.records import Outcome
from lambdaops.ops.playbook.prepare import planned
from lambdaops.ops.playbook.start import take_up
from tests.ops.playbook.books import CTRL_C, book, closed, held, ship, undoable
from tests.sim.journal import Crash
from tests.sim.playing import PlayRig

APPROVE = Step("ok", Action("approve", {"message": "Ship it?", "within": "10m"}))


def test_no_run_begins_while_an_alarm_that_stops_it_objects() -> None:
    for states in ({"fire": AlarmState.ALARM}, {}):
        rig = PlayRig(states=states)
        with pytest.raises(BlockedError):
            rig.run(book(ship("a")), stop_alarms=("fire",))
        assert rig.journal == []


def test_an_alarm_stops_the_run_between_steps_and_resuming_goes_on_once_it_is_quiet() -> None:
    rig = PlayRig(states={"fire": AlarmState.OK})
    rig.commands.script = {"a": ["slow"]}
    rig.clock.after(5, lambda: rig.states.update(fire=AlarmState.ALARM))
    steps = book(ship("a"), undoable("b"))
    assert rig.run(steps, stop_alarms=("fire",)).exit_code is ExitCode.HELD
    assert rig.story() == ["done a"]
    assert held(rig)[1] == "stopped: fire: ALARM since 03:01:00 (was OK before)"
    assert rig.resume(steps, stop_alarms=("fire",)).exit_code is ExitCode.HELD, "it still objects"
    rig.states["fire"] = AlarmState.OK
    assert rig.resume(steps).exit_code is ExitCode.DONE
    assert rig.story() == ["done a", "done b"]


def test_an_alarm_stops_a_step_that_can_be_and_its_end_is_looked_for_later() -> None:
    rig = PlayRig(states={"fire": AlarmState.OK})
    rig.commands.script = {"a": ["wait"]}
    rig.clock.after(25, lambda: rig.states.update(fire=AlarmState.ALARM))
    assert rig.run(book(ship("a")), stop_alarms=("fire",)).exit_code is ExitCode.HELD
    assert rig.story() == []
    rig.states["fire"] = AlarmState.OK
    assert rig.resume(book(ship("a"))).exit_code is ExitCode.DONE
    assert rig.commands.calls == [("a", False), ("a", True)]


@pytest.mark.parametrize(("seconds", "code"), [(45, ExitCode.DONE), (90, ExitCode.HELD)])
def test_an_alarm_that_cannot_be_read_objects_after_a_minute(seconds: int, code: ExitCode) -> None:
    rig = PlayRig(states={"fire": AlarmState.OK})
    rig.clock.after(5, lambda: setattr(rig, "blind", UnreachableError("reset")))
    rig.clock.after(5 + seconds, lambda: setattr(rig, "blind", None))
    wait = Step("a", Action("wait-for", {"time": "3m"}))
    assert rig.run(book(wait), stop_alarms=("fire",)).exit_code is code


def test_an_alarm_that_will_never_be_readable_objects_at_once() -> None:
    rig = PlayRig(states={"fire": AlarmState.OK})
    rig.clock.after(5, lambda: setattr(rig, "blind", AccessDeniedError("not allowed to DescribeAlarms")))
    began = rig.clock.now()
    rig.run(book(Step("a", Action("wait-for", {"time": "3m"}))), stop_alarms=("fire",))
    assert rig.clock.now() - began < timedelta(seconds=20)
    assert held(rig) == (6, "stopped: the alarms cannot be read: not allowed to DescribeAlarms")


def test_an_alarm_that_came_and_went_between_two_looks_has_objected() -> None:
    rig = PlayRig(states={"fire": AlarmState.OK})
    wait = book(Step("a", Action("wait-for", {"time": "3m"})))
    rig.clock.after(65, lambda: rig.flap("fire"))
    assert rig.run(wait, stop_alarms=("fire",)).exit_code is ExitCode.HELD
    assert "fire: left OK and came back" in held(rig)[1]
    assert rig.resume(wait, stop_alarms=("fire",)).exit_code is ExitCode.DONE


@pytest.mark.parametrize("given", [{"time": "3m"}, {"alarms": "smoke", "within": "3m"}])
def test_a_clock_that_is_set_back_prolongs_no_wait(given: dict[str, Json]) -> None:
    rig = PlayRig(states={"fire": AlarmState.OK, "smoke": AlarmState.ALARM})
    rig.clock.after(60, lambda: rig.clock.step_back(3_600))
    rig.run(book(Step("a", Action("wait-for", given))), stop_alarms=("fire",))
    assert sum(rig.clock.slept, timedelta()) < timedelta(minutes=4)
    assert rig.looks > 10, "the alarm of the run is looked at all the time"


def test_alarms_are_looked_at_every_ten_seconds_at_most() -> None:
    rig = PlayRig(states={"fire": AlarmState.OK})
    rig.run(book(Step("a", Action("wait-for", {"time": "1m"}))), stop_alarms=("fire",))
    assert rig.looks <= 8


def test_an_alarm_keeps_nothing_from_being_taken_back() -> None:
    """Neither what is being taken back, though it listens, nor the next."""
    rig = PlayRig(states={"fire": AlarmState.OK})
    rig.commands.script = {"c": [6], "b~undo": ["wait"]}

    def burn(notice: object) -> None:
        if "unship" in str(notice):
            rig.states["fire"] = AlarmState.ALARM

    rig.on_notice = burn
    steps = book(undoable("a"), undoable("b"), ship("c"))
    assert rig.run(steps, stop_alarms=("fire",)).exit_code is ExitCode.PARTIAL
    assert rig.story() == ["done a", "done b", "failed c", "undone b", "undone a"]
    assert rig.commands.calls[-2:] == [("b~undo", False), ("a~undo", False)]


def test_a_person_stops_the_run_at_a_boundary() -> None:
    rig = PlayRig(asked=CTRL_C)
    assert rig.run(book(ship("a"))).exit_code is ExitCode.INTERRUPTED
    assert rig.commands.calls == []
    rig.asked = None
    assert rig.run(book(ship("a"))).exit_code is ExitCode.DONE, "the same command takes it up"
    assert rig.kinds().count("playbook-opened") == 1


def test_a_person_stops_a_step_that_can_be() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": ["wait"]}
    rig.clock.after(10, lambda: setattr(rig, "asked", CTRL_C))
    assert rig.run(book(undoable("a"))).exit_code is ExitCode.INTERRUPTED
    assert rig.story() == [], "whether it was done is for the next to see"
    rig.asked = None
    assert rig.resume(book(undoable("a"))).exit_code is ExitCode.DONE
    assert rig.commands.calls == [("a", False), ("a", True)]


def test_a_person_stops_the_taking_back_which_is_resumed() -> None:
    rig = PlayRig()
    rig.commands.script = {"c": [6], "b~undo": ["wait"]}
    rig.clock.after(10, lambda: setattr(rig, "asked", CTRL_C))
    steps = book(undoable("a"), undoable("b"), ship("c"))
    assert rig.run(steps).exit_code is ExitCode.INTERRUPTED
    rig.asked = None
    assert rig.resume(steps).exit_code is ExitCode.PARTIAL
    assert rig.story() == ["done a", "done b", "failed c", "undone b", "undone a"]
    assert closed(rig)[0] is Outcome.UNDONE


def test_cancelling_takes_back_what_was_done() -> None:
    rig = PlayRig()
    rig.clock.after(60, rig.cancel)
    wait = Step("b", Action("wait-for", {"time": "5m"}))
    began = rig.clock.now()
    assert rig.run(book(undoable("a"), wait, ship("c"))).exit_code is ExitCode.PARTIAL
    assert closed(rig) == (Outcome.CANCELLED, "cancelled: enough; what was done before is taken back")
    assert rig.story() == ["done a", "failed b", "undone a"]
    assert rig.clock.now() - began < timedelta(minutes=2), "a wait does not go on for a run that was cancelled"


def test_a_command_that_can_be_stopped_is_when_its_run_is_cancelled() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": ["wait"]}
    rig.clock.after(60, rig.cancel)
    assert rig.run(book(undoable("a"), ship("c"))).exit_code is ExitCode.PARTIAL
    assert rig.story() == ["failed a", "undone a"]


def test_cancelling_a_run_that_waits_for_approval() -> None:
    rig = PlayRig()
    rig.clock.after(60, rig.cancel)
    assert rig.run(book(APPROVE)).exit_code is ExitCode.PARTIAL
    assert closed(rig) == (Outcome.CANCELLED, "cancelled: enough")


def test_a_cancelled_run_that_nobody_drives_is_ended_by_resuming() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": ["die-before"]}
    steps = book(undoable("a"), undoable("b"), ship("c"))
    with pytest.raises(Crash):
        rig.run(steps)
    rig.cancel()
    assert rig.replayed().open
    assert rig.resume(steps).exit_code is ExitCode.PARTIAL
    assert rig.story() == ["done a", "undone b", "undone a"], "what may have been done is taken back, too"


def test_cancelling_while_it_is_taken_back_changes_nothing() -> None:
    rig = PlayRig()
    rig.commands.script = {"b": [6], "a~undo": ["wait"]}
    rig.clock.after(30, rig.cancel)
    rig.run(book(undoable("a"), ship("b")))
    assert closed(rig)[0] is Outcome.UNDONE
    assert rig.story() == ["done a", "failed b", "undone a"]


def test_a_request_that_comes_in_the_very_moment_a_run_is_taken_up_is_heeded() -> None:
    rig = PlayRig()
    rig.commands.script = {"a": [6]}
    steps = book(ship("a"))
    rig.run(steps)
    rig.on_notice = lambda notice: rig.cancel() if "taking up" in str(notice) else None
    rig.resume(steps)
    assert closed(rig)[0] is Outcome.CANCELLED


def test_a_run_that_is_over_is_neither_taken_up_nor_cancelled() -> None:
    rig = PlayRig()
    steps = book(ship("a"))
    done = rig.run(steps).run.id
    for act in (rig.cancel, lambda: take_up(rig.ports, planned(rig.ports, rig.request(steps)), done)):
        with pytest.raises(NothingOpenError):
            act()


def test_an_alarm_that_is_named_only_when_it_is_taken_up_stops_it_as_well() -> None:
    rig = PlayRig(states={"fire": AlarmState.OK})
    rig.commands.script = {"a": [6]}
    steps = book(ship("a"), ship("b"))
    rig.run(steps)
    rig.commands.script = {"a": ["slow"]}
    rig.clock.after(5, lambda: rig.states.update(fire=AlarmState.ALARM))
    assert rig.run(steps, stop_alarms=("fire",)).exit_code is ExitCode.HELD
    assert rig.story() == ["failed a", "done a"]


def test_a_look_in_between_ends_blindness() -> None:
    rig = PlayRig(states={"fire": AlarmState.OK})
    for seconds, error in ((5, UnreachableError("reset")), (50, None), (65, UnreachableError("reset")), (115, None)):
        rig.clock.after(seconds, lambda error=error: setattr(rig, "blind", error))  # type: ignore[misc]
    wait = Step("a", Action("wait-for", {"time": "3m"}))
    assert rig.run(book(wait), stop_alarms=("fire",)).exit_code is ExitCode.DONE
