"""What ``lambdaops.yaml`` says of a function: the command line stands before it, and it before the defaults."""

from __future__ import annotations

import json
import signal
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.core.errors import AccessDeniedError
from lambdaops.core.model import AlarmState, Routing
from lambdaops.ports import AlarmLink
from tests.cli.aimed import DEV, PROD, Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RICH = f"""\
version: 1
defaults: {{alias: live, alarms: [errors]}}
strategies: {{careful: "5%:10m,hold:1h:rollback,100%:30m"}}
functions:
  orders:
    strategy: careful
    bake: 7m
    look-every: 20s
    patience: 3m
    on-inconclusive: hold
    reason: required
    ignore-alarms: [noise]
  carts: {{}}
environments:
  dev: {{account: "{DEV}", region: eu-central-1, profile: dev, functions: {{orders: {{strategy: linear}}}}}}
  prod:
    account: "{PROD}"
    region: eu-central-1
    profile: prod
    confirm: type-target
    freeze:
      - {{name: weekend, from: Fri 16:00, to: Mon 07:00, timezone: Europe/Berlin}}
      - {{name: year end, from: 2026-12-20T00:00, to: 2027-01-04T06:00, timezone: Europe/Berlin}}
"""
TO_2 = ("--env", "prod", "--to", "2", "--strategy", "linear:50%")
WHY = ("--reason", "CHG-1")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("app.py", "def handler(event, context): return 3\n")
    site = Site.at(tmp_path, RICH)
    for world in (site.dev, site.prod):
        world.alarm("noise")
    yield site
    for number, handler in handlers.items():
        signal.signal(number, handler)


def thawed(site: Site) -> None:
    """Monday 07:00 in Berlin: the freeze ends. The account is simulated from 04:00 on."""
    site.cli.world.clock.advance(timedelta(hours=3))


def plan_of(site: Site, *words: str) -> dict[str, Any]:
    ran = site("plan", "orders", "--to", "2", *words, "--output", "json")
    plan: dict[str, Any] = ran.envelope["data"]["plan"]
    return plan


def findings_of(site: Site, *words: str) -> list[tuple[str, str, str]]:
    data = site("plan", "orders", "--to", "2", *words, "--output", "json").envelope["data"]
    return [(finding["level"], finding["check"], finding["message"]) for finding in data["findings"]]


def opened(site: Site, environment: str = "prod") -> dict[str, Any]:
    """What the journal's opening record says."""
    (path,) = (site.path.parent / "home" / "journal" / {"dev": DEV, "prod": PROD}[environment]).rglob("live.jsonl")
    (data,) = [
        record["data"] for record in map(json.loads, path.read_text("utf-8").splitlines()) if record["kind"] == "opened"
    ]
    assert isinstance(data, dict)
    return data


# -- plain settings ----------------------------------------------------------------------------------------------------


def test_what_the_file_says_of_a_function(site: Site) -> None:
    plan = plan_of(site, "--env", "prod")
    assert plan["strategy"] == "careful"
    assert [stage["weight"] for stage in plan["stages"]] == [500, 10_000]
    assert plan["stages"][0]["gate"]["then"] == "rollback"
    assert (plan["look_every"], plan["patience"], plan["on_inconclusive"]) == (20_000, 180_000, "hold")
    assert (plan["alarms"], plan["ignored"]) == (["errors", "noise"], ["noise"])


def test_an_environment_says_it_otherwise(site: Site) -> None:
    plan = plan_of(site, "--env", "dev")
    assert (plan["strategy"], len(plan["stages"]), plan["stages"][-1]["bake"]) == ("linear", 10, 420_000)


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        (("--strategy", "linear:50%"), "strategy", "linear:50%"),
        (("--strategy", "careful"), "strategy", "careful"),
        (("--look-every", "5s"), "look_every", 5_000),
        (("--patience", "0s"), "patience", 0),
        (("--on-inconclusive", "rollback"), "on_inconclusive", "rollback"),
        (("--alarm", "late"), "alarms", ["late", "noise"]),
        (("--ignore-alarm", "late"), "alarms", ["errors", "late"]),
        (("--ignore-alarm", "late"), "ignored", ["late"]),
        (("--alarm", "late", "--ignore-alarm", "late"), "alarms", ["late"]),
    ],
)
def test_the_command_line_stands_before_the_file(site: Site, words: tuple[str, ...], key: str, value: object) -> None:
    site.dev.alarm("late")
    assert plan_of(site, "--env", "dev", *words)[key] == value


