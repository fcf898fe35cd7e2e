"""What an account has that could be released: which alias, which alarms, and what cannot be."""

from __future__ import annotations

import pytest

from lambdaops.core.errors import AccessDeniedError
from lambdaops.core.model import Routing
from lambdaops.core.survey import FoundAlarm, FoundTarget, Skipped, Survey, choose_alias
from lambdaops.ops.survey import survey
from lambdaops.ports import AlarmLink
from tests.ops.test_scan import Told
from tests.sim.clock import SimClock
from tests.sim.inventory import SimInventory
from tests.sim.world import World

ONE = Routing("1")


def found(inventory: SimInventory) -> Survey:
    return survey(inventory, World(), SimClock(), Told())


def orders(*links: AlarmLink, **aliases: Routing) -> FoundTarget:
    (target,) = found(SimInventory({"orders": aliases or {"live": ONE}}, links)).targets
    assert target.function == "orders"
    return target


def test_account_and_region_are_pinned() -> None:
    survey = found(SimInventory())
    assert survey == Survey("account 111122223333 in eu-central-1", "111122223333", "eu-central-1")


def test_functions_without_alias_are_skipped_and_named() -> None:
    survey = found(SimInventory({"z": {"live": ONE}, "b": {}, "a": {"live": ONE}}))
    assert [target.function for target in survey.targets] == ["a", "z"]
    assert survey.skipped == (Skipped("b", "has no alias: callers run $LATEST, and there is no traffic to shift"),)


def test_functions_that_may_not_be_read_are_skipped_and_named() -> None:
    error = AccessDeniedError("no", target="b")
    survey = found(SimInventory({"a": {"live": ONE}, "b": {"live": ONE}}, errors={"b": error}))
    assert survey.skipped == (Skipped("b", "its aliases may not be read with these credentials"),)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("live",), "live"),
        (("beta", "live", "prod"), "live"),
        (("beta", "prod"), "prod"),
        (("current", "old"), "current"),
        (("green", "blue"), "blue"),
    ],
)
def test_the_alias_that_most_likely_serves_customers(names: tuple[str, ...], chosen: str) -> None:
    assert choose_alias(names) == chosen
    assert orders(**dict.fromkeys(names, ONE)).alias == chosen


@pytest.mark.parametrize(
    ("aliases", "notes"),
    [
        ({"live": ONE}, ()),
        ({"live": ONE, "b": ONE, "a": ONE}, ("its other aliases: a, b",)),
        (
            {"live": Routing("$LATEST")},
            ("live points at $LATEST: point it at a published version before the first release",),
        ),
        ({"live": Routing("1", "2", 1000)}, ("live is split now: 1 90 % + 2 10 %",)),
    ],
)
def test_what_must_be_known_of_an_alias(aliases: dict[str, Routing], notes: tuple[str, ...]) -> None:
    assert orders(**aliases).notes == notes


@pytest.mark.parametrize(
    ("links", "alarms"),
    [
        ([], []),
        ([AlarmLink("b", "orders"), AlarmLink("a", "orders", "live")], [FoundAlarm("a"), FoundAlarm("b")]),
        ([AlarmLink("a", "carts")], []),
        ([AlarmLink("a", "orders", "beta")], [FoundAlarm("a", "measures beta", usable=False)]),
        ([AlarmLink("a", "orders", "3")], [FoundAlarm("a", "measures 3", usable=False)]),
        ([AlarmLink("a", "orders", "beta"), AlarmLink("a", "orders", "live")], [FoundAlarm("a")]),
        ([AlarmLink("a", "orders", "live"), AlarmLink("a", "orders", "z")], [FoundAlarm("a")]),
        (
            [AlarmLink("TargetTracking-function:orders:live-AlarmHigh-1", "orders", "live")],
            [
                FoundAlarm(
                    "TargetTracking-function:orders:live-AlarmHigh-1",
                    "drives auto scaling, says nothing of health",
                    usable=False,
                )
            ],
        ),
    ],
)
def test_alarms(links: list[AlarmLink], alarms: list[FoundAlarm]) -> None:
    assert list(orders(*links).alarms) == alarms


def test_alarms_that_may_not_be_listed_end_it() -> None:
    """Written without its alarms, the file would promise less than the account has."""
    with pytest.raises(AccessDeniedError):
        found(SimInventory(errors={"alarms": AccessDeniedError("no")}))
