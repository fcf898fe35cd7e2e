"""``notify test``, and what a command that acts tells the channels, on the simulated account."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from lambdaops.cli.notifying import ToldTo
from lambdaops.cli.reach import Reach
from lambdaops.core.events import Opened
from lambdaops.core.model import Routing
from lambdaops.core.notices import Notice, Warned
from lambdaops.core.notifications import Moment, SlackChannel
from lambdaops.core.settings import Settings
from tests.cli.rig import Cli, SimChannels, SimEnv, Stream
from tests.core.test_replay import ARN
from tests.core.test_replay import Story as Journal
from tests.sim.disk import SteadyDisk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = """
version: 1
defaults: {alias: live}
environments:
  prod: {account: "111122223333", region: eu-central-1, notify: [{slack: {url-from-env: PROD_HOOK}, on: [held]}]}
  dev: {account: "111122223333", region: eu-west-1}
notify:
  - {slack: {url-from-env: HOOK}}
  - {eventbridge: {bus: default}}
"""
RELEASE = Journal().promotes("r-1", "1", "2").entries


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    (tmp_path / "lambdaops.yaml").write_text(FILE, "utf-8")
    return Cli(tmp_path / "home", directory=tmp_path)


def test_every_channel_is_tried(cli: Cli) -> None:
    ran = cli("notify", "test", "--env", "dev")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "slack (HOOK): told\neventbridge (default): told\n"
    assert [(channel, message.moment) for channel, message in cli.channels.told] == [
        ("slack (HOOK)", Moment.TEST),
        ("eventbridge (default)", Moment.TEST),
    ]
    assert {message.environment for _, message in cli.channels.told} == {"dev"}


def test_an_environment_s_own_channels_stand_instead(cli: Cli) -> None:
    assert cli("notify", "test", "--env", "prod").code == 0
    assert [channel for channel, _ in cli.channels.told] == ["slack (PROD_HOOK)"]


def test_one_that_does_not_take_it_keeps_no_other_from_being_tried(cli: Cli) -> None:
    cli.channels.deaf.add("slack (HOOK)")
    ran = cli("notify", "test", "--env", "dev")
    assert ran.code == 8
    assert ran.out == "slack (HOOK): NOT TOLD\neventbridge (default): told\n"
    assert "1 of 2 channels were not told: slack (HOOK): it answered 503" in ran.err
    data = cli("notify", "test", "--env", "dev", "--output", "json").envelope["data"]
    assert data["channels"] == [
        {"channel": "slack (HOOK)", "told": False, "problem": "slack (HOOK): it answered 503"},
        {"channel": "eventbridge (default)", "told": True, "problem": ""},
    ]


def test_where_nobody_is_to_be_told_that_is_a_mistake(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lambdaops.yaml").write_text("version: 1\n", "utf-8")
    ran = cli("notify", "test")
    assert ran.code == 2
    assert "lambdaops.yaml tells nobody" in ran.err
    (tmp_path / "lambdaops.yaml").unlink()
    assert "there is no configuration file: it tells nobody" in cli("notify", "test").err


def test_a_bus_of_another_account_is_not_written_to(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lambdaops.yaml").write_text(FILE.replace("111122223333", "999999999999"), "utf-8")
    ran = cli("notify", "test", "--env", "dev")
    assert ran.code == 3
    assert "environment dev is in account 999999999999" in ran.err
    assert cli.channels.told == []


# -- the sink ----------------------------------------------------------------------------------------------------------


class Heard:
    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def emit(self, notice: Notice) -> None:
        self.notices.append(notice)

    @property
    def warnings(self) -> list[str]:
        return [notice.message for notice in self.notices if isinstance(notice, Warned)]


@pytest.fixture
def env(cli: Cli, tmp_path: Path) -> SimEnv:
    variables = {"LAMBDAOPS_HOME": str(tmp_path / "home")}
    env = SimEnv(variables, Stream(), Stream(), Stream(), tmp_path, cli.world.clock)
    env.channels, env.disk = SimChannels(), SteadyDisk()
    return env


def reach(*channels: SlackChannel) -> Reach:
    return Reach(Settings(environment="prod", function="orders", notify=channels), "eu-central-1", None)


def test_the_channels_are_told_from_when_they_are_known(env: SimEnv) -> None:
    heard = Heard()
    with ToldTo(env, heard) as sink:
        sink.emit(Warned(env.clock.now(), "before"))
        sink.tell(reach(SlackChannel("HOOK")))
        for entry in RELEASE:
            sink.emit(entry)
    assert [message.moment for _, message in env.channels.told] == [Moment.STARTED, Moment.PROMOTED]
    assert {message.environment for _, message in env.channels.told} == {"prod"}
    assert {message.target for _, message in env.channels.told} == {ARN}
    assert heard.warnings == ["before"]
    assert any(isinstance(getattr(notice, "event", None), Opened) for notice in heard.notices)


def test_one_that_cannot_be_told_is_warned_of_before_anything_begins(env: SimEnv) -> None:
    env.channels.missing.add("slack (GONE)")
    heard = Heard()
    with ToldTo(env, heard) as sink:
        sink.tell(reach(SlackChannel("GONE"), SlackChannel("HOOK")))
        assert heard.warnings == ["nobody will be told by slack (GONE): the variable is not set"]
        for entry in RELEASE:
            sink.emit(entry)
    assert {channel for channel, _ in env.channels.told} == {"slack (HOOK)"}
    assert len(heard.warnings) == 1


def test_without_channels_nothing_is_wrapped(env: SimEnv) -> None:
    heard = Heard()
    with ToldTo(env, heard) as sink:
        sink.tell(reach())
        for entry in RELEASE:
            sink.emit(entry)
    assert env.channels.told == []
    assert len(heard.notices) == len(RELEASE)


# -- commands that act -------------------------------------------------------------------------------------------------


ACTED = """
version: 1
defaults: {alias: live, alarms: [errors], strategy: "50%:1m,100%:1m"}
notify: [{slack: {url-from-env: HOOK}}, {eventbridge: {bus: default}, on: [rolled-back]}]
"""


@pytest.fixture
def acting(cli: Cli, tmp_path: Path) -> Iterator[Cli]:
    (tmp_path / "lambdaops.yaml").write_text(ACTED, "utf-8")
    cli.world.alarm("errors")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield cli
    for number, handler in handlers.items():
        signal.signal(number, handler)


def moments(cli: Cli) -> list[tuple[str, str]]:
    return [(channel.split()[0], message.moment.value) for channel, message in cli.channels.told]


def test_a_release_and_its_rollback(acting: Cli) -> None:
    assert acting("release", "orders", "--to", "2", "--yes").code == 0
    assert acting("rollback", "orders", "--reason", "errors").code == 0
    assert sorted(moments(acting)) == [
        ("eventbridge", "rolled-back"),
        ("slack", "promoted"),
        ("slack", "rolled-back"),
        ("slack", "started"),
    ]


def test_nothing_is_told_of_what_is_only_looked_at(acting: Cli) -> None:
    for words in (("plan", "orders", "--to", "2"), ("release", "orders", "--to", "2", "--dry-run")):
        assert acting(*words).code == 0
    assert acting("release", "orders", "--to", "2", "--yes").code == 0
    acting.channels.told.clear()
    assert acting("rollback", "orders", "--dry-run").code == 0
    assert moments(acting) == []


def test_a_release_that_is_held_and_taken_up(acting: Cli) -> None:
    acting.world.clock.after(30, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert acting("release", "orders", "--to", "2", "--yes", "--on-interrupt", "hold").code == 130
    assert acting("resume", "orders:live", "--yes").code == 0
    assert moments(acting) == [("slack", "started"), ("slack", "held"), ("slack", "promoted")]


def test_an_abort_of_what_nobody_drives(acting: Cli) -> None:
    acting.world.clock.after(30, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert acting("release", "orders", "--to", "2", "--yes", "--on-interrupt", "hold").code == 130
    assert acting("abort", "orders:live", "--reason", "no").code == 0
    assert [moment for channel, moment in moments(acting) if channel == "slack"] == ["started", "held", "rolled-back"]


@pytest.mark.parametrize("words", [("release", "orders", "--to", "2", "--yes"), ("rollback", "orders", "--to", "1")])
def test_channels_that_take_nothing_change_no_exit_code(acting: Cli, words: tuple[str, ...]) -> None:
    acting.world.repoint_alias(Routing("1" if words[0] == "release" else "2"))
    acting.channels.deaf |= {"slack (HOOK)", "eventbridge (default)"}
    ran = acting(*words)
    assert ran.code == 0
    assert "not told that orders:live is" in ran.err
    acting.channels.missing |= acting.channels.deaf
    again = acting("rollback", "orders", "--to", "1", "--output", "json")
    assert again.code == 0
    assert "nobody will be told by slack (HOOK)" in again.err