def test_a_bake_of_the_command_line(site: Site) -> None:
    assert plan_of(site, "--env", "dev", "--bake", "0s")["stages"][-1]["bake"] == 0


def test_a_function_of_which_the_file_says_little_has_the_defaults(site: Site) -> None:
    site.write("version: 1\n")
    data = site("plan", "orders:live", "--to", "2", "--output", "json").envelope["data"]["plan"]
    assert (data["strategy"], data["look_every"], data["patience"]) == ("canary", 10_000, 600_000)
    assert data["on_inconclusive"] == "rollback"


def test_a_release_by_the_file_alone(site: Site) -> None:
    ran = site("release", "orders", "--env", "dev", "--to", "2", *WHY, "--yes")
    assert (ran.code, site.dev.routing) == (0, Routing("2"))
    assert opened(site, "dev")["plan"]["strategy"] == "linear"
    assert opened(site, "dev")["reason"] == "CHG-1"


# -- alarms by pattern -------------------------------------------------------------------------------------------------

PATTERNS = RICH.replace("alarms: [errors]", 'alarms: [errors, "{function}-*", "{environment}-[a-m]?"]').replace(
    "[noise]", '["*-noise"]'
)


def watching(site: Site, *names: str) -> None:
    site.cli.account.links = tuple(AlarmLink(name, "orders") for name in names)
    for name in names:
        site.dev.alarm(name)


def test_patterns_are_what_they_match_now(site: Site) -> None:
    site.write(PATTERNS)
    watching(site, "orders-5xx", "orders-noise", "carts-5xx", "dev-a1", "dev-x1", "Orders-5xx")
    plan = plan_of(site, "--env", "dev")
    assert plan["alarms"] == ["errors", "orders-5xx", "orders-noise", "dev-a1"]
    assert plan["ignored"] == ["orders-noise"]
    shown = site("plan", "orders", "--to", "2", "--env", "dev").out
    assert "gates    errors, orders-5xx, orders-noise (ignored), dev-a1" in shown
    assert set(site.cli.reached) == {("eu-central-1", "dev")}


def test_a_pattern_that_matches_nothing_blocks(site: Site) -> None:
    site.write(PATTERNS)
    watching(site, "orders-5xx", "orders-noise")
    ran = site("release", "orders", "--env", "dev", "--to", "2", *WHY, "--yes", "--output", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (3, "blocked")
    assert "no alarm in this account and region matches dev-[a-m]?" in ran.envelope["errors"][0]["message"]
    assert site.writes == []
    assert not (site.path.parent / "home").exists()


def test_an_ignored_pattern_that_matches_nothing_is_a_warning(site: Site) -> None:
    site.write(RICH.replace("[noise]", '["*-noise"]'))
    (found,) = [finding for finding in findings_of(site, "--env", "dev") if "*-noise" in finding[2]]
    assert found[:2] == ("warn", "alarms")


def test_alarms_of_the_command_line_are_names_and_ask_for_no_list(site: Site) -> None:
    site.write(PATTERNS.replace("ignore-alarms", "# ignore-alarms"))
    site.cli.account.errors["alarms"] = AccessDeniedError("no list")
    assert plan_of(site, "--env", "dev", "--alarm", "errors")["alarms"] == ["errors"]
    assert "alarms orders-* do not exist" not in str(findings_of(site, "--env", "dev", "--alarm", "orders-*"))
    assert any("orders-*" in finding[2] for finding in findings_of(site, "--env", "dev", "--alarm", "orders-*"))


def test_alarms_that_cannot_be_listed(site: Site) -> None:
    site.write(PATTERNS)
    site.cli.account.errors["alarms"] = AccessDeniedError("no list")
    assert site("release", "orders", "--env", "dev", "--to", "2", *WHY, "--yes").code == 8
    assert site.writes == []


def test_a_pattern_of_an_environment_that_nobody_named(site: Site) -> None:
    site.write('version: 1\ndefaults: {alarms: ["{function}-*"]}\n')
    site.cli.account.links = (AlarmLink("orders-5xx", "orders"),)
    site.cli.world.alarm("orders-5xx")
    ran = site("plan", "orders:live", "--to", "2", "--output", "json")
    assert (ran.code, ran.envelope["data"]["plan"]["alarms"]) == (0, ["orders-5xx"])


# -- reasons -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("release", "orders", *TO_2, "--yes"),
        ("release", "orders", *TO_2, "--yes", "--reason", "  "),
        ("publish", "orders", "--zip", "code.zip", "--env", "prod", "--yes"),
    ],
    ids=" ".join,
)
def test_a_reason_that_is_required(site: Site, words: tuple[str, ...]) -> None:
    ran = site(*words)
    assert (ran.code, site.calls) == (2, [])
    assert "lambdaops.yaml requires a reason for orders" in ran.err
    assert "--reason" in ran.err


