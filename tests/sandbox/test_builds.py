"""The shop's builds: what each answers, what the broken ones fail on, and that a package is the same every time."""

from __future__ import annotations

import base64
import io
import json
import math
import random
import types
import zipfile
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.sandbox import events, traffic
from lambdaops.sandbox.builds import FUNCTIONS, builds_of, write_builds, zip_build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EVERY_BUILD = [(function, build) for function in FUNCTIONS for build in builds_of(function)]
# What the alarms are made for: twenty orders a second, a tenth of them to the candidate, periods of ten seconds.
ORDERS_A_PERIOD = 20 // 10 * 10


def load(function: str, build: str, waits: list[float] | None = None) -> Callable[[dict[str, Any]], Any]:
    """The handler out of its package, as Lambda loads it; its waiting is written down instead."""
    with zipfile.ZipFile(io.BytesIO(zip_build(function, build))) as package:
        source = package.read("app.py")
    names: dict[str, Any] = {}
    exec(compile(source, f"{function}/{build}.py", "exec"), names)  # noqa: S102
    if waits is not None:
        names["time"] = types.SimpleNamespace(sleep=waits.append)
    handler = names["handler"]
    return lambda event: json.loads(json.dumps(handler(event, None)))  # Lambda sends JSON


def many(function: str, count: int = 2_000) -> list[dict[str, Any]]:
    chance = random.Random(7)
    return [events.event(function, chance) for _ in range(count)]


def body_of(event: dict[str, Any]) -> dict[str, Any]:
    text = base64.b64decode(event["body"]).decode() if event["isBase64Encoded"] else event["body"]
    body: dict[str, Any] = json.loads(text)
    return body


def fails(handler: Callable[[dict[str, Any]], Any], event: dict[str, Any]) -> bool:
    try:
        handler(event)
    except (AttributeError, KeyError, TypeError, ValueError):
        return True
    return False


def test_each_function_has_the_builds_the_story_needs() -> None:
    assert set(builds_of("orders")) == {"v1", "good", "broken", "slow"}
    assert set(builds_of("invoices")) == {"v1", "good", "broken"}
    assert set(builds_of("nightly")) == {"v1", "good"}


@pytest.mark.parametrize(("function", "build"), EVERY_BUILD)
def test_every_build_passes_with_the_sample_event(function: str, build: str) -> None:
    answer = load(function, build)(events.SAMPLE[function])
    match function:
        case "orders":
            assert answer["statusCode"] == 200
            assert json.loads(answer["body"])["total_cents"] == 960
        case "invoices":
            assert answer == {"batchItemFailures": []}
        case _:
            assert answer["report"] == "2026-11-23"


@pytest.mark.parametrize(("function", "build"), [pair for pair in EVERY_BUILD if pair[1] != "broken"])
def test_every_build_but_the_broken_passes_with_every_shape(function: str, build: str) -> None:
    handler = load(function, build, waits=[])
    for event in many(function, 500):
        answer = handler(event)
        assert function != "orders" or answer["statusCode"] == 200


def test_the_builds_of_orders_agree_on_what_it_costs() -> None:
    handlers = [load("orders", build, waits=[]) for build in ("v1", "good", "slow")]
    for event in many("orders", 200):
        totals = {json.loads(handler(event)["body"])["total_cents"] for handler in handlers}
        assert len(totals) == 1


def test_a_coupon_and_a_missing_one_are_both_understood() -> None:
    handler = load("orders", "v1")
    with_coupon, without = (
        next(event for event in many("orders") if bool(body_of(event)["coupon"]) is wanted) for wanted in (True, False)
    )
    for event, discount in ((with_coupon, 300), (without, 0)):
        full = sum(item["price_cents"] * item["quantity"] for item in body_of(event)["items"])
        assert json.loads(handler(event)["body"])["total_cents"] == full - discount


def test_good_adds_the_tax_that_is_in_the_price() -> None:
    body = json.loads(load("orders", "good")(events.SAMPLE["orders"])["body"])
    assert body["tax_cents"] == 153


def test_the_broken_orders_fail_for_guests_and_for_nobody_else() -> None:
    handler = load("orders", "broken")
    for event in many("orders", 500):
        guest = not (body_of(event)["customer"] or {}).get("email")
        assert fails(handler, event) is guest


