"""Which aliases are split, and who accounts for each: a live process, this machine's journal, or nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import AccessDeniedError, CredentialsExpiredError, NotFoundError, ThrottledError
from lambdaops.core.events import Closed, Decided, Opened
from lambdaops.core.model import Actor, Routing
from lambdaops.core.notices import Notice, Progress, Warned
from lambdaops.core.plan import Plan, Stage
from lambdaops.core.reports import Standing
from lambdaops.core.states import Baking, Cause, Held, Outcome
from lambdaops.ops.scan import all_aliases, scan
from lambdaops.ports import Lease
from tests.sim.clock import START, SimClock
from tests.sim.inventory import PREFIX, SimInventory
from tests.sim.journal import SimJournals

if TYPE_CHECKING:
    from lambdaops.core.states import State

SPLIT = Routing("1", "2", 1_000)
STAGES = (Stage(1_000, timedelta(minutes=5)), Stage(10_000, timedelta(minutes=5)))
BAKING = Baking(0, START, START, START)
ACTOR = Actor("arn:aws:iam::111122223333:user/ada", "laptop")
LEASE = Lease(4711, "ci-7", START, "r-1", START, live=True)
ARN = f"{PREFIX}:orders:live"


@dataclass
class Leased(SimJournals):
    """Journals whose drivers are said outright."""

    leases: dict[str, Lease] = field(default_factory=dict)

    def driver(self, arn: str) -> Lease | None:
        return self.leases.get(arn)


@dataclass
class Told:
    notices: list[Notice] = field(default_factory=list)

    def emit(self, notice: Notice) -> None:
        self.notices.append(notice)


def opened(journals: SimJournals, state: State = BAKING, at: datetime = START) -> None:
    """A release of orders:live from 1 to 2 that came as far as this."""
    journal = journals.open(ARN)
    journal.append(at, "r-1", ACTOR, Opened(Plan("1", "2", STAGES, "canary"), "rev", ()))
    journal.append(at, "r-1", ACTOR, Decided(state, "because"))


def one(journals: SimJournals, routing: Routing = SPLIT) -> tuple[str, str, str, str | None]:
    (found,) = scan(SimInventory({"orders": {"live": routing}}), journals, SimClock(), Told())
    assert (found.target, found.arn, found.routing) == ("orders:live", ARN, routing)
    return found.standing.value, found.detail, found.next_step, found.release


# -- who accounts for it -----------------------------------------------------------------------------------------------


def test_a_live_driver_accounts_for_it() -> None:
    journals = Leased(leases={ARN: LEASE})
    opened(journals)
    expected = "driven by pid 4711 on ci-7 since 2026-11-23T03:00:00Z"
    assert one(journals) == ("driven", expected, "lambdaops status orders:live --watch", "r-1")


def test_a_live_driver_without_a_note() -> None:
    lease = Lease(0, "", None, "", None, live=True)
    assert one(Leased(leases={ARN: lease}))[:2] == ("driven", "driven by a process that left no note")


def test_a_held_release_waits_for_a_person() -> None:
    journals = Leased()
    opened(journals, Held("Ctrl-C", Cause.INTERRUPTED, BAKING))
    standing, detail, step, release = one(journals)
    assert (standing, release) == ("held", "r-1")
    assert detail == "held (interrupted): Ctrl-C"
    assert step == "lambdaops resume orders:live, or lambdaops rollback orders:live"


@pytest.mark.parametrize(
    ("lease", "end"),
    [
        (None, ""),
        (Lease(4711, "ci-7", START, "r-1", START, live=False), ": pid 4711 on ci-7 since 2026-11-23T03:00:00Z died"),
    ],
)
def test_a_release_whose_process_died_is_abandoned(lease: Lease | None, end: str) -> None:
    journals = Leased(leases={ARN: lease} if lease else {})
    opened(journals)
    standing, detail, step, _ = one(journals)
    assert (standing, detail) == ("abandoned", f"baking stage 1, and no process drives it{end}")
    assert "lambdaops resume orders:live" in step


def test_a_split_nobody_here_knows_of() -> None:
    standing, detail, step, release = one(Leased())
    assert (standing, release) == ("unaccounted", None)
    assert detail == "no release of this machine accounts for it"
    assert step == "lambdaops status orders:live, then lambdaops rollback orders:live"


def test_a_finished_release_accounts_for_nothing() -> None:
    journals = Leased()
    opened(journals)
    journals.open(ARN).append(START, "r-1", ACTOR, Closed(Outcome.PROMOTED, "done"))
    assert one(journals)[0] == "unaccounted"


@pytest.mark.parametrize("routing", [Routing("1", "2", 2_500), Routing("2", "1", 1_000), Routing("1", "3", 1_000)])
def test_an_open_release_does_not_account_for_another_split(routing: Routing) -> None:
    journals = Leased()
    opened(journals)
    standing, detail, _, release = one(journals, routing)
    assert (standing, release) == ("unaccounted", "r-1")
    assert "not what a stage of its plan writes" in detail


def test_a_damaged_journal_is_an_answer() -> None:
    journals = Leased()
    journals.open(ARN).tampered = True
    standing, detail, step, _ = one(journals)
    assert (standing, detail) == ("unreadable", "orders.jsonl line 3 was changed")
    assert step == "lambdaops audit verify orders:live"


def test_a_live_driver_counts_although_the_journal_is_damaged() -> None:
    journals = Leased(leases={ARN: LEASE})
    journals.open(ARN).tampered = True
    assert one(journals)[0] == "driven"


# -- the whole account -------------------------------------------------------------------------------------------------


def test_only_split_aliases_in_order_of_function_and_alias() -> None:
    inventory = SimInventory(
        {
            "carts": {"live": Routing("7")},
            "z": {"live": SPLIT},
            "b": {"live": SPLIT, "beta": SPLIT, "old": Routing("1")},
            "none": {},
        }
    )
    found = scan(inventory, Leased(), SimClock(), Told())
    assert [item.target for item in found] == ["b:beta", "b:live", "z:live"]
    assert {item.standing for item in found} == {Standing.UNACCOUNTED}


def test_an_empty_account() -> None:
    clock, told = SimClock(), Told()
    assert scan(SimInventory(), Leased(), clock, told) == ()
    assert clock.slept == []
    assert [notice.message for notice in told.notices if isinstance(notice, Progress)] == [
        "looking at the aliases of 0 functions"
    ]


def many(count: int) -> SimInventory:
    return SimInventory({f"f{number:04}": {"live": Routing("1")} for number in range(count)})


@pytest.mark.parametrize(("count", "pauses"), [(1, 0), (10, 0), (11, 1), (20, 1), (21, 2), (500, 49)])
def test_ten_functions_a_second(count: int, pauses: int) -> None:
    """Lambda's control plane gives the whole account 15 requests a second; a rollback needs some of them."""
    clock, inventory = SimClock(), many(count)
    assert len(all_aliases(inventory, list(inventory.functions()), clock, Told())[0]) == count
    assert clock.slept == [timedelta(seconds=1)] * pauses
    assert sorted(inventory.asked) == sorted(inventory.routings)
    assert inventory.together <= 4