def test_a_promotion_needs_a_reason_and_what_stops_a_release_does_not(site: Site) -> None:
    thawed(site)
    site.cli.world.clock.after(30, lambda: signal.raise_signal(signal.SIGINT))
    assert site("release", "orders", *TO_2, *WHY, "--yes", "--on-interrupt", "hold").code == 130
    before = len(site.calls)
    ran = site("promote", "orders", "--env", "prod", "--yes")
    assert (ran.code, len(site.calls)) == (2, before)
    assert "requires a reason" in ran.err
    for words in (("pause", "orders"), ("promote", "orders", "--dry-run"), ("abort", "orders", "--dry-run")):
        assert "requires a reason" not in site(*words, "--env", "prod").err
    assert site("abort", "orders", "--env", "prod").code == 0
    assert site.prod.routing == Routing("1")


@pytest.mark.parametrize(
    "words",
    [
        ("rollback", "orders", "--env", "prod", "--to", "2"),
        ("release", "orders", "--env", "dev", "--to", "2", "--dry-run"),
    ],
    ids=" ".join,
)
def test_who_needs_no_reason(site: Site, words: tuple[str, ...]) -> None:
    assert site(*words).code == 0


# -- confirmation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code"), [("orders:live\n", 0), (" orders:live \n", 0), ("y\n", 3), ("orders\n", 3), ("\n", 3), ("", 3)]
)
def test_the_target_is_typed(site: Site, answer: str, code: int) -> None:
    thawed(site)
    site.cli.tty, site.cli.answer = True, answer
    ran = site("release", "orders", *TO_2, *WHY)
    assert ran.code == code
    question = (
        f"prod (account {PROD}, eu-central-1): Release orders:live from version 1 to 2? Type orders:live to go on: "
    )
    assert question in ran.err
    assert bool(site.writes) is (code == 0)


def test_a_publication_is_confirmed_by_the_function_s_name(site: Site, tmp_path: Path) -> None:
    site.cli.tty, site.cli.answer = True, "orders:live\n"
    ran = site("publish", "orders", "--zip", str(tmp_path / "code.zip"), "--env", "prod", *WHY)
    assert (ran.code, site.writes) == (3, [])
    assert "Type orders to go on: " in ran.err


@pytest.mark.parametrize(("more", "code"), [((), 3), (("--yes",), 0)])
def test_without_a_terminal_only_yes_confirms(site: Site, more: tuple[str, ...], code: int) -> None:
    thawed(site)
    assert site("release", "orders", *TO_2, *WHY, *more).code == code
    assert bool(site.writes) is (code == 0)


def test_elsewhere_a_yes_will_do_and_the_question_says_where(site: Site) -> None:
    site.cli.tty, site.cli.answer = True, "y\n"
    ran = site("release", "orders", "--env", "dev", "--to", "2", *WHY)
    assert ran.code == 0
    assert f"dev (account {DEV}, eu-central-1): Release orders:live from version 1 to 2? [y/N] " in ran.err


def test_a_rollback_asks_nothing_in_any_environment(site: Site) -> None:
    site.prod.repoint_alias(Routing("1", "2", 500))
    site.cli.tty = True
    ran = site("rollback", "orders", "--env", "prod")
    assert (ran.code, site.prod.routing) == (0, Routing("1"))
    assert "?" not in ran.err


# -- freezes -----------------------------------------------------------------------------------------------------------

