"""The configuration file, checked: what is right, and everything that is wrong with it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdaops.config.read import Config, read_config
from lambdaops.core.errors import ExitCode, InvalidConfigError
from tests.render import golden

SHOWN = Path("lambdaops.yaml")
TOP = "version, defaults, strategies, functions, environments, notify, playbooks, store, checkpoint"
PROD = 'environments: {prod: {account: "111122223333", region: eu-central-1%s}}'


def read(directory: Path, content: str | bytes) -> Config:
    path = directory / "written.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_config(path, SHOWN)


def mistakes(directory: Path, content: str | bytes) -> list[str]:
    """Where, what and what to do, of each mistake."""
    with pytest.raises(InvalidConfigError) as caught:
        read(directory, content)
    return [
        " | ".join(filter(None, (f"{item.line}:{item.column} {item.message}", item.hint)))
        for item in caught.value.mistakes
    ]


WHOLE = """
version: 1
defaults: {alias: live, strategy: canary, alarms: ["{function}-*"]}
strategies:
  careful: 5%:10m,hold:1h:rollback,100%:30m
functions:
  orders:
    alias: live
    alarms: [orders-health, "{function}-{alias}-{environment}-[ab]?"]
    ignore-alarms: []
    strategy: careful
    bake: 5m
    look-every: 10s
    patience: 10m
    on-inconclusive: rollback
    reason: required
  carts:
environments:
  prod:
    account: "111122223333"
    region: eu-central-1
    profile: prod deploy
    confirm: type-target
    functions: {orders: {strategy: linear}, carts: }
    freeze:
      - {name: weekend, from: Fri 16:00, to: monday 7:00, timezone: Europe/Berlin}
      - {name: year end, from: 2026-12-20T00:00, to: 2027-01-04T06:00, timezone: UTC}
    notify: [{eventbridge: {bus: default}}]
  dev: {account: 111122223333, region: us-gov-west-1}
notify:
  - {slack: {url-from-env: SLACK_WEBHOOK_URL}, on: [started, held, rolled-back, promoted]}
  - {sns: {topic: "arn:aws:sns:eu-central-1:111122223333:releases"}}
"""


def test_a_file_that_says_everything(tmp_path: Path) -> None:
    config = read(tmp_path, WHOLE)
    file = config.file
    assert config.path == SHOWN
    assert file.functions is not None and file.environments is not None and file.notify is not None  # noqa: PT018
    orders = file.functions["orders"]
    assert orders is not None
    assert (orders.look_every, orders.ignore_alarms, orders.reason) == ("10s", [], "required")
    assert file.functions["carts"] is None
    assert file.environments["dev"].account == "111122223333"
    assert file.environments["prod"].freeze is not None
    assert file.environments["prod"].freeze[0].to == "monday 7:00"
    assert file.notify[0].slack is not None
    assert file.notify[0].slack.url_from_env == "SLACK_WEBHOOK_URL"
    assert file.notify[1].on is None
    assert config.spots["functions", "orders", "bake"].line == 12


@pytest.mark.parametrize(
    "content",
    ["version: 1", "version: 1\ndefaults:\nstrategies:\nfunctions:\nenvironments:\n", "version: 1\nfunctions: {a: {}}"],
)
def test_a_file_that_says_little(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, content).file.version == 1


def test_mistakes_of_each_section(tmp_path: Path) -> None:
    """One file, everything wrong, in the order of the file."""
    found = mistakes(
        tmp_path,
        """versoin: 1
defaults: {stragety: canary, alias: 5, alarms: x, reason: yes}
strategies: {canary: "10%:5m,100%:5m", a b: linear, c: "500%:1m,100%:1m", d: e, e: linear, f: }
functions:
  orders: {alias: $LATEST, bake: 5 minutes, look-every: 0s, patience: 8d, alias: live}
  "orders:live": {}
  carts: live
environments:
  prod: {account: 1111-2222-3333, region: Frankfurt, confirm: no, functions: {order: {on-inconclusive: wait}}}
  dev:
  -x: {}
