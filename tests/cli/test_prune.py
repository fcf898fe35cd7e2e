"""``prune`` as a command: what is told, asked, pinned and returned, on the simulated account."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.core.errors import AccessDeniedError, ThrottledError
from lambdaops.core.model import Routing
from tests.cli.rig import Cli, Stream
from tests.sim.published import SIZE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DELETE = ("prune", "orders", "--delete", "--yes")
JSON = ("--output", "json")
FILE = """
version: 1
functions: {orders: {reason: required}}
environments:
  prod: {account: "999999999999", region: eu-central-1}
  dev: {account: "111122223333", region: eu-west-1}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    cli = Cli(tmp_path / "home", directory=tmp_path)
    cli.shelf.world = cli.world
    cli.shelf.publish(7)
    cli.world.repoint_alias(Routing("7"))
    return cli


def test_without_delete_it_only_tells(cli: Cli) -> None:
    ran = cli("prune", "orders", "--keep", "4")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "VERSION            CODE    WHY IT STAYS, OR ITS DESCRIPTION"
    assert lines[1] == "7        stays             one of the newest 4; orders:live points at it"
    assert lines[7] == "1        would go  1.0 MB  build 1"
    assert lines[-2:] == [
        "orders: 3 versions would go (3.0 MB of code), 4 stay",
        "nothing was deleted; to delete: lambdaops prune orders --keep 4 --recent 30d --delete",
    ]
    assert (cli.shelf.deleted, "delete" in dict(cli.shelf.asked)) == ([], False)


def test_the_data_of_a_look_and_of_a_deletion(cli: Cli) -> None:
    data = cli("prune", "orders", *JSON).envelope["data"]
    assert data["kept"][0] == {"version": "7", "why": "one of the newest 5; orders:live points at it"}
    assert {**data, "kept": []} == {
        "function": "orders",
        "deleted": [],
        "would_delete": ["1", "2"],
        "kept": [],
        "freed_bytes": 2 * SIZE,
        "changed": False,
        "dry_run": True,
        "environment": "",
    }
    done = cli(*DELETE, *JSON).envelope["data"]
    assert (done["deleted"], done["would_delete"]) == (["1", "2"], [])
    assert (done["freed_bytes"], done["changed"], done["dry_run"]) == (2 * SIZE, True, False)
    assert done["kept"] == data["kept"]
    again = cli(*DELETE, *JSON)
    assert (again.code, again.envelope["data"]["changed"]) == (0, False)


def test_it_asks_and_takes_no_for_an_answer(cli: Cli) -> None:
    cli.tty, cli.answer = True, "n\n"
    ran = cli("prune", "orders", "--delete")
    assert ran.code == 3
    assert "Delete versions 1, 2 of orders (2.0 MB) for good? [y/N]" in ran.err
    assert cli.shelf.deleted == []
    cli.answer = "y\n"
    assert cli("prune", "orders", "--delete").code == 0
    assert cli.shelf.deleted == ["1", "2"]