def test_a_clock_that_is_set_back_prolongs_nothing() -> None:
    clock, inventory = SimClock(), many(20)
    inventory.on_call = lambda function: clock.step_back(3600 if function == "f0003" else 0)
    all_aliases(inventory, list(inventory.functions()), clock, Told())
    assert clock.slept == [timedelta(seconds=1)]


def test_slow_answers_are_not_slowed_further() -> None:
    clock, inventory = SimClock(), many(20)
    inventory.on_call = lambda _: clock.step_back(-0.2)
    all_aliases(inventory, list(inventory.functions()), clock, Told())
    assert clock.slept == []


def test_a_long_scan_tells_how_far_it_is() -> None:
    told = Told()
    scan(many(250), Leased(), SimClock(), told)
    assert [notice.message for notice in told.notices if isinstance(notice, Progress)] == [
        "looking at the aliases of 250 functions",
        "looked at 100 of 250 functions",
        "looked at 200 of 250 functions",
    ]


def test_a_function_deleted_meanwhile_is_no_error() -> None:
    inventory = SimInventory({"gone": {"live": SPLIT}, "orders": {"live": SPLIT}}, errors={"gone": NotFoundError("no")})
    assert [item.target for item in scan(inventory, Leased(), SimClock(), Told())] == ["orders:live"]


def denied(name: str) -> AccessDeniedError:
    return AccessDeniedError(f"could not list the aliases of {name}", hint="Needs lambda:ListAliases.", target=name)


def test_functions_that_may_not_be_read_are_named() -> None:
    names = [f"secret{number}" for number in range(7)]
    inventory = SimInventory(
        {**{name: {"live": SPLIT} for name in names}, "orders": {"live": SPLIT}},
        errors={name: denied(name) for name in names},
    )
    told = Told()
    assert [item.target for item in scan(inventory, Leased(), SimClock(), told)] == ["orders:live"]
    (warned,) = [notice for notice in told.notices if isinstance(notice, Warned)]
    assert warned.message == (
        "the aliases of secret0, secret1, secret2, secret3, secret4 and 2 more functions could not be read"
    )
    assert warned.hint == "Needs lambda:ListAliases."


def test_no_function_may_be_read() -> None:
    inventory = SimInventory({"a": {}, "b": {}}, errors={"a": denied("a"), "b": denied("b")})
    with pytest.raises(AccessDeniedError, match="aliases of a"):
        scan(inventory, Leased(), SimClock(), Told())


@pytest.mark.parametrize("error", [ThrottledError("slow down"), CredentialsExpiredError("expired")])
def test_any_other_failure_ends_the_scan_at_once(error: ThrottledError | CredentialsExpiredError) -> None:
    inventory = many(100)
    inventory.errors["f0004"] = error
    with pytest.raises(type(error)):
        scan(inventory, Leased(), SimClock(), Told())
    assert len(inventory.asked) <= 10


def test_functions_may_not_be_listed() -> None:
    with pytest.raises(AccessDeniedError):
        scan(SimInventory(errors={"": denied("")}), Leased(), SimClock(), Told())
