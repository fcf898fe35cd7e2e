"""``dlq dump``, ``dlq load`` and ``dlq purge`` as they are typed, with real files."""

from __future__ import annotations

import json
import os
import signal
import stat
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.core.dlq.letter import Attribute
from tests.cli.rig import Cli
from tests.core import letters
from tests.ops.dlq.post import arn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
version: 1
defaults: {reason: required}
environments:
  prod: {account: "111122223333", region: eu-central-1, profile: prod, confirm: type-target}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    cli = Cli(tmp_path / "home", directory=tmp_path)
    post = cli.post
    post.write("orders-dlq", 12, "secret {}")
    post.put("orders-dlq", post.letter("ä", {"b": Attribute("Binary.gz", b"\x00\xff"), "t": letters.text("acme")}))
    post.box("orders")
    post.clock.advance(timedelta(hours=30))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield cli
    for number, handler in handlers.items():
        signal.signal(number, handler)


def contents(cli: Cli, name: str) -> list[tuple[str, Any]]:
    return sorted((one.letter.body, sorted(one.letter.attributes)) for one in cli.post.box(name).letters)


def test_dump_purge_and_load_bring_everything_back(cli: Cli, tmp_path: Path) -> None:
    before = contents(cli, "orders-dlq")
    ran = cli("dlq", "dump", "orders-dlq", "all.jsonl")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"+ 13 letters of orders-dlq in {tmp_path / 'all.jsonl'}, which is all there are\n"
    assert stat.S_IMODE((tmp_path / "all.jsonl").stat().st_mode) == 0o600
    assert contents(cli, "orders-dlq") == before

    ran = cli("dlq", "purge", "orders-dlq", "--yes", "--output", "json")
    data = ran.envelope["data"]
    assert (ran.code, data["deleted"], contents(cli, "orders-dlq")) == (0, 13, [])
    (kept,) = tmp_path.glob("orders-dlq-*.jsonl")
    assert data["file"] == str(kept)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    ran = cli("dlq", "load", str(kept), "--yes")
    assert (ran.code, ran.out) == (0, f"+ all 13 letters of {kept} are in orders-dlq\n")
    assert contents(cli, "orders-dlq") == before

    again = cli("dlq", "load", str(kept), "--yes")
    assert again.code == 0
    assert "they were sent before" in again.out
    assert contents(cli, "orders-dlq") == before
    journal = "".join(path.read_text("utf-8") for path in (tmp_path / "home").rglob("*.jsonl"))
    assert '"kind":"queue-changed"' in journal
    assert "secret" not in journal
    assert "acme" not in journal


def test_a_load_goes_where_it_is_told(cli: Cli) -> None:
    cli("dlq", "dump", "orders-dlq", "all.jsonl")
    ran = cli("dlq", "load", "all.jsonl", "--to", "orders", "--yes", "--reason", "fixed", "--output", "json")
    assert (ran.code, ran.envelope["data"]["queue"], ran.envelope["data"]["sent"]) == (0, arn("orders"), 13)
    assert contents(cli, "orders") == contents(cli, "orders-dlq")


@pytest.mark.parametrize(
    "words",
    [("load", "all.jsonl"), ("purge", "orders-dlq"), ("purge", "orders-dlq", "--no-dump")],
    ids=" ".join,
)
def test_a_dry_run_writes_nothing(cli: Cli, tmp_path: Path, words: tuple[str, ...]) -> None:
    cli("dlq", "dump", "orders-dlq", "all.jsonl")
    before, calls = contents(cli, "orders-dlq"), len(cli.post.calls)
    ran = cli("dlq", *words, "--dry-run", "--output", "json")
    assert (ran.code, ran.envelope["data"]["changed"]) == (0, False)
    assert cli("dlq", *words, "--dry-run").out.startswith("would ")
    assert set(cli.post.calls[calls:]) == {"find"}
    assert contents(cli, "orders-dlq") == before
    assert not (tmp_path / "home").exists()
    assert [path.name for path in tmp_path.glob("*.jsonl*")] == ["all.jsonl"]


@pytest.mark.parametrize(
    "words", [("load", "all.jsonl"), ("purge", "orders-dlq"), ("purge", "orders-dlq", "--no-dump")]
)
def test_nothing_happens_without_a_yes(cli: Cli, words: tuple[str, ...]) -> None:
    cli("dlq", "dump", "orders-dlq", "all.jsonl")
    before = contents(cli, "orders-dlq")
    assert cli("dlq", *words, "--output", "json").envelope["errors"][0]["code"] == "not-confirmed"
    cli.tty, cli.answer = True, "n\n"
    ran = cli("dlq", *words)
    assert (ran.code, contents(cli, "orders-dlq")) == (3, before)
    assert "[y/N]" in ran.err


