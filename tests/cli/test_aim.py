"""Where a command acts: environments, their pins, and which journal is meant. No environment is taken for another."""

from __future__ import annotations

import signal
import zipfile
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import AccessDeniedError, ThrottledError, UnreachableError
from lambdaops.core.model import Routing
from tests.cli.aimed import ARN, CONFIG, DEV, PROD, Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPLIT = Routing("1", "2", 1000)
OTHER = "999988887777"
WRITING: list[tuple[str, ...]] = [
    ("plan", "{}", "--to", "2"),
    ("release", "{}", "--to", "2", "--yes"),
    ("rollback", "{}", "--to", "2"),
]
STEERING: list[tuple[str, ...]] = [
    ("promote", "{}", "--yes"),
    ("pause", "{}"),
    ("resume", "{}", "--yes"),
    ("abort", "{}"),
]
LOOKING: list[tuple[str, ...]] = [("status", "{}"), ("versions", "{}")]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("app.py", "def handler(event, context): return 3\n")
    yield Site.at(tmp_path)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def on(words: tuple[str, ...], target: str, *more: str) -> tuple[str, ...]:
    return (*(word.format(target) for word in words), *more)


# -- one environment is acted in ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", WRITING + LOOKING, ids=lambda words: words[0])
@pytest.mark.parametrize("target", ["orders", "orders:live", ARN.format(PROD)])
def test_the_environment_says_where(site: Site, words: tuple[str, ...], target: str) -> None:
    ran = site(*on(words, target, "--env", "prod"))
    assert ran.code == 0, ran.err
    assert set(site.cli.reached) == {("eu-central-1", "prod")}
    assert not site.dev.calls
    assert not site.cli.world.calls
    assert bool(site.prod.writes) is (words[0] in ("release", "rollback"))


def test_publish_goes_where_the_environment_is(site: Site, tmp_path: Path) -> None:
    assert site("publish", "orders", "--zip", str(tmp_path / "code.zip"), "--env", "prod", "--yes").code == 0
    assert "publish_version" in site.prod.calls
    assert not site.dev.calls
    assert not site.cli.world.calls


def test_status_of_all_goes_where_the_environment_is(site: Site) -> None:
    assert site("status", "--all", "--env", "dev").code == 0
    assert set(site.cli.reached) == {("eu-central-1", "dev")}
    assert site.dev.calls == ["caller"]


def test_the_command_line_s_profile_stands_before_the_file_s(site: Site) -> None:
    site.cli.worlds["mine"] = site.prod
    assert site("status", "orders", "--env", "prod", "--profile", "mine").code == 0
    assert site.cli.reached == [("eu-central-1", "mine")]


@pytest.mark.parametrize("words", WRITING, ids=lambda words: words[0])
def test_the_only_environment_need_not_be_named(site: Site, words: tuple[str, ...]) -> None:
    site.write(CONFIG.replace("  dev:", "  # dev:"))
    assert site(*on(words, "orders")).code == 0
    assert set(site.cli.reached) == {("eu-central-1", "prod")}


@pytest.mark.parametrize("words", WRITING, ids=lambda words: words[0])
def test_an_arn_tells_its_environment(site: Site, words: tuple[str, ...]) -> None:
    assert site(*on(words, ARN.format(DEV))).code == 0
    assert set(site.cli.reached) == {("eu-central-1", "dev")}


def test_without_a_file_everything_is_as_it_was(site: Site) -> None:
    site.path.unlink()
    ran = site("release", "orders:live", "--to", "2", "--alarm", "errors", "--region", "eu-west-1", "--yes")
    assert ran.code == 0
    assert site.cli.reached == [("eu-west-1", None)]
    assert "lambdaops.yaml" not in ran.err + ran.out


