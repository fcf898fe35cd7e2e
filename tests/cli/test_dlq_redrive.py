"""``dlq redrive`` and what steers it, as they are typed, on simulated queues."""

from __future__ import annotations

import json
import signal
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.core.dlq.plan import RedrivePlan
from lambdaops.core.dlq.records import RedriveOpened
from lambdaops.core.model import Actor
from lambdaops.store.files import FileJournals
from tests.cli.rig import Cli
from tests.cli.test_contract import valid
from tests.sim.queues import arn_of
from tests.sim.redriving import Post

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUICK = ("--workers", "1", "--yes")


@pytest.fixture
def post(cli: Cli) -> Post:
    """A dead-letter queue with twelve letters, and the queue they came from."""
    post = Post(cli.world.clock)
    post.sqs.box("orders-dlq")
    post.sqs.box("orders", dead_letters="orders-dlq", max_receives=3)
    for number in range(12):
        post.sqs.put("orders-dlq", json.dumps({"n": number}), source="orders")
    found: Any = post
    cli.post = found
    return post


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield Cli(tmp_path)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_everything_goes_back(cli: Cli, post: Post) -> None:
    ran = cli("dlq", "redrive", "orders-dlq", *QUICK)
    assert ran.code == 0, ran.err
    assert "orders-dlq moved: everything that was asked for is moved" in ran.out
    assert "12 to orders" in ran.out
    assert len(post.sqs.boxes["orders"].messages) == 12
    assert cli("dlq", "status", "orders-dlq").code == 0
    assert "12/12" in cli("history", "orders-dlq").out
    assert "redrive of orders-dlq" in cli("audit", "show", "orders-dlq").out
    assert cli("audit", "verify").code == 0


@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_the_result_is_as_published(cli: Cli, post: Post, output: str) -> None:
    dry = valid(cli("dlq", "redrive", "orders-dlq", "--dry-run", "--output", output))
    assert (dry["exit_code"], dry["data"]["changed"], dry["data"]["sampled"]) == (0, False, 12)
    assert dry["data"]["goes"] == [{"is": "share", "what": arn_of("orders"), "count": 12, "examples": []}]
    done = valid(cli("dlq", "redrive", "orders-dlq", *QUICK, "--output", output))
    assert (done["exit_code"], done["data"]["outcome"], done["data"]["tally"]["moved"]) == (0, "moved", 12)
    status = valid(cli("dlq", "status", "orders-dlq", "--output", output))
    assert status["data"]["runs"][0]["moved"] == 12


def test_a_dry_run_writes_nothing(cli: Cli, post: Post) -> None:
    before = post.sqs.essences("orders-dlq")
    ran = cli("dlq", "redrive", "orders-dlq", "--dry-run", "--filter", "body.n < `5`")
    assert ran.code == 0
    assert "5 to orders" in ran.out
    assert "7 stays: does not match the filter" in ran.out
    assert post.sqs.essences("orders-dlq") == before
    assert not {"send", "delete"} & set(post.sqs.calls)
    assert "no journal" in cli("audit", "list").out
    now = post.clock.now()
    assert all(not one.visible_at or one.visible_at <= now for one in post.sqs.boxes["orders-dlq"].messages)


def test_a_filter_moves_what_it_names_and_leaves_the_rest(cli: Cli, post: Post) -> None:
    ran = cli("dlq", "redrive", "orders-dlq", "--filter", "body.n < `5`", *QUICK)
    assert ran.code == 0
    assert "moved 5, left 7" in ran.out
    assert len(post.sqs.boxes["orders"].messages) == 5
    assert len(post.sqs.boxes["orders-dlq"].messages) == 7