class Slow(Stream):
    """Somebody who goes to lunch before answering, while something happens."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def readline(self, *given: Any) -> Any:
        self.meanwhile()
        return super().readline(*given)


@pytest.mark.parametrize(("minutes", "deleted"), [(0, ["1", "2"]), (90, ["2"])])
def test_what_came_to_refer_to_a_version_while_somebody_thought_about_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, minutes: int, deleted: list[str]
) -> None:
    def meanwhile() -> None:
        cli.world.clock.advance(timedelta(minutes=minutes))
        cli.shelf.mapped["1"] = ["arn:queue"]
        cli.shelf.publish(8)  # one more may go by now, but nobody was asked about it

    monkeypatch.setattr(Slow, "meanwhile", staticmethod(meanwhile))
    cli.tty, cli.answer, cli.stdin = True, "y\n", Slow
    ran = cli("prune", "orders", "--delete", *JSON)
    assert (ran.code, cli.shelf.deleted) == (0, deleted)
    kept = {one["version"]: one["why"] for one in ran.envelope["data"]["kept"]}
    if minutes:
        assert kept["1"] == "event source arn:queue invokes it"
        assert kept["3"] == "nobody was asked"


def test_nobody_is_asked_where_nothing_goes(cli: Cli) -> None:
    ran = cli("prune", "orders", "--delete", "--keep", "9")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1] == "orders: nothing to delete, 7 versions stay"


def test_a_function_without_published_versions(cli: Cli) -> None:
    cli.world.versions.clear()
    ran = cli("prune", "orders")
    assert (ran.code, ran.out) == (0, "orders has no published version\n")


def test_pins_and_required_reasons_hold(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lambdaops.yaml").write_text(FILE, "utf-8")
    assert cli(*DELETE).code == 2, "which environment?"
    ran = cli(*DELETE, "--env", "dev")
    assert (ran.code, "requires a reason for orders" in ran.err) == (2, True)
    assert cli("prune", "orders", "--env", "dev").code == 0, "a look needs none"
    ran = cli(*DELETE, "--env", "prod", "--reason", "storage")
    assert (ran.code, "environment prod is in account 999999999999" in ran.err) == (3, True)
    assert cli("prune", "orders", "--env", "prod").code == 3
    assert cli(*DELETE, "--env", "dev", "--region", "us-east-1", "--reason", "x").code == 2
    assert cli.shelf.deleted == []
    assert cli(*DELETE, "--env", "dev", "--reason", "storage", *JSON).envelope["data"]["environment"] == "dev"
    assert cli.reached[-1] == ("eu-west-1", None)


def test_what_is_recent_is_for_the_operator_to_say(cli: Cli) -> None:
    cli.world.alarm("errors")
    assert cli("rollback", "orders:live", "--to", "2").code == 0
    assert cli("rollback", "orders:live", "--to", "7").code == 0
    assert cli("prune", "orders", *JSON).envelope["data"]["would_delete"] == ["1"]
    cli.world.clock.advance(timedelta(days=3))
    assert cli("prune", "orders", "--recent", "2d", *JSON).envelope["data"]["would_delete"] == ["1", "2"]


@pytest.mark.parametrize("recent", ["", "soon", "2999-01-01", "-1d"])
def test_a_time_that_is_none(cli: Cli, recent: str) -> None:
    ran = cli("prune", "orders", f"--recent={recent}")
    assert ran.code == 2
    assert cli.shelf.asked == []


def test_a_guard_that_is_denied_keeps_its_version_and_ends_with_8(cli: Cli) -> None:
    denied = AccessDeniedError("could not read the policy of orders:1: no", hint="The caller needs lambda:GetPolicy.")
    cli.world.fail("policy", denied)
    ran = cli(*DELETE, *JSON)
    assert ran.code == 8
    (error,) = ran.envelope["errors"]
    assert error["code"] == "access-denied"
    assert error["message"].startswith("versions of orders stay because it could not be found out what refers to them")
    assert error["hint"] == "The caller needs lambda:GetPolicy."
    assert ran.envelope["data"]["deleted"] == ["2"]
    assert ran.envelope["data"]["kept"][-1]["why"].startswith("not known who may invoke it")


def test_a_deletion_that_is_denied_ends_with_8_and_one_that_stops_later_with_9(cli: Cli) -> None:
    cli.world.fail("delete", AccessDeniedError("no", hint="The caller needs lambda:DeleteFunction."))
    ran = cli(*DELETE, *JSON)
    assert (ran.code, ran.envelope["data"]["deleted"], ran.envelope["data"]["changed"]) == (8, [], False)

    def later() -> None:
        cli.world.before_call("delete", lambda: cli.world.fail("delete", ThrottledError("429")))

    cli.world.before_call("delete", later)
    ran = cli(*DELETE, *JSON)
    assert (ran.code, ran.envelope["data"]["deleted"]) == (9, ["1"])
    assert "stopped after deleting 1 of orders: 429" in ran.envelope["errors"][0]["message"]
    assert cli(*DELETE, *JSON).envelope["data"]["deleted"] == ["2"]


def test_the_audit_log_tells_of_it(cli: Cli) -> None:
    assert cli(*DELETE, "--reason", "storage", "--ticket", "CHG-7").code == 0
    shown = cli("audit", "show", "orders").out
    assert "prune 2 versions: 1, 2; keeps 5" in shown
    assert "version 1 is deleted" in shown
    assert "pruned 2 versions, 2.0 MB" in shown
    found = cli("audit", "search", "--outcome", "pruned", "--ticket", "CHG-7", *JSON).envelope["data"]["records"]
    assert [record["kind"] for record in found] == [
        "prune-opened",
        *["version-deleting", "version-deleted"] * 2,
        "prune-closed",
    ]
    ocsf = cli("audit", "export", "--format", "ocsf").out
    assert '"activity_name": "Delete"' in ocsf or '"activity_name":"Delete"' in ocsf
    assert cli("audit", "verify", "orders").code == 0
    assert cli("history", "orders").code == 0
    assert cli("versions", "orders:live").code == 0


def test_what_happens_is_streamed(cli: Cli) -> None:
    ran = cli(*DELETE, "--output", "jsonl")
    assert ran.code == 0
    assert [line for line in ran.out.splitlines() if '"version-deleted"' in line]
    told = cli("prune", "orders", "--delete", "--yes", "--keep", "4").err
    assert "delete version 3 (1.0 MB)" in told
    assert "version 3 is deleted" in told


def test_names_from_outside_are_inert(cli: Cli) -> None:
    cli.shelf.policies["1"] = ["evil\x1b[2J\nprincipal"]
    ran = cli("prune", "orders")
    assert "\x1b" not in ran.out
    assert "evil" in ran.out