def test_a_file_that_is_named(site: Site, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(CONFIG.replace("prod", "live"), "utf-8")
    site.cli.worlds["live"] = site.prod
    site.path.write_text("broken: [", "utf-8")
    ran = site("plan", "orders", "--to", "2", "--config", "other.yaml", "--env", "live")
    assert ran.code == 0, ran.err
    assert f"as other.yaml, environment live (account {PROD}, eu-central-1) says" in ran.out


# -- what is refused before any call -----------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [*WRITING, ("publish", "{}", "--zip", "code.zip", "--yes")], ids=lambda w: w[0])
def test_a_command_that_writes_must_know_its_environment(site: Site, tmp_path: Path, words: tuple[str, ...]) -> None:
    ran = site(*(str(tmp_path / word) if word == "code.zip" else word for word in on(words, "orders")))
    assert (ran.code, site.calls) == (2, [])
    assert "lambdaops.yaml has 2 environments and none was named: dev, prod" in ran.err
    assert "--env" in ran.err


def test_a_look_need_not_know_its_environment(site: Site) -> None:
    assert site("status", "orders").code == 0
    assert site.cli.reached == [(None, None)]


@pytest.mark.parametrize("words", WRITING + LOOKING + STEERING, ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("target", "more", "said"),
    [
        ("orders", ("--env", "prod", "--region", "us-east-1"), "region us-east-1 was given"),
        (ARN.format(DEV), ("--env", "prod"), f"account {DEV} was given"),
        (ARN.format(PROD).replace("central", "west"), ("--env", "prod"), "region eu-west-1 was given"),
        ("orders", ("--env", "prd"), "Did you mean prod?"),
        ("orders", ("--env", ""), "there is no environment ''"),
    ],
)
def test_what_contradicts_the_pins(
    site: Site, words: tuple[str, ...], target: str, more: tuple[str, ...], said: str
) -> None:
    ran = site(*on(words, target, *more))
    assert (ran.code, site.calls) == (2, [])
    assert said in ran.err


@pytest.mark.parametrize("words", WRITING + STEERING, ids=lambda words: words[0])
def test_an_environment_without_a_file(site: Site, words: tuple[str, ...]) -> None:
    site.path.unlink()
    ran = site(*on(words, "orders:live", "--env", "prod"))
    assert (ran.code, site.calls) == (2, [])
    assert "there is no lambdaops.yaml here or above" in ran.err


def test_a_function_without_an_alias(site: Site) -> None:
    site.write(CONFIG.replace("alias: live, ", ""))
    ran = site("plan", "orders", "--env", "prod", "--to", "2")
    assert (ran.code, site.calls) == (2, [])
    assert "names no alias" in ran.err


@pytest.mark.parametrize("words", WRITING[:2] + LOOKING + STEERING[:3], ids=lambda words: words[0])
def test_a_broken_file_stops_what_does_not_go_back(site: Site, words: tuple[str, ...]) -> None:
    site.write(CONFIG + "nonsense: 1\n")
    ran = site(*on(words, "orders:live", "--env", "prod"))
    assert (ran.code, site.calls) == (2, [])
    assert "lambdaops.yaml" in ran.err


# -- the wrong account -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [*WRITING[:2], ("publish", "{}", "--zip", "code.zip", "--yes"), ("release", "{}", "--zip", "code.zip", "--yes")],
    ids=" ".join,
)
def test_the_wrong_account_is_refused_before_any_write(site: Site, tmp_path: Path, words: tuple[str, ...]) -> None:
    site.prod.account = OTHER
    given = tuple(str(tmp_path / word) if word == "code.zip" else word for word in on(words, "orders"))
    ran = site(*given, "--env", "prod", "--output", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (3, "wrong-account")
    assert f"environment prod is in account {PROD}" in ran.envelope["errors"][0]["message"]
    assert site.calls == ["caller"]
    assert not (tmp_path / "home").exists()


def test_status_of_all_in_the_wrong_account(site: Site) -> None:
    site.prod.account = OTHER
    assert site("status", "--all", "--env", "prod").code == 3
    assert not site.cli.account.asked


@pytest.mark.parametrize("words", [*LOOKING, WRITING[2]], ids=lambda words: words[0])
def test_looks_and_rollbacks_are_held_to_the_account_by_the_alias_s_arn(site: Site, words: tuple[str, ...]) -> None:
    site.prod.account = OTHER
    ran = site(*on(words, "orders", "--env", "prod", "--output", "json"))
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (3, "wrong-account")
    assert site.calls == ["get_alias"]


@pytest.mark.parametrize("error", [AccessDeniedError("no"), UnreachableError("no route")])
def test_a_rollback_needs_no_sts(site: Site, error: AccessDeniedError | UnreachableError) -> None:
    site.prod.repoint_alias(SPLIT)
    site.prod.fail("caller", error, times=99)
    ran = site("rollback", "orders", "--env", "prod")
    assert (ran.code, site.prod.routing) == (0, Routing("1"))


def test_a_release_needs_sts(site: Site) -> None:
    site.prod.fail("caller", AccessDeniedError("no"), times=99)
    assert site("release", "orders", "--env", "prod", "--to", "2", "--yes").code == 8
    assert site.writes == []


def test_what_to_do_now_names_the_environment(site: Site) -> None:
    """At three in the morning the line is copied: without --env it could act in another account."""
    site.prod.repoint_alias(SPLIT)
    site.prod.fail("set_routing", ThrottledError("slow down"), times=99)
    ran = site("rollback", "orders", "--env", "prod")
    assert ran.code == 5
    assert "Act now: lambdaops rollback orders:live --env prod --to 1," in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("status", "orders"), "lambdaops resume orders:live --env prod goes on"),
        (("promote", "orders", "--yes"), "lambdaops resume orders:live --env prod takes it up here"),
        (("plan", "orders", "--to", "2"), "Finish or undo it: lambdaops status orders:live --env prod,"),
        (("status", "--all"), "lambdaops resume orders:live --env prod, or"),
    ],
)
def test_every_next_step_names_the_environment(site: Site, words: tuple[str, ...], said: str) -> None:
    site.hold("prod")
    site.cli.account.routings = {"orders": {"live": site.prod.routing}}
    ran = site(*words, "--env", "prod")
    assert said in " ".join((ran.out + ran.err).split())