notify: {}
""",
    )
    golden.check("config_mistakes", "".join(f"{line}\n" for line in found))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "1:1 the file is empty | The least it can say is version: 1."),
        ("- version: 1", "1:1 the file: expected a mapping, found a list"),
        ("version", "1:1 the file: expected a mapping, found 'version'"),
        ("functions: {}", "1:1 version is missing | The version of this format: 1."),
        ("version:", "1:9 version: nothing is said here | Give it a value, or leave the key out."),
        ("version: '1'", "1:10 version: this lambdaops reads version 1 of the format, not '1' | Write version: 1."),
        ("version: 2", "1:10 version: this lambdaops reads version 1 of the format, not 2 | Write version: 1."),
        ("version: true", "1:10 version: this lambdaops reads version 1 of the format, not True | Write version: 1."),
        (
            "version: 1\nzzz: 1",
            f"2:1 zzz: nothing is called 'zzz' here | What may be here: {TOP}.",
        ),
        ("version: 1\nFunctions: {}", "2:1 Functions: nothing is called 'Functions' here | Did you mean functions?"),
        (
            "version: 1\ndefaults: {ignore_alarms: []}",
            "2:12 defaults.ignore_alarms: nothing is called 'ignore_alarms' here | Did you mean ignore-alarms?",
        ),
        (
            "version: 1\nnotify: [{slack: {url-from-env: A, '[key]': 1}}]",
            "2:36 notify.0.slack: nothing is called '[key]' here | What may be here: url-from-env.",
        ),
        ("version: 1\nversion: 1", "2:1 'version' stands here twice: first in line 1 | Keep one of them."),
        (
            f"version: 1\n{PROD % ', functions: {orders: {}}'}",
            "2:82 'orders' is not among the functions of this file | Add it: under functions, orders: {}.",
        ),
        (
            "version: 1\nfunctions:\n  a: &a {bake: 1m, bake: 2m}\n  b: {<<: *a}",
            "3:20 'bake' stands here twice: first in line 3 | Keep one of them.",
        ),
        ("version: 1\nfunctions: []", "2:12 functions: expected a mapping, found a list"),
        (
            "version: 1\nfunctions: {f: {alias: }}",
            "2:24 functions.f.alias: nothing is said here | Give it a value, or leave the key out.",
        ),
        (
            f"version: 1\nfunctions: {{f: {{reason: {'x' * 90}}}}}",
            f"2:25 functions.f.reason: expected 'required' or 'optional', found '{'x' * 56}...",
        ),
        (
            "version: 1\ndefaults: {strategy: carefull}\nstrategies: {careful: canary}",
            "2:22 defaults.strategy: no strategy is called 'carefull' | Did you mean careful?",
        ),
        (
            "version: 1\ndefaults: {strategy: Canary10Percent}",
            "2:22 defaults.strategy: no strategy is called 'Canary10Percent' | Did you mean Canary10Percent5Minutes?",
        ),
    ],
)
def test_one_mistake(tmp_path: Path, content: str, expected: str) -> None:
    assert mistakes(tmp_path, content) == [expected]


NO_ACCOUNT = 'is not an account id, which has twelve digits | Write it in quotes: "111122223333".'
ZERO = "begins with a zero and is not quoted: YAML may read it as another number"


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (
            "011122223333",
            f'the account 011122223333 {ZERO} | Write it in quotes: "011122223333".',
        ),
        (
            '"11112222333"',
            f"environments.prod.account: '11112222333' {NO_ACCOUNT}",
        ),
        (
            "-11112222333",
            f"environments.prod.account: '-11112222333' {NO_ACCOUNT}",
        ),
        (
            '"١١١١٢٢٢٢٣٣٣٣"',
            f"environments.prod.account: '١١١١٢٢٢٢٣٣٣٣' {NO_ACCOUNT}",
        ),
        ("true", "environments.prod.account: expected text, found true | Put it into quotes if it is meant as text."),
        ("[]", "environments.prod.account: expected text, found a list"),
        ("", "environments.prod.account: nothing is said here | Give it a value, or leave the key out."),
    ],
)
def test_account(tmp_path: Path, account: str, expected: str) -> None:
    content = f"version: 1\nenvironments:\n  prod:\n    region: eu-central-1\n    account: {account}"
    assert [text.partition(" ")[2] for text in mistakes(tmp_path, content)] == [expected]


@pytest.mark.parametrize("account", ['"011122223333"', "'000000000000'", "111122223333", "!!str 011122223333"])
def test_an_account_that_is_one(tmp_path: Path, account: str) -> None:
    config = read(tmp_path, f"version: 1\nenvironments: {{prod: {{region: eu-central-1, account: {account}}}}}")
    assert config.file.environments is not None
    assert config.file.environments["prod"].account == account.removeprefix("!!str ").strip("\"'")


def test_what_the_error_says(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError) as one:
        read(tmp_path, "version: 1\nfunction: {}")
    assert (
        one.value.message
        == "lambdaops.yaml has a mistake: lambdaops.yaml:2:1: function: nothing is called 'function' here"
    )
    assert one.value.hint == "Did you mean functions?"
    assert one.value.exit_code is ExitCode.USAGE
    with pytest.raises(InvalidConfigError) as two:
        read(tmp_path, "version: 1\nfunctions: []\ndefaults: []")
    assert (
        two.value.message
        == "lambdaops.yaml has 2 mistakes: lambdaops.yaml:2:12: functions: expected a mapping, found a list"
    )
    assert two.value.hint == "Correct it there; lambdaops config check looks again."


ALARM_PLACEHOLDERS = "has a placeholder that nothing fills in | There are {function}, {alias}, {environment}."


@pytest.mark.parametrize(
    ("alarm", "expected"),
    [
        ("*", "'*' is every alarm of the account | Begin it with what the names begin with."),
        ("?**", "'?**' is every alarm of the account | Begin it with what the names begin with."),
        ("{function", "'{function' has a brace without its other half | Write {function} or {alias}."),
        ("x}", "'x}' has a brace without its other half | Write {function} or {alias}."),
        ("{fn}-x", f"'{{fn}}-x' {ALARM_PLACEHOLDERS}"),
        ("{}", f"'{{}}' {ALARM_PLACEHOLDERS}"),
        ("{0}", f"'{{0}}' {ALARM_PLACEHOLDERS}"),
        ("{function!r}", f"'{{function!r}}' {ALARM_PLACEHOLDERS}"),
        ("{function:>3}", f"'{{function:>3}}' {ALARM_PLACEHOLDERS}"),
        ("{function.x}", f"'{{function.x}}' {ALARM_PLACEHOLDERS}"),
        ("{{function}}", f"'{{{{function}}}}' {ALARM_PLACEHOLDERS}"),
        (
            "{environment}-x",
            "'{environment}-x' names the environment, and the file has none | Add environments, or leave it out.",
        ),
        ("", "an alarm's name has 1 to 255 characters, and no control characters"),
        (r"a\tb", "an alarm's name has 1 to 255 characters, and no control characters"),
        ("x" * 256, "an alarm's name has 1 to 255 characters, and no control characters"),
    ],
)
@pytest.mark.parametrize("key", ["alarms", "ignore-alarms"])
def test_alarms_that_are_none(tmp_path: Path, key: str, alarm: str, expected: str) -> None:
    content = f'version: 1\ndefaults:\n  {key}: [ok, "{alarm}"]'
    assert mistakes(tmp_path, content) == [f"3:{len(key) + 10} defaults.{key}.1: {expected}"]


@pytest.mark.parametrize(
    "alarm",
    [
        "x",
        "x" * 255,
        "{function}",
        "{alias}*",
        "orders [5xx]",
        "[!a]*",
        "{function}-{environment}",
        "größe/?",
        "a\u00a0b",
        "[*]" * 255,
    ],
)
def test_alarms(tmp_path: Path, alarm: str) -> None:
    content = f"version: 1\ndefaults: {{alarms: ['{alarm}']}}\n{PROD % ''}"
    defaults = read(tmp_path, content).file.defaults
    assert defaults is not None
    assert defaults.alarms == [alarm]


NO_MOMENT = (
    "is not a time of the week, nor a local date and time | Write a day (Mon, Tue, Wed, Thu, Fri, Sat, Sun) and a "
    "time, like Fri 16:00, or 2026-12-20T00:00."
)


def freeze(**entry: str) -> str:
    written = {"name": "n", "from": "Fri 16:00", "to": "Mon 07:00", "timezone": "Europe/Berlin"} | entry
    lines = "".join(f"      {key}: {value}\n" for key, value in written.items())
    prod = "  prod:\n    account: '111122223333'\n    region: eu-central-1\n    freeze:\n    -\n"
    return f"version: 1\nenvironments:\n{prod}{lines}"


@pytest.mark.parametrize(
    "moment",
    ["Fri", "Fr 16:00", "Fri 24:00", "Fri 16:60", "Fri 16", "Fri 16:00:00", "Fri  16:00", "Fri ١٦:00", "16:00",
     "2026-12-20", "2026-02-29T00:00", "2026-12-20T24:00", "2026-12-20T00:00Z", "2026-12-20T00:00+01:00",
     "1999-12-31T00:00", "3000-01-01T00:00", "20261220T0000", "2026-W52-1", "next week"],
)  # fmt: skip
def test_a_moment_that_is_none(tmp_path: Path, moment: str) -> None:
    key = "from" if moment.startswith("Fri") else "to"
    line, column = (9, 13) if key == "from" else (10, 11)
    expected = f"{line}:{column} environments.prod.freeze.0.{key}: {moment!r} {NO_MOMENT}"
    assert mistakes(tmp_path, freeze(**{key: moment})) == [expected]


TWO_KINDS = "from and to are of two kinds | Write both as Fri 16:00, or both as 2026-12-20T00:00."
SAME = "from and to are the same: the window is empty, or has no end | Say when it ends."
USE_A_ZONE = "is not a time zone | Use a name like Europe/Berlin, or UTC."


@pytest.mark.parametrize(
    ("entry", "place", "what"),
    [
        ({"to": "2026-12-20T00:00"}, "8:7", f": {TWO_KINDS}"),
        ({"from": "2026-12-20T00:00"}, "8:7", f": {TWO_KINDS}"),
        ({"to": "friday 16:00"}, "8:7", f": {SAME}"),
        ({"from": "2026-12-20T00:00", "to": "2026-12-20 00:00"}, "8:7", f": {SAME}"),
        (
            {"from": "2026-12-20T00:00", "to": "2026-12-19T23:59"},
            "8:7",
            ": it ends before it begins | Exchange from and to.",
        ),
        (
            {"timezone": "Europe/Berln"},
            "11:17",
            ".timezone: 'Europe/Berln' is not a time zone | Did you mean Europe/Berlin?",
        ),
        ({"timezone": "utc"}, "11:17", ".timezone: 'utc' is not a time zone | Did you mean UTC?"),
        ({"timezone": "../../etc/passwd"}, "11:17", f".timezone: '../../etc/passwd' {USE_A_ZONE}"),
        ({"timezone": "''"}, "11:17", f".timezone: '' {USE_A_ZONE}"),
        ({"timezone": r'"a\0b"'}, "11:17", rf".timezone: 'a\x00b' {USE_A_ZONE}"),
        ({"timezone": "z" * 5000}, "11:17", f".timezone: '{'z' * 5000}' {USE_A_ZONE}"),
        ({"name": "''"}, "8:13", ".name: nothing is said here | Give it a value, or leave the key out."),
        ({"name": "x" * 101}, "8:13", ".name: string should have at most 100 characters"),
        ({"from": "1600"}, "9:13", ".from: expected text, found 1600 | Put it into quotes if it is meant as text."),
    ],
)
def test_freeze_that_is_none(tmp_path: Path, entry: dict[str, str], place: str, what: str) -> None:
    assert mistakes(tmp_path, freeze(**entry)) == [f"{place} environments.prod.freeze.0{what}"]


@pytest.mark.parametrize(
    "entry",
    [
        {"from": "FRIDAY 0:00", "to": "fri 00:01"},
        {"from": "Mon 07:00", "to": "Fri 16:00", "timezone": "UTC"},
        {"from": "2000-01-01 00:00", "to": "2099-12-31T23:59:59"},
        {"from": "2026-03-29T02:30", "to": "2026-03-29T02:31"},
        {"name": "'!'", "timezone": "Australia/Lord_Howe"},
    ],
)
def test_freeze(tmp_path: Path, entry: dict[str, str]) -> None:
    assert read(tmp_path, freeze(**entry)).file.version == 1


HOOK = "https://hooks.slack.com/services/T0/B0/xyz"
ONE_CHANNEL = "each entry tells exactly one of slack, sns and eventbridge | Make one entry of each."
HOOK_HINT = (
    "a webhook's URL is a secret and has no place in the file | Put it into an environment variable, and name that."
)
ARN_HINT = "is not the ARN of an SNS topic | Like arn:aws:sns:eu-central-1:111122223333:releases."


@pytest.mark.parametrize(
    ("entry", "column", "what"),
    [
        ("{eventbridge: {bus: a}, slack: {url-from-env: A}}", 10, f": {ONE_CHANNEL}"),
        ("{on: [held]}", 10, f": {ONE_CHANNEL}"),
        ("{}", 10, f": {ONE_CHANNEL}"),
        ("slack", 10, ": expected a mapping, found 'slack'"),
        (f"{{slack: {{url-from-env: '{HOOK}'}}}}", 33, f".slack.url-from-env: {HOOK_HINT}"),
        (f"{{slack: '{HOOK}'}}", 18, ".slack: expected a mapping, found a URL"),
        (f"'{HOOK}'", 10, ": expected a mapping, found a URL"),
        (
            f"{{slack: {{url-from-env: A, url: '{HOOK}'}}}}",
            36,
            ".slack.url: nothing is called 'url' here | What may be ",
        ),
        (
            "{slack: {url-from-env: 1A}}",
            33,
            ".slack.url-from-env: '1A' is not the name of an environment variable | Like",
        ),
        ("{sns: {topic: releases}}", 24, f".sns.topic: 'releases' {ARN_HINT}"),
        ("{eventbridge: {bus: ''}}", 30, ".eventbridge.bus: '' is not the name or ARN of an event bus | default is"),
        ("{eventbridge: {bus: b}, on: []}", 38, ".on: nothing is said here | Give it a value, or leave the key out."),
        ("{eventbridge: {bus: b}, on: held}", 38, ".on: expected a list, found 'held'"),
        ("{eventbridge: {bus: b}, on: [held, rolled_back]}", 45, ".on.1: expected 'started', 'held', 'rolled-back' or"),
    ],
)
def test_notify_that_is_none(tmp_path: Path, entry: str, column: int, what: str) -> None:
    (found,) = mistakes(tmp_path, f"version: 1\nnotify: [{entry}]")
    assert found.startswith(f"2:{column} notify.0{what}")
    assert "xyz" not in found
