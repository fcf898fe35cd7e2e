"""``notify send`` on the simulated account: who is told, in which words, and what the end says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambdaops.core.notes import Urgency
from tests.cli.rig import Cli
from tests.cli.test_notify import FILE

if TYPE_CHECKING:
    from pathlib import Path

DEV = ("--env", "dev")
JSON = ("--output", "json")


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    (tmp_path / "lambdaops.yaml").write_text(FILE, "utf-8")
    return Cli(tmp_path / "home", directory=tmp_path)


def test_every_channel_is_told_in_the_words_that_were_given(cli: Cli) -> None:
    words = ("Payments are down", "--title", "Outage", "--target", "payments:live", "--level", "urgent", "--id", "i-1")
    ran = cli("notify", "send", *words, *DEV)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "slack (HOOK): told\neventbridge (default): told\n"
    assert [channel for channel, _ in cli.channels.notes] == ["slack (HOOK)", "eventbridge (default)"]
    note = cli.channels.notes[0][1]
    assert (note.id, note.text, note.title, note.target) == ("i-1", "Payments are down", "Outage", "payments:live")
    assert (note.level, note.environment, note.region) == (Urgency.URGENT, "dev", "eu-west-1")
    assert note.actor.arn == "arn:aws:sts::111122223333:assumed-role/oncall/ada"


def test_subject_is_another_word_for_title_and_info_the_usual_level(cli: Cli) -> None:
    assert cli("notify", "send", "hello", "--subject", "Greeting", *DEV).code == 0
    assert (cli.channels.notes[0][1].title, cli.channels.notes[0][1].level) == ("Greeting", Urgency.INFO)


def test_an_id_that_is_not_given_is_new_each_time(cli: Cli) -> None:
    ids = {cli("notify", "send", "hello", *DEV, *JSON).envelope["data"]["id"] for _ in range(3)}
    assert len(ids) == 3
    assert ids == {note.id for _, note in cli.channels.notes}


def test_where_only_a_webhook_is_told_nobody_is_asked_for_a_name(cli: Cli) -> None:
    assert cli("notify", "send", "hello", "--env", "prod").code == 0
    assert "caller" not in cli.world.calls
    assert cli.channels.notes[0][1].actor.arn == ""


@pytest.mark.parametrize(
    ("deaf", "code", "status"),
    [((), 0, "success"), (("slack (HOOK)",), 9, "partial"), (("slack (HOOK)", "eventbridge (default)"), 8, "error")],
)
def test_the_end_says_whether_all_some_or_none_took_it(cli: Cli, deaf: tuple[str, ...], code: int, status: str) -> None:
    cli.channels.deaf |= set(deaf)
    ran = cli("notify", "send", "hello", *DEV, *JSON)
    assert (ran.code, ran.envelope["status"]) == (code, status)
    told = {channel["channel"]: channel["told"] for channel in ran.envelope["data"]["channels"]}
    assert told == {name: name not in deaf for name in ("slack (HOOK)", "eventbridge (default)")}
    if deaf:
        assert ran.envelope["errors"][0]["message"].startswith(f"{len(deaf)} of 2 channels were not told: slack (HOOK)")
        assert "slack (HOOK): NOT TOLD" in cli("notify", "send", "hello", *DEV).out


def test_a_channel_that_is_missing_keeps_no_other_from_being_told(cli: Cli) -> None:
    cli.channels.missing.add("slack (HOOK)")
    assert cli("notify", "send", "hello", *DEV).code == 9
    assert [channel for channel, _ in cli.channels.notes] == ["eventbridge (default)"]


def test_a_dry_run_tells_nobody_and_foretells_the_end(cli: Cli) -> None:
    ran = cli("notify", "send", "hello", *DEV, "--dry-run")
    assert ran.code == 0
    assert ran.out == "info: hello (dev)\nslack (HOOK): would be told\neventbridge (default): would be told\n"
    cli.channels.missing.add("slack (HOOK)")
    ran = cli("notify", "send", "hello", *DEV, "--dry-run", *JSON)
    assert ran.code == 9
    assert "1 of 2 channels cannot be told" in ran.envelope["errors"][0]["message"]
    assert not any(channel["told"] for channel in ran.envelope["data"]["channels"])
    assert (cli.channels.notes, ran.envelope["data"]["dry_run"]) == ([], True)


def test_without_channels_it_is_blocked_with_the_next_step(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lambdaops.yaml").write_text("version: 1\n", "utf-8")
    ran = cli("notify", "send", "hello")
    assert ran.code == 3
    assert "nobody was told: lambdaops.yaml names no channel" in ran.err
    assert "Add notify to lambdaops.yaml" in ran.err
    (tmp_path / "lambdaops.yaml").unlink()
    ran = cli("notify", "send", "hello")
    assert (ran.code, "there is no configuration file" in ran.err) == (3, True)


def test_without_channels_nobody_is_told_where_that_is_what_is_wanted(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lambdaops.yaml").write_text("version: 1\n", "utf-8")
    ran = cli("notify", "send", "hello", "--if-any")
    assert (ran.code, ran.out) == (0, "no channel is configured: nobody is told\n")
    assert cli("notify", "send", "hello", "--if-any", "--output", "json").envelope["data"]["channels"] == []


def test_a_bus_of_another_account_is_not_written_to(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lambdaops.yaml").write_text(FILE.replace("111122223333", "999999999999"), "utf-8")
    ran = cli("notify", "send", "hello", *DEV)
    assert (ran.code, cli.channels.notes) == (3, [])


@pytest.mark.parametrize(
    "words", [(" ",), ("x" * 2001,), ("x", "--title", "x" * 151), ("x", "--id", "a b"), ("x", "--level", "loud"), ()]
)
def test_what_cannot_be_sent_is_a_mistake_before_anybody_is_asked(cli: Cli, words: tuple[str, ...]) -> None:
    ran = cli("notify", "send", *words, *DEV)
    assert ran.code == 2
    assert (cli.channels.notes, cli.world.calls) == ([], [])