# -- going back without a file that can be read ------------------------------------------------------------------------

BROKEN = ["", "{", "version: 2\n", CONFIG + "nonsense: 1\n", "\0", "a: &a [*a]\n"]


@pytest.mark.parametrize("config", BROKEN)
@pytest.mark.parametrize("more", [(), ("--env", "prod")])
def test_a_rollback_goes_on_without_its_file(site: Site, config: str, more: tuple[str, ...]) -> None:
    site.write(config)
    site.cli.world.repoint_alias(SPLIT)
    ran = site("rollback", "orders:live", *more)
    assert (ran.code, site.cli.world.routing) == (0, Routing("1"))
    assert "GOING ON WITHOUT THE CONFIGURATION" in ran.err


def test_a_rollback_goes_on_without_a_file_that_may_not_be_read(site: Site) -> None:
    site.path.unlink()
    site.path.mkdir()
    site.cli.world.repoint_alias(SPLIT)
    ran = site("rollback", "orders:live", "--region", "eu-west-1", "--profile", "oncall")
    assert (ran.code, site.cli.reached) == (0, [("eu-west-1", "oncall")])
    assert "GOING ON WITHOUT" in ran.err


def test_an_abort_goes_on_without_its_file(site: Site) -> None:
    site.hold("prod")
    site.write("{")
    site.cli.worlds = {}
    site.cli.world = site.prod
    ran = site("abort", "orders:live", "--env", "prod")
    assert (ran.code, site.prod.routing) == (0, Routing("1"))
    assert "GOING ON WITHOUT" in ran.err
    assert site.cli.reached[-1] == ("eu-central-1", None)


def test_a_dry_rollback_without_its_file_writes_nothing(site: Site) -> None:
    site.write("{")
    site.cli.world.repoint_alias(SPLIT)
    assert site("rollback", "orders:live", "--dry-run").code == 0
    assert site.writes == []


# -- journals of two environments --------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", STEERING, ids=lambda words: words[0])
@pytest.mark.parametrize("target", ["orders", "orders:live"])
def test_two_journals_and_no_environment(site: Site, words: tuple[str, ...], target: str) -> None:
    site.hold("dev")
    site.hold("prod")
    before = len(site.calls)
    ran = site(*on(words, target))
    assert (ran.code, len(site.calls)) == (2, before)
    assert f"{target} has 2 journals: {ARN.format(PROD)}, {ARN.format(DEV)}" in ran.err
    assert "--env" in ran.err


@pytest.mark.parametrize(("words", "ends"), [(STEERING[2], Routing("2")), (STEERING[3], Routing("1"))])
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_steering_stays_in_its_environment(site: Site, words: tuple[str, ...], ends: Routing, environment: str) -> None:
    site.hold("dev")
    site.hold("prod")
    mine, theirs = (site.dev, site.prod) if environment == "dev" else (site.prod, site.dev)
    held, before = theirs.routing, len(theirs.calls)
    ran = site(*on(words, "orders", "--env", environment, "--output", "json"))
    assert (ran.code, ran.envelope["data"]["environment"]) == (0, environment)
    assert mine.routing == ends
    assert (theirs.routing, len(theirs.calls)) == (held, before)
    assert site.cli.reached[-1] == ("eu-central-1", environment)


@pytest.mark.parametrize("words", STEERING, ids=lambda words: words[0])
def test_the_other_environment_s_release_is_not_found(site: Site, words: tuple[str, ...]) -> None:
    site.hold("dev")
    before = len(site.calls)
    ran = site(*on(words, "orders", "--env", "prod"))
    assert (ran.code, len(site.calls)) == (3, before)
    assert f"no journal of orders in prod (account {PROD}, eu-central-1)" in ran.err


