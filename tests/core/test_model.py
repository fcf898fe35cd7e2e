"""Targets, versions and routings as people write and read them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.errors import ExitCode, InvalidTargetError, InvalidVersionError, NotFoundError, UsageError
from lambdaops.core.model import (
    FULL,
    Alias,
    Routing,
    Target,
    parse_function,
    parse_version,
    percent,
    require_account,
)

ARN = "arn:aws:lambda:eu-central-1:111122223333:function:orders:live"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("orders:live", Target("orders", "live")),
        ("or-der_S9:Live-1_b", Target("or-der_S9", "Live-1_b")),
        ("f:a", Target("f", "a")),
        ("1:1a", Target("1", "1a")),
        ("f" * 64 + ":" + "a" * 128, Target("f" * 64, "a" * 128)),
        (ARN, Target("orders", "live", "eu-central-1", "111122223333")),
        (ARN.replace("arn:aws:", "arn:aws-cn:"), Target("orders", "live", "eu-central-1", "111122223333")),
        (
            "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:orders:live",
            Target("orders", "live", "us-gov-west-1", "111122223333"),
        ),
    ],
)
def test_a_target_is_read(text: str, target: Target) -> None:
    assert Target.parse(text) == target
    assert str(Target.parse(text)) == f"{target.function}:{target.alias}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no alias"),
        ("orders", "names no alias"),
        ("orders:", "names no alias"),
        (":live", "cannot be a function name"),
        ("orders:$LATEST", r"names \$LATEST, which is not an alias"),
        ("orders:7", "names version 7, not an alias"),
        ("orders:live:extra", "cannot be an alias name"),
        ("orders:live ", "cannot be an alias name"),
        (" orders:live", "cannot be a function name"),
        ("orders:li ve", "cannot be an alias name"),
        ("orders:live\n", "cannot be an alias name"),
        ("orders:7\n", "cannot be an alias name"),
        ("orders\n:live", "cannot be a function name"),
        ("orders:live;rm -rf /", "cannot be an alias name"),
        ("../orders:live", "cannot be a function name"),
        ("\u00f3rders:live", "cannot be a function name"),
        ("orders:\u00b2", "not an alias"),
        ("orders:$LATEST.PUBLISHED", "cannot be an alias name"),
        ("f" * 65 + ":live", "cannot be a function name"),
        ("orders:" + "a" * 129, "cannot be an alias name"),
        ("111122223333:function:orders:live", "cannot be an alias name"),
        (ARN.removesuffix(":live"), "is not an alias ARN"),
        (ARN.replace(":live", ":$LATEST"), r"names \$LATEST"),
        (ARN.replace(":live", ":7"), "names version 7"),
        (ARN.replace("live", ""), "is not an alias ARN"),
        (ARN + ":x", "is not an alias ARN"),
        (ARN + "\n", "cannot be an alias name"),
        (ARN.replace("111122223333", "1111"), "is not an alias ARN"),
        (ARN.replace("lambda", "s3"), "is not an alias ARN"),
        (ARN.replace("arn:aws:", "arn:gcp:"), "is not an alias ARN"),
        ("arn:aws:lambda", "is not an alias ARN"),
        ("arn:", "is not an alias ARN"),
    ],
)
def test_anything_else_is_no_target(text: str, message: str) -> None:
    with pytest.raises(InvalidTargetError, match=message) as caught:
        Target.parse(text)
    assert caught.value.hint
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_version_given_as_the_alias_is_sent_to_the_option_it_belongs_to() -> None:
    with pytest.raises(InvalidTargetError) as caught:
        Target.parse("orders:41")
    assert caught.value.hint == "Name the alias, for instance orders:live, and pass --to 41."


def tried(text: str) -> Target | UsageError:
    try:
        return Target.parse(text)
    except UsageError as error:
        return error


@given(st.text(max_size=40) | st.text("arn:aws-lmbd0123456789$LATES_", max_size=60))
def test_any_text_is_a_target_of_harmless_names_or_a_usage_error(text: str) -> None:
    target = tried(text)
    if isinstance(target, UsageError):
        assert "\n" not in target.message, "hostile text stays on one line"
        return
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}:[a-zA-Z0-9_-]{1,128}", str(target))


@pytest.mark.parametrize("text", ["orders", "f" * 64, "A-1_b"])
def test_a_function_name_is_given_back(text: str) -> None:
    assert parse_function(text) == text


@pytest.mark.parametrize(
    "text", ["", "orders:live", "orders ", "orders\n", "f" * 65, ARN, ARN.removesuffix(":live"), "\u00f6rders", "$(id)"]
)
def test_a_function_is_named_without_alias_or_arn(text: str) -> None:
    with pytest.raises(InvalidTargetError, match="is not a function name"):
        parse_function(text)


@pytest.mark.parametrize("text", ["1", "42", "9999999999"])
def test_a_version_number_is_given_back(text: str) -> None:
    assert parse_version(text) == text


@pytest.mark.parametrize(
    "text", ["", "0", "007", "-1", "+1", "1.0", "1 ", "1\n", "live", "v1", "\u0663", "12345678901", "1e3", "0x1"]
)
def test_anything_else_is_no_version(text: str) -> None:
    with pytest.raises(InvalidVersionError, match="is not the number of a published version"):
        parse_version(text)


def test_latest_cannot_be_released() -> None:
    with pytest.raises(InvalidVersionError, match=r"\$LATEST cannot be released") as caught:
        parse_version("$LATEST")
    assert "lambdaops publish" in caught.value.hint


@pytest.mark.parametrize(
    ("weight", "text"), [(0, "0 %"), (1, "0.01 %"), (25, "0.25 %"), (250, "2.5 %"), (3_333, "33.33 %"), (FULL, "100 %")]
)
def test_a_weight_is_written_in_per_cent(weight: int, text: str) -> None:
    assert percent(weight) == text


@pytest.mark.parametrize(
    ("routing", "text", "versions"),
    [
        (Routing("7"), "7", {"7"}),
        (Routing("7", "8", 1_000), "7 90 % + 8 10 %", {"7", "8"}),
        (Routing("7", "8", 1), "7 99.99 % + 8 0.01 %", {"7", "8"}),
        (Routing("7", "8", 0), "7 100 % + 8 0 %", {"7", "8"}),
    ],
)
def test_a_routing_is_written_with_both_shares(routing: Routing, text: str, versions: set[str]) -> None:
    assert str(routing) == text
    assert routing.versions == versions


@pytest.mark.parametrize(
    ("routing", "version", "share"),
    [
        (Routing("7"), "7", FULL),
        (Routing("7"), "8", 0),
        (Routing("7", "8", 250), "7", 9_750),
        (Routing("7", "8", 250), "8", 250),
        (Routing("7", "8", 250), "9", 0),
    ],
)
def test_shares_add_up_to_all_traffic(routing: Routing, version: str, share: int) -> None:
    assert routing.share(version) == share
    assert sum(routing.share(number) for number in routing.versions) == FULL


def test_an_alias_of_another_account_is_refused() -> None:
    alias = Alias(ARN, Routing("1"), "rev-1")
    require_account(Target("orders", "live"), alias)
    require_account(Target.parse(ARN), alias)
    with pytest.raises(NotFoundError, match=r"in account 999999999999 was asked for, .* are for account 111122223333"):
        require_account(Target.parse(ARN.replace("111122223333", "999999999999")), alias)
