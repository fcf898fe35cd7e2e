"""The shipped playbooks for bad nights, each from start to end and where it fails, on the sandbox."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.playbook.records import Outcome
from tests.wire.conftest import FAILING, make_function, until, zipped
from tests.wire.playbooks import Bell, Line, bell, bodies, count, line, play, queue, recorded, statuses, undone
from tests.wire.test_dlq_redrive import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.conftest import Clients, Function, Shell
    from tests.wire.proxy import Wire

QUIET = {"quiet": "0s", "within": "1s"}
PICKY = zipped("def handler(event, context):\n    assert 'poison' not in event['Records'][0]['body']\n")


@pytest.fixture
def alarm(function: Function) -> Bell:
    return bell(function)


@pytest.fixture
def fed(function: Function) -> Iterator[Line]:
    yield from line(function)


# -- bad-release ---------------------------------------------------------------------------------------------------


def test_bad_release_goes_back_and_sees_that_it_is_over(function: Function, shell: Shell, fed: Line) -> None:
    """With a handler that fails, and the alarm that sees it."""
    version, alarm = function.publish(FAILING), function.alarm()
    function.wait_for(alarm, "OK")
    fast = ("--strategy", "100%:1s", "--compare", "none", "--yes")
    assert shell("release", function.target, "--to", version, *fast).code == 0
    for _ in range(3):
        function.clients("lambda").invoke(FunctionName=function.name, Qualifier="live", Payload=b"{}")
    function.wait_for(alarm, "ALARM")
    inputs = {"target": function.target, "alarms": alarm, "quiet": "1s", "within": "60s"}
    ran = play(shell, "bad-release", inputs)
    assert ran.code == 0, ran.out + ran.err
    assert function.alias() == ("1", {})
    assert fed.state() == "Enabled", "what is over needs no halt"
    run = recorded(shell, "bad-release")
    assert statuses(run)["stop"] == "skipped"
    found = ran.data["outputs"]
    assert (found["before"], found["after"], found["in_alarm_before"]) == (version, "1", [alarm])
    assert [row["number"] for row in found["versions"]] == [version, "2", "1"]
    assert any("to ALARM" in row["what"] for row in found["rang"])


def test_bad_release_halts_what_still_fails(function: Function, shell: Shell, fed: Line, alarm: Bell) -> None:
    function.point("2")
    alarm.ring()
    inputs = {"target": function.target, "to": "1", "alarms": str(alarm), **QUIET}
    ran = play(shell, "bad-release", inputs)
    assert ran.code == 9, ran.out + ran.err
    assert function.alias() == ("1", {})
    assert fed.state() == "Disabled"
    run = recorded(shell, "bad-release")
    assert run.closed is not None
    assert run.closed.outcome is Outcome.PARTLY
    assert {key: statuses(run)[key] for key in ("back", "quiet", "stop")} == {
        "back": "done",
        "quiet": "failed",
        "stop": "done",
    }
    assert [one["uuid"] for one in ran.data["outputs"]["halted"]] == [fed.mapping]


def test_bad_release_with_a_misspelled_alarm_goes_back_and_halts_nothing(
    function: Function, shell: Shell, fed: Line
) -> None:
    function.point("2")
    inputs = {"target": function.target, "to": "1", "alarms": "no-such-alarm", **QUIET}
    assert play(shell, "bad-release", inputs).code == 9
    assert function.alias() == ("1", {})
    assert fed.state() == "Enabled"


# -- dlq-drain -----------------------------------------------------------------------------------------------------


def test_dlq_drain_sends_everything_back(clients: Clients, shell: Shell) -> None:
    pair = Pair(clients)
    before = pair.fill(14)
    ran = play(shell, "dlq-drain", {"queue": pair.dead, "stages": "5,all", "watch": "1s"})
    assert ran.code == 0, ran.out + ran.err
    assert pair.count(pair.dead_url) == 0
    assert sorted(pair.drained(pair.home_url)) == sorted(before)
    assert ran.data["outputs"]["moved"] == 14


def test_dlq_drain_stops_for_an_alarm_and_goes_on_where_it_stopped(
    clients: Clients, shell: Shell, wire: Wire, alarm: Bell
) -> None:
    pair = Pair(clients)
    before = pair.fill(14)
    wire.watch = lambda call: alarm.ring() if call == "SendMessageBatch" else None
    inputs = {"queue": pair.dead, "alarms": str(alarm), "stages": "5,all", "watch": "2s"}
    ran = play(shell, "dlq-drain", inputs)
    assert ran.code == 6, ran.out + ran.err
    assert 0 < pair.count(pair.dead_url) < 14
    run = recorded(shell, "dlq-drain")
    assert run.held is not None
    assert statuses(run) == {"calm": "done", "look": "done", "drain": "failed"}
    wire.watch = lambda _: None
    alarm.hush()
    ran = shell("playbook", "resume", run.id, "--yes", "--output", "json")
    assert ran.code == 0, ran.out + ran.err
    assert pair.count(pair.dead_url) == 0
    assert sorted(pair.drained(pair.home_url)) == sorted(before), "nothing lost, nothing twice"


def test_dlq_drain_does_not_begin_while_an_alarm_rings(clients: Clients, shell: Shell, wire: Wire, alarm: Bell) -> None:
    pair = Pair(clients)
    pair.fill(3)
    alarm.ring()
    assert play(shell, "dlq-drain", {"queue": pair.dead, "alarms": str(alarm)}).code == 6
    assert pair.count(pair.dead_url) == 3
    assert "ReceiveMessage" not in wire.calls


# -- poison-message ------------------------------------------------------------------------------------------------


@pytest.fixture
def blocked(function: Function, fed: Line) -> Line:
    """A queue with a message that its function fails for, tried once at least."""
    function.point(function.publish(PICKY))
    fed.send('{"order": "poison"}')
    until(lambda: fed.waiting() == 1)
    return fed


def poisoned(blocked: Line, **more: str) -> dict[str, str]:
    name = blocked.function.name
    inputs = {"queue": blocked.name, "function": name, "quarantine": f"{name}-aside"}
    return {**inputs, "filter": "contains(to_string(body), 'poison')", **more}


def test_poison_message_is_set_aside_and_the_queue_goes_on(blocked: Line, shell: Shell) -> None:
    aside = queue(blocked.function, f"{blocked.function.name}-aside")
    ran = play(shell, "poison-message", poisoned(blocked))
    assert ran.code == 0, ran.out + ran.err
    assert bodies(blocked.function, aside) == ['{"order": "poison"}']
    assert blocked.state() == "Enabled"
    blocked.send('{"order": "fine"}')
    until(lambda: blocked.waiting() == 0)
    assert undone(recorded(shell, "poison-message")) == {}


def test_poison_message_that_nothing_matches_starts_the_queue_again(blocked: Line, shell: Shell) -> None:
    aside = queue(blocked.function, f"{blocked.function.name}-aside")
    ran = play(shell, "poison-message", poisoned(blocked, filter="contains(to_string(body), 'cyanide')"))
    assert ran.code == 9, ran.out + ran.err
    run = recorded(shell, "poison-message")
    assert (statuses(run)["found"], undone(run)) == ("failed", {"stopped": "done"})
    assert run.closed is not None
    assert run.closed.outcome is Outcome.UNDONE
    assert blocked.state() == "Enabled"
    assert (count(blocked.function, aside), blocked.waiting()) == (0, 1)


def test_poison_message_starts_nothing_that_somebody_else_halted(blocked: Line, shell: Shell) -> None:
    queue(blocked.function, f"{blocked.function.name}-aside")
    assert shell("halt", blocked.function.name, "--yes", "--reason", "leave it").code == 0
    assert play(shell, "poison-message", poisoned(blocked)).code == 6
    assert blocked.state() == "Disabled"
    assert undone(recorded(shell, "poison-message")) == {}


def test_poison_message_of_which_there_are_many_is_an_outage(blocked: Line, shell: Shell) -> None:
    aside = queue(blocked.function, f"{blocked.function.name}-aside")
    blocked.send('{"order": "poison", "n": 2}', '{"order": "poison", "n": 3}')
    ran = play(shell, "poison-message", poisoned(blocked, most="2"))
    assert ran.code == 9, ran.out + ran.err
    assert statuses(recorded(shell, "poison-message"))["few"] == "failed"
    assert count(blocked.function, aside) == 2
    assert blocked.state() == "Enabled"


# -- throttling-storm ----------------------------------------------------------------------------------------------


def on_mapping(wire: Wire, *deeds: object) -> None:
    """Something happens in the world after each change of a mapping, one after another."""
    left = list(deeds)

    def watch(call: str) -> None:
        if call == "UpdateEventSourceMapping" and left:
            deed = left.pop(0)
            if callable(deed):
                deed()

    wire.watch = watch


def storm(alarm: Bell, **more: str) -> dict[str, str]:
    return {"functions": alarm.function.name, "alarms": str(alarm), **QUIET, "stages": "all", "watch": "2s", **more}


def test_throttling_storm_is_over_while_they_wait(fed: Line, shell: Shell, wire: Wire, alarm: Bell) -> None:
    alarm.ring()
    seen: list[str] = []
    on_mapping(wire, alarm.hush, lambda: seen.append(fed.state()))
    ran = play(shell, "throttling-storm", storm(alarm, within="30s"))
    assert ran.code == 0, ran.out + ran.err
    assert wire.calls.count("UpdateEventSourceMapping") == 2
    assert seen, "it was started again"
    assert fed.state() == "Enabled"
    assert ran.data["outputs"]["account"]["ConcurrentExecutions"] > 0


def test_throttling_storm_that_goes_on_without_them_starts_them_again(
    fed: Line, shell: Shell, wire: Wire, alarm: Bell
) -> None:
    alarm.ring()
    ran = play(shell, "throttling-storm", storm(alarm))
    assert ran.code == 9, ran.out + ran.err
    run = recorded(shell, "throttling-storm")
    assert (statuses(run)["calm"], undone(run)) == ("failed", {"spare[0]": "done"})
    assert wire.calls.count("UpdateEventSourceMapping") == 2
    assert fed.state() == "Enabled"


def test_throttling_storm_that_comes_back_with_them_stops_them_again(
    fed: Line, shell: Shell, wire: Wire, alarm: Bell
) -> None:
    alarm.ring()
    on_mapping(wire, alarm.hush, alarm.ring)
    ran = play(shell, "throttling-storm", storm(alarm, within="30s"))
    assert ran.code == 9, ran.out + ran.err
    run = recorded(shell, "throttling-storm")
    assert (statuses(run)["back[0]"], undone(run)) == ("failed", {})
    assert fed.state() == "Disabled"


@pytest.mark.parametrize("name", ["throttling-storm", "downstream-outage"])
def test_nothing_is_halted_while_no_alarm_rings(fed: Line, shell: Shell, wire: Wire, alarm: Bell, name: str) -> None:
    ran = play(shell, name, {"functions": fed.function.name, "alarms": str(alarm)})
    assert ran.code == 6, ran.out + ran.err
    assert wire.writes == []
    assert fed.state() == "Enabled"


# -- downstream-outage ---------------------------------------------------------------------------------------------


def test_downstream_outage_is_waited_out(clients: Clients, fed: Line, shell: Shell, wire: Wire, alarm: Bell) -> None:
    """Two consumers: both stop before one starts."""
    other = make_function(clients, f"{fed.function.name}b")
    lines = line(other)
    second = next(lines)
    try:
        alarm.ring()
        states: list[tuple[str, str]] = []
        on_mapping(wire, partial(int), alarm.hush, lambda: states.append((fed.state(), second.state())))
        inputs = storm(alarm, functions=f"{fed.function.name},{other.name}", within="30s")
        ran = play(shell, "downstream-outage", inputs)
        assert ran.code == 0, ran.out + ran.err
        assert states[0][1] == "Disabled", "the second waits for the first"
        assert (fed.state(), second.state()) == ("Enabled", "Enabled")
        assert {one["uuid"] for one in ran.data["outputs"]["halted"]} == {fed.mapping, second.mapping}
    finally:
        next(lines, None)
        clients("lambda").delete_function(FunctionName=other.name)


def test_downstream_outage_that_lasts_keeps_them_halted_and_can_be_waited_for_again(
    fed: Line, shell: Shell, alarm: Bell
) -> None:
    alarm.ring()
    ran = play(shell, "downstream-outage", storm(alarm))
    assert ran.code == 6, ran.out + ran.err
    assert fed.state() == "Disabled"
    run = recorded(shell, "downstream-outage")
    assert (statuses(run)["up"], undone(run)) == ("failed", {})
    alarm.hush()
    ran = shell("playbook", "resume", run.id, "--yes", "--output", "json")
    assert ran.code == 0, ran.out + ran.err
    assert fed.state() == "Enabled"


# -- stuck-iterator ------------------------------------------------------------------------------------------------


@pytest.fixture
def stream(function: Function) -> Iterator[Line]:
    """A Kinesis stream that the function reads, with no way out for a record that fails."""
    kinesis, name = function.clients("kinesis"), f"{function.name}-stream"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    made = function.clients("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName=function.target, StartingPosition="TRIM_HORIZON"
    )
    yield Line(function, name, "", str(made["UUID"]))
    function.clients("lambda").delete_event_source_mapping(UUID=made["UUID"])
    kinesis.delete_stream(StreamName=name)


def test_stuck_iterator_is_restarted_and_catches_up(stream: Line, shell: Shell, wire: Wire, alarm: Bell) -> None:
    alarm.ring()
    on_mapping(wire, partial(int), alarm.hush)
    inputs = {"function": stream.function.name, "stream": stream.name, "alarms": str(alarm)}
    ran = play(shell, "stuck-iterator", {**inputs, **QUIET, "within": "30s"})
    assert ran.code == 0, ran.out + ran.err
    assert wire.calls.count("UpdateEventSourceMapping") == 2
    assert stream.state() == "Enabled"
    assert stream.function.alias() == ("1", {}), "nothing was rolled back unasked"
    assert stream.mapping in ran.data["outputs"]["no_way_out"]


def test_stuck_iterator_that_a_restart_does_not_help(stream: Line, shell: Shell, alarm: Bell) -> None:
    function = stream.function
    function.point("2", {"1": 0.5})
    alarm.ring()
    inputs = {"function": function.name, "stream": stream.name, "alarms": str(alarm), **QUIET, "rollback": "true"}
    ran = play(shell, "stuck-iterator", inputs)
    assert ran.code == 9, ran.out + ran.err
    assert function.alias() == ("2", {})
    assert stream.state() == "Enabled"
    run = recorded(shell, "stuck-iterator")
    assert (statuses(run)["moves"], statuses(run)["after"], undone(run)) == ("failed", "done", {})


def test_stuck_iterator_where_no_stream_is_read(function: Function, shell: Shell, wire: Wire, alarm: Bell) -> None:
    alarm.ring()
    ran = play(shell, "stuck-iterator", {"function": function.name, "stream": "clicks", "alarms": str(alarm)})
    assert ran.code == 6, ran.out + ran.err
    assert "no stream is mapped" in recorded(shell, "stuck-iterator").tried["is_read"].end.message  # type: ignore[union-attr]
    assert wire.writes == []
