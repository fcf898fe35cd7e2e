"""The shipped playbooks that release, tidy and practise, each from start to end and where it fails, on the sandbox."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from lambdaops.sandbox import server as sandbox
from lambdaops.sandbox import shop
from tests.wire.conftest import answering, make_function, until, zipped
from tests.wire.playbooks import Bell, bell, play, recorded, statuses, undone, words

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from lambdaops.sandbox.server import Server
    from tests.wire.conftest import Clients, Function, Shell
    from tests.wire.proxy import Wire

FAST = {"strategy": "50%:1s,100%:1s", "settle": "0s", "within": "1s"}
MOODY = zipped("import os\ndef handler(event, context):\n    assert 'BROKEN' not in os.environ\n")


@pytest.fixture
def alarm(function: Function) -> Bell:
    return bell(function)


def on_alias(wire: Wire, number: int, alarm: Bell) -> None:
    """The alarm rings after so many changes of aliases."""

    def watch(call: str) -> None:
        if call == "UpdateAlias" and wire.calls.count("UpdateAlias") == number:
            alarm.ring()

    wire.watch = watch


# -- release-with-approval -----------------------------------------------------------------------------------------


@pytest.fixture
def colleague(clients: Clients, shell: Shell) -> Shell:
    """Somebody else at the same journals."""
    roles = clients("iam")
    with suppress(roles.exceptions.EntityAlreadyExistsException):
        roles.create_role(RoleName="colleague", AssumeRolePolicyDocument="{}")
    role = "arn:aws:iam::000000000000:role/colleague"
    keys = clients("sts").assume_role(RoleArn=role, RoleSessionName="bea")["Credentials"]
    variables = {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }
    return type(shell)(shell.server, shell.wire, shell.home, variables, shell.started)


def begun(shell: Shell, inputs: dict[str, str]) -> tuple[subprocess.Popen[str], str]:
    """A run that waits for somebody's yes, and its id."""
    process = shell.start(*words("release-with-approval", inputs))
    until(lambda: process.poll() is not None or _waits(shell))
    assert process.poll() is None, process.communicate()
    return process, recorded(shell, "release-with-approval").id


def _waits(shell: Shell) -> bool:
    try:
        return recorded(shell, "release-with-approval").waits is not None
    except IndexError:
        return False


def test_release_with_approval_of_a_colleague(function: Function, shell: Shell, colleague: Shell, alarm: Bell) -> None:
    inputs = {"target": function.target, "version": "2", "alarms": str(alarm), **FAST}
    process, run = begun(shell, inputs)
    assert function.alias() == ("1", {})
    own = shell("playbook", "approve", run)
    assert own.code == 3, "whoever began it is not somebody else"
    assert colleague("playbook", "approve", run, "--reason", "looks good").code == 0
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert function.alias() == ("2", {})
    assert "assumed-role/colleague/bea" in out
    told = shell("audit", "show", function.target, "--output", "json").out
    assert "approved by arn:aws:sts::000000000000:assumed-role/colleague/bea" in told, "the release says who agreed"


def test_release_with_approval_that_is_rejected(function: Function, shell: Shell, colleague: Shell, wire: Wire) -> None:
    process, run = begun(shell, {"target": function.target, "version": "2", **FAST})
    assert colleague("playbook", "reject", run, "--reason", "not on a Friday").code == 0
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 6, out
    assert function.alias() == ("1", {})
    assert wire.writes == []
    assert "not on a Friday" in out


def test_release_with_approval_that_does_not_settle_is_taken_back(
    function: Function, shell: Shell, colleague: Shell
) -> None:
    """The alarm rings when the release's own bake is over."""
    late = bell(function, "late")
    inputs = {"target": function.target, "version": "2", "alarms": str(late), **FAST}
    process, run = begun(shell, {**inputs, "settle": "7s", "within": "8s"})
    assert colleague("playbook", "approve", run).code == 0
    until(lambda: "ship" in statuses(recorded(shell, "release-with-approval")), 30)
    assert function.alias() == ("2", {})
    late.ring()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 9, out
    ended = recorded(shell, "release-with-approval")
    assert (statuses(ended)["settled"], undone(ended)) == ("failed", {"shipped": "done"})
    assert function.alias() == ("1", {})


def test_release_with_approval_of_a_version_that_there_is_not(function: Function, shell: Shell, wire: Wire) -> None:
    ran = play(shell, "release-with-approval", {"target": function.target, "version": "7", **FAST})
    assert ran.code == 6, ran.out + ran.err
    assert "agree" not in statuses(recorded(shell, "release-with-approval")), "nobody was bothered"
    assert wire.writes == []