def test_without_yes_and_terminal_nothing_moves(cli: Cli, post: Post) -> None:
    ran = cli("dlq", "redrive", "orders-dlq")
    assert ran.code == 3
    assert "--yes" in ran.err
    assert len(post.sqs.boxes["orders-dlq"].messages) == 12
    assert "no journal" in cli("audit", "list").out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rate", "fast"), "is not a rate"),
        (("--stages", "100,10,all"), "do not rise"),
        (("--stages", "10,100"), "are no stages"),
        (("--max-reentry", "200%"), "is not a share"),
        (("--filter", "body.n <"), "--filter"),
        (("--visibility", "2s"), "not between 30s and 12h"),
        (("--older-than", "soon"), "is not a duration"),
        (("--to", "not a queue"), "not a queue"),
        (("--native", "--filter", "body.n"), "--native: it cannot filter"),
    ],
)
def test_a_wrong_word_is_told_and_nothing_moves(cli: Cli, post: Post, options: tuple[str, ...], said: str) -> None:
    ran = cli("dlq", "redrive", "orders-dlq", *options, *QUICK)
    assert ran.code == 2, ran.err
    assert said in ran.err
    assert len(post.sqs.boxes["orders-dlq"].messages) == 12


def test_what_has_nowhere_to_go_is_told_of_one_by_one(cli: Cli, post: Post) -> None:
    post.sqs.box("other", dead_letters="orders-dlq")
    post.sqs.put("orders-dlq", "who sent this?")
    ran = cli("dlq", "redrive", "orders-dlq", *QUICK)
    assert ran.code == 9
    assert "nothing says which of 2 queues it came from" in ran.out
    assert len(post.sqs.boxes["orders-dlq"].messages) == 1


def test_edits_replace_bodies_and_leave_others(cli: Cli, post: Post, tmp_path: Path) -> None:
    first = post.sqs.boxes["orders-dlq"].messages[0]
    line = {"v": 1, "queue": arn_of("orders-dlq"), "id": first.id, "body": "mended", "attributes": {}}
    (tmp_path / "edited.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    ran = cli("dlq", "redrive", "orders-dlq", "--edit", str(tmp_path / "edited.jsonl"), *QUICK)
    assert ran.code == 0, ran.err
    assert [one.body for one in post.sqs.boxes["orders"].messages] == ["mended"]
    assert len(post.sqs.boxes["orders-dlq"].messages) == 11


def opened(cli: Cli, post: Post, plan: RedrivePlan) -> None:
    """A run whose process is gone before it moved anything."""
    who = Actor("arn:aws:sts::111122223333:assumed-role/ops/ann", "laptop")
    FileJournals(cli.home).open(plan.queue).append(post.clock.now(), "d-1", who, RedriveOpened(plan, "the fix is out"))


def test_a_run_whose_process_is_gone_is_taken_up_or_ended(cli: Cli, post: Post) -> None:
    queue = arn_of("orders-dlq")
    opened(cli, post, RedrivePlan(queue, 12, post.clock.now(), watch=timedelta(seconds=70)))
    assert "abandoned" in cli("dlq", "status").out
    ran = cli("dlq", "redrive", "orders-dlq", "--limit", "3", *QUICK)
    assert (ran.code, "planned otherwise" in ran.err) == (3, True)
    ran = cli("dlq", "pause", "d-1")
    assert (ran.code, "no process drives it" in ran.err) == (6, True)
    ran = cli("dlq", "cancel", "d-1", "--yes", "--reason", "wrong queue")
    assert (ran.code, "cancelled" in ran.out) == (0, True)
    assert "wrong queue" in cli("history", "orders-dlq").out
    opened(cli, post, RedrivePlan(queue, 12, post.clock.now(), watch=timedelta(seconds=70), workers=1))
    ran = cli("dlq", "resume", "orders-dlq", "--yes")
    assert ran.code == 0, ran.err
    assert len(post.sqs.boxes["orders"].messages) == 12


def test_steering_what_is_not_there(cli: Cli, post: Post) -> None:
    for command in ("pause", "resume", "cancel"):
        ran = cli("dlq", command, "orders-dlq")
        assert ran.code == 3
        assert "is open on this machine" in ran.err
    assert cli("dlq", "status", "nothing-here").code == 3
