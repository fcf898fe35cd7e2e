"""What a configuration says about one function in one environment, and which environment is meant."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from lambdaops.config.models import FunctionSettings
from lambdaops.config.read import Config, read_config
from lambdaops.config.resolve import choose_environment, resolve
from lambdaops.core.errors import UsageError
from lambdaops.core.freeze import FreezeWindow, Once, Weekly, WeekTime
from lambdaops.core.metric_gates import parse_metric
from lambdaops.core.model import Target
from lambdaops.core.plan import OnInconclusive
from lambdaops.core.settings import Confirm, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWN = Path("lambdaops.yaml")


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], Config]:
    def read(content: str) -> Config:
        path = tmp_path / "lambdaops.yaml"
        path.write_text(content, "utf-8")
        return read_config(path, SHOWN)

    return read


_C = '[{name: c, namespace: A, metric: B, stat: Sum, fails-when: "< 2", for: 3, period: 5m}]'
PLACES = ("defaults", "functions.orders", "environments.prod.functions.orders")
# What each key is written as in these places, and how that is resolved.
KEYS: dict[str, tuple[tuple[str, str, str], tuple[object, ...]]] = {
    "alias": (("one", "two", "three"), ("one", "two", "three")),
    "strategy": (("linear", "canary", "careful"), ("linear", "canary", "careful")),
    "bake": (("1m", "2m", "0s"), (timedelta(minutes=1), timedelta(minutes=2), timedelta())),
    "alarms": (("[a]", "[b, c]", "[]"), (("a",), ("b", "c"), ())),
    "ignore-alarms": (("[a]", "[]", "[c]"), (("a",), (), ("c",))),
    "look-every": (("1s", "2s", "3s"), tuple(timedelta(seconds=n) for n in (1, 2, 3))),
    "patience": (("0s", "1h", "1d"), (timedelta(), timedelta(hours=1), timedelta(days=1))),
    "on-inconclusive": (
        ("hold", "rollback", "hold"),
        (OnInconclusive.HOLD, OnInconclusive.ROLLBACK, OnInconclusive.HOLD),
    ),
    "compare": (("errors", "none", "throttles"), ("errors", "none", "throttles")),
    "tolerance": (("1.5", "2", "1"), ("1.5", "2", "1")),
    "alpha": (("0.01", "0.0001", "0.5"), ("0.01", "0.0001", "0.5")),
    "min-requests": (("0", "1", "1000000"), ("0", "1", "1000000")),
    "period": (("1s", "1m", "5m"), (timedelta(seconds=1), timedelta(minutes=1), timedelta(minutes=5))),
    "metrics": (
        ('[{name: a, expression: "[A B Sum]", fails-when: "> 1"}]', "[]", _C),
        ((parse_metric("a: [A B Sum] > 1"),), (), (parse_metric("c: [A B Sum] < 2 for 3 every 5m"),)),
    ),
    "observe": (("all", "errors", '"errors,c"'), ("all", "errors", "errors,c")),
    "read-logs": (("true", "false", "true"), (True, False, True)),
    "reason": (("required", "optional", "required"), (True, False, True)),
}
LAYERS = """version: 1
strategies: {careful: canary}
defaults: {
  %s}
functions: {orders: {
  %s}, carts: {alias: carts}}
environments:
  prod: {account: "111122223333", region: eu-central-1, functions: {orders: {
    %s}, carts: {alias: carts}}}
  dev: {account: "111122223333", region: eu-central-1}
"""


def test_every_key_is_in_the_table() -> None:
    assert {field.alias for field in FunctionSettings.model_fields.values()} == KEYS.keys()


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("layers", [[], [0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]], ids=str)
def test_the_most_special_wins(config: Callable[[str], Config], key: str, layers: list[int]) -> None:
    written, values = KEYS[key]
    name = key.replace("-", "_")
    field = "reason_required" if key == "reason" else name
    content = LAYERS % tuple(f"{key}:\n  {written[layer]}" if layer in layers else "" for layer in range(3))
    read = config(content)
    for environment in ("prod", "dev", ""):
        known = [layer for layer in layers if layer < 2 or environment == "prod"]
        resolved = resolve(read, environment, "orders")
        found = getattr(resolved.settings, field)
        if not known:
            assert found == getattr(Settings(), field)
            assert name not in resolved.origins
            continue
        assert found == values[known[-1]]
        where, _, line = resolved.origins[name].removesuffix(")").rpartition(":")
        assert where == f"{PLACES[known[-1]]}.{key} (lambdaops.yaml"
        assert content.splitlines()[int(line) - 1].strip() == f"{key}:"
        assert content.splitlines()[int(line)].strip(" ,{}").startswith(written[known[-1]])


WHOLE = """version: 1
defaults: {alias: live, alarms: ["{function}-{alias}-{environment}", "{function}/*", plain]}
strategies: {careful: "5%:10m,100%:30m", quick: all-at-once}
functions:
  orders:
  carts: {alias: beta, ignore-alarms: ["{alias}?"]}