# -- progressive-release -------------------------------------------------------------------------------------------


@pytest.fixture
def second(clients: Clients, function: Function) -> Iterator[Function]:
    made = make_function(clients, f"{function.name}b")
    yield made
    clients("lambda").delete_function(FunctionName=made.name)


@pytest.fixture
def third(clients: Clients, function: Function) -> Iterator[Function]:
    made = make_function(clients, f"{function.name}c")
    yield made
    clients("lambda").delete_function(FunctionName=made.name)


def both(function: Function, second: Function, alarm: Bell) -> dict[str, str]:
    return {"targets": f"{function.target},{second.target}", "alarms": str(alarm), **FAST}


def test_progressive_release_of_two_in_order(
    function: Function, second: Function, shell: Shell, wire: Wire, alarm: Bell
) -> None:
    third = function.publish(answering("three"))
    order: list[tuple[str, str]] = []

    def watch(call: str) -> None:
        if call == "UpdateAlias":
            order.append((function.alias()[0], second.alias()[0]))

    wire.watch = watch
    ran = play(shell, "progressive-release", both(function, second, alarm))
    assert ran.code == 0, ran.out + ran.err
    assert (function.alias(), second.alias()) == ((third, {}), ("2", {}))
    assert order == sorted(order, key=lambda seen: (seen[0] == third, seen[1] == "2")), "one after the other"
    assert [one["candidate"] for one in ran.data["outputs"]["released"]] == [third, "2"]
    assert statuses(recorded(shell, "release-newest"))["settled"] == "done"


def test_progressive_release_stops_at_the_second_and_goes_on_with_it(
    function: Function, second: Function, shell: Shell, wire: Wire, alarm: Bell
) -> None:
    on_alias(wire, 3, alarm)  # two for the first, and the first of the second
    ran = play(shell, "progressive-release", both(function, second, alarm))
    assert ran.code == 6, ran.out + ran.err
    assert (function.alias(), second.alias()) == (("2", {}), ("1", {}))
    run = recorded(shell, "progressive-release")
    assert statuses(run) == {"quiet": "done", "each[0]": "done", "each[1]": "failed"}
    wire.watch = lambda _: None
    alarm.hush()
    ran = shell("playbook", "resume", run.id, "--yes", "--output", "json")
    assert ran.code == 0, ran.out + ran.err
    assert (function.alias(), second.alias()) == (("2", {}), ("2", {}))
    assert shell("playbook", "status", "--output", "json").data["runs"] == [], "nothing is left open"


def test_progressive_release_together_takes_back_those_before_the_one_that_does_not_pass(
    function: Function, second: Function, third: Function, shell: Shell, wire: Wire, alarm: Bell
) -> None:
    """The first is promoted; the second has its newest version live already; the third does not pass."""
    second.point("2")
    order: list[tuple[str, str, str]] = []

    def watch(call: str) -> None:
        if call == "UpdateAlias":
            order.append((function.alias()[0], second.alias()[0], third.alias()[0]))
            if wire.calls.count("UpdateAlias") == 3:  # two for the first, and the first of the third
                alarm.ring()

    wire.watch = watch
    inputs = {"targets": f"{function.target},{second.target},{third.target}", "alarms": str(alarm), **FAST}
    ran = play(shell, "progressive-release", {**inputs, "together": "true"})
    assert ran.code == 9, ran.out + ran.err
    assert (function.alias(), second.alias(), third.alias()) == (("1", {}), ("2", {}), ("1", {}))
    assert {seen[1] for seen in order} == {"2"}, "what this run did not move is not moved"
    run = recorded(shell, "progressive-release")
    assert statuses(run) == {"quiet": "done", "each[0]": "done", "each[1]": "done", "each[2]": "failed"}
    assert undone(run) == {"each[2]": "skipped", "each[1]": "skipped", "each[0]": "done"}
    assert shell("playbook", "status", "--output", "json").data["runs"] == [], "nothing is left open"
    assert shell("audit", "verify").code == 0
    # Put right, and published: the same command begins anew, with what is the newest now.
    newer = third.publish(answering("put right"))
    wire.watch = lambda _: None
    alarm.hush()
    ran = play(shell, "progressive-release", {**inputs, "together": "true"})
    assert ran.code == 0, ran.out + ran.err
    assert (function.alias(), second.alias(), third.alias()) == (("2", {}), ("2", {}), (newer, {}))