@pytest.mark.parametrize(
    ("words", "code", "slug"),
    [
        (("dump", "orders-dlq", "taken.jsonl"), 2, "invalid-file"),
        (("dump", "nowhere", "x.jsonl"), 3, "not-found"),
        (("dump", "orders-dlq", "no/such/directory.jsonl"), 2, "invalid-file"),
        (("dump", "orders-dlq"), 2, "usage"),
        (("load", "missing.jsonl"), 2, "invalid-file"),
        (("load", "taken.jsonl"), 2, "invalid-file"),
        (("load", "good.jsonl", "--to", "nowhere", "--yes"), 3, "not-found"),
        (("load", "good.jsonl", "--to", "no where", "--yes"), 2, "invalid-queue"),
        (("purge", "orders-dlq", "--dump", "taken.jsonl", "--yes"), 2, "invalid-file"),
        (("purge", "orders-dlq", "--dump", "x.jsonl", "--no-dump"), 2, "usage"),
    ],
)
def test_what_cannot_be_done_is_said_and_loses_nothing(
    cli: Cli, tmp_path: Path, words: tuple[str, ...], code: int, slug: str
) -> None:
    (tmp_path / "taken.jsonl").write_text("precious", "utf-8")
    cli("dlq", "dump", "orders-dlq", "good.jsonl")
    before = contents(cli, "orders-dlq")
    ran = cli("dlq", *words, "--output", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (code, slug)
    assert (tmp_path / "taken.jsonl").read_text("utf-8") == "precious"
    assert contents(cli, "orders-dlq") == before
    assert cli.post.visible("orders-dlq") == 13


def test_every_mistake_of_a_file_is_told_with_its_line(cli: Cli, tmp_path: Path) -> None:
    cli("dlq", "dump", "orders-dlq", "all.jsonl")
    path = tmp_path / "all.jsonl"
    lines = path.read_text("utf-8").splitlines()
    lines[2] = lines[2].replace('"v":1', '"v":3')
    lines[4] = lines[4][:-9]
    path.write_text("\n".join(lines), "utf-8")
    ran = cli("dlq", "load", "all.jsonl", "--yes")
    assert ran.code == 2
    assert f"2 lines of {path} cannot be loaded" in ran.err
    assert f'{path}:3:1: "v" is not 1' in ran.err
    assert f"{path}:5:1: no JSON at column" in ran.err
    mistakes = cli("dlq", "load", "all.jsonl", "--yes", "--output", "json").envelope["data"]["mistakes"]
    assert [one["line"] for one in mistakes] == [3, 5]
    assert "send" not in cli.post.calls


def test_a_dump_that_is_not_whole_exits_9_and_says_why(cli: Cli, tmp_path: Path) -> None:
    cli.post.box("orders-dlq").in_flight = 10
    ran = cli("dlq", "dump", "orders-dlq", "all.jsonl")
    assert ran.code == 9
    assert "PARTIAL: 10 letters" in ran.out
    assert "SQS gives no more than 10 letters out at a time" in ran.err
    assert len((tmp_path / "all.jsonl").read_text("utf-8").splitlines()) == 10


def test_a_dump_that_is_stopped_exits_130_and_is_called_partial(cli: Cli, tmp_path: Path) -> None:
    def on_call(name: str) -> None:
        if name == "receive":
            cli.post.on_call = None
            os.kill(os.getpid(), signal.SIGINT)

    cli.post.on_call = on_call
    ran = cli("dlq", "dump", "orders-dlq", "all.jsonl")
    assert (ran.code, cli.post.visible("orders-dlq")) == (130, 13)
    assert "PARTIAL: 10 letters" in ran.out
    assert [path.name for path in tmp_path.glob("*.jsonl*")] == ["all.jsonl.partial"]


def test_a_load_that_is_stopped_goes_on_with_the_same_command(cli: Cli) -> None:
    cli("dlq", "dump", "orders-dlq", "all.jsonl")

    def on_call(name: str) -> None:
        if name == "send":
            cli.post.on_call = None
            os.kill(os.getpid(), signal.SIGTERM)

    cli.post.on_call = on_call
    ran = cli("dlq", "load", "all.jsonl", "--to", "orders", "--yes")
    assert (ran.code, len(contents(cli, "orders"))) == (130, 10)
    assert "next: lambdaops dlq load all.jsonl --to orders sends what is left" in ran.out
    ran = cli("dlq", "load", "all.jsonl", "--to", "orders", "--yes")
    assert ran.code == 0
    assert contents(cli, "orders") == contents(cli, "orders-dlq")


def test_letters_that_sqs_refuses_exit_9_and_are_named(cli: Cli) -> None:
    cli("dlq", "dump", "orders-dlq", "all.jsonl")
    cli.post.refuse_send = {"m-0002"}
    ran = cli("dlq", "load", "all.jsonl", "--to", "orders", "--yes")
    assert ran.code == 9
    assert "12 of 13 letters" in ran.out
    assert "1 were not taken (InternalError: 1)" in ran.out
    assert "m-0002  InternalError" in ran.out
    assert "1 of 13 letters were not loaded" in ran.err


def test_letters_that_sqs_will_not_delete_exit_9(cli: Cli) -> None:
    cli.post.refuse_delete = {"m-0002"}
    ran = cli("dlq", "purge", "orders-dlq", "--yes")
    assert ran.code == 9
    assert "1 that SQS would not delete are in the file and still in the queue" in ran.out


def test_production_means_typing_the_queue_s_name_and_saying_why(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lambdaops.yaml").write_text(CONFIG, "utf-8")
    assert cli("dlq", "purge", "orders-dlq", "--yes", "--output", "json").envelope["errors"][0]["code"] == "usage"
    cli.tty, cli.answer = True, "y\n"
    ran = cli("dlq", "purge", "orders-dlq", "--reason", "test data")
    assert (ran.code, len(contents(cli, "orders-dlq"))) == (3, 13)
    assert "prod (account 111122223333, eu-central-1): Delete about 13 letters of orders-dlq" in ran.err
    assert "Type orders-dlq to go on" in ran.err
    cli.answer = "orders-dlq\n"
    assert cli("dlq", "purge", "orders-dlq", "--reason", "test data").code == 0
    assert contents(cli, "orders-dlq") == []


def test_a_dump_is_a_letter_a_line(cli: Cli, tmp_path: Path) -> None:
    cli("dlq", "dump", "orders-dlq", "all.jsonl")
    last = json.loads((tmp_path / "all.jsonl").read_text("utf-8").splitlines()[-1])
    assert (last["body"], last["queue"], last["attributes"]["b"]) == (
        "ä",
        arn("orders-dlq"),
        {"type": "Binary.gz", "base64": "AP8="},
    )