def test_the_broken_orders_fail_often_enough_for_the_alarm() -> None:
    handler = load("orders", "broken")
    share = sum(fails(handler, event) for event in many("orders")) / 2_000
    assert 0.30 <= share <= 0.40
    # orders-errors: more than two failures in a period.
    quiet = sum(
        math.comb(ORDERS_A_PERIOD, count) * share**count * (1 - share) ** (ORDERS_A_PERIOD - count)
        for count in range(3)
    )
    assert 1 - quiet > 0.95


def test_the_slow_orders_wait_often_enough_for_the_alarm_and_fit_into_the_crowd() -> None:
    waits: list[float] = []
    handler = load("orders", "slow", waits)
    for event in many("orders"):
        handler(event)
    share = len(waits) / 2_000
    assert set(waits) == {1.2}  # orders-latency: p90 above 0.8 s
    assert share > 0.2
    assert 20 * share * 1.2 < traffic.IN_FLIGHT * 0.75


def test_unreadable_invoices_are_reported_and_the_others_of_the_batch_booked() -> None:
    batch = {
        "Records": [
            {"messageId": "good", "body": '{"number": "i-1", "amount_cents": 5}'},
            {"messageId": "torn", "body": '{"number": '},
            {"messageId": "list", "body": "[1]"},
            {"messageId": "bare", "body": '{"number": "i-2"}'},
        ]
    }
    for build in ("v1", "good"):
        failed = load("invoices", build)(batch)["batchItemFailures"]
        assert [item["itemIdentifier"] for item in failed] == ["torn", "list", "bare"]


def test_the_better_invoices_book_credit_notes() -> None:
    batch = {"Records": [{"messageId": "m", "body": '{"number": "c-1", "amount_cents": -5, "vat_id": "de1"}'}]}
    assert load("invoices", "v1")(batch)["batchItemFailures"] == [{"itemIdentifier": "m"}]
    assert load("invoices", "good")(batch)["batchItemFailures"] == []


def test_the_broken_invoices_fail_for_private_customers() -> None:
    batch = {"Records": [{"messageId": "m", "body": '{"number": "i-1", "amount_cents": 5}'}]}
    with pytest.raises(KeyError):
        load("invoices", "broken")(batch)


# -- packages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("function", "build"), EVERY_BUILD)
def test_a_package_says_nothing_of_when_and_where_it_was_packed(function: str, build: str) -> None:
    assert zip_build(function, build) == zip_build(function, build)
    with zipfile.ZipFile(io.BytesIO(zip_build(function, build))) as package:
        (app,) = package.infolist()
    assert (app.filename, app.date_time, app.create_system) == ("app.py", (1980, 1, 1, 0, 0, 0), 3)
    assert app.compress_type == zipfile.ZIP_STORED


def test_lambda_may_read_what_it_unpacks() -> None:
    with zipfile.ZipFile(io.BytesIO(zip_build("orders", "v1"))) as package:
        assert package.getinfo("app.py").external_attr >> 16 & 0o777 == 0o644


def test_no_two_builds_are_the_same() -> None:
    assert not [package for package, count in Counter(zip_build(*pair) for pair in EVERY_BUILD).items() if count > 1]


def test_every_build_is_written_where_a_release_finds_it(tmp_path: Path) -> None:
    directory = write_builds(tmp_path / "builds")
    assert {path.name for path in directory.iterdir()} == {f"{name}-{build}.zip" for name, build in EVERY_BUILD}
    assert (directory / "orders-broken.zip").read_bytes() == zip_build("orders", "broken")


def test_a_package_on_disk_is_left_alone_and_a_damaged_one_replaced(tmp_path: Path) -> None:
    write_builds(tmp_path)
    whole, torn = tmp_path / "orders-good.zip", tmp_path / "orders-slow.zip"
    before = whole.stat().st_ino, whole.stat().st_mtime_ns
    torn.write_bytes(torn.read_bytes()[:10])
    write_builds(tmp_path)
    assert (whole.stat().st_ino, whole.stat().st_mtime_ns) == before
    assert torn.read_bytes() == zip_build("orders", "slow")