def test_progressive_release_together_is_held_where_nothing_was_moved_before(
    function: Function, second: Function, shell: Shell, wire: Wire, alarm: Bell
) -> None:
    function.point("2")  # its newest is live already
    on_alias(wire, 1, alarm)
    inputs = {**both(function, second, alarm), "together": "true"}
    ran = play(shell, "progressive-release", inputs)
    assert ran.code == 6, ran.out + ran.err
    assert (function.alias(), second.alias()) == (("2", {}), ("1", {}))
    wire.watch = lambda _: None
    alarm.hush()
    run = recorded(shell, "progressive-release")
    assert undone(run) == {}
    assert shell("playbook", "resume", run.id, "--yes").code == 0
    assert (function.alias(), second.alias()) == (("2", {}), ("2", {}))


def test_release_newest_moves_nothing_back_that_it_did_not_move(
    function: Function, shell: Shell, wire: Wire, alarm: Bell
) -> None:
    """The newest version is live since an earlier release, and an alarm rings now: going back would be a guess."""
    inputs = {"target": function.target, "alarms": str(alarm), **FAST}
    assert play(shell, "release-newest", inputs).code == 0
    assert function.alias() == ("2", {})
    wire.watch = lambda call: alarm.ring() if call == "ListVersionsByFunction" else None
    ran = play(shell, "release-newest", inputs)
    assert ran.code == 6, ran.out + ran.err
    assert function.alias() == ("2", {})
    run = recorded(shell, "release-newest")
    assert (statuses(run)["shipped"], statuses(run)["settled"]) == ("skipped", "failed")


def test_release_newest_is_refused_while_an_alarm_rings_and_can_be_taken_up(
    function: Function, shell: Shell, alarm: Bell
) -> None:
    alarm.ring()
    ran = play(shell, "release-newest", {"target": function.target, "alarms": str(alarm), **FAST})
    assert ran.code == 6, ran.out + ran.err
    assert function.alias() == ("1", {})
    alarm.hush()
    run = recorded(shell, "release-newest")
    ran = shell("playbook", "resume", run.id, "--yes", "--output", "json")
    assert ran.code == 0, ran.out + ran.err
    assert function.alias() == ("2", {})


# -- rotate-and-verify ---------------------------------------------------------------------------------------------


def configure(function: Function, **what: object) -> None:
    function.settle()
    function.clients("lambda").update_function_configuration(FunctionName=function.name, **what)
    function.settle()


def test_rotate_and_verify_releases_configuration_alone(
    function: Function, shell: Shell, wire: Wire, alarm: Bell
) -> None:
    function.point("2")
    configure(function, MemorySize=256)
    inputs = {"function": function.name, "alarms": str(alarm), "smoke": "true", **FAST}
    ran = play(shell, "rotate-and-verify", inputs)
    assert ran.code == 0, ran.out + ran.err
    assert function.alias() == ("3", {})
    live = function.clients("lambda").get_function_configuration(FunctionName=function.name, Qualifier="live")
    assert live["MemorySize"] == 256
    assert "UpdateFunctionCode" not in wire.calls
    assert ran.data["outputs"] == {"before": "2", "after": "3", "new": True}


def test_rotate_and_verify_goes_back_when_it_does_not_work(function: Function, shell: Shell) -> None:
    function.point(function.publish(MOODY))
    configure(function, Environment={"Variables": {"BROKEN": "1"}})
    ran = play(shell, "rotate-and-verify", {"function": function.name, "smoke": "true", **FAST})
    assert ran.code == 9, ran.out + ran.err
    assert function.alias() == ("3", {})
    run = recorded(shell, "rotate-and-verify")
    assert (statuses(run)["ship"], statuses(run)["works"], undone(run)) == ("done", "failed", {"shipped": "done"})


def test_rotate_and_verify_refuses_somebody_s_new_code(function: Function, shell: Shell, wire: Wire) -> None:
    configure(function, MemorySize=256)  # $LATEST has the code of version 2, and 1 is live
    ran = play(shell, "rotate-and-verify", {"function": function.name, **FAST})
    assert ran.code == 6, ran.out + ran.err
    assert not {"PublishVersion", "UpdateAlias", "UpdateFunctionCode"} & set(wire.calls)
    assert statuses(recorded(shell, "rotate-and-verify"))["same_code"] == "failed"


# -- weekly-hygiene ------------------------------------------------------------------------------------------------


def numbers(function: Function) -> list[str]:
    found = function.clients("lambda").list_versions_by_function(FunctionName=function.name)["Versions"]
    return [version["Version"] for version in found]