FROZEN = "releases are frozen until Mon 2026-11-23 07:00 Europe/Berlin, 2026-11-23 06:00 UTC (weekend)"


def test_a_freeze_blocks_a_release_and_its_plan(site: Site) -> None:
    for command in (("plan",), ("release", *WHY, "--yes")):
        ran = site(command[0], "orders", *TO_2, *command[1:], "--output", "json")
        assert (ran.code, ran.envelope["errors"][0]["code"]) == (3, "blocked")
        assert FROZEN in ran.envelope["errors"][0]["message"]
    assert site.writes == []
    assert not (site.path.parent / "home").exists()
    assert ("block", "freeze", FROZEN) in findings_of(site, "--env", "prod")


def test_a_freeze_blocks_before_code_is_published(site: Site, tmp_path: Path) -> None:
    ran = site("release", "orders", "--zip", str(tmp_path / "code.zip"), "--env", "prod", *WHY, "--yes")
    assert (ran.code, site.writes) == (3, [])


def test_a_freeze_is_over_at_its_end_and_another_environment_has_none(site: Site) -> None:
    assert site("release", "orders", "--env", "dev", "--to", "2", *WHY, "--yes").code == 0
    thawed(site)
    assert site("release", "orders", *TO_2, *WHY, "--yes").code == 0
    assert opened(site).get("overrides", []) == []


def test_an_override_is_journaled(site: Site) -> None:
    ran = site("release", "orders", *TO_2, *WHY, "--yes", "--override-freeze", "checkout is down")
    assert ran.code == 0, ran.err
    assert "overridden: checkout is down" in ran.err
    assert opened(site)["overrides"] == ["freeze weekend until 2026-11-23T06:00Z: checkout is down"]


def test_an_override_says_why(site: Site) -> None:
    ran = site("release", "orders", *TO_2, *WHY, "--yes", "--override-freeze", " ")
    assert (ran.code, site.calls) == (2, [])


def test_an_override_of_nothing_is_no_override(site: Site) -> None:
    thawed(site)
    words = ("--override-freeze", "just in case")
    assert ("ok", "freeze", "releases are not frozen: there is nothing to override") in findings_of(
        site, "--env", "prod", *words
    )
    assert site("release", "orders", *TO_2, *WHY, "--yes", *words).code == 0
    assert opened(site).get("overrides", []) == []


def test_a_freeze_that_begins_meanwhile_is_a_warning(site: Site) -> None:
    # Friday 15:30 in Berlin; the plan takes two hours at the most.
    site.cli.world.clock.advance(timedelta(days=4, hours=11, minutes=30))
    (found,) = [finding for finding in findings_of(site, "--env", "prod") if finding[1] == "freeze"]
    assert found[0] == "warn"
    assert "the freeze weekend begins (Fri 2026-11-27 16:00 Europe/Berlin, 2026-11-27 15:00 UTC)" in found[2]


def test_what_began_before_a_freeze_goes_on_in_it_and_comes_back_in_it(site: Site) -> None:
    thawed(site)
    site.cli.world.clock.after(30, lambda: signal.raise_signal(signal.SIGINT))
    assert site("release", "orders", *TO_2, *WHY, "--yes", "--on-interrupt", "hold").code == 130
    site.cli.world.clock.advance(timedelta(days=5))
    assert FROZEN.partition(" until")[0] in str(findings_of(site, "--env", "prod"))
    assert site("rollback", "orders", "--env", "prod", "--dry-run").code == 0
    ran = site("resume", "orders", "--env", "prod", "--yes", "--output", "json")
    assert "frozen" not in ran.out
    assert (ran.code, ran.envelope["data"]["outcome"]) == (0, "promoted")


def test_a_rollback_is_never_frozen(site: Site) -> None:
    site.prod.repoint_alias(Routing("1", "2", 500))
    ran = site("rollback", "orders", "--env", "prod")
    assert (ran.code, site.prod.routing) == (0, Routing("1"))


def test_alarms_of_the_file_take_a_release_back(site: Site) -> None:
    site.cli.world.clock.after(30, lambda: site.dev.turn("errors", AlarmState.ALARM))
    assert site("release", "orders", "--env", "dev", "--to", "2", *WHY, "--yes").code == 4
    assert site.dev.routing == Routing("1")