environments:
  prod:
    account: "111122223333"
    region: eu-central-1
    profile: deploy
    confirm: type-target
    freeze:
      - {name: weekend, from: Fri 16:00, to: monday 07:30, timezone: Europe/Berlin}
      - {name: year end, from: 2026-12-20T00:00, to: "2027-01-04 06:00:30", timezone: UTC}
  dev: {account: 444455556666, region: us-east-1}
"""


def test_everything_at_once(config: Callable[[str], Config]) -> None:
    resolved = resolve(config(WHOLE), "prod", "carts")
    weekend = Weekly(WeekTime(4, time(16)), WeekTime(0, time(7, 30)))
    year_end = Once(datetime.fromisoformat("2026-12-20T00:00"), datetime.fromisoformat("2027-01-04T06:00:30"))
    assert resolved.settings == Settings(
        environment="prod",
        account="111122223333",
        region="eu-central-1",
        profile="deploy",
        function="carts",
        alias="beta",
        alarms=("carts-beta-prod", "carts/*", "plain"),
        ignore_alarms=("beta?",),
        confirm=Confirm.TYPE_TARGET,
        freeze=(
            FreezeWindow("weekend", weekend, ZoneInfo("Europe/Berlin")),
            FreezeWindow("year end", year_end, ZoneInfo("UTC")),
        ),
        strategies=(("careful", "5%:10m,100%:30m"), ("quick", "all-at-once")),
        source="lambdaops.yaml",
    )
    assert resolved.origins == {
        "alias": "functions.carts.alias (lambdaops.yaml:6)",
        "alarms": "defaults.alarms (lambdaops.yaml:2)",
        "ignore_alarms": "functions.carts.ignore-alarms (lambdaops.yaml:6)",
        "account": "environments.prod.account (lambdaops.yaml:9)",
        "region": "environments.prod.region (lambdaops.yaml:10)",
        "profile": "environments.prod.profile (lambdaops.yaml:11)",
        "confirm": "environments.prod.confirm (lambdaops.yaml:12)",
        "freeze": "environments.prod.freeze (lambdaops.yaml:13)",
    }


def test_an_environment_that_says_little(config: Callable[[str], Config]) -> None:
    settings = resolve(config(WHOLE), "dev", "orders").settings
    assert (settings.account, settings.region, settings.profile) == ("444455556666", "us-east-1", None)
    assert (settings.confirm, settings.freeze) == (Confirm.ASK, ())
    assert settings.alarms == ("orders-live-dev", "orders/*", "plain")


def test_the_alias_of_the_command_line_is_filled_in(config: Callable[[str], Config]) -> None:
    settings = resolve(config(WHOLE), "prod", "carts", "canary").settings
    assert (settings.alias, settings.ignore_alarms) == ("canary", ("canary?",))


def test_no_environment(config: Callable[[str], Config]) -> None:
    settings = resolve(config(WHOLE), "", "orders").settings
    assert (settings.environment, settings.account, settings.region, settings.freeze) == ("", None, None, ())
    assert settings.alarms == ("orders-live-{environment}", "orders/*", "plain")


def test_a_function_that_the_file_does_not_name(config: Callable[[str], Config]) -> None:
    resolved = resolve(config(WHOLE), "dev", "stock")
    assert (resolved.settings.alias, resolved.settings.function) == ("live", "stock")
    assert resolved.origins["alias"] == "defaults.alias (lambdaops.yaml:2)"


def test_names_are_filled_in_once(config: Callable[[str], Config]) -> None:
    """What is filled in is not looked at again, and no alias leaves its place as it is."""
    content = 'version: 1\ndefaults: {alarms: ["{function}{alias}x"]}'
    assert resolve(config(content), "", "{alias}").settings.alarms == ("{alias}{alias}x",)


def test_a_file_that_says_nothing(config: Callable[[str], Config]) -> None:
    resolved = resolve(config("version: 1"), "", "orders")
    assert resolved.settings == Settings(function="orders", source="lambdaops.yaml")
    assert not resolved.origins


def test_an_origin_in_a_merged_part(config: Callable[[str], Config]) -> None:
    content = "version: 1\nfunctions:\n  a: &a\n    alias:\n      live\n  b:\n    <<: *a\n  c: *a\n"
    read = config(content)
    for function, place in (("a", "a"), ("b", "b"), ("c", "c")):
        assert resolve(read, "", function).origins == {"alias": f"functions.{place}.alias (lambdaops.yaml:4)"}


def test_strategies_by_name() -> None:
    settings = Settings(strategies=(("careful", "5%:1m,100%:1m"),))
    assert settings.stages_of("careful") == "5%:1m,100%:1m"
    assert settings.stages_of("canary") == "canary"


# -- which environment -------------------------------------------------------------------------------------------------

NONE = "version: 1"
ONE = 'version: 1\nenvironments: {prod: {account: "111122223333", region: eu-central-1}}'
DEV, US = "dev: {account: 444455556666, region: eu-central-1}", "us: {account: 111122223333, region: us-east-1}"
THREE = f"{ONE[:-1]}, {DEV}, {US}}}"
TWINS = f"{ONE[:-1]}, twin: {{account: 111122223333, region: eu-central-1}}}}"


def arn(region: str, account: str) -> Target:
    return Target.parse(f"arn:aws:lambda:{region}:{account}:function:orders:live")


PROD = arn("eu-central-1", "111122223333")
NAME = Target.parse("orders:live")


@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize(
    ("content", "given", "target", "expected"),
    [
        (NONE, None, None, ""),
        (NONE, None, PROD, ""),
        (ONE, None, None, "prod"),
        (ONE, None, arn("us-east-1", "999988887777"), "prod"),
        (ONE, "prod", NAME, "prod"),
        (THREE, "dev", PROD, "dev"),
        (THREE, None, PROD, "prod"),
        (THREE, None, arn("us-east-1", "111122223333"), "us"),
        (THREE, None, arn("eu-central-1", "444455556666"), "dev"),
    ],
)
def test_environment(
    config: Callable[[str], Config], content: str, given: str | None, target: Target | None, expected: str, writes: bool
) -> None:
    assert choose_environment(config(content), given, target, writes=writes) == expected


@pytest.mark.parametrize(
    ("content", "target"),
    [(THREE, None), (THREE, NAME), (THREE, arn("us-west-2", "111122223333")), (TWINS, PROD)],
)
def test_an_environment_left_open(config: Callable[[str], Config], content: str, target: Target | None) -> None:
    read = config(content)
    assert choose_environment(read, None, target, writes=False) == ""
    with pytest.raises(UsageError) as caught:
        choose_environment(read, None, target, writes=True)
    names = ", ".join(read.file.environments or ())
    count = len(read.file.environments or ())
    assert caught.value.message == f"lambdaops.yaml has {count} environments and none was named: {names}"
    assert caught.value.hint == "Say which one: --env NAME, or LAMBDAOPS_ENV."


@pytest.mark.parametrize(
    ("content", "given", "hint"),
    [
        (NONE, "prod", "lambdaops.yaml has no environments."),
        (ONE, "pord", "Did you mean prod? lambdaops.yaml has prod."),
        (THREE, "PROD", "Did you mean prod? lambdaops.yaml has prod, dev, us."),
        (THREE, "staging", "lambdaops.yaml has prod, dev, us."),
        (THREE, "", "lambdaops.yaml has prod, dev, us."),
    ],
)
@pytest.mark.parametrize("writes", [True, False])
def test_an_unknown_environment(
    config: Callable[[str], Config], content: str, given: str, hint: str, writes: bool
) -> None:
    with pytest.raises(UsageError) as caught:
        choose_environment(config(content), given, PROD, writes=writes)
    assert caught.value.message == f"there is no environment {given!r}"
    assert caught.value.hint == hint