@pytest.fixture
def many(function: Function) -> Function:
    """Five versions, and the alias live on 3."""
    for number in range(3, 6):
        function.publish(answering(f"build {number}"))
    function.point("3")
    return function


def test_weekly_hygiene_tells_first_and_deletes_when_told(many: Function, shell: Shell, tmp_path: Path) -> None:
    inputs = {"functions": many.name, "keep": "1"}
    ran = play(shell, "weekly-hygiene", inputs)
    assert ran.code == 0, ran.out + ran.err
    assert ran.data["outputs"]["would_delete"] == [{"function": many.name, "versions": ["1", "2", "4"]}]
    assert numbers(many) == ["$LATEST", "1", "2", "3", "4", "5"]
    anchors = tmp_path / "anchors"
    anchors.mkdir()
    ran = play(shell, "weekly-hygiene", {**inputs, "delete": "true", "checkpoint": str(anchors)})
    assert ran.code == 0, ran.out + ran.err
    assert numbers(many) == ["$LATEST", "3", "5"]
    assert len(list(anchors.iterdir())) == 1
    assert shell("audit", "verify", "--against", str(anchors)).code == 0


def test_weekly_hygiene_finds_a_stranded_split_and_goes_on(many: Function, shell: Shell) -> None:
    many.point("3", {"4": 0.2})
    ran = play(shell, "weekly-hygiene", {"functions": many.name, "keep": "1", "delete": "true"})
    assert ran.code == 9, ran.out + ran.err
    run = recorded(shell, "weekly-hygiene")
    assert (statuses(run)["splits"], statuses(run)["prune[0]"]) == ("failed", "done")
    assert f"{many.name}:live" in str(ran.data["outputs"]["aliases"]).replace("'}", "")
    assert numbers(many) == ["$LATEST", "3", "4", "5"], "both sides of a split stay"


def test_weekly_hygiene_deletes_nothing_when_the_audit_log_was_edited(many: Function, shell: Shell, wire: Wire) -> None:
    assert shell("rollback", many.target, "--to", "2", "--reason", "before").code == 0
    (journal,) = [path for path in shell.home.rglob("*.jsonl") if "live" in str(path)]
    journal.write_text(journal.read_text("utf-8").replace("before", "behind"), "utf-8")
    wire.calls.clear()
    ran = play(shell, "weekly-hygiene", {"functions": many.name, "keep": "1", "delete": "true"})
    assert ran.code == 6, ran.out + ran.err
    assert list(statuses(recorded(shell, "weekly-hygiene"))) == ["log"]
    assert numbers(many) == ["$LATEST", "1", "2", "3", "4", "5"]
    assert "DeleteFunction" not in wire.calls


# -- game-day ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def orders(server: Server, clients: Clients, tmp_path_factory: pytest.TempPathFactory) -> shop.Shop:
    return shop.open_shop(server.endpoint, sandbox.environment(server), tmp_path_factory.mktemp("shop"))


def live(clients: Clients) -> str:
    return str(clients("lambda").get_alias(FunctionName="orders", Name="live")["FunctionVersion"])


def test_game_day_alone(orders: shop.Shop, clients: Clients, shell: Shell) -> None:
    before = live(clients)
    ran = play(shell, "game-day", {"builds": str(orders.builds), "alone": "true"})
    assert ran.code == 0, ran.out + ran.err
    assert live(clients) == before
    assert statuses(recorded(shell, "bad-release"))["back"] == "done"
    assert ran.data["outputs"]["served_by"] == before


def test_game_day_that_somebody_gives_up_is_put_right(orders: shop.Shop, clients: Clients, shell: Shell) -> None:
    before = live(clients)
    process = shell.start(*words("game-day", {"builds": str(orders.builds)}))
    until(lambda: live(clients) != before, 40)
    until(lambda: recorded(shell, "game-day").waits is not None, 40)
    assert shell("playbook", "reject", recorded(shell, "game-day").id, "--reason", "no idea").code == 0
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 9, out
    assert live(clients) == before
    assert undone(recorded(shell, "game-day")) == {"harm": "done"}


def test_game_day_is_for_the_sandbox_only(shell: Shell, wire: Wire, tmp_path: Path) -> None:
    shell.variables["AWS_ACCESS_KEY_ID"] = "111122223333"
    ran = play(shell, "game-day", {"builds": str(tmp_path)})
    assert ran.code == 6, ran.out + ran.err
    assert [(step["step"], step["status"]) for step in ran.data["steps"]] == [("sandbox", "failed")]
    assert wire.writes == []
