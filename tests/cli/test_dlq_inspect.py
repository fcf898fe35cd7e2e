"""``dlq inspect`` as it is typed: what it says, in which form, and how it ends."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import AccessDeniedError
from tests.cli.rig import Cli
from tests.core import letters
from tests.ops.dlq.post import arn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
version: 1
environments:
  dev: {account: "444455556666", region: eu-central-1}
  prod: {account: "111122223333", region: eu-central-1, profile: prod}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    cli = Cli(tmp_path / "home", directory=tmp_path)
    post = cli.post
    post.put("orders-dlq", *(post.letter(letters.envelope()) for _ in range(6)))
    post.put("orders-dlq", post.letter("secret words", {"tenant": letters.text("acme")}))
    post.clock.advance(timedelta(hours=30))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield cli
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_it_says_what_is_there_and_what_it_cost(cli: Cli) -> None:
    ran = cli("dlq", "inspect", "orders-dlq")
    assert (ran.code, ran.err) == (0, "")
    for said in (
        f"orders-dlq  {arn('orders-dlq')}",
        "about 7 letters (7 to be received), kept for 4d",
        "looked at 7 letters, which is all there are",
        "the oldest of these is 1d6h old and expires in 2d18h",
        "CustomerMissing  invoices:live  1d-3d  6",
        "every one of these letters one receive",
        "no redrive policy of its own",
        "next: lambdaops dlq inspect orders-dlq --message m-0001",
    ):
        assert said in ran.out
    assert "secret" not in ran.out
    assert cli.post.visible("orders-dlq") == 7


def test_machines_get_counts_and_groups_and_no_body(cli: Cli) -> None:
    ran = cli("dlq", "inspect", arn("orders-dlq"), "--group-by", "kind", "--output", "json")
    data = ran.envelope["data"]
    assert (ran.envelope["command"], ran.envelope["status"]) == ("dlq inspect", "success")
    assert [(one["names"], one["count"]) for one in data["groups"]] == [(["destination"], 6), (["unknown"], 1)]
    assert (data["queue"], data["looked"], data["complete"], data["letter"]) == (arn("orders-dlq"), 7, True, None)
    assert "secret" not in ran.out


def test_one_letter_is_shown_without_its_values_and_with_them(cli: Cli) -> None:
    closed = cli("dlq", "inspect", "orders-dlq", "--message", "7")
    assert (closed.code, closed.err) == (0, "")
    assert "(text of length 12)" in closed.out
    assert "tenant (String) (text of length 4)" in closed.out
    assert "secret" not in closed.out
    opened = cli("dlq", "inspect", "orders-dlq", "--message", "m-0007", "--show-body")
    assert "    secret words" in opened.out
    assert "tenant (String) acme" in opened.out
    data = cli("dlq", "inspect", "orders-dlq", "--message", "7", "--output", "json").envelope["data"]
    assert (data["letter"]["open"], data["letter"]["body"]) == (False, "(text of length 12)")


def test_control_characters_of_a_letter_do_not_reach_the_terminal(cli: Cli) -> None:
    cli.post.put(
        "evil", cli.post.letter("\x1b[2J\x1b]0;owned\x07\r\nnext\u202e", {"a\x1b[1m": letters.text("\x1b[31m")})
    )
    ran = cli("dlq", "inspect", "evil", "--message", "1", "--show-body")
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert "\x07" not in ran.out


@pytest.mark.parametrize(
    ("words", "code", "slug"),
    [
        (("nowhere",), 3, "not-found"),
        (("or ders",), 2, "invalid-queue"),
        (("orders-dlq", "--show-body"), 2, "usage"),
        (("orders-dlq", "--group-by", "errors"), 2, "usage"),
        (("orders-dlq", "--sample", "0"), 2, "usage"),
        (("orders-dlq", "--message", "99"), 3, "not-found"),
        (("orders-dlq", "--env", "prod"), 2, "usage"),
    ],
)
def test_what_cannot_be_done_is_said(cli: Cli, words: tuple[str, ...], code: int, slug: str) -> None:
    ran = cli("dlq", "inspect", *words, "--output", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (code, slug)
    assert cli.post.visible("orders-dlq") == 7


def test_a_queue_that_counts_is_asked_about(cli: Cli) -> None:
    box = cli.post.box("orders-dlq")
    box.max_receives, box.dead_letters = 3, arn("graveyard")
    assert cli("dlq", "inspect", "orders-dlq", "--output", "json").envelope["errors"][0]["code"] == "not-confirmed"
    cli.tty, cli.answer = True, "y\n"
    ran = cli("dlq", "inspect", "orders-dlq")
    assert ran.code == 0
    assert "Look at up to 100 letters? [y/N]" in ran.err
    assert "After 3 SQS moves a letter to graveyard; these have at least 2 left." in ran.out
    assert cli("dlq", "inspect", "orders-dlq", "--yes").code == 0
    assert "the next receive moves them to graveyard" in cli("dlq", "inspect", "orders-dlq", "--yes").out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_gives_back_what_was_held(cli: Cli, number: int) -> None:
    cli.post.write("orders-dlq", 40)

    def on_call(name: str) -> None:
        if cli.post.calls.count("receive") == 2:
            cli.post.on_call = None
            os.kill(os.getpid(), number)

    cli.post.on_call = on_call
    ran = cli("dlq", "inspect", "orders-dlq", "--output", "json")
    assert (ran.code, ran.envelope["status"]) == (130, "held")
    assert (ran.envelope["data"]["interrupted"], ran.envelope["data"]["looked"]) == (True, 20)
    assert cli.post.visible("orders-dlq") == 47


def test_an_error_of_aws_gives_back_what_was_held(cli: Cli) -> None:
    cli.post.write("orders-dlq", 40)

    def on_call(name: str) -> None:
        if cli.post.calls.count("receive") == 2:
            cli.post.on_call = None
            raise AccessDeniedError("no", hint="Ask for sqs:ReceiveMessage.")

    cli.post.on_call = on_call
    ran = cli("dlq", "inspect", "orders-dlq")
    assert (ran.code, ran.out) == (8, "")
    assert "next: Ask for sqs:ReceiveMessage." in ran.err
    assert cli.post.visible("orders-dlq") == 47


def test_pins_hold_for_queues_too(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lambdaops.yaml").write_text(CONFIG, "utf-8")
    ran = cli("dlq", "inspect", "orders-dlq", "--env", "dev", "--output", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (3, "wrong-account")
    assert "receive" not in cli.post.calls
    assert cli("dlq", "inspect", arn("orders-dlq"), "--env", "dev").code == 2
    again = cli("dlq", "inspect", "orders-dlq", "--env", "prod")
    assert again.code == 0
    assert cli.reached[-1] == ("eu-central-1", "prod")
    assert "lambdaops dlq inspect orders-dlq --env prod --message" in again.out
    assert cli("dlq", "inspect", arn("orders-dlq")).code == 0
    assert cli.reached[-1] == ("eu-central-1", "prod")


def test_a_url_names_a_queue(cli: Cli) -> None:
    assert cli("dlq", "inspect", "https://sqs.eu-central-1.amazonaws.com/111122223333/orders-dlq").code == 0
    assert cli.reached[-1] == ("eu-central-1", None)