@pytest.mark.parametrize("target", ["orders", "orders:live"])
def test_the_only_open_release_is_the_one_to_abort(site: Site, target: str) -> None:
    site.hold("dev")
    ran = site("abort", target)
    assert (ran.code, site.dev.routing) == (0, Routing("1"))
    assert not site.prod.calls
    assert site.cli.reached[-1] == ("eu-central-1", "dev")


@pytest.mark.parametrize("target", ["orders", "orders:live"])
def test_no_journal_tells_a_rollback_its_environment(site: Site, target: str) -> None:
    """What was released from here last need not be what burns now."""
    site.hold("dev")
    before = len(site.calls)
    ran = site("rollback", target)
    assert (ran.code, len(site.calls)) == (2, before)
    assert "none was named: dev, prod" in ran.err


def test_the_region_tells_the_environment(site: Site) -> None:
    site.hold("dev")
    site.hold("prod")
    site.write(CONFIG.replace(f'"{DEV}", region: eu-central-1', f'"{DEV}", region: eu-west-1'))
    assert site("abort", "orders", "--region", "eu-central-1").code == 0
    assert site.prod.routing == Routing("1")
    assert site("abort", "orders", "--region", "us-east-1").code == 3


def test_another_region_of_the_account_is_another_place(site: Site, tmp_path: Path) -> None:
    site.hold("prod")
    elsewhere = tmp_path / "home" / "journal" / PROD / "us-east-1" / "orders"
    elsewhere.mkdir(parents=True)
    (elsewhere / "live.jsonl").touch()
    assert site("abort", "orders", "--env", "prod").code == 0
    assert site.prod.routing == Routing("1")


def test_an_alias_of_the_environment_s_own(site: Site) -> None:
    """``orders`` is another alias in each of them."""
    site.hold("prod")
    own = CONFIG.replace("alias: live", "alias: green").replace("profile: prod", "profile: prod, functions: {live}")
    own = own.replace("{live}", "{orders: {alias: live}}")
    site.write(own.replace("profile: dev", "profile: dev, functions: {orders: {alias: blue}}"))
    ran = site("abort", "orders", "--env", "dev")
    assert ran.code == 3
    assert site.prod.routing != Routing("1")
    assert site("abort", "orders").code == 0
    assert site.prod.routing == Routing("1")


def test_journals_that_cannot_be_listed_hold_no_rollback_up(site: Site, tmp_path: Path) -> None:
    (tmp_path / "home" / "journal").mkdir(parents=True)
    (tmp_path / "home" / "journal" / PROD).symlink_to(PROD)
    site.prod.repoint_alias(SPLIT)
    assert site("rollback", "orders", "--env", "prod").code == 0
    assert site.prod.routing == Routing("1")


# -- what is said ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [WRITING[0], WRITING[1], (*WRITING[1], "--dry-run"), WRITING[2], ("publish", "{}", "--zip", "code.zip", "--yes")],
    ids=" ".join,
)
def test_results_name_the_environment(site: Site, tmp_path: Path, words: tuple[str, ...]) -> None:
    given = (str(tmp_path / word) if word == "code.zip" else word for word in on(words, "orders"))
    ran = site(*given, "--env", "prod", "--output", "json")
    assert (ran.code, ran.envelope["data"]["environment"]) == (0, "prod")


def test_the_next_step_names_the_environment(site: Site) -> None:
    ran = site("release", "orders", "--env", "prod", "--to", "2", "--yes", "--output", "json")
    assert ran.envelope["data"]["next"] == ["undo:    lambdaops rollback orders:live --env prod"]
    site.path.unlink()
    site.cli.world = site.prod
    ran = site("release", "orders:live", "--to", "3", "--alarm", "errors", "--yes", "--output", "json")
    assert ran.envelope["data"]["next"] == ["undo:    lambdaops rollback orders:live"]


def test_a_release_says_which_file_it_goes_by(site: Site) -> None:
    ran = site("release", "orders", "--env", "prod", "--to", "2", "--yes")
    assert f"as lambdaops.yaml, environment prod (account {PROD}, eu-central-1) says" in ran.err


@pytest.mark.parametrize("words", [*WRITING, ("publish", "{}", "--zip", "code.zip")], ids=lambda words: words[0])
def test_a_dry_run_writes_nothing(site: Site, tmp_path: Path, words: tuple[str, ...]) -> None:
    given = [str(tmp_path / word) if word == "code.zip" else word for word in on(words, "orders", "--env", "prod")]
    ran = site(*given, *(() if words[0] == "plan" else ("--dry-run",)))
    assert ran.code == 0, ran.err
    assert site.writes == []
    assert not (tmp_path / "home").exists()
